"""The only way to the API server: GET on known paths, bounded and redacted."""
