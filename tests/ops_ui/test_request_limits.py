"""Request limits: what the pages refuse from everyone, and what they answer all the same."""

import pytest

from ops_ui.settings import BadSetting, load_settings

pytestmark = pytest.mark.anyio


@pytest.mark.parametrize("path", ["/", "/readiness", "/pulse", "/static/page.js", "/ops/status"])
async def test_a_name_that_is_not_ours_sees_no_page(pages, upstream, path):
    """A page of another site whose name leads here (DNS rebinding) is shown nothing at all."""
    answer = await pages.get(path, headers={"host": "evil.example:8090"})

    assert 421 == answer.status_code
    assert "nosniff" == answer.headers["x-content-type-options"]
    assert [] == upstream.requests


@pytest.mark.parametrize("host", ["localhost", "127.0.0.1:8090", "[::1]:8090", "LOCALHOST:1"])
async def test_the_names_of_this_machine_are_ours(pages, host):
    """Loopback names are answered, with a port or without, in any case."""
    answer = await pages.get("/", headers={"host": host})

    assert 200 == answer.status_code


async def test_health_is_answered_under_any_name(pages):
    """An orchestrator asks for health by address."""
    answer = await pages.get("/livez", headers={"host": "10.0.0.7"})

    assert 200 == answer.status_code


@pytest.mark.parametrize(
    ("request_", "status"),
    [
        pytest.param({"url": "/static/%00"}, 400, id="a NUL"),
        pytest.param({"url": "/artifacts/view/a%0Ab"}, 400, id="a line break"),
        pytest.param({"url": "/?at=%00"}, 400, id="a NUL that is asked for"),
        pytest.param({"url": "/?at=" + "x" * 9000}, 414, id="a URL without end"),
        pytest.param({"url": "/", "content": b"x"}, 413, id="a body"),
        pytest.param({"url": "/", "headers": {"transfer-encoding": "chunked"}}, 413, id="chunks"),
        pytest.param({"url": "/", "headers": [("host", "localhost")] * 2}, 400, id="two names"),
    ],
)
async def test_what_no_reader_sends_is_refused(pages, upstream, request_, status):
    """A long URL, a body and a doubtful Host header are refused before anything is asked."""
    answer = await pages.request("GET", **request_)

    assert status == answer.status_code
    assert [] == upstream.requests


def test_further_names_are_a_setting():
    """Names to go by are listed; loopback's always belong to them."""
    settings = load_settings({"MISSION_CONTROL_ALLOWED_HOSTS": " Ops.example , [fe80::1]"})

    assert {"ops.example", "[fe80::1]", "localhost", "127.0.0.1", "[::1]"} == set(
        settings.allowed_hosts
    )


@pytest.mark.parametrize("text", ["ops:8090", "http://ops", "a b"])
def test_a_bad_name_is_refused_by_its_variable(text):
    """A name with a port or a scheme is refused, with the remedy."""
    with pytest.raises(BadSetting, match=r"MISSION_CONTROL_ALLOWED_HOSTS.*without a port"):
        load_settings({"MISSION_CONTROL_ALLOWED_HOSTS": text})
