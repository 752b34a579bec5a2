"""Questions about the past: `?at=`, and stretches of time."""

from collections.abc import Awaitable
from dataclasses import replace
from datetime import datetime, timedelta
from typing import Annotated, TypeVar
from urllib.parse import parse_qsl

from litestar.params import QueryParameter

from mission_control.api.answers import AnyRequest
from mission_control.api.options import ReadingParts
from mission_control.api.problems import Problem
from mission_control.documents.instants import new_york_text
from mission_control.errors import StorageError
from mission_control.floor.model import FloorSnapshot
from mission_control.history.past_floor import NotWatched, PastFloor
from mission_control.market_calendar import days as new_york

LONGEST = timedelta(days=62)
INSTANT = (
    r"^(19[7-9][0-9]|2[0-9]{3})-(0[1-9]|1[0-2])-(0[1-9]|[12][0-9]|3[01])"
    r"(T([01][0-9]|2[0-3]):[0-5][0-9](:[0-5][0-9](\.[0-9]{1,6})?)?(Z|[+-](0[0-9]|1[0-3]):[0-5][0-9])?)?$"
)
"""How an instant is described: the forms to write. Other forms of ISO 8601 are read as well."""


def _instant(name: str, description: str) -> QueryParameter:
    return QueryParameter(
        name=name,
        description=f"{description} ISO 8601; without a zone it is New York's time.",
        schema_extra={"pattern": INSTANT, "examples": ["2026-11-20T08:30", "2026-11-20T13:30:00Z"]},
    )


At = Annotated[str | None, _instant("at", "The floor as it was then.")]
From = Annotated[str | None, _instant("from", "The start.")]
To = Annotated[str | None, _instant("to", "The end.")]
Since = Annotated[str | None, _instant("since", "From this instant on.")]
Until = Annotated[str | None, _instant("until", "Before this instant.")]
"""Only described here; read by `read_instant`, which accepts the unescaped `+` of an offset."""
MOST_COUNTED = 2**63 - 1
"""No record has a higher number."""

T = TypeVar("T")
TIMELESS = ("/api/v1/posture", "/api/v1/agents", "/api/v1/safety", "/api/v1/session")


async def refuse_the_past(request: AnyRequest) -> None:
    """Refuse `?at=` where it is not supported: the present must never be shown as the past."""
    if "at" not in request.query_params:
        return
    path = request.url.path
    if not path.startswith(TIMELESS):
        title, detail = "This is only answered for the present", f"`at` is not supported on {path}"
        raise Problem(400, "at_not_supported", title, detail[:200])


async def snapshot_of(parts: ReadingParts, request: AnyRequest) -> FloorSnapshot:
    """Return the newest snapshot, or that of the instant which `?at=` names."""
    asked = request.query_params.get("at")
    if asked is None:
        return parts.floor.current()
    at = read_instant(_with_plus(request, "at"), "at")
    now = parts.clock()
    if at > now:
        title = "The future is not known"
        detail = f"`at` lies after the server's own time, which is {new_york_text(now)}"
        raise Problem(422, "at_in_the_future", title, detail)
    found = await remembered(past_of(parts).as_of(at))
    if isinstance(found, NotWatched):
        raise Problem(404, "history_gap", "The floor was not watched then", found.detail)
    label = " · ".join(filter(None, (parts.options.label, found.label)))
    return replace(found, label=label)


def past_of(parts: ReadingParts) -> PastFloor:
    """Return what reads history; raises the problem that none is kept."""
    if parts.past is None:
        title, detail = "The past is not recorded", "this process keeps no history"
        raise Problem(400, "history_not_available", title, detail)
    return parts.past


def read_instant(text: str, name: str) -> datetime:
    """Read an instant, New York's time where it names no zone; raises the problem with its form."""
    try:
        return new_york.read_instant(text)
    except ValueError:
        detail = f"write `{name}` as 2026-11-20T08:30, which is New York's time, or with its zone "
        detail += "as 2026-11-20T13:30:00Z; the year is 1970 to 2999"
        raise Problem(422, "instant_not_understood", "This is no valid instant", detail) from None


def read_period(
    parts: ReadingParts, request: AnyRequest, default: timedelta, longest: timedelta = LONGEST
) -> tuple[datetime, datetime]:
    """Read `from` and `to`; without them the period that ends now."""
    now = parts.clock()
    asked = request.query_params
    until = read_instant(_with_plus(request, "to"), "to") if "to" in asked else now
    since = read_instant(_with_plus(request, "from"), "from") if "from" in asked else None
    until = min(until, now)
    since = until - default if since is None else since
    if not timedelta() < until - since <= longest:
        detail = f"`from` must lie before `to` and now, and at most {longest.days} days before"
        raise Problem(422, "period_not_understood", "This is no valid period", detail)
    return since, until


def instant_of(request: AnyRequest, name: str) -> datetime | None:
    """Read an instant that may be left out."""
    given = name in request.query_params
    return read_instant(_with_plus(request, name), name) if given else None


async def remembered(what: Awaitable[T]) -> T:
    """Await a read of history; a storage error becomes a problem."""
    try:
        return await what
    except StorageError as error:
        title = "History cannot be read"
        raise Problem(503, "history_unreadable", title, error.problem) from error


def _with_plus(request: AnyRequest, name: str) -> str:
    """Return a parameter in which an unescaped `+`, as of an offset, is still a `+`."""
    raw = str(request.url.query).replace("+", "%2B")
    return dict(parse_qsl(raw)).get(name, "")
