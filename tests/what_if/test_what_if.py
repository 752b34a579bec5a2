"""What if: the rules tried on other evidence, without ever looking like the real posture."""

from dataclasses import replace
from datetime import timedelta

import orjson
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from mission_control.cluster.model.facts import ClusterFacts, ConfigMapFacts
from mission_control.contract.model.answer import Answer, Shape
from mission_control.contract.model.claims import Claims
from mission_control.contract.model.shapes import PlainAnswer
from mission_control.floor.decide.floor import decide_floor
from mission_control.floor.model import NOTHING_LATCHED, Verdict
from mission_control.history.codec import decision_result
from mission_control.model.kill_switch import SwitchText
from mission_control.model.reading import Seen, ServiceRound, Unseen, UnseenReason
from mission_control.what_if.decide import (
    alter_evidence,
    compare_postures,
    decide_what_if,
    judged,
    read_changes,
)
from mission_control.what_if.model import ChangesAsked, ImpossibleChange, Silence, SwitchReads
from mission_control.what_if.present import what_if_document, what_if_lines
from tests.floor.floor_of_values import (
    EVENING,
    GAMMA,
    INGEST,
    MARKETDATA,
    NOW,
    STRATEGY,
    FloorOfValues,
    session_at,
)
from tests.floor.hurts import HALTING

HURTS = [p.values[0] for p in HALTING]
MD, SE = MARKETDATA.agent_name, STRATEGY.agent_name


def hurt_floor(*hurts, at=NOW):
    """Return a floor whose services were asked, hurt so."""
    floor = FloorOfValues()
    floor.refresh(at)
    for hurt in hurts:
        hurt(floor)
    floor.ask()
    return floor


def what_if(floor, *say, silence=(), switch=None):
    """Decide a floor of values with something changed."""
    asked = ChangesAsked(tuple(silence), say, switch)
    return decide_what_if(floor.evidence(), floor.latched, session_at, floor.now, asked)


def codes(reasons):
    """List reasons by code and subject."""
    return [(r.code, r.subject) for r in reasons]


@settings(max_examples=50, deadline=None)
@given(evening=st.booleans(), hurts=st.lists(st.sampled_from(HURTS), max_size=3))
def test_with_nothing_changed_it_is_the_floor(evening, hurts):
    """
    Decided with no change, the floor is the one that was decided (R12.39).
    """
    floor = hurt_floor(*hurts, at=EVENING if evening else NOW)
    really = decide_floor(floor.evidence(), NOTHING_LATCHED, session_at, floor.now)

    found = what_if(floor)

    assert decision_result(really) == decision_result(found.before)
    assert judged(really.posture) == judged(found.after.posture)
    assert found.difference.nothing
    assert () == found.services


@settings(max_examples=50, deadline=None)
@given(
    evening=st.booleans(),
    hurts=st.lists(st.sampled_from(HURTS), max_size=3),
    silent=st.lists(st.sampled_from([MD, SE, INGEST.agent_name, GAMMA.agent_name]), max_size=4),
)
def test_silence_never_improves(evening, hurts, silent):
    """
    When services fall silent, neither the verdict nor what is latched gets better (R0.1).
    """
    floor = hurt_floor(*hurts, at=EVENING if evening else NOW)

    found = what_if(floor, silence=silent)

    before, after = found.before, found.after
    assert before.posture.verdict.rank <= after.posture.verdict.rank
    assert before.posture.expected >= after.posture.expected
    assert {a.key for a in before.latched.alarms} <= {a.key for a in after.latched.alarms}


def test_a_silent_feed_halts_and_says_so():
    """
    What comes and goes is named, and so is the service that is judged otherwise (R12.40).
    """
    found = what_if(hurt_floor(), silence=[MD])

    assert (Verdict.OK, Verdict.HALTED) == found.difference.verdicts
    assert ("TIMEOUT", MD) in codes(found.difference.came)
    assert [MD] == [s.agent_name for s in found.services]
    assert found.after.posture.confirmed


def test_an_alarm_is_not_cleared_by_silence_and_is_by_its_source():
    """
    What raised an alarm stays latched if it falls silent; what it says instead may clear it.
    """
    floor = hurt_floor(lambda f: f.say(STRATEGY, "marketdata.is_fresh", value=False))

    silent = what_if(floor, silence=[SE])
    denied = what_if(floor, f"{SE}.marketdata.is_fresh=true")

    raised = {a.key for a in silent.before.latched.alarms}
    assert raised
    assert raised == {a.key for a in silent.after.latched.alarms}
    assert set() == {a.key for a in denied.after.latched.alarms}
    assert Verdict.OK is denied.after.posture.verdict


@pytest.mark.parametrize(
    ("say", "came"),
    [
        pytest.param(f"{SE}.agent_identity.agent_mode=EXECUTE", "EXECUTION_EVIDENCE", id="mode"),
        pytest.param(
            f"{SE}.safety.safe_to_execute_orders=true", "EXECUTION_EVIDENCE", id="permission"
        ),
        pytest.param(f"{SE}.safety.kill_switch=false", "CONTRADICTION", id="switch"),
        pytest.param(f"{SE}.identity.mode=LIVE", "EXECUTION_EVIDENCE", id="a mode elsewhere"),
        pytest.param(
            f"{GAMMA.agent_name}.identity.mode=LIVE", "EXECUTION_EVIDENCE", id="mode of liveness"
        ),
        pytest.param(f"{MD}.marketdata.last_tick_utc=now-180", "MARKETDATA_STALE", id="old tick"),
        pytest.param(f'{SE}.status.state="OFF"', "CONTRACT_INVALID", id="no such state"),
        pytest.param(
            f'{SE}.safety={{"safe_to_execute_orders":true}}',
            "EXECUTION_EVIDENCE",
            id="a whole part",
        ),
        pytest.param(f"{SE}.status.last_updated_utc=now-300", "STATUS_FROZEN", id="frozen"),
    ],
)
def test_what_a_service_would_say_is_read_as_strictly_as_an_answer(say, came):
    """
    A changed answer goes through the reader of answers: types, claims and ages all count.
    """
    found = what_if(hurt_floor(), say)

    assert came in {r.code for r in found.difference.came}
    assert Verdict.HALTED is found.after.posture.verdict


def test_a_tick_in_epoch_seconds_is_read_as_well():
    """
    `now-180` is the instant in the form that its field has.
    """
    tick = {"service": MD, "last_tick_epoch_seconds": NOW.timestamp(), "ok": True}
    floor = hurt_floor(lambda f: f.answer(MARKETDATA, "/healthz", tick))

    found = what_if(floor, f"{MD}.last_tick_epoch_seconds=now-180")

    evidence = alter_evidence(floor.evidence(), found.changes)
    reading = evidence.rounds[MD].readings["/healthz"]
    assert isinstance(reading, Seen)
    assert NOW.timestamp() - 180 == orjson.loads(reading.value.document)["last_tick_epoch_seconds"]
    assert Verdict.HALTED is found.after.posture.verdict


def test_an_answer_that_refuses_and_breaks_is_its_status():
    """
    A 503 of the freshness contract that is broken is a 503, as when it is really read.
    """
    stale = {"service": MD, "last_tick_epoch_seconds": NOW.timestamp() - 500, "ok": False}
    floor = hurt_floor(lambda f: f.answer(MARKETDATA, "/healthz", stale, 503))

    evidence = alter_evidence(floor.evidence(), what_if(floor, f"{MD}.ok=7").changes)

    reading = evidence.rounds[MD].readings["/healthz"]
    assert isinstance(reading, Unseen)
    assert UnseenReason.HTTP_STATUS is reading.reason


def test_a_claim_is_told_even_where_the_primary_answer_is_missing():
    """
    A claim that no answer has is put into the primary answer, else into the first that was seen.
    """
    floor = hurt_floor(lambda f: f.lose(GAMMA, "/healthz", UnseenReason.TIMEOUT))

    evidence = alter_evidence(
        floor.evidence(), what_if(floor, f"{GAMMA.agent_name}.agent_mode=LIVE").changes
    )

    told = evidence.rounds[GAMMA.agent_name].readings["/livez"]
    assert isinstance(told, Seen)
    assert "LIVE" == told.value.claims.agent_mode


def test_what_is_not_changed_stays_as_it_was_claimed():
    """
    Claims that were heard of an answer stay when another field of it is changed.
    """
    floor = hurt_floor()
    reading = floor.rounds[SE].readings["/ops/status"]
    assert isinstance(reading, Seen)
    heard = replace(reading.value, claims=Claims(kill_switch=SwitchText.UNCLEAR))
    readings = {"/ops/status": Seen(heard, reading.at)}
    floor.rounds[SE] = replace(floor.rounds[SE], readings=readings)

    evidence = alter_evidence(floor.evidence(), what_if(floor, f"{SE}.git_sha=x").changes)

    told = evidence.rounds[SE].readings["/ops/status"]
    assert isinstance(told, Seen)
    assert SwitchText.UNCLEAR is told.value.claims.kill_switch


def test_the_switch_is_changed_in_every_configured_source():
    """
    The file, the ConfigMap read by name and the one that is listed read the same instead.
    """
    maps = tuple(
        ConfigMapFacts("trading-floor", name, "0" * 64) for name in ("agenttrader-kill-switch", "x")
    )
    evidence = replace(
        hurt_floor().evidence(), cluster=ClusterFacts(("trading-floor",), config_maps=maps)
    )

    altered = alter_evidence(evidence, (SwitchReads("0"),))

    assert ["0"] == [
        s.reading.value for s in altered.switch_readings if isinstance(s.reading, Seen)
    ]
    assert altered.cluster is not None
    assert [{"EXECUTION_HALTED": "0"}, {}] == [m.values for m in altered.cluster.config_maps]


def test_a_switch_that_is_off_halts():
    """
    Off in its file while services say on is evidence of execution and a contradiction.
    """
    found = what_if(hurt_floor(), switch="0")

    assert {"EXECUTION_EVIDENCE", "CONTRADICTION"} <= {r.code for r in found.difference.came}


def plain_floor():
    """Return a floor on which one service is only known to answer."""
    floor = hurt_floor()
    plain = Seen(Answer(Shape.PLAIN, 200, PlainAnswer(), document=b"null"), NOW)
    floor.rounds[SE] = ServiceRound(SE, NOW, NOW, {"/": plain})
    return floor


@pytest.mark.parametrize(
    ("asked", "told"),
    [
        pytest.param(ChangesAsked(say=("nonsense",)), "AGENT.FIELD=VALUE", id="no value"),
        pytest.param(ChangesAsked(say=("x.y=1",)), f"lists no 'x'; it lists .*{SE}", id="agent"),
        pytest.param(ChangesAsked(silence=("x",)), "lists no 'x'", id="silent agent"),
        pytest.param(
            ChangesAsked(say=(f"{SE}.status.stat=OK",)),
            "says no 'status.stat': there are .*marketdata.last_tick_utc.*status.state",
            id="field",
        ),
        pytest.param(
            ChangesAsked(say=(f"{SE}.marketdata.is_fresh.x=1",)), r"is_fresh\.x", id="below a value"
        ),
        pytest.param(ChangesAsked(say=(f"{SE}.git_sha={'x' * 513}",)), "512", id="long"),
        pytest.param(ChangesAsked(silence=(SE,), say=(f"{SE}.git_sha=x",)), "at once", id="both"),
    ],
)
def test_what_cannot_be_changed_is_refused_with_what_can_be(asked, told):
    """
    A name, a field or a value that is not usable is named, beside those that are.
    """
    with pytest.raises(ImpossibleChange, match=told):
        read_changes(asked, hurt_floor().evidence(), NOW)


def test_only_what_was_read_can_be_changed():
    """
    Who was not asked or gave no answer has no field, and a switch without a source no value.
    """
    floor = hurt_floor(lambda f: f.lose(STRATEGY, "/ops/status", UnseenReason.TIMEOUT))
    evidence = floor.evidence()
    unasked = replace(evidence, rounds={}, switch_readings=())

    with pytest.raises(ImpossibleChange, match=r"gave no answer .*/ops/status TIMEOUT"):
        read_changes(ChangesAsked(say=(f"{SE}.git_sha=x",)), evidence, NOW)
    with pytest.raises(ImpossibleChange, match="was not asked"):
        read_changes(ChangesAsked(silence=(SE,)), unasked, NOW)
    with pytest.raises(ImpossibleChange, match="no source of the kill switch"):
        read_changes(ChangesAsked(switch="0"), unasked, NOW)
    with pytest.raises(ImpossibleChange, match="is not read"):
        read_changes(ChangesAsked(say=(f"{SE}.x=1",)), plain_floor().evidence(), NOW)


def test_what_answers_plainly_can_still_claim():
    """
    An answer of which nothing is read can be given a claim; it is then no plain answer any more.
    """
    floor = plain_floor()

    evidence = alter_evidence(floor.evidence(), what_if(floor, f"{SE}.agent_mode=LIVE").changes)

    told = evidence.rounds[SE].readings["/"]
    assert "LIVE" == (told.value.claims if isinstance(told, Seen) else told.claims).agent_mode


def test_what_is_not_offered_cannot_fall_silent():
    """
    A path that is not there stays so when its service falls silent.
    """
    floor = hurt_floor(lambda f: f.lose(GAMMA, "/livez", UnseenReason.NOT_OFFERED, 404))

    evidence = alter_evidence(floor.evidence(), (Silence(GAMMA.agent_name),))

    readings = evidence.rounds[GAMMA.agent_name].readings
    assert {"/healthz": "TIMEOUT", "/readyz": "TIMEOUT", "/livez": "NOT_OFFERED"} == {
        path: r.code for path, r in readings.items() if isinstance(r, Unseen)
    }


def test_a_reason_that_only_weighs_otherwise_is_a_change():
    """
    A reason of both decisions counts as changed where it weighs or says otherwise, not by age.
    """
    posture = what_if(hurt_floor(), silence=[MD]).after.posture
    first, *others = posture.reasons
    later = replace(first, since=NOW + timedelta(seconds=9))
    milder = replace(first, halts=not first.halts)

    same = compare_postures(judged(posture), (posture.verdict, (later, *others)))
    other = compare_postures(judged(posture), (posture.verdict, (milder, *others)))

    assert same.nothing
    assert ((first, milder),) == other.changed


def test_nothing_of_it_looks_like_the_real_posture():
    """
    Each part of the document and each verdict in the text is labelled WHAT IF (R12.41).
    """
    found = what_if(
        hurt_floor(), f"{SE}.agent_identity.agent_mode=EXECUTE", silence=[MD], switch="2"
    )

    document, text = what_if_document(found), "\n".join(what_if_lines(found))

    assert document["what_if"]
    assert "WHAT IF" == document["label"]
    assert "posture" not in document
    assert all("WHAT IF" in document[side]["label"] for side in ("before", "after"))
    assert "HALTED" == document["after"]["verdict"]
    assert {(r["code"], r["subject"]) for r in document["came"]} == set(
        codes(found.difference.came)
    )
    for line in text.splitlines():
        if "OK" in line or "HALTED ·" in line:
            assert "WHAT IF" in line or line.startswith(("  ", "+", "~"))
    assert f'  {SE} says agent_identity.agent_mode = "EXECUTE"' in text
    assert f"  {MD} does not answer" in text
    assert "reads '2'" in text


def test_what_weighs_otherwise_is_shown_before_and_after():
    """
    A changed reason stands twice, as it was and as it would be; nothing changed is said, too.
    """
    floor = hurt_floor(lambda f: f.lose(MARKETDATA, "/ops/status", UnseenReason.TIMEOUT))
    same, found = what_if(floor), what_if(floor, silence=[MD])

    assert "No reason comes, goes or changes." in list(what_if_lines(same))
    assert found.difference.changed
    marks = [line[:2] for line in what_if_lines(found)]
    assert "~ " in marks
    sides = what_if_document(found)["changed"][0]
    assert sides["before"]["code"] == sides["after"]["code"]
    assert sides["before"] != sides["after"]
