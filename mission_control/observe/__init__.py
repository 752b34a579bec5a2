"""Observe: edges that read the world."""
