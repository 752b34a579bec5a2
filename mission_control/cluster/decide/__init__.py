"""What the cluster's objects mean: ownership, modes, execution, agreement."""
