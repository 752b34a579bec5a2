"""The ways in which the critical service fails, over real sockets."""

import tracemalloc
from time import monotonic, sleep

import httpx
import pytest

from mission_control.simulation.answers import gzip_bomb
from tests.ports import PATIENCE_SECONDS

MARKETDATA = "marketdata-mcp-server"
PATHS = ("/ops/status", "/healthz", "/heartbeat")


@pytest.fixture
def url(served):
    """Where the service that hurts is served."""
    return served.base_url(MARKETDATA)


@pytest.mark.parametrize("path", PATHS)
def test_a_hung_service_accepts_and_never_answers(served, client, url, path):
    """The connection is accepted, and then nothing comes."""
    served.floor.switch("critical-hung")

    with pytest.raises(httpx.ReadTimeout):
        client.get(url + path, timeout=0.2)
    ends = monotonic() + PATIENCE_SECONDS
    while not served.floor.requests and monotonic() < ends:
        sleep(0.01)  # it gave up before the service noticed
    assert {(MARKETDATA, "GET", path): 1} == served.floor.requests


def test_strategy_engine_waits_for_a_marketdata_that_hangs(served, client):
    """With marketdata hung, strategy-engine answers after 2.06 s, without a tick."""
    served.floor.switch("critical-hung")
    began = monotonic()
    document = client.get(served.base_url("strategy-engine") + "/ops/status").json()

    assert 2.06 <= monotonic() - began
    assert document["marketdata"]["is_fresh"] is None
    assert document["marketdata"]["last_tick_utc"] is None


def test_a_dripping_service_sends_a_byte_a_second(served, client, url):
    """The first byte comes at once, the second a second later and not before."""
    served.floor.switch("critical-drip")
    began = monotonic()
    with client.stream("GET", url + "/ops/status") as response:
        bytes_in = response.iter_raw(1)

        assert (b"{", b'"') == (next(bytes_in), next(bytes_in))
    assert 0.9 < monotonic() - began
    assert "application/json" == response.headers["content-type"]


def test_fifty_megabytes_are_sent_and_never_held(served, client, url):
    """The huge body has no stated length and is made as it is sent."""
    served.floor.switch("critical-50mb")
    tracemalloc.start()
    try:
        with client.stream("GET", url + "/ops/status") as response:
            size = sum(len(part) for part in response.iter_raw())
        _, peak = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()

    assert 50 * 1024 * 1024 < size
    assert peak < 8 * 1024 * 1024
    assert "content-length" not in response.headers


def test_the_gzip_bomb_is_small_until_it_goes_off(served, client, url):
    """A few kilobytes of gzip would become more than sixty megabytes."""
    served.floor.switch("critical-gzip-bomb")
    with client.stream("GET", url + "/ops/status") as response:
        raw = b"".join(response.iter_raw())

    assert "gzip" == response.headers["content-encoding"]
    assert gzip_bomb() == raw
    assert len(raw) < 100_000
    assert 60 * 1024 * 1024 < len(client.get(url + "/ops/status").content)


@pytest.mark.parametrize(
    ("scenario_name", "answer", "beginning"),
    [
        ("critical-depth-1000", (200, "application/json", 2011), b'{"status":[[['),
        ("critical-html", (200, "text/html; charset=utf-8", 106), b"<!doctype html>"),
        ("critical-truncated", (200, "application/json", 124), b'{"service_name":'),
        ("critical-nan", (200, "application/json", 148), b'{"service_name":'),
        ("critical-said-twice", (200, "application/json", 140), b'{"service_name":'),
        ("critical-503", (503, "application/json", 32), b'{"detail":"Service'),
        ("offers-nothing", (404, "application/json", 22), b'{"detail":"Not Found"}'),
    ],
)
def test_a_whole_answer_that_is_none(served, client, url, scenario_name, answer, beginning):
    """Every path of the service has the same useless answer."""
    served.floor.switch(scenario_name)
    for path in PATHS:
        response = client.get(url + path)

        assert answer == (
            response.status_code,
            response.headers["content-type"],
            len(response.content),
        )
        assert response.content.startswith(beginning)


def test_only_the_deep_answer_is_json_to_the_end(served, client, url):
    """The deep answer is valid JSON a thousand deep; HTML and the truncated one are none."""
    served.floor.switch("critical-depth-1000")
    deep = client.get(url + "/ops/status").text

    assert 1000 == deep.count("[") == deep.count("]")
    for name in ("critical-html", "critical-truncated"):
        served.floor.switch(name)
        with pytest.raises(ValueError, match=r"Expecting|Unterminated"):
            client.get(url + "/ops/status").json()


def test_a_redirect_shows_whether_it_was_followed(served, client, url):
    """The redirect leads to the same service, which counts every request."""
    served.floor.switch("critical-redirect")
    response = client.get(url + "/ops/status")

    assert (307, "/redirected") == (response.status_code, response.headers["location"])
    assert 0 == served.floor.requests[MARKETDATA, "GET", "/redirected"]


def test_no_other_is_hurt(served, client):
    """While the critical service fails, the others answer as ever."""
    for name in ("critical-hung", "critical-drip", "critical-refused", "critical-50mb"):
        served.floor.switch(name)
        for other in ("gamma-strategy", "market-ingest", "ops-ui"):
            assert 200 == client.get(served.base_url(other) + "/healthz").status_code
