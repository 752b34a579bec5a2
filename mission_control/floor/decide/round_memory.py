"""What earlier rounds mean for the newest one: silences, lost paths, changed claims, builds."""

from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import replace
from datetime import datetime, timedelta
from functools import lru_cache

from mission_control.cluster.model.facts import AgentWorkload
from mission_control.contract.model.answer import STATUS_PATH
from mission_control.contract.model.shapes import MinimalStatus, RichStatus
from mission_control.floor.decide.evidence import AHEAD_TOLERANCE_SECONDS, Moment, seconds_between
from mission_control.floor.decide.freshness import judge_sources, speaks
from mission_control.floor.model import Freshness, FreshnessState
from mission_control.model.fleet import Agent
from mission_control.model.reading import (
    NOTHING_TOLD,
    EndpointReading,
    PathPast,
    Seen,
    ServiceRound,
    ToldBuild,
    Unseen,
    UnseenReason,
)
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
    Return what a service's status lately said of its build and mode, by the address that answered.

    What was said longer than ten minutes ago is forgotten; so is the oldest of too many.
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
            return f"git_sha {_shown(sha)}, build_id {_shown(build)}, agent_mode {_shown(mode)}"
        case MinimalStatus(build_sha=sha, agent_mode=mode):
            return f"build_sha {_shown(sha)}, agent_mode {_shown(mode)}"
        case _:
            return ""


@lru_cache(maxsize=4096)
def _shown(text: str | None) -> str:
    return "null" if text is None else redact_text(text)[:_MOST_TEXT] or "(blank)"


def find_told_skew(builds: Sequence[ToldBuild], workload: AgentWorkload | None) -> str:
    """
    Say which address names another build than the others; empty where all name one.

    What was said before the newest pod was there, or before a rollout ended, is of processes that
    were replaced. Where no cluster shows that, a build counts only if it was named again after
    another one was: then both still answer.
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
    """Return when a workload's pods changed last (UTC); None where that is not known."""
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
    """Leave out what a pod with an address of its own said before it named another build."""
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


FAILURES_COUNT_FOR = timedelta(minutes=5)
MOST_FAILURES = 3
"""The third silence within five minutes needs no second look (docs/semantics.md#2)."""
_SILENT = frozenset(
    {
        UnseenReason.TIMEOUT,
        UnseenReason.CONNECTION_REFUSED,
        UnseenReason.CONNECTION_LOST,
        UnseenReason.DNS_FAILURE,
        UnseenReason.OWN_STALL,
    }
)
_ABSENT = frozenset({UnseenReason.NOT_OFFERED, UnseenReason.NO_LONGER_OFFERED})
_FAILED_FROM = 500


def join_rounds(
    agent: Agent,
    before: ServiceRound | None,
    newest: ServiceRound,
    answered: Collection[str] = (),
) -> ServiceRound:
    """
    Return the newest round as judged by the rounds before it, with what they said.

    A first silence is not confirmed: it is to be asked about again. One that follows a failed
    reading of the same path is, however late, and so is the third within five minutes.
    `answered` are paths that are otherwise known to have answered.
    """
    known: Mapping[str, PathPast] = {} if before is None else before.past
    words = judge_sources(agent, newest.readings, Moment(newest.finished))
    readings, past = dict[str, EndpointReading](), dict(known)
    for path, reading in newest.readings.items():
        told = known.get(path, NOTHING_TOLD)
        old = None if before is None else before.readings.get(path)
        failures = _failures(reading, told.failures)
        ever = told.answered or path in answered or _answers(reading)
        readings[path] = _confirm(_as_offered(reading, ever=ever), old, failures)
        fresh, since = _word(words.get(path), reading, told)
        joined = PathPast(ever, failures, fresh, since, _advances(old, reading))
        past[path] = told if joined == told else joined
    told = () if before is None else before.builds
    builds = note_builds(told, newest.readings, newest.finished)
    name, started, finished = newest.agent_name, newest.started, newest.finished
    return ServiceRound(name, started, finished, readings, newest.addresses, past, builds)


def recall_answered(round_: ServiceRound, answered: Collection[str]) -> ServiceRound:
    """
    Return a round with paths that are known only now to have answered before.

    Memory of before a start arrives after the first rounds: what they found not offered may be
    a path that was lost meanwhile.
    """
    late = [p for p in answered if p in round_.past and not round_.past[p].answered]
    if not late:
        return round_
    readings, past = dict(round_.readings), dict(round_.past)
    for path in late:
        past[path] = past[path]._replace(answered=True)
        if path in readings:
            readings[path] = _as_offered(readings[path], ever=True)
    return replace(round_, readings=readings, past=past)


def answered_paths(round_: ServiceRound | None, known: tuple[str, ...] = ()) -> tuple[str, ...]:
    """Return every path that ever answered otherwise than 404, 405 or 501, and those known."""
    if round_ is None:
        return known
    for path, told in round_.past.items():  # of every service in every decision: no set is made
        if told.answered and path not in known:
            break
    else:
        return known
    return tuple(sorted({*known, *(p for p, told in round_.past.items() if told.answered)}))


def asks_again(round_: ServiceRound) -> bool:
    """Return whether a service was silent for the first time, so that it is asked again soon."""
    return any(isinstance(r, Unseen) and not r.confirmed for r in round_.readings.values())


def is_silence(reading: EndpointReading) -> bool:
    """Return whether a reading brought no answer, or a 5xx, which may both pass in a second."""
    if isinstance(reading, Seen):
        return False
    status = reading.exchange.status or 0
    failed = reading.reason is UnseenReason.HTTP_STATUS and status >= _FAILED_FROM
    return failed or reading.reason in _SILENT


def _failures(reading: EndpointReading, before: tuple[datetime, ...]) -> tuple[datetime, ...]:
    """Keep the silences that still count, also one that a clock ahead of ours dated."""
    recent = before and tuple(f for f in before if reading.at - f <= FAILURES_COUNT_FOR)
    return (*recent, reading.at)[-MOST_FAILURES:] if is_silence(reading) else recent


def _confirm(
    reading: EndpointReading, old: EndpointReading | None, failures: tuple[datetime, ...]
) -> EndpointReading:
    if isinstance(reading, Seen) or not is_silence(reading):
        return reading
    again = isinstance(old, Unseen)
    return replace(reading, confirmed=again or len(failures) >= MOST_FAILURES)


def _answers(reading: EndpointReading) -> bool:
    """Return whether a path answered, and anything but that it is not offered."""
    if isinstance(reading, Seen):
        return True
    return reading.exchange.status is not None and reading.reason not in _ABSENT


def _as_offered(reading: EndpointReading, *, ever: bool) -> EndpointReading:
    """Mark a path as lost that answered before and is not offered now."""
    if not ever or isinstance(reading, Seen) or reading.reason is not UnseenReason.NOT_OFFERED:
        return reading
    detail = f"{reading.detail or 'not offered'}, and it answered before"
    return replace(reading, reason=UnseenReason.NO_LONGER_OFFERED, detail=detail)


def _word(
    judged: Freshness | None, reading: EndpointReading, told: PathPast
) -> tuple[bool | None, datetime | None]:
    """Return what a path says of the marketdata and since when; silence changes neither."""
    if judged is None or not speaks(judged):
        return told.fresh, told.since
    fresh = judged.state is FreshnessState.FRESH
    return fresh, told.since if fresh is told.fresh else reading.at


def _advances(old: EndpointReading | None, new: EndpointReading) -> bool:
    """Return whether the time of a status went on by about as much as ours did."""
    before, after = _updated(old), _updated(new)
    if old is None or before is None or after is None:
        return False
    went_on = seconds_between(before, after)
    passed = seconds_between(old.at, new.at)
    return went_on > 0 and abs(went_on - passed) <= AHEAD_TOLERANCE_SECONDS


def _updated(reading: EndpointReading | None) -> datetime | None:
    if not isinstance(reading, Seen) or not isinstance(reading.value.status, RichStatus):
        return None
    return reading.value.status.status.last_updated_utc
