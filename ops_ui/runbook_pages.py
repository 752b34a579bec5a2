"""The runbooks: an index by subject, and each with what to do now, filled with its incident."""

import asyncio
import re
from collections.abc import Sequence
from dataclasses import dataclass
from urllib.parse import quote

from litestar import MediaType, Request, Response, get
from litestar.datastructures import State
from litestar.params import FromPath

from ops_ui.alert_answers import AlertHistory, Alerts
from ops_ui.alerts import Incident, fill_commands, find_incident, plain_fingerprint
from ops_ui.answers import AgentInFull, Alarm, OneAgent, Posture, Reason
from ops_ui.floor_answers import RunbookEntry, Runbooks
from ops_ui.incidents import evidence_href
from ops_ui.mission_control_client import Missed
from ops_ui.rendering import Pages, pages_of, query_of
from ops_ui.shown_file import FileShown

_ALERTS = "/api/v1/alerts"
_MOST_NAME = 128
_HEADING = re.compile(r"^## +(.+?) *$", re.MULTILINE)
_FIRST_SECTIONS = ("Mitigation",)
"""What a person does comes before what it means."""


@dataclass(frozen=True, slots=True)
class Shelf:
    """The runbooks of one subject."""

    subject: str
    books: tuple[RunbookEntry, ...]


@dataclass(frozen=True, slots=True)
class Facts:
    """
    What is known of a code at a service now; `since` is when it was first so.

    `alarms` are latched, `reason` is what the floor or the service says. `trouble` says what could
    not be read: then nothing is known to be over.
    """

    name: str
    agent: AgentInFull | None
    reason: Reason | None
    alarms: tuple[Alarm, ...]
    now: str
    trouble: str

    @property
    def since(self) -> str:
        """Return when it began, by the earliest source; empty where that is not known."""
        told = [a.since for a in self.alarms if a.since]
        told += [self.reason.since] if self.reason and self.reason.since else []
        return min(told, default="")

    @property
    def is_so(self) -> bool:
        """Return whether the code is at this service now."""
        return self.reason is not None or bool(self.alarms)

    @property
    def evidence(self) -> str:
        """Return where the evidence of it is; empty where its beginning is not known."""
        return evidence_href(self.since, self.now) if self.since else ""


@get("/runbooks", media_type=MediaType.HTML)
async def index(state: State) -> Response[str]:
    """Show every runbook by its subject, with its first step."""
    pages = pages_of(state)
    found = await pages.client.ask("/api/v1/runbooks", Runbooks)
    if isinstance(found, Missed):
        return await pages.missed(found, "The runbooks could not be read")
    return await pages.render("runbooks.html", shelves=see_shelves(found), label=found.label)


def see_shelves(found: Runbooks) -> Sequence[Shelf]:
    """Group runbooks by subject, in the order of the subjects; what has none comes last."""
    subjects = dict.fromkeys((*found.subjects, *(b.subject for b in found.runbooks)))
    shelves = [
        Shelf(subject or "Others", tuple(b for b in found.runbooks if b.subject == subject))
        for subject in sorted(subjects, key=lambda s: s == "")
    ]
    return [shelf for shelf in shelves if shelf.books]


@get("/runbooks/{code:str}", media_type=MediaType.HTML)
async def runbook(
    state: State, request: Request[object, object, State], code: FromPath[str]
) -> Response[str]:
    """Show a runbook, what to do first; `?agent=` or `?alert=` fill it with what is known."""
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
    agent = incident.row.alert.subject if incident else str(request.query_params.get("agent", ""))
    facts = await _facts(pages, plain, agent[:_MOST_NAME])
    filled = _fill(text, plain, facts)
    heading, now, rest = do_now_first(filled)
    return await pages.render(
        "runbook.html",
        code=plain,
        heading=heading.removeprefix(f"{plain}: "),
        now=await _show(pages, plain, now) if now else None,
        shown=await _show(pages, plain, rest),
        incident=incident,
        facts=facts if facts.name or facts.is_so else None,
        asked=fingerprint,
        filled=filled != text,
    )


def _fill(text: str, code: str, facts: Facts) -> str:
    agent = facts.agent
    if agent is None:
        return text
    namespace = agent.workload.namespace if agent.workload else ""
    namespace = "" if namespace == "?" else namespace
    feeds = agent.kind == "marketdata"
    return fill_commands(
        text, code, facts.name, agent.service_dns, feeds=feeds, namespace=namespace
    )


async def _show(pages: Pages, code: str, markdown: str) -> FileShown:
    return await pages.renderer.show(f"{code}.md", markdown.encode())


def do_now_first(markdown: str) -> tuple[str, str, str]:
    """Return a runbook's heading, what to do now without its own heading, and all the rest."""
    first, _, body = markdown.partition("\n")
    parts = _HEADING.split(body)
    now, rest = "", parts[0]
    for title, text in zip(parts[1::2], parts[2::2], strict=True):
        if title in _FIRST_SECTIONS and not now:
            now = text.strip() + "\n"
        else:
            rest += f"## {title}{text}"
    return first.removeprefix("#").strip(), now, rest.strip() + "\n"


async def _incident(pages: Pages, fingerprint: str) -> Incident | None:
    query = query_of({"fingerprint": fingerprint, "limit": "20"})
    found, history = await asyncio.gather(
        pages.client.ask(_ALERTS, Alerts),
        pages.client.ask(f"{_ALERTS}/history{query}", AlertHistory),
    )
    return find_incident(found, history, fingerprint)


async def _facts(pages: Pages, code: str, name: str) -> Facts:
    """Ask what is known of a code now, at this service or, without one, wherever it is."""
    posture = await pages.client.ask("/api/v1/posture", Posture)
    if isinstance(posture, Missed):
        return Facts(name, None, None, (), "", posture.detail)
    alarms = tuple(a for a in posture.alarms or () if a.code == code)
    reason = next((r for r in posture.reasons if r.code == code and name in {"", r.subject}), None)
    name = name or (reason.subject if reason else "")
    found = await pages.client.ask(f"/api/v1/agents/{quote(name, safe='')}", OneAgent)
    agent = None
    if isinstance(found, OneAgent) and found.agent.agent_name == name != "":
        agent = found.agent
        reason = reason or next((r for r in agent.reasons if r.code == code), None)
    own = tuple(a for a in alarms if not name or _is_of(a, name))
    return Facts(name, agent, reason, own, posture.at, "")


def _is_of(alarm: Alarm, name: str) -> bool:
    return name in {alarm.subject, alarm.source.partition(" ")[0]}
