"""The page of alerts, and a runbook filled with what is known of its incident."""

import asyncio
from collections.abc import Mapping
from urllib.parse import quote

from litestar import MediaType, Request, Response, get
from litestar.datastructures import State
from litestar.params import FromPath

from ops_ui.alert_answers import AlertHistory, Alerts
from ops_ui.alerts import (
    Incident,
    fill_commands,
    find_incident,
    plain_fingerprint,
    see_alerts,
    would_have_paged,
)
from ops_ui.answers import OneAgent
from ops_ui.mission_control_client import Missed
from ops_ui.rendering import Pages, asked_of, older_of, pages_of, query_of

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


@get("/runbooks/{code:str}", media_type=MediaType.HTML)
async def runbook(
    state: State, request: Request[object, object, State], code: FromPath[str]
) -> Response[str]:
    """Show a runbook, without any HTML of its own; with `?alert=` filled with its facts."""
    pages = pages_of(state)
    named = code.removesuffix(".md")  # as pages link each other, also in the repository
    plain = "".join(c for c in named if c.isalnum() or c == "_")[:64]
    text = await pages.client.markdown(f"/api/v1/runbooks/{plain}")
    if text is None:
        return await pages.render("message.html", 404, heading="No such runbook", text=plain)
    if isinstance(text, Missed):
        return await pages.missed(text, "The runbook could not be read")
    fingerprint = plain_fingerprint(str(request.query_params.get("alert", "")))
    incident = await _incident(pages, fingerprint) if fingerprint else None
    filled = await _filled(pages, text, plain, incident) if incident else text
    shown = await pages.renderer.show(f"{plain}.md", filled.encode())
    return await pages.render(
        "runbook.html",
        code=plain,
        shown=shown,
        incident=incident,
        asked=fingerprint,
        filled=filled != text,
    )


async def _incident(pages: Pages, fingerprint: str) -> Incident | None:
    query = query_of({"fingerprint": fingerprint, "limit": "20"})
    found, history = await asyncio.gather(
        pages.client.ask(_API, Alerts),
        pages.client.ask(f"{_API}/history{query}", AlertHistory),
    )
    return find_incident(found, history, fingerprint)


async def _filled(pages: Pages, text: str, code: str, incident: Incident) -> str:
    """Fill in the service that an incident is about, where it is one of the inventory."""
    subject = incident.row.alert.subject
    found = await pages.client.ask(f"/api/v1/agents/{quote(subject, safe='')}", OneAgent)
    if isinstance(found, Missed) or found.agent.agent_name != subject:
        return text
    return fill_commands(text, code, subject, found.agent.service_dns)
