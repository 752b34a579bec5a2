"""Fixtures: a certificate, as the probe's tests have it."""

from tests.probe.conftest import certificate

__all__ = ["certificate"]
