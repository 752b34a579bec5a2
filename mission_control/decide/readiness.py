"""Decide: GO or NO-GO, from every check; UNKNOWN blocks as FAIL does (semantics, section 7)."""

from collections.abc import Iterator, Sequence
from dataclasses import replace
from datetime import datetime, timedelta
from itertools import chain
from typing import TypeVar

from mission_control.decide.check_outcome import FAIL, NAMES, check
from mission_control.decide.checks import (
    change_control,
    cluster,
    health,
    images,
    infrastructure,
    ourselves,
    safety,
)
from mission_control.decide.checks.ourselves import SNAPSHOT_SECONDS
from mission_control.decide.cluster.identity import compare_clusters
from mission_control.decide.evidence import within_age
from mission_control.market_calendar.new_york import in_new_york
from mission_control.model.cluster_identity import ClusterIdentity
from mission_control.model.history import Span
from mission_control.model.readiness import (
    ReadinessEvidence,
    ReadinessReport,
    ReadinessStanding,
    ReadinessVerdict,
    RecordedVerdict,
)
from mission_control.model.reading import Seen, Unseen
from mission_control.model.repository import Repository
from mission_control.model.session import MarketSession

T = TypeVar("T")
SUBJECTS = (change_control, images, cluster, safety, health, infrastructure, ourselves)
BEFORE_OPEN = timedelta(minutes=60)
GRACE = timedelta(minutes=5)
PLANNED = (timedelta(minutes=-60), timedelta(minutes=-15), timedelta(minutes=5))
"""When readiness is judged, relative to the session's open (semantics, section 8)."""

NO_GO = "READINESS_NO_GO"
SESSION_CLOSED = "SESSION_CLOSED"
EXPIRED = "READINESS_EXPIRED"
HALTED_NOW = "HALTED_NOW"
NEVER_JUDGED = "READINESS_MISSING"


def judge_readiness(evidence: ReadinessEvidence) -> ReadinessReport:
    """
    Judge every check and say GO or NO-GO.

    GO needs every check that blocks to pass, and the session: it is given from an hour before
    the open to the close alone. Outside of that the checks are judged all the same.
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
        fleet_digest=snapshot.fleet.digest,
        git_sha=known.git_sha if known else "",
        git_branch=known.git_branch if known else "",
        label=snapshot.label,
        repository_lints=snapshot.fleet.repository_lints,
        cluster=snapshot.cluster_identity,
    )


def _aged(evidence: ReadinessEvidence) -> ReadinessEvidence:
    """Give what was read beside the floor, where it is no older than the floor may be."""

    def young(reading: Seen[T] | Unseen | None) -> Seen[T] | Unseen | None:
        return reading and within_age(reading, evidence.now, SNAPSHOT_SECONDS)

    return replace(
        evidence,
        services=young(evidence.services),
        nodes=young(evidence.nodes),
        report=young(evidence.report),
        store=young(evidence.store),
    )


def refuse_unrecorded(report: ReadinessReport, why: str) -> ReadinessReport:
    """Give the NO-GO of a verdict that could not be recorded (semantics, section 7)."""
    failed = check("RC-705", FAIL, f"the verdict was not recorded: {why}")
    return replace(
        report,
        verdict=ReadinessVerdict.NO_GO,
        otherwise_ready=False,
        code=NO_GO,
        checks=tuple(failed if c.code == failed.code else c for c in report.checks),
    )


def is_offered(session: MarketSession) -> bool:
    """Tell whether a verdict of GO can be given at all: from open - 60 min to close."""
    if session.open is None or session.close is None:
        return False
    return session.open - BEFORE_OPEN <= session.at < session.close


def judge_standing(
    newest: RecordedVerdict | None,
    session: MarketSession,
    watched_since: datetime,
    halts: Sequence[Span],
    fleet_digest: str,
    *,
    cluster: ClusterIdentity,
    halted: bool = False,
) -> ReadinessStanding:
    """
    Say what the newest recorded verdict is worth at `session.at`: GO does not keep.

    `watched_since` is since when this floor has been watched without a break. `halts` are the
    confirmed ones of that time, oldest first: when each began, and when it was HALTED last. A
    verdict from before, a halt after it, another session date, another fleet, another `cluster` or
    one that is not known to be the same, or a planned readiness that is five minutes late revokes
    it to NO-GO; only a full READY run restores it. While the floor is `halted` no GO is served;
    where nothing revoked it, it is again after that.
    """
    if newest is None:
        return _no(NEVER_JUDGED, "no readiness is recorded")
    if newest.verdict is not ReadinessVerdict.GO:
        return _no(newest.code or NO_GO, f"the run of {_clock(newest.at)} says NO-GO")
    if not is_offered(session):
        return _no(SESSION_CLOSED, "GO is given from an hour before the open to the close")
    revoked = next(
        _revocations(newest, session, watched_since, halts, (fleet_digest, cluster)), None
    )
    given = f"GO was given at {_clock(newest.at)}"
    if halted:
        kept = "and is served again if this halt ends unconfirmed"
        return _no(HALTED_NOW, f"the floor is HALTED; {revoked or f'{given}, {kept}'}")
    if revoked is not None:
        return _no(EXPIRED, revoked)
    return ReadinessStanding(ReadinessVerdict.GO, "", f"given at {_clock(newest.at)}")


def _revocations(
    newest: RecordedVerdict,
    session: MarketSession,
    watched_since: datetime,
    halts: Sequence[Span],
    watched: tuple[str, ClusterIdentity],
) -> Iterator[str]:
    """Give everything that takes a GO back."""
    date = session.session_date.isoformat() if session.session_date else None
    if newest.at > session.at:
        yield f"GO is dated in the future, at {_clock(newest.at)}"
    if newest.session_date != date:
        yield f"GO was given for the session of {newest.session_date}"
    if newest.fleet_digest != watched[0]:
        yield "GO was given for another fleet file"
    clusters = compare_clusters(newest.cluster, watched[1])
    if clusters.warning:
        yield f"GO was not given for this cluster: {clusters.detail}"
    halt = next((began for began, last in halts if last >= newest.at), None)
    if halt is not None:
        yield f"the floor was HALTED at {_clock(max(halt, newest.at))}, after GO was given"
    if newest.at < watched_since:
        yield f"nobody watched the floor from then until {_clock(watched_since)}"
    late = _due(session)
    if late is not None and newest.at < late:
        yield f"the readiness planned for {_clock(late)} brought no verdict"


def _due(session: MarketSession) -> datetime | None:
    """Give the newest planned readiness whose five minutes are over."""
    planned = (session.open + offset for offset in PLANNED) if session.open else ()
    return max((p for p in planned if p + GRACE <= session.at), default=None)


def _clock(instant: datetime) -> str:
    """Write an instant as people in New York read it, with the zone's name."""
    return f"{in_new_york(instant):%H:%M:%S %Z}"


def _no(code: str, detail: str) -> ReadinessStanding:
    return ReadinessStanding(ReadinessVerdict.NO_GO, code, detail)
