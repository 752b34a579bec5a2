"""Observe: reads Kubernetes with GET alone, on an allow-list of paths."""
