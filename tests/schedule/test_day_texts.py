"""The day's texts: plans, reconciliations and bundles, whatever others wrote in them."""

from dataclasses import replace
from datetime import UTC, date, datetime, time, timedelta

import yaml

from mission_control.cluster.model.facts import (
    ClusterFacts,
    ConfigMapFacts,
    EventFacts,
    ListReading,
    NodeFacts,
    OddObject,
    PodUsage,
)
from mission_control.cluster.model.objects import ContainerState, ObjectRef, PodFacts
from mission_control.history.decide.over_time import gaps_between
from mission_control.market_calendar.calendar import MarketCalendar
from mission_control.market_calendar.days import instant_of
from mission_control.model.fleet import Kind
from mission_control.model.reading import Seen, Unseen, UnseenReason
from mission_control.ops_bundle import present as cluster_texts
from mission_control.ops_bundle import present as floor_texts
from mission_control.records.model import GENESIS, SourceCoverage
from mission_control.records.present import MOST_GAPS, run_document
from mission_control.schedule.decide import judge_run, plan_session
from mission_control.schedule.model import Job, RecordedRun
from mission_control.schedule.present.plan import (
    plan_document,
    plan_lines,
    plan_markdown,
    reconciliation_document,
    reconciliation_markdown,
)
from tests.floor.cluster_of_values import ClusterFloor
from tests.floor.floor_of_values import MARKETDATA, NOW, FloorOfValues
from tests.schedule.day_of_values import ORIGIN, run_sources

ON = date(2026, 11, 25)
CALENDAR = MarketCalendar()
AT = datetime(2026, 11, 25, 13, 30, tzinfo=UTC)


def plan_of(on, offered=frozenset(Job)):
    """Plan a date."""
    return plan_session(on, CALENDAR.session_at(instant_of(on, time(12))), offered)


def test_a_plan_is_the_same_to_programs_and_people():
    """Every run stands in both, with its deadline, in New York's time for people."""
    plan = plan_of(ON)
    document, markdown = plan_document(plan), plan_markdown(plan)

    assert len(document["runs"]) == markdown.count("| `")
    assert "# Session plan 2026-11-25" in markdown
    assert "| 2026-11-25 08:30:00 EST | 2026-11-25 09:15:00 EST | `pre_market_readiness` |" in (
        markdown
    )


def test_a_holidays_plan_says_why_nothing_runs():
    """For people and in the terminal."""
    plan = plan_of(date(2026, 11, 26))
    lines = plan_lines(plan)

    assert "holiday: Thanksgiving Day" in plan_markdown(plan).replace("\\", "")
    assert any("skipped: holiday: Thanksgiving Day" in line for line in lines)
    assert not any("every 15 minutes" in line for line in lines)


def test_a_terminal_shows_samples_as_one_line():
    """A day's twenty-six samples are not twenty-six lines; a deadline of another day names it."""
    lines = plan_lines(plan_of(ON))

    assert 1 == sum("intraday_sample " in line and "by" in line for line in lines)
    assert "  ... intraday_sample every 15 minutes, the last at 15:45 EST" == lines[-1]
    assert any("no_execution_attestation" in x and "by 08:30 EST Fri" in x for x in lines)


def test_a_reconciliation_counts_and_names_every_end():
    """What was recorded, what was missed, and where the evidence is."""
    runs = plan_of(ON, frozenset({Job.PRE_MARKET, Job.PRE_OPEN})).runs
    recorded = RecordedRun("ops_runs/x", AT, AT, 3, 1, detail="NO-GO | <b>")
    late = AT + timedelta(hours=4)
    states = [judge_run(runs[0], [recorded], None, late), judge_run(runs[1], [], None, late)]
    document = reconciliation_document(ON, "ops_runs/plan", states, late)
    markdown = reconciliation_markdown(document)

    assert {"MISSED": 1, "SUCCEEDED": 1} == document["counts"]
    assert "1 MISSED, 1 SUCCEEDED" in markdown
    assert "SUCCEEDED: NO\\-GO" in markdown or "SUCCEEDED: NO-GO" in markdown
    assert "<b>" not in markdown
    assert "nothing was planned" in reconciliation_markdown(
        reconciliation_document(ON, "ops_runs/plan", [], late)
    )


def test_an_account_names_some_gaps_and_counts_the_rest(tmp_path):
    """A hurt floor does not outgrow its own account."""
    sources = run_sources(tmp_path, lambda: AT)
    gaps = tuple((f"x{n:04}", "lost") for n in range(MOST_GAPS + 7))
    facts = replace(
        ORIGIN.begun(AT).facts("a_job", sources.ground(AT), AT),
        coverage=(SourceCoverage("cluster lists", 1000, 1, gaps),),
    )
    (coverage,) = run_document(facts, (), GENESIS)["coverage"]

    assert MOST_GAPS + 1 == len(coverage["gaps"])
    assert {"what": "cluster lists", "reason": "and 7 more gaps"} == coverage["gaps"][-1]


def test_a_table_without_rows_says_so():
    """A heading alone could as well be a list that was cut off."""
    assert "A  B\n# none\n" == cluster_texts.text_table(("A", "B"), [])


def test_a_cell_stays_on_its_line():
    """What others wrote cannot make lines of its own."""
    text = cluster_texts.text_table(("A", "B"), [("x\ny", ""), ("z", "a  b")])

    assert ["A    B", "x y  -", "z    a b"] == text.splitlines()


def test_tables_say_when_their_lists_were_read():
    """Seen, not understood in part, or not seen, each with its reason."""
    lists = [
        ListReading("pods", "b", Unseen(UnseenReason.DENIED, NOW, detail="no\nway")),
        ListReading("pods", "a", Seen(3, NOW), (OddObject("Pod", "x", "odd"),)),
    ]

    assert [
        "# cluster a/pods: read 2026-11-18T15:15:00Z, 3 objects, 1 not understood",
        "# cluster b/pods: NOT SEEN: DENIED no way",
    ] == cluster_texts.reading_lines(lists).splitlines()


def test_pods_tell_their_troubles():
    """A crash, a pod that waits, one that is going away; an end that was well is none."""
    crash = ContainerState("main", waiting="CrashLoopBackOff", ended="Error", exit_code=1)
    well = ContainerState("init", ended="Completed", exit_code=0)
    killed = ContainerState("side", ended="OOMKilled", exit_code=137)
    pods = (
        PodFacts("n", "a", "Running", states=(crash, well, killed), started=NOW),
        PodFacts("n", "b", "Pending", pending_reason="Unschedulable: no node"),
        PodFacts("n", "c", "Running", ready=True, deleting=True),
    )
    lines = cluster_texts.pods_text(ClusterFacts(("n",), pods=pods)).splitlines()

    assert "main: CrashLoopBackOff, ended Error (1); side: ended OOMKilled (137)" in lines[1]
    assert "init" not in lines[1]
    assert "Unschedulable: no node" in lines[2]
    assert "Terminating" in lines[3]


def test_workloads_stand_with_their_images():
    """Desired, actual and ready, and whether the controller has seen the newest generation."""
    facts = ClusterFloor().facts()
    assert facts is not None
    behind = replace(facts.workloads[0], observed=False)
    text = cluster_texts.workloads_text(replace(facts, workloads=(behind,)))

    assert behind.name in text
    assert " no " in text


def test_warnings_stand_before_newer_events():
    """Then the newest first; one without a time last."""
    about = ObjectRef("Pod", "p")
    events = [
        EventFacts("n", about, "Normal", "Pulled", "newest", last_seen=NOW),
        EventFacts("n", about, "Warning", "BackOff", "older", last_seen=NOW - timedelta(hours=1)),
        EventFacts("n", about, "Warning", "BackOff", "untimed"),
        EventFacts("n", about, "Warning", "BackOff", "newer", last_seen=NOW),
    ]
    text = cluster_texts.events_text(events)
    order = [text.index(word) for word in ("newer", "older", "untimed", "newest")]

    assert sorted(order) == order


def test_nodes_and_usage_are_tables():
    """Sorted by name, with what is wrong."""
    nodes = cluster_texts.nodes_text(
        [NodeFacts("b", ready=False, schedulable=False, troubles=("DiskPressure is True",)),
         NodeFacts("a", ready=True, schedulable=True)]
    )  # fmt: skip
    usage = cluster_texts.usage_text([PodUsage("n", "p", "c", "35m", "180Mi")])

    assert ["a", "b"] == [line.split()[0] for line in nodes.splitlines()[1:]]
    assert "DiskPressure is True" in nodes
    assert "35m" in usage


def test_a_hostile_config_map_stays_a_value():
    """Nothing in it can become another key of the YAML."""
    value = '1"\ndata:\n  EXECUTION_HALTED: "0'
    held = ConfigMapFacts("n", "agenttrader-kill-switch", "d", values={"EXECUTION_HALTED": value})
    text = cluster_texts.kill_switch_yaml(ClusterFacts(("n",), config_maps=(held,)), "n")
    bare = cluster_texts.kill_switch_yaml(
        ClusterFacts(("n",), config_maps=(replace(held, values={}),)), "n"
    )

    assert {"EXECUTION_HALTED": value} == yaml.safe_load(text or "")["data"]
    assert {} == yaml.safe_load(bare or "")["data"]
    assert None is cluster_texts.kill_switch_yaml(ClusterFacts(("n",), config_maps=(held,)), "m")


def test_marketdatas_health_is_kept_as_the_predecessor_did():
    """A body where there was one, 000 where nothing answered, and why there is nothing at all."""
    floor = FloorOfValues()
    well, none = floor_texts.marketdata_health(floor.decide())
    floor.lose(MARKETDATA, "/healthz", UnseenReason.TIMEOUT)
    lost, why = floor_texts.marketdata_health(floor.decide())
    others = replace(
        floor.decide(),
        services=tuple(r for r in floor.decide().services if r.agent.kind is not Kind.MARKETDATA),
    )
    nothing, unasked = floor_texts.marketdata_health(others)

    assert {"marketdata_health.status", "marketdata_health.json"} == set(well)
    assert "" == none
    assert {"marketdata_health.status": b"marketdata_health_http_code=000\n"} == lost
    assert why.startswith("TIMEOUT")
    assert ({}, "no marketdata service was asked for /healthz") == (nothing, unasked)


def test_pods_are_told_by_the_name_of_their_service():
    """Equal floors give equal evidence, whatever order their services come in."""
    told = floor_texts.pods_document(ClusterFloor().decide())

    assert sorted(a["agent_name"] for a in told["agents"]) == [
        a["agent_name"] for a in told["agents"]
    ]


def test_a_fact_stays_on_its_line():
    """No value of the run's own facts can make another fact."""
    text = floor_texts.meta_text("pre_market", [("namespace", "a\nposture=OK")])

    assert ["agenttrader_v2_ops_snapshot: pre_market", "namespace=a posture=OK"] == (
        text.splitlines()
    )


def test_gaps_are_what_no_span_covers():
    """Before, between and after; spans that begin or end outside are cut."""
    minute = timedelta(minutes=1)
    at = [NOW + n * minute for n in range(10)]
    spans = [(at[0] - minute, at[1]), (at[3], at[4]), (at[4], at[5])]

    assert ((at[1], at[3]), (at[5], at[9])) == gaps_between(spans, at[0], at[9])
    assert ((at[0], at[9]),) == gaps_between([], at[0], at[9])
    assert () == gaps_between([(at[0], at[9])], at[0], at[9])
    assert ((at[1], at[2]),) == gaps_between([(at[0], at[1]), (at[8], at[9])], at[0], at[2])
