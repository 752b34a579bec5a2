"""Decide: which paths are asked in a round."""

from datetime import timedelta

import pytest

from mission_control.model.fleet import Agent, ContractKind, Kind
from mission_control.model.reading import UnseenReason
from mission_control.probe.decide import LADDER, next_rung, paths_due, wanted_paths
from tests.floor.floor_of_values import LIVE, NOW, reading, unseen

GONE = unseen(UnseenReason.NOT_OFFERED, NOW, 404)


def agent(kind=Kind.STRATEGY, contract=ContractKind.RICH, paths=()):
    """Name an agent with a contract and listed paths."""
    return Agent("a", kind, "http://a", contract=contract, expected_endpoints=paths)


@pytest.mark.parametrize(
    ("who", "expected"),
    [
        pytest.param(agent(), ("/ops/status",), id="rich, nothing listed"),
        pytest.param(
            agent(paths=("/healthz",)), ("/ops/status", "/healthz"), id="rich asks its contract too"
        ),
        pytest.param(agent(Kind.MARKETDATA), ("/ops/status", "/healthz"), id="marketdata"),
        pytest.param(
            agent(contract=ContractKind.LIVENESS, paths=("/ops/status", "/healthz")),
            ("/healthz", "/ops/status", "/readyz", "/livez"),
            id="liveness",
        ),
        pytest.param(
            agent(contract=ContractKind.HTTP, paths=("/x", "/y")), ("/x", "/y"), id="http"
        ),
        pytest.param(agent(contract=ContractKind.HTTP), ("/",), id="http, nothing listed"),
        pytest.param(agent(contract=ContractKind.NONE, paths=("/x",)), (), id="none"),
        pytest.param(
            agent(Kind.EXECUTION, paths=("/state", "/recover", "/execute")),
            ("/ops/status",),
            id="what acts is never asked",
        ),
    ],
)
def test_the_paths_of_a_round(who, expected):
    """Contract and listed paths are asked, the primary first, none twice (R1.6, R2.1, R2.15)."""
    assert expected == wanted_paths(who)


@pytest.mark.parametrize(
    ("minutes", "expected"),
    [
        pytest.param(0, ("/ops/status",), id="rests"),
        pytest.param(4.99, ("/ops/status",), id="still rests"),
        pytest.param(5, ("/ops/status", "/x"), id="asked again"),
        pytest.param(-1, ("/ops/status", "/x"), id="our clock stepped back"),
    ],
)
def test_what_is_not_offered_rests(minutes, expected):
    """A path that is not offered rests for five minutes (R2.2)."""
    now = NOW + timedelta(minutes=minutes)

    assert expected == paths_due(wanted_paths(agent(paths=("/x",))), {"/x": GONE}, now)


def test_one_path_is_always_asked():
    """Where nothing is offered the primary path is asked all the same."""
    assert ("/ops/status",) == paths_due(wanted_paths(agent()), {"/ops/status": GONE}, NOW)


@pytest.mark.parametrize(
    ("readings", "expected"),
    [
        pytest.param({}, "/ops/status", id="top"),
        pytest.param({"/ops/status": GONE}, "/healthz", id="second rung"),
        pytest.param({"/ops/status": GONE, "/healthz": GONE}, "/health", id="third rung"),
        pytest.param(dict.fromkeys(LADDER, GONE), None, id="bottom"),
        pytest.param(
            {"/ops/status": unseen(UnseenReason.TIMEOUT, NOW)}, None, id="silence is no 404"
        ),
        pytest.param(
            {"/ops/status": GONE, "/healthz": reading("/healthz", LIVE, NOW)}, None, id="found"
        ),
    ],
)
def test_the_ladder_goes_down_rung_by_rung(readings, expected):
    """A lower rung is asked only where every rung above is not offered (R2.1)."""
    assert expected == next_rung(agent(), readings)


def test_there_is_no_ladder_where_paths_are_listed():
    """Listed endpoints and other contracts have no ladder."""
    assert None is next_rung(agent(paths=("/x",)), {"/ops/status": GONE})
    assert None is next_rung(agent(contract=ContractKind.LIVENESS), {"/healthz": GONE})
