"""Other floors made of values: what their Mission Controls answer, as the decision sees it."""

from datetime import timedelta
from typing import Any

import orjson

from mission_control.floor.present.own_status import OwnProcess, own_status_document
from mission_control.floors.decide import decide_floors
from mission_control.floors.model import FloorReport, FloorsSeen
from mission_control.model.fleet import ContractKind, Kind, OtherFloor
from mission_control.probe.received import Received, interpret
from tests.floor.floor_of_values import NOW, FloorOfValues, stamp

EAST = OtherFloor("east", "http://east", link="https://pages.east")
WEST = OtherFloor("west", "http://west")
STATUS = "/ops/status"


def own(now=NOW, replica="a", **told) -> OwnProcess:
    """Return what a Mission Control knows of itself."""
    values = {
        "stalled": False,
        "beat_age_seconds": 0.2,
        "started_at": NOW - timedelta(hours=3),
        "version": "1",
        "git_sha": None,
        "poll_interval_seconds": 10.0,
        "replica": replica,
    }
    return OwnProcess(now=now, **{**values, **told})


def answer(now=NOW, replica="a", floor: FloorOfValues | None = None, **told) -> dict[str, Any]:
    """Return what a Mission Control answers that watches a calm floor, or this one."""
    snapshot = (floor or FloorOfValues(now)).decide()
    document = own_status_document(snapshot, own(now, replica, **told), with_agents=False)
    return orjson.loads(orjson.dumps(document))


def said(now=NOW, **told) -> dict[str, Any]:
    """Return a calm answer in which the posture says otherwise."""
    document = answer(now)
    document["floor_posture"].update(told)
    return document


def halted(now=NOW, severity="P1", since=NOW - timedelta(minutes=4), **told) -> dict[str, Any]:
    """Return the answer of a floor that is HALTED."""
    halt = {"posture": "HALTED", "expected": False, "severity": severity, "since_utc": stamp(since)}
    leads = {"code": "MARKETDATA_STALE", "subject": "feed", "sentence": "Market data is stale."}
    return said(now, **halt, **leads, **told)


def read(document: object, at=NOW, status=200):
    """Read an answer as the probe does."""
    body = document if isinstance(document, bytes) else orjson.dumps(document)
    received = Received(status, body)
    return interpret(
        received, path=STATUS, contract=ContractKind.RICH, kind=Kind.OPS, at=at, took=0.01
    )


def judge(reading, now=NOW, before: FloorReport | None = None, label="") -> FloorReport:
    """Judge one floor by one reading."""
    known = {} if before is None else {EAST.name: before}
    readings = {} if reading is None else {EAST.name: reading}
    return decide_floors([EAST], readings, known, now, label).reports[0]


def see(readings, now=NOW, before: FloorsSeen | None = None, floors=(EAST, WEST)) -> FloorsSeen:
    """Judge several floors."""
    known = {} if before is None else {r.floor.name: r for r in before.reports}
    return decide_floors(floors, readings, known, now)
