"""Decide: what a fleet says that it needs of its kill switch, of execution and of freshness."""

from dataclasses import replace
from datetime import timedelta

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from mission_control.cluster.decide.view import view_cluster
from mission_control.cluster.model.facts import ConfigMapFacts
from mission_control.cluster.model.objects import Container, EnvVariable
from mission_control.floor.decide.evidence import Moment
from mission_control.floor.model import SwitchReading, Verdict
from mission_control.kill_switch.decide import hear_configured, judge_kill_switch
from mission_control.model.finding import Severity
from mission_control.model.fleet import (
    Agent,
    ContractKind,
    Criticality,
    Execution,
    Kind,
    Safety,
    SwitchFile,
    Unobserved,
)
from mission_control.model.kill_switch import KillSwitchState, SourceKind, SwitchSource
from mission_control.model.reading import Seen, UnseenReason
from mission_control.readiness.decide.checks import cluster, safety
from mission_control.readiness.decide.checks import services as health
from tests.floor.cluster_of_values import ENGINE, FLOOR, ClusterFloor, workload
from tests.floor.floor_of_values import (
    EVENING,
    FLEET,
    GAMMA,
    INGEST,
    MARKETDATA,
    NOW,
    STRATEGY,
    FloorOfValues,
    changed,
    rich,
    unseen,
)
from tests.readiness.test_readiness import gather, probe

ON, OFF, UNCLEAR = KillSwitchState.ENGAGED, KillSwitchState.DISENGAGED, KillSwitchState.UNKNOWN
PATH = "/etc/agenttrader/kill-switch/EXECUTION_HALTED"
RUNS_OFF = Safety(switch_normal=OFF)
NO_SWITCH = Safety(switch_required=False)
PAPER = Safety(execution=Execution.PAPER)
RICH = (INGEST, MARKETDATA, STRATEGY)
CONFIG_MAP = SwitchSource(SourceKind.CONFIG_MAP, "configmap", ON, NOW, confirms=True)


def on(floor, **needs):
    """Let the fleet file of a floor say this."""
    floor.fleet = replace(floor.fleet, **needs)
    return floor


def codes_of(snapshot, *, halting=True):
    """Name what halts, or all reasons."""
    return {(r.code, r.severity) for r in snapshot.posture.reasons if r.halts or not halting}


def found(report, code):
    """Find a check."""
    return next(c for c in report if c.code == code)


@pytest.mark.parametrize(
    ("mounted", "said", "state", "confirmed"),
    [
        pytest.param(True, None, ON, True, id="the live mount"),
        pytest.param(False, None, UNCLEAR, False, id="any file"),
        pytest.param(False, SwitchFile.AUTHORITATIVE, ON, True, id="authoritative"),
        pytest.param(False, SwitchFile.NONE, UNCLEAR, False, id="none here"),
    ],
)
def test_a_file_confirms_only_as_the_mount_or_by_the_fleet_files_word(
    mounted, said, state, confirmed
):
    """A file that any person can write contradicts at most (R4.3)."""
    switch_readings = SwitchReading(SourceKind.FILE, PATH, Seen("1", NOW), live_mount=mounted)
    (heard,) = hear_configured([switch_readings], NOW, said)
    (off,) = hear_configured([replace(switch_readings, reading=Seen("0", NOW))], NOW, said)
    switch = judge_kill_switch([heard])

    assert (ON, confirmed) == (heard.state, heard.confirms)
    assert (state, confirmed) == (switch.state, switch.confirmed)
    assert bool(heard.detail) is not confirmed
    assert OFF is judge_kill_switch([off, CONFIG_MAP]).state


@pytest.mark.parametrize("kind", [SourceKind.ENVIRONMENT, SourceKind.SERVICE])
def test_environment_and_services_never_confirm(kind):
    """However many say that the switch is on, it is not confirmed (R4.3)."""
    (heard,) = hear_configured(
        [SwitchReading(kind, "x", Seen("1", NOW), live_mount=True)], NOW, SwitchFile.AUTHORITATIVE
    )

    assert not heard.confirms
    assert UNCLEAR is judge_kill_switch([heard]).state


@pytest.mark.parametrize("seen", ["silent", "not read yet"])
def test_where_the_api_is_configured_its_silence_counts_whatever_a_file_says(seen):
    """A live mount says what its kubelet last knew: it does not replace the API (R4.4)."""
    file = SwitchSource(SourceKind.FILE, PATH, ON, NOW, confirms=True)
    silent = replace(CONFIG_MAP, state=UNCLEAR, detail="EXPIRED: 46 s old")
    heard = [file, silent] if seen == "silent" else [file]
    switch = judge_kill_switch(heard, api=True)

    assert (UNCLEAR, False) == (switch.state, switch.confirmed)
    assert ("EXPIRED" if seen == "silent" else "cluster's API") in switch.detail
    assert judge_kill_switch([file, CONFIG_MAP], api=True).confirmed


def test_a_lost_api_halts_the_floor_though_the_mount_says_engaged():
    """46 seconds after the ConfigMap was read last, the floor is HALTED for it (R4.4, R6.8)."""
    floor = ClusterFloor()
    floor.config_map = None
    evidence = floor.evidence()
    old = SwitchReading(SourceKind.CONFIG_MAP, "c", Seen("1", floor.now - timedelta(seconds=46)))
    file = SwitchReading(SourceKind.FILE, PATH, Seen("1", floor.now), live_mount=True)
    floor.evidence = lambda: replace(evidence, switch_readings=(old, file))

    assert ("KILL_SWITCH_UNCONFIRMED", Severity.P1) in codes_of(floor.decide())


def test_a_switch_that_is_not_required_may_be_missing():
    """
    Nothing confirms it and nothing has to, which is said; what is heard counts all the same (R4.6).
    """
    floor = on(FloorOfValues(switch=None), safety=NO_SWITCH, switch_file=SwitchFile.NONE)
    for agent in RICH:
        document = changed(rich(agent, floor.now), "status.state", "OK")
        floor.answer(agent, "/ops/status", changed(document, "status.reason_codes", []))
    calm = floor.decide()
    floor.say(STRATEGY, "safety.kill_switch", value=False)

    assert (Verdict.OK, set()) == (calm.posture.verdict, codes_of(calm))
    assert calm.posture.evidence_age_seconds is not None
    assert not calm.fleet.safety.judged
    assert Verdict.HALTED is floor.decide().posture.verdict


def runs_off():
    """Return a floor that runs with its switch off, all of whose modes are required evidence."""
    floor = FloorOfValues(switch="0")
    agents = tuple(a for a in FLEET.agents if a is not GAMMA)
    on(floor, safety=RUNS_OFF, agents=agents)
    for agent in RICH:
        document = changed(rich(agent, floor.now), "safety.kill_switch", value=False)
        document = changed(document, "status.state", "OK")
        floor.answer(agent, "/ops/status", changed(document, "status.reason_codes", []))
    return floor


def test_a_switch_that_is_normally_off_is_confirmed_off():
    """Off is how this fleet runs: no evidence of execution, and no reason at all."""
    told = runs_off().decide()
    switch = told.kill_switch

    assert (OFF, True, True, False) == (
        switch.state, switch.confirmed, switch.as_normal, switch.confirmed_engaged
    )  # fmt: skip
    assert (Verdict.OK, True, ()) == (
        told.posture.verdict, told.posture.expected, told.latched.alarms
    )  # fmt: skip


def test_what_is_not_the_normal_state_halts():
    """Engaged by a human, unreadable, or contradicted: each halts the floor that runs off."""
    engaged, unread, contradicted, live = runs_off(), runs_off(), runs_off(), runs_off()
    engaged.switch, unread.switch = "1", None
    for agent in RICH:
        engaged.answer(agent, "/ops/status", rich(agent, engaged.now))
    contradicted.answer(STRATEGY, "/ops/status", rich(STRATEGY, contradicted.now))
    live.say(STRATEGY, "agent_identity.agent_mode", "LIVE")

    assert ("KILL_SWITCH", Severity.P1) in codes_of(engaged.decide())
    assert {("KILL_SWITCH_UNCONFIRMED", Severity.P0)} == codes_of(unread.decide())
    assert ("CONTRADICTION", Severity.P0) in codes_of(contradicted.decide())
    assert ("EXECUTION_EVIDENCE", Severity.P0) in codes_of(live.decide())


def test_a_config_map_without_the_key_confirms_no_switch_that_is_normally_off():
    """What only counts as off is not exactly off."""
    absent = SwitchSource(SourceKind.CONFIG_MAP, "c", OFF, NOW, "there is none", confirms=True)
    exact = replace(absent, detail="", value="0")

    assert not judge_kill_switch([absent], RUNS_OFF).confirmed
    assert judge_kill_switch([exact], RUNS_OFF).confirmed
    assert not judge_kill_switch([exact]).confirmed


def test_readiness_wants_the_normal_value_exactly():
    """`0` where off is normal; nothing where no switch is required, which is by configuration."""
    off = gather(FloorOfValues(), snapshot=runs_off().decide())
    none = on(FloorOfValues(switch=None), safety=NO_SWITCH)
    none.evidence = lambda: replace(FloorOfValues().evidence(), fleet=none.fleet, rounds={},
                                    switch_readings=())  # fmt: skip
    missing = gather(FloorOfValues(), snapshot=none.decide())

    wanted = [found(safety.judge(off), c) for c in ("RC-402", "RC-403")]
    assert ["PASS", "PASS"] == [c.outcome for c in wanted]
    assert "exactly 0" in wanted[0].detail
    left_out = [found(safety.judge(missing), c) for c in ("RC-402", "RC-403")]
    assert ["NOT_APPLICABLE"] * 2 == [c.outcome for c in left_out]


def test_freshness_that_is_not_required_may_be_missing():
    """A fleet without a feed is OK where its file says so; a listed feed is judged as ever."""
    needs = Safety(freshness_required=False)
    floor = on(FloorOfValues(), agents=(INGEST, STRATEGY))
    without = floor.decide()
    told = on(floor, safety=needs).decide()
    stale = on(FloorOfValues(), safety=needs)
    stale.answer(MARKETDATA, "/ops/status", rich(MARKETDATA, NOW, tick_age=300))
    evidence = gather(FloorOfValues(), snapshot=told)

    assert Verdict.HALTED is without.posture.verdict
    assert "MARKETDATA_UNVERIFIABLE" not in {c for c, _ in codes_of(told)}
    assert Verdict.HALTED is stale.decide().posture.verdict
    assert "NOT_APPLICABLE" == found(safety.judge(evidence), "RC-404").outcome


def on_paper(mode="PAPER"):
    """Return a floor whose execution engine runs on paper, in its own workload, and answers."""
    floor = ClusterFloor()
    probe(floor)
    engine = replace(ENGINE, criticality=Criticality.IMPORTANT)
    agents = tuple(engine if a.agent_name == ENGINE.agent_name else a for a in floor.fleet.agents)
    on(floor, safety=PAPER, agents=agents)
    floor.workloads["execution-engine"] = replace(
        workload(ENGINE), containers=floor.workloads["execution-engine"].containers
    )
    document = changed(rich(ENGINE, floor.now), "agent_identity.agent_mode", mode)
    floor.answer(engine, "/ops/status", document)
    return floor


def test_execution_on_paper_may_run_where_the_fleet_file_allows_it():
    """It answers, its workload has a pod, and no alarm is raised; forbidden, the same is a P0."""
    calm, forbidden = on_paper().decide(), on(on_paper(), safety=Safety()).decide()
    evidence = gather(FloorOfValues(), snapshot=calm)

    assert () == calm.latched.alarms
    assert ("EXECUTION_EVIDENCE", Severity.P0) in codes_of(forbidden)
    assert "PASS" == found(safety.judge(evidence), "RC-406").outcome
    assert "PASS" == found(health.judge(evidence), "RC-501").outcome


@pytest.mark.parametrize("mode", ["LIVE", "EXECUTE", "TURBO", ""])
def test_any_other_mode_is_an_alarm_on_paper_too(mode):
    """LIVE is Sev-0 everywhere, and a mode that is not known lets nothing run."""
    floor = on_paper(mode)
    told = floor.decide()
    evidence = gather(FloorOfValues(), snapshot=told)

    assert {"EXECUTION_EVIDENCE"} <= {a.code for a in told.latched.alarms}
    assert "FAIL" == found(safety.judge(evidence), "RC-406").outcome


def test_execution_that_the_inventory_does_not_name_is_an_alarm_on_paper_too():
    """What may run on paper is what is listed; anything else that executes is evidence."""
    floor = on_paper()
    floor.workloads["order-router"] = replace(workload(ENGINE), name="order-router")

    assert "EXECUTION_EVIDENCE" in {a.code for a in floor.decide().latched.alarms}


DECLARED = Agent(
    "cloud", Kind.EXECUTION, None, Criticality.OPTIONAL, contract=ContractKind.NONE,
    unobserved=Unobserved("Ops", "it is never asked"),
)  # fmt: skip


def test_what_is_declared_unobserved_is_expected_and_evidence_of_nothing():
    """UNKNOWN, expected, named with its watcher, counted as a gap; undeclared it says NO."""
    declared = on(FloorOfValues(), agents=(*FLEET.agents, DECLARED)).decide()
    bare = replace(DECLARED, unobserved=None)
    silent = on(FloorOfValues(), agents=(*FLEET.agents, bare)).decide()
    report, before = declared.service("cloud"), silent.service("cloud")
    assert report is not None
    assert before is not None
    well, bad = (
        found(health.judge(gather(FloorOfValues(), snapshot=s)), "RC-502")
        for s in (declared, silent)
    )

    assert ("UNKNOWN", True, "UNOBSERVED") == (report.state, report.expected, report.reason_code)
    assert "Ops watches it: it is never asked" == report.reasons[0].detail
    assert ("cloud", "UNOBSERVED") in declared.posture.coverage.gaps
    assert (Verdict.OK, True) == (declared.posture.verdict, declared.posture.expected)
    assert ("PASS", True) == (well.outcome, "(4)" in well.detail and "cloud (Ops)" in well.detail)
    assert ("FAIL", True) == (bad.outcome, bad.stops)
    assert not before.expected


def test_a_fleet_of_which_nothing_is_seen_is_no_evidence():
    """Where everything is declared unobserved, the check has no subject, and is UNKNOWN."""
    told = on(FloorOfValues(), agents=(DECLARED,)).decide()

    assert "UNKNOWN" == found(
        health.judge(gather(FloorOfValues(), snapshot=told)), "RC-502"
    ).outcome  # fmt: skip


def test_a_workload_kept_at_no_pods_needs_no_probes():
    """RC-308 judges what runs or is to run; a pod that is still there is judged."""
    floor = ClusterFloor()
    probe(floor)
    bare = replace(floor.workloads["execution-engine"], containers=workload(ENGINE).containers)
    floor.workloads["execution-engine"] = bare
    kept = found(_cluster(floor), "RC-308")
    floor.workloads["execution-engine"] = replace(bare, actual=1)
    left = found(_cluster(floor), "RC-308")
    floor.workloads = {k: replace(w, desired=0, actual=0) for k, w in floor.workloads.items()}

    assert ("PASS", "FAIL") == (kept.outcome, left.outcome)
    assert "UNKNOWN" == found(_cluster(floor), "RC-308").outcome


def _cluster(floor):
    return cluster.judge(gather(floor))


RANKS = {Verdict.HALTED: 0, Verdict.MARKET_CLOSED: 1, Verdict.OK: 1}
SAFETIES = [
    Safety(), NO_SWITCH, RUNS_OFF, PAPER, Safety(freshness_required=False),
    Safety(switch_required=False, freshness_required=False, execution=Execution.PAPER),
    Safety(switch_required=False, switch_normal=OFF),
]  # fmt: skip


@given(
    needs=st.sampled_from(SAFETIES),
    file=st.sampled_from([None, *SwitchFile]),
    off=st.booleans(),
    evening=st.booleans(),
    losses=st.lists(st.sampled_from(["file", "mount", *(a.agent_name for a in RICH)]), max_size=4),
    reason=st.sampled_from([r for r in UnseenReason if r is not UnseenReason.NOT_OFFERED]),
    later=st.floats(0, 90),
)
@settings(deadline=None, max_examples=150)
def test_whatever_a_fleet_needs_less_evidence_never_improves_its_posture(
    needs, file, off, evening, losses, reason, later
):
    """Losing the switch, its mount or an answer, or waiting, makes no floor better."""
    floor = runs_off() if off else FloorOfValues()
    on(floor, safety=needs, switch_file=file)
    if evening:
        floor.refresh(EVENING)
    before = floor.decide()
    for loss in losses:
        if loss == "mount":
            floor.mounted = False
        elif loss == "file":
            floor.switch = None
        else:
            floor.answers[loss]["/ops/status"] = unseen(reason, floor.now)
    floor.now += timedelta(seconds=later)
    after = floor.decide()

    assert RANKS[after.posture.verdict] <= RANKS[before.posture.verdict]
    assert after.posture.expected <= before.posture.expected


@pytest.mark.parametrize("normal", [ON, OFF], ids=["halted", "runs off"])
def test_a_containers_own_switch_is_evidence_only_where_it_is_not_normally_off(normal):
    """What a pod or a safety map says of a switch that is off while all is well raises no alarm."""
    floor = on(ClusterFloor(), safety=Safety(switch_normal=normal))
    variable = EnvVariable("KILL_SWITCH", "false")
    held = Container("main", "r/x:1", env=(variable,), env_names=("KILL_SWITCH",))
    floor.workloads[STRATEGY.agent_name] = replace(
        floor.workloads[STRATEGY.agent_name], containers=(held,)
    )
    floor.maps["safety"] = ConfigMapFacts(
        FLOOR, "agenttrader-safety", "e" * 64, ("KILL_SWITCH",), {"KILL_SWITCH": "false"}
    )
    facts = {s.fact for s in view_cluster(floor.fleet, floor.facts(), Moment(floor.now)).raising}

    told = {"strategy-engine main KILL_SWITCH", "agenttrader-safety data KILL_SWITCH"}
    assert (told if normal is ON else set()) == facts
