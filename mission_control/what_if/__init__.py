"""The floor decided again with something changed, so that its rules can be tried."""
