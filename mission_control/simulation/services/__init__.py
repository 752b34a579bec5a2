"""Simulation: the fleet's services, each answering as the real one does."""
