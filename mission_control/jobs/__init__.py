"""Jobs: use cases: observe, decide, record, tell."""
