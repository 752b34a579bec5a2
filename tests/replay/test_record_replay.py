"""Replay: recorded beside each other in a real store, with the posture that history tells of."""

from dataclasses import replace
from datetime import timedelta
from typing import Any, cast

import orjson
import pytest

from mission_control.durable_copy.copying import KeepingParts
from mission_control.errors import StorageError
from mission_control.market_calendar.calendar import MarketCalendar
from mission_control.records.artifact_reader import ArtifactReader
from mission_control.records.artifact_store import ArtifactStore, RunWriter
from mission_control.records.run_origin import RunOrigin
from mission_control.records.verification import verify
from mission_control.replay import record as recording
from mission_control.replay.present.picture import Backdrop
from mission_control.replay.record import find_backdrop, in_pieces, record_replay
from tests.floor.floor_of_values import FLEET, NOW
from tests.history.conftest import keeping
from tests.history.test_history import Calendar, RememberedFloor, written
from tests.records.runs import everything
from tests.replay.replay_of_values import (
    BEGAN,
    CALM,
    event,
    replay,
)

pytestmark = pytest.mark.anyio
CALENDAR = MarketCalendar()
ORIGIN = RunOrigin(
    "command", ("mission-control", "replay"), {"mission_control": "0"}, "c" * 64, NOW
)
STEM = "audit_artifacts/replays/20261118T151500Z_replay"


def parts_of(root, label="", calendar=CALENDAR):
    """Return what recording reads and writes."""
    writer, artifacts = RunWriter(ArtifactStore(root)), ArtifactReader(root, lambda: NOW)
    return KeepingParts(artifacts, writer, calendar, lambda: NOW, FLEET, label)


async def recorded(root, *replays, label="", history=None):
    """Record replays in a second each; returns their lines."""
    entries = []
    for number, each in enumerate(replays):
        origin = replace(ORIGIN, began=NOW + timedelta(seconds=number))
        entries.append(await record_replay(each, parts_of(root, label), history, origin))
    return entries


async def test_a_replay_is_recorded_with_its_answer_and_account(tmp_path):
    """Four files in one line of the ledger, by the instant at which it began to look (R12.26)."""
    (entry,) = await recorded(tmp_path, replay(), label="DEMO")
    held = everything(tmp_path)
    account = orjson.loads(held[f"{STEM}.run.json"])

    assert f"{STEM}.md" == entry.path
    assert [f"{STEM}{e}" for e in (".html", ".json", ".md", ".run.json")] == [
        f.path for f in entry.files
    ]
    assert held[f"{STEM}.md"].startswith(b"# Replay: EXECUTION EVIDENCE FOUND\n\n**DEMO**")
    assert "DEMO" == orjson.loads(held[f"{STEM}.json"])["label"]
    assert b'<p class="label">DEMO</p>' in held[f"{STEM}.html"]
    assert ("replay", 3, "2026-11-18") == (
        account["job"],
        account["exit_code"],
        account["session_date"],
    )
    assert ("found", "10", "1", "28", "19") == tuple(
        account["notes"][name] for name in ("verdict", "events", "evidence", "lines", "skipped")
    )
    (coverage,) = account["coverage"]
    assert ("log lines", 28) == (coverage["source"], coverage["asked"])
    assert [
        ("1 lines", "look like an event and cannot be read as one"),
        ("c.gz", "the archive ends in the middle"),
    ] == [(g["what"], g["reason"]) for g in coverage["gaps"]]
    assert verify(tmp_path).intact


async def test_equal_replays_have_equal_bytes(tmp_path):
    """Markdown, JSON and page of a second recording are those of the first (R12.24)."""
    await recorded(tmp_path, replay(), replay())
    held = everything(tmp_path)

    for ending in (".md", ".json", ".html"):
        assert held[f"{STEM}{ending}"] == held[f"{STEM[:-9]}1Z_replay{ending}"]


async def test_a_replay_of_several_sessions_belongs_to_none(tmp_path):
    """Nor does one without any time."""
    days = replay((event(0), event(86_400)), ())
    timeless = replay((event(None),), ())
    entries = await recorded(tmp_path, days, timeless, CALM)

    assert [None, None, "2026-11-18"] == [e.session_date for e in entries]


async def test_the_posture_that_history_tells_of_lies_behind(tmp_path):
    """What was not watched is not known, and is drawn as that (R12.27)."""
    with keeping(tmp_path, None) as keeper:
        floor = RememberedFloor(keeper)
        began = floor.floor.now
        floor.decide()
        floor.beat_until(began + timedelta(seconds=30))
        floor.memory.end()
        await written(keeper)
        seconds = (began - BEGAN).total_seconds()
        shown = replay([event(seconds - 60), event(seconds + 20)], ())
        behind = await find_backdrop(shown, Calendar(), keeper.reader)
        instant = await find_backdrop(replay([event(0)], ()), Calendar(), keeper.reader)

    assert [None, "OK"] == [s.name for s in behind.postures or ()]
    assert ["OPEN"] == [s.name for s in behind.phases]
    assert (None, ()) == (instant.postures, instant.phases)


async def test_history_that_cannot_be_read_is_said_and_costs_no_record(tmp_path):
    """The replay is recorded, and its timeline says what is missing."""

    class Broken:
        async def minutes(self, _since, _until):
            raise StorageError("the disk is gone", path="history")

    (entry,) = await recorded(tmp_path, replay(), history=cast("Any", Broken()))
    document = orjson.loads((tmp_path / entry.path.replace(".md", ".json")).read_bytes())

    assert None is document["timeline"]["postures"]
    assert "The posture cannot be told" in document["timeline"]["note"]
    assert Backdrop() == await find_backdrop(
        replay([event(None)], ()), CALENDAR, cast("Any", Broken())
    )


async def test_many_sources_that_broke_off_are_counted(tmp_path, monkeypatch):
    """The account names the first of them; the replay itself every one."""
    monkeypatch.setattr(recording, "MOST_NAMED", 0)
    (entry,) = await recorded(tmp_path, replay())
    account = orjson.loads((tmp_path / entry.path.replace(".md", ".run.json")).read_bytes())

    assert ["1 lines"] == [g["what"] for g in account["coverage"][0]["gaps"]]


def test_pieces_are_neither_tiny_nor_huge():
    """Many small texts are one piece, and nothing is lost between them."""
    texts = [f"{n}," for n in range(40_000)]
    pieces = list(in_pieces(texts))

    assert "".join(texts).encode() == b"".join(pieces)
    assert 2 < len(pieces) < 10
    assert [b""] == list(in_pieces(()))
