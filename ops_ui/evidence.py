"""The page of evidence: which stretch of time, what is known of it, and the bundle to take away."""

import asyncio
import logging
import shlex
from collections.abc import AsyncGenerator, Iterator
from contextlib import AsyncExitStack
from dataclasses import dataclass
from datetime import date, timedelta

import httpx
from litestar import MediaType, Request, Response, get
from litestar.background_tasks import BackgroundTask
from litestar.datastructures import State
from litestar.response import Stream

from ops_ui.answers import (
    Agents,
    Count,
    Counted,
    Flag,
    Labelled,
    Listed,
    Part,
    Text,
    TextIfSent,
)
from ops_ui.formats import instant_of, new_york_input
from ops_ui.incidents import AROUND
from ops_ui.mission_control_client import HTTP_OK, Missed, missed_by
from ops_ui.rendering import Pages, asked_of, pages_of, query_of

_API = "/api/v1/evidence"
_ASKED = ("from", "to", "incident")
MOST_ASKED = 500
BACK = timedelta(days=14)
"""Incidents and sessions of so long ago are offered."""
MOST_GAPS = 10
PATIENCE_SECONDS = 20.0
"""A preview of a month reads all that was recorded in it."""

log = logging.getLogger("ops_ui")


class _Gap(Part):
    what: Text
    reason: Text


class Source(Part):
    """One source; what is not said of it is not known, and never whole."""

    source: Text
    expected: Count
    obtained: Count
    unit: Text
    whole: Flag
    gaps: Listed[_Gap]

    @property
    def shown(self) -> tuple[_Gap, ...]:
        """Return the first gaps; how many more there are is counted."""
        return self.gaps[:MOST_GAPS]


class Preview(Labelled):
    """What a bundle would hold."""

    since: str
    until: str
    since_et: Text
    until_et: Text
    incident: Text
    name: Text
    size: Count
    exact: Flag
    changes: Count
    whole: Flag
    first: Text
    sources: Counted[Source]


class _Incident(Part):
    begin: Text
    end: TextIfSent
    severity: Text
    sentence: Text


class _Incidents(Labelled):
    until: Text
    incidents: Listed[_Incident]
    cut: Flag


class _Session(Part):
    session_date: Text
    early_close: Flag


class _Sessions(Labelled):
    sessions: Listed[_Session]


@dataclass(frozen=True, slots=True)
class Choice:
    """A stretch of time that is offered: what it is, and the address that chooses it."""

    title: str
    note: str
    href: str
    bad: bool = False


@dataclass(frozen=True, slots=True)
class Chosen:
    """
    What was chosen, as the form has it; `preview` is None where nothing was or it is not known.

    `trouble` says why it is not. `commands` make, verify and decide again the same bundle.
    """

    since: str = ""
    until: str = ""
    incident: str = ""
    preview: Preview | None = None
    trouble: str = ""
    download: str = ""
    commands: tuple[tuple[str, str], ...] = ()

    @property
    def size(self) -> str:
        """Return how large it would be, for people."""
        found = self.preview
        if found is None or found.size is None:
            return "not known"
        return f"{'' if found.exact is True else 'about '}{size_text(found.size)}"


@dataclass(frozen=True, slots=True)
class Offered:
    """Incidents and sessions to choose from; `trouble` says what of it is not known."""

    incidents: tuple[Choice, ...] = ()
    sessions: tuple[Choice, ...] = ()
    trouble: tuple[str, ...] = ()
    cut: bool = False


@get("/evidence", media_type=MediaType.HTML)
async def evidence(state: State, request: Request[object, object, State]) -> Response[str]:
    """Offer incidents and sessions; show what a bundle of a chosen time would hold."""
    pages, asked = pages_of(state), asked_of(request, _ASKED, MOST_ASKED)
    offered, chosen = await asyncio.gather(_offered(pages), _chosen(pages, dict(asked)))
    return await pages.render("evidence.html", offered=offered, chosen=chosen)


async def _chosen(pages: Pages, asked: dict[str, str]) -> Chosen:
    if not asked.get("from"):
        return Chosen(incident=asked.get("incident", ""))
    found = await pages.client.ask(f"{_API}/preview{query_of(asked)}", Preview, PATIENCE_SECONDS)
    if isinstance(found, Missed):
        since, until = (_as_input(asked.get(name, "")) for name in ("from", "to"))
        trouble = found.told or found.detail
        return Chosen(since, until, asked.get("incident", ""), trouble=trouble)
    wanted = {"from": found.since, "to": found.until}
    if found.incident:
        wanted["incident"] = found.incident
    return Chosen(
        new_york_input(found.since),
        new_york_input(found.until),
        found.incident,
        found,
        download="/evidence/download" + query_of(wanted),
        commands=tuple(_commands(found)),
    )


def _as_input(text: str) -> str:
    """Return a time as a form has it; what is no instant with a zone as it was written."""
    return new_york_input(text) or text


def _commands(found: Preview) -> Iterator[tuple[str, str]]:
    """Return the command lines for the same bundle, safe to paste into a shell."""
    name = shlex.quote(found.name)
    incident = f" --incident {shlex.quote(found.incident)}" if found.incident else ""
    window = f"--from {shlex.quote(found.since)} --to {shlex.quote(found.until)}"
    yield "Make it", f"mission-control evidence export {window}{incident} -o {name}"
    yield "Verify it", f"mission-control evidence verify {name}"
    yield "Decide it again", f"mission-control evidence redecide {name}"


def size_text(size: int) -> str:
    """Write a number of bytes for people."""
    for unit, width in (("GiB", 2**30), ("MiB", 2**20), ("KiB", 2**10)):
        if size >= width:
            return f"{size / width:.1f} {unit}"
    return f"{size} bytes"


async def _offered(pages: Pages) -> Offered:
    agents = await pages.client.ask("/api/v1/agents", Agents)
    now = instant_of(pages.client.time)
    if isinstance(agents, Missed) or now is None:
        why = agents.told or agents.detail if isinstance(agents, Missed) else "no time was told"
        return Offered(trouble=(f"Incidents and sessions are not known: {why}",))
    since = (now - BACK).isoformat()
    first = agents.agents[0].agent_name if agents.agents else ""
    incidents, sessions = await asyncio.gather(
        pages.client.ask(f"/api/v1/incidents{query_of({'from': since})}", _Incidents),
        pages.client.ask(f"/api/v1/timeline{query_of({'agent': first, 'from': since})}", _Sessions),
    )
    trouble = tuple(
        f"{what} are not known: {found.told or found.detail}"
        for what, found in (("Incidents", incidents), ("Sessions", sessions))
        if isinstance(found, Missed)
    )
    return Offered(
        () if isinstance(incidents, Missed) else tuple(map(_of_incident, incidents.incidents)),
        () if isinstance(sessions, Missed) else tuple(_of_sessions(sessions)),
        trouble,
        not isinstance(incidents, Missed) and incidents.cut is not False,
    )


def _of_incident(incident: _Incident) -> Choice:
    begin, end = instant_of(incident.begin), instant_of(incident.end)
    asked = {"incident": incident.sentence[:MOST_ASKED]}
    if begin is not None:
        asked["from"] = (begin - AROUND).isoformat()
    if end is not None:
        asked["to"] = (end + AROUND).isoformat()
    title = f"{incident.severity} {incident.sentence}".strip()
    return Choice(title, incident.begin, "/evidence" + query_of(asked), end is None)


def _of_sessions(found: _Sessions) -> Iterator[Choice]:
    """Return the sessions as whole days of New York, the newest first."""
    for session in reversed(found.sessions):
        try:
            on = date.fromisoformat(session.session_date)
        except ValueError:
            continue
        asked = {"from": f"{on}T00:00", "to": f"{on + timedelta(days=1)}T00:00"}
        note = "closes early" if session.early_close is True else ""
        yield Choice(f"{on:%a %d %b %Y}", note, "/evidence" + query_of(asked))


@get("/evidence/download")
async def download(state: State, request: Request[object, object, State]) -> Stream | Response[str]:
    """Pass a bundle on as it is made: nothing of it is kept here."""
    pages, asked = pages_of(state), asked_of(request, _ASKED, MOST_ASKED)
    stack = AsyncExitStack()
    try:
        answer = await stack.enter_async_context(
            pages.client.streamed(f"{_API}{query_of(asked)}", "application/zip")
        )
        if answer.status_code != HTTP_OK:
            missed = await pages.client.problem_in(answer)
            await stack.aclose()
            return await pages.missed(missed, "The bundle could not be made")
    except httpx.HTTPError as error:
        await stack.aclose()
        return await pages.missed(missed_by(error), "The bundle could not be made")
    name = "".join(c for c in _name_in(answer) if c.isalnum() or c in "._-")
    headers = {
        "content-disposition": f'attachment; filename="{name or "evidence.zip"}"',
        "cache-control": "no-store",
    }
    return Stream(
        _relay(answer, stack),
        media_type="application/zip",
        headers=headers,
        background=BackgroundTask(stack.aclose),
    )


def _name_in(answer: httpx.Response) -> str:
    return answer.headers.get("content-disposition", "").partition("filename=")[2].strip('"')[:128]


async def _relay(answer: httpx.Response, stack: AsyncExitStack) -> AsyncGenerator[bytes]:
    """Return the pieces as they arrive; one that breaks off ends the connection, never the file."""
    try:
        async for piece in answer.aiter_raw():
            yield piece
    except httpx.HTTPError as error:
        log.warning("a bundle broke off: %s", type(error).__name__)
        raise
    finally:
        await stack.aclose()
