"""Real parts that a machine may not have: an API server, PostgreSQL, Chromium, mounting a disk."""

import os
from typing import NoReturn

import pytest

VARIABLE = "MISSION_CONTROL_REQUIRE_REAL_PARTS"
REQUIRED = bool(os.environ.get(VARIABLE))
"""Whether every real part has been promised. Read once: `tests/conftest.py` then takes the variable
out of the environment, where each command that a test runs would name it as no setting of ours."""


def lacking(what: str) -> NoReturn:
    """Skip with the reason, or fail where every real part has been promised (CI)."""
    if REQUIRED:
        pytest.fail(f"{what}, though every real part is required")
    pytest.skip(what)
