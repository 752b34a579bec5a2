"""Process: the pages as a process of their own, and as a service that others watch."""

import http.client
import os
import signal
import socket
import subprocess
import sys

import httpx
import orjson
import pytest

from mission_control.contract.model.shapes import RichStatus
from ops_ui.answers import Timeline
from ops_ui.formats import clock_time, new_york, utc
from ops_ui.mission_control_client import Failure, Missed
from ops_ui.settings import BadSetting, Settings, load_settings
from ops_ui.strips import strips_of
from tests.ports import PATIENCE_SECONDS, free_ports, wait_for_port


@pytest.mark.anyio
@pytest.mark.parametrize(("answer", "state"), [(None, "OK"), (httpx.ConnectError("x"), "DEGRADED")])
async def test_the_own_status_keeps_the_contract(pages, upstream, answer, state):
    """The pages' own status is a rich contract, DEGRADED without Mission Control."""
    if answer is not None:
        upstream.answers["/api/v1/posture"] = answer

    status = RichStatus.model_validate_json((await pages.get("/ops/status")).content)

    assert (state, "ops") == (status.status.state.value, status.service_kind.value)


@pytest.mark.anyio
async def test_healthz_depends_on_nothing(pages, upstream):
    """The pages' liveness says nothing of Mission Control, and asks it nothing."""
    answer = await pages.get("/healthz")

    assert {"status": "ok", "service": "ops-ui"} == orjson.loads(answer.content)
    assert [] == upstream.requests


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("MISSION_CONTROL_URL", "ftp://x"),
        ("MISSION_CONTROL_URL", "http://user@x"),
        ("MISSION_CONTROL_UI_HOST", "0.0.0.0"),  # noqa: S104  (that is what is refused)
        ("MISSION_CONTROL_UI_PORT", "0"),
        ("MISSION_CONTROL_UI_PORT", "many"),
        ("MISSION_CONTROL_UI_TIMEOUT_SECONDS", "nan"),
        ("MISSION_CONTROL_UI_TIMEOUT_SECONDS", "99"),
    ],
)
def test_a_bad_setting_names_its_variable(name, value):
    """A bad value is refused by the name of its variable."""
    with pytest.raises(BadSetting, match=name):
        load_settings({name: value})


def test_the_defaults_are_loopback():
    """Without any variable the pages are on loopback."""
    assert Settings("http://127.0.0.1:8080", "127.0.0.1", 8090) == load_settings({})


def start(port, upstream="http://127.0.0.1:1"):
    """Start the pages."""
    return subprocess.Popen(
        [sys.executable, "-m", "ops_ui"],
        env={
            "PATH": os.environ["PATH"],
            "MISSION_CONTROL_UI_PORT": str(port),
            "MISSION_CONTROL_URL": upstream,
        },
        stderr=subprocess.PIPE,
        text=True,
    )


def test_a_busy_port_is_one_line():
    """A busy port is one line that names the variable, and exit code 78."""
    with socket.socket() as other:
        other.bind(("127.0.0.1", 0))
        other.listen()
        process = start(other.getsockname()[1])
        _, said = process.communicate(timeout=PATIENCE_SECONDS)

    assert 78 == process.returncode
    assert 1 == len(said.splitlines())
    assert "MISSION_CONTROL_UI_PORT" in said


def test_following_does_not_hold_the_pages():
    """While Mission Control is followed the process still ends within seconds of SIGTERM."""
    with socket.socket() as upstream:
        upstream.bind(("127.0.0.1", 0))
        upstream.listen()  # accepts, and never answers
        port = free_ports(1)
        process = start(port, f"http://127.0.0.1:{upstream.getsockname()[1]}")
        wait_for_port(process, port)
        client = http.client.HTTPConnection("127.0.0.1", port, timeout=30)
        client.request("GET", "/pulse")
        assert b'"news":0' in client.getresponse().read()
        process.send_signal(signal.SIGTERM)
        process.communicate(timeout=PATIENCE_SECONDS)
        client.close()

    assert process.returncode in {0, -signal.SIGTERM}


def test_times_are_new_yorks_with_their_zone():
    """Times are shown in New York with the zone in force, summer and winter."""
    assert "Fri 06 Mar 09:30:00 EST" == new_york("2026-03-06T14:30:00Z")
    assert "Mon 09 Mar 09:30:00 EDT" == new_york("2026-03-09T13:30:00Z")
    assert ("09:30:00 ET", "13:30:00 UTC") == (
        clock_time("2026-03-09T13:30:00.000Z"),
        utc("2026-03-09T13:30:00.000Z"),
    )
    assert ("", "", "") == (new_york(None), clock_time("noon"), utc("2026-03-09T13:30:00"))


def cell(begin, end, state="OK", *, watched=True, expected=True, share=1.0):
    """Return a cell as the API does."""
    return {
        "begin": f"2026-11-18T{begin}:00Z",
        "end": f"2026-11-18T{end}:00Z",
        "state": state,
        "watched": watched,
        "expected": expected,
        "reason_code": "",
        "watched_share": share if watched else 0.0,
    }


def test_a_strip_leaves_gaps_as_gaps():
    """A strip shows what was watched, marks where the market opens, and hatches what was not."""
    cells = [
        cell("14:00", "14:30", "UNKNOWN", watched=False, expected=False),
        cell("14:30", "15:00", "HALTED"),
        cell("15:00", "15:30", "HALTED", expected=False, share=0.5),
        cell("15:30", "16:00", "NONSENSE"),
    ]
    timeline = {
        "agents": [{"agent_name": "a", "cells": cells}],
        "sessions": [{"open": "2026-11-18T14:30:00Z", "close": "2026-11-18T21:00:00Z"}],
    }
    strip = strips_of(Timeline.model_validate(timeline), "a while")["a"]

    looks = [look for look, _ in strip.cells]
    assert ["c-unseen", "c-halted calm m-open", "c-halted partial", "c-unseen"] == looks
    assert "a while: 62 % watched, unexpected in 1 of 4 parts" == strip.words
    assert {} == strips_of(Missed(Failure.DOWN, "no"), "a while")
    empty = Timeline.model_validate({"agents": [{"cells": [{}]}]})
    assert "c-unseen" == strips_of(empty, "x")[""].cells[0][0]
