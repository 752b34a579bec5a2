"""How much of the record is kept; nothing is ever deleted."""
