"""API: the HTTP API, GET only."""
