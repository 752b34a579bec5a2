"""
Ports for the processes that tests start.

A port that is asked of the system and given back may be some connection's own a moment later.
These lie below the ones that connections take, and no test process is given another's.
"""

import itertools
import os
import socket
import subprocess
import time
from collections.abc import Iterator
from contextlib import ExitStack
from typing import Any

import pytest

PATIENCE_SECONDS = 60
FIRST, EACH, WORKERS = 12_000, 1_900, 10
"""Up to 31,000; connections take 32,768 and higher (`ip_local_port_range`)."""


def _round_and_round() -> Iterator[int]:
    worker = int(os.environ.get("PYTEST_XDIST_WORKER", "gw0").removeprefix("gw")) % WORKERS
    begin = os.getpid() * 37 % EACH  # two runs on one machine begin apart
    for step in itertools.count():
        yield FIRST + worker * EACH + (begin + step) % EACH


_NEXT = _round_and_round()


def free_ports(count: int) -> int:
    """Return the first of `count` consecutive free ports, none of them returned before."""
    for _ in range(EACH):
        ports = [next(_NEXT) for _ in range(count)]
        if ports[-1] - ports[0] == count - 1 and all(map(_is_free, ports)):
            return ports[0]
    return pytest.fail("there are no free ports")


def _is_free(port: int) -> bool:
    with ExitStack() as stack:
        try:
            stack.enter_context(socket.socket()).bind(("127.0.0.1", port))
        except OSError:
            return False
    return True


def wait_for_port(process: subprocess.Popen[Any], port: int) -> None:
    """Wait until a process listens there; fails with its exit code when it ended instead."""
    ends = time.monotonic() + PATIENCE_SECONDS
    while time.monotonic() < ends:
        with socket.socket() as probe:
            if probe.connect_ex(("127.0.0.1", port)) == 0:
                return
        if process.poll() is not None:
            pytest.fail(f"it ended with {process.returncode} before it listened on {port}")
        time.sleep(0.05)
    pytest.fail(f"nothing listens on {port} after {PATIENCE_SECONDS} s")
