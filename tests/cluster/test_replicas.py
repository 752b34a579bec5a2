"""Decide: a rollout that is not through is named, and so is the odd one among replicas."""

from dataclasses import replace

import pytest

from mission_control.cluster.decide.environment import ConfigMaps
from mission_control.cluster.decide.replicas import find_skew, judge_rollout
from mission_control.cluster.model.facts import ConfigMapFacts
from mission_control.cluster.model.objects import (
    Container,
    ContainerState,
    EnvSource,
    EnvVariable,
    ObjectRef,
    Rollout,
)
from mission_control.floor.model import Verdict
from mission_control.model.reading import UnseenReason
from mission_control.readiness.decide.readiness import judge_readiness
from tests.cluster.test_cluster import MD, RUN_SE, SE, from_map, secret
from tests.floor.cluster_of_values import FLOOR, PAPER, ClusterFloor, pod, with_env, workload
from tests.readiness.test_readiness import FAIL, PASS, UNKNOWN, gather, outcome, probe

EIGHT = tuple(f"{SE}-1-{letter}" for letter in "abcdefgh")
MAPS = ConfigMaps({}, whole=True)


def deployment(**changes):
    """Return a Deployment of eight replicas, whose rollout is through."""
    return replace(workload(RUN_SE, 8), **changes)


def rollout(updated=8, available=8, **changes):
    """Return a Deployment of eight with this rollout."""
    return deployment(rollout=Rollout(updated, available, "RollingUpdate", **changes))


def stateful(updated, revision="r1", newest="r1", how="RollingUpdate", partition=0):
    """Return a StatefulSet of eight with this rollout."""
    told = Rollout(updated, None, how, partition, revision, newest)
    return replace(workload(RUN_SE, 8), kind="StatefulSet", rollout=told)


def replicas(*odd, **changes):
    """Return eight pods, of which the first ones are these instead."""
    made = [replace(pod(RUN_SE, **changes), name=name) for name in EIGHT]
    return [replace(each, name=made[n].name) for n, each in enumerate(odd)] + made[len(odd) :]


def of(replica_set, **changes):
    """Return a pod of another ReplicaSet."""
    return pod(RUN_SE, owner=ObjectRef("ReplicaSet", replica_set), **changes)


def image(reference, digest="b"):
    """Return a pod that runs another image."""
    return pod(
        RUN_SE,
        containers=(Container("main", reference, env=PAPER),),
        states=(ContainerState("main", digest=f"sha256:{digest * 64}", ready=True),),
    )


UNDONE = [
    pytest.param(rollout(5), "rollout under way: 5 of 8 updated", True, id="under way"),
    pytest.param(
        replace(rollout(), actual=9),
        "1 pods of an earlier specification are left",
        True,
        id="one too many",
    ),
    pytest.param(
        replace(rollout(5), paused=True), "it is paused, with 5 of 8 updated", False, id="paused"
    ),
    pytest.param(replace(rollout(), paused=True), "it is paused", False, id="paused afterwards"),
    pytest.param(
        rollout(5, troubles=("Progressing is False (ProgressDeadlineExceeded)",)),
        "ProgressDeadlineExceeded",
        False,
        id="deadline exceeded",
    ),
    pytest.param(
        rollout(7, troubles=("ReplicaFailure is True (FailedCreate)",)),
        "ReplicaFailure",
        False,
        id="no quota",
    ),
    pytest.param(rollout(available=6), "6 of 8 available", False, id="not available"),
    pytest.param(
        deployment(observed=False), "its newest specification was not taken up", True, id="behind"
    ),
    pytest.param(stateful(5, "r1", "r2"), "5 of 8 updated", True, id="StatefulSet under way"),
    pytest.param(
        stateful(8, "r1", "r2"), "from revision r1 to r2", True, id="StatefulSet not through"
    ),
    pytest.param(
        stateful(5, "r1", "r2", partition=3), "held at partition 3", False, id="partition"
    ),
    pytest.param(
        stateful(5, "r1", "r2", how="OnDelete"), "only when they are deleted by hand", False,
        id="OnDelete",
    ),
    pytest.param(stateful(5, "", ""), "5 of 8 updated", True, id="revisions not told"),
]  # fmt: skip


@pytest.mark.parametrize(("facts", "said", "moving"), UNDONE)
def test_a_rollout_that_is_not_through_is_named(facts, said, moving):
    """Whatever its controller tells of it; and it moves only while that goes on by itself."""
    progress = judge_rollout(facts, replicas())

    assert said in "; ".join(progress.undone)
    assert moving is progress.moving


@pytest.mark.parametrize(
    "facts",
    [
        rollout(),
        stateful(8),
        stateful(0, "r2", "r2"),
        stateful(8, partition=3),
        stateful(8, "r1", "r2", how="OnDelete"),
        deployment(desired=0, rollout=Rollout(0, 0)),
        deployment(desired=0, paused=True),
        replace(deployment(), kind="ReplicaSet", rollout=None),
    ],
    ids=[
        "Deployment", "StatefulSet", "its revision counts", "partition of before", "all deleted",
        "scaled to 0", "paused at 0", "no rollout",
    ],
)  # fmt: skip
def test_a_rollout_that_is_through_has_nothing_undone(facts):
    """What was held or replaced by hand is through as well, once every pod is of the newest."""
    assert ((), False) == judge_rollout(facts, replicas())


def test_an_old_pod_that_is_only_ending_is_awaited():
    """It still runs what it ran; one that merely moves to another node is of the newest."""
    old, moved = of("old", deleting=True), pod(RUN_SE, deleting=True)
    waiting = judge_rollout(rollout(), replicas(old))
    gone = judge_rollout(rollout(), replicas(replace(old, phase="Failed", ready=False, states=())))

    assert "1 pods of an earlier specification are still ending" in waiting.undone[0]
    assert waiting.moving
    assert ((), False) == gone
    assert ((), False) == judge_rollout(rollout(), replicas(moved))
    assert ((), False) == judge_rollout(rollout(), [old])  # nothing newer is there


def skew(pods, facts=None, maps=MAPS, *, moving=False):
    """Return what is odd, as one text."""
    return "; ".join(find_skew(facts or deployment(), pods, maps, moving=moving))


def env(*variables, **more):
    """Return a pod with this environment."""
    return pod(RUN_SE, containers=with_env(*variables, **more))


ODD = [
    pytest.param(image("r/x:0"), "image of main is r/x:0 (the others: r/x:1)", id="image"),
    pytest.param(
        image("r/x:1"), "digest of main is sha256:bbbbbbbbbbbb (the others: sha256:aaaaaaaaaaaa)",
        id="a tag that moved",
    ),
    pytest.param(
        env(EnvVariable("AGENT_MODE", "EVAL"), PAPER[1]),
        "AGENT_MODE of main is EVAL (the others: OBSERVE)",
        id="mode",
    ),
    pytest.param(env(PAPER[0]), "TRADING_MODE of main is not set (the others: paper)", id="unset"),
    pytest.param(
        env(*PAPER, EnvVariable("GIT_SHA", "")), "GIT_SHA of main is blank", id="blank"
    ),
    pytest.param(
        env(PAPER[1], secret("AGENT_MODE")), "AGENT_MODE of main is it comes from a Secret",
        id="hidden in a Secret",
    ),
    pytest.param(
        env(*PAPER, env_names=("AGENT_MODE", "PYTHONPATH", "TRADING_MODE")),
        "variables of main is AGENT_MODE, PYTHONPATH, TRADING_MODE",
        id="another variable",
    ),
    pytest.param(of("old"), "specification is ReplicaSet/old", id="ReplicaSet"),
    pytest.param(
        pod(RUN_SE, service_account="other"), "service account is other", id="service account"
    ),
    pytest.param(
        pod(RUN_SE, annotations={"agenttrader.dev/git_sha": "0ld"}),
        "annotation agenttrader.dev/git_sha is 0ld (the others: not set)",
        id="annotation",
    ),
    pytest.param(
        pod(RUN_SE, labels={"app.kubernetes.io/version": "0.9"}),
        "label app.kubernetes.io/version is 0.9",
        id="label",
    ),
    pytest.param(
        pod(RUN_SE, containers=(*with_env(*PAPER), Container("debugger"))),
        "containers is debugger, main (the others: main)",
        id="one container more",
    ),
]  # fmt: skip


@pytest.mark.parametrize(("odd", "said"), ODD)
def test_one_odd_replica_of_eight_is_named(odd, said):
    """Which pod, of how many, in what, and what the others have."""
    told = skew(replicas(odd))

    assert f"{SE}-1-a (1 of 8)" in told
    assert said in told


def test_replicas_that_are_alike_are_not_odd():
    """Neither eight of one kind, nor a pod whose node has not named its image yet."""
    unpulled = pod(RUN_SE, states=(ContainerState("main"),))

    assert "" == skew(replicas())
    assert "" == skew(replicas(unpulled))
    assert "" == skew([])
    assert "" == skew(replicas(of("old", deleting=True)))
    assert "" == skew(replicas(of("old", phase="Succeeded", ready=False, states=())))


def test_as_many_of_one_kind_as_of_the_other_names_both():
    """Which four are the odd ones is not known."""
    told = skew(replicas(*[image("r/x:0")] * 4))

    assert "as many of one kind as of the other" in told
    assert f"{EIGHT[0]}, {EIGHT[1]}, {EIGHT[2]}, {EIGHT[3]} (4 of 8) r/x:0" in told
    assert "(4 of 8) r/x:1" in told


def test_a_long_list_is_cut_with_its_count():
    """Four pods and four differences are told, and how many more there are."""
    variables = tuple(
        EnvVariable(name, "x") for name in ("BUILD_ID", "GIT_SHA", "REPO_ID", "AGENT_NAME", "MODE")
    )
    hundred = [replace(p, name=f"{p.name}{n}") for n in range(3) for p in replicas()]
    told = skew([*hundred, *(replace(env(*PAPER, *variables), name=f"odd-{n}") for n in range(5))])

    assert "odd-0, odd-1, odd-2, odd-3 and 1 more (5 of 29)" in told
    assert "; and 1 more" in told


def test_an_environment_is_compared_as_it_is_resolved():
    """Written out or through a ConfigMap: one value is one value, and another is another."""
    held = ConfigMapFacts(FLOOR, "modes", "d", ("MODE",), {"MODE": "OBSERVE"})
    live = replace(held, values={"MODE": "EVAL"})
    through = env(from_map("AGENT_MODE"), PAPER[1])
    whole = ConfigMapFacts(FLOOR, "all", "d", ("AGENT_MODE",), {"AGENT_MODE": "EVAL"})
    source = env(PAPER[1], env_from=(EnvSource("ConfigMap", "all"),))

    assert "" == skew(replicas(through), maps=ConfigMaps({"modes": held}, whole=True))
    assert "is EVAL" in skew(replicas(through), maps=ConfigMaps({"modes": live}, whole=True))
    assert "was not seen" in skew(replicas(through), maps=ConfigMaps({}, whole=False))
    assert "AGENT_MODE of main is EVAL" in skew(
        replicas(source), maps=ConfigMaps({"all": whole}, whole=True)
    )


def test_a_rollout_under_way_is_no_skew_but_an_odd_pod_of_one_specification_is():
    """Pods are compared with those of the same ReplicaSet until all are of the newest one."""
    old = replace(image("r/x:0"), owner=ObjectRef("ReplicaSet", "old"))
    pods = replicas(old, old, old)
    hand_edited = replace(image("r/x:9", "c"), owner=ObjectRef("ReplicaSet", "old"))
    by_revision = [replace(p, owner=None, labels={"controller-revision-hash": h})
                   for p, h in zip(replicas(old), "12222222", strict=True)]  # fmt: skip

    assert "" == skew(pods, moving=True)
    assert "(3 of 8)" in skew(pods)
    assert "(1 of 3)" in skew(replicas(hand_edited, old, old), moving=True)
    assert "" == skew(by_revision, moving=True)
    assert "specification is 1 (the others: 2)" in skew(by_revision)


@pytest.mark.parametrize(
    ("run", "said"),
    [
        (image("r/x:0"), "image of main is r/x:0 (its specification: r/x:1)"),
        (env(EnvVariable("AGENT_MODE", "EVAL"), PAPER[1]), "(its specification: OBSERVE)"),
        (pod(RUN_SE, containers=(Container("other"),)), "container main is specified, and is not"),
    ],
    ids=["image", "mode", "container"],
)
def test_replicas_that_are_alike_and_not_as_specified_are_named(run, said):
    """Also a single one: there is nothing else that a pod edited by hand could be held against."""
    assert said in skew([run])


@pytest.mark.parametrize(
    "reference", ["mirror/r/x:1", f"r/x@sha256:{'a' * 64}"], ids=["mirror", "pinned"]
)
def test_what_admission_makes_of_a_reference_is_the_same_image(reference):
    """A mirror of the registry, or the digest in place of the tag, is no other image."""
    assert "" == skew([image(reference)])
    assert "" == skew([env(*PAPER, env_names=("AGENT_MODE", "HTTPS_PROXY"))])


def test_what_is_not_taken_up_yet_is_not_held_against_pods():
    """Until the controller saw it, what a specification says is what is to come."""
    assert "" == skew([image("r/x:0")], deployment(observed=False))


# On a floor and in readiness.


@pytest.fixture
def floor():
    """Return a floor on which the strategy engine has eight replicas."""
    made = ClusterFloor()
    run_eight(made)
    return made


def run_eight(floor, *odd, facts=None):
    """Have the strategy engine run eight replicas, of which the first ones are these instead."""
    floor.workloads[SE] = facts or deployment()
    floor.workloads["old"] = replace(floor.workloads[f"{SE}-1"], name="old", desired=0, ready=0)
    floor.pods.pop(SE, None)
    floor.pods.update({p.name: p for p in replicas(*odd)})
    probe(floor)


def reasons(snapshot, code="REPLICA_SKEW"):
    """Return the reasons with a code: subject, whether it halts, and detail."""
    return [(r.subject, r.halts, r.detail) for r in snapshot.posture.reasons if r.code == code]


def detail(report, code):
    """Return what a check says."""
    return next(c.detail for c in report.checks if c.code == code)


def test_eight_replicas_that_are_alike_are_go(floor):
    """A calm workload of eight passes each check, and the floor has nothing to say of it."""
    report = judge_readiness(gather(floor))

    assert report.ready
    assert () == floor.decide().posture.reasons


@pytest.mark.parametrize(("odd", "said"), ODD)
def test_one_odd_replica_is_no_go_by_name_and_shown_on_the_floor(floor, odd, said):
    """
    Readiness says NO; the floor lists the service as degraded, and is neither halted nor better.

    It revokes nothing by itself.
    """
    run_eight(floor, odd)
    snapshot = floor.decide()
    report = judge_readiness(gather(floor, snapshot=snapshot))

    assert (FAIL, True) == outcome(report, "RC-309")
    assert f"Deployment/{SE}: {SE}-1-a (1 of 8)" in detail(report, "RC-309")
    assert said in detail(report, "RC-309")
    ((subject, halts, told),) = reasons(snapshot)
    assert (SE, False) == (subject, halts)
    assert said in told
    halting = {r.subject for r in snapshot.posture.reasons if r.halts}
    assert SE in {*snapshot.posture.degraded, *halting}


def test_an_odd_replica_of_an_optional_service_says_no_too(floor):
    """Whatever the inventory names: a build that should be gone may do what it once did."""
    fleet = floor.fleet
    optional = tuple(
        replace(a, criticality="optional") if a.agent_name == SE else a for a in fleet.agents
    )
    floor.fleet = replace(fleet, agents=optional)
    run_eight(floor, of("old"))

    assert (FAIL, True) == outcome(judge_readiness(gather(floor)), "RC-309")


def test_an_odd_replica_of_what_is_no_agents_only_warns(floor):
    """It is a left-over or known in the fleet file; its replicas are its owner's matter."""
    other = replace(deployment(), name="other")
    floor.workloads["other"] = other
    mine = [
        replace(p, name=f"other-{n}", owner=ObjectRef("Deployment", "other"))
        for n, p in enumerate(replicas(image("r/x:0")))
    ]
    floor.pods.update({p.name: p for p in mine})

    assert (FAIL, False) == outcome(judge_readiness(gather(floor)), "RC-309")


@pytest.mark.parametrize(("facts", "said", "moving"), UNDONE)
def test_a_half_done_rollout_is_no_go_by_name(floor, facts, said, moving):
    """Also when every pod is ready; and one that moves is not called skew."""
    old = [of("old")] * 3
    run_eight(floor, *old, facts=facts)
    if facts.kind == "StatefulSet":
        owner = ObjectRef("StatefulSet", SE)
        olds = [{"controller-revision-hash": "r1"}] * 3 + [{"controller-revision-hash": "r2"}] * 5
        for held, labels in zip(replicas(), olds, strict=True):
            floor.pods[held.name] = replace(held, owner=owner, labels=labels)
        floor.fleet = replace(
            floor.fleet,
            agents=tuple(
                replace(a, workload=replace(a.workload, kind="StatefulSet"))
                if a.agent_name == SE else a for a in floor.fleet.agents
            ),
        )  # fmt: skip
    report = judge_readiness(gather(floor))

    assert (FAIL, True) == outcome(report, "RC-304")
    assert said in detail(report, "RC-304")
    assert ((PASS, False) if moving else (FAIL, True)) == outcome(report, "RC-309")


def test_a_normal_rollout_gives_none_after_settling(floor):
    """While it goes on readiness says NO and does not call it skew; once it is through, GO."""
    asked = []
    for updated in range(9):
        old = [replace(image("r/x:0"), owner=ObjectRef("ReplicaSet", "old"))] * (8 - updated)
        settled = rollout(updated, revision="", newest="")
        run_eight(floor, *old, facts=settled)
        snapshot = floor.decide()
        report = judge_readiness(gather(floor, snapshot=snapshot))
        asked.append((updated, report.ready, outcome(report, "RC-309")[0], reasons(snapshot)))

    assert [(n, n == 8, PASS, []) for n in range(9)] == asked


def test_two_digests_of_one_container_fail_the_check_of_images(floor):
    """A mutable tag that another node had pulled before runs another program by the same name."""
    run_eight(floor, image("r/x:1"))
    report = judge_readiness(gather(floor))

    assert (FAIL, True) == outcome(report, "RC-205")
    assert "container main runs several digests: sha256:aaaaaaaaaaaa (7)" in detail(
        report, "RC-205"
    )


def test_a_rollout_that_is_not_reported_is_unknown(floor):
    """What an earlier version recorded has no rollout, and that is no rollout that is through."""
    floor.workloads[SE] = deployment(rollout=None)

    assert (UNKNOWN, True) == outcome(judge_readiness(gather(floor)), "RC-304")


@pytest.mark.parametrize("resource", ["pods", "replicasets", "deployments"])
def test_a_lost_list_leaves_replicas_unknown(floor, resource):
    """What was not seen cannot be compared."""
    run_eight(floor, of("old"))
    floor.lose_list(resource, FLOOR, UnseenReason.DENIED)
    report = judge_readiness(gather(floor))

    assert outcome(report, "RC-309") in {(UNKNOWN, True), (FAIL, True)}
    assert not report.ready


def test_a_pod_that_is_missing_is_missed(floor):
    """The odd one taken away is one too few."""
    run_eight(floor, of("old"))
    del floor.pods[EIGHT[0]]
    report = judge_readiness(gather(floor))

    assert (FAIL, True) == outcome(report, "RC-304")
    assert not report.ready


def test_skew_alone_does_not_halt_the_floor(floor):
    """The playbook's posture stays what it is; GO is for readiness to refuse."""
    run_eight(floor, of("old"))

    assert (Verdict.OK, True) == (floor.decide().posture.verdict, floor.decide().posture.expected)
    assert MD not in floor.decide().posture.degraded
