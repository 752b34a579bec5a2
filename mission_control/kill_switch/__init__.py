"""The kill switch: three values, many sources."""
