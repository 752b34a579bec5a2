"""The page of alerts: what is open, what would have paged, what became of them, and channels."""

import asyncio
from collections.abc import Mapping

from litestar import MediaType, Request, Response, get
from litestar.datastructures import State

from ops_ui.alert_answers import AlertHistory, Alerts
from ops_ui.alerts import see_alerts, would_have_paged
from ops_ui.mission_control_client import Missed
from ops_ui.rendering import asked_of, older_of, pages_of, query_of

_API = "/api/v1/alerts"
_FILTERS = ("fingerprint", "since", "until", "cursor", "delivery_cursor", "limit")


@get("/alerts", media_type=MediaType.HTML)
async def alerts(state: State, request: Request[object, object, State]) -> Response[str]:
    """Show what is open, what would have paged, what became of alerts, and the channels."""
    pages, asked = pages_of(state), asked_of(request, _FILTERS)
    found, history = await asyncio.gather(
        pages.client.ask(_API, Alerts),
        pages.client.ask(f"{_API}/history{query_of({'limit': '50', **asked})}", AlertHistory),
    )
    if isinstance(history, Missed) and history.is_mistake and history.told:
        return await pages.missed(history, "")
    past = None if isinstance(history, Missed) else history
    return await pages.render(
        "alerts.html",
        view=see_alerts(found),
        past=past,
        held=would_have_paged(past.transitions) if past else (),
        trouble=history.told or history.detail if isinstance(history, Missed) else "",
        asked=sorted((k, v) for k, v in asked.items() if "cursor" not in k and k != "limit"),
        older=older_of("/alerts", asked, past.next_cursor) if past else None,
        older_deliveries=_older_deliveries(asked, past),
    )


def _older_deliveries(asked: Mapping[str, str], past: AlertHistory | None) -> str | None:
    cursor = past.next_delivery_cursor if past else None
    return None if cursor is None else "/alerts" + query_of({**asked, "delivery_cursor": cursor})
