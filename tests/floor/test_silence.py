"""Decide: what a first silence, a lost path and a word that changed do to the whole floor."""

from dataclasses import replace
from datetime import timedelta

import pytest

from mission_control.floor.decide.alarms import join_latched
from mission_control.floor.decide.events import find_happenings, why_kept
from mission_control.floor.decide.stall import mark_stalled
from mission_control.floor.model import NOTHING_LATCHED, ServiceSince, Verdict
from mission_control.model.event import EventType
from mission_control.model.fleet import Agent, Criticality, Fleet, Kind
from mission_control.model.reading import UnseenReason
from tests.floor.floor_of_values import (
    GAMMA,
    INGEST,
    LIVE,
    MARKETDATA,
    NOW,
    STRATEGY,
    FloorOfValues,
    changed,
    reading,
    rich,
    stamp,
    unseen,
)

OPS, HEALTH = "/ops/status", "/healthz"


@pytest.fixture
def lived():
    """Return a floor whose services were asked once and answered well."""
    floor = FloorOfValues()
    floor.ask()
    floor.decide()
    return floor


def later(floor, seconds=1.0):
    """Let time pass, in which no service is asked."""
    floor.now += timedelta(seconds=seconds)


def lose(floor, agent, path, reason=UnseenReason.TIMEOUT, status=None):
    """Ask an agent again, which does not answer on a path."""
    later(floor)
    floor.lose(agent, path, reason, status)
    floor.ask(agent)
    return floor.decide()


def halting(snapshot):
    """Return the codes of what halts, and whether each is confirmed."""
    return {(r.code, r.confirmed) for r in snapshot.posture.reasons if r.halts}


@pytest.mark.parametrize("agent", [STRATEGY, INGEST], ids=lambda a: a.agent_name)
@pytest.mark.parametrize(("reason", "status"), [("TIMEOUT", None), ("HTTP_STATUS", 500)])
def test_a_first_silence_halts_unconfirmed_and_the_second_confirms(lived, agent, reason, status):
    """
    It halts at once either way; what follows from a silence is as little confirmed as it (R2.7).
    """
    first = lose(lived, agent, OPS, UnseenReason(reason), status)
    second = lose(lived, agent, OPS, UnseenReason(reason), status)
    code = "HTTP_500" if status else reason

    assert ({(code, False)}, False) == (halting(first), first.posture.confirmed)
    assert ({(code, True)}, True) == (halting(second), second.posture.confirmed)
    assert all(not r.confirmed for r in first.service(agent.agent_name).reasons[:1])


@pytest.mark.parametrize("path", [OPS, HEALTH])
def test_freshness_that_is_only_silent_is_not_confirmed(lived, path):
    """Marketdata that did not answer once is unverifiable, unconfirmed; twice is confirmed."""
    first, second = (lose(lived, MARKETDATA, path) for _ in range(2))

    assert ("MARKETDATA_UNVERIFIABLE", False) in halting(first)
    assert [False, True] == [s.posture.confirmed for s in (first, second)]
    assert Verdict.HALTED is first.posture.verdict


def test_one_confirmed_path_confirms_what_both_lack(lived):
    """Of two paths that say nothing of the feed, the one that was silent twice counts."""
    lose(lived, MARKETDATA, HEALTH)
    snapshot = lose(lived, MARKETDATA, OPS)

    assert {("TIMEOUT", False), ("MARKETDATA_UNVERIFIABLE", True)} == halting(snapshot)
    assert snapshot.posture.confirmed


def test_a_5xx_of_a_freshness_path_is_an_answer(lived):
    """`/healthz` that answers 503 says stale: confirmed at once."""
    snapshot = lose(lived, MARKETDATA, HEALTH, UnseenReason.HTTP_STATUS, 503)

    assert ("MARKETDATA_STALE", True) in halting(snapshot)
    assert snapshot.posture.confirmed
    (lead, *_) = snapshot.service(MARKETDATA.agent_name).reasons
    assert ("MARKETDATA_STALE", True) == (lead.code, lead.confirmed)


def test_a_5xx_of_execution_is_evidence_at_once():
    """A process of kind execution that answers at all is running: confirmed, P0."""
    engine = Agent("execution-engine", Kind.EXECUTION, "http://e", Criticality.OPTIONAL)
    floor = FloorOfValues()
    floor.fleet = Fleet((*floor.fleet.agents, engine), digest="0" * 64, source="fleet.yaml")
    floor.answers[engine.agent_name] = {OPS: unseen(UnseenReason.HTTP_STATUS, NOW, 500)}
    floor.ask()
    snapshot = floor.decide()

    assert {("EXECUTION_EVIDENCE", True)} == halting(snapshot)
    assert snapshot.posture.confirmed


def test_a_liveness_probe_that_is_silent_once_is_not_confirmed(lived):
    """The state that follows from it is as little confirmed."""
    (lead, *_) = lose(lived, GAMMA, "/readyz").service(GAMMA.agent_name).reasons

    assert ("NOT_READY", False) == (lead.code, lead.confirmed)


def test_an_unexpected_service_is_confirmed_by_anything_that_is(lived):
    """A silence beside a latched alarm leaves nothing in doubt."""
    lived.say(STRATEGY, "safety.safe_to_execute_orders", value=True)
    lived.ask(STRATEGY)
    lived.decide()
    snapshot = lose(lived, STRATEGY, OPS)

    assert {("EXECUTION_EVIDENCE", True), ("TIMEOUT", False)} == halting(snapshot)
    assert snapshot.posture.confirmed


def test_confirming_is_told_and_kept(lived):
    """That a halt is confirmed is an event, and a decision that history keeps."""
    well = lived.decide()
    first, second = (lose(lived, STRATEGY, OPS) for _ in range(2))
    told = [
        [h for h in find_happenings(a, b) if h.type is EventType.POSTURE_CHANGED]
        for a, b in [(well, first), (first, second), (second, second)]
    ]

    assert [[False], [True], []] == [[h.data["confirmed"] for h in each] for each in told]
    assert "(asked again in a second)" in told[0][0].message
    assert "the halt is confirmed: TIMEOUT strategy-engine; the posture stays" in told[1][0].message
    assert "change" == why_kept(first, second, second.at)


def test_a_halt_that_was_confirmed_stays_so_until_it_ends(lived):
    """Silence of what confirmed it makes it no less sure; the next halt begins unconfirmed."""
    later(lived)
    lived.say(STRATEGY, "status.last_updated_utc", stamp(lived.now + timedelta(hours=1)))
    lived.ask(STRATEGY)
    sure = lived.decide()
    silent = lose(lived, STRATEGY, OPS)
    later(lived)
    lived.refresh()
    lived.ask()
    well = lived.decide()
    another = lose(lived, STRATEGY, OPS)

    assert ({("CLOCK_SKEW", True)}, {("TIMEOUT", False)}) == (halting(sure), halting(silent))
    assert [True, True, True, False] == [s.posture.confirmed for s in (sure, silent, well, another)]


def test_doubt_after_a_stall_is_told(lived):
    """A stall of ours is a confirmed halt; a first silence found after it is not."""
    stalled = mark_stalled(lived.decide(), lived.now, 7)
    doubt = lose(lived, STRATEGY, OPS)
    (told,) = (h for h in find_happenings(stalled, doubt) if h.type is EventType.POSTURE_CHANGED)

    assert (True, False) == (stalled.posture.confirmed, doubt.posture.confirmed)
    assert "the halt is not confirmed, and asked again in a second: " in told.message


@pytest.mark.parametrize("path", ["/readyz", "/livez", HEALTH])
def test_a_lost_path_fails_whatever_path_it_is(lived, path):
    """What was offered and is not any more is a failed reading, where not offered is none."""
    snapshot = lose(lived, GAMMA, path, UnseenReason.NOT_OFFERED, 404)
    told = snapshot.service(GAMMA.agent_name)

    assert not told.expected
    assert "NO_LONGER_OFFERED" in " ".join((r.code + r.detail) for r in told.reasons)
    assert ("gamma-strategy " + path, "NO_LONGER_OFFERED") in snapshot.posture.coverage.gaps


def test_a_lost_healthz_of_marketdata_leaves_freshness_unverifiable(lived):
    """It abstains only while it never answered."""
    snapshot = lose(lived, MARKETDATA, HEALTH, UnseenReason.NOT_OFFERED, 404)

    assert {("MARKETDATA_UNVERIFIABLE", True)} == halting(snapshot)


def test_paths_that_answered_outlive_a_start(lived):
    """The latched state names the paths that ever answered, and survives a start."""
    before = lived.latched
    after = FloorOfValues()
    after.lose(GAMMA, "/livez", UnseenReason.NOT_OFFERED, 404)
    after.ask()
    started = after.decide()
    joined = join_latched(before, started.latched)
    paths = (HEALTH, "/livez", "/readyz")
    held = [s.service(GAMMA.agent_name) for s in (before, started.latched, joined)]

    assert [paths, (HEALTH, "/readyz"), paths] == [h.answered for h in held if h is not None]
    assert "change" == why_kept(started, replace(started, latched=joined), started.at)


def test_what_answered_is_kept_by_name_where_the_inventory_changes(lived):
    """Another order of the inventory, or a service more, mixes nothing up."""
    lived.fleet = Fleet(tuple(reversed(lived.fleet.agents)), digest="1" * 64, source="f.yaml")
    lived.rounds.clear()
    held = {s.agent_name: s.answered for s in lived.decide().latched.services}
    fewer = replace(lived.latched, services=(ServiceSince("x", *_since(lived)),))

    assert {OPS, HEALTH} == set(held[MARKETDATA.agent_name])
    assert None is fewer.service(GAMMA.agent_name)
    assert None is NOTHING_LATCHED.service(GAMMA.agent_name)


def _since(floor):
    held = floor.latched.services[0]
    return held.state, held.expected, held.since


OTHER = Agent("whale-strategy", Kind.STRATEGY, "http://whale")


@pytest.fixture
def feed():
    """Return a floor of marketdata and two strategies that tell the feed themselves."""
    floor = FloorOfValues()
    floor.fleet = Fleet((MARKETDATA, STRATEGY, OTHER, INGEST, GAMMA), digest="0" * 64, source="f")
    floor.answers[OTHER.agent_name] = {OPS: reading(OPS, rich(OTHER, floor.now), floor.now)}
    floor.ask()
    floor.decide()
    return floor


def tell(floor, agent, tick_age):
    """Ask an agent a second later, which tells a tick of this age."""
    later(floor)
    floor.answer(agent, OPS, rich(agent, floor.now, tick_age))
    floor.ask(agent)
    return floor.decide()


def contradicts(snapshot):
    """Return whether a contradiction leads or is latched."""
    return "CONTRADICTION" in {r.code for r in snapshot.posture.reasons}


@pytest.mark.parametrize("first", [MARKETDATA, STRATEGY], ids=lambda a: a.agent_name)
def test_a_feed_that_stops_and_recovers_is_no_contradiction(feed, first):
    """Read seconds apart, one service tells it before the others: that is staleness alone."""
    order = [first, *(a for a in (MARKETDATA, STRATEGY, OTHER) if a is not first)]
    stopping = [tell(feed, a, 130) for a in order]
    again = [tell(feed, a, 130) for a in order]
    recovering = [tell(feed, a, 1) for a in order]

    assert not any(contradicts(s) for s in (*stopping, *again, *recovering))
    assert Verdict.OK is recovering[-1].posture.verdict
    assert "MARKETDATA_STALE" in {r.code for r in stopping[0].posture.reasons}


@pytest.mark.parametrize("stale", [MARKETDATA, STRATEGY], ids=lambda a: a.agent_name)
def test_a_real_contradiction_shows_within_one_more_round(feed, stale):
    """Once the other side was read again and says fresh still, the two disagree."""
    told = tell(feed, stale, 130)
    fresh = [a for a in (MARKETDATA, STRATEGY, OTHER) if a is not stale]
    (more,) = (tell(feed, a, 1) for a in fresh[:1])

    assert [False, True] == [contradicts(told), contradicts(more)]


def test_sources_that_were_not_read_since_each_others_word_do_not_contradict(feed):
    """One that was last read before, and one that says so only since."""
    feed.answers[OTHER.agent_name] = {OPS: unseen(UnseenReason.TIMEOUT, feed.now)}
    del feed.rounds[OTHER.agent_name]
    feed.ask(OTHER)
    tell(feed, STRATEGY, 130)
    new = tell(feed, OTHER, 1)
    both = tell(feed, STRATEGY, 130)

    assert [False, True] == [contradicts(new), contradicts(both)]


def test_a_source_that_changes_its_word_with_every_reading_contradicts(feed):
    """A source that is read while it says the other thing is contradicted by it."""
    told = []
    for age in (130, 1, 130, 1):
        tell(feed, STRATEGY, age)
        told.append(contradicts(tell(feed, MARKETDATA, 1)))

    assert [True, False, True, False] == told


def test_a_word_that_only_age_changed_contradicts_none(feed):
    """A reading that grew old was not read after the feed moved on; it is stale all the same."""
    tell(feed, STRATEGY, 110)
    later(feed, 12)
    feed.answer(MARKETDATA, OPS, rich(MARKETDATA, feed.now, 1))
    feed.answers[MARKETDATA.agent_name][HEALTH] = reading(HEALTH, LIVE, feed.now)
    feed.ask(MARKETDATA)
    snapshot = feed.decide()
    again = tell(feed, STRATEGY, 130)
    sure = tell(feed, MARKETDATA, 1)

    assert "STALE" == snapshot.service(STRATEGY.agent_name).freshness.state
    assert [False, False, True] == [contradicts(s) for s in (snapshot, again, sure)]


def no_dates(floor):
    """Let no service send a `Date` header."""
    for by_path in floor.answers.values():
        for path, seen in by_path.items():
            by_path[path] = replace(seen, exchange=replace(seen.exchange, date_skew=None))


def skewed(floor, seconds, *, frozen=False):
    """Ask every service twice, with statuses so far from our time and no `Date` headers."""
    for wait in (0, 10):
        floor.refresh(floor.now + timedelta(seconds=wait))
        for agent in (MARKETDATA, STRATEGY, INGEST):
            base = floor.now - timedelta(seconds=wait) if frozen else floor.now
            at = stamp(base + timedelta(seconds=seconds))
            floor.answer(agent, OPS, changed(rich(agent, floor.now), "status.last_updated_utc", at))
        no_dates(floor)
        floor.ask()
    return floor.decide()


def clock(snapshot):
    """Return what halts because of our own clock."""
    return {r.code for r in snapshot.posture.reasons if r.halts} & {"OWN_CLOCK_SUSPECT"}


@pytest.mark.parametrize("at", [NOW, NOW - timedelta(hours=12)], ids=["open", "closed"])
@pytest.mark.parametrize("seconds", [6, 12 * 3600, -12 * 3600])
def test_status_times_tell_of_our_clock_where_no_date_does(at, seconds):
    """Alike ahead, or behind and going on as time does: our clock is wrong, in every phase."""
    snapshot = skewed(FloorOfValues(now=at), seconds)

    assert {"OWN_CLOCK_SUSPECT"} == clock(snapshot)
    assert Verdict.HALTED is snapshot.posture.verdict


@pytest.mark.parametrize(
    ("seconds", "frozen"), [(-3600, True), (-30, False), (5, False), (0, False)]
)
def test_frozen_and_late_statuses_are_no_clock(seconds, frozen):
    """A frozen clock proves no time, and a status may be as old as a minute."""
    assert not clock(skewed(FloorOfValues(), seconds, frozen=frozen))


def only(floor, *agents):
    """Let others answer well by our clock, with the right time."""
    for agent in (MARKETDATA, STRATEGY, INGEST):
        if agent not in agents:
            floor.answer(agent, OPS, rich(agent, floor.now))
    no_dates(floor)


def test_one_status_alone_tells_nothing_of_our_clock():
    """A single service may be wrong itself; two that say the same outweigh the third."""
    snapshots = []
    for wrong in ([STRATEGY], [STRATEGY, INGEST]):
        floor = FloorOfValues()
        for agent in wrong:
            at = stamp(NOW + timedelta(hours=1))
            floor.answer(agent, OPS, changed(rich(agent, NOW), "status.last_updated_utc", at))
        only(floor, *wrong)
        floor.ask()
        snapshots.append(floor.decide())

    assert [set(), {"OWN_CLOCK_SUSPECT"}] == [clock(s) for s in snapshots]


@pytest.mark.parametrize("dates", [True, False])
def test_a_status_is_heard_only_beside_another(dates):
    """Where a service alone sends no `Date`, or is alone, its status tells nothing of our clock."""
    floor = FloorOfValues()
    if not dates:
        floor.fleet = Fleet((STRATEGY,), digest="0" * 64, source="f")
    at = stamp(NOW + timedelta(hours=1))
    document = changed(rich(STRATEGY, NOW), "status.last_updated_utc", at)
    told = reading(OPS, document, NOW)
    exchange = replace(told.exchange, date_skew=None)
    floor.answers[STRATEGY.agent_name] = {OPS: replace(told, exchange=exchange)}
    floor.ask()

    assert not clock(floor.decide())


def test_services_behind_by_offsets_of_their_own_are_no_clock():
    """Two that replay two pasts tell nothing of ours."""
    floor = FloorOfValues()
    for wait in (0, 10):
        floor.refresh(floor.now + timedelta(seconds=wait))
        for agent, behind in ((MARKETDATA, 3600), (STRATEGY, 3606), (INGEST, 7200)):
            at = stamp(floor.now - timedelta(seconds=behind))
            floor.answer(agent, OPS, changed(rich(agent, floor.now), "status.last_updated_utc", at))
        no_dates(floor)
        floor.ask()

    assert not clock(floor.decide())


@pytest.mark.parametrize("how", ["silent", "broken"])
def test_losing_those_who_disagree_mends_no_clock(how):
    """The median is better then, and those who agree are not more than half of who should tell."""
    floor = FloorOfValues()
    at = stamp(NOW + timedelta(hours=1))
    wrong = [MARKETDATA, STRATEGY]
    for agent in wrong:
        floor.answer(agent, OPS, changed(rich(agent, NOW), "status.last_updated_utc", at))
    only(floor, *wrong)
    floor.fleet = Fleet((MARKETDATA, STRATEGY, INGEST, OTHER), digest="0" * 64, source="f")
    floor.answers[OTHER.agent_name] = {OPS: reading(OPS, rich(OTHER, NOW), NOW)}
    floor.answers[STRATEGY.agent_name][HEALTH] = floor.answers[STRATEGY.agent_name][OPS]
    no_dates(floor)
    floor.ask()
    before = floor.decide()
    for agent in wrong:
        if how == "silent":
            floor.answers[agent.agent_name] = {OPS: unseen(UnseenReason.TIMEOUT, NOW)}
        else:
            floor.answers[agent.agent_name] = {OPS: unseen(UnseenReason.CONTRACT_INVALID, NOW, 200)}
    floor.ask()
    after = floor.decide()
    floor.refresh(NOW + timedelta(seconds=10))
    floor.answers[OTHER.agent_name] = {OPS: reading(OPS, rich(OTHER, floor.now), floor.now)}
    no_dates(floor)
    floor.ask()

    assert {"OWN_CLOCK_SUSPECT"} == clock(before) == clock(after)
    assert not clock(floor.decide())


def test_silence_makes_no_median_of_dates_a_better_one():
    """Three clocks of five said otherwise; two fall silent, and ours is suspect all the same."""
    floor = FloorOfValues()
    more = [Agent(f"s{n}", Kind.STRATEGY, "http://s") for n in range(2)]
    floor.fleet = Fleet((MARKETDATA, STRATEGY, INGEST, *more), digest="0" * 64, source="f")
    for agent in more:
        floor.answers[agent.agent_name] = {OPS: reading(OPS, rich(agent, NOW), NOW)}
    wrong = (MARKETDATA, STRATEGY, INGEST)
    for agent in wrong:
        by_path = floor.answers[agent.agent_name]
        for path, seen in by_path.items():
            by_path[path] = replace(seen, exchange=replace(seen.exchange, date_skew=60.0))
    floor.ask()
    before = floor.decide()
    for agent in wrong[:2]:
        floor.answers[agent.agent_name] = {OPS: unseen(UnseenReason.TIMEOUT, NOW)}
    floor.ask()

    assert {"OWN_CLOCK_SUSPECT"} == clock(before) == clock(floor.decide())
