"""Alerts as they are now, and what became of them and of telling them."""

from collections.abc import Callable, Sequence
from functools import cache
from typing import Annotated

from litestar import Response, get
from litestar.handlers import HTTPRouteHandler
from litestar.params import QueryParameter

from mission_control.alerts.model import AlertBook, AlertQuery
from mission_control.alerts.present import (
    AlertHistoryDocument,
    AlertsDocument,
    Decider,
    alerts_document,
    first_step_of,
    history_document,
)
from mission_control.alerts.run import AlertWatch
from mission_control.api.answers import AnyRequest, give, json_answer
from mission_control.api.options import ApiParts, ReadingParts, describes, describes_problem
from mission_control.api.problems import Problem
from mission_control.api.the_past import MOST_COUNTED, Since, Until, instant_of, remembered
from mission_control.runbooks.library import RunbookLibrary

TAGS = ["alerts"]
MAX_ROWS = 200
NO_ALERTS = "alerts_not_decided"

Limit = Annotated[
    int, QueryParameter(ge=1, le=MAX_ROWS, description="How many of each; 1 to 200, newest first.")
]
Cursor = Annotated[
    int | None,
    QueryParameter(ge=1, le=MOST_COUNTED, description="The `next_cursor` of the page before."),
]
DeliveryCursor = Annotated[
    int | None,
    QueryParameter(
        ge=1, le=MOST_COUNTED, description="The `next_delivery_cursor` of the page before."
    ),
]
Fingerprint = Annotated[
    str | None,
    QueryParameter(pattern=r"^[0-9a-f]{16}$", description="Only this alert, by its fingerprint."),
]


def current_alerts(parts: ApiParts) -> Callable[[], AlertsDocument]:
    """Return what renders the alerts of this moment; it raises the problem that there are none."""
    first_step = _first_steps(parts.runbooks)

    def render() -> AlertsDocument:
        watch, book = decided(parts)
        floor, replica = watch.parts.floor, parts.options.replica
        by = Decider(floor, replica, watch.is_deciding(), parts.clock())
        rules = watch.parts.in_force.rules
        return alerts_document(book, rules, parts.channels(), first_step, by)

    return render


def decided(parts: ApiParts) -> tuple[AlertWatch, AlertBook]:
    """Return the alerts as they were decided; an empty book of a start is no answer."""
    watch = parts.alerts
    if watch is None:
        title, detail = "Alerts are not decided here", "this process keeps no history"
        raise Problem(400, NO_ALERTS, title, detail)
    if not watch.has_decided:
        title, detail = "Alerts are not decided yet", "those from before the start are being read"
        raise Problem(503, NO_ALERTS, title, detail, headers={"retry-after": "5"})
    return watch, watch.current()


def _first_steps(runbooks: RunbookLibrary) -> Callable[[str], str]:
    """Return what finds the first step of a runbook; each is read once, and there are few."""

    @cache
    def first_step(code: str) -> str:
        page = runbooks.read(code)
        return "" if page is None else first_step_of(page.markdown)

    return first_step


def alert_routes(parts: ApiParts) -> Sequence[HTTPRouteHandler]:
    """Return the route of the alerts of this moment."""
    render = current_alerts(parts)

    @get(
        "/api/v1/alerts",
        summary="Open alerts with their causes, why some do not page, and how channels fare",
        tags=TAGS,
        responses={
            200: describes(AlertsDocument, "The alerts"),
            400: describes_problem("This process decides no alerts"),
            503: describes_problem("They are not decided yet"),
        },
    )
    async def alerts(request: AnyRequest) -> Response[bytes]:
        return give(json_answer(render(), parts.options.label), request)

    return [alerts]


def alert_history_routes(parts: ReadingParts) -> Sequence[HTTPRouteHandler]:
    """Return the route of what became of alerts."""

    @get(
        "/api/v1/alerts/history",
        summary="What became of alerts and why, and attempts to deliver, newest first",
        tags=TAGS,
        responses={
            200: describes(AlertHistoryDocument, "A page of both"),
            400: describes_problem("This process keeps no history"),
            422: describes_problem("A filter is not well formed"),
            503: describes_problem("History cannot be read"),
        },
    )
    async def history(
        request: AnyRequest,
        limit: Limit = 50,
        cursor: Cursor = None,
        delivery_cursor: DeliveryCursor = None,
        fingerprint: Fingerprint = None,
        _since: Since = None,
        _until: Until = None,
    ) -> Response[bytes]:
        kept = parts.alert_history
        if kept is None:
            title, detail = "The past is not recorded", "this process keeps no history"
            raise Problem(400, "history_not_available", title, detail)
        since, until = instant_of(request, "since"), instant_of(request, "until")
        changes = AlertQuery(limit, cursor, since, until, fingerprint)
        attempts = AlertQuery(limit, delivery_cursor, since, until, fingerprint)
        document = history_document(
            await remembered(kept.transitions(changes)),
            await remembered(kept.deliveries(attempts)),
            parts.clock(),
        )
        return give(json_answer(document, parts.options.label), request)

    return [history]
