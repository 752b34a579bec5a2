"""`get`: an answer of the API without a server."""

import json

import pytest


def test_the_body_goes_to_stdout_as_it_is(floor):
    """
    The answer is the one that the API would give after one round: the posture of this floor.
    """
    result = floor("calm").run("get", "/api/v1/posture")

    assert 0 == result.exit_code
    assert "OK" == json.loads(result.stdout)["posture"]


@pytest.mark.parametrize(
    "path",
    [
        pytest.param("/api/v1/agents/no-such-agent", id="no agent"),
        pytest.param("/no/such/path", id="no route"),
    ],
)
def test_an_answer_that_is_not_2xx_exits_with_4(floor, path):
    """
    The body of an error is data too: it goes to stdout, and the status is named on stderr.
    """
    result = floor("calm").run("get", path)

    assert 4 == result.exit_code
    assert 404 == json.loads(result.stdout)["status"]
    assert "404" in result.stderr


def test_the_accept_header_is_sent(floor):
    """
    --accept chooses among the forms of an answer, as it does over HTTP.
    """
    served = floor("calm")

    assert "# TYPE" in served.run("get", "/metrics").stdout
    found = served.run("get", "/api/v1/runbooks/MARKETDATA_STALE", "--accept", "text/html")
    assert "<h1" in found.stdout


def test_a_server_that_cannot_be_asked_is_told_in_one_line(run):
    """
    --url asks a server; when there is none, that is the whole message.
    """
    result = run("get", "/healthz", "--url", "http://127.0.0.1:1")

    assert (1, "") == (result.exit_code, result.stdout)
    remedy = "start `mission-control serve` there, or correct --url"
    assert [f"Error: nothing answers at http://127.0.0.1:1: {remedy}"] == result.stderr.splitlines()
