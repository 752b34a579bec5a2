"""What is to be copied, and whether the copy is what was recorded."""
