"""Fixtures: a real S3-compatible server."""

from tests.s3_server import credentials, s3_server

__all__ = ["credentials", "s3_server"]
