"""Which process raised a Sev-0, and which may deny it (docs/semantics.md#6)."""

import hashlib
from collections.abc import Collection, Iterator, Mapping
from dataclasses import replace
from datetime import datetime, timedelta
from typing import NamedTuple

from mission_control.cluster.decide.view import ClusterView
from mission_control.cluster.model.objects import PodFacts
from mission_control.contract.model.answer import Answer
from mission_control.contract.model.shapes import HealthFreshness, Liveness, RichStatus
from mission_control.floor.decide.agent_evidence import AgentEvidence
from mission_control.floor.decide.evidence import AHEAD_TOLERANCE_SECONDS, Denials, seconds_between
from mission_control.floor.model import Alarm, Instance
from mission_control.model.fleet import Fleet
from mission_control.model.reading import EndpointReading, Seen, Unseen, UnseenReason

DENIALS_IN_A_ROW = 10
DENIED_FOR_SECONDS = 480.0
"""Where one address may lead to several processes, so many denials over so long clear a Sev-0."""
MOST_INSTANCES = 32
"""Processes that are kept of one alarm; further ones are kept as one that cannot deny."""
MOST_PODS = 64
"""Pods that are kept of one process; of a larger workload no pod is known to be it."""
_FURTHER = Instance(peer="further instances", told="any")


class Hearing(NamedTuple):
    """
    What one decision knows of the latched alarms.

    `agents` holds the evidence by agent. `denied` are the keys that switch sources, our own clock,
    the cluster and the agreement of all services take back: none of them has replicas. `sources`
    are the names of every source that is listed or configured.
    """

    fleet: Fleet
    agents: Mapping[str, AgentEvidence]
    denied: Denials
    sources: Collection[str]
    view: ClusterView
    now: datetime


class Denial(NamedTuple):
    """An answer that denies, and the evidence of the agent that gave it."""

    reading: Seen[Answer]
    evidence: AgentEvidence


def service_of(source: str) -> tuple[str, str] | None:
    """Return the agent and the path of a source that is an endpoint of a service; else None."""
    name, _, path = source.partition(" ")
    return (name, path) if path.startswith("/") and "/" not in name else None


def find_speaker(source: str, hearing: Hearing) -> Instance | None:
    """
    Return the process that answers at a service's endpoint now; None where none does.

    Its address and the names that it gives itself distinguish it from others. The build does not:
    all replicas share one, and a repair brings the next. The names distinguish two services behind
    one DNS name; where an answer gives none, only the address does.
    """
    name, path = service_of(source) or ("", "")
    evidence = hearing.agents.get(name)
    reading = None if evidence is None else evidence.readings.get(path)
    if reading is None or (isinstance(reading, Unseen) and reading.reason is UnseenReason.EXPIRED):
        return None
    peer = reading.exchange.peer
    pods, own = _pods_of(peer, name, hearing.view)
    heard_at = min(reading.at, hearing.now)
    return Instance(peer, names_told(reading), pods, own_address=own, heard_at=heard_at)


def names_told(reading: EndpointReading) -> str:
    """Return a digest of the names that an answer gives itself; the names are not kept."""
    match reading.value.status if isinstance(reading, Seen) else None:
        case RichStatus(service_name=service, agent_identity=identity):
            names = f"{service}\n{identity.agent_name}"
        case HealthFreshness(service=str(names)) | Liveness(service=str(names)):
            pass
        case _:
            return ""
    return hashlib.sha256(names.encode()).hexdigest()[:16]


def note_instance(known: tuple[Instance, ...], heard: Instance | None) -> tuple[Instance, ...]:
    """
    Return the processes that raised an alarm with the one that raises it now.

    Every count of denials starts over: the row is broken, whichever process broke it.
    """
    kept = {(i.peer, i.told): _started_over(i) for i in known}
    if heard is not None:
        key = (heard.peer, heard.told)
        if key not in kept and len(kept) >= MOST_INSTANCES:
            heard = replace(_FURTHER, heard_at=heard.heard_at)
            key = (heard.peer, heard.told)
        kept[key] = _heard_again(kept.get(key), heard)
    return tuple(kept[key] for key in sorted(kept))


def _started_over(instance: Instance) -> Instance:
    return replace(instance, denials=0, denied_from=None, denied_at=None)


def _heard_again(known: Instance | None, heard: Instance) -> Instance:
    if known is None or heard.own_address:
        return heard
    if not heard.pods:
        return replace(heard, pods=known.pods, own_address=known.own_address)
    pods = tuple(sorted({*known.pods, *heard.pods}))
    return replace(heard, pods=pods if len(pods) <= MOST_PODS else ())


def settle_instance(
    instance: Instance, alarm: Alarm, denial: Denial | None, hearing: Hearing
) -> Instance | str:
    """
    Return a process that raised a Sev-0 as it is left, or how it is cleared.

    It is cleared when whole lists show that its pod is gone, and by its own denial: one denial
    where whole lists, read after it, show that no other pod can have given it. Else an address is
    no process, because a balancer with other replicas may be behind it: then it takes ten denials
    in a row, each over a new connection and so perhaps by another replica, over at least 8
    minutes. An answer from another address, or under other names, is never its own.
    """
    read_at = _whole_since(alarm.last_seen, hearing.view)
    if read_at is not None and _is_gone(instance, alarm, hearing.view):
        return "whole lists no longer show the pod that said it"
    if denial is None or not _may_be(instance, denial.reading):
        return instance
    reading = denial.reading
    if read_at is not None and read_at >= reading.at and _is_one_pod(denial, hearing.view):
        return "the only pod that can have said it denies it"
    counted = _count(instance, reading)
    if counted.denied_from is None or counted.denied_at is None:
        return counted
    lasted = seconds_between(counted.denied_from, counted.denied_at)
    if counted.denials < DENIALS_IN_A_ROW or lasted < DENIED_FOR_SECONDS:
        return counted
    return f"denied {counted.denials} times in a row over new connections, for {lasted:.0f} s"


def _may_be(instance: Instance, reading: Seen[Answer]) -> bool:
    """Return whether an answer may be of this process, by its address and names."""
    same_address = instance.peer in {"", reading.exchange.peer}
    return same_address and instance.told in {"", names_told(reading)}


def _count(instance: Instance, reading: Seen[Answer]) -> Instance:
    """Count a denial over a new connection, once; one over a held connection counts nothing."""
    last = instance.denied_at
    if not reading.exchange.phases or (last is not None and reading.at <= last):
        return instance
    first = instance.denied_from or reading.at
    return replace(instance, denials=instance.denials + 1, denied_from=first, denied_at=reading.at)


# What the cluster's lists show of a process.


def _whole_at(view: ClusterView) -> datetime | None:
    """Return when the oldest list was read (UTC); None unless every list is young and whole."""
    return view.oldest if view.facts is not None and view.whole == view.sources else None


def _whole_since(last_seen: datetime, view: ClusterView) -> datetime | None:
    """Return when whole lists were read, if all were read after an instant; else None (UTC)."""
    read_at = _whole_at(view)
    return read_at if read_at is not None and read_at > last_seen else None


def _live_pods(view: ClusterView) -> Iterator[PodFacts]:
    return (pod for pod in view.facts.pods if pod.live) if view.facts else iter(())


def _has_address(pod: PodFacts, peer: str) -> bool:
    host = peer.rpartition(":")[0].strip("[]")
    return bool(host) and host in {pod.ip, *pod.ips}


def _pods_of(peer: str, agent_name: str, view: ClusterView) -> tuple[tuple[str, ...], bool]:
    """Return the pods that an address may lead to, and whether it belongs to that one pod."""
    if _whole_at(view) is None:
        return (), False
    having = [pod.identity for pod in _live_pods(view) if _has_address(pod, peer)]
    if len(having) == 1:
        return tuple(having), True
    workload = view.agents.get(agent_name)
    pods = sorted(p.identity for p in workload.pods if p.live) if workload else []
    return tuple(pods) if len(pods) <= MOST_PODS else (), False


def _is_gone(instance: Instance, alarm: Alarm, view: ClusterView) -> bool:
    """
    Return whether whole lists, read after the alarm was last raised, no longer show the process.

    One that was not known to be a pod when it answered is never gone. Where it may have been any
    pod of a workload, every pod there must have started after it answered.
    """
    if not instance.pods or instance.heard_at is None:
        return False
    if instance.own_address:
        return not any(
            pod.identity in instance.pods or _has_address(pod, instance.peer)
            for pod in _live_pods(view)
        )
    workload = view.agents.get((service_of(alarm.source) or ("", ""))[0])
    if workload is None or workload.unseen:
        return False
    heard_by = instance.heard_at + timedelta(seconds=AHEAD_TOLERANCE_SECONDS)
    return all(
        pod.identity not in instance.pods and pod.started is not None and pod.started > heard_by
        for pod in workload.pods
        if pod.live
    )


def _is_one_pod(denial: Denial, view: ClusterView) -> bool:
    """
    Return whether whole lists show one pod alone that can have answered.

    Either the address is that of one live pod, or one live pod is all there is of the workload.
    If another one raised the alarm before, it is gone.
    """
    peer = denial.reading.exchange.peer
    if sum(_has_address(pod, peer) for pod in _live_pods(view)) == 1:
        return True
    workload = view.agents.get(denial.evidence.agent.agent_name)
    if workload is None or workload.unseen:
        return False
    return sum(pod.live for pod in workload.pods) == 1


def count_denials(alarm: Alarm) -> str:
    """Say how many denials an alarm has that needs many; empty while it has none."""
    counted = [i for i in alarm.instances if i.denied_from is not None]
    if not counted:
        return ""
    least = min((i for i in counted), key=lambda i: i.denials)
    needed = f"{DENIALS_IN_A_ROW} over at least {DENIED_FOR_SECONDS / 60:.0f} min"
    return (
        f"denied {least.denials} times over new connections since"
        f" {least.denied_from:%Y-%m-%dT%H:%M:%SZ}, of {needed}"
    )
