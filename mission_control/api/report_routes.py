"""Readiness as it is now, deploy reports, and what changed between two of them."""

from collections.abc import Sequence
from typing import Annotated, Any, NotRequired, TypedDict

from litestar import Response, get
from litestar.handlers import HTTPRouteHandler
from litestar.params import QueryParameter

from mission_control.api.answers import JSON, MARKDOWN, Answer, AnyRequest, give, json_answer
from mission_control.api.artifact_routes import reading_record
from mission_control.api.options import (
    NEGOTIATED,
    NONE_ACCEPTED,
    REPORT,
    VARY,
    ReadingParts,
    describes,
    describes_problem,
    representation,
)
from mission_control.api.problems import Problem
from mission_control.deploy_report.decide.changes import compare_reports
from mission_control.deploy_report.present import comparison_document
from mission_control.floor.model import Verdict
from mission_control.readiness.decide.readiness import judge_current
from mission_control.readiness.present import LatestReadinessDocument, latest_readiness
from mission_control.records.model import LedgerEntry
from mission_control.records.recorded_reports import (
    DEPLOY_JSON,
    LATEST,
    PREVIOUS,
    READINESS_JSON,
    NoSuchReport,
    RecordedReport,
    find_report,
    latest_report,
    list_reports,
    read_markdown,
    recorded_verdict,
)

Document = dict[str, Any]
TAGS = ["reports"]
MOST_LISTED = 100
_NOT_FOUND = {READINESS_JSON: "readiness_not_found", DEPLOY_JSON: "deploy_report_not_found"}

Reference = Annotated[
    str, QueryParameter(max_length=200, description="latest, previous, or a run's path or name.")
]


class ReportsDocument(TypedDict):
    """Recorded deploy reports, newest first."""

    reports: list[Document]
    label: NotRequired[str]


class DiffDocument(TypedDict):
    """What changed from one recorded report to another; `clusters` warns of different ones."""

    before: Document
    after: Document
    clusters: str
    changes: list[dict[str, str]]
    gaps: list[str]
    folded: list[Document]
    label: NotRequired[str]


def report_routes(parts: ReadingParts) -> Sequence[HTTPRouteHandler]:
    """Return the routes of readiness and of deploy reports."""
    return [*_readiness_routes(parts), *_deploy_routes(parts), _diff_route(parts)]


def _readiness_routes(parts: ReadingParts) -> Sequence[HTTPRouteHandler]:
    unreadable = describes_problem("The record cannot be read")

    @get(
        ["/api/v1/readiness/latest", "/api/v1/readiness/latest.json"],
        summary="GO or NO-GO at this moment; the report as Markdown by Accept",
        tags=TAGS,
        opt=NEGOTIATED,
        responses={
            200: describes(LatestReadinessDocument, "The verdict"),
            404: describes_problem("No readiness report is recorded, and Markdown was asked for"),
            406: NONE_ACCEPTED,
            503: unreadable,
        },
    )
    async def readiness(request: AnyRequest) -> Response[bytes]:
        newest = await reading_record(latest_report(parts.artifacts, READINESS_JSON))
        # Without a named type the answer is what the verdict is worth now: no recorded text has it.
        media_type = representation(request, REPORT, unnamed=JSON)
        if media_type == JSON:
            answer = json_answer(readiness_now(parts, newest), parts.options.label, VARY)
            return give(answer, request)
        before = _worth_now(readiness_now(parts, newest))
        return await _markdown(parts, request, newest, READINESS_JSON, media_type, before)

    @get(
        "/api/v1/readiness/latest.md",
        summary="The newest readiness report as Markdown, below what it is worth now",
        tags=TAGS,
        media_type=MARKDOWN,
        opt=NEGOTIATED,
        responses={
            200: describes(str, "Markdown", MARKDOWN),
            404: describes_problem("No readiness report is recorded"),
            503: unreadable,
        },
    )
    async def readiness_md(request: AnyRequest) -> Response[bytes]:
        newest = await reading_record(latest_report(parts.artifacts, READINESS_JSON))
        before = _worth_now(readiness_now(parts, newest))
        return await _markdown(parts, request, newest, READINESS_JSON, MARKDOWN, before)

    return [readiness, readiness_md]


def readiness_now(parts: ReadingParts, newest: RecordedReport | None) -> LatestReadinessDocument:
    """Return what the newest recorded verdict is worth at this moment."""
    snapshot = parts.floor.current()
    since, halts = parts.floor.watched()
    verdict = recorded_verdict(newest) if newest else None
    digest = snapshot.fleet.digest
    halted = snapshot.posture.verdict is Verdict.HALTED
    cluster = snapshot.cluster_identity
    validity = judge_current(
        verdict, snapshot.session, since, halts, digest, cluster=cluster, halted=halted
    )
    path = newest.entry.path if newest else None
    return latest_readiness(snapshot, validity, path, newest.document if newest else None)


def _worth_now(now: LatestReadinessDocument) -> str:
    """Return the note above a recorded GO that no longer holds; empty where it still does."""
    report = now["report"]
    if report is None or now["verdict"] == report.get("verdict"):
        return ""
    head = f"# Readiness now: {now['verdict']} ({now['code']})"
    why = f"As of {now['at_et']}: {now['detail']}."
    return f"{head}\n\n{why} What follows is the report as it was recorded.\n\n---\n\n"


def _deploy_routes(parts: ReadingParts) -> Sequence[HTTPRouteHandler]:
    answers = {
        200: describes(str, "Markdown, as the predecessor gave it", MARKDOWN),
        404: describes_problem("No deploy report is recorded"),
        406: NONE_ACCEPTED,
        503: describes_problem("The record cannot be read"),
    }

    @get(
        [f"/api/v1/reports/deploy/latest{suffix}" for suffix in ("", ".md", ".json")],
        summary="The newest deploy report; JSON where it is strictly preferred",
        tags=TAGS,
        media_type=MARKDOWN,
        opt=NEGOTIATED,
        responses=answers,
    )
    async def deploy(request: AnyRequest) -> Response[bytes]:
        newest = await reading_record(latest_report(parts.artifacts, DEPLOY_JSON))
        media_type = representation(request, REPORT)
        if newest is not None and media_type == JSON:
            return give(json_answer(newest.document, vary=VARY), request)
        return await _markdown(parts, request, newest, DEPLOY_JSON, media_type)

    @get(
        "/api/v1/reports/deploy",
        summary="Recorded deploy reports, newest first",
        tags=TAGS,
        responses={200: describes(ReportsDocument, "A list"), 503: answers[503]},
    )
    async def listed(request: AnyRequest) -> Response[bytes]:
        entries = await reading_record(list_reports(parts.artifacts, DEPLOY_JSON, MOST_LISTED))
        document: ReportsDocument = {"reports": [_listed(entry) for entry in entries]}
        return give(json_answer(document, parts.options.label), request)

    return [deploy, listed]


def _diff_route(parts: ReadingParts) -> HTTPRouteHandler:
    @get(
        "/api/v1/reports/diff",
        summary="What changed between two recorded deploy reports",
        tags=TAGS,
        responses={
            200: describes(DiffDocument, "Every difference"),
            404: describes_problem("A reference names no recorded report"),
            503: describes_problem("The record cannot be read"),
        },
    )
    async def diff(
        request: AnyRequest,
        before: Annotated[str, QueryParameter(name="from", max_length=200)] = PREVIOUS,
        after: Annotated[str, QueryParameter(name="to", max_length=200)] = LATEST,
    ) -> Response[bytes]:
        try:
            old = await reading_record(find_report(parts.artifacts, before, DEPLOY_JSON))
            new = await reading_record(find_report(parts.artifacts, after, DEPLOY_JSON))
        except NoSuchReport as error:
            title = "There is no such report"
            raise Problem(404, "deploy_report_not_found", title, str(error)) from None
        compared = compare_reports(old.document, new.document)
        document = {
            "before": _listed(old.entry),
            "after": _listed(new.entry),
            **comparison_document(compared),
        }
        return give(json_answer(document, parts.options.label), request)

    return diff


def _listed(entry: LedgerEntry) -> Document:
    """Return where a report is recorded, and for which session."""
    return {"path": entry.path, "at": entry.at, "session_date": entry.session_date}


async def _markdown(
    parts: ReadingParts,
    request: AnyRequest,
    newest: RecordedReport | None,
    name: str,
    media_type: str,
    before: str = "",
) -> Response[bytes]:
    if newest is None:
        title = "No such report is recorded"
        raise Problem(
            404, _NOT_FOUND[name], title, "it is recorded when the job runs for the first time"
        )
    body = await reading_record(read_markdown(parts.artifacts, newest.entry, name))
    return give(Answer(before.encode() + body, media_type, VARY), request)
