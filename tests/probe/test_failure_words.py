"""Probe: what failed in words that a person can use."""

import errno
import os
import socket

import pytest

from mission_control.probe.failure import describe


@pytest.mark.parametrize(
    ("error", "words"),
    [
        (OSError(errno.ECONNREFUSED, os.strerror(errno.ECONNREFUSED)), "Connection refused"),
        (socket.gaierror(socket.EAI_NONAME, "Name or service not known"),
         "Name or service not known"),
        (ConnectionResetError("closed"), "ConnectionResetError: closed"),
        (ValueError("odd"), "ValueError: odd"),
    ],
)  # fmt: skip
def test_a_failure_is_told_without_its_number(error, words):
    """Where the system has words for it, those; never a raw errno."""
    assert words == describe(error)
