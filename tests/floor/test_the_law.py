"""Decide: the one law. Worse evidence never improves an answer."""

from copy import deepcopy
from dataclasses import replace
from datetime import timedelta

import orjson
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from mission_control.floor.decide.agent_evidence import weigh_evidence
from mission_control.floor.decide.evidence import Moment
from mission_control.floor.decide.floor import decide_floor
from mission_control.floor.model import NOTHING_LATCHED, Verdict
from mission_control.model.finding import Severity
from mission_control.model.fleet import Criticality, Safety
from mission_control.model.reading import Exchange, Seen, Unseen, UnseenReason
from tests.floor.floor_of_values import (
    EVENING,
    FLEET,
    GAMMA,
    INGEST,
    LIVE,
    MARKETDATA,
    NOW,
    STRATEGY,
    FloorOfValues,
    changed,
    read_body,
    reading,
    rich,
    session_at,
    stamp,
    unseen,
)
from tests.floor.hurts import HALTING
from tests.floor.sequences import CLAIMS, AlarmOverTime, Step, sequences

HURTS = [p.values[0] for p in HALTING]
PLACES = [
    (MARKETDATA.agent_name, "/ops/status"),
    (MARKETDATA.agent_name, "/healthz"),
    (STRATEGY.agent_name, "/ops/status"),
    (INGEST.agent_name, "/ops/status"),
    (GAMMA.agent_name, "/healthz"),
    (GAMMA.agent_name, "/readyz"),
]
AGENTS = {a.agent_name: a for a in FLEET.agents}
RUBBISH = {"corrupt": "\x00"}
MODES = ["TURBO", "", " \u200b", "ОFF", ["OFF"], 7, {"mode": "OFF"}]  # noqa: RUF001  (a look-alike)
BREAKS = [
    lambda body: body[:-1] + b',"age":NaN}',
    lambda body: body[: len(body) * 2 // 3],
    lambda body: b'{"x":' + b"[" * 2000 + b"]" * 2000 + b"," + body[1:],
    lambda body: b"\xef\xbb\xbf" + body,
    lambda body: body.decode().encode("utf-16"),
    lambda body: body + b"}",
    lambda body: body[:-1] + b',"status":' + b'{"state":"OK"},"ok":true}',
    lambda body: body[:-1] + b"," + body[1:],
]


def leaves(document, at=()):
    """List the paths of all keys of a document."""
    for key, value in document.items():
        yield (*at, key)
        if isinstance(value, dict):
            yield from leaves(value, (*at, key))


HOW = (
    "remove",
    "silence",
    "drop key",
    "garble key",
    "age",
    "switch",
    "mode",
    "break",
    "refuse",
    "refuse what was seen",
)


@st.composite
def degradations(draw):
    """Choose a way in which one reading gets worse."""
    place = draw(st.sampled_from(PLACES))
    how = draw(st.sampled_from(HOW))
    reason = draw(st.sampled_from(list(UnseenReason)))
    return place, how, reason, draw(st.integers(0, 200)), draw(st.floats(0, 90))


def degrade(floor, degradation):
    """Make the floor's evidence worse, as the world would."""
    (name, path), how, reason, pick, seconds = degradation
    seen = floor.answers[name].get(path)
    if how == "age":
        floor.now += timedelta(seconds=seconds)
    elif how == "switch":
        floor.switch = [None, "", "HALTED", "2", "0", floor.switch][pick % 6]
        floor.mounted = floor.mounted and pick % 2 == 0
    elif seen is None:
        return
    elif how == "remove":
        del floor.answers[name][path]
    elif how == "silence" and reason is UnseenReason.NOT_OFFERED and isinstance(seen, Unseen):
        return  # a 404 where nothing answered before is news, not a loss
    elif how == "silence":
        floor.answers[name][path] = unseen(reason, seen.at)
    elif isinstance(seen, Seen):
        spoil(floor, name, path, how, pick)


def spoil(floor, name, path, how, pick):
    """Say an unknown mode, break an answer or its JSON, or answer the same with a 503."""
    seen, agent = floor.answers[name][path], floor.fleet.agent(name)
    body, status = seen.value.document, seen.value.http_status
    document = orjson.loads(body)
    if how == "mode":
        where = "agent_identity" if path == "/ops/status" else "identity"
        mode = MODES[pick % len(MODES)]
        body = orjson.dumps(document | {where: document.get(where, {}) | {"agent_mode": mode}})
    elif how == "break":
        body = BREAKS[pick % len(BREAKS)](body)
    elif how == "refuse":
        status = 503
    elif how == "refuse what was seen":
        floor.answers[name][path] = replace(seen, value=replace(seen.value, http_status=503))
        return
    else:
        body = orjson.dumps(corrupt(document, pick, garble=how == "garble key"))
    floor.answers[name][path] = read_body(agent, path, body, seen.at, status)


def corrupt(document, pick, *, garble):
    """Garble or drop one key of a document."""
    # A mode that a lesser path no longer tells has ended where the primary one tells a good mode
    # (docs/semantics.md#6): that it is gone from there is no worse evidence.
    every = [at for at in sorted(leaves(document)) if at[0] != "identity"]
    *parents, last = every[pick % len(every)]
    place = document
    for parent in parents:
        place = place[parent]
    if garble:
        place[last] = deepcopy(RUBBISH)
    else:
        del place[last]
    return document


@settings(max_examples=400, deadline=None)
@given(
    evening=st.booleans(),
    hurts=st.lists(st.sampled_from(HURTS), max_size=3),
    steps=st.lists(degradations(), min_size=1, max_size=5),
)
def test_worse_evidence_never_improves_the_posture(evening, hurts, steps):
    """
    However a floor is hurt, no loss, ageing or corruption of evidence makes it look better (R0.1).
    """
    floor = FloorOfValues()
    floor.refresh(EVENING if evening else NOW)
    for hurt in hurts:
        hurt(floor)
    verdicts = [floor.decide().posture.verdict]

    for step in steps:
        degrade(floor, step)
        verdicts.append(floor.decide().posture.verdict)

    assert sorted(verdicts, key=lambda v: v.rank) == verdicts


def rank(posture):
    """Order postures, the best first; a halt that is confirmed is worse than one that is not."""
    return posture.verdict.rank, posture.verdict is Verdict.HALTED and posture.confirmed


SAYINGS = st.sampled_from(["well", "stale", "ahead", "silent", "refused", "lost", "broken"])


def say(floor, place, what):
    """Let a service answer on a path in one of many ways, by the floor's clock."""
    name, path = place
    agent, answers = AGENTS[name], floor.answers[name]
    tick_age = 200.0 if what == "stale" else 3.0
    document: dict[str, object] = (
        rich(agent, floor.now, tick_age) if path == "/ops/status" else {**LIVE}
    )
    if what == "ahead" and path == "/ops/status":
        ahead = stamp(floor.now + timedelta(hours=12))
        document = changed(document, "status.last_updated_utc", ahead)
    answers[path] = {
        "silent": lambda: unseen(UnseenReason.TIMEOUT, floor.now),
        "refused": lambda: unseen(UnseenReason.HTTP_STATUS, floor.now, 503),
        "lost": lambda: unseen(UnseenReason.NOT_OFFERED, floor.now, 404),
        "broken": lambda: unseen(UnseenReason.CONTRACT_INVALID, floor.now, 200),
    }.get(what, lambda: reading(path, document, floor.now))()
    if what in {"well", "stale", "ahead"}:
        answers[path] = replace(answers[path], exchange=Exchange(200))


@settings(max_examples=350, deadline=None)
@given(
    evening=st.booleans(),
    dates=st.booleans(),
    lived=st.lists(
        st.tuples(st.sampled_from(PLACES), SAYINGS, st.sampled_from([0.5, 1.0, 10.0, 100.0])),
        max_size=8,
    ),
    lost=st.lists(
        st.tuples(st.sampled_from(PLACES), st.sampled_from(list(UnseenReason)), st.floats(0, 40)),
        min_size=1,
        max_size=4,
    ),
)
def test_whatever_was_lived_through_silence_makes_nothing_better(evening, dates, lived, lost):
    """After any rounds, further ones that bring less leave neither verdict nor doubt the better."""
    floor = FloorOfValues()
    floor.refresh(EVENING if evening else NOW)
    if not dates:
        for name, path in PLACES:
            say(floor, (name, path), "well")
    floor.ask()
    floor.decide()
    for (name, path), what, seconds in lived:
        floor.now += timedelta(seconds=seconds)
        say(floor, (name, path), what)
        floor.ask(AGENTS[name])
        floor.decide()
    ranks = [rank(floor.decide().posture)]

    for (name, path), reason, seconds in lost:
        floor.now += timedelta(seconds=seconds)
        floor.lose(AGENTS[name], path, reason, STATUSES.get(reason))
        floor.ask(AGENTS[name])
        ranks.append(rank(floor.decide().posture))

    assert sorted(ranks) == ranks


STATUSES = {UnseenReason.HTTP_STATUS: 500, UnseenReason.NOT_OFFERED: 404}


@settings(max_examples=200, deadline=None)
@given(steps=st.lists(degradations(), max_size=4), evening=st.booleans())
def test_deciding_twice_on_the_same_evidence_changes_nothing(steps, evening):
    """The same evidence decided again gives the same posture and the same latched alarms."""
    floor = FloorOfValues()
    floor.refresh(EVENING if evening else NOW)
    for step in steps:
        degrade(floor, step)

    first, second = floor.decide(), floor.decide()

    assert first.posture == second.posture
    assert first.latched == second.latched


@pytest.mark.parametrize(
    ("name", "path"), [pytest.param(*p, id=" ".join(p)) for p in PLACES if p[1] != "/readyz"]
)
@pytest.mark.parametrize("reason", [None, *UnseenReason], ids=lambda r: r or "never asked")
def test_each_required_reading_is_required(floor, name, path, reason):
    """
    Losing any one required reading, for any reason and without any memory, halts the floor (R6.8).
    """
    if reason is None:
        del floor.answers[name][path]
    else:
        floor.answers[name][path] = unseen(reason, floor.now, 404)
    floor.latched = NOTHING_LATCHED

    abstains = path == "/healthz" and name == MARKETDATA.agent_name
    not_offered = reason is UnseenReason.NOT_OFFERED
    expected = Verdict.OK if abstains and not_offered else Verdict.HALTED

    assert expected is floor.decide().posture.verdict


@pytest.mark.parametrize(("hurt", "severity", "code", "subject"), HALTING)
def test_a_seen_denial_clears(floor, hurt, severity, code, subject):
    """
    When every source is seen saying otherwise, no alarm is left, and the floor is OK again (R6.1).
    """
    hurt(floor)
    floor.decide()
    floor.switch = "1"

    def bear_out(floor):
        if code == "FRESHNESS_GATE_FALSE_POSITIVE":
            tick = floor.now.timestamp() - 3
            floor.answer(MARKETDATA, "/healthz", {"ok": True, "last_tick_epoch_seconds": tick})

    snapshot = floor.deny_in_a_row(answer=bear_out)

    assert (Verdict.OK, ()) == (snapshot.posture.verdict, snapshot.latched.alarms)


@pytest.mark.parametrize("code", ["EXECUTION_EVIDENCE", "CONTRADICTION"])
def test_silence_never_clears(floor, code):
    """An alarm whose source falls silent stays latched, with its first time kept (R6.1)."""
    floor.say(STRATEGY, "safety.kill_switch", value=False)
    first = floor.decide()
    raised_at = floor.now

    floor.refresh(floor.now + timedelta(seconds=10))
    floor.lose(STRATEGY, "/ops/status", UnseenReason.CONNECTION_REFUSED)
    second = floor.decide()

    latched = {a.code: a for a in second.latched.alarms}
    assert code in {a.code for a in first.latched.alarms}
    assert (raised_at, raised_at) == (latched[code].since, latched[code].last_seen)


def test_an_alarm_from_the_future_was_raised_by_now(floor):
    """A clock ran ahead when it was heard: nothing else would be newer until that day."""
    floor.say(STRATEGY, "safety.kill_switch", value=False)
    heard = floor.decide().latched
    ahead = timedelta(days=1)
    dated = tuple(
        replace(a, since=a.since + ahead, last_seen=a.last_seen + ahead) for a in heard.alarms
    )
    floor.refresh(floor.now + timedelta(seconds=10))
    floor.lose(STRATEGY, "/ops/status", UnseenReason.CONNECTION_REFUSED)
    after = decide_floor(
        floor.evidence(), replace(heard, alarms=dated), session_at, floor.now
    ).latched

    assert len(heard.alarms) == len(after.alarms)
    assert {floor.now} == {a.since for a in after.alarms} | {a.last_seen for a in after.alarms}


def test_a_frozen_responder_cannot_clear(floor):
    """An answer from a stopped clock denies nothing."""
    floor.say(STRATEGY, "agent_identity.agent_mode", "EXECUTE")
    floor.decide()
    floor.say(STRATEGY, "status.last_updated_utc", "2026-11-18T15:00:00Z")

    assert "EXECUTION_EVIDENCE" in {a.code for a in floor.decide().latched.alarms}


def test_a_broken_answer_still_raises_an_alarm(floor):
    """A document that breaks its contract cannot hide the claim inside it."""
    floor.answer(STRATEGY, "/ops/status", {"safety": {"safe_to_execute_orders": True}})

    snapshot = floor.decide()

    assert isinstance(floor.answers[STRATEGY.agent_name]["/ops/status"], Unseen)
    assert ["EXECUTION_EVIDENCE"] == [a.code for a in snapshot.latched.alarms]


@settings(max_examples=100, deadline=None)
@given(claim=st.sampled_from(CLAIMS), played=sequences(own_denials=False))
def test_without_a_denial_by_the_same_instance_no_sequence_ends_better(claim, played):
    """
    Whatever else is said over time, a Sev-0 stays that the process that raised it upholds (R6.2).
    """
    over_time = AlarmOverTime(claim)
    began = over_time.play(Step("raise", 1.0)).posture

    for step in played:
        now = over_time.play(step).posture

        assert over_time.latched
        assert (began.verdict, began.severity) == (now.verdict, now.severity)


@settings(max_examples=100, deadline=None)
@given(claim=st.sampled_from(CLAIMS), played=sequences(most=60))
def test_a_sev0_ends_by_every_instance_that_raised_it(claim, played):
    """When it ends each one has denied it: once where lists tell it apart, else in a whole row."""
    over_time = AlarmOverTime(claim)
    over_time.play(Step("raise", 1.0))
    listed = False

    for step in played:
        over_time.play(step)
        listed = listed or step.how == "lists"
        if not over_time.latched:
            assert [] == list(over_time.undenied() if listed else over_time.without_row())
            return


@pytest.mark.parametrize("evening", [False, True], ids=["open", "evening"])
@pytest.mark.parametrize("mode", MODES, ids=repr)
@pytest.mark.parametrize("agent", [MARKETDATA, STRATEGY, INGEST], ids=lambda a: a.agent_name)
def test_an_unknown_mode_halts_in_every_phase(floor, agent, mode, evening):
    """Whichever says it and whenever: HALTED, P1, unexpected, until it says a known one (R6.10)."""
    optional = replace(agent, criticality=Criticality.OPTIONAL)
    floor.fleet = replace(
        floor.fleet, agents=tuple(optional if a is agent else a for a in floor.fleet.agents)
    )
    floor.refresh(EVENING if evening else NOW)
    at_best = floor.decide().posture.verdict
    if agent is not MARKETDATA or evening:  # a floor without a feed is never OK
        assert at_best is not Verdict.HALTED
    floor.say(agent, "agent_identity.agent_mode", mode)
    snapshot = floor.decide()
    report = snapshot.service(agent.agent_name)
    told = {(r.code, r.subject): r for r in snapshot.posture.reasons}

    assert Verdict.HALTED is snapshot.posture.verdict
    reason = told["MODE_UNKNOWN", agent.agent_name]
    assert (Severity.P1, True) == (reason.severity, reason.halts)
    assert (False, "MODE_UNKNOWN") == (report.expected, report.reason_code)

    floor.refresh(floor.now + timedelta(seconds=10))
    for said in (unseen(UnseenReason.TIMEOUT, floor.now), unseen(UnseenReason.NOT_JSON, floor.now)):
        floor.answers[agent.agent_name]["/ops/status"] = said
        assert Verdict.HALTED is floor.decide().posture.verdict
    floor.refresh(floor.now + timedelta(seconds=10))
    assert at_best is floor.decide().posture.verdict


@pytest.mark.parametrize("wrap", BREAKS[:7])
def test_a_broken_body_still_raises_an_alarm(floor, wrap):
    """At night, from an optional service, in a body that is no JSON: a forbidden mode is a P0."""
    optional = replace(INGEST, criticality=Criticality.OPTIONAL)
    floor.fleet = replace(
        floor.fleet, agents=tuple(optional if a is INGEST else a for a in floor.fleet.agents)
    )
    floor.refresh(EVENING)
    body = orjson.dumps(changed(rich(INGEST, floor.now), "agent_identity.agent_mode", "live"))
    floor.answers[INGEST.agent_name]["/ops/status"] = read_body(
        optional, "/ops/status", wrap(body), floor.now, 200
    )

    snapshot = floor.decide()

    assert Verdict.HALTED is snapshot.posture.verdict
    assert ("EXECUTION_EVIDENCE", INGEST.agent_name) in {
        (r.code, r.subject) for r in snapshot.posture.reasons if r.severity is Severity.P0
    }


def test_a_mode_in_a_health_answer_counts(floor):
    """What `/healthz` says of its identity is heard as what the contract says is."""
    floor.answer(GAMMA, "/healthz", {"status": "ok", "identity": {"agent_mode": "Live"}})
    p0 = floor.decide()
    floor.answer(GAMMA, "/healthz", {"status": "ok", "identity": {"agent_mode": "TURBO"}})
    both = floor.decide()
    paper = {"status": "ok", "identity": {"agent_mode": "PAPER"}}
    well = floor.deny_in_a_row(answer=lambda f: f.answer(GAMMA, "/healthz", paper))

    assert ["EXECUTION_EVIDENCE"] == [a.code for a in p0.latched.alarms]
    assert ["EXECUTION_EVIDENCE", "MODE_UNKNOWN"] == [a.code for a in both.latched.alarms]
    assert (Verdict.OK, ()) == (well.posture.verdict, well.latched.alarms)


def test_a_gate_that_refuses_claims_no_freshness_any_more(floor):
    """Of all that was said before, a refusal takes back one thing: that this gate is open."""
    tick = floor.now.timestamp()
    floor.answer(MARKETDATA, "/healthz", {"ok": False, "last_tick_epoch_seconds": tick}, 503)
    name = MARKETDATA.agent_name
    readings = floor.evidence().rounds[name]

    denied = weigh_evidence(MARKETDATA, readings, session_at, Moment(floor.now), Safety()).denied

    assert ("FRESHNESS_GATE_FALSE_POSITIVE", name, f"{name} /healthz", "ok") in denied


def test_what_is_no_2xx_takes_nothing_back(floor):
    """A `/healthz` that refuses says nothing that clears what was said there before."""
    said = {"ok": True, "last_tick_epoch_seconds": floor.now.timestamp()}
    floor.answer(MARKETDATA, "/healthz", said | {"identity": {"agent_mode": "LIVE"}})
    floor.decide()
    calm = {"identity": {"agent_mode": "OFF"}}

    def answered(status):
        def answer(f):
            tick = {"ok": status < 300, "last_tick_epoch_seconds": f.now.timestamp()}
            f.answer(MARKETDATA, "/healthz", calm | tick, status)

        return answer

    refused = floor.deny_in_a_row(answer=answered(503)).latched.alarms
    heard = floor.deny_in_a_row(answer=answered(200)).latched.alarms

    assert "EXECUTION_EVIDENCE" in {a.code for a in refused}
    assert "EXECUTION_EVIDENCE" not in {a.code for a in heard}
