"""Simulation: the named scenarios, as data."""
