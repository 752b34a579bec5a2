"""Present: a posture in sentences with figures, and where its trouble begins (R15.8, R15.9)."""

from dataclasses import replace

import pytest

from mission_control.floor.decide.causes import find_causes, root_of
from mission_control.floor.present.agents import agents_document
from mission_control.floor.present.posture import posture_document
from mission_control.floor.present.sentences import Sentences, in_words, plain_detail
from mission_control.model import codes
from mission_control.model.finding import Reason, Severity
from mission_control.model.fleet import Fleet, Owner
from mission_control.model.reading import UnseenReason
from tests.floor.cluster_of_values import ENGINE, ClusterFloor
from tests.floor.floor_of_values import (
    EVENING,
    FLEET,
    GAMMA,
    INGEST,
    MARKETDATA,
    STRATEGY,
    FloorOfValues,
    changed,
    rich,
    session_unknown,
)

REFUSED = UnseenReason.CONNECTION_REFUSED


@pytest.mark.parametrize(
    ("seconds", "words"),
    [(0, "0 s"), (-3, "0 s"), (59.9, "59 s"), (120, "2 min"), (259, "4 min 19 s"),
     (3661, "1 h 1 min"), (93_784, "1 d 2 h")],
)  # fmt: skip
def test_durations_are_told_to_two_units(seconds, words):
    """As a person says them: cut, never rounded up."""
    assert words == in_words(seconds)


def stale(age=259.0):
    """Return a floor whose ticks stopped, and the strategy that says so too."""
    floor = FloorOfValues()
    for agent in (MARKETDATA, STRATEGY):
        floor.answer(agent, "/ops/status", rich(agent, floor.now, age))
    return floor


def told(snapshot):
    """Return what a posture's document says in words."""
    return posture_document(snapshot)["sentence"]


def test_stale_market_data_is_told_with_age_limit_and_who_waits():
    """The sentence an operator needs, from our own figures."""
    snapshot = stale().decide()
    document = posture_document(snapshot)

    assert (
        "Market data is stale. The last tick is 4 min 19 s old, the limit is 2 min;"
        " 1 strategy waits for it." == document["sentence"]
    )
    assert {"strategy-engine": MARKETDATA.agent_name} == find_causes(snapshot)
    cause = document["root_cause"]
    assert cause is not None
    assert (MARKETDATA.agent_name, ["strategy-engine"]) == (cause["subject"], cause["waiting"])
    assert [None, None, None, MARKETDATA.agent_name] == [
        a["waits_for"] for a in agents_document(snapshot)["agents"]
    ]


def test_a_source_that_says_it_is_not_fresh_within_its_limit_is_told_as_that():
    """A claim and a figure that disagree are both told."""
    floor = FloorOfValues()
    for agent in (MARKETDATA, STRATEGY):
        floor.say(agent, "marketdata.is_fresh", value=False)

    assert "within the limit of 2 min, but a source says it is not fresh" in told(floor.decide())


def test_a_feed_without_a_figure_is_told_without_one():
    """A refused `/healthz` has no tick, a missing one none either, and a future one no age."""
    refused, missing, ahead = FloorOfValues(), FloorOfValues(), FloorOfValues()
    refused.lose(MARKETDATA, "/healthz", UnseenReason.HTTP_STATUS, 503)
    missing.answer(MARKETDATA, "/ops/status", rich(MARKETDATA, missing.now, None))
    ahead.answer(MARKETDATA, "/ops/status", rich(MARKETDATA, ahead.now, -90.0))

    refused, missing, ahead = (
        " ".join(r["sentence"] for r in posture_document(floor.decide())["reasons"])
        for floor in (refused, missing, ahead)
    )
    assert "Market data is stale. /healthz was not seen: HTTP_503." in refused
    assert "Market data is missing. No tick is known." in missing
    assert "How old market data is cannot be verified: " in ahead
    source = f"{MARKETDATA.agent_name} /ops/status"
    assert f"contradict each other. {source} says MISSING while" in missing


def test_a_service_is_named_with_what_is_wrong():
    """Its name as it is written, the catalogue's title, and the detail as a sentence."""
    floor = FloorOfValues()
    floor.lose(INGEST, "/ops/status", UnseenReason.TIMEOUT)
    sentences = [r["sentence"] for r in posture_document(floor.decide())["reasons"]]

    assert any(s.startswith("market-ingest: no whole answer in time. ") for s in sentences)


def test_what_is_no_service_is_named_or_speaks_for_the_floor():
    """The calendar by its name; the fleet as a whole without one."""
    unknown = FloorOfValues(session_at=session_unknown).decide()
    bare = FloorOfValues(fleet=Fleet((STRATEGY,), digest="0" * 64, source="fleet.yaml"))

    assert any(
        r["sentence"].startswith("market-calendar: the market calendar does not know. ")
        for r in posture_document(unknown)["reasons"]
    )
    assert any(
        r["subject"] == "fleet" and r["sentence"].startswith("Freshness cannot be verified. No ")
        for r in posture_document(bare.decide())["reasons"]
    )


def owners(snapshot):
    """Return who is called."""
    cause = Sentences(snapshot).root_cause()
    assert cause is not None
    return cause["owners"]


def test_execution_is_told_by_who_said_it():
    """A P0 is a sentence of its own."""
    floor = ClusterFloor()
    floor.answer(ENGINE, "/ops/status", rich(ENGINE, floor.now))

    assert (
        "Execution may be running: execution-engine /ops/status calls itself a service of kind"
        " execution, and it is running." == told(floor.decide())
    )


def test_a_switch_that_nothing_confirms_is_counted():
    """How many sources say so, and that none of them confirms it."""
    floor = FloorOfValues(mounted=False)

    assert (
        "Nothing confirms that the kill switch is ENGAGED: 4 of 4 sources say so, none of which"
        " confirms it." == told(floor.decide())
    )


def test_a_switch_that_a_lost_cluster_would_confirm_says_so():
    """Both troubles are one: the sentence names the other."""
    floor = lost_cluster()
    floor.config_map = None
    floor.switch = None
    sentences = [r["sentence"] for r in posture_document(floor.decide())["reasons"]]

    assert any(s.endswith("The cluster, whose ConfigMap would, is not seen.") for s in sentences)


def lost_cluster():
    """Return a floor of which no list is seen."""
    floor = ClusterFloor()
    for resource, namespace in list(floor.lists):
        floor.lose_list(resource, namespace, REFUSED)
    return floor


def test_a_lost_cluster_is_one_cause_with_those_who_wait_named():
    """Every service whose workload alone is not seen waits for it, and no raw errno is told."""
    document = posture_document(lost_cluster().decide())
    cause = document["root_cause"]

    assert cause is not None
    assert document["sentence"].startswith("The cluster is not seen: none of 16 lists was seen")
    assert "cluster" == cause["subject"]
    assert {"execution-engine", "congressional-ingest", "market-ingest"} <= set(cause["waiting"])
    assert len(cause["waiting"]) == cause["waiting_total"]
    count = len(lost_cluster().lists)
    assert {"lists": count, "whole": 0, "age_seconds": None} == document["cluster_seen"]


def test_details_lose_what_no_person_can_use():
    """Exceptions' names and numbers, and when an alarm was said last."""
    raw = "none was seen: ConnectionRefusedError: [Errno 111] Connection refused"

    assert "none was seen: Connection refused" == plain_detail(raw)
    assert "it runs" == plain_detail("it runs (last said 2026-11-18T15:07:06Z, not denied since)")


def test_all_is_seen_is_said_only_without_reason_alarm_or_gap():
    """A calm floor says it, in each phase; an alarm or evidence without an age takes it back."""
    floor = FloorOfValues()
    calm = floor.decide()
    evening = FloorOfValues()
    evening.refresh(EVENING)
    closed = evening.decide()
    alarmed = replace(closed, latched=stale().decide().latched)
    unseen = replace(calm, posture=replace(calm.posture, evidence_age_seconds=None))
    several = replace(alarmed.latched, alarms=(*alarmed.latched.alarms * 2,))

    whole = "every service is as expected, and all required evidence is seen and fresh."
    assert whole.capitalize() == told(calm).capitalize()
    assert f"The market is closed; {whole}" == told(closed)
    assert "Nothing halts now, and 1 alarm is not cleared." == told(alarmed)
    assert "2 alarms are not cleared" in told(replace(closed, latched=several))
    assert "some required evidence was never seen" in told(unseen)
    assert posture_document(calm)["root_cause"] is None


OWNED = Owner("Ops On-Call", "Marketdata Owner")


def owned(*depends, strategy=()):
    """Return a fleet whose services have owners, and may depend on each other."""
    agents = {a.agent_name: replace(a, owner=OWNED) for a in FLEET.agents}
    name, other = MARKETDATA.agent_name, STRATEGY.agent_name
    agents[name] = replace(agents[name], depends_on=depends)
    agents[other] = replace(agents[other], depends_on=strategy)
    return Fleet(tuple(agents.values()), digest="0" * 64, source="fleet.yaml")


def silent(fleet, *agents):
    """Decide a floor of this fleet on which these services do not answer."""
    floor = FloorOfValues(fleet=fleet)
    for agent in agents:
        for path in floor.answers[agent.agent_name]:
            floor.lose(agent, path, REFUSED)
    return floor.decide()


def test_who_depends_waits_for_the_furthest_that_is_wrong():
    """Through what lies between; a circle is nothing's cause."""
    ingest, feed, strategy = INGEST.agent_name, MARKETDATA.agent_name, STRATEGY.agent_name
    chain = silent(owned(ingest, strategy=(feed,)), INGEST, MARKETDATA, STRATEGY)
    circle = silent(owned(strategy, strategy=(feed,)), MARKETDATA, STRATEGY)

    assert {feed: ingest, strategy: ingest} == find_causes(chain)
    assert ["Ops On-Call", "Marketdata Owner"] == owners(chain)
    assert "2 services wait for it" in told(chain)
    assert {} == find_causes(circle)
    assert ("x", "y") == (root_of({}, "x"), root_of({"x": "y"}, "x"))


def test_a_cause_that_waits_itself_is_followed_to_where_it_begins():
    """A service that needs one that waits for the feed waits for the feed."""
    agents = [
        replace(a, depends_on=(STRATEGY.agent_name,)) if a == GAMMA else a for a in FLEET.agents
    ]
    floor = stale()
    floor.fleet = Fleet(tuple(agents), digest="0" * 64, source="fleet.yaml")
    for path in floor.answers[GAMMA.agent_name]:
        floor.lose(GAMMA, path, REFUSED)
    feed = MARKETDATA.agent_name

    assert {STRATEGY.agent_name: feed, GAMMA.agent_name: feed} == find_causes(floor.decide())


def test_p0_waits_for_nothing():
    """Whatever it depends on: it is where to begin."""
    floor = FloorOfValues(fleet=owned(strategy=(MARKETDATA.agent_name,)))
    floor.lose(MARKETDATA, "/ops/status", REFUSED)
    lying = changed(rich(STRATEGY, floor.now, 600.0), "marketdata.is_fresh", value=True)
    floor.answer(STRATEGY, "/ops/status", lying)
    snapshot = floor.decide()
    p0 = Reason(codes.EXECUTION_EVIDENCE, STRATEGY.agent_name, Severity.P0, "it runs")
    reports = [
        replace(r, reasons=(p0,), expected=False) if r.agent == floor.fleet.agents[3] else r
        for r in snapshot.services
    ]

    assert STRATEGY.agent_name not in find_causes(replace(snapshot, services=tuple(reports)))


def test_what_is_no_service_is_called_at_the_critical_services_owner():
    """The kill switch has no owner of its own; a fleet without owners names none."""
    floor = FloorOfValues(fleet=owned(), mounted=False)

    assert ["Ops On-Call"] == owners(floor.decide())
    assert [] == owners(FloorOfValues(mounted=False).decide())
    assert [] == owners(silent(FLEET, INGEST))


def test_the_oldest_evidence_is_named_with_its_path():
    """A service with the path that speaks for it; a list by its name."""
    snapshot = FloorOfValues().decide()
    posture = replace(snapshot.posture, oldest_evidence=GAMMA.agent_name)
    document = posture_document(replace(snapshot, posture=posture))

    assert f"{GAMMA.agent_name} {GAMMA.primary_path}" == document["oldest_evidence_source"]
    assert "cluster" == posture_document(lost_cluster().decide())["oldest_evidence_source"]
