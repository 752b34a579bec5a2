"""The checks, one subject per file, unaware of each other."""
