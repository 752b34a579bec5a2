"""Market calendar: when the market trades; a leaf that knows nothing of the fleet."""
