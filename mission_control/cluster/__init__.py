"""The Kubernetes edge, and what is read there means."""
