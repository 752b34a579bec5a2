"""Floors of floors: what other Mission Controls say of the floors that they watch."""
