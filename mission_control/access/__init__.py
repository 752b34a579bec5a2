"""Who asks, what they may read, and how often."""
