"""GO or NO-GO, from every check; UNKNOWN blocks as FAIL does (docs/semantics.md#7)."""

from collections.abc import Iterator, Sequence
from dataclasses import replace
from datetime import datetime, timedelta
from itertools import chain
from typing import TypeVar

from mission_control.cluster.decide.identity import compare_clusters
from mission_control.documents.instants import new_york_text
from mission_control.floor.decide.evidence import Moment, within_age
from mission_control.history.model import Span
from mission_control.market_calendar.days import in_new_york
from mission_control.model.cluster_identity import ClusterIdentity
from mission_control.model.reading import Seen, Unseen
from mission_control.model.session import MarketSession, Phase
from mission_control.readiness.decide.checks import (
    change_control,
    cluster,
    ourselves,
    safety,
    services,
)
from mission_control.readiness.decide.checks.ourselves import SNAPSHOT_SECONDS
from mission_control.readiness.decide.checks.safety import BEFORE_OPEN
from mission_control.readiness.decide.outcome import FAIL, NAMES, check
from mission_control.readiness.model import (
    CurrentReadiness,
    ReadinessEvidence,
    ReadinessReport,
    ReadinessVerdict,
    RecordedVerdict,
)
from mission_control.repository.model import Repository

T = TypeVar("T")
SUBJECTS = (change_control, cluster, safety, services, ourselves)
GRACE = timedelta(minutes=5)
PLANNED = (timedelta(minutes=-60), timedelta(minutes=-15), timedelta(minutes=5))
"""When readiness is judged, relative to the session's open (docs/semantics.md#8)."""

NO_GO = "READINESS_NO_GO"
SESSION_CLOSED = "SESSION_CLOSED"
EXPIRED = "READINESS_EXPIRED"
HALTED_NOW = "HALTED_NOW"
NEVER_JUDGED = "READINESS_MISSING"


def judge_readiness(evidence: ReadinessEvidence) -> ReadinessReport:
    """
    Judge every check and say GO or NO-GO.

    GO needs every check that blocks to pass, between an hour before the open and the close.
    Outside of that window the checks are judged all the same.
    """
    evidence = _aged(evidence)
    found = chain.from_iterable(subject.judge(evidence) for subject in SUBJECTS)
    order = {code: number for number, code in enumerate(NAMES)}
    checks = tuple(sorted(found, key=lambda c: order[c.code]))
    well = not any(c.stops for c in checks)
    session = evidence.snapshot.session
    offered = is_offered(session)
    snapshot, repository = evidence.snapshot, evidence.repository
    known = repository if isinstance(repository, Repository) else None
    access = snapshot.fleet.access
    return ReadinessReport(
        at=evidence.now,
        session=session,
        verdict=ReadinessVerdict.GO if well and offered else ReadinessVerdict.NO_GO,
        otherwise_ready=well and not offered,
        code=NO_GO if not well else "" if offered else SESSION_CLOSED,
        checks=checks,
        namespace=access.floor_namespace if access else "",
        context=snapshot.fleet.cluster,
        fleet=snapshot.fleet,
        git_sha=known.git_sha if known else "",
        git_branch=known.git_branch if known else "",
        label=snapshot.label,
        repository_lints=snapshot.fleet.repository_lints,
        repository=repository is not None,
        cluster=snapshot.cluster_identity,
    )


def _aged(evidence: ReadinessEvidence) -> ReadinessEvidence:
    """Return the evidence with what is older than a snapshot may be taken for unseen."""

    def young(reading: Seen[T] | Unseen | None) -> Seen[T] | Unseen | None:
        return reading and within_age(reading, Moment(evidence.now), SNAPSHOT_SECONDS)

    return replace(
        evidence,
        services=young(evidence.services),
        nodes=young(evidence.nodes),
        report=young(evidence.report),
        store=young(evidence.store),
    )


def refuse_unrecorded(report: ReadinessReport, why: str) -> ReadinessReport:
    """Return the NO-GO of a verdict that could not be recorded (docs/semantics.md#7)."""
    failed = check("RC-705", FAIL, f"the verdict was not recorded: {why}")
    return replace(
        report,
        verdict=ReadinessVerdict.NO_GO,
        otherwise_ready=False,
        code=NO_GO,
        checks=tuple(failed if c.code == failed.code else c for c in report.checks),
    )


def is_offered(session: MarketSession) -> bool:
    """Return whether a verdict of GO can be given at all: from open - 60 min to close."""
    if session.open is None or session.close is None:
        return False
    return session.open - BEFORE_OPEN <= session.at < session.close


def judge_current(
    newest: RecordedVerdict | None,
    session: MarketSession,
    watched_since: datetime,
    halts: Sequence[Span],
    fleet_digest: str,
    *,
    cluster: ClusterIdentity,
    halted: bool = False,
) -> CurrentReadiness:
    """
    Say whether this session may run at `session.at` (docs/semantics.md#7).

    `newest` is the newest recorded verdict of any day; it counts for its own session alone.
    Without one for this session the answer says when one is due or that today has no session, and
    quotes the other day's verdict with its date.

    `watched_since` is when unbroken watching began. `halts` are the confirmed halts since then,
    oldest first, each from its begin to the last HALTED decision; times in which something could
    start execution are among them. A GO is revoked by a halt after it, a break of watching, another
    session date, fleet or `cluster` (also one not known to be the same), and by a planned readiness
    five minutes late; only a full READY run restores it. While the floor is `halted` the answer is
    NO-GO; a GO that was not revoked is served again afterwards.
    """
    last = _last_said(newest, session.at)
    if not is_offered(session):
        return _no(SESSION_CLOSED, f"{_why_closed(session)}; {last}")
    if newest is None or not _counts_for(newest, session):
        expired = newest is not None and newest.verdict is ReadinessVerdict.GO
        return _no(EXPIRED if expired else NEVER_JUDGED, f"{_not_judged(session)}; {last}")
    if newest.verdict is not ReadinessVerdict.GO:
        told = [f"the run of {_clock(newest.at)} says NO-GO", *_brought_none(newest, session)]
        return _no(newest.code or NO_GO, "; ".join(told))
    watched = fleet_digest, cluster
    revoked = next(_revocations(newest, session, watched_since, halts, watched), None)
    given = f"GO was given at {_clock(newest.at)}"
    if halted:
        kept = "and is served again if this halt ends unconfirmed"
        return _no(HALTED_NOW, f"the floor is HALTED; {revoked or f'{given}, {kept}'}")
    if revoked is not None:
        return _no(EXPIRED, revoked)
    return CurrentReadiness(ReadinessVerdict.GO, "", f"given at {_clock(newest.at)}")


def is_of_session(session_date: str | None, session: MarketSession) -> bool:
    """Return whether a report of this session date (ISO) is about the session of today."""
    return session.session_date is not None and session_date == session.session_date.isoformat()


def _counts_for(newest: RecordedVerdict, session: MarketSession) -> bool:
    """Return whether a verdict is about this session, made while GO could be given."""
    return is_of_session(newest.session_date, session) and newest.code != SESSION_CLOSED


def _why_closed(session: MarketSession) -> str:
    """Say why GO cannot be given now, and when it is judged next."""
    if session.open is None or session.close is None:
        if session.phase.gates:
            return f"GO cannot be given: the session is not known: {session.note}"
        what = _NO_SESSION.get(session.phase, "")
        today = f"no session today: {what}{f', {session.note}' if session.note else ''}"
    elif session.at < session.open:
        when = _clock(session.open + PLANNED[0])
        return f"not yet due: the readiness of this session is planned for {when}"
    else:
        early = " (early close)" if session.early_close else ""
        closed = f"this session closed at {_clock(session.close)}{early}"
        today = f"{closed}, and GO is given from an hour before the open to the close"
    if session.next_open is None:
        return today
    judged = session.next_open + PLANNED[0]
    return f"{today}; the next is planned to be judged at {new_york_text(judged)}"


_NO_SESSION = {Phase.CLOSED_WEEKEND: "weekend", Phase.CLOSED_HOLIDAY: "holiday"}


def _not_judged(session: MarketSession) -> str:
    """Say that this session has no verdict, and which planned readiness should have given it."""
    late = _due(session)
    if late is not None:
        return f"the readiness planned for today {_clock(late)} brought no verdict"
    planned = "" if session.open is None else _clock(session.open + PLANNED[0])
    return f"this session is not judged yet: its readiness is planned for {planned}"


def _last_said(newest: RecordedVerdict | None, now: datetime) -> str:
    """Describe the newest verdict, dated where it is not of today."""
    if newest is None:
        return "no readiness is recorded"
    today = in_new_york(newest.at).date() == in_new_york(now).date()
    when = f"today {_clock(newest.at)}" if today else new_york_text(newest.at)
    said = f"{newest.verdict.value} {newest.code}".strip()
    of = f"the session of {newest.session_date}" if newest.session_date else "no session"
    return f"the last verdict is {said} of {when}{'' if today else f', about {of}'}"


def _brought_none(newest: RecordedVerdict, session: MarketSession) -> Iterator[str]:
    late = _due(session)
    if late is not None and newest.at < late:
        yield f"the readiness planned for {_clock(late)} brought no verdict"


def _revocations(
    newest: RecordedVerdict,
    session: MarketSession,
    watched_since: datetime,
    halts: Sequence[Span],
    watched: tuple[str, ClusterIdentity],
) -> Iterator[str]:
    """Return every reason to revoke a GO of this session."""
    if newest.at > session.at:
        yield f"GO is dated in the future, at {_clock(newest.at)}"
    if newest.fleet_digest != watched[0]:
        yield "GO was given for another fleet file"
    clusters = compare_clusters(newest.cluster, watched[1])
    if clusters.warning:
        yield f"GO was not given for this cluster: {clusters.detail}"
    halt = next((began for began, last in halts if last >= newest.at), None)
    if halt is not None:
        at = _clock(max(halt, newest.at))
        yield f"the floor was HALTED at {at}, or execution could start then, after GO was given"
    if newest.at < watched_since:
        since = _clock(watched_since)
        yield f"the floor is watched without a break, by the calendar in force, only since {since}"
    yield from _brought_none(newest, session)


def _due(session: MarketSession) -> datetime | None:
    """Return the newest planned readiness whose five minutes are over."""
    planned = (session.open + offset for offset in PLANNED) if session.open else ()
    return max((p for p in planned if p + GRACE <= session.at), default=None)


def _clock(instant: datetime) -> str:
    """Write an instant as people in New York read it, with the zone's name."""
    return f"{in_new_york(instant):%H:%M:%S %Z}"


def _no(code: str, detail: str) -> CurrentReadiness:
    return CurrentReadiness(ReadinessVerdict.NO_GO, code, detail)
