"""Decide: the last known good: what of a namespace can be put back, and whether it was good."""
