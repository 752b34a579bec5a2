"""Serving the floor: ports, start and stop."""

import os
import socket
from contextlib import ExitStack
from time import monotonic

import httpx
import pytest

from mission_control.errors import ConfigurationError
from mission_control.simulation.loopback import FloorOnLoopback
from mission_control.simulation.roster import NAMES_WITH_HTTP


def free_run_of_ports(count):
    """Find a base port with so many free ports from it on, apart from other test processes."""
    own = os.getpid() % 100 * 50
    for base in range(21_000 + own, 30_000, 50):
        with ExitStack() as holding:
            try:
                for port in range(base, base + count):
                    holding.enter_context(socket.create_server(("127.0.0.1", port)))
            except OSError:
                continue
            return base
    raise AssertionError("no free ports")


def test_fixed_ports_stand_in_the_order_of_the_roster(floor, client):
    """The switchboard is on the base port and each service on the next one."""
    base = free_run_of_ports(9)
    with FloorOnLoopback(floor, base) as loopback:
        assert f"http://127.0.0.1:{base}" == loopback.control_url
        assert {
            name: f"http://127.0.0.1:{base + offset}"
            for offset, name in enumerate(NAMES_WITH_HTTP, start=1)
        } == loopback.base_urls
        assert 200 == client.get(f"http://127.0.0.1:{base + 3}/healthz").status_code


def test_a_busy_port_is_named_with_what_to_do(floor, client):
    """A port that is taken, even one that would refuse, stops the start; nothing is left open."""
    base = free_run_of_ports(9)
    execution_port = base + 1 + NAMES_WITH_HTTP.index("execution-engine")
    with socket.create_server(("127.0.0.1", execution_port)):
        loopback = FloorOnLoopback(floor, base)
        with pytest.raises(ConfigurationError, match=f"port {execution_port} is taken") as refusal:
            loopback.start()
    assert "choose another base port" in refusal.value.remedy
    with pytest.raises(httpx.ConnectError):
        client.get(f"http://127.0.0.1:{base}/scenario")
    loopback.stop()


def test_a_port_that_does_not_exist_is_a_configuration_error(floor):
    """A base port whose services would be past 65535 is refused in words."""
    with pytest.raises(ConfigurationError, match="port 65536 cannot be used"):
        FloorOnLoopback(floor, 65_530).start()


def test_a_file_that_cannot_be_written_is_a_configuration_error(floor, tmp_path):
    """Where the kill switch's file cannot be, the start says so and claims no port."""
    (tmp_path / "file").write_text("")
    loopback = FloorOnLoopback(floor, 0, tmp_path / "file" / "EXECUTION_HALTED")
    with pytest.raises(ConfigurationError, match="kill switch's file cannot be written"):
        loopback.start()


@pytest.mark.parametrize("scenario_name", ["critical-drip", "critical-hung", "critical-50mb"])
def test_it_stops_within_a_second_although_clients_still_read(floor, caplog, scenario_name):
    """Stopping hangs up on every client, and nothing is logged about it."""
    floor.switch(scenario_name)
    loopback = FloorOnLoopback(floor, 0)
    loopback.start()
    address = ("127.0.0.1", int(loopback.base_url("marketdata-mcp-server").rsplit(":", 1)[1]))
    with socket.create_connection(address, timeout=5) as reader:
        reader.sendall(b"GET /ops/status HTTP/1.1\r\nhost: floor\r\n\r\n")
        while not floor.requests:
            pass
        began = monotonic()
        loopback.stop()

        assert monotonic() - began < 1
    assert [] == caplog.records


def test_it_can_be_stopped_twice_and_started_again(floor, client):
    """Stopping what has stopped is nothing, and what has stopped can start."""
    loopback = FloorOnLoopback(floor, 0)
    for _ in range(2):
        loopback.start()
        url = loopback.base_url("ops-ui")

        assert 200 == client.get(url).status_code

        loopback.stop()
        loopback.stop()
        with pytest.raises(httpx.ConnectError):
            client.get(url)


def test_switching_a_floor_that_is_no_longer_served_is_allowed(floor):
    """A floor outlives its ports: after the stop it can still be switched."""
    with FloorOnLoopback(floor, 0):
        pass
    floor.switch("critical-refused")

    assert floor.refuses("marketdata-mcp-server")


def test_what_has_no_http_has_no_address(served):
    """The agent without HTTP has neither an app nor a port."""
    with pytest.raises(KeyError):
        served.base_url("congressional-ingest")
    with pytest.raises(KeyError):
        served.floor.app("congressional-ingest")
