"""What is deployed, how healthy it is, and what changed."""
