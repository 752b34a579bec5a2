"""The configuration in force as a record."""
