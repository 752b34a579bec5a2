"""What a deploy report says of each workload, and what changed between two."""
