"""Readiness as it stands now, deploy reports, and what changed between two of them."""

from collections.abc import Sequence
from typing import Annotated, NotRequired, TypedDict

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
from mission_control.deploy_report.present import FoldedDocument, change_document, folded_documents
from mission_control.floor.model import Verdict
from mission_control.readiness.decide.readiness import judge_standing
from mission_control.readiness.present import LatestReadinessDocument, latest_readiness
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

TAGS = ["reports"]
MOST_LISTED = 100
_NOT_FOUND = {READINESS_JSON: "readiness_not_found", DEPLOY_JSON: "deploy_report_not_found"}

Reference = Annotated[
    str, QueryParameter(max_length=200, description="latest, previous, or a run's path or name.")
]


class ListedReport(TypedDict):
    """A recorded report: where it is, and for which session."""

    path: str
    at: str
    session_date: str | None


class ReportsDocument(TypedDict):
    """Recorded deploy reports, newest first."""

    reports: list[ListedReport]
    label: NotRequired[str]


class DiffDocument(TypedDict):
    """What changed from one recorded report to another; `clusters` warns of different ones."""

    before: ListedReport
    after: ListedReport
    clusters: str
    changes: list[dict[str, str]]
    gaps: list[str]
    folded: list[FoldedDocument]
    label: NotRequired[str]


def report_routes(parts: ReadingParts) -> Sequence[HTTPRouteHandler]:
    """Give the routes of readiness and of deploy reports."""
    return [*_readiness_routes(parts), *_deploy_routes(parts), _diff_route(parts)]


def _readiness_routes(parts: ReadingParts) -> Sequence[HTTPRouteHandler]:
    unreadable = describes_problem("The record cannot be read")

    @get(
        ["/api/v1/readiness/latest", "/api/v1/readiness/latest.json"],
        summary="GO or NO-GO as it stands at this moment; the report as Markdown by Accept",
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
        # Who names nothing is told what the verdict is worth now, which no recorded text knows.
        media_type = representation(request, REPORT, unnamed=JSON)
        if media_type == JSON:
            answer = json_answer(_standing(parts, newest), parts.options.label, VARY)
            return give(answer, request)
        before = _worth_now(_standing(parts, newest))
        return await _markdown(parts, request, newest, READINESS_JSON, media_type, before)

    @get(
        "/api/v1/readiness/latest.md",
        summary="The newest readiness report for people, below what it is worth now",
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
        before = _worth_now(_standing(parts, newest))
        return await _markdown(parts, request, newest, READINESS_JSON, MARKDOWN, before)

    return [readiness, readiness_md]


def _standing(parts: ReadingParts, newest: RecordedReport | None) -> LatestReadinessDocument:
    snapshot = parts.floor.current()
    since, halts = parts.floor.watched()
    verdict = recorded_verdict(newest) if newest else None
    digest = snapshot.fleet.digest
    halted = snapshot.posture.verdict is Verdict.HALTED
    cluster = snapshot.cluster_identity
    standing = judge_standing(
        verdict, snapshot.session, since, halts, digest, cluster=cluster, halted=halted
    )
    path = newest.entry.path if newest else None
    return latest_readiness(snapshot, standing, path, newest.document if newest else None)


def _worth_now(standing: LatestReadinessDocument) -> str:
    """Say above a recorded GO that it is none any more; empty where the report says it itself."""
    report = standing["report"]
    if report is None or standing["verdict"] == report.get("verdict"):
        return ""
    head = f"# Readiness now: {standing['verdict']} ({standing['code']})"
    told = f"As of {standing['at_et']}: {standing['detail']}."
    return f"{head}\n\n{told} What follows is the report as it was recorded.\n\n---\n\n"


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
        document: ReportsDocument = {
            "reports": [
                {"path": e.path, "at": e.at, "session_date": e.session_date} for e in entries
            ]
        }
        return give(json_answer(document, parts.options.label), request)

    return [deploy, listed]


def _diff_route(parts: ReadingParts) -> HTTPRouteHandler:
    @get(
        "/api/v1/reports/diff",
        summary="What changed between two recorded deploy reports",
        tags=TAGS,
        responses={
            200: describes(DiffDocument, "Every difference"),
            404: describes_problem("A reference leads to no recorded report"),
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
        document: DiffDocument = {
            "before": _listed(old),
            "after": _listed(new),
            "clusters": compared.clusters,
            "changes": [change_document(c) for c in compared.changes],
            "gaps": list(compared.gaps),
            "folded": folded_documents(compared),
        }
        return give(json_answer(document, parts.options.label), request)

    return diff


def _listed(report: RecordedReport) -> ListedReport:
    entry = report.entry
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
