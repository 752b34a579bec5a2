"""Decide: pure decisions about values and now."""
