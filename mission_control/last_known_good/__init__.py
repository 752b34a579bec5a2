"""The last known good: a namespace as it ran, captured, qualified and compared."""
