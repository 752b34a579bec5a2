"""Decide: how the durable copy stands now, from its newest report; nothing missing is well."""

from collections.abc import Mapping
from datetime import datetime, timedelta
from typing import Any, cast

from mission_control.model.durable_copy import CopyStanding, CopyState, Pending

LAGS_AFTER = timedelta(hours=30)
"""It runs daily; what was recorded longer ago than this and is not copied, lags."""

CLOCKS_DIFFER = timedelta(minutes=5)
"""Two machines' clocks may; what is of a later instant than this was never recorded so."""

Document = Mapping[str, Any]


def judge_copy(
    configured: str, newest: Document | None, pending: Pending | None, now: datetime
) -> CopyState:
    """
    Say how the copy stands: `configured` is its destination, empty where there is none.

    `newest` is the newest recorded report as a document, also of an older version: what it does
    not say counts as bad news. `pending` is the oldest line that the report does not call
    verified, None where there is no such line; one of unknown age is never young.
    """
    since = pending.since if pending else None
    if not configured:
        return CopyState(CopyStanding.NOT_CONFIGURED, "no durable copy is configured")
    if newest is None or newest.get("destination") != configured:
        elsewhere = "" if newest is None else "; the newest copy went elsewhere"
        detail = f"nothing was copied to {configured} yet{elsewhere}"
        return CopyState(CopyStanding.NEVER_RUN, detail, since)
    standing, detail = (
        _trouble(newest)
        or _lag(pending, now)
        or _caution(newest)
        or (CopyStanding.COPIED, f"every line up to {newest.get('verified_through')} is there")
    )
    return CopyState(standing, detail, since)


def _lag(pending: Pending | None, now: datetime) -> tuple[CopyStanding, str] | None:
    if pending is None:
        return None
    line = f"line {pending.seq} is not copied"
    if pending.since is None:
        return CopyStanding.LAGGING, f"{line}, and cannot be read: since when is unknown"
    if pending.since > now + CLOCKS_DIFFER:
        return CopyStanding.LAGGING, f"{line}, and is of an instant that is still to come"
    if now - pending.since <= LAGS_AFTER:
        return None
    hours = LAGS_AFTER.total_seconds() / 3600
    return CopyStanding.LAGGING, f"what was recorded more than {hours:g} hours ago is not copied"


def _caution(newest: Document) -> tuple[CopyStanding, str] | None:
    cautions = newest.get("cautions")
    if cautions == []:
        return None
    listed = cast("list[object]", cautions) if isinstance(cautions, list) else []
    detail = "; ".join(map(str, listed)) or "the newest report does not say what to mind"
    return CopyStanding.DOUBTFUL, detail


def _trouble(newest: Document) -> tuple[CopyStanding, str] | None:
    problems, failure = newest.get("problems_found"), newest.get("failure")
    if newest.get("contradicted") is not False:
        return CopyStanding.CONTRADICTED, f"{_first(newest)} (problems: {problems})"
    if failure != "":
        return CopyStanding.FAILED, str(failure or "the newest report does not say how it ended")
    if problems != 0:
        return CopyStanding.FAILED, f"{_first(newest)} (problems: {problems})"
    if newest.get("complete") is not True:
        return CopyStanding.FAILED, "the newest copy did not reach the end of the ledger"
    return None


def _first(newest: Document) -> str:
    problems = newest.get("problems")
    listed = cast("list[object]", problems) if isinstance(problems, list) else []
    if not listed or not isinstance(listed[0], Mapping):
        return "the newest report does not say what is wrong"
    worst = cast("Document", listed[0])
    return f"{worst.get('kind')} {worst.get('path')}: {worst.get('detail')}"
