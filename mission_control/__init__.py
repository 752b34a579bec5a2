"""Mission Control: a read-only, fail-closed operations control plane for trading fleets."""
