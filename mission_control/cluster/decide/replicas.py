"""Whether all replicas of a workload are one: its rollout, and the odd one among them."""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import fields
from typing import NamedTuple

from mission_control.cluster.decide.environment import ConfigMaps, resolve
from mission_control.cluster.decide.lists import CheckedLists
from mission_control.cluster.decide.ownership import Owners, pods_by_workload
from mission_control.cluster.model.facts import ClusterFacts, ConfigMapFacts
from mission_control.cluster.model.objects import (
    WATCHED_ENV,
    Container,
    PodFacts,
    Rollout,
    WorkloadFacts,
)

LASTING = frozenset({"Deployment", "StatefulSet", "DaemonSet"})
REPLICATED = LASTING | {"ReplicaSet"}
REPLICA_LISTS = ("daemonsets", "deployments", "pods", "replicasets", "statefulsets")
"""The lists that tell which pods a workload has."""
BUILD_LABELS = ("app.kubernetes.io/version", "app.kubernetes.io/commit")
"""Labels of a pod that tell its build (docs/status_contract.md)."""
_REVISION = "controller-revision-hash"
_STUCK = ("Progressing is False", "ReplicaFailure is True")
_OTHERWISE = {"name", "image", "init", "pull_policy", "env", "env_from", "env_names"}
_STARTED = tuple(
    f.name for f in fields(Container) if f.name not in {*_OTHERWISE, "probes", "resources"}
)
"""What else is kept of a container tells what it starts: command, arguments and the like."""
_MOST_TOLD, _MOST_NAMED, _SHOWN = 4, 4, 80
_NOT_TOLD = ""


class Replicas(NamedTuple):
    """A workload with its pods: what of its rollout is undone, and which replicas are odd."""

    workload: WorkloadFacts
    pods: Sequence[PodFacts]
    undone: tuple[str, ...]
    skew: tuple[str, ...]


def compare_replicas(
    facts: ClusterFacts, checked: CheckedLists, owners: Owners
) -> Iterator[Replicas]:
    """Look at every workload that keeps replicas, apart from those that another one owns."""
    pods, maps = pods_by_workload(facts, owners), maps_by_namespace(facts, checked)
    nothing = ConfigMaps({}, whole=False)
    for workload in facts.workloads:
        if workload.kind not in REPLICATED or _is_owned(workload, owners):
            continue
        mine = pods.get(workload.key, ())
        progress = judge_rollout(workload, mine)
        held = maps.get(workload.namespace, nothing)
        skew = find_skew(workload, mine, held, moving=progress.moving)
        yield Replicas(workload, mine, progress.undone, skew)


def _is_owned(workload: WorkloadFacts, owners: Owners) -> bool:
    root = owners.root(workload)
    return root is not None and root is not workload


def maps_by_namespace(facts: ClusterFacts, checked: CheckedLists) -> Mapping[str, ConfigMaps]:
    """Return the ConfigMaps of every watched namespace, and whether those are all of them."""
    held = dict[str, dict[str, ConfigMapFacts]]()
    for each in facts.config_maps:
        held.setdefault(each.namespace, {})[each.name] = each
    return {
        namespace: ConfigMaps(held.get(namespace, {}), checked.is_whole("configmaps", namespace))
        for namespace in facts.namespaces
    }


class Progress(NamedTuple):
    """
    The progress of a rollout: everything that is not done, in words.

    It is `moving` while its controller goes on with it by itself: then its pods differ because
    they are being replaced.
    """

    undone: tuple[str, ...] = ()
    moving: bool = False


def judge_rollout(workload: WorkloadFacts, pods: Sequence[PodFacts]) -> Progress:
    """
    Return whether a workload's newest specification is what runs, and if not why.

    A rollout is through when its controller has taken the specification up, every pod is of it
    and available, and no pod of an earlier one is left, also none that is only ending.
    """
    if not workload.observed:
        return Progress(("its newest specification was not taken up",), moving=True)
    rollout = workload.rollout
    if rollout is None or workload.desired == 0:
        return Progress()
    rolling = (*_replacing(workload, rollout), *_ending(pods))
    held = tuple(_held(workload, rollout, rolling=bool(rolling)))
    undone = [*held, *rolling]
    if rollout.available is not None and rollout.available < workload.desired:
        undone.append(f"{rollout.available} of {workload.desired} available")
    undone.extend(rollout.troubles)
    stuck = bool(held) or any(t.startswith(_STUCK) for t in rollout.troubles)
    return Progress(tuple(undone), moving=bool(rolling) and not stuck)


def _replacing(workload: WorkloadFacts, rollout: Rollout) -> Iterator[str]:
    """Yield what shows that pods of an earlier specification are wanted to go, and have not."""
    told = rollout.newest != _NOT_TOLD and rollout.revision == rollout.newest
    if told:
        return  # a StatefulSet whose last rollout ended with the revision that is wanted
    if rollout.updated < workload.desired:
        yield f"rollout under way: {rollout.updated} of {workload.desired} updated"
    elif workload.actual > rollout.updated:
        left = workload.actual - rollout.updated
        yield f"rollout under way: {left} pods of an earlier specification are left"
    elif rollout.revision != rollout.newest and rollout.strategy != "OnDelete":
        # A StatefulSet whose pods are deleted by hand keeps its first revision for ever.
        yield f"rollout under way: from revision {rollout.revision} to {rollout.newest}"


def _ending(pods: Iterable[PodFacts]) -> Iterator[str]:
    live = [p for p in pods if p.live]
    staying = {_revision(p) for p in live if not p.deleting}
    old = sorted(p.name for p in live if p.deleting and _revision(p) not in staying)
    if old and staying:
        yield f"{len(old)} pods of an earlier specification are still ending: {_few(old)}"


def _held(workload: WorkloadFacts, rollout: Rollout, *, rolling: bool) -> Iterator[str]:
    """Yield what holds a rollout up until a human goes on with it."""
    if workload.paused:
        yield f"it is paused, with {rollout.updated} of {workload.desired} updated"
    if rolling and rollout.partition > 0:
        yield f"it is held at partition {rollout.partition}"
    if rolling and rollout.strategy == "OnDelete":
        yield "OnDelete: its pods are replaced only when they are deleted by hand"


def _revision(pod: PodFacts) -> str:
    """Name the specification that a pod was made from: its ReplicaSet, else its revision."""
    if pod.owner is not None and pod.owner.kind == "ReplicaSet":
        return str(pod.owner)
    return pod.labels.get(_REVISION, "")


# The odd one among replicas.


def find_skew(
    workload: WorkloadFacts, pods: Iterable[PodFacts], maps: ConfigMaps, *, moving: bool
) -> tuple[str, ...]:
    """
    Say which replicas of a workload are not as the others, in what, and how many there are.

    Compared are image, digest, mode and safety environment as resolved, command, build and the
    specification that each was made from; of several kinds that are as many, all are named. While
    a rollout is `moving`, replicas are compared only with those of the same specification.
    """
    live = [p for p in pods if p.live and not p.deleting]
    if moving:
        groups = dict[str, list[PodFacts]]()
        for pod in live:
            groups.setdefault(_revision(pod), []).append(pod)
        return tuple(told for each in groups.values() for told in _compare(each, maps))
    told = tuple(_compare(live, maps))
    if told or not live or not workload.observed:
        return told
    return tuple(_compare_with_specification(workload, live, maps))


def _compare(pods: Sequence[PodFacts], maps: ConfigMaps) -> Iterator[str]:
    if len({_brief(p) for p in pods}) <= 1:
        return
    features = {p.name: _features(p, maps) for p in pods}
    odd, ties = dict[tuple[str, ...], list[str]](), list[str]()
    for name in sorted({name for each in features.values() for name in each}):
        values = {pod: each.get(name, "not set") for pod, each in features.items()}
        values = {pod: value for pod, value in values.items() if value != _NOT_TOLD}
        groups = _by_value(values)
        if len(groups) <= 1:
            continue
        (most, many), *others = groups
        if len(others[0][1]) == len(many):
            told = (f"{_count(each, len(pods))} {value}" for value, each in groups)
            ties.append(f"{name}: {', '.join(told)}")
            continue
        for value, each in others:
            odd.setdefault(each, []).append(f"{name} is {value} (the others: {most})")
    for each, told in odd.items():
        yield f"{_count(each, len(pods))}: {_some(told)}"
    if ties:
        yield f"as many of one kind as of the other: {_some(ties)}"


def _brief(pod: PodFacts) -> tuple[object, ...]:
    """Return everything that is compared unresolved: replicas alike in it need no closer look."""
    digests = tuple((s.name, s.digest) for s in pod.states)
    builds = tuple(pod.labels.get(name, "") for name in BUILD_LABELS)
    marks = tuple(sorted(pod.annotations.items()))
    return pod.containers, digests, builds, marks, pod.service_account, _revision(pod)


def _by_value(values: Mapping[str, str]) -> list[tuple[str, tuple[str, ...]]]:
    """Group pods by what they have, the largest group first."""
    groups = dict[str, list[str]]()
    for pod, value in sorted(values.items()):
        groups.setdefault(value, []).append(pod)
    return sorted(
        ((value, tuple(pods)) for value, pods in groups.items()),
        key=lambda group: (-len(group[1]), group[0]),
    )


def _features(pod: PodFacts, maps: ConfigMaps) -> dict[str, str]:
    """Return what of a pod has to be as in every other replica, each by a name for people."""
    found = {
        "specification": _revision(pod),
        "service account": pod.service_account or "not set",
        "containers": ", ".join(sorted(c.name for c in pod.containers)),
    }
    found |= {f"label {n}": pod.labels[n] for n in BUILD_LABELS if n in pod.labels}
    found |= {f"annotation {n}": value for n, value in pod.annotations.items()}
    for state in pod.states:
        found[f"digest of {state.name}"] = state.digest[:19]
    for container in pod.containers:
        found |= _container_features(container, maps)
    return {name: value[:_SHOWN] for name, value in found.items()}


def _container_features(container: Container, maps: ConfigMaps) -> dict[str, str]:
    written = {v.name for v in container.env}
    watched = written | (WATCHED_ENV if container.env_from else frozenset[str]())
    of = container.name
    found = {f"image of {of}": container.image, f"variables of {of}": _names(container)}
    for name in watched:
        resolved = resolve(container, name, maps)
        value = resolved.problem or resolved.value
        if value is not None:
            found[f"{name} of {of}"] = value or "blank"
    return found | {f"{name} of {of}": str(getattr(container, name)) for name in _STARTED}


def _names(container: Container) -> str:
    """Return the names of all variables, and where more of them come from."""
    sources = sorted(f"all of {s.kind} {s.name}" for s in container.env_from)
    return ", ".join((*container.env_names, *sources)) or "none"


def _compare_with_specification(
    workload: WorkloadFacts, pods: Sequence[PodFacts], maps: ConfigMaps
) -> Iterator[str]:
    """Compare replicas that are all alike with what their workload specifies."""
    run = {c.name: c for c in pods[0].containers}
    told = list[str]()
    for wanted in workload.containers:
        held = run.get(wanted.name)
        if held is None:
            told.append(f"container {wanted.name} is specified, and is not there")
            continue
        image = f"image of {wanted.name}"
        have, want = _container_features(held, maps), _container_features(wanted, maps)
        if _is_same_image(held.image, wanted.image):
            have[image] = want[image]
        for name in sorted({*have, *want}):
            values = have.get(name, "not set")[:_SHOWN], want.get(name, "not set")[:_SHOWN]
            # What admission adds to every pod of a cluster adds names, and no watched value.
            if values[0] != values[1] and not name.startswith("variables of "):
                told.append(f"{name} is {values[0]} (its specification: {values[1]})")
    if told:
        names = tuple(p.name for p in pods)
        yield f"{_count(names, len(pods))}: {_some(told)}"


def _is_same_image(one: str, other: str) -> bool:
    """Return whether two references may mean one image: admission may pin it or take a mirror."""
    ends = [image.rpartition("/")[2] for image in (one, other)]
    if ends[0] == ends[1]:
        return True
    names = {end.partition("@")[0].partition(":")[0] for end in ends}
    return len(names) == 1 and any("@" in end for end in ends)


def _count(pods: Sequence[str], of: int) -> str:
    return f"{_few(pods)} ({len(pods)} of {of})"


def _few(names: Sequence[str]) -> str:
    more = len(names) - _MOST_NAMED
    return ", ".join(names[:_MOST_NAMED]) + (f" and {more} more" if more > 0 else "")


def _some(told: Sequence[str]) -> str:
    more = len(told) - _MOST_TOLD
    return "; ".join(told[:_MOST_TOLD]) + (f"; and {more} more" if more > 0 else "")
