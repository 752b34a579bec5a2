"""
What the API answers on every scenario of values, as bytes: for comparing two trees.

`python -m tests.golden.answers FOLDER` writes each answer and record to a file of its own, so that
`diff -r` of two folders shows what a change of the code changed for a client.
"""

import asyncio
import sys
from collections.abc import Callable, Iterator, Mapping
from dataclasses import replace
from datetime import timedelta
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

from sqlalchemy import Engine, insert

from mission_control.alerts.model import (
    AlertBook,
    AlertState,
    AlertTransition,
    Delivery,
    Waiver,
)
from mission_control.alerts.store import AlertStore
from mission_control.brief.run import BriefCache, BriefSources
from mission_control.documents.canonical_json import encode_json
from mission_control.history.alert_rows import AlertRows
from mission_control.history.database import migrate, open_engine
from mission_control.history.past_floor import PastFloor
from mission_control.history.reader import HistoryReader
from mission_control.history.schema import events, to_micros
from mission_control.last_known_good.recorded import CaptureCache
from mission_control.model.event import EventType, FloorEvent
from mission_control.model.finding import Severity
from mission_control.ops_bundle.present import heartbeat_document, pods_document
from mission_control.readiness.decide.readiness import judge_readiness
from mission_control.readiness.present import readiness_document, readiness_markdown
from mission_control.records.artifact_reader import ArtifactReader
from tests.alerts_delivery.values import alert, book
from tests.api.paper_floor import (
    HEALTH,
    SHIPPED,
    PaperAlerts,
    PaperCalendar,
    PaperControl,
    PaperFloor,
    event,
)
from tests.cluster.test_cluster import COULD_START, SEV0, TROUBLES, UNTOLD
from tests.cluster.test_leftovers import LEFT_OVER
from tests.cluster.test_replicas import ODD, UNDONE, run_eight
from tests.floor.cluster_of_values import ClusterFloor
from tests.floor.floor_of_values import EVENING, NOW, FloorOfValues
from tests.floor.hurts import HALTING
from tests.readiness.test_readiness import gather, probe
from tests.records.runs import record
from tests.replay.replay_of_values import CALM, replay
from tests.replay.test_record_replay import recorded

FLOOR_PATHS = (
    "/api/v1/posture",
    "/api/v1/posture/evidence",
    "/api/v1/agents",
    "/api/v1/agents/strategy-engine",
    "/api/v1/agents/gamma-strategy",
    "/api/v1/agents/marketdata-mcp-server",
    "/api/v1/safety",
    "/metrics",
    "/ops/status",
    "/ops/health",
    "/ops/metrics",
)
"""Answers that depend on the floor."""
OTHER_PATHS = (
    "/api/v1/agents/unknown",
    "/api/v1/alerts",
    "/api/v1/alerts/history",
    "/api/v1/artifacts",
    "/api/v1/artifacts/unknown",
    "/api/v1/attestation/no-execution",
    "/api/v1/attestation/read-only",
    "/api/v1/brief",
    "/api/v1/events",
    "/api/v1/events/recent",
    "/api/v1/incidents",
    "/api/v1/lkg",
    "/api/v1/lkg/diff",
    "/api/v1/readiness/latest",
    "/api/v1/replays",
    "/api/v1/replays/diff",
    "/api/v1/replays/latest",
    "/api/v1/reports",
    "/api/v1/reports/deploy",
    "/api/v1/reports/deploy/latest",
    "/api/v1/reports/diff",
    "/api/v1/runbooks",
    "/api/v1/runbooks/MARKETDATA_STALE",
    "/api/v1/runbooks/UNKNOWN",
    "/api/v1/schedule",
    "/api/v1/session",
    "/api/v1/slo",
    "/api/v1/timeline",
    "/api/v1/posture/changes",
    "/api/v1/posture?at=2026-11-18T10:00",
    "/api/v1/posture?at=nonsense",
    "/api/v1/unknown",
    "/healthz",
    "/livez",
    "/api/v1/schemas/ops-status.json",
)
"""Answers of a record, a history and ourselves; the floor is healthy."""

Hurt = Callable[[ClusterFloor], None]


def _run_odd(odd: Any) -> Hurt:
    return lambda floor: run_eight(floor, odd)


def _half_done(facts: Any) -> Hurt:
    return lambda floor: run_eight(floor, facts=facts)


def floors() -> Iterator[tuple[str, FloorOfValues]]:
    """Yield every scenario by name: a floor of services alone, or on a cluster."""
    yield "healthy", FloorOfValues()
    closed = FloorOfValues()
    closed.refresh(EVENING)
    yield "closed", closed
    for row in HALTING:
        floor = FloorOfValues()
        hurt: Any = row.values[0]
        hurt(floor)
        yield f"floor {row.id}", floor
    yield "cluster healthy", ClusterFloor()
    rows = (*SEV0, *TROUBLES, *UNTOLD, *LEFT_OVER, *COULD_START)
    hurts: list[tuple[str, Any]] = [(str(row.id), row.values[0]) for row in rows]
    hurts += [(f"odd {row.id}", _run_odd(row.values[0])) for row in ODD]
    hurts += [(f"half done {row.id}", _half_done(row.values[0])) for row in UNDONE]
    for name, change in hurts:
        floor = ClusterFloor()
        change(floor)
        yield f"cluster {name}", floor


async def _answers(control: PaperControl, paths: tuple[str, ...]) -> Iterator[tuple[str, bytes]]:
    answers = [(path, await control.ask(path)) for path in paths]
    return ((p, b"%d\n%s" % (a.status_code, a.content)) for p, a in answers)


async def floor_answers() -> Mapping[str, bytes]:
    """Return every answer about the floor, by scenario and path, and documents made of it."""
    found = dict[str, bytes]()
    for name, floor in floors():
        snapshot = replace(floor.decide(), sequence=7)
        control = PaperControl(floor=PaperFloor(snapshot, [event(3)]))
        found |= {f"{name} {p}": body for p, body in await _answers(control, FLOOR_PATHS)}
        found[f"{name} heartbeat.json"] = encode_json(heartbeat_document(snapshot), snapshot.label)
        found[f"{name} pods.json"] = encode_json(pods_document(snapshot), snapshot.label)
        if isinstance(floor, ClusterFloor):
            probe(floor)
            report = judge_readiness(gather(floor))
            found[f"{name} readiness.json"] = encode_json(readiness_document(report))
            found[f"{name} readiness.md"] = readiness_markdown(report).encode()
    return found


async def other_answers() -> Mapping[str, bytes]:
    """Return the answers about a record with one run, an empty history and ourselves."""
    found = dict[str, bytes]()
    for label in ("", "DEMO"):
        with TemporaryDirectory() as folder:
            root = Path(folder)
            record(root)
            await recorded(root, CALM, replay())
            engine = open_engine(root, None)
            migrate(engine)
            floor = PaperFloor(replace(FloorOfValues().decide(), label=label), [event(3)])
            past = PastFloor(HistoryReader(engine), None, PaperCalendar(), floor)
            kept = await _alerts_kept(engine)
            _remember(engine)
            reader = ArtifactReader(root, lambda: NOW)
            cache = BriefCache(CaptureCache(lambda: NOW))
            control = PaperControl(
                floor=floor,
                root=root,
                brief=BriefSources(PaperCalendar(), reader, cache, past, kept),
                past=past,
                label=label,
                alerts=PaperAlerts(book(FIRING, FOLLOWS), WAIVED),
                channels=(HEALTH,),
                alert_history=kept,
            )
            answers = await _answers(control, (*FLOOR_PATHS, *OTHER_PATHS))
            found |= {
                f"{label or 'plain'} {p}": body.replace(folder.encode(), b"ROOT")
                for p, body in answers
            }
            engine.dispose()
    return found


FIRING = alert()
FOLLOWS = alert(
    "strategy-engine", fingerprint="1" * 16, cause=FIRING.fingerprint, withheld="suppressed"
)
WAIVED = replace(SHIPPED, waivers=(Waiver("TIMEOUT", "ops-ui", EVENING, "Ops", "known"),))


async def _alerts_kept(engine: Engine) -> AlertStore:
    """Keep an alert that fired and an attempt to tell of it."""
    kept, told = AlertStore(AlertRows(engine, "a")), (FIRING.fingerprint, AlertState.FIRING)
    moved = AlertTransition(
        NOW, told[0], "stale", "X", "y", Severity.P1, None, told[1], pages=True, reason="it fires"
    )
    await kept.save(AlertBook(NOW), [moved])
    await kept.note([Delivery(NOW, "webhook", *told, "HTTP 200", delivered=True, attempt=1)])
    return kept


def _remember(engine: Engine) -> None:
    """Keep the events of an alarm that is not over, and of what came before it."""
    before, opened = NOW - timedelta(minutes=2), NOW - timedelta(minutes=1)
    alarm = {"code": "MARKETDATA_STALE", "source": "x /healthz", "fact": "freshness"}
    told = (
        FloorEvent(1, before, EventType.SESSION_CHANGED, "session", data={"after": "OPEN"}),
        FloorEvent(2, opened, EventType.ALARM_OPENED, "x raises", Severity.P1, "x", alarm),
    )
    with engine.begin() as connection:
        for each in told:
            values = {
                "id": each.identity,
                "at": to_micros(each.at),
                "type": each.type.value,
                "severity": each.severity.value,
                "agent_name": each.agent_name,
                "message": each.message,
                "data": encode_json(dict(each.data)).decode(),
            }
            connection.execute(insert(events), [values])


async def all_answers() -> Mapping[str, bytes]:
    """Return everything that is compared."""
    return {**await floor_answers(), **await other_answers()}


def main(folder: Path) -> None:
    """Write every answer to a file of its own."""
    folder.mkdir(parents=True)
    for name, content in asyncio.run(all_answers()).items():
        (folder / name.replace("/", "_")).write_bytes(content)


if __name__ == "__main__":
    main(Path(sys.argv[1]))
