"""API: readiness as it is now, deploy reports, and what changed between two."""

from dataclasses import replace
from datetime import timedelta

import orjson
import pytest

from mission_control.api.application import reading_application
from mission_control.api.readers_aside import answer_within
from mission_control.bootstrap import readers_process
from mission_control.deploy_report import run as deploy_report
from mission_control.floor.model import Verdict
from mission_control.market_calendar.calendar import MarketCalendar
from mission_control.model.reading import UnseenReason
from mission_control.processes.model import LiveFloor, Question
from mission_control.readiness.run import record_readiness
from mission_control.records.run_origin import RunOrigin
from mission_control.schedule.calendar_in_force import CalendarInForce
from tests.api.paper_floor import PaperControl, PaperFloor
from tests.floor.cluster_of_values import IDENTITY, ClusterFloor
from tests.floor.floor_of_values import NOW, OPEN_AT, STRATEGY
from tests.readiness.test_readiness import gather, judge_readiness, probe
from tests.schedule.day_of_values import job_parts

pytestmark = pytest.mark.anyio
LATEST = "/api/v1/readiness/latest"
DEPLOY = "/api/v1/reports/deploy/latest"
ORIGIN = RunOrigin("command", ("mission-control",), {"mission_control": "0"}, "c" * 64, NOW)


@pytest.fixture
def floor():
    """Return a floor on a cluster on which all is well."""
    made = ClusterFloor()
    probe(made)
    return made


@pytest.fixture
def control(tmp_path, floor):
    """Return the API over an empty root and that floor."""
    paper = PaperFloor(snapshot=floor.decide(), since=OPEN_AT - timedelta(hours=3))
    return PaperControl(floor=paper, root=tmp_path)


async def judge(control, floor, **changes):
    """Record a readiness of that floor."""
    snapshot = floor.decide()
    report = judge_readiness(gather(floor, snapshot=snapshot, **changes))
    parts = job_parts(control.root, snapshot, clock=lambda: floor.now)
    return await record_readiness(report, snapshot, parts, ORIGIN)


async def deploy(control, floor):
    """Record a deploy report of that floor."""
    parts = job_parts(control.root, floor.decide(), clock=lambda: floor.now)
    _, entry = await deploy_report.run(parts, ORIGIN)
    return entry


async def test_without_any_run_the_verdict_is_no_go(control):
    """Nothing recorded is not GO: it is NO-GO, by name."""
    answer = (await control.ask(LATEST)).json()

    assert ("NO-GO", "READINESS_MISSING", None) == (
        answer["verdict"],
        answer["code"],
        answer["report"],
    )
    assert 404 == (await control.ask(f"{LATEST}.md")).status_code


async def test_a_recorded_go_stands(control, floor):
    """The newest recorded verdict is answered with its report, and as Markdown for who asks."""
    entry = await judge(control, floor)
    answer = (await control.ask(LATEST)).json()
    markdown = await control.ask(LATEST, headers={"accept": "text/markdown"})

    assert ("GO", "", entry.path) == (answer["verdict"], answer["code"], answer["report_path"])
    assert answer["report"]["ready"] is True
    assert markdown.text.startswith("# Readiness: READY (GO)")
    assert markdown.text == (await control.ask(f"{LATEST}.md")).text


async def test_a_halt_takes_go_back_until_the_next_run(control, floor):
    """HALTED after GO is READINESS_EXPIRED, also when the floor is OK again; a new run restores."""
    await judge(control, floor)
    at = floor.now + timedelta(seconds=1)
    control.floor.halts = ((at, at),)
    revoked = (await control.ask(LATEST)).json()
    floor.refresh(floor.now + timedelta(minutes=1))
    probe(floor)
    control.floor.snapshot = floor.decide()
    still = (await control.ask(LATEST)).json()
    await judge(control, floor)
    restored = (await control.ask(LATEST)).json()

    assert ["READINESS_EXPIRED", "READINESS_EXPIRED", ""] == [
        a["code"] for a in (revoked, still, restored)
    ]


async def test_a_first_silence_takes_go_back_only_while_it_lasts(control, floor):
    """While it is HALTED the verdict is NO-GO, and the very same GO is served after that."""
    await judge(control, floor)
    decided = control.floor.snapshot
    floor.ask()
    floor.lose(STRATEGY, "/ops/status", UnseenReason.TIMEOUT)
    floor.ask()
    control.floor.snapshot = floor.decide()
    halted = (await control.ask(LATEST)).json()
    control.floor.snapshot = decided
    after = (await control.ask(LATEST)).json()

    assert ("NO-GO", "HALTED_NOW") == (halted["verdict"], halted["code"])
    assert ("GO", "", halted["report_path"]) == (
        after["verdict"],
        after["code"],
        after["report_path"],
    )


async def test_an_altered_report_is_no_verdict(control, floor):
    """A report whose bytes are not those recorded is an error, never GO."""
    entry = await judge(control, floor, store=None)
    path = control.root / entry.path / "readiness_report.json"
    document = orjson.loads(path.read_bytes())
    path.chmod(0o644)
    path.write_bytes(orjson.dumps({**document, "ready": True, "verdict": "GO", "code": ""}))
    answer = await control.ask(LATEST)

    assert (503, "artifacts_unreadable") == (answer.status_code, answer.json()["code"])


async def test_the_latest_view_is_never_evidence(control, floor):
    """The content of audit_artifacts/readiness_report.json changes no answer (R9.1)."""
    await judge(control, floor, store=None)
    view = control.root / "audit_artifacts/readiness_report.json"
    document = orjson.loads(view.read_bytes())
    view.write_bytes(orjson.dumps({**document, "ready": True, "verdict": "GO"}))

    assert "NO-GO" == (await control.ask(LATEST)).json()["verdict"]


async def test_deploy_reports_are_listed_and_given(control, floor):
    """As the predecessor gave it: Markdown, or 404 deploy_report_not_found; JSON by name."""
    missing = await control.ask(DEPLOY)
    entry = await deploy(control, floor)
    markdown = await control.ask(DEPLOY)
    document = (await control.ask(DEPLOY, headers={"accept": "application/json"})).json()
    listed = (await control.ask("/api/v1/reports/deploy")).json()

    assert (404, "deploy_report_not_found") == (missing.status_code, missing.json()["code"])
    assert markdown.headers["content-type"].startswith("text/markdown")
    assert markdown.text.startswith("# Deploy report: ")
    assert "text/markdown" in (await control.ask(f"{DEPLOY}.md")).headers["content-type"]
    assert 6 == document["summary"]["workloads_total"]
    assert [entry.path] == [r["path"] for r in listed["reports"]]


async def test_two_reports_are_compared(control, floor):
    """By default the latest with the one before; by path or name otherwise."""
    first = await deploy(control, floor)
    floor.refresh(NOW + timedelta(minutes=5))
    floor.workloads["execution-engine"] = replace(floor.workloads["execution-engine"], desired=1)
    second = await deploy(control, floor)
    answer = (await control.ask("/api/v1/reports/diff")).json()
    name = first.path.rpartition("/")[2]
    back = (await control.ask(f"/api/v1/reports/diff?from={second.path}&to={name}")).json()
    none = await control.ask("/api/v1/reports/diff?from=nothing")

    changed = {(c["subject"], c["what"]): (c["before"], c["after"]) for c in answer["changes"]}
    assert ("0", "1") == changed[("trading-floor/Deployment/execution-engine", "replicas")]
    assert (first.path, second.path) == (answer["before"]["path"], answer["after"]["path"])
    mirrored = {(c["subject"], c["what"]): (c["after"], c["before"]) for c in back["changes"]}
    assert changed == mirrored
    assert (404, "deploy_report_not_found") == (none.status_code, none.json()["code"])


async def test_answers_of_a_demo_are_marked(tmp_path, floor):
    """DEMO is in every answer."""
    paper = PaperFloor(snapshot=replace(floor.decide(), label="DEMO"))
    control = PaperControl(floor=paper, root=tmp_path, label="DEMO")
    await deploy(control, floor)
    floor.refresh(NOW + timedelta(minutes=5))
    await deploy(control, floor)

    for path in (LATEST, "/api/v1/reports/deploy", "/api/v1/reports/diff"):
        assert "DEMO" == (await control.ask(path)).json()["label"]


async def test_the_process_beside_serves_go_only_while_the_floor_is_not_halted(control, floor):
    """The process that answers readers knows the verdict: GO is served under OK, and no other."""
    await judge(control, floor)
    snapshot = control.floor.snapshot
    since, _ = control.floor.watched()
    shown = readers_process.ToldFloor(snapshot.fleet, CalendarInForce(MarketCalendar()))
    application = reading_application(replace(control.parts(), floor=shown))
    served = []
    for verdict in (Verdict.OK, Verdict.HALTED):
        live = LiveFloor(
            snapshot.at, snapshot.at, snapshot.session, since, (), verdict, None, IDENTITY
        )
        readers_process._LIVE.set(live)  # noqa: SLF001  (as the process does with each question)
        answer = await answer_within(application, Question(LATEST, b"", (), live))
        served.append(orjson.loads(b"".join(answer.body))["code"])

    assert ["", "HALTED_NOW"] == served
