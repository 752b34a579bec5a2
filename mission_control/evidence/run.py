"""The export of a bundle: gathered source by source, and written as it is gathered."""

import hashlib
from collections.abc import AsyncGenerator, Callable, Sequence
from importlib.metadata import version
from typing import Any

from mission_control.documents.canonical_json import encode_json
from mission_control.documents.document import document
from mission_control.documents.instants import utc_text
from mission_control.errors import StorageError
from mission_control.evidence.bag import BagWriter, verifier
from mission_control.evidence.decide import say_coverage
from mission_control.evidence.gathering import EvidenceSources, File, Gathering
from mission_control.evidence.model import FORMAT, MOST_INCIDENT, Exported, Wanted
from mission_control.evidence.posture import gather_changes, gather_services, gather_timeline
from mission_control.evidence.present import index_page, part_document, preview_document
from mission_control.evidence.recorded import (
    gather_artifacts,
    gather_comparisons,
    gather_schedule,
    sessions_of,
)
from mission_control.evidence.replayed import gather_replays
from mission_control.evidence.told import gather_alerts, gather_events, gather_runbooks
from mission_control.floor.decision_version import decision_version
from mission_control.floor.present.posture import fleet_document, needs_document
from mission_control.market_calendar.closures import Closure
from mission_control.records.model import ArtifactQuery
from mission_control.redaction.redact import printable, redact_text

Gatherer = Callable[[EvidenceSources, Gathering], AsyncGenerator[File]]

GATHERED: tuple[tuple[str, str, Gatherer], ...] = (
    ("artifacts", "files", gather_artifacts),
    ("schedule", "planned runs", gather_schedule),
    ("comparisons", "comparisons", gather_comparisons),
    ("changes", "decisions", gather_changes),
    ("posture", "seconds", gather_timeline),
    ("services", "changes", gather_services),
    ("events", "events", gather_events),
    ("alerts", "changes and deliveries", gather_alerts),
    ("replay", "logs", gather_replays),
    ("runbooks", "pages", gather_runbooks),
)
"""The sources in the order of the bundle, each with what it counts; runbooks last."""


async def export(
    sources: EvidenceSources,
    wanted: Wanted,
    ended: Callable[[Exported], None] | None = None,
    gatherers: Sequence[tuple[str, str, Gatherer]] = GATHERED,
) -> AsyncGenerator[bytes]:
    """
    Return a bundle piece by piece; `ended` is told what it covers, before its last pieces.

    A source that cannot be read is a gap, and the rest is exported all the same. Nothing is
    written, and of each file only its digest is kept. Equal sources give equal bytes.
    """
    gathering = Gathering(wanted)
    await _pin_head(sources, gathering)
    about = _about(sources, gathering)
    bag = BagWriter(wanted.name)
    for piece in bag.begin():
        yield piece
    async for path, content in _files(sources, gathering, about, gatherers):
        gathering.count_stored(f"data/{path}", content)
        for piece in bag.add(f"data/{path}", content):
            yield piece
    exported = Exported(about, tuple(gathering.coverage), say_coverage(gathering.coverage))
    for path, told in (
        ("data/redaction.json", _redaction(gathering)),
        ("data/coverage.json", _coverage(gathering, exported)),
    ):
        for piece in bag.add(path, encode_json(told)):
            yield piece
    if ended is not None:
        ended(exported)
    page = index_page(exported, gathering.story())
    for piece in bag.finish(page, _info(about)):
        yield piece


async def preview(sources: EvidenceSources, wanted: Wanted) -> AsyncGenerator[bytes]:
    """Return, as one JSON document, what a bundle would hold and lack, its size and digest."""
    ended, digest, size = list[Exported](), hashlib.sha256(), 0
    async for piece in export(sources, wanted, ended.append):
        digest.update(piece)
        size += len(piece)
    yield encode_json(preview_document(wanted, ended[0], size, digest.hexdigest()), sources.label)


async def _pin_head(sources: EvidenceSources, gathering: Gathering) -> None:
    try:
        gathering.head = (await sources.artifacts.page(ArtifactQuery(limit=1))).head
    except StorageError as error:
        gathering.unreadable("ledger", "lines", error.problem)


def _about(sources: EvidenceSources, gathering: Gathering) -> dict[str, Any]:
    wanted = gathering.wanted
    sessions = sessions_of(wanted, sources.calendar)
    return {
        "format": FORMAT,
        "from": utc_text(wanted.since),
        "to": utc_text(wanted.until),
        "incident": printable(redact_text(wanted.incident))[:MOST_INCIDENT],
        "fleet": fleet_document(sources.fleet),
        "label": sources.label,
        "replica": sources.replica,
        "mission_control": version("mission-control"),
        "decision_version": decision_version(),
        "ledger_head": document(gathering.head),
        "config_digest": sources.config_digest,
        "sessions": [s.session_date.isoformat() for s in sessions],
        "verify_py_sha256": hashlib.sha256(verifier()).hexdigest(),
    }


async def _files(
    sources: EvidenceSources,
    gathering: Gathering,
    about: dict[str, Any],
    gatherers: Sequence[tuple[str, str, Gatherer]],
) -> AsyncGenerator[File]:
    """Return every file below data/ that is gathered, whatever becomes of its neighbours."""
    yield "bundle.json", encode_json(about)
    for source, unit, gather in gatherers:
        if gathering.head is None and source in {"artifacts", "schedule", "comparisons"}:
            gathering.unreadable(source, unit, "the ledger cannot be read")
            continue
        try:
            async for file in gather(sources, gathering):
                yield file
        except StorageError as error:
            gathering.unreadable(source, unit, error.problem)
    yield "configuration.json", encode_json(_configuration(sources, gathering))


def _configuration(sources: EvidenceSources, gathering: Gathering) -> dict[str, Any]:
    return {
        "config_digest": sources.config_digest,
        "fleet_digest": sources.fleet.digest,
        "fleet_digests": sorted(gathering.fleets),
        "safety": needs_document(sources.fleet),
        "closures": [_closure(c) for c in sources.closures],
        "recorded": [
            {"config_digest": config, "fleet_digest": fleet}
            for config, fleet in sorted(gathering.configured)
        ],
    }


def _closure(closure: Closure) -> dict[str, Any]:
    close = closure.close
    return document(closure, "close") | {"close": None if close is None else f"{close:%H:%M}"}


def _redaction(gathering: Gathering) -> dict[str, Any]:
    rows = sorted(gathering.masked.items())
    return {"rules": [{"rule": r, "place": p, "count": n} for (r, p), n in rows]}


def _coverage(gathering: Gathering, exported: Exported) -> dict[str, Any]:
    return {
        "whole": exported.whole,
        "first": exported.first,
        "sources": [part_document(part) for part in gathering.coverage],
        "runs": gathering.runs,
    }


def _info(about: dict[str, Any]) -> list[tuple[str, str]]:
    """Return what the bag says of itself; without the time of its making, so that equals are."""
    told = [
        ("Bag-Software-Agent", f"mission-control {about['mission_control']}"),
        ("External-Description", f"Evidence from {about['from']} to {about['to']}"),
    ]
    if about["incident"]:
        told.append(("Internal-Sender-Description", about["incident"]))
    return told
