"""How services were over time, and whether a root and a history remember the same."""
