"""Decide: posture, coverage, readiness and a service's own document never say different things."""

from dataclasses import replace
from datetime import timedelta

import orjson
import pytest
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st

from mission_control.contract.model.shapes import ServiceState
from mission_control.floor.model import Verdict
from mission_control.floor.present.agents import agent_document
from mission_control.floor.present.predecessor import online_status
from mission_control.model.fleet import Agent, ContractKind, Criticality, Fleet, Kind
from mission_control.model.reading import OF_THE_CLUSTER, Seen, Unseen, UnseenReason
from tests.floor.floor_of_values import (
    EVENING,
    FLEET,
    NOW,
    FloorOfValues,
    read_body,
    reading,
    rich,
    unseen,
)

STATUSES = [200, 201, 204, 302, 400, 401, 404, 405, 429, 500, 501, 503]
REASONS = [r for r in UnseenReason if r not in OF_THE_CLUSTER]
PATHS = ("/ops/status", "/healthz", "/readyz", "/livez", "/")
BODIES = [
    b'{"ok": false}',
    b'{"ok": true}',
    b'{"ok": false, "last_tick_epoch_seconds": 1, "last_tick_age_seconds": 2}',
    b'{"status": "ok"}',
    b'{"status": "ok", "identity": {"agent_mode": "TURBO"}}',
    b"<html>",
    b"",
]


@st.composite
def agents(draw):
    """Choose a service of any kind, contract and criticality."""
    contract = draw(st.sampled_from([c for c in ContractKind if c is not ContractKind.NONE]))
    listed = draw(st.sampled_from([(), ("/healthz",), ("/",), ("/ops/status", "/healthz")]))
    kinds = [k for k in Kind if k is not Kind.EXECUTION]
    return Agent(
        "target",
        draw(st.sampled_from(kinds)),
        "http://target",
        draw(st.sampled_from(Criticality)),
        listed,
        contract=contract,
    )


@st.composite
def answers(draw, agent):
    """Choose what each path of a service brought, however strange."""
    brought = {}
    for path in draw(st.sets(st.sampled_from(PATHS))) | {agent.primary_path}:
        at = NOW - timedelta(seconds=draw(st.sampled_from([0, 44, 46])))
        status = draw(st.sampled_from(STATUSES))
        how = draw(st.sampled_from(["body", "well", "as it was kept", "unseen"]))
        if how == "body":
            body = draw(st.sampled_from(BODIES))
            brought[path] = read_body(agent, path, body, at, status)
        elif how == "unseen":
            brought[path] = unseen(draw(st.sampled_from(REASONS)), at, status)
        elif how == "well":
            body = orjson.dumps(rich(agent, at) | {"ok": draw(st.booleans())})
            brought[path] = read_body(agent, path, body, at, status)
        else:  # a record of the past may hold what is read otherwise today
            document = rich(agent, at) if path == "/ops/status" else {"ok": False}
            brought[path] = reading(path, document, at, status)
    return brought


@st.composite
def floors(draw):
    """Choose one service and what it answered, beside a floor that is well, by day or night."""
    agent = draw(agents())
    return agent, draw(answers(agent)), draw(st.booleans())


REFUSED = reading("/healthz", {"ok": False}, NOW, 503)
GAMMA_LIKE = Agent("target", Kind.STRATEGY, "http://target", contract=ContractKind.LIVENESS)


def decide(agent, brought, *, evening):
    """Decide a floor that is well beside one service."""
    floor = FloorOfValues()
    floor.fleet = Fleet((*FLEET.agents, agent), FLEET.digest, FLEET.source)
    moment = EVENING if evening else NOW
    floor.refresh(moment)
    floor.answers["target"] = {
        path: replace(r, at=r.at + (moment - NOW)) for path, r in brought.items()
    }
    return floor.decide()


def report_of(snapshot):
    """Return the report on the one service."""
    report = snapshot.service("target")
    assert report is not None
    return report


@settings(max_examples=150, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(floors())
@example((GAMMA_LIKE, {"/healthz": REFUSED}, False))
@example((GAMMA_LIKE, {"/healthz": REFUSED}, True))
def test_a_service_that_is_not_well_is_named_by_the_posture(floor):
    """
    Whatever was read, a service that its own document calls OFFLINE or unexpected is no secret.

    It is a reason or listed as degraded, the posture is not as expected, and while the session
    gates a required one gives a reason of its own.
    """
    agent, brought, evening = floor
    snapshot = decide(agent, brought, evening=evening)
    report, posture = report_of(snapshot), snapshot.posture
    whole = agent_document(snapshot, "target")
    assert whole is not None
    document = whole["agent"]
    reasons = {r.subject for r in posture.reasons}

    assert (report.state.value, report.expected) == (document["state"], document["expected"])
    if report.state is ServiceState.OFFLINE or not report.expected:
        assert not report.expected
        assert report.reasons
        assert "target" in reasons
        assert not posture.expected
        halting = {r.subject for r in posture.reasons if r.halts}
        assert "target" in halting or "target" in posture.degraded
    if agent.primary_path == "/healthz" and online_status(report, snapshot) == "OFFLINE":
        assert not report.expected


@settings(max_examples=150, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(floors())
@example((GAMMA_LIKE, {"/healthz": REFUSED}, False))
def test_a_primary_path_that_is_no_2xx_is_missing_evidence(floor):
    """A primary reading that is refused is a gap, unexpected, and halts where it is required."""
    agent, brought, evening = floor
    primary = brought[agent.primary_path]
    status = primary.value.http_status if isinstance(primary, Seen) else primary.exchange.status
    if isinstance(primary, Seen) and 200 <= status < 300:
        return
    snapshot = decide(agent, brought, evening=evening)
    report, posture = report_of(snapshot), snapshot.posture

    assert not report.expected
    assert f"target {agent.primary_path}" in {subject for subject, _ in posture.coverage.gaps}
    if agent.required and not evening:
        assert Verdict.HALTED is posture.verdict
        assert posture.evidence_age_seconds is None


@pytest.mark.parametrize("status", [401, 429, 500, 503])
@pytest.mark.parametrize("contract", [ContractKind.LIVENESS, ContractKind.HTTP])
@pytest.mark.parametrize("body", BODIES)
def test_what_only_lives_is_offline_by_its_status(body, contract, status):
    """
    A `liveness` or `http` path that is not 2xx is OFFLINE by that status, whatever its body (R3.2).
    """
    agent = Agent(
        "target", Kind.STRATEGY, "http://target", Criticality.OPTIONAL, ("/healthz",),
        contract=contract,
    )  # fmt: skip
    probes = {p: read_body(agent, p, b'{"status": "ok"}', NOW, 200) for p in ("/readyz", "/livez")}
    brought = probes | {"/healthz": read_body(agent, "/healthz", body, NOW, status)}

    report = report_of(decide(agent, brought, evening=False))

    known = (ServiceState.OFFLINE, False)
    assert known == (report.state, report.expected)
    assert f"HTTP_{status}" in {r.code for r in report.reasons}


def test_a_redirect_is_no_life_either():
    """A liveness path that leads elsewhere says nothing of the service."""
    brought = {"/healthz": unseen(UnseenReason.REDIRECTED, NOW, 302)}

    report = report_of(decide(GAMMA_LIKE, brought, evening=False))

    assert (ServiceState.OFFLINE, False, "REDIRECTED") == (
        report.state,
        report.expected,
        report.reason_code,
    )


def test_a_refused_answer_keeps_what_it_claims():
    """What a refusal says against itself counts, also in a record that took it for an answer."""
    said = reading("/healthz", {"ok": False, "identity": {"agent_mode": "LIVE"}}, NOW, 503)

    snapshot = decide(GAMMA_LIKE, {"/healthz": said}, evening=True)

    assert Verdict.HALTED is snapshot.posture.verdict
    assert isinstance(said, Seen)
    assert not isinstance(said, Unseen)
