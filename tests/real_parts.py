"""Real parts that a machine may not have: an API server, PostgreSQL, Chromium, mounting a disk."""

import os
from typing import NoReturn

import pytest


def lacking(what: str) -> NoReturn:
    """Skip with the reason, or fail where every real part has been promised (CI)."""
    if os.environ.get("MISSION_CONTROL_REQUIRE_REAL_PARTS"):
        pytest.fail(f"{what}, though every real part is required")
    pytest.skip(what)
