"""The runbooks that explain each code."""
