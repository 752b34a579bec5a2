"""Model: what was read of the Kubernetes cluster, kept to the fields that somebody needs."""
