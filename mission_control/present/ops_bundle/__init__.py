"""Ops bundle: what a pre- or post-market run keeps, as files for people (facts, h)."""
