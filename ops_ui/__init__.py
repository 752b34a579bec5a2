"""The operator's pages: a separate process that knows Mission Control only through its HTTP API."""
