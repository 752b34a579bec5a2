"""Abuse: each test that the page on security names as proof is there."""

import re
from pathlib import Path

ROOT = Path(__file__).parents[2]
PAGE = (ROOT / "docs" / "security.md").read_text()
NAMED = re.findall(r"`(tests/[\w/.]+)(?:::(\w+))?`", PAGE)


def test_each_test_that_is_named_is_there():
    """A threat whose proof was renamed or removed is a threat without one."""
    missing = [
        f"{file}::{test}"
        for file, test in NAMED
        if not (ROOT / file).exists() or (test and f"def {test}(" not in (ROOT / file).read_text())
    ]

    assert [] == missing
    assert len(NAMED) > 35
