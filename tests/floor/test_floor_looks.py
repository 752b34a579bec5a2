"""Decide: looking only at what changed gives the answer that looking at everything gives."""

import operator
from dataclasses import dataclass, field, replace
from datetime import timedelta

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from mission_control.floor import incremental
from mission_control.floor.decide import agent_evidence
from mission_control.floor.decide.evidence import Moment, Statement
from mission_control.floor.decide.execution import state_execution
from mission_control.floor.decide.floor import decide_floor, decide_on_looks
from mission_control.floor.decide.round_memory import join_rounds
from mission_control.floor.incremental import FloorCache
from mission_control.floor.model import FloorEvidence, FloorSnapshot
from mission_control.model.reading import ServiceRound, Unseen, UnseenReason
from mission_control.model.session import Phase
from tests.floor.floor_of_values import (
    CLOSE_AT,
    MARKETDATA,
    NOW,
    OPEN_AT,
    STRATEGY,
    FloorOfValues,
    changed,
    rich,
    session_at,
    stamp,
    unseen,
)
from tests.floor.hurts import HALTING
from tests.floor.test_the_law import PLACES, degradations, degrade

HURTS = [p.values[0] for p in HALTING]
SECONDS = [0.0, 0.000001, 0.4, 3.0, 15.0, 44.999, 45.0, 45.001, 60.0, 75.0, 119.9, 120.0, 126.0]


@dataclass
class WatchedFloor:
    """
    Decides a floor of values as the watch does: rounds that did not change stay the same.

    Each new round is noted before it is decided on, unless the watch never `notes` any.
    """

    floor: FloorOfValues
    rounds: dict[str, ServiceRound] = field(default_factory=dict)
    answered: dict[str, object] = field(default_factory=dict)
    joins: bool = True
    notes: bool = True
    cache: FloorCache = field(default_factory=FloorCache)
    before: FloorSnapshot | None = None

    def evidence(self) -> FloorEvidence:
        """Return the evidence with a new round only for agents whose readings changed."""
        newest = self.floor.evidence()
        for name, round_ in newest.rounds.items():
            held = self.rounds.get(name)
            if held is None or self.answered.get(name) != round_.readings:
                self.answered[name] = dict(round_.readings)
                agent = {a.agent_name: a for a in newest.fleet.agents}[name]
                joined = join_rounds(agent, held if self.joins else None, round_)
                past = joined.past if self.joins else {}
                self.rounds[name] = replace(joined, past=past)
                if self.notes:
                    session_at, now = self.floor.session_at, self.floor.now
                    self.cache.note_round(agent, self.rounds[name], session_at, now)
        return FloorEvidence(newest.fleet, dict(self.rounds), newest.switch_readings)

    def decide_both(self) -> tuple[FloorSnapshot, FloorSnapshot]:
        """Decide once on looks that are taken over and once from nothing."""
        evidence, now = self.evidence(), self.floor.now
        latched = self.floor.latched
        whole = decide_floor(evidence, latched, self.floor.session_at, now)
        looks = self.cache.look_at_floor(evidence, self.floor.session_at, now)
        again = decide_on_looks(looks, evidence, latched, now, before=self.before)
        self.before = again
        self.floor.latched = again.latched
        return whole, again


def advance(floor, seconds):
    """Let time pass."""
    floor.now += timedelta(seconds=seconds)


def answer_again(floor, place):
    """Let one agent answer well again."""
    name, path = place
    agent = floor.fleet.agent(name)
    if path == "/ops/status":
        floor.answer(agent, path, rich(agent, floor.now))
    else:
        floor.answer(agent, path, {"status": "ok"})


def answer_late(floor, lateness):
    """Let a service answer with a tick, and a time of its own, that soon are too old."""
    agent, tick_age, updated_ago = lateness
    document = rich(agent, floor.now, tick_age)
    updated = stamp(floor.now - timedelta(seconds=updated_ago))
    floor.answer(agent, "/ops/status", changed(document, "status.last_updated_utc", updated))


def without_date(floor, place):
    """Let one path answer without a `Date` header from now on."""
    name, path = place
    known = floor.answers[name].get(path)
    if known is not None:
        exchange = replace(known.exchange, date_skew=None)
        floor.answers[name][path] = replace(known, exchange=exchange)


def all_answer_again(floor, seconds):
    """Let every service say what it said, with clocks of now, after some time."""
    before = floor.answers
    floor.refresh(floor.now + timedelta(seconds=seconds))
    for name, answers in before.items():
        for path, reading in answers.items():
            if isinstance(reading, Unseen):
                floor.answers[name][path] = replace(reading, at=floor.now)


STEPS = st.one_of(
    st.sampled_from(SECONDS).map(lambda s: (all_answer_again, s)),
    st.sampled_from(PLACES).map(lambda p: (without_date, p)),
    st.tuples(
        st.sampled_from([MARKETDATA, STRATEGY]), st.sampled_from([3, 100, 115]), st.integers(0, 59)
    ).map(lambda lateness: (answer_late, lateness)),
    degradations().map(lambda d: (degrade, d)),
    st.sampled_from(SECONDS).map(lambda s: (advance, s)),
    st.floats(0, 130).map(lambda s: (advance, s)),
    st.sampled_from(PLACES).map(lambda p: (answer_again, p)),
    st.sampled_from(HURTS).map(lambda h: (lambda floor, hurt: hurt(floor), h)),
)
BEGINNINGS = [NOW, OPEN_AT - timedelta(seconds=40), CLOSE_AT - timedelta(seconds=40)]


@settings(max_examples=150, deadline=None)
@given(
    beginning=st.sampled_from(BEGINNINGS),
    steps=st.lists(STEPS, min_size=1, max_size=8),
    joins=st.booleans(),
    notes=st.booleans(),
)
def test_what_is_taken_over_is_what_would_be_decided_in_full(beginning, steps, joins, notes):
    """However evidence and time move, looking at what changed decides as looking at all does."""
    floor = FloorOfValues()
    floor.refresh(beginning)
    watched = WatchedFloor(floor, joins=joins, notes=notes)
    watched.decide_both()

    for act, what in steps:
        act(floor, what)
        whole, again = watched.decide_both()

        assert whole == again


def test_what_did_not_change_is_taken_over(floor):
    """A second decision a moment later makes no new report: the very same values are used."""
    watched = WatchedFloor(floor)
    _, first = watched.decide_both()
    advance(floor, 0.5)
    _, second = watched.decide_both()

    assert all(a is b for a, b in zip(first.services, second.services, strict=True))
    assert first.latched.services is second.latched.services


@pytest.mark.parametrize(
    "forgotten",
    [
        pytest.param(lambda now, at: now.is_older(at, 7.25), id="too old"),
        pytest.param(lambda now, at: not now.is_ahead(at, -7.25), id="no longer so young"),
    ],
)
def test_a_rule_about_age_that_is_declared_nowhere_is_never_answered_from_what_is_kept(
    floor, monkeypatch, forgotten
):
    """A new rule with a limit of its own is asked again when its answer may be another one."""

    def state(agent, readings, now, safety):
        yield from state_execution(agent, readings, now, safety)
        if any(forgotten(now, reading.at) for reading in readings.values()):
            yield Statement("MODE_UNKNOWN", agent.agent_name, "a new rule", "age", raises=True)

    monkeypatch.setattr(agent_evidence, "state_execution", state)
    watched = WatchedFloor(floor)
    verdicts = set()
    for seconds in (0, 7.2, 0.049, 0.002, 1):
        advance(floor, seconds)
        whole, again = watched.decide_both()
        verdicts.add(again.posture.verdict)
        assert whole == again

    assert {"OK", "HALTED"} == verdicts


def test_a_rule_cannot_compute_an_age_itself(floor):
    """The instant of a decision is no number: a rule that goes round it fails at once."""
    with pytest.raises(TypeError):
        operator.sub(NOW, Moment(floor.now))  # pyright: ignore[reportCallIssue, reportArgumentType]


def test_a_clock_that_steps_back_has_everything_looked_at_again(floor):
    """A look belongs to the time from its instant on; before that it holds nothing."""
    watched = WatchedFloor(floor)
    watched.decide_both()
    advance(floor, -20)
    whole, again = watched.decide_both()

    assert whole == again
    assert "EXPIRED" in {r.code for r in again.posture.reasons}


def _news(floor, change):
    watched = WatchedFloor(floor)
    watched.decide_both()
    advance(floor, 10)
    change(floor)
    readings = dict(floor.answers[STRATEGY.agent_name])
    round_ = ServiceRound(STRATEGY.agent_name, floor.now, floor.now, readings)
    return watched.cache.note_round(STRATEGY, round_, session_at, floor.now)


@pytest.mark.parametrize(
    "change",
    [
        pytest.param(lambda f: f.say(STRATEGY, "status.state", "DEGRADED"), id="another state"),
        pytest.param(
            lambda f: f.say(STRATEGY, "safety.safe_to_execute_orders", value=True),
            id="a new alarm",
        ),
        pytest.param(
            lambda f: f.lose(STRATEGY, "/ops/status", UnseenReason.TIMEOUT), id="falls silent"
        ),
        pytest.param(lambda f: f.say(STRATEGY, "safety.kill_switch", "2"), id="switch unclear"),
        pytest.param(
            lambda f: f.answers[STRATEGY.agent_name].update(
                {"/extra": unseen(UnseenReason.TIMEOUT, f.now)}
            ),
            id="another gap",
        ),
    ],
)
def test_a_round_that_changes_an_answer_is_news(floor, change):
    """A round that may change an answer has the floor decided at once."""
    assert _news(floor, change)


def test_a_round_that_says_the_same_again_is_no_news(floor):
    """A younger reading of the same waits for the next beat."""
    assert not _news(floor, lambda f: answer_again(f, (STRATEGY.agent_name, "/ops/status")))


def test_a_time_past_all_time_holds_nothing_up(floor):
    """An instant that no age can be added to is judged like any other, again and again."""
    floor.say(STRATEGY, "status.last_updated_utc", "9999-12-31T23:59:59Z")
    watched = WatchedFloor(floor)

    for _ in range(2):
        whole, again = watched.decide_both()
        assert whole == again
        assert "CLOCK_SKEW" in {r.code for r in again.posture.reasons}


def _take_back(floor, seconds):
    """Have the strategy's reading be so old."""
    answers = floor.answers[STRATEGY.agent_name]
    at = floor.now - timedelta(seconds=seconds)
    answers["/ops/status"] = replace(answers["/ops/status"], at=at)


def _with_old_files(floor):
    """Have the strategy read with certificates that are no longer the newest."""
    answers = floor.answers[STRATEGY.agent_name]
    exchange = replace(answers["/ops/status"].exchange, old_files="tls.crt cannot be read")
    answers["/ops/status"] = replace(answers["/ops/status"], exchange=exchange)


def _round_again(floor, watched, change=None):
    """Return the round in which the strategy answers again, ten seconds later."""
    watched.decide_both()
    advance(floor, 10)
    floor.answer(STRATEGY, "/ops/status", rich(STRATEGY, floor.now))
    if change is not None:
        change(floor)
    return replace(
        watched.rounds[STRATEGY.agent_name],
        finished=floor.now,
        readings=dict(floor.answers[STRATEGY.agent_name]),
    )


@pytest.fixture
def judged(monkeypatch):
    """Yield the names of agents that are weighed in full."""
    names = list[str]()
    weigh = incremental.weigh_evidence

    def noted(agent, *rest):
        names.append(agent.agent_name)
        return weigh(agent, *rest)

    monkeypatch.setattr(incremental, "weigh_evidence", noted)
    return names


@pytest.mark.parametrize(
    ("change", "renewed"),
    [
        pytest.param(None, True, id="the same"),
        pytest.param(lambda f: f.say(STRATEGY, "marketdata.last_tick_utc", None), False, id="tick"),
        pytest.param(
            lambda f: f.say(STRATEGY, "status.state", "MARKET_CLOSED"), False, id="another state"
        ),
        pytest.param(
            lambda f: f.lose(STRATEGY, "/ops/status", UnseenReason.TIMEOUT), False, id="silent"
        ),
        pytest.param(lambda f: _take_back(f, 50), False, id="too old by now"),
        pytest.param(_with_old_files, False, id="old files"),
        pytest.param(
            lambda f: f.say(STRATEGY, "marketdata.last_tick_utc", stamp(NOW - timedelta(hours=1))),
            False,
            id="a stale tick",
        ),
        pytest.param(
            lambda f: f.say(STRATEGY, "status.last_updated_utc", stamp(NOW - timedelta(hours=1))),
            False,
            id="frozen",
        ),
    ],
)
def test_a_round_that_says_the_same_is_not_weighed_again(floor, judged, change, renewed):
    """Only what says something else, or has another clock that matters, is weighed in full."""
    watched = WatchedFloor(floor)
    round_ = _round_again(floor, watched, change)
    judged.clear()

    watched.cache.note_round(STRATEGY, round_, session_at, floor.now)

    assert ([] if renewed else [STRATEGY.agent_name]) == judged


def test_a_look_judged_by_an_age_of_its_own_is_never_renewed(floor, judged, monkeypatch):
    """A rule with a limit that renewal does not know of has every round weighed in full."""

    def state(agent, readings, now, safety):
        assert not any(now.is_older(reading.at, 1_000.0) for reading in readings.values())
        yield from state_execution(agent, readings, now, safety)

    monkeypatch.setattr(agent_evidence, "state_execution", state)
    watched = WatchedFloor(floor)
    round_ = _round_again(floor, watched)
    judged.clear()

    watched.cache.note_round(STRATEGY, round_, session_at, floor.now)

    assert [STRATEGY.agent_name] == judged


def test_after_a_mistake_of_ours_everything_is_looked_at(floor, monkeypatch):
    """What was half done when a rule raised is not built upon."""
    watched = WatchedFloor(floor)
    round_ = _round_again(floor, watched, lambda f: f.say(STRATEGY, "status.state", "DEGRADED"))
    judge = incremental.judge_agent
    monkeypatch.setattr(incremental, "judge_agent", lambda *_: 1 / 0)
    with pytest.raises(ZeroDivisionError):
        watched.cache.note_round(STRATEGY, round_, session_at, floor.now)
    monkeypatch.setattr(incremental, "judge_agent", judge)

    whole, again = watched.decide_both()

    assert whole == again
    assert watched.cache.note_round(STRATEGY, round_, session_at, NOW)


@pytest.mark.parametrize(
    ("tick", "renewed"),
    [
        pytest.param(NOW - timedelta(hours=1), True, id="stopped"),
        pytest.param(NOW + timedelta(seconds=60), False, id="in the future"),
    ],
)
def test_a_tick_that_is_not_fresh_is_renewed_while_it_is_the_same_one(floor, judged, tick, renewed):
    """A feed that has stopped says the same again; what was in the future may be so no more."""

    def say(floor):
        age = (floor.now - tick).total_seconds()
        floor.answer(STRATEGY, "/ops/status", rich(STRATEGY, floor.now, age))

    say(floor)
    floor.session_at = lambda now: replace(session_at(now), phase=Phase.POST_MARKET)
    watched = WatchedFloor(floor)
    round_ = _round_again(floor, watched, say)
    judged.clear()

    watched.cache.note_round(STRATEGY, round_, floor.session_at, floor.now)

    assert renewed is not bool(judged)


def test_a_service_that_says_closed_while_the_floor_is_open_is_weighed(floor, judged):
    """How long it may lag behind our calendar is timed."""

    def say(floor):
        floor.say(STRATEGY, "status.state", "MARKET_CLOSED")

    say(floor)
    watched = WatchedFloor(floor)
    round_ = _round_again(floor, watched, say)
    judged.clear()

    watched.cache.note_round(STRATEGY, round_, session_at, floor.now)

    assert [STRATEGY.agent_name] == judged


def test_a_feed_that_only_one_of_two_answers_speaks_of_is_weighed(floor, judged):
    """An answer that begins to speak of a feed, or ceases to, says something else."""
    floor.answer(MARKETDATA, "/healthz", {"ok": True, "last_tick_epoch_seconds": NOW.timestamp()})
    watched = WatchedFloor(floor)
    watched.decide_both()
    advance(floor, 10)
    floor.answer(MARKETDATA, "/ops/status", rich(MARKETDATA, floor.now))
    floor.answer(MARKETDATA, "/healthz", {"ok": True, "last_tick_epoch_seconds": None})
    judged.clear()
    whole, again = watched.decide_both()

    assert whole == again
    assert MARKETDATA.agent_name in judged


@pytest.mark.parametrize("reason", [UnseenReason.TIMEOUT, UnseenReason.NOT_OFFERED])
def test_a_service_that_fails_as_before_is_not_weighed_again(floor, judged, reason):
    """Failing again and again, in the same way, costs no more than answering does."""
    watched = WatchedFloor(floor)
    whole, again = watched.decide_both()
    for _ in range(3):
        advance(floor, 10)
        floor.answer(MARKETDATA, "/ops/status", rich(MARKETDATA, floor.now))
        floor.answer(MARKETDATA, "/healthz", {"status": "ok"})
        floor.lose(STRATEGY, "/ops/status", reason)
        judged.clear()
        whole, again = watched.decide_both()
        assert whole == again

    assert STRATEGY.agent_name not in judged
    assert "OFFLINE" in {s.state for s in again.services} or reason is UnseenReason.NOT_OFFERED
