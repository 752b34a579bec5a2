"""API: recorded attestations of sessions, by session and as Markdown."""

from datetime import timedelta

import pytest

from mission_control.attestation.run import JOB, choose_session, run
from mission_control.durable_copy.copying import KeepingParts
from mission_control.market_calendar.calendar import MarketCalendar
from mission_control.records.artifact_reader import ArtifactReader
from mission_control.records.artifact_store import ArtifactStore, RunWriter
from mission_control.records.model import Collection
from mission_control.records.run_origin import Ground, RunOrigin
from tests.api.paper_floor import PaperControl
from tests.floor.floor_of_values import CLOSE_AT, FLEET, OPEN_AT

pytestmark = pytest.mark.anyio
PATH = "/api/v1/attestation/no-execution"
ORIGIN = RunOrigin("command", ("mission-control",), {"mission_control": "0"}, "c" * 64, CLOSE_AT)
CALENDAR = MarketCalendar()


@pytest.fixture
def control(tmp_path):
    """Give the API over an empty root."""
    return PaperControl(root=tmp_path)


async def attest(control, days_ago=0):
    """Record an attestation of a session, of which nothing was observed."""
    clock = lambda: CLOSE_AT + timedelta(hours=1)  # noqa: E731
    session = choose_session(CALENDAR, CLOSE_AT - timedelta(days=days_ago), None)
    parts = KeepingParts(
        ArtifactReader(control.root, clock),
        RunWriter(ArtifactStore(control.root)),
        CALENDAR,
        clock,
        FLEET,
    )
    _, entry = await run(parts, None, ORIGIN, session.session_date)
    return entry


async def test_nothing_attested_is_not_found(control):
    """No attestation is a 404 that says how to make one, never an empty one that looks clean."""
    answer = await control.ask(PATH)

    assert (404, "attestation_not_found") == (answer.status_code, answer.json()["code"])
    assert "mission-control attest" in answer.json()["detail"]


async def test_the_latest_session_and_any_other_are_given(control):
    """The latest session, not the latest run; and of each session its newest."""
    first = await attest(control)
    newest = await attest(control)
    earlier = await attest(control, days_ago=1)
    latest = (await control.ask(PATH)).json()
    other = (await control.ask(f"{PATH}?session=2026-11-17")).json()
    none = await control.ask(f"{PATH}?session=2026-11-16")

    assert (newest.path, "2026-11-18") == (latest["path"], latest["session_date"])
    assert ("NOT_OBSERVED", first.path != newest.path) == (
        latest["attestation"]["conclusion"],
        True,
    )
    assert [newest.path, earlier.path] == [s["path"] for s in latest["sessions"]]
    assert (earlier.path, "2026-11-17") == (other["path"], other["attestation"]["session_date"])
    assert 404 == none.status_code


async def fail(control):
    """Record a run of the same job and session that broke before it attested anything."""
    ground = Ground.unseen(CALENDAR.session_at(OPEN_AT), FLEET)
    facts = ORIGIN.facts(JOB, ground, CLOSE_AT + timedelta(hours=1), exit_code=1)
    writer = RunWriter(ArtifactStore(control.root))
    return await writer.record(Collection.OPS_RUNS, {"failure.txt": b"cut"}, facts)


async def test_a_run_that_failed_hides_no_attestation(control):
    """It is none itself, and what was attested before it stays what is shown."""
    failed = await fail(control)
    none = await control.ask(PATH)
    entry = await attest(control)
    again = await fail(control)
    answer = await control.ask(PATH)
    markdown = await control.ask(f"{PATH}.md?session=2026-11-18")

    assert "2026-11-18" == failed.session_date == again.session_date
    assert (404, 200, 200) == (none.status_code, answer.status_code, markdown.status_code)
    assert entry.path == answer.json()["path"]


async def test_it_is_given_for_people(control):
    """Markdown by suffix and by Accept, as it was recorded."""
    entry = await attest(control)
    recorded = (control.root / entry.path / "attestation.md").read_text()
    by_suffix = await control.ask(f"{PATH}.md")
    by_accept = await control.ask(PATH, headers={"accept": "text/markdown"})

    assert recorded == by_suffix.text == by_accept.text
    assert "text/markdown" in by_suffix.headers["content-type"]


async def test_an_altered_attestation_is_no_answer(control):
    """Bytes that are not those recorded are an error."""
    entry = await attest(control)
    path = control.root / entry.path / "attestation.json"
    path.chmod(0o644)
    path.write_bytes(path.read_bytes().replace(b"NOT_OBSERVED", b"NO_EXECUTION_OBSERVED"))

    assert (503, "artifacts_unreadable") == (
        (await control.ask(PATH)).status_code,
        (await control.ask(PATH)).json()["code"],
    )


async def test_answers_of_a_demo_are_marked(tmp_path):
    """DEMO stands in the answer."""
    control = PaperControl(root=tmp_path, label="DEMO")
    await attest(control)

    assert "DEMO" == (await control.ask(PATH)).json()["label"]
    assert 422 == (await control.ask(f"{PATH}?session=yesterday")).status_code
