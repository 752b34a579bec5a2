"""The rules of the status contract, one subject per file."""
