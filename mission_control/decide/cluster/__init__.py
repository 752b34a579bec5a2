"""Decide: what the cluster states about the floor, and what it proves."""
