"""Simulation: a trading floor that can be hurt."""
