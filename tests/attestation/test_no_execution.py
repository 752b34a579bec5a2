"""The attestation of a session: what was seen of execution, and that no gap ever reads as clean."""

from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from mission_control.attestation.decide.session import SessionObservations, look_at_decision
from mission_control.attestation.model import Conclusion, Fact, Matter
from mission_control.cluster.model.facts import ConfigMapFacts
from mission_control.cluster.model.objects import EnvSource, EnvVariable, KeyRef
from mission_control.floor.decide.stall import find_decided
from mission_control.floor.model import NOTHING_LATCHED
from mission_control.history.model import PastDecision, WatchedMinute, join_spans, leave_out, share
from mission_control.model.fleet import ContractKind, Criticality
from mission_control.model.reading import Unseen, UnseenReason
from mission_control.model.session import TradingDay
from tests.floor.cluster_of_values import (
    AGENTS,
    ENGINE,
    FLEET,
    FLOOR,
    QUIET,
    ClusterFloor,
    with_env,
    workload,
)
from tests.floor.cluster_of_values import pod as pod_of
from tests.floor.floor_of_values import (
    CLOSE_AT,
    GAMMA,
    INGEST,
    MARKETDATA,
    OPEN_AT,
    STRATEGY,
    FloorOfValues,
    changed,
    rich,
)
from tests.floor.test_the_law import degradations, degrade

SESSION = TradingDay(OPEN_AT.date(), OPEN_AT, CLOSE_AT)
BEFORE = OPEN_AT - timedelta(minutes=30)
ALL_DAY = ((BEFORE, CLOSE_AT + timedelta(minutes=30)),)
SECOND = timedelta(seconds=1)
CLEAN = Conclusion.NO_EXECUTION_OBSERVED
GAPS = Conclusion.NO_EXECUTION_OBSERVED_WITH_GAPS
FOUND = Conclusion.EXECUTION_OBSERVED


class Day:
    """The decisions of one day over a floor of values."""

    def __init__(self, floor=None):
        """Begin before the open, with all well."""
        self.floor = floor or SwitchlessFloor()
        self.looks = []
        self.decide(BEFORE)

    def decide(self, at, hurt=None):
        """Decide at an instant, after everybody answered well and something was then hurt."""
        self.floor.refresh(at)
        if hurt is not None:
            hurt(self.floor)
        evidence, before = self.floor.evidence(), self.floor.latched
        self.floor.latched = self.floor.decide().latched
        decision = PastDecision(at, 1, evidence, before, "")
        self.looks.append(look_at_decision(decision, self.floor.session_at))

    def attest(self, decided=ALL_DAY):
        """Attest the day."""
        gathered = SessionObservations(SESSION)
        for look in self.looks:
            gathered.take(look)
        return gathered.attest(decided, CLOSE_AT)


def matter_of(made, fact, subject):
    """Return one matter of an attestation."""
    return next(m for m in made.matters if m.matter == Matter(fact, subject))


def told(made, fact, subject, source):
    """Return what a source told, as (minutes after the open, value, why not) of each stretch."""
    found = next(s for s in matter_of(made, fact, subject).sources if s.source == source)
    return [((s.since - OPEN_AT) // SECOND / 60, s.value, s.unobserved) for s in found.spans]


def at_minute(minutes):
    """Return the instant so many minutes after the open."""
    return OPEN_AT + timedelta(minutes=minutes)


def test_a_day_on_which_all_was_seen_is_clean():
    """Everything required, in every second, and no sign: only this is clean."""
    made = Day().attest()

    assert (CLEAN, (), ()) == (made.conclusion, made.signs, made.gaps)
    assert 100.0 == made.percent(made.observed)
    assert made.length == made.observed
    assert [(0.0, "OBSERVE", "")] == told(made, Fact.AGENT_MODE, "strategy-engine", "/ops/status")
    assert [(0.0, "OBSERVE", "")] == told(
        made, Fact.AGENT_MODE, "gamma-strategy", "cluster StatefulSet trading-floor/gamma-strategy"
    )
    assert [(0.0, "false", "")] == told(
        made, Fact.SAFE_TO_EXECUTE_ORDERS, "strategy-engine", "/ops/status"
    )
    assert [(0.0, "ENGAGED", "")] == told(made, Fact.KILL_SWITCH, "kill-switch", "decided")
    assert [(0.0, "none of 1 wanted or running", "")] == told(
        made, Fact.EXECUTION_REPLICAS, "execution workloads", "cluster context test"
    )
    assert [(0.0, "0 wanted, 0 there, 0 live pods", "")] == told(
        made,
        Fact.EXECUTION_REPLICAS,
        "Deployment trading-floor/execution-engine",
        "cluster trading-floor/deployments",
    )
    sources = {m.matter.subject for m in made.matters if m.matter.fact is Fact.KILL_SWITCH_SOURCE}
    assert {
        "/etc/agenttrader/kill-switch/EXECUTION_HALTED",
        "configmap trading-floor/agenttrader-kill-switch",
        "strategy-engine /ops/status",
    } <= sources


def test_nothing_recorded_attests_nothing():
    """An attestation over zero observations is NOT_OBSERVED, and the whole session is its gap."""
    made = SessionObservations(SESSION).attest((), CLOSE_AT)

    assert Conclusion.NOT_OBSERVED is made.conclusion
    assert [(OPEN_AT, CLOSE_AT)] == [(g.since, g.until) for g in made.gaps]
    assert 0.0 == made.percent(made.observed)


def test_decisions_of_unwatched_time_attest_nothing():
    """A decision of yesterday says nothing of a day without decisions."""
    made = Day().attest(decided=((BEFORE, OPEN_AT),))

    assert Conclusion.NOT_OBSERVED is made.conclusion
    assert {"the floor was not watched"} == {g.why for g in made.gaps}


SIGNS: list[Any] = [
    pytest.param(
        lambda f: f.say(STRATEGY, "agent_identity.agent_mode", "EXECUTE"), "agent_mode", id="mode"
    ),
    pytest.param(
        lambda f: f.say(STRATEGY, "safety.safe_to_execute_orders", value=True),
        "safe_to_execute_orders",
        id="orders",
    ),
    pytest.param(
        lambda f: f.answer(STRATEGY, "/ops/status", {"agent_mode": "live"}),
        "agent_mode",
        id="a mode in a broken document",
    ),
    pytest.param(lambda f: setattr(f, "switch", "0"), "kill-switch", id="switch file off"),
    pytest.param(lambda f: setattr(f, "config_map", None), "kill-switch", id="no ConfigMap"),
    pytest.param(
        lambda f: f.workloads.update({"execution-engine": workload(ENGINE, 1)}),
        "execution-engine running",
        id="scaled up",
    ),
    pytest.param(
        lambda f: f.pods.update({"x": pod_of(ENGINE, owner=None, name="order-router-x")}),
        "order-router-x running",
        id="a bare pod that executes",
    ),
    pytest.param(
        lambda f: f.run(STRATEGY_RUN, containers=with_env(EnvVariable("AGENT_MODE", "EXECUTE"))),
        "strategy-engine-1-a main AGENT_MODE",
        id="mode in a pod's specification",
    ),
    pytest.param(
        lambda f: f.answer(ENGINE, "/ops/status", rich(ENGINE, f.now)), "running", id="it answers"
    ),
]
STRATEGY_RUN = next(a for a in AGENTS if a.agent_name == "strategy-engine")


@pytest.mark.parametrize(("hurt", "fact"), SIGNS)
def test_any_single_sign_is_execution_observed(hurt, fact):
    """One sign for one decision is enough, and it is open until its own source clears it."""
    day = Day()
    day.decide(at_minute(60), hurt)
    day.decide(at_minute(61))
    made = day.attest()

    assert FOUND is made.conclusion
    (sign,) = [s for s in made.signs if s.fact == fact][:1]
    assert (at_minute(60), at_minute(60)) == (sign.since, sign.stood_from)


def test_a_sign_that_was_taken_back_still_counts():
    """It says from when to when it was open."""
    day = Day()
    day.decide(at_minute(60), SIGNS[1].values[0])
    day.decide(at_minute(70))
    (sign,) = day.attest().signs

    assert (at_minute(60), at_minute(70)) == (sign.stood_from, sign.stood_until)


def test_a_sign_that_comes_again_is_told_twice():
    """What is said again after it was taken back is a sign of its own."""
    day = Day()
    for minute, hurt in ((60, SIGNS[1].values[0]), (70, None), (80, SIGNS[1].values[0])):
        day.decide(at_minute(minute), hurt)

    assert [at_minute(70), None] == [s.stood_until for s in day.attest().signs]


def test_an_alarm_latched_at_the_open_counts():
    """Silence never clears: an alarm of the day before is open in this session."""
    floor = ClusterFloor()
    day = Day(floor)
    day.decide(OPEN_AT - timedelta(minutes=10), SIGNS[0].values[0])
    day.looks = day.looks[1:]
    made = day.attest()
    (sign,) = made.signs

    assert FOUND is made.conclusion
    assert OPEN_AT - timedelta(minutes=10) == sign.since
    assert (OPEN_AT, None) == (sign.stood_from, sign.stood_until)


GAP_MAKERS: list[Any] = [
    pytest.param(
        lambda f: f.lose(STRATEGY, "/ops/status", UnseenReason.TIMEOUT),
        Matter(Fact.SAFE_TO_EXECUTE_ORDERS, "strategy-engine"),
        "TIMEOUT",
        id="a service that hangs",
    ),
    pytest.param(
        lambda f: f.answer(
            STRATEGY,
            "/ops/status",
            changed(rich(STRATEGY, f.now), "status.last_updated_utc", "2026-11-18T14:00:00Z"),
        ),
        Matter(Fact.SAFE_TO_EXECUTE_ORDERS, "strategy-engine"),
        "STATUS_FROZEN",
        id="a frozen responder",
    ),
    pytest.param(
        lambda f: f.answer(
            STRATEGY,
            "/ops/status",
            {
                "uptime": 1.0,
                "last_heartbeat": None,
                "data_freshness_seconds": None,
                "build_sha": "x",
                "agent_mode": "OBSERVE",
            },
        ),
        Matter(Fact.SAFE_TO_EXECUTE_ORDERS, "strategy-engine"),
        "it answers without it",
        id="a contract without it",
    ),
    pytest.param(
        lambda f: f.answers.pop("strategy-engine"),
        Matter(Fact.SAFE_TO_EXECUTE_ORDERS, "strategy-engine"),
        "NOT_YET_ASKED",
        id="a service that was not asked",
    ),
    pytest.param(
        lambda f: f.lose_list("pods", FLOOR, UnseenReason.DENIED),
        Matter(Fact.EXECUTION_REPLICAS, "execution workloads"),
        "not seen whole: cluster trading-floor/pods",
        id="pods denied",
    ),
    pytest.param(
        lambda f: f.lose_list("replicasets", FLOOR, UnseenReason.DENIED),
        Matter(Fact.EXECUTION_REPLICAS, "execution workloads"),
        "not seen whole: cluster trading-floor/replicasets",
        id="a list of workloads denied",
    ),
    pytest.param(
        lambda f: setattr(f, "never_read", True),
        Matter(Fact.EXECUTION_REPLICAS, "execution workloads"),
        "and 13 more",
        id="a cluster that was never read",
    ),
    pytest.param(
        lambda f: f.workloads.update({"execution-engine": workload(ENGINE, 0, observed=False)}),
        Matter(Fact.EXECUTION_REPLICAS, "execution workloads"),
        "newest form is not in force",
        id="a specification not taken up",
    ),
    pytest.param(
        lambda f: f.lose_list("configmaps", FLOOR, UnseenReason.TIMEOUT),
        Matter(Fact.AGENT_MODE, "gamma-strategy"),
        "not seen whole: cluster trading-floor/configmaps",
        id="a mode that cannot be resolved without its list",
    ),
    pytest.param(
        lambda f: f.run(
            QUIET, containers=with_env(EnvVariable("AGENT_MODE", ref=KeyRef("Secret", "s", "k")))
        ),
        Matter(Fact.AGENT_MODE, "congressional-ingest"),
        "it comes from a Secret",
        id="a mode from a Secret",
    ),
    pytest.param(
        lambda f: (
            (setattr(f, "switch", None), setattr(f, "config_map", "HALTED?\n1")) and f.lose_switch()
        ),
        Matter(Fact.KILL_SWITCH, "kill-switch"),
        "UNREADABLE",
        id="a switch that no source confirms",
    ),
]


class SwitchlessFloor(ClusterFloor):
    """A floor whose switch can be lost altogether."""

    lost: bool = False

    def refresh(self, at=None):
        """Let the switch be readable again."""
        super().refresh(at)
        self.never_read = self.lost = False
        self.switch, self.config_map = "1\n", "1"

    def lose_switch(self):
        """Let no configured source be readable."""
        self.lost = True

    alarms_known: bool = True

    def evidence(self):
        """Return the evidence with or without the switch and the alarms."""
        whole = replace(super().evidence(), alarms_known=self.alarms_known)
        if not self.lost:
            return whole
        silent = tuple(replace(w, absent="", reading=gone(self.now)) for w in whole.switch_readings)
        return replace(whole, switch_readings=silent)


def gone(at):
    """Return a reading of a file that cannot be read."""
    return Unseen(UnseenReason.UNREADABLE, at, detail="permission denied")


@pytest.mark.parametrize(("hurt", "matter", "why"), GAP_MAKERS)
def test_what_was_not_seen_is_a_named_gap(hurt, matter, why):
    """From the decision that did not see it to the one that does, with the reason (R12.9)."""
    day = Day(SwitchlessFloor())
    day.decide(at_minute(60), hurt)
    day.decide(at_minute(75))
    made = day.attest()
    found = next(m for m in made.matters if m.matter == matter)

    assert GAPS is made.conclusion, made.signs
    assert [(at_minute(60), at_minute(75))] == [g.span for g in found.gaps]
    assert why in found.gaps[0].unobserved
    assert [(at_minute(60), at_minute(75))] == [(g.since, g.until) for g in made.gaps]
    assert matter in made.gaps[0].matters
    assert 96.153 == made.percent(made.observed)


def test_a_pause_in_watching_is_a_gap_for_everything():
    """A restart in the session leaves a hole, however well all is before and after."""
    pause = (at_minute(100), at_minute(101))
    made = Day().attest(decided=((BEFORE, pause[0]), (pause[1], CLOSE_AT)))

    assert GAPS is made.conclusion
    assert [pause] == [(g.since, g.until) for g in made.gaps]
    assert {m.matter for m in made.matters if m.required} == set(made.gaps[0].matters)
    assert [
        (0.0, "ENGAGED", ""),
        (100.0, None, "the floor was not watched"),
        (101.0, "ENGAGED", ""),
    ] == told(made, Fact.KILL_SWITCH, "kill-switch", "decided")


def test_percent_is_never_rounded_up_to_whole():
    """A gap of one second in a session leaves less than 100 % (R12.9)."""
    made = Day().attest(decided=((BEFORE, CLOSE_AT - SECOND),))

    assert (GAPS, 99.995) == (made.conclusion, made.percent(made.observed))


def test_a_mode_that_one_source_tells_is_seen():
    """While the service hangs, its specification still has its mode, and nothing on orders."""
    day = Day()
    day.decide(at_minute(60), GAP_MAKERS[0].values[0])
    made = day.attest()

    assert () == matter_of(made, Fact.AGENT_MODE, "strategy-engine").gaps
    assert matter_of(made, Fact.SAFE_TO_EXECUTE_ORDERS, "strategy-engine").gaps


def test_modes_are_followed_over_the_day():
    """Each value with its time, also where it changes to one that is as harmless (R12.9)."""
    day = Day()
    day.decide(at_minute(30), lambda f: f.say(STRATEGY, "agent_identity.agent_mode", "EVAL"))
    expected = [(0.0, "OBSERVE", ""), (30.0, "EVAL", "")]

    assert expected == told(day.attest(), Fact.AGENT_MODE, "strategy-engine", "/ops/status")


@pytest.mark.parametrize(
    "hurt",
    [
        pytest.param(
            lambda f: f.say(STRATEGY, "agent_identity.agent_mode", "TURBO"), id="in an answer"
        ),
        pytest.param(
            lambda f: f.run(STRATEGY_RUN, containers=with_env(EnvVariable("AGENT_MODE", "TURBO"))),
            id="in a specification",
        ),
        pytest.param(
            lambda f: f.answer(
                STRATEGY, "/healthz", {"status": "ok", "identity": {"agent_mode": "TURBO"}}
            ),
            id="beside one that is known",
        ),
    ],
)
def test_an_unknown_mode_is_a_gap(hurt):
    """Where one source says an unknown mode, no other can say in which mode it ran."""
    day = Day()
    day.decide(at_minute(60), hurt)
    day.decide(at_minute(70))
    made = day.attest()

    (gap,) = matter_of(made, Fact.AGENT_MODE, "strategy-engine").gaps
    assert (at_minute(60), at_minute(70)) == gap.span
    assert "no known mode" in gap.unobserved
    assert GAPS is made.conclusion


def test_a_forbidden_mode_beside_an_unknown_one_is_seen():
    """What raises an alarm is no gap, despite all else."""
    day = Day()

    def hurt(floor):
        floor.say(STRATEGY, "agent_identity.agent_mode", "LIVE")
        floor.answer(STRATEGY, "/healthz", {"status": "ok", "identity": {"agent_mode": "TURBO"}})

    day.decide(at_minute(60), hurt)
    made = day.attest()

    assert FOUND is made.conclusion
    assert (60.0, "LIVE", "") in told(made, Fact.AGENT_MODE, "strategy-engine", "/ops/status")


def test_a_mode_from_a_config_map_is_resolved_and_none_is_told_as_such():
    """As the container would get it; a workload without any is told as not set."""
    day = Day()

    def specify(floor):
        env = EnvSource("ConfigMap", "modes")
        floor.run(QUIET, containers=with_env())
        floor.workloads["congressional-ingest"] = workload(
            QUIET, containers=with_env(env_from=(env,))
        )
        floor.maps["modes"] = ConfigMapFacts(FLOOR, "modes", "d", values={"AGENT_MODE": "PAPER"})
        name = "strategy-engine"
        floor.run(STRATEGY_RUN, containers=with_env())
        floor.workloads[name] = workload(STRATEGY_RUN, containers=with_env())

    day.decide(at_minute(60), specify)
    made = day.attest()
    name = "congressional-ingest"

    assert [(0.0, "OBSERVE", ""), (60.0, "PAPER", "")] == told(
        made, Fact.AGENT_MODE, name, f"cluster Deployment trading-floor/{name}"
    )
    assert (60.0, "not set", "") in told(
        made, Fact.AGENT_MODE, "strategy-engine", "cluster Deployment trading-floor/strategy-engine"
    )


def test_what_came_later_or_went_is_a_gap_before_and_after():
    """A service that is in the inventory for part of the session was seen for part of it."""
    day = Day()
    rest = tuple(a for a in FLEET.agents if a.agent_name != "strategy-engine")
    smaller = replace(FLEET, agents=rest, digest="1" * 64)
    day.floor.fleet = smaller
    day.decide(at_minute(10))
    day.floor.fleet = FLEET
    day.decide(at_minute(20))
    made = day.attest()
    lines = told(made, Fact.SAFE_TO_EXECUTE_ORDERS, "strategy-engine", "/ops/status")
    late = Day()
    late.looks = late.looks[1:]
    late.decide(at_minute(5))

    assert [(10.0, None, "no longer observed"), (20.0, "false", "")] == lines[1:]
    assert (GAPS, ("0" * 64, "1" * 64)) == (made.conclusion, made.fleets)
    assert (0.0, None, "not observed yet") == told(
        late.attest(), Fact.KILL_SWITCH, "kill-switch", "decided"
    )[0]


def test_without_a_cluster_replicas_were_never_seen():
    """That no cluster is read is configured, and it proves nothing of execution workloads."""
    made = Day(FloorOfValues()).attest()
    gap = matter_of(made, Fact.EXECUTION_REPLICAS, "execution workloads").gaps[0]
    mode = matter_of(made, Fact.AGENT_MODE, "gamma-strategy")

    assert (GAPS, 0.0) == (made.conclusion, made.percent(made.observed))
    assert "no cluster is read, as it is configured" == gap.unobserved
    assert "its contract is liveness, and no cluster is read" == mode.gaps[0].unobserved
    per_fact = {c.fact: made.percent(c.observed) for c in made.coverage}
    assert (100.0, 0.0) == (per_fact[Fact.KILL_SWITCH], per_fact[Fact.AGENT_MODE])


@pytest.mark.parametrize(
    ("changes", "required"),
    [
        pytest.param({}, True, id="a workload tells"),
        pytest.param({"workload": None}, False, id="nothing could tell of one not critical"),
        pytest.param(
            {"workload": None, "criticality": Criticality.CRITICAL},
            True,
            id="critical all the same",
        ),
        pytest.param({"criticality": Criticality.OPTIONAL}, False, id="optional"),
    ],
)
def test_what_is_required_of_a_mode(changes, required):
    """As for the floor: critical and important agents, where the inventory says where to look."""
    floor = ClusterFloor()
    name = "congressional-ingest"
    agents = [replace(a, **changes) if a.agent_name == name else a for a in FLEET.agents]
    floor.fleet = replace(FLEET, agents=tuple(agents))
    found = [m for m in Day(floor).attest().matters if m.matter == Matter(Fact.AGENT_MODE, name)]

    assert [required] == [m.required for m in found]


def test_an_agent_whose_workload_is_not_there_runs_nothing():
    """Whole lists that do not hold it say so; lists that were lost say nothing."""
    day = Day()

    def remove(floor):
        del floor.workloads["gamma-strategy"], floor.pods["gamma-strategy"]

    day.decide(at_minute(10), remove)
    day.decide(at_minute(20), lambda f: f.lose_list("statefulsets", FLOOR, UnseenReason.DENIED))
    source = "cluster StatefulSet trading-floor/gamma-strategy"

    assert [
        (0.0, "OBSERVE", ""),
        (10.0, "nothing runs it", ""),
        (20.0, None, "cluster trading-floor/statefulsets was not seen: DENIED"),
    ] == told(day.attest(), Fact.AGENT_MODE, "gamma-strategy", source)


def test_replicas_of_a_partly_seen_workload_count_only_where_they_raise():
    """What is wanted counts from a list that is not whole; that nothing is wanted does not."""
    day = Day()
    name = "Deployment trading-floor/execution-engine"

    def lose(floor):
        floor.lose_list("pods", FLOOR, UnseenReason.DENIED)

    def scale(floor):
        lose(floor)
        floor.workloads["execution-engine"] = workload(ENGINE, 2)

    day.decide(at_minute(10), lose)
    day.decide(at_minute(20), scale)

    assert [
        "0 wanted, 0 there, 0 live pods",
        None,
        "2 wanted, 2 there, 0 live pods",
    ] == [
        v
        for _, v, _ in told(
            day.attest(), Fact.EXECUTION_REPLICAS, name, "cluster trading-floor/deployments"
        )
    ]


def test_minutes_tell_when_the_floor_was_decided():
    """Less than three beats apart is no stall; a minute without numbers proves nothing."""
    minute = WatchedMinute(OPEN_AT, {}, ((OPEN_AT, at_minute(1)),))
    near = WatchedMinute(at_minute(1), {}, ((at_minute(1) + 3 * SECOND, at_minute(2)),))
    far = WatchedMinute(at_minute(2), {}, ((at_minute(2) + 4 * SECOND, at_minute(3)),))
    silent = WatchedMinute(at_minute(4), {"strategy-engine": (6, 6)})

    assert ((OPEN_AT, at_minute(2)), (at_minute(2) + 4 * SECOND, at_minute(3))) == find_decided(
        [minute, near, far, silent]
    )


@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(steps=st.lists(degradations(), min_size=1, max_size=3))
def test_worse_evidence_never_makes_a_cleaner_attestation(steps):
    """The one law: nothing that is lost, aged or garbled makes a session more covered."""
    order = [CLEAN, GAPS, Conclusion.NOT_OBSERVED, FOUND]
    day = Day()
    day.decide(at_minute(60))
    whole = day.attest()

    def hurt(floor):
        for step in steps:
            degrade(floor, step)

    worse = Day()
    worse.decide(at_minute(60), hurt)
    made = worse.attest()

    assert order.index(made.conclusion) >= order.index(whole.conclusion)
    assert made.observed <= whole.observed


@settings(max_examples=100, deadline=None)
@given(st.lists(st.tuples(st.integers(0, 50), st.integers(1, 9)), max_size=8))
def test_stretches_and_what_they_leave_out_are_the_whole(given_spans):
    """Every second lies either in a joined stretch or in what it leaves out, never in both."""
    spans = join_spans(
        (OPEN_AT + a * SECOND, OPEN_AT + (a + length) * SECOND) for a, length in given_spans
    )
    until = OPEN_AT + 40 * SECOND
    inside = share(spans, ((OPEN_AT, until),))
    outside = leave_out(spans, OPEN_AT, until)
    together = sorted([*inside, *outside])

    assert () == share(inside, outside)
    assert [(OPEN_AT, until)] == list(join_spans(together))
    assert all(begin < end for begin, end in together)


def test_an_agent_that_offers_only_liveness_is_asked_for_no_orders():
    """What a contract does not promise is not required, and not listed as a gap."""
    made = Day().attest()
    orders = {
        m.matter.subject for m in made.matters if m.matter.fact is Fact.SAFE_TO_EXECUTE_ORDERS
    }

    assert GAMMA.contract is ContractKind.LIVENESS
    assert {MARKETDATA.agent_name, "strategy-engine", "market-ingest", "execution-engine"} == orders


def test_several_gaps_stand_apart_and_in_order():
    """Two of one sort with a seen hour between are two; a reason that changes below is one."""
    day = Day()

    def lose(reason):
        def hurt(floor):
            floor.lose(INGEST, "/ops/status", UnseenReason.TIMEOUT)
            floor.lose(STRATEGY, "/ops/status", reason)

        return hurt

    day.decide(at_minute(10), lose(UnseenReason.TIMEOUT))
    day.decide(at_minute(15), lose(UnseenReason.CONNECTION_REFUSED))
    day.decide(at_minute(20))
    day.decide(at_minute(80), lose(UnseenReason.TIMEOUT))
    day.decide(at_minute(90))
    made = day.attest()
    lost = matter_of(made, Fact.SAFE_TO_EXECUTE_ORDERS, "strategy-engine").gaps

    assert [(at_minute(10), at_minute(20)), (at_minute(80), at_minute(90))] == [
        (g.since, g.until) for g in made.gaps
    ]
    assert ["TIMEOUT", "CONNECTION_REFUSED", "TIMEOUT"] == [g.unobserved for g in lost]


def test_of_two_decisions_before_the_open_the_later_counts():
    """What was decided before the session is in force at its open, and told once."""
    day = Day()
    day.decide(BEFORE + SECOND, lambda f: f.say(STRATEGY, "agent_identity.agent_mode", "EVAL"))

    assert [(0.0, "EVAL", "")] == told(
        day.attest(), Fact.AGENT_MODE, "strategy-engine", "/ops/status"
    )


def test_a_pod_that_has_ended_runs_nothing():
    """A finished pod of execution is no live one, and no sign."""
    day = Day()
    ended = pod_of(
        ENGINE, owner=None, name="execution-x", phase="Succeeded", ready=False, states=()
    )
    day.decide(at_minute(10), lambda f: f.pods.update({"x": ended}))
    made = day.attest()

    assert CLEAN is made.conclusion
    assert not any("execution-x" in m.matter.subject for m in made.matters)


def test_what_stood_and_was_not_known_is_a_gap():
    """Until history is read after a start, alarms are not known; a sign stays open."""
    day = Day()
    day.decide(at_minute(10), SIGNS[0].values[0])
    latched = day.floor.latched
    clean = Day()
    for each in (day, clean):
        each.floor.latched, each.floor.alarms_known = NOTHING_LATCHED, False
        each.decide(at_minute(20), lambda f: f.lose(STRATEGY, "/ops/status", UnseenReason.TIMEOUT))
        each.floor.alarms_known = True
        each.floor.latched = latched if each is day else NOTHING_LATCHED
        each.decide(at_minute(21), lambda f: f.lose(STRATEGY, "/ops/status", UnseenReason.TIMEOUT))
    (sign,) = day.attest().signs
    gap = matter_of(clean.attest(), Fact.LATCHED_ALARMS, "history").gaps

    assert (at_minute(10), None) == (sign.stood_from, sign.stood_until)
    assert [(at_minute(20), at_minute(21))] == [g.span for g in gap]
    assert GAPS is clean.attest().conclusion
