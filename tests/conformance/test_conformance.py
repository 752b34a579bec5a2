"""Decide: conformance explains whatever a service answers, and passes only what it has seen."""

import json
from datetime import timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mission_control.conformance.decide.conformance import judge_conformance
from mission_control.conformance.model import Gravity
from mission_control.contract.model.answer import Answer, Shape, read_answer
from mission_control.contract.model.broken_claims import hear_body
from mission_control.contract.model.claims import Claims
from mission_control.contract.model.shapes import PlainAnswer
from mission_control.errors import ContractViolation
from mission_control.model.fleet import Kind
from mission_control.model.reading import OF_THE_CLUSTER, Exchange, Seen, Unseen, UnseenReason
from tests.contract.contract_answers import (
    ADVICE,
    GONE,
    HEALTH,
    NOW,
    STRATEGY,
    SWITCH_OFF,
    VIOLATION,
    changed,
    judge,
    seen,
    told,
    understood,
)


@pytest.mark.parametrize(
    ("changes", "field"),
    [
        pytest.param(
            {"safety__safe_to_execute_orders": True}, "safety.safe_to_execute_orders", id="orders"
        ),
        pytest.param(
            {"safety__safe_to_execute_orders": "true"},
            "safety.safe_to_execute_orders",
            id="orders, in a broken answer",
        ),
        pytest.param(
            {"agent_identity__agent_mode": "Execute"}, "agent_identity.agent_mode", id="execute"
        ),
        pytest.param(
            {"agent_identity__agent_mode": "LIVE", "status": None},
            "agent_identity.agent_mode",
            id="live, in a broken answer",
        ),
        pytest.param(SWITCH_OFF, "safety.kill_switch", id="switch off"),
        pytest.param(
            {"safety__kill_switch": "false"}, "safety.kill_switch", id="off in a broken answer"
        ),
    ],
)
@pytest.mark.parametrize("age", [0, 3600])
def test_sev0_evidence_leads_the_report(changes, field, age):
    """
    Evidence of execution comes first, from a broken or an old answer too, and never conforms.
    """
    reading = seen(changed(STRATEGY, **changes), at=NOW - timedelta(seconds=age))
    report = judge_conformance({"/ops/status": reading}, NOW)

    assert field == report.deviations[0].field
    assert report.deviations[0].sev0
    assert "Sev-0" in report.deviations[0].problem
    assert Gravity.VIOLATION is report.deviations[0].gravity
    assert not report.conforms


def test_sev0_evidence_counts_from_any_endpoint():
    """
    A forbidden mode on a liveness endpoint is evidence as well.
    """
    health = seen({"status": "ok", "agent_mode": "EXECUTE"}, "/healthz")
    report = judge(STRATEGY, healthz=health)

    assert ["/healthz"] == [d.path for d in report.deviations if d.sev0]


BESIDE = {
    UnseenReason.NOT_OFFERED: ADVICE,
    UnseenReason.REDIRECTED: ADVICE,
    UnseenReason.ENCODED: ADVICE,
}


@pytest.mark.parametrize("reason", [r for r in UnseenReason if r not in OF_THE_CLUSTER])
def test_every_way_of_not_being_seen_is_explained(reason):
    """
    No status that was not seen conforms, whatever the reason; beside one it is weighed.
    """
    unseen = Unseen(reason, NOW, detail="why", exchange=Exchange(status=500))
    alone = judge_conformance({"/ops/status": unseen}, NOW)
    beside = judge(STRATEGY, health=unseen)

    assert not alone.conforms
    assert all(d.problem and d.remedy for d in alone.deviations)
    assert unseen.code in " ".join(d.problem for d in alone.deviations)
    assert [(BESIDE.get(reason, VIOLATION), "", "b.2")] == told(beside)


@pytest.mark.parametrize(
    ("kind", "gravity"), [(Kind.STRATEGY, ADVICE), (Kind.MARKETDATA, VIOLATION)]
)
def test_unwell_is_an_answer_except_for_the_freshness_of_marketdata(kind, gravity):
    """
    A liveness endpoint may say 503; where freshness is read, a 503 must say so in its contract.
    """
    unwell = Unseen(UnseenReason.HTTP_STATUS, NOW, exchange=Exchange(status=503))
    report = judge(changed(STRATEGY, service_kind=kind.value), kind, healthz=unwell)

    assert [(gravity, "", "b.2")] == told(report)
    assert report.deviations[0].problem.startswith("HTTP_503: ")


def test_checking_nothing_is_not_passing():
    """
    Without any endpoint asked, the one deviation says that no contract was seen.
    """
    report = judge_conformance({}, NOW)

    assert not report.conforms
    assert [(VIOLATION, "", "a.1")] == told(report)
    assert "seen: nothing" == report.deviations[0].found


@pytest.mark.parametrize(
    "reading",
    [
        pytest.param(seen({"status": "ok"}, "/healthz"), id="liveness"),
        pytest.param(seen(HEALTH, "/healthz"), id="freshness"),
        pytest.param(
            Seen(Answer(Shape.PLAIN, 200, PlainAnswer(), document=b"<html>"), NOW), id="plain"
        ),
    ],
)
def test_service_that_only_lives_does_not_conform(reading):
    """
    A service without the contract deviates however well it is, and is told what to do.
    """
    readings = {"/healthz": reading, "/ops/status": Unseen(UnseenReason.NOT_OFFERED, NOW)}
    report = judge_conformance(readings, NOW)

    assert [(VIOLATION, "", "a.1"), (ADVICE, "", "a.1")] == told(report)
    assert "contract: liveness" in report.deviations[0].remedy


def test_broken_fields_are_explained_one_by_one():
    """
    Each field that broke the contract gets its rule, and a remedy in the contract's own words.
    """
    broken = changed(
        STRATEGY,
        status__state="Halted",
        safety__kill_switch="true",
        marketdata=[],
        heartbeat=GONE,
        status__reason_codes=["A", 7],
    )
    report = judge(broken)
    fields = {d.field: d for d in report.deviations}

    assert {
        "status.state",
        "status.reason_codes.1",
        "safety.kill_switch",
        "marketdata",
        "heartbeat",
        "",
    } == set(fields)
    assert "found text" in fields["safety.kill_switch"].problem
    assert fields["safety.kill_switch"].remedy.endswith(
        "Whether the kill switch halts execution, as this service sees it."
    )
    assert fields["status.reason_codes.1"].remedy.endswith("one code, or none for OK.")
    assert "status contract a.1" == fields["heartbeat"].rule
    assert "is missing" == fields["heartbeat"].problem


@pytest.mark.parametrize(
    ("path", "document", "rule"),
    [
        pytest.param("/ops/status", {"uptime": "5"}, "status contract a.5", id="minimal"),
        pytest.param(
            "/healthz",
            {"ok": True, "last_tick_epoch_seconds": 1, "last_tick_age_seconds": "1"},
            "status contract a.5",
            id="legacy tick",
        ),
        pytest.param("/health", {"status": 1}, "status contract b.2", id="liveness"),
    ],
)
def test_broken_smaller_shapes_cite_their_own_section(path, document, rule):
    """
    A broken field cites the section of the shape that it belongs to.
    """
    report = judge_conformance({path: seen(document, path)}, NOW)

    assert {rule} == {d.rule for d in report.deviations if d.field}


def test_unknown_field_still_gets_a_remedy():
    """
    A problem that names no field of the contract leads to the JSON Schema.
    """
    unseen = Unseen(UnseenReason.CONTRACT_INVALID, NOW, problems=(("", "Invalid JSON"),))
    report = judge_conformance({"/ops/status": unseen}, NOW)

    assert "JSON Schema" in report.deviations[0].remedy


def test_a_key_that_is_there_twice_is_named():
    """
    A field said twice breaks the contract, and what helps is to say it once.
    """
    body = b'{"ok": true, "ok": false, "colour": 1, "colour": 2}'
    heard = hear_body(body, {"ok": False, "colour": 2})
    with pytest.raises(ContractViolation) as caught:
        read_answer(
            body, {"ok": False}, path="/healthz", http_status=200, shown=b"", doubled=heard.doubled
        )
    problems = caught.value.problems
    unseen = Unseen(UnseenReason.CONTRACT_INVALID, NOW, problems=problems)

    report = judge_conformance({"/healthz": unseen}, NOW)

    told_twice = [d for d in report.deviations if d.path == "/healthz"]
    assert [("ok", "is there more than once")] == [(d.field, d.problem) for d in told_twice]
    assert "once" in told_twice[0].remedy


@pytest.mark.parametrize(
    "reading",
    [
        pytest.param(
            Unseen(UnseenReason.NOT_JSON, NOW, claims=Claims(agent_mode="TURBO")), id="no JSON"
        ),
        pytest.param(
            seen({"status": "ok", "identity": {"agent_mode": "TURBO"}}, "/healthz"), id="liveness"
        ),
    ],
)
def test_an_unknown_mode_is_a_violation_wherever_it_is_said(reading):
    """
    A mode outside the vocabulary is named also where an answer is broken or promises no mode.
    """
    report = judge(STRATEGY, healthz=reading)

    assert ("violation", "agent_mode", "a.6") in told(report)
    assert not report.conforms


def test_what_is_no_2xx_is_not_seen():
    """
    A contract that comes with a 500 is none, however whole it is.
    """
    report = judge_conformance({"/ops/status": seen(STRATEGY, http_status=500)}, NOW)

    assert ["HTTP_500"] == [e.outcome for e in report.endpoints]
    assert not report.conforms


def test_old_reading_counts_as_not_seen():
    """
    What was seen too long ago proves nothing about now; that nothing was offered keeps.
    """
    old = NOW - timedelta(seconds=46)
    expired = judge_conformance({"/ops/status": seen(STRATEGY, at=old)}, NOW)
    offered = judge(STRATEGY, healthz=Unseen(UnseenReason.NOT_OFFERED, old))

    assert not expired.conforms
    assert ["EXPIRED"] == [e.outcome for e in expired.endpoints]
    assert ["NOT_OFFERED", "rich"] == [e.outcome for e in offered.endpoints]


def test_report_tells_what_each_endpoint_brought():
    """
    Each endpoint that was asked is listed with its outcome, status, time and excerpt.
    """
    exchange = Exchange(status=500, excerpt="Traceback")
    failing = Unseen(UnseenReason.HTTP_STATUS, NOW, took=0.5, exchange=exchange)
    report = judge(STRATEGY, healthz=failing)

    assert [
        ("/healthz", False, "HTTP_500", 500, 0.5, "Traceback"),
        ("/ops/status", True, "rich", 200, 0.01, ""),
    ] == [(e.path, e.seen, e.outcome, e.http_status, e.took, e.excerpt) for e in report.endpoints]


def test_what_was_found_is_taken_from_the_redacted_text_and_kept_short():
    """
    The report never shows more of an answer than its redacted text does.
    """
    document = changed(STRATEGY, agent_identity__agent_mode="hunter2")
    answer = understood(document)
    shown = changed(STRATEGY, agent_identity__agent_mode="[redacted]", git_sha=None)
    shown["status"]["last_updated_utc"] = "2026-03-06T15:00:07." + "0" * 100 + "Z"
    redacted = Seen(
        Answer(answer.shape, 200, answer.status, answer.claims, json.dumps(shown).encode()), NOW
    )
    report = judge_conformance({"/ops/status": redacted}, NOW)
    found = {d.field: d.found for d in report.deviations}

    assert '"[redacted]"' == found["agent_identity.agent_mode"]
    assert 80 == len(found["status.last_updated_utc"])
    assert found["status.last_updated_utc"].endswith("…")
    assert "hunter2" not in repr(report)


@pytest.mark.parametrize("document", [b"", b"[]"])
def test_answer_without_redacted_text_is_judged_all_the_same(document):
    """
    Where nothing may be shown the deviation is there all the same, with nothing shown.
    """
    answer = understood(changed(STRATEGY, agent_identity__agent_mode="STREAM"))
    bare = Seen(Answer(answer.shape, 200, answer.status, answer.claims, document), NOW)
    report = judge_conformance({"/ops/status": bare}, NOW)

    assert [(ADVICE, "agent_identity.agent_mode", "a.6")] == told(report)
    assert "absent" == report.deviations[0].found


def test_deviations_keep_one_order():
    """
    Equal readings give an equal report, whatever order they arrived in.
    """
    readings = {
        "/ops/status": seen(changed(STRATEGY, status__summary="x", repo_id="")),
        "/healthz": seen(changed(HEALTH, ok=False), "/healthz"),
        "/health": Unseen(UnseenReason.TIMEOUT, NOW),
    }
    backwards = dict(reversed(readings.items()))
    report = judge_conformance(readings, NOW)

    assert report == judge_conformance(backwards, NOW)
    assert list(report.deviations) == [*report.violations, *report.advice]


values = st.one_of(
    st.none(),
    st.booleans(),
    st.integers(),
    st.floats(),
    st.text(max_size=8),
    st.just([]),
    st.just({}),
)


leaves = [
    f"{part}__{field}"
    for part, inner in STRATEGY.items()
    if isinstance(inner, dict)
    for field in inner
] + [name for name, inner in STRATEGY.items() if not isinstance(inner, dict)]


@given(
    st.dictionaries(st.sampled_from(leaves), values, max_size=4),
    st.dictionaries(st.sampled_from(sorted(HEALTH)), values, max_size=3),
    st.sampled_from([None, *Kind]),
)
def test_any_answer_is_judged(changes, health_changes, kind):
    """
    Whatever a service answers, it is judged without an error, and breakage never conforms.
    """
    status = seen(changed(STRATEGY, **changes))
    health = seen(changed(HEALTH, **health_changes), "/healthz")
    report = judge_conformance({"/ops/status": status, "/healthz": health}, NOW, kind)

    assert report.conforms is (not report.violations)
    if isinstance(status, Unseen) or isinstance(health, Unseen):
        assert not report.conforms


@given(st.sampled_from([UnseenReason.TIMEOUT, UnseenReason.CONTRACT_INVALID, UnseenReason.EXPIRED]))
def test_silence_never_makes_a_service_conform(reason):
    """
    Replacing a seen contract by any failure never turns a report into a pass.
    """
    assert not judge_conformance({"/ops/status": Unseen(reason, NOW)}, NOW).conforms
