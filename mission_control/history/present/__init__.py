"""History as documents."""
