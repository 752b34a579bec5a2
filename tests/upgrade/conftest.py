"""Fixtures: a real PostgreSQL for histories that are put back."""

from tests.history.conftest import postgres

__all__ = ["postgres"]
