"""The floor as documents."""
