"""Decide: replicas that tell different builds, by the addresses that answer."""

from dataclasses import replace
from datetime import timedelta

import pytest

from mission_control.cluster.model.facts import AgentWorkload
from mission_control.cluster.model.objects import Rollout
from mission_control.floor.decide.round_memory import (
    MOST_BUILDS,
    REMEMBERED,
    find_told_skew,
    note_builds,
)
from mission_control.model.fleet import NO_CLUSTER
from mission_control.model.reading import Seen, ToldBuild, Unseen, UnseenReason
from mission_control.readiness.decide.readiness import judge_readiness
from tests.cluster.test_cluster import RUN_SE, SE
from tests.floor.cluster_of_values import FLEET, ClusterFloor, pod, ref_of, workload
from tests.floor.floor_of_values import NOW, changed, reading, rich
from tests.readiness.test_readiness import FAIL, PASS, gather, outcome, probe

STATUS = "/ops/status"
ONE, TWO = "10.0.0.1:8080", "10.0.0.2:8080"


def minute(number):
    """Return an instant, some minutes before or after the first answer."""
    return NOW + timedelta(minutes=number)


def told(peer, build, first, last):
    """Return what was told from an address, from one minute to another."""
    return ToldBuild(peer, build, minute(first), minute(last))


def answer(peer, at=NOW, sha="54afffe", **fields):
    """Return a status from an address, of a build."""
    document = changed(rich(RUN_SE, at), "git_sha", sha)
    for path, value in fields.items():
        document = changed(document, path, value)
    made = reading(STATUS, document, at)
    return {STATUS: replace(made, exchange=replace(made.exchange, peer=peer))}


def runs(*pods, ended=None, unseen=""):
    """Return a workload with these pods, whose last rollout ended then."""
    found = replace(workload(RUN_SE), rollout=Rollout(1, 1, ended_at=ended))
    return AgentWorkload(ref_of(RUN_SE), unseen, found, pods)


def test_what_a_status_tells_is_kept_by_address():
    """Build and mode of each address; told again it is one entry, with the first and the last."""
    builds = note_builds((), answer(ONE), NOW)
    builds = note_builds(builds, answer(TWO, minute(1), "0ld", build_id="b1"), minute(1))
    builds = note_builds(builds, answer(ONE, minute(2)), minute(2))
    mode = "agent_mode OBSERVE"

    assert (
        told(TWO, f"git_sha 0ld, build_id b1, {mode}", 1, 1),
        told(ONE, f"git_sha 54afffe, build_id null, {mode}", 0, 2),
    ) == builds


def test_the_minimal_contract_tells_its_build_too():
    """The older shape has `build_sha`."""
    document = {
        "uptime": 1.0,
        "last_heartbeat": None,
        "data_freshness_seconds": None,
        "build_sha": "",
        "agent_mode": "OFF",
    }
    document["build_sha"] = "54afffe"
    (kept,) = note_builds((), {STATUS: reading(STATUS, document, NOW)}, NOW)

    assert "build_sha 54afffe, agent_mode OFF" == kept.build


def test_what_tells_no_build_is_not_kept():
    """Silence, liveness and other paths say nothing of a build."""
    alive = reading("/healthz", {"status": "ok"}, NOW)

    assert () == note_builds((), {STATUS: Unseen(UnseenReason.TIMEOUT, NOW)}, NOW)
    assert () == note_builds((), {STATUS: alive}, NOW)
    assert () == note_builds((), {"/healthz": answer(ONE)[STATUS]}, NOW)


def test_what_was_told_is_forgotten_after_a_while_and_never_more_than_some():
    """Ten minutes, and 64 entries: an endless row of addresses holds no more."""
    old = told(ONE, "a", 0, 0)
    many = tuple(told(f"10.0.1.{n}:80", "a", n / 100, n / 100) for n in range(MOST_BUILDS + 5))

    assert (old,) == note_builds((old,), {}, NOW + REMEMBERED)
    assert () == note_builds((old,), {}, NOW + REMEMBERED + timedelta(seconds=1))
    assert many[5:] == note_builds(many, {}, minute(1))


def test_a_secret_in_a_build_is_not_kept():
    """What a service tells is masked and cut before it is stored."""
    builds = note_builds((), answer(ONE, sha="password=hunter2hunter2"), NOW)
    long = note_builds((), answer(ONE, sha="f" * 200), NOW)

    assert "hunter2" not in builds[0].build
    assert len(long[0].build) < 130


STARTED = minute(-60)
CALM = runs(pod(RUN_SE, started=STARTED))


@pytest.mark.parametrize(
    ("builds", "ran", "skewed"),
    [
        ((told(ONE, "a", 0, 5), told(TWO, "b", 4, 6)), CALM, True),
        ((told("vip:80", "a", 0, 5), told("vip:80", "b", 4, 6)), CALM, True),
        ((told("", "a", 0, 5), told("", "b", 4, 6)), CALM, True),
        ((told(ONE, "a", 0, 5), told(TWO, "a", 4, 6)), CALM, False),
        ((told(ONE, "a", 0, 5), told(ONE, "b", 6, 7)), runs(pod(RUN_SE, started=minute(5))), False),
        ((told(ONE, "a", 0, 5.5), told(TWO, "b", 6, 7)), runs(ended=minute(5)), False),
        ((told(ONE, "a", 0, 6.5), told(TWO, "b", 6, 7)), runs(ended=minute(5)), True),
        (
            (told(ONE, "a", 0, 5), told(ONE, "b", 6, 7)),
            runs(pod(RUN_SE, started=STARTED, ip="10.0.0.1")),
            False,
        ),
        (
            (told(ONE, "a", 0, 5), told(TWO, "b", 6, 7)),
            runs(pod(RUN_SE, started=STARTED, ip="10.0.0.1")),
            True,
        ),
        ((told(ONE, "a", 0, 5), told(TWO, "b", 4, 6)), None, True),
        ((told(ONE, "a", 0, 5), told(TWO, "b", 6, 7)), None, False),
        ((told(ONE, "a", 0, 5), told(TWO, "b", 4, 6)), runs(unseen="lost"), True),
        ((told(ONE, "a", 0, 5), told(TWO, "b", 6, 7)), runs(pod(RUN_SE, started=None)), False),
        ((told(ONE, "a", 0, 5), told(TWO, "b", 6, 7)), replace(CALM, found=None), True),
        ((told(ONE, "a", 0, 5), told(TWO, "b", 6, 7)), runs(), False),
        ((), CALM, False),
    ],
    ids=[
        "two addresses", "one balancer", "address not known", "one build", "restarted",
        "after a rollout", "long after a rollout", "the pod was replaced", "another pod",
        "no cluster, both answer", "no cluster, one follows", "lists lost", "start not told",
        "no workload found", "no pod and no end told", "nothing told",
    ],
)  # fmt: skip
def test_replicas_that_tell_different_builds_are_told_from_a_rollout(builds, ran, skewed):
    """What was replaced does not count; what both still answer does."""
    assert skewed is bool(find_told_skew(builds, ran))


def test_the_odd_address_is_named_first():
    """Which address, of how many, and what it tells."""
    builds = (told(ONE, "old", 0, 5), *(told(f"10.0.0.{n}:80", "new", 0, 5) for n in (2, 3, 4)))
    said = find_told_skew(builds, CALM)

    assert said.startswith(f"replicas tell different builds: {ONE} (1 of 4) tells old; ")
    assert "10.0.0.2:80, 10.0.0.3:80, 10.0.0.4:80 (3 of 4) tells new" in said


def skewed_floor(*, cluster=True):
    """Return a floor whose strategy engine answers at two addresses with two builds."""
    floor = ClusterFloor()
    if not cluster:
        floor.fleet = replace(FLEET, access=None, cluster=NO_CLUSTER)
    probe(floor)
    floor.pods[SE] = replace(floor.pods[SE], started=floor.now - timedelta(hours=1))
    builds = (told(ONE, "old", -5, -1), told(TWO, "new", -4, 0))
    whole = floor.evidence()
    round_ = replace(whole.rounds[SE], builds=builds)
    floor.evidence = lambda: replace(whole, rounds={**whole.rounds, SE: round_})
    return floor


@pytest.mark.parametrize("cluster", [True, False], ids=["cluster", "no cluster"])
def test_a_build_told_by_one_address_alone_is_no_go_by_name(cluster):
    """Readiness says NO, with a cluster or without; the floor shows it and does not halt."""
    floor = skewed_floor(cluster=cluster)
    snapshot = floor.decide()
    report = judge_readiness(gather(floor, snapshot=snapshot))
    (detail,) = [c.detail for c in report.checks if c.code == "RC-309"]

    assert (FAIL, True) == outcome(report, "RC-309")
    assert f"{SE}: replicas tell different builds: {TWO} (1 of 2) tells new; {ONE}" in detail
    assert [(SE, False)] == [
        (r.subject, r.halts) for r in snapshot.posture.reasons if r.code == "REPLICA_SKEW"
    ]


def test_one_build_at_every_address_passes():
    """Which replica answers is of no account while all tell the same."""
    floor = skewed_floor()
    whole = floor.evidence()
    same = tuple(b._replace(build="new") for b in whole.rounds[SE].builds)
    floor.evidence = lambda: replace(
        whole, rounds={**whole.rounds, SE: replace(whole.rounds[SE], builds=same)}
    )

    assert isinstance(whole.rounds[SE].readings[STATUS], Seen)
    assert (PASS, False) == outcome(judge_readiness(gather(floor)), "RC-309")
