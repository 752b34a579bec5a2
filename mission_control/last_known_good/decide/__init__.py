"""Manifest, pinning, qualification and comparison of captures."""
