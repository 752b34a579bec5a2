"""How the verdict is known: one row for each piece of required evidence, down to its bytes."""

import hashlib
from dataclasses import replace
from datetime import timedelta

import pytest

from mission_control.documents.canonical_json import encode_json
from mission_control.floor.decide.stall import mark_stalled
from mission_control.floor.model import Verdict
from mission_control.floor.present.evidence import evidence_document
from mission_control.model import codes
from mission_control.model.event import EventType, FloorEvent
from mission_control.model.fleet import ContractKind, Criticality, Fleet, Safety
from mission_control.model.reading import Seen, ToldBuild, UnseenReason
from tests.floor.cluster_of_values import ClusterFloor
from tests.floor.floor_of_values import (
    FLEET,
    GAMMA,
    INGEST,
    MARKETDATA,
    NOW,
    STRATEGY,
    FloorOfValues,
    session_unknown,
)
from tests.floor.hurts import HALTING

MD = MARKETDATA.agent_name


def by_name(document):
    """Return the rows by their names."""
    return {row["name"]: row for row in document["evidence"]}


def test_every_required_piece_has_a_row_with_value_age_and_digest():
    """R15.18: Services, marketdata, switch and calendar; each digest is that of what was kept."""
    floor = FloorOfValues(peers={STRATEGY.agent_name: "10.0.0.7:8080"})
    floor.refresh()
    snapshot = floor.decide(NOW + timedelta(seconds=4))
    document = evidence_document(snapshot)
    rows = by_name(document)
    strategy, feed = rows["service strategy-engine"], rows[f"marketdata {MD}"]
    report = snapshot.service(STRATEGY.agent_name)
    assert report is not None
    reading = report.readings["/ops/status"]
    assert isinstance(reading, Seen)
    kept = reading.value.document

    assert [
        "calendar market-calendar",
        "kill_switch kill-switch",
        f"marketdata {MD}",
        "service gamma-strategy",
        "service market-ingest",
        f"service {MD}",
        "service strategy-engine",
    ] == sorted(rows)
    assert (7, 0) == (document["required"], document["missing"])
    assert (4.0, 45.0, "HALTED, KILL_SWITCH") == (
        strategy["age_seconds"],
        strategy["max_age_seconds"],
        strategy["value"],
    )
    assert {
        "source": "http://strategy/ops/status",
        "outcome": "rich",
        "seen": True,
        "instance": "10.0.0.7:8080",
        "told": "strategy-engine",
        "digest": hashlib.sha256(kept).hexdigest(),
        "size_bytes": len(kept),
        "age_seconds": 4.0,
    }.items() <= strategy["readings"][0].items()
    assert (7.0, 120) == (feed["age_seconds"], feed["max_age_seconds"])
    assert ["http://marketdata/ops/status", "http://marketdata/healthz"] == [
        r["source"] for r in feed["readings"]
    ]


def test_the_oldest_row_is_the_age_that_the_verdict_gives():
    """R15.19: The posture's oldest evidence is the oldest of the rows that are read."""
    floor = FloorOfValues()
    floor.ask()
    floor.now = NOW + timedelta(seconds=30)
    floor.answer(GAMMA, "/healthz", {"status": "ok", "service": "gamma-strategy"})
    floor.ask(GAMMA)
    snapshot = floor.decide()
    read = [
        row["age_seconds"]
        for row in evidence_document(snapshot)["evidence"]
        if row["kind"] in {"service", "kill_switch", "list"}
    ]

    assert 30.0 == max(read) == snapshot.posture.evidence_age_seconds


@pytest.mark.parametrize(("hurt", "severity", "code", "subject"), HALTING)
def test_what_is_missing_is_just_what_the_verdict_misses(hurt, severity, code, subject):
    """R15.19: Each missing piece is a reason that halts, and the reason leads to its piece."""
    del severity
    floor = FloorOfValues()
    hurt(floor)
    snapshot = floor.decide()
    document = evidence_document(snapshot)
    told = {(r.code, r.subject) for r in snapshot.posture.reasons if r.halts}
    missing = {
        (gap["code"], row["subject"]) for row in document["evidence"] for gap in row["missing"]
    }

    assert missing <= told
    assert Verdict.HALTED.value == document["posture"]
    lead = next(r for r in document["reasons"] if (r["code"], r["subject"]) == (code, subject))
    names = set(by_name(document))
    assert set(lead["evidence"]) <= names
    assert lead["evidence"] or subject not in {row["subject"] for row in document["evidence"]}


def test_missing_pieces_lead_with_their_reason():
    """R15.18: A service that is silent comes first, with why, and without a digest."""
    floor = FloorOfValues()
    floor.lose(STRATEGY, "/ops/status", UnseenReason.TIMEOUT)
    document = evidence_document(floor.decide())
    first = document["evidence"][0]

    assert "service strategy-engine" == first["name"]
    assert ["TIMEOUT"] == [gap["code"] for gap in first["missing"]]
    assert ("", 0, "TIMEOUT") == (
        first["readings"][0]["digest"],
        first["readings"][0]["size_bytes"],
        first["readings"][0]["outcome"],
    )
    assert 1 == document["missing"]


def test_what_was_never_asked_has_no_age_and_no_read():
    """R15.18: Before its first round a service is missing, and nothing stands for its bytes."""
    floor = FloorOfValues()
    del floor.answers[STRATEGY.agent_name], floor.answers[MD]
    rows = by_name(evidence_document(floor.decide()))
    strategy, feed = rows["service strategy-engine"], rows[f"marketdata {MD}"]

    assert ("NOT_YET_ASKED", None, []) == (
        strategy["missing"][0]["code"],
        strategy["age_seconds"],
        strategy["readings"],
    )
    assert (None, 120.0, []) == (feed["age_seconds"], feed["max_age_seconds"], feed["readings"])
    assert "MARKETDATA_UNVERIFIABLE" == feed["missing"][0]["code"]


def test_an_optional_service_is_shown_where_a_reason_is_about_it():
    """It is not required evidence, and it is what a reason's tree leads to."""
    optional = replace(STRATEGY, criticality=Criticality.OPTIONAL)
    fleet = Fleet((GAMMA, INGEST, MARKETDATA, optional), "0" * 64, "x")
    calm, loud = FloorOfValues(fleet=fleet), FloorOfValues(fleet=fleet)
    loud.say(optional, "agent_identity.agent_mode", "EXECUTE")
    row = by_name(evidence_document(loud.decide()))["service strategy-engine"]
    reason = evidence_document(loud.decide())["reasons"][0]

    assert "service strategy-engine" not in by_name(evidence_document(calm.decide()))
    assert False is row["required"]
    assert (["service strategy-engine"], ["strategy-engine /ops/status"]) == (
        reason["evidence"],
        reason["raised_by"],
    )


def test_a_critical_service_without_http_is_missing():
    """What cannot be asked has no limit of age, and its reason."""
    dark = replace(STRATEGY, contract=ContractKind.NONE, criticality=Criticality.CRITICAL)
    quiet = replace(INGEST, contract=ContractKind.NONE, criticality=Criticality.IMPORTANT)
    floor = FloorOfValues(fleet=Fleet((GAMMA, quiet, MARKETDATA, dark), "0" * 64, "x"))
    del floor.answers[dark.agent_name], floor.answers[quiet.agent_name]
    rows = by_name(evidence_document(floor.decide()))

    assert (None, "UNOBSERVED") == (
        rows["service strategy-engine"]["max_age_seconds"],
        rows["service strategy-engine"]["missing"][0]["code"],
    )
    assert "service market-ingest" not in rows


def test_a_fleet_without_a_feed_misses_it():
    """R15.18: That no service tells of marketdata is a missing piece of its own."""
    floor = FloorOfValues(fleet=Fleet((GAMMA, INGEST), "0" * 64, "x"))

    assert (
        "MARKETDATA_UNVERIFIABLE"
        == (by_name(evidence_document(floor.decide()))["marketdata fleet"]["missing"][0]["code"])
    )


def test_what_the_fleet_does_not_need_has_no_row():
    """R15.18: Where switch and freshness are not required, neither is a piece."""
    unjudged = replace(FLEET, safety=Safety(switch_required=False, freshness_required=False))
    rows = by_name(evidence_document(FloorOfValues(fleet=unjudged).decide()))

    assert not [name for name in rows if name.startswith(("marketdata", "kill_switch"))]


@pytest.mark.parametrize(
    ("text", "seen", "missing"),
    [
        pytest.param("1\n", True, [], id="engaged"),
        pytest.param(None, False, ["KILL_SWITCH_UNCONFIRMED"], id="gone"),
    ],
)
def test_the_kill_switch_has_its_sources_and_its_newest_change(text, seen, missing):
    """R15.18: Each configured source with what it held, and when the switch last changed."""
    changed = FloorEvent(1, NOW - timedelta(minutes=5), EventType.KILL_SWITCH_CHANGED, "x")
    document = evidence_document(FloorOfValues(switch=text).decide(), changed)
    row = by_name(document)["kill_switch kill-switch"]
    read = row["readings"][0]

    assert (seen, missing) == (read["seen"], [gap["code"] for gap in row["missing"]])
    assert "2026-11-18 10:10:00 EST" == row["since_et"]
    assert (hashlib.sha256(b"1\n").hexdigest() if seen else "") == read["digest"]


def test_a_source_that_cannot_confirm_says_so():
    """A file that is no live mount is read, and gives the switch no age."""
    row = by_name(evidence_document(FloorOfValues(mounted=False).decide()))[
        "kill_switch kill-switch"
    ]

    assert (None, "contradicts at most") == (row["age_seconds"], row["readings"][0]["told"])


def test_an_unknown_session_is_missing_evidence():
    """R15.18: The calendar is a piece too; it is reckoned, so that it has no age."""
    document = evidence_document(FloorOfValues(session_at=session_unknown).decide())
    row = by_name(document)["calendar market-calendar"]

    assert (["CALENDAR_UNKNOWN"], None, []) == (
        [gap["code"] for gap in row["missing"]],
        row["age_seconds"],
        row["readings"],
    )


def test_a_floor_that_is_not_decided_any_more_has_no_evidence():
    """R15.19: After a stall every piece is missing, whatever was read last."""
    stalled = mark_stalled(FloorOfValues().decide(), NOW + timedelta(seconds=9), 8)
    document = evidence_document(stalled)

    assert document["required"] == document["missing"] > 0
    assert {codes.POLL_LOOP_STALLED} == {
        gap["code"] for row in document["evidence"] for gap in row["missing"]
    }


def test_the_instance_tells_its_build():
    """R15.18: The newest build that its address told stands beside its name."""
    floor = FloorOfValues(peers={STRATEGY.agent_name: "10.0.0.7:8080"})
    floor.refresh()
    floor.ask()
    name = STRATEGY.agent_name
    builds = tuple(ToldBuild(p, b, NOW, NOW) for p, b in (("10.0.0.7:8080", "a"), ("x", "b")))
    floor.rounds[name] = replace(floor.rounds[name], builds=builds)
    row = by_name(evidence_document(floor.decide()))["service strategy-engine"]

    assert "strategy-engine, a" == row["readings"][0]["told"]


def test_lists_of_the_cluster_have_their_digest_and_instance():
    """R15.18: Every required list of every namespace is a piece, digested as it was kept."""
    floor = ClusterFloor()
    document = evidence_document(floor.decide())
    rows = by_name(document)
    pods = rows["list cluster trading-floor/pods"]
    other = rows["list cluster agenttrader/pods"]

    assert 16 == sum(row["kind"] == "list" for row in document["evidence"])
    assert [] == pods["missing"]
    assert "test (0f1e2d3c)" == pods["readings"][0]["instance"]
    assert 64 == len(pods["readings"][0]["digest"])
    assert pods["readings"][0]["digest"] != other["readings"][0]["digest"]
    assert encode_json(document) == encode_json(evidence_document(ClusterFloor().decide()))


def test_lists_that_were_not_seen_are_missing_and_the_reason_leads_to_them():
    """R15.19: One cause that all lists share is given to each; one list's own to that alone."""
    never, denied = ClusterFloor(never_read=True), ClusterFloor()
    denied.lose_list("pods", "trading-floor", UnseenReason.DENIED)
    document = evidence_document(never.decide())
    lists = [row for row in document["evidence"] if row["kind"] == "list"]
    reason = next(r for r in document["reasons"] if r["subject"] == "cluster")
    other = evidence_document(denied.decide())

    assert 16 == len(lists) == len(reason["evidence"])
    assert {"NOT_YET_ASKED"} == {row["missing"][0]["code"] for row in lists}
    assert {None} == {row["age_seconds"] for row in lists}
    assert ["list cluster trading-floor/pods"] == [
        row["name"] for row in other["evidence"] if row["missing"]
    ]
    first = other["evidence"][0]
    assert ("not seen", False, "") == (
        first["value"],
        first["readings"][0]["seen"],
        first["readings"][0]["digest"],
    )


def test_what_is_too_old_has_its_age_and_an_attempt_that_failed_has_none():
    """R15.18: A reading of 46 s ago is over its limit; a silence of just now is no reading."""
    old, silent = FloorOfValues(), FloorOfValues()
    old.ask()
    silent.lose(STRATEGY, "/ops/status", UnseenReason.TIMEOUT)
    rows = by_name(evidence_document(old.decide(NOW + timedelta(seconds=46))))
    lost = by_name(evidence_document(silent.decide()))["service strategy-engine"]

    assert (46.0, "EXPIRED") == (
        rows["service strategy-engine"]["age_seconds"],
        rows["service strategy-engine"]["missing"][0]["code"],
    )
    assert (None, 0.0) == (lost["age_seconds"], lost["readings"][0]["age_seconds"])
