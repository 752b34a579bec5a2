"""Decide: the rules of the status contract, by subject; each explains what it finds."""
