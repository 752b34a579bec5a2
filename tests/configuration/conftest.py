"""Fleet and configuration files as tests write them."""

from collections.abc import Callable
from pathlib import Path
from textwrap import dedent

import pytest

Written = Callable[..., Path]

SMALLEST_FLEET = """\
agents:
  - agent_name: marketdata
    service_dns: http://marketdata.floor.svc.cluster.local
    kind: marketdata
"""


@pytest.fixture
def write(tmp_path) -> Written:
    """Write a file below a temporary folder and return its path."""

    def writing(text: str | bytes, name: str = "fleet.yaml") -> Path:
        path = tmp_path / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(text if isinstance(text, bytes) else dedent(text).encode())
        return path

    return writing


@pytest.fixture
def fleet_file(write) -> Path:
    """Write the smallest fleet file that can be used."""
    return write(SMALLEST_FLEET)
