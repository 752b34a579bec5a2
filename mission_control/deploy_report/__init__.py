"""What is deployed, how it fares, and what changed."""
