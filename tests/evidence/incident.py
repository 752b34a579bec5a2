"""Ten watched minutes in which the feed goes stale, with a gap, alerts, reports and a ledger."""

import asyncio
import io
import json
import time
import zipfile
from dataclasses import replace
from datetime import date, timedelta

from mission_control.alerts.model import AlertBook, AlertState, AlertTransition, Delivery
from mission_control.alerts.store import AlertStore
from mission_control.evidence.gathering import EvidenceSources
from mission_control.evidence.model import Wanted
from mission_control.evidence.run import export
from mission_control.floor.decide.events import find_happenings
from mission_control.floor.decide.floor import decide_floor
from mission_control.history.alert_rows import AlertRows
from mission_control.history.database import migrate, open_engine
from mission_control.history.reader import HistoryReader
from mission_control.history.remember import FloorMemory
from mission_control.history.writer import HistoryWriter
from mission_control.market_calendar.calendar import MarketCalendar
from mission_control.model.event import FloorEvent
from mission_control.model.finding import Severity
from mission_control.model.reading import UnseenReason
from mission_control.records.artifact_reader import ArtifactReader
from mission_control.runbooks.library import RunbookLibrary
from tests.floor.floor_of_values import FLEET, MARKETDATA, OPEN_AT, FloorOfValues
from tests.records.runs import record

REPLICA = "mission-control"
MINUTE = timedelta(minutes=1)
SINCE, UNTIL = OPEN_AT + 2 * MINUTE, OPEN_AT + 12 * MINUTE
HURT_AT, GAP = SINCE + 3 * MINUTE, (SINCE + 5 * MINUTE, SINCE + 6 * MINUTE)
SECRET = "Bearer abcdef0123456789abcdef0123456789"  # noqa: S105  (planted)
STEP = timedelta(seconds=2)


def live(root, runbooks):
    """Watch the ten minutes, and record what a server records; returns what a bundle reads."""
    engine = open_engine(root, None)
    migrate(engine)
    floor = FloorOfValues(session_at=MarketCalendar().session_at)
    writer = HistoryWriter(engine, lambda: floor.now, time.monotonic, lambda _now: None)
    writer.start()
    watch(floor, writer)
    writer.stop(30)
    alerts = AlertStore(AlertRows(engine, REPLICA))
    asyncio.run(tell(alerts))
    report = {"verdict": "NO-GO", "code": "HALTED_NOW"}
    made = {"readiness_report.json": json.dumps(report).encode(), "readiness_report.md": b"# no\n"}
    record(root, SINCE + MINUTE, made, "readiness", session_date=date(2026, 11, 18))
    record(root, SINCE + 2 * MINUTE, session_date=date(2026, 11, 18))
    (runbooks / "MARKETDATA_STALE.md").write_text("# Marketdata is stale\n")
    return EvidenceSources(
        ArtifactReader(root, lambda: UNTIL),
        HistoryReader(engine),
        alerts,
        MarketCalendar(),
        (),
        RunbookLibrary(runbooks),
        FLEET,
        "c" * 64,
        replica=REPLICA,
    )


def watch(floor, writer):
    """Decide every two seconds, but not in the gap; marketdata falls silent after a while."""
    memory, before, number = FloorMemory(writer, tells_new=False), None, 0
    at = SINCE - MINUTE
    while at <= UNTIL + MINUTE:
        if not GAP[0] <= at < GAP[1]:
            floor.refresh(at)
            if at >= HURT_AT:
                floor.lose(MARKETDATA, "/ops/status", UnseenReason.TIMEOUT)
            evidence, latched = floor.evidence(), floor.latched
            after = decide_floor(evidence, latched, floor.session_at, at, sequence=number)
            events = tuple(
                FloorEvent(number, at, h.type, h.message, h.severity, h.agent_name, h.data)
                for h in (find_happenings(before, after) if before else ())
            )
            memory.note_decision(evidence, latched, before or after, after, events)
            for round_ in evidence.rounds.values():
                agent = floor.fleet.agent(round_.agent_name)
                memory.note_round(replace(round_, finished=at), agent.primary_path)
            floor.latched, before = after.latched, after
        at, number = at + STEP, number + 1
    memory.end()


async def tell(alerts):
    """Keep an alert that fired, and an attempt to deliver it that another's secret is in."""
    about = ("a" * 16, "feed", "MARKETDATA_STALE", "marketdata-mcp-server", Severity.P1)
    moved = AlertTransition(
        HURT_AT + MINUTE, *about, None, AlertState.FIRING, pages=True, reason="no tick"
    )
    await alerts.save(AlertBook(UNTIL), [moved])
    answer = f"refused: {SECRET}"
    sent = Delivery(
        HURT_AT + MINUTE, "pager", "a" * 16, AlertState.FIRING, answer, delivered=False, attempt=1
    )
    await alerts.note([sent])


def exported(sources, wanted=None):
    """Return a whole bundle, and what its export said at its end."""
    ended = []

    async def whole():
        asked = wanted or Wanted(SINCE, UNTIL, "feed stale")
        return b"".join([piece async for piece in export(sources, asked, ended.append)])

    return asyncio.run(whole()), ended[0]


def unpacked(content):
    """Return the files of a bundle by their paths within the bag."""
    opened = zipfile.ZipFile(io.BytesIO(content))
    return {n.partition("/")[2]: opened.read(n) for n in opened.namelist()}
