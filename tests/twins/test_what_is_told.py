"""What one Mission Control tells another, over HTTP and in its records."""

import asyncio
import json
from dataclasses import replace
from datetime import timedelta

import pytest

from mission_control.documents.canonical_json import encode_json
from mission_control.floor.decide.twin import floor_digest
from mission_control.floor.present.evidence import evidence_document
from mission_control.floor.present.own_status import OwnProcess, OwnWord, own_status_document
from mission_control.model.fleet import Agent, Kind
from mission_control.model.reading import UnseenReason
from mission_control.probe.service_probe import ServiceProbe
from mission_control.probe.transport import open_transports
from mission_control.records import newest_lines
from mission_control.records.artifact_reader import ArtifactReader
from mission_control.records.marker import write_marker
from mission_control.records.model import (
    ArtifactPage,
    ArtifactQuery,
    RecordMarker,
    TailOfRecord,
)
from mission_control.records.newest_lines import NewestLines
from mission_control.records.run_origin import Ground, RunOrigin
from tests.alertmanager import receiving
from tests.api.paper_floor import PaperControl
from tests.floor.floor_of_values import FLEET, NOW, STRATEGY, FloorOfValues, unseen
from tests.records.runs import record
from tests.twins.values import EXECUTION, RECORD, TWIN, TwoOnAFloor, word

OWN = OwnProcess(
    now=NOW,
    stalled=False,
    beat_age_seconds=0.2,
    started_at=NOW - timedelta(hours=1),
    version="1",
    git_sha=None,
    poll_interval_seconds=10.0,
)
WORD = OwnWord("mc-a", "trading-floor", (), ("webhook",), RECORD, ((7, "a" * 64), (6, "9" * 64)))


def told_by(snapshot, what: OwnWord = WORD) -> dict:
    """Return what we tell of this floor."""
    document = own_status_document(snapshot, OWN, what, with_agents=False)
    return json.loads(encode_json(document))["mission_control"]


def test_what_we_tell_is_what_we_understand():
    """Told of the same floor, our own word is one that a twin agrees with (R14.8)."""
    ours, theirs = FloorOfValues().decide(), TwoOnAFloor()
    theirs.answer(TWIN, "/ops/status", word(NOW) | {"mission_control": told_by(ours)})
    snapshot = theirs.decide()

    assert [] == [r.code for r in snapshot.posture.reasons]
    assert (RECORD, 7) == (snapshot.latched.twin.record_id, snapshot.latched.twin.number)


def test_what_we_see_is_told_and_what_the_twin_sees_is_not():
    """Of an alarm of ours its source is told; one that was taken over is not told back (R14.8)."""
    own, taken = TwoOnAFloor(), TwoOnAFloor()
    own.say(STRATEGY, "agent_identity.agent_mode", "EXECUTE")
    taken.hear(alarms=[EXECUTION])
    seen, none = told_by(own.decide()), told_by(taken.decide())

    assert ("HALTED", "EXECUTION_EVIDENCE", [EXECUTION]) == (
        seen["posture"],
        seen["leading_code"],
        seen["alarms"],
    )
    assert ("OK", "", []) == (none["posture"], none["leading_code"], none["alarms"])
    assert floor_digest(FLEET) == seen["floor_digest"] == none["floor_digest"]


def test_two_that_take_over_from_each_other_do_not_latch():
    """When the one that saw it takes it back, both are as before within a round (R14.5)."""
    a, b = TwoOnAFloor(), TwoOnAFloor()
    a.say(STRATEGY, "safety.safe_to_execute_orders", value=True)
    halted = []
    for step in range(16):
        first = a.decide()
        b.answer(TWIN, "/ops/status", word(b.now) | {"mission_control": told_by(first)})
        second = b.decide()
        halted.append((first.posture.verdict.value, second.posture.verdict.value))
        for floor in (a, b):
            floor.connects = True
            floor.refresh(floor.now + timedelta(seconds=50))
        a.answer(TWIN, "/ops/status", word(a.now) | {"mission_control": told_by(second)})
        assert step < 15
        if halted[-1] == ("OK", "OK"):
            break

    assert ("HALTED", "HALTED") == halted[0]
    assert ("OK", "OK") == halted[-1]


async def asked(control: PaperControl, path: str) -> dict:
    """Return an answer of the API."""
    return (await control.ask(path)).json()


@pytest.mark.anyio
async def test_status_tells_it_with_and_without_agents():
    """A large fleet's list does not fit what a twin reads; the rest is the same (R14.8)."""
    control = PaperControl()
    whole = await asked(control, "/ops/status")
    brief = await asked(control, "/ops/status?agents=none")
    wrong = await control.ask("/ops/status?agents=some")

    assert {"agents"} == whole.keys() - brief.keys()
    assert whole["mission_control"] == brief["mission_control"]
    assert ("a", "OK", None, []) == tuple(
        brief["mission_control"][key] for key in ("replica", "posture", "alerts", "ledger")
    )
    assert 422 == wrong.status_code


@pytest.mark.anyio
async def test_the_newest_lines_of_our_record_are_told(tmp_path):
    """Its id and its lines, newest first; nothing where they cannot be read (R14.8)."""
    empty = await NewestLines(ArtifactReader(tmp_path / "none", lambda: NOW)).read()
    first, second = record(tmp_path), record(tmp_path, NOW + timedelta(seconds=1))
    write_marker(tmp_path, RecordMarker(RECORD, NOW, continues=False))
    lines = NewestLines(ArtifactReader(tmp_path, lambda: NOW))
    tail = await lines.read()

    assert None is empty
    assert tail == TailOfRecord(RECORD, (second.head, first.head))
    assert tail is await lines.read()


@pytest.mark.anyio
async def test_a_record_that_cannot_be_read_tells_no_line(tmp_path, monkeypatch):
    """Nor one without a marker, nor a disk that hangs: no answer waits for them (R14.8)."""
    monkeypatch.setattr(newest_lines, "PATIENCE_SECONDS", 0.05)
    artifacts, release = ArtifactReader(tmp_path, lambda: NOW), asyncio.Event()
    unmarked = NewestLines(artifacts)
    record(tmp_path)
    without_marker = await unmarked.read()
    write_marker(tmp_path, RecordMarker(RECORD, NOW, continues=False))
    (tmp_path / "audit_artifacts" / "record.json").chmod(0o600)

    async def hang(query: ArtifactQuery) -> ArtifactPage:
        await release.wait()
        return await ArtifactReader.page(artifacts, query)

    hanging = NewestLines(artifacts)
    monkeypatch.setattr(artifacts, "page", hang)
    hangs = await hanging.read()
    release.set()
    await asyncio.sleep(0.3)
    again = await hanging.read()
    (tmp_path / "audit_artifacts" / "record.json").write_text("{}")
    spoilt = await NewestLines(artifacts).read()

    assert (None, None, None) == (without_marker, hangs, spoilt)
    assert RECORD == (again and again.record_id)


def test_a_run_names_the_line_of_the_twins_ledger():
    """With each run the other's head is recorded, so that both can be compared (R14.7)."""
    floor = TwoOnAFloor()
    origin = RunOrigin("schedule", (), {}, "0" * 64, NOW)
    with_twin = origin.facts("readiness", Ground.of(floor.decide()), NOW)
    alone = origin.facts("readiness", Ground.of(FloorOfValues().decide()), NOW)
    floor = TwoOnAFloor()
    floor.answers["mc-b"] = {"/ops/status": unseen(UnseenReason.TIMEOUT, NOW)}
    unheard = origin.facts("readiness", Ground.of(floor.decide()), NOW)

    assert {"twin_ledger": f"mc-b: record {RECORD}, line 7, {'a' * 64}"} == dict(with_twin.notes)
    assert {} == dict(alone.notes) == dict(unheard.notes)


def test_how_do_you_know_has_a_row_of_the_twin():
    """It stands beside what is required, and is never counted as that (R14.2)."""
    floor = TwoOnAFloor()
    heard = evidence_document(floor.decide())
    floor.answers["mc-b"] = {}
    silent = evidence_document(floor.decide())
    rows = [
        next(row for row in document["evidence"] if row["kind"] == "twin")
        for document in (heard, silent)
    ]

    assert [False, False] == [row["required"] for row in rows]
    assert f"OK, record {RECORD} to line 7" == rows[0]["value"]
    assert "UNKNOWN (unexpected)" == rows[1]["value"]
    assert heard["required"] == silent["required"]
    assert 0 == silent["missing"]


@pytest.mark.anyio
async def test_a_twin_is_asked_without_its_agents():
    """A service is asked as ever; only of a twin its list is not wanted (R14.8)."""
    with receiving() as server:
        async with open_transports() as transports:
            probe = ServiceProbe(transports, lambda: NOW)
            for agent in (
                replace(TWIN, service_dns=server.url("")),
                Agent("x", Kind.OPS, server.url("")),
            ):
                await probe.read(agent, None)

        assert ["/ops/status?agents=none", "/ops/status"] == [t.path for t in server.told][:2]
