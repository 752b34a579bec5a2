"""What was read of the cluster, as documents."""
