"""Jobs: what is remembered: rounds that were judged, and decisions that say something new."""

from dataclasses import replace
from datetime import timedelta

import pytest

from mission_control.cluster.model.objects import EnvVariable
from mission_control.floor.decide.alarms import join_latched
from mission_control.floor.model import NOTHING_LATCHED, Instance
from mission_control.history.model import DecisionRecord, MinuteRecord
from mission_control.history.remember import FloorMemory
from mission_control.model.reading import Seen, ServiceRound, UnseenReason
from tests.floor.cluster_of_values import ClusterFloor, with_env
from tests.floor.floor_of_values import NOW, STRATEGY, FloorOfValues, rich, unseen

PRIMARY = STRATEGY.primary_path


class Shelf:
    """A history that is a list, and can be full."""

    def __init__(self):
        """Take everything."""
        self.records, self.latched, self.full = [], None, False
        self.what_was_lost, self.record_began = "", None

    def put(self, record):
        """Take a record, unless it is full."""
        if self.full:
            return False
        self.records.append(record)
        return True

    def recalled(self):
        """Return what was latched before, once it is known."""
        return self.latched

    def lost(self):
        """Say what was lost."""
        return self.what_was_lost

    def began(self):
        """Say when the record began, where it is new."""
        return self.record_began

    async def check(self):
        """Be well."""
        return Seen(None, NOW)

    def minutes(self):
        """Return the counts of each minute that was handed over."""
        return [r.counts for r in self.records if isinstance(r, MinuteRecord)]

    def decided(self):
        """Return the stretches of each minute, in seconds after now."""
        minutes = [r.decided for r in self.records if isinstance(r, MinuteRecord)]
        return [[tuple((i - NOW).total_seconds() for i in span) for span in m] for m in minutes]

    def whys(self):
        """Return why each decision was kept."""
        return [r.why for r in self.records if isinstance(r, DecisionRecord)]


@pytest.fixture
def shelf():
    """Return an empty shelf."""
    return Shelf()


def decide(memory, floor, before):
    """Decide the floor and note it; returns the snapshot."""
    snapshot = floor.decide()
    memory.note_decision(floor.evidence(), floor.latched, before or snapshot, snapshot, ())
    return snapshot


def round_at(seconds, readings=None):
    """Return a round of the strategy so many seconds after now."""
    at = NOW + timedelta(seconds=seconds)
    floor = FloorOfValues()
    return ServiceRound(STRATEGY.agent_name, at, at, readings or floor.answers["strategy-engine"])


def test_rounds_are_counted_by_the_minute(shelf):
    """A minute is handed over when it ended, with how often each service was asked and seen."""
    memory, floor = FloorMemory(shelf), FloorOfValues()
    before = None
    for second in (0, 10, 20, 61):
        floor.refresh(NOW + timedelta(seconds=second))
        before = decide(memory, floor, before)
        memory.note_round(round_at(second), PRIMARY)

    assert [{"strategy-engine": (3, 3)}] == shelf.minutes()
    unfinished = memory.unfinished_minute()
    assert unfinished is not None
    assert {"strategy-engine": (1, 1)} == unfinished.counts
    memory.end()
    assert 2 == len(shelf.minutes())
    assert memory.unfinished_minute() is None


def test_a_refused_primary_reading_was_not_obtained(shelf):
    """A round whose primary path answers with anything but a 2xx was asked for nothing."""
    memory, floor = FloorMemory(shelf), FloorOfValues()
    decide(memory, floor, None)
    floor.answer(STRATEGY, "/ops/status", rich(STRATEGY, floor.now), 503)
    for readings in (
        floor.answers["strategy-engine"],
        {PRIMARY: unseen(UnseenReason.TIMEOUT, NOW)},
    ):
        memory.note_round(round_at(1, readings), PRIMARY)
    memory.note_round(round_at(2), PRIMARY)

    unfinished = memory.unfinished_minute()
    assert unfinished is not None
    assert {"strategy-engine": (3, 1)} == unfinished.counts


def test_a_floor_without_decisions_was_not_watched(shelf):
    """Rounds that come in while the deciding loop is stopped are no watching."""
    memory, floor = FloorMemory(shelf), FloorOfValues()
    memory.note_round(round_at(0), PRIMARY)
    decide(memory, floor, None)
    for second in (4, 10, 50):
        memory.note_round(round_at(second), PRIMARY)

    assert memory.unfinished_minute() is None


def test_decisions_are_kept_at_the_start_at_changes_and_once_an_hour(shelf):
    """The first decision, each that says something new, and one an hour, and no others."""
    memory, floor = FloorMemory(shelf), FloorOfValues()
    before = None
    for seconds, state in (
        (0, "OK"),
        (1, "OK"),
        (2, "DEGRADED"),
        (3, "DEGRADED"),
        (3603, "DEGRADED"),
    ):
        floor.refresh(NOW + timedelta(seconds=seconds))
        floor.say(STRATEGY, "status.state", state)
        before = decide(memory, floor, before)

    assert ["start", "change", "hour"] == shelf.whys()


def test_the_first_decision_tells_every_service(shelf):
    """What is kept first names the state of all, so that nothing before it is needed."""
    floor = FloorOfValues()
    decide(FloorMemory(shelf), floor, None)

    assert {a.agent_name for a in floor.fleet.agents} == {
        c.agent_name for c in shelf.records[0].changes
    }


def test_what_stood_is_joined_as_soon_as_it_is_known_and_once(shelf):
    """Until history was read it is not known; then its alarms are latched with their first time."""
    floor = FloorOfValues()
    floor.say(STRATEGY, "agent_identity.agent_mode", "EXECUTE")
    latched = floor.decide().latched
    (alarm,) = latched.alarms
    later = replace(alarm, since=NOW + timedelta(hours=1))
    memory = FloorMemory(shelf)

    assert (NOTHING_LATCHED, False) == memory.recall(NOTHING_LATCHED)
    shelf.latched = latched
    joined, known = memory.recall(replace(NOTHING_LATCHED, alarms=(later,)))
    assert ((NOW,), True) == (tuple(a.since for a in joined.alarms), known)
    assert (NOTHING_LATCHED, True) == memory.recall(NOTHING_LATCHED)
    shelf.latched = latched
    assert latched.alarms == FloorMemory(shelf).recall(NOTHING_LATCHED)[0].alarms


@pytest.mark.parametrize(
    ("before", "now", "expected"),
    [
        pytest.param("10.0.0.7:80", "10.0.0.8:80", ["10.0.0.7:80", "10.0.0.8:80"], id="two"),
        pytest.param("10.0.0.7:80", "10.0.0.7:80", ["10.0.0.7:80"], id="the same"),
        pytest.param(None, "10.0.0.7:80", ["", "10.0.0.7:80"], id="one that was not kept"),
        pytest.param("10.0.0.7:80", None, ["", "10.0.0.7:80"], id="one that is not known"),
    ],
)
def test_every_process_that_raised_an_alarm_is_joined(before, now, expected):
    """Who said it before the start has to deny it too, and each from the beginning."""
    floor = FloorOfValues()
    floor.say(STRATEGY, "agent_identity.agent_mode", "EXECUTE")
    (alarm,) = floor.decide().latched.alarms

    def latched(peer, denials):
        made = () if peer is None else (Instance(peer, denials=denials, denied_at=NOW),)
        return replace(NOTHING_LATCHED, alarms=(replace(alarm, instances=made),))

    (joined,) = join_latched(latched(before, 7), latched(now, 0)).alarms

    assert expected == [i.peer for i in joined.instances]
    assert {0} == {i.denials for i in joined.instances}


def test_an_alarm_below_sev0_is_joined_without_any_process():
    """What no instance has to deny keeps its first time, and no more."""
    floor = FloorOfValues()
    floor.say(STRATEGY, "marketdata.is_fresh", value=False)
    latched = floor.decide().latched
    floor.now += timedelta(seconds=10)
    floor.latched = NOTHING_LATCHED
    again = floor.decide().latched
    (joined,) = join_latched(latched, again).alarms

    assert (NOW, floor.now, ()) == (joined.since, joined.last_seen, joined.instances)


def test_a_decision_is_kept_when_an_alarm_is_raised_or_denied_by_another_process(shelf):
    """A start goes on with its instances and their denials, so each is written."""
    floor = FloorOfValues(peers={STRATEGY.agent_name: "10.0.0.7:80"}, connects=True)
    memory, before = FloorMemory(shelf), None
    told = []
    for peer, value in (("7", True), ("7", True), ("8", True), ("8", False), ("7", False)):
        floor.refresh(floor.now + timedelta(seconds=50))
        floor.peers[STRATEGY.agent_name] = f"10.0.0.{peer}:80"
        floor.say(STRATEGY, "safety.safe_to_execute_orders", value=value)
        kept = len(shelf.records)
        before = decide(memory, floor, before)
        told.append(len(shelf.records) - kept)

    assert [1, 0, 1, 1, 1] == told


def watch(memory, floor, before, seconds):
    """Decide at each of these seconds after now, and ask the strategy at each."""
    for second in seconds:
        floor.refresh(NOW + timedelta(seconds=second))
        before = decide(memory, floor, before)
        memory.note_round(round_at(second), PRIMARY)
    return before


def test_minutes_say_from_when_to_when_the_floor_was_decided(shelf):
    """A stall breaks a stretch; a minute that was handed over begins a new one."""
    memory, floor = FloorMemory(shelf), FloorOfValues()
    watch(memory, floor, None, (0, 2, 5, 9, 11, 60, 62))
    memory.end()

    assert [[(0, 5), (9, 11)], [(60, 62)]] == shelf.decided()


def test_who_stops_just_after_a_minute_began_tells_until_when_it_decided(shelf):
    """Nothing was asked in that minute yet; what was decided in it is told all the same."""
    memory, floor = FloorMemory(shelf), FloorOfValues()
    before = watch(memory, floor, None, (57, 59))
    for second in (60, 61):
        floor.refresh(NOW + timedelta(seconds=second))
        before = decide(memory, floor, before)
    memory.end()

    assert [[(57, 59)], [(60, 61)]] == shelf.decided()
    assert {} == shelf.minutes()[-1]


def test_a_lost_decision_breaks_what_was_decided(shelf):
    """What could not be kept is never drawn through: what it said is unknown."""
    memory, floor = FloorMemory(shelf), FloorOfValues()
    before = watch(memory, floor, None, (0, 1))
    shelf.full = True
    floor.say(STRATEGY, "status.state", "DEGRADED")
    floor.now = NOW + timedelta(seconds=2)
    before = decide(memory, floor, before)
    shelf.full = False
    watch(memory, floor, before, (3, 4))
    memory.end()

    assert [[(3, 4)]] == shelf.decided()
    assert ["start", "start"] == shelf.whys()


@pytest.mark.parametrize("path", ["agent_identity.agent_mode", "agent_identity.agent_role"])
def test_what_a_service_says_of_its_mode_is_kept(shelf, path):
    """A mode as harmless as before changes no judgement, and is a change all the same."""
    memory, floor = FloorMemory(shelf), FloorOfValues()
    before = watch(memory, floor, None, (0,))
    floor.refresh(NOW + timedelta(seconds=1))
    floor.say(STRATEGY, path, "EVAL")
    decide(memory, floor, before)

    assert (["start", "change"] if path.endswith("mode") else ["start"]) == shelf.whys()


def test_what_a_specification_says_of_a_mode_is_kept(shelf):
    """Another mode in a workload, and the first round over the cluster, are changes."""
    memory, floor = FloorMemory(shelf), ClusterFloor()
    floor.never_read = True
    before = decide(memory, floor, None)
    floor.never_read = False
    before = decide(memory, floor, before)
    for mode in ("OBSERVE", "EVAL", "EVAL"):
        env = (EnvVariable("AGENT_MODE", mode), EnvVariable("TRADING_MODE", "paper"))
        changed = replace(floor.workloads["strategy-engine"], containers=with_env(*env))
        floor.workloads["strategy-engine"] = changed
        before = decide(memory, floor, before)

    assert ["start", "change", "change"] == shelf.whys()


def test_a_lost_minute_has_everything_told_again(shelf):
    """What happened in it is not known, so the next decision is a new start."""
    memory, floor = FloorMemory(shelf), FloorOfValues()
    before = watch(memory, floor, None, (0, 1))
    shelf.full = True
    memory.note_round(round_at(60), PRIMARY)
    shelf.full = False
    watch(memory, floor, before, (61, 62))
    memory.end()

    assert ["start", "start"] == shelf.whys()
    assert [[(61, 62)]] == shelf.decided()
