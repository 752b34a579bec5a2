"""Simulation: the Kubernetes API of the simulated floor, which can be hurt as well."""
