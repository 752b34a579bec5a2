"""Gathering a brief: what is there is read once, and what fails costs itself alone."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import orjson
import pytest
from click.testing import CliRunner

from mission_control.alerts.model import AlertState, TransitionPage, Waiver
from mission_control.brief.model import ReadinessNote
from mission_control.brief.run import BriefCache, BriefSources, make_brief
from mission_control.cli.brief import brief as brief_command
from mission_control.cli.context import CliContext
from mission_control.cli.floor_answers import RemoteAnswer
from mission_control.errors import ConfigurationError, StorageError
from mission_control.history.model import EventPage
from mission_control.last_known_good.recorded import CaptureCache
from mission_control.market_calendar.calendar import MarketCalendar
from mission_control.model.event import EventType, FloorEvent
from mission_control.model.finding import Severity
from mission_control.model.reading import UnseenReason
from mission_control.ops_bundle.run import BundleKind
from mission_control.ops_bundle.run import run as run_bundle
from mission_control.records.artifact_reader import ArtifactReader
from mission_control.runbooks.library import Runbook
from mission_control.schedule.model import Job, PlannedRun, RunOutcome, RunStage, RunState
from tests.alerts_delivery.values import alert, book, resolved
from tests.api.paper_floor import PaperControl
from tests.api.test_alerts import moved
from tests.floor.floor_of_values import NOW, STRATEGY, FloorOfValues
from tests.records.runs import record
from tests.schedule.day_of_values import ORIGIN, job_parts

pytestmark = pytest.mark.anyio
CLOSED = datetime(2026, 11, 17, 21, 0, tzinfo=UTC)


class Past:
    """A past that tells of these events, and remembers how it was asked."""

    def __init__(self, page) -> None:
        """Tell of this page, or raise it."""
        self.page, self.asked = page, []

    @property
    def history(self):
        """Read events from here."""
        return self

    async def events(self, query):
        """Give the page."""
        self.asked.append(query)
        if isinstance(self.page, Exception):
            raise self.page
        return self.page


class Alerts:
    """Alerts of values."""

    def __init__(self, alerts, transitions=()) -> None:
        """Keep these."""
        self.alerts, self.changes = alerts, transitions

    async def load(self, at):
        """Give the book."""
        return replace(book(*self.alerts), at=at)

    async def transitions(self, query):
        """Give the changes, newest first."""
        assert (CLOSED, NOW) == (query.since, query.until)
        return TransitionPage(tuple(self.changes), None)


class Runbooks:
    """One runbook for every code."""

    def read(self, code):
        """Give it."""
        text = f"# {code}\n\n## Mitigation\n\n1. Call the [owner](x.md) at once.\n"
        return Runbook(code, code, text)


def sources(root, **changes: Any) -> BriefSources:
    """Return what a brief is read from, over a real root without history."""
    made = BriefSources(
        MarketCalendar(),
        ArtifactReader(root, lambda: NOW),
        BriefCache(CaptureCache(lambda: NOW)),
    )
    return replace(made, **changes)


async def told(root, snapshot=None, note=None, **changes):
    """Make a brief and return its texts."""
    floor = snapshot or FloorOfValues().decide()
    made = await make_brief(sources(root, **changes), floor, NOW, note)
    return [line.text for line in made.lines]


async def test_without_anything_to_read_each_part_says_so(tmp_path):
    """R15.22: A command beside nothing still gives a page, with what is not read."""
    found = await told(tmp_path)
    unread = [t for t in found if "not read" in t.casefold()]

    assert 7 == len([t for t in unread if ": not read: " in t])
    assert any("two reports are compared, and 0 recorded" in t for t in unread)
    assert any("no capture is GOOD" in t for t in unread)
    assert (
        "Not read, and may expire: waivers: they are not read here; certificates and tokens:"
        " they are not read here"
    ) in found


async def test_the_night_is_that_since_the_close_before(tmp_path):
    """Changes are asked for by kind, from the close of the session before, and oldest first."""
    data: dict[str, object] = {"before": "OK", "after": "HALTED"}
    event = FloorEvent(1, NOW - timedelta(minutes=1), EventType.POSTURE_CHANGED, "m", data=data)
    past = Past(EventPage((event,), 7))
    found = await told(tmp_path, past=past)

    assert [(CLOSED, NOW, (EventType.POSTURE_CHANGED,))] == [
        (q.since, q.until, q.kinds) for q in past.asked
    ]
    assert any(
        "HALTED 1 time, for at most, as far as it was watched, 1 min" in t and "more than 1 c" in t
        for t in found
    )


async def test_alerts_and_pages_are_told_once_each(tmp_path):
    """An alert that fired twice is one page; resolved and pending ones are none."""
    changes = [
        moved(2),
        moved(1, pages=False, reason="older"),
        moved(0, to_state=AlertState.PENDING),
        moved(3, fingerprint="1" * 16, pages=False, reason="waived", severity=Severity.P2),
    ]
    alerts = Alerts([alert("a"), resolved(alert("b"))], changes)
    found = await told(tmp_path, alerts=alerts)

    assert 1 == sum(t.startswith("Open alert") for t in found)
    assert any("1 page, and 1 that would have" in t for t in found)
    assert any("did not page: waived" in t for t in found)


async def test_the_first_step_is_that_of_the_leading_reason(tmp_path):
    """The runbook's mitigation begins inline."""
    floor = FloorOfValues()
    floor.lose(STRATEGY, "/ops/status", UnseenReason.TIMEOUT)
    found = await told(tmp_path, floor.decide(), runbooks=Runbooks())
    calm = await told(tmp_path, runbooks=Runbooks())

    assert "Do first: Call the owner at once. (runbook TIMEOUT)" in found
    assert not [t for t in calm if t.startswith("Do first")]


async def test_waivers_and_readiness_are_told(tmp_path):
    """A waiver's end is a date that is known, and the verdict is that which was given."""
    waiver = Waiver("TIMEOUT", "x", NOW + timedelta(days=2), "Ada", "why")
    note = ReadinessNote("GO", "", "judged in this run")
    found = await told(tmp_path, note=note, waivers=lambda: (waiver,))

    assert "The waiver of TIMEOUT x (Ada) expires Fri 20 Nov 10:15 EST" in found
    assert "Readiness now: GO: judged in this run" in found


def broken(error):
    """Return what fails."""

    def fail(*_):
        raise error

    return fail


@pytest.mark.parametrize(
    ("part", "words"),
    [
        pytest.param(
            {"past": Past(StorageError("no disk", path="x"))}, "16:00 EST: not read: no disk",
            id="history",
        ),
        pytest.param(
            {"waivers": broken(ConfigurationError("bad file", where="w", remedy="r"))},
            "waivers: bad file", id="waivers",
        ),
        pytest.param(
            {"waivers": broken(ZeroDivisionError())},
            "waivers: it broke: ZeroDivisionError", id="a bug",
        ),
        pytest.param(
            {"runs": broken(StorageError("no record", path="x"))},
            "Today's runs: not read: no record", id="runs",
        ),
    ],
)  # fmt: skip
async def test_a_part_that_fails_is_a_line(tmp_path, part, words):
    """R15.22: Whatever fails, the page is made, and says so."""
    assert 1 == sum(words in t for t in await told(tmp_path, **part))


async def test_what_was_deployed_is_compared_once(tmp_path):
    """The newest two recorded reports are compared; the comparison is kept while they are it."""
    report = (Path(__file__).parents[1] / "golden/deploy_report.json").read_bytes()
    for n, content in enumerate((report, report.replace(b'"OBSERVE"', b'"EVAL"', 1))):
        record(tmp_path, NOW + timedelta(hours=n), {"deploy_report.json": content})
    kept = sources(tmp_path)
    await make_brief(kept, FloorOfValues().decide(), NOW)
    made = await make_brief(kept, FloorOfValues().decide(), NOW)
    changed = [line.text for line in made.lines if line.section == "Changed"]

    assert 1 == len(kept.cache.compared)
    assert changed[0].startswith("Deploys: 1 change from 2026-11-20 to 2026-11-20")
    assert any("OBSERVE -> EVAL" in t for t in changed)


async def test_the_recorded_verdict_of_a_run_of_today_stands_beside_it(tmp_path):
    """Did the check run, and what did it say: its own report is read, once."""
    at = NOW.isoformat()
    report = {"verdict": "GO", "ready": True, "evidence_utc": at, "session_date": "2026-11-18"}
    entry = record(tmp_path, NOW, {"readiness_report.json": orjson.dumps(report)})
    planned = PlannedRun(NOW, Job.PRE_OPEN, NOW.date(), NOW + timedelta(minutes=5))
    states = [
        RunState(planned, RunStage.ENDED, RunOutcome.SUCCEEDED, path=entry.path, finished=NOW),
        RunState(
            replace(planned, job=Job.PRE_MARKET), RunStage.ENDED, RunOutcome.SUCCEEDED, path="x/y"
        ),
    ]

    async def runs():
        return states

    kept = sources(tmp_path, runs=runs)
    await make_brief(kept, FloorOfValues().decide(), NOW)
    made = await make_brief(kept, FloorOfValues().decide(), NOW)
    found = [line.text for line in made.lines]

    assert "10:15 EST pre_open_readiness: SUCCEEDED at 10:15:00 EST: GO" in found
    assert "10:15 EST pre_market_readiness: SUCCEEDED" in found
    (tmp_path / entry.path / "readiness_report.json").chmod(0o600)
    (tmp_path / entry.path / "readiness_report.json").write_text("{}")
    spoilt = await make_brief(sources(tmp_path, runs=runs), FloorOfValues().decide(), NOW)
    assert any("verdict not read" in line.text for line in spoilt.lines)
    states.clear()
    await make_brief(kept, FloorOfValues().decide(), NOW)
    assert {} == kept.cache.verdicts


async def test_far_from_any_session_the_night_is_a_day(tmp_path):
    """Where the calendar knows no close before, a day is told."""
    past = Past(EventPage((), None))
    far = datetime(1971, 1, 1, tzinfo=UTC)
    await make_brief(sources(tmp_path, past=past), FloorOfValues().decide(), far)

    assert far - timedelta(days=1) == past.asked[0].since


async def test_the_pre_market_bundle_holds_its_brief(tmp_path):
    """R15.21: The run an hour before the open records the page, with its own verdict."""
    parts = job_parts(tmp_path, FloorOfValues().decide(), brief=sources(tmp_path))
    _, entry = await run_bundle(BundleKind.PRE_MARKET, parts, ORIGIN, skip_preflight=True)
    _, other = await run_bundle(BundleKind.POST_MARKET, parts, ORIGIN, skip_preflight=True)
    text = (tmp_path / entry.path / "brief.md").read_text()

    assert text.startswith("# Brief of 2026-11-18 10:15:00 EST\n- **Now** OK")
    assert "judged in this run" in text
    assert not (tmp_path / other.path / "brief.md").exists()


async def test_the_api_gives_the_brief_in_both_forms(tmp_path):
    """JSON unless Markdown is named; one brief serves those who ask within a moment."""
    control = PaperControl(root=tmp_path, label="DEMO", brief=sources(tmp_path))
    first = (await control.ask("/api/v1/brief")).json()
    again = (await control.ask("/api/v1/brief")).json()
    text = await control.ask("/api/v1/brief.md")
    control.clock.now += timedelta(seconds=6)
    later = (await control.ask("/api/v1/brief")).json()

    assert first == again
    assert first["ts"] != later["ts"]
    assert ("DEMO", 45) == (first["label"], first["most_lines"])
    assert text.headers["content-type"].startswith("text/markdown")
    assert text.text.startswith("# Brief of 2026-11-18 10:15:00 EST")
    assert any(line["text"].startswith("Watched without a break") for line in first["lines"])


async def test_without_a_record_no_brief_is_made():
    """A process that reads none says so with a problem."""
    answer = await PaperControl().ask("/api/v1/brief")

    assert (400, "brief_not_made") == (answer.status_code, answer.json()["code"])


async def test_a_readiness_that_cannot_be_read_is_not_judged(tmp_path):
    """R15.22: A spoilt record costs the verdict's line, and not the page."""
    entry = record(tmp_path, NOW, {"readiness_report.json": b"{}"})
    spoilt = tmp_path / entry.path / "readiness_report.json"
    spoilt.chmod(0o600)
    spoilt.write_text("{ }")
    found = (await PaperControl(root=tmp_path, brief=sources(tmp_path)).ask("/api/v1/brief")).json()

    assert any(line["text"] == "Readiness: not read: it was not judged" for line in found["lines"])


@pytest.mark.parametrize(
    ("status", "body", "code", "words"),
    [
        pytest.param(200, {"at_et": "now", "lines": []}, 0, "Brief of now", id="a brief"),
        pytest.param(503, {}, 4, "", id="stalled"),
        pytest.param(200, 7, 4, "", id="garbage"),
        pytest.param(200, None, 4, "", id="no JSON"),
    ],
)
def test_the_command_shows_what_a_server_says(monkeypatch, status, body, code, words):
    """`brief --url` prints the server's lines, and exits with 4 where it gives none."""
    content = b"<html>" if body is None else orjson.dumps(body)
    monkeypatch.setattr(
        "mission_control.cli.brief.ask_server", lambda *_: RemoteAnswer(status, content)
    )
    context = CliContext(lambda: NOW, json=False, quiet=True)
    ran = CliRunner().invoke(brief_command, ["--url", "http://127.0.0.1:1"], obj=context)

    assert (code, True) == (ran.exit_code, words in ran.stdout)
