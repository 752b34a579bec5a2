"""The fleet's repository: read, never obeyed."""
