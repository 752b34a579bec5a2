"""Configuration: environment and files to validated settings, once, at start."""
