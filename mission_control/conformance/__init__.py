"""Whether a service keeps the status contract, rule by rule."""
