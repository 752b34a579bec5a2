"""One service over time, who needs whom, past events, and what was attained."""

import asyncio
from collections.abc import Mapping, Sequence
from urllib.parse import quote, urlencode

from litestar import MediaType, Request, Response, get
from litestar.datastructures import State
from litestar.params import FromPath

from ops_ui.answers import (
    Agents,
    Attained,
    Container,
    LabelledAgents,
    OneAgent,
    Span,
    Targets,
    Timeline,
)
from ops_ui.formats import instant_of
from ops_ui.frame import past_frame
from ops_ui.incidents import (
    IncidentCard,
    Incidents,
    Told,
    evidence_href,
    just_after,
    see_days,
    see_incidents,
)
from ops_ui.mission_control_client import HTTP_NOT_FOUND, Missed
from ops_ui.pictures import see_burn, see_map
from ops_ui.rendering import MAX_AT, Pages, asked_of, older_of, pages_of, query_of
from ops_ui.service_rows import shown_state
from ops_ui.strips import DAY_STEP, MONTH_STEP, missing_strip, strips_of
from ops_ui.time_machine import ask_time_machine

_DAY_SECONDS, _MONTH_SECONDS = 86_400, 30 * 86_400
_SEGMENTS = 20
_FILTERS = ("agent", "since", "until", "cursor", "limit")


@get("/service/{agent_name:str}", media_type=MediaType.HTML)
async def service(
    state: State, request: Request[object, object, State], agent_name: FromPath[str]
) -> Response[str]:
    """Show one service: who it is, how it is and was, and every answer that it gave."""
    pages, name = pages_of(state), agent_name[:128]
    ask = pages.client.ask
    at = str(request.query_params.get("at", ""))[:MAX_AT]
    asked = f"?{urlencode({'at': at})}" if at else ""
    found = await ask(f"/api/v1/agents/{quote(name, safe='')}{asked}", OneAgent)
    if isinstance(found, Missed):
        return await _missed(pages, found, "This service")
    day, month, slo, floor, machine = await asyncio.gather(
        ask(_timeline(name, DAY_STEP, at, found.ts, _DAY_SECONDS), Timeline),
        ask(_timeline(name, MONTH_STEP, at, found.ts, _MONTH_SECONDS), Timeline),
        ask("/api/v1/slo", Targets),
        ask(f"/api/v1/agents{asked}", Agents),
        ask_time_machine(pages.client, at),
    )
    services = () if isinstance(slo, Missed) else slo.services
    near = see_map(floor.agents, name) if isinstance(floor, Agents) else None
    return pages.render_in(
        past_frame(found.ts, found.label, pages.client.label) if at else await pages.frame(),
        "service.html",
        label=found.label,
        agent=found.agent,
        shown=shown_state(found.agent),
        day=strips_of(day, "last 24 hours").get(name, missing_strip(day)),
        month=strips_of(month, "last 30 days", marked=False).get(name, missing_strip(month)),
        segments=_recent_segments(day),
        attained=next((s for s in services if s.agent_name == name), None),
        no_container=[Container.model_validate({})],
        at=at,
        near=near if near and near.nodes else None,
        evidence=_evidence_of(found),
        machine=machine,
    )


def _evidence_of(found: OneAgent) -> str:
    """Return where the evidence of a service's incident is; empty where it is as expected."""
    agent = found.agent
    named = " ".join([*(r.code for r in agent.reasons[:1]), agent.agent_name])
    return "" if agent.expected is True else evidence_href(agent.since, found.ts, named)


@get("/map", media_type=MediaType.HTML)
async def floor_map(state: State, request: Request[object, object, State]) -> Response[str]:
    """Show which service needs which, now or with `?at=` as it was."""
    pages = pages_of(state)
    at = str(request.query_params.get("at", ""))[:MAX_AT]
    asked = query_of({"at": at}) if at else ""
    found, machine = await asyncio.gather(
        pages.client.ask(f"/api/v1/agents{asked}", LabelledAgents),
        ask_time_machine(pages.client, at),
    )
    if isinstance(found, Missed):
        return await _missed(pages, found, "The map")
    frame = past_frame(found.ts, found.label, pages.client.label) if at else await pages.frame()
    shown = see_map(found.agents)
    return pages.render_in(
        frame,
        "map.html",
        map=shown,
        agents=[(a, shown_state(a)) for a in found.agents],
        at=at,
        machine=machine,
        label=found.label,
    )


def _timeline(name: str, step: int, at: str, ts: str, seconds: int) -> str:
    """
    Return the path of so many seconds that end at the page's own instant.

    `at` is passed on as it was written: only Mission Control knows what a time without zone is.
    """
    until = instant_of(ts)
    asked = {"agent": name, "step": str(step)}
    if until is not None:
        begin = until.timestamp() - seconds
        asked["from"] = until.fromtimestamp(begin, until.tzinfo).isoformat()
        asked["to"] = at or until.isoformat()
    return f"/api/v1/timeline?{urlencode(asked)}"


def _recent_segments(timeline: Timeline | Missed) -> Sequence[Span]:
    if isinstance(timeline, Missed) or not timeline.agents:
        return ()
    return timeline.agents[0].segments[::-1][:_SEGMENTS]


async def _missed(pages: Pages, missed: Missed, what: str) -> Response[str]:
    if missed.status == HTTP_NOT_FOUND:
        heading = f"? UNKNOWN: {what.lower()} is not known"
        text = "It is not in the inventory, or it was not watched at that time."
        return await pages.render("message.html", 404, heading=heading, text=text)
    return await pages.missed(missed, f"{what} could not be read")


@get("/events", media_type=MediaType.HTML)
async def events(state: State, request: Request[object, object, State]) -> Response[str]:
    """Show what happened, newest first."""
    pages, asked = pages_of(state), asked_of(request, _FILTERS)
    found = await pages.client.ask(f"/api/v1/events{query_of(asked)}", Told)
    if isinstance(found, Missed):
        return await _missed(pages, found, "What happened")
    incidents = await _incidents_of(pages, found, asked) if "agent" not in asked else ()
    missed = incidents.detail if isinstance(incidents, Missed) else ""
    cards = () if isinstance(incidents, Missed) else incidents
    return await pages.render(
        "events.html",
        label=found.label,
        days=see_days(found.events, cards),
        missed=missed,
        asked=sorted((k, v) for k, v in asked.items() if k not in {"cursor", "limit"}),
        older=older_of("/events", asked, found.next_cursor),
    )


async def _incidents_of(
    pages: Pages, told: Told, asked: Mapping[str, str]
) -> Sequence[IncidentCard] | Missed:
    """Return the incidents of the time of a page of events; that of the first ends now."""
    if not told.events:
        return ()
    newest = "cursor" not in asked and "until" not in asked
    period = {"from": told.events[-1].ts} | (
        {} if newest else {"to": just_after(told.events[0].ts)}
    )
    found = await pages.client.ask(f"/api/v1/incidents{query_of(period)}", Incidents)
    return found if isinstance(found, Missed) else see_incidents(found, until_now=newest)


@get("/slo", media_type=MediaType.HTML)
async def slo(state: State) -> Response[str]:
    """Show what services attained, and what is left of their budgets."""
    pages = pages_of(state)
    found = await pages.client.ask("/api/v1/slo", Targets)
    if isinstance(found, Missed):
        return await _missed(pages, found, "What was attained")
    rows = [(each, see_burn(each, found.until)) for each in _worst_first(found.services)]
    return await pages.render("slo.html", targets=found, services=rows)


def _worst_first(services: Sequence[Attained]) -> Sequence[Attained]:
    """Sort services: those that missed their target, those without a verdict, then by name."""
    rank = {False: 0, None: 1, True: 2}
    return sorted(services, key=lambda s: (s.target is None, rank[s.met], s.agent_name))
