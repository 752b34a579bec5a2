"""Which builds a service told from which address, and whether its replicas differ."""

from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime, timedelta
from functools import lru_cache

from mission_control.cluster.model.facts import AgentWorkload
from mission_control.contract.model.answer import STATUS_PATH
from mission_control.contract.model.shapes import MinimalStatus, RichStatus
from mission_control.model.reading import EndpointReading, Seen, ToldBuild
from mission_control.redaction.decide.secrecy import redact_text

REMEMBERED = timedelta(minutes=10)
"""A connection ages in 45 s, so that a balancer's other replicas answer well within this."""
MOST_BUILDS = 64
SETTLING = timedelta(seconds=60)
"""So long after a rollout a held connection may still lead to a process that is ending."""
_MOST_TEXT = 64


def note_builds(
    before: tuple[ToldBuild, ...], readings: Mapping[str, EndpointReading], now: datetime
) -> tuple[ToldBuild, ...]:
    """
    Give what a service's status told lately of its build and mode, by the address that answered.

    What was told longer ago than ten minutes is forgotten; so is the oldest of too many.
    """
    told = {(b.peer, b.build): b for b in before if now - b.last <= REMEMBERED}
    reading = readings.get(STATUS_PATH)
    build = _build_of(reading)
    if reading is not None and build:
        key = (reading.exchange.peer, build)
        known = told.get(key)
        told[key] = ToldBuild(*key, known.first if known else reading.at, reading.at)
    newest = sorted(told.values(), key=lambda b: (b.last, b.peer, b.build))
    return tuple(newest[-MOST_BUILDS:])


def _build_of(reading: EndpointReading | None) -> str:
    match reading.value.status if isinstance(reading, Seen) else None:
        case RichStatus(git_sha=sha, build_id=build, agent_identity=identity):
            mode = identity.agent_mode
            return f"git_sha {_word(sha)}, build_id {_word(build)}, agent_mode {_word(mode)}"
        case MinimalStatus(build_sha=sha, agent_mode=mode):
            return f"build_sha {_word(sha)}, agent_mode {_word(mode)}"
        case _:
            return ""


@lru_cache(maxsize=4096)
def _word(text: str | None) -> str:
    return "null" if text is None else redact_text(text)[:_MOST_TEXT] or "(blank)"


def find_told_skew(builds: Sequence[ToldBuild], workload: AgentWorkload | None) -> str:
    """
    Say which address tells another build than the others; empty where all tell one.

    What was told before the newest pod was there, or before a rollout ended, is of processes that
    were replaced. Where no cluster shows that, a build counts only if it was told again after
    another one was told: then both still answer.
    """
    if len({b.build for b in builds}) <= 1:
        return ""
    since = _changed_at(workload)
    if since is not None:
        counted = [b for b in _newest_words(builds, workload) if b.last > since + SETTLING]
    else:
        counted = [b for b in builds if _told_again(b, builds)]
    return _tell(counted)


def _changed_at(workload: AgentWorkload | None) -> datetime | None:
    """Give when a workload's pods changed last (UTC); None where that is not known."""
    if workload is None or workload.unseen:
        return None
    staying = [p for p in workload.pods if p.live and not p.deleting]
    instants = [p.started for p in staying]
    rollout = workload.found.rollout if workload.found is not None else None
    if rollout is not None and rollout.ended_at is not None:
        instants.append(rollout.ended_at)
    known = [i for i in instants if i is not None]
    return max(known) if known and len(known) == len(instants) else None


def _newest_words(
    builds: Sequence[ToldBuild], workload: AgentWorkload | None
) -> Iterable[ToldBuild]:
    """Leave out what a pod that has an address of its own told before it told another build."""
    pods = workload.pods if workload is not None else ()
    own = {ip for p in pods if p.live for ip in (p.ip, *p.ips) if ip}
    newest = {b.peer: b for b in sorted(builds, key=lambda b: b.last)}
    for told in builds:
        host = told.peer.rpartition(":")[0].strip("[]")
        if host not in own or newest[told.peer] is told:
            yield told


def _told_again(told: ToldBuild, builds: Sequence[ToldBuild]) -> bool:
    others = [b for b in builds if b.build != told.build]
    return any(told.last > b.first and b.last > told.first for b in others)


def _tell(builds: Sequence[ToldBuild]) -> str:
    by_build = dict[str, list[str]]()
    for told in builds:
        by_build.setdefault(told.build, []).append(told.peer or "an address that is not known")
    if len(by_build) <= 1:
        return ""
    groups = sorted(by_build.items(), key=lambda g: (len(g[1]), g[0]))
    every = len({peer for _, peers in groups for peer in peers})
    said = (f"{', '.join(sorted(peers)[:3])} ({len(peers)} of {every}) tells {build}"
            for build, peers in groups)  # fmt: skip
    return f"replicas tell different builds: {'; '.join(said)}"
