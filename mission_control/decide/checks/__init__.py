"""Decide: the checks of readiness, one subject per module; none knows of another."""
