"""What was read of Kubernetes, as values."""
