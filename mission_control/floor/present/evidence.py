"""How the verdict is known: each piece of required evidence, and the reads that it rests on."""

import hashlib
from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, NotRequired, TypedDict

import orjson

from mission_control.cluster.decide.lists import MAX_AGE_SECONDS as MAX_LIST_AGE_SECONDS
from mission_control.cluster.decide.lists import check_lists, find_missing_lists
from mission_control.cluster.model.facts import KIND_OF_LIST, ClusterFacts, ListReading
from mission_control.cluster.present import short_cluster_text
from mission_control.contract.model.shapes import RichStatus
from mission_control.documents.document import document
from mission_control.documents.instants import (
    new_york_text,
    new_york_text_or_none,
    rounded,
    utc_text,
    utc_text_or_none,
)
from mission_control.floor.decide.evidence import (
    MAX_AGE_SECONDS,
    Moment,
    current_readings,
    primary_reading,
)
from mission_control.floor.decide.required_evidence import (
    MissingEvidence,
    find_missing_evidence,
    missing_feed,
)
from mission_control.floor.decide.stall import still_decided
from mission_control.floor.decide.troubles import read_twin
from mission_control.floor.model import KILL_SWITCH, FloorSnapshot, ServiceReport
from mission_control.floor.present.posture import runbook_url, verdict_text
from mission_control.kill_switch.decide import configured_sources
from mission_control.model import codes
from mission_control.model.event import FloorEvent
from mission_control.model.finding import Reason
from mission_control.model.fleet import MARKETDATA_STALE_CEILING_SECONDS, ContractKind, Kind
from mission_control.model.kill_switch import KillSwitchState, SwitchSource
from mission_control.model.reading import EndpointReading, Seen, Unseen, UnseenReason, say_unseen
from mission_control.model.session import Phase

CALENDAR = "market-calendar"
CLUSTER = "cluster"
FLEET = "fleet"


@dataclass(frozen=True, slots=True)
class Read:
    """
    One read that a piece of evidence rests on.

    `instance` is the address that answered, or the cluster. `digest` is the SHA-256 (hex) of what
    was kept of its bytes, after redaction, and `size_bytes` how many these are; empty and 0 where
    nothing was kept.
    """

    source: str
    outcome: str
    seen: bool
    at: datetime
    took_seconds: float = 0.0
    instance: str = ""
    told: str = ""
    digest: str = ""
    size_bytes: int = 0


@dataclass(frozen=True, slots=True)
class Piece:
    """
    One piece of evidence that the floor needs (docs/semantics.md#R6.8), as it stands.

    `at` is when it was seen, also where that is too long ago, and of marketdata the last tick; None
    where it was not, and for the calendar, which is reckoned and not read. `since` is when it began
    to be as it is. `missing` is why it does not count, empty where it does. One that is not
    `required` is here for a reason of the posture that is about it.
    """

    subject: str
    kind: str
    proves: str
    value: str
    reads: tuple[Read, ...] = ()
    at: datetime | None = None
    max_age_seconds: float | None = None
    since: datetime | None = None
    missing: tuple[MissingEvidence, ...] = field(default=())
    required: bool = True


class EvidenceDocument(TypedDict):
    """The verdict, its reasons, and every piece of evidence, those that are missing first."""

    at: str
    at_et: str
    sequence: int
    posture: str
    reads: str
    expected: bool
    severity: str | None
    since: str
    since_et: str
    evidence_age_seconds: float | None
    oldest_evidence: str
    required: int
    missing: int
    reasons: list[dict[str, Any]]
    evidence: list[dict[str, Any]]
    label: NotRequired[str]


def evidence_document(
    snapshot: FloorSnapshot, switch_changed: FloorEvent | None = None
) -> EvidenceDocument:
    """
    Return how the verdict of a snapshot is known, down to what was read.

    `switch_changed` is the kill switch's newest change, where one is remembered.
    """
    pieces = sorted(gather_pieces(snapshot, switch_changed), key=_missing_first)
    posture = snapshot.posture
    about, raised = _by_subject(pieces), _raised(snapshot)
    reasons = [_reason_document(reason, about, raised) for reason in posture.reasons]
    return {
        "at": utc_text(snapshot.at),
        "at_et": new_york_text(snapshot.at),
        "sequence": snapshot.sequence,
        "posture": posture.verdict.value,
        "reads": verdict_text(posture.verdict, snapshot.fleet.safety),
        "expected": posture.expected,
        "severity": posture.severity.value if posture.severity else None,
        "since": utc_text(posture.since),
        "since_et": new_york_text(posture.since),
        "evidence_age_seconds": rounded(posture.evidence_age_seconds),
        "oldest_evidence": posture.oldest_evidence,
        "required": sum(p.required for p in pieces),
        "missing": sum(p.required and bool(p.missing) for p in pieces),
        "reasons": reasons,
        "evidence": [_piece_document(piece, snapshot.at) for piece in pieces],
    }


def _by_subject(pieces: Iterable[Piece]) -> Mapping[str, Sequence[str]]:
    """Return the names of the pieces about each subject; of the cluster, of all its lists."""
    found = defaultdict[str, list[str]](list)
    for piece in pieces:
        found[piece.subject].append(_name(piece))
        if piece.kind == "list":
            found[CLUSTER].append(_name(piece))
    return found


def _raised(snapshot: FloorSnapshot) -> Mapping[tuple[str, str], set[str]]:
    """Return the sources of the latched alarms of each code and subject."""
    found = defaultdict[tuple[str, str], set[str]](set)
    for alarm in snapshot.latched.alarms:
        found[alarm.code, alarm.subject].add(alarm.source)
    return found


def _reason_document(
    reason: Reason,
    about: Mapping[str, Sequence[str]],
    raised: Mapping[tuple[str, str], set[str]],
) -> dict[str, Any]:
    """Return a reason with the names of its pieces, and the sources of its alarm."""
    return document(reason, "withholds") | {
        "runbook_url": runbook_url(reason.code),
        "evidence": list(about.get(reason.subject, ())),
        "raised_by": sorted(raised.get((reason.code, reason.subject), ())),
    }


def gather_pieces(
    snapshot: FloorSnapshot, switch_changed: FloorEvent | None = None
) -> Iterator[Piece]:
    """Return each piece of required evidence, and what else the posture's reasons are about."""
    safety = snapshot.fleet.safety
    decided = still_decided(snapshot)
    stalled = () if decided else (_stalled(snapshot),)
    named = {reason.subject for reason in snapshot.posture.reasons}
    for report in snapshot.services:
        agent = report.agent
        if not agent.required and (agent.twin or agent.agent_name not in named):
            continue
        found = _find_missing(report, snapshot)
        if agent.contract is not ContractKind.NONE or found or not agent.required:
            yield _reading_piece(report, snapshot, stalled or found)
        if agent.required and agent.kind is Kind.MARKETDATA and safety.freshness_required:
            yield _feed_piece(report, stalled or found)
    if safety.freshness_required:
        for gap in missing_feed(snapshot.fleet.agents):
            yield Piece(FLEET, "marketdata", "the marketdata are fresh", gap.detail, missing=(gap,))
    if safety.switch_required:
        yield _switch_piece(snapshot, switch_changed, stalled)
    yield from _list_pieces(snapshot, stalled)
    yield _calendar_piece(snapshot, stalled)
    yield from (_twin_piece(r, snapshot) for r in snapshot.services if r.agent.twin)


def _stalled(snapshot: FloorSnapshot) -> MissingEvidence:
    lead = next(r for r in snapshot.posture.reasons if r.code == codes.POLL_LOOP_STALLED)
    return MissingEvidence(lead.code, lead.subject, lead.detail)


def _readings(report: ServiceReport, snapshot: FloorSnapshot) -> Mapping[str, EndpointReading]:
    return current_readings(report.agent.contract, report.round, Moment(snapshot.at))


def _find_missing(report: ServiceReport, snapshot: FloorSnapshot) -> tuple[MissingEvidence, ...]:
    now, path = Moment(snapshot.at), report.agent.primary_path
    primary = primary_reading(path, _readings(report, snapshot), now)
    return find_missing_evidence(report.agent, primary, report.freshness)


def _read_at(reading: Seen[Any] | Unseen | None) -> datetime | None:
    """Return when a piece was read: one that is too old as well, and no attempt that failed."""
    match reading:
        case Seen(at=at) | Unseen(reason=UnseenReason.EXPIRED, at=at):
            return at
        case _:
            return None


def _twin_piece(report: ServiceReport, snapshot: FloorSnapshot) -> Piece:
    """Return what the twin says: beside what is required, and no evidence of the floor."""
    path = report.agent.primary_path or ""
    reading = _readings(report, snapshot).get(path)
    told = read_twin(reading)
    word, held = report.state.value, snapshot.latched.twin
    if told is not None:
        word = f"{told.posture} {told.leading_code}".strip()
        word += f", record {told.record_id} to line {held.number}" if held and held.number else ""
    return Piece(
        report.agent.agent_name,
        "twin",
        "the other one that watches sees the same",
        word if report.expected else f"{word} (unexpected)",
        () if reading is None else (_service_read(report, path, reading),),
        _read_at(reading),
        MAX_AGE_SECONDS,
        report.since,
        required=False,
    )


_OF_THE_FEED = frozenset(
    {codes.MARKETDATA_STALE, codes.MARKETDATA_MISSING, codes.MARKETDATA_UNVERIFIABLE}
)


def _reading_piece(
    report: ServiceReport, snapshot: FloorSnapshot, missing: Iterable[MissingEvidence]
) -> Piece:
    agent, path = report.agent, report.agent.primary_path
    reading = _readings(report, snapshot).get(path or "")
    said = ", ".join(filter(None, (report.state.value, *report.reported_codes[:3])))
    return Piece(
        agent.agent_name,
        "service",
        "it answers, and how it says it is",
        said if report.expected else f"{said} (unexpected)",
        () if path is None or reading is None else (_service_read(report, path, reading),),
        _read_at(reading),
        MAX_AGE_SECONDS if agent.contract is not ContractKind.NONE else None,
        report.since,
        tuple(gap for gap in missing if gap.code not in _OF_THE_FEED),
        agent.required,
    )


def _feed_piece(report: ServiceReport, missing: Iterable[MissingEvidence]) -> Piece:
    feed, readings = report.freshness, report.readings
    told = [(p, readings[p]) for p in ("/ops/status", "/healthz") if p in readings]
    source = None if report.round is None else report.round.past.get(feed.source)
    limit = feed.threshold_seconds
    tick = f", last tick {new_york_text(feed.last_tick)}" if feed.last_tick else ""
    return Piece(
        report.agent.agent_name,
        "marketdata",
        "the marketdata are fresh",
        f"{feed.state.value}{tick}",
        tuple(_service_read(report, path, reading) for path, reading in told),
        feed.last_tick,
        float(MARKETDATA_STALE_CEILING_SECONDS) if limit is None else limit,
        None if source is None else source.since,
        tuple(gap for gap in missing if gap.code in {*_OF_THE_FEED, codes.POLL_LOOP_STALLED}),
    )


def _service_read(report: ServiceReport, path: str, reading: EndpointReading) -> Read:
    kept = reading.value.document if isinstance(reading, Seen) else b""
    status = reading.value.status if isinstance(reading, Seen) else None
    builds = report.round.builds if report.round is not None else ()
    build = next((b.build for b in builds[::-1] if b.peer == reading.exchange.peer), "")
    name = status.agent_identity.agent_name if isinstance(status, RichStatus) else ""
    return Read(
        f"{report.agent.service_dns or ''}{path}",
        reading.value.shape.value if isinstance(reading, Seen) else say_unseen(reading),
        isinstance(reading, Seen),
        reading.at,
        reading.took,
        reading.exchange.peer,
        ", ".join(filter(None, (name, build))),
        _sha256(kept) if kept else "",
        len(kept),
    )


def _switch_piece(
    snapshot: FloorSnapshot, changed: FloorEvent | None, stalled: tuple[MissingEvidence, ...]
) -> Piece:
    switch = snapshot.kill_switch
    sources = tuple(configured_sources(switch))
    confirming = [s.at for s in sources if s.confirms]
    gap = MissingEvidence(codes.KILL_SWITCH_UNCONFIRMED, KILL_SWITCH, switch.detail)
    return Piece(
        KILL_SWITCH,
        "kill_switch",
        f"the kill switch is {switch.normal.value}, as is normal here",
        f"{switch.state.value}, {'confirmed' if switch.confirmed else 'NOT confirmed'}",
        tuple(_switch_read(source, snapshot) for source in sources),
        min(confirming, default=None),
        MAX_AGE_SECONDS,
        None if changed is None else changed.at,
        stalled or (() if switch.confirmed else (gap,)),
    )


def _switch_read(source: SwitchSource, snapshot: FloorSnapshot) -> Read:
    kept = source.value.encode()
    of_cluster = source.kind.value == "config_map"
    return Read(
        f"{source.kind.value} {source.source}",
        ": ".join(filter(None, (source.state.value, source.detail))),
        source.state is not KillSwitchState.UNKNOWN,
        source.at,
        instance=short_cluster_text(snapshot.cluster_identity) if of_cluster else "",
        told="" if source.confirms else "contradicts at most",
        digest=_sha256(kept) if kept else "",
        size_bytes=len(kept),
    )


def _list_pieces(snapshot: FloorSnapshot, stalled: tuple[MissingEvidence, ...]) -> Iterator[Piece]:
    access, facts = snapshot.fleet.access, snapshot.cluster
    if access is None:
        return
    checked = check_lists(access, facts, Moment(snapshot.at))
    gaps = find_missing_lists(checked)
    asked = {r.source for r in facts.lists} if facts is not None else set[str]()
    instance = short_cluster_text(snapshot.cluster_identity)
    for read in checked.lists:
        own = tuple(gap for gap in gaps if gap.subject in {read.source, CLUSTER})
        yield Piece(
            read.source,
            "list",
            "what there is, and what is not there",
            f"{read.reading.value} objects" if isinstance(read.reading, Seen) else "not seen",
            (_list_read(read, facts, instance),) if read.source in asked else (),
            _read_at(read.reading),
            MAX_LIST_AGE_SECONDS,
            missing=stalled or own,
        )


def _list_read(read: ListReading, facts: ClusterFacts | None, instance: str) -> Read:
    reading = read.reading
    seen = isinstance(reading, Seen)
    kept = _kept_of(read, facts) if facts is not None and seen else b""
    return Read(
        f"{read.resource} of namespace {read.namespace}",
        f"{reading.value} objects" if isinstance(reading, Seen) else say_unseen(reading),
        seen,
        reading.at,
        reading.took,
        instance,
        digest=_sha256(kept) if kept else "",
        size_bytes=len(kept),
    )


def _kept_of(read: ListReading, facts: ClusterFacts) -> bytes:
    """Return what was kept of one list: what decisions are made from."""
    held: Iterable[Any] = facts.workloads
    if read.resource == "pods":
        held = facts.pods
    elif read.resource == "configmaps":
        held = facts.config_maps
    else:
        held = (w for w in facts.workloads if w.kind == KIND_OF_LIST[read.resource])
    mine = [each for each in held if each.namespace == read.namespace]
    return orjson.dumps(mine, dict, orjson.OPT_SORT_KEYS)


def _calendar_piece(snapshot: FloorSnapshot, stalled: tuple[MissingEvidence, ...]) -> Piece:
    session = snapshot.session
    unknown = session.phase is Phase.UNKNOWN
    gap = MissingEvidence(codes.CALENDAR_UNKNOWN, CALENDAR, session.note)
    day = f", session {session.session_date}" if session.session_date else ""
    note = f", {session.note}" if session.note else ""
    return Piece(
        CALENDAR,
        "calendar",
        "which session it is",
        f"{session.phase.value}{day}{note}, known for {session.horizon_days} days more",
        since=session.phase_began,
        missing=stalled or ((gap,) if unknown else ()),
    )


def _sha256(content: bytes) -> str:
    return hashlib.sha256(content).hexdigest()


_KINDS = ("marketdata", "kill_switch", "service", "calendar", "list", "twin")


def _missing_first(piece: Piece) -> tuple[bool, bool, int, str]:
    return (not piece.required, not piece.missing, _KINDS.index(piece.kind), piece.subject)


def _name(piece: Piece) -> str:
    return f"{piece.kind} {piece.subject}"


def _piece_document(piece: Piece, now: datetime) -> dict[str, Any]:
    """Return a piece; its age is reckoned to the decision's instant, as the verdict reckons it."""
    age = None if piece.at is None else max(0.0, (now - piece.at).total_seconds())
    return {
        "name": _name(piece),
        **document(piece, "at", "since", "reads", "missing"),
        "at": utc_text_or_none(piece.at),
        "age_seconds": rounded(age),
        "since": utc_text_or_none(piece.since),
        "since_et": new_york_text_or_none(piece.since),
        "missing": [document(gap, "subject") for gap in piece.missing],
        "readings": [
            document(read) | {"age_seconds": rounded(max(0.0, (now - read.at).total_seconds()))}
            for read in piece.reads
        ],
    }
