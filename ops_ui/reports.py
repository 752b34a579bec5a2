"""Readiness, deploy reports and the attestation of a session. What is missing is never GO."""

import asyncio
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from litestar import MediaType, Request, Response, get
from litestar.datastructures import State

from ops_ui.access.pages import sign_in_of
from ops_ui.lanes import Lanes, see_lanes
from ops_ui.mission_control_client import HTTP_NOT_FOUND, Missed
from ops_ui.record_answers import (
    Attestation,
    Check,
    Comparison,
    Matter,
    NoExecution,
    Proof,
    Readiness,
    Report,
    Reports,
)
from ops_ui.rendering import Pages, asked_of, pages_of, query_of
from ops_ui.word_diff import see_changes

_WORST_FIRST = {"FAIL": 0, "UNKNOWN": 1, "PASS": 2, "NOT_APPLICABLE": 3}
_GLYPHS = {"PASS": "●", "FAIL": "■", "UNKNOWN": "?", "NOT_APPLICABLE": "○"}
_MAX_REFERENCE = 200


@dataclass(frozen=True, slots=True)
class CheckRow:
    """One check of readiness; it `stops` a GO, or only `warns`."""

    check: Check
    glyph: str
    stops: bool
    warns: bool

    @property
    def anchor(self) -> str:
        """Return its place on the page."""
        return f"check-{self.check.code or self.check.name}"


@dataclass(frozen=True, slots=True)
class CheckGroup:
    """The checks of one subject, worst first; `look` is the end of a CSS class."""

    title: str
    look: str
    checks: tuple[CheckRow, ...]

    @property
    def open(self) -> tuple[CheckRow, ...]:
        """Return what is shown at once: everything that stops a GO, or warns."""
        return tuple(c for c in self.checks if c.stops or c.warns)

    @property
    def folded(self) -> tuple[CheckRow, ...]:
        """Return what is as it should be, or does not apply."""
        return tuple(c for c in self.checks if not (c.stops or c.warns))


_GROUPS = {
    "1": "Change control",
    "2": "Build",
    "3": "Cluster",
    "4": "Safety",
    "5": "Services",
    "6": "Infrastructure",
    "7": "Evidence and ourselves",
}
_OTHERS = "Other checks"


@dataclass(frozen=True, slots=True)
class ReadinessView:
    """The verdict of this moment; `look` is a CSS class, `checks` are worst first."""

    look: str
    glyph: str
    word: str
    detail: str
    label: str = ""
    checks: tuple[CheckRow, ...] = ()
    groups: tuple[CheckGroup, ...] = ()
    report: Report | None = None
    report_path: str = ""
    is_old: bool = False

    @property
    def stopping(self) -> tuple[CheckRow, ...]:
        """Return the checks that say NO."""
        return tuple(c for c in self.checks if c.stops)


@get("/readiness", media_type=MediaType.HTML)
async def readiness(state: State) -> Response[str]:
    """Show whether this session may run, and every check."""
    pages = pages_of(state)
    found = await pages.client.ask("/api/v1/readiness/latest", Readiness)
    if isinstance(found, Missed):
        view = ReadinessView("failure-garbage", "?", "NO-GO (not known)", found.detail)
        return await pages.render("readiness.html", 502, view=view)
    return await pages.render("readiness.html", view=_see_readiness(found))


def _see_readiness(found: Readiness) -> ReadinessView:
    rows = [_check_row(c) for c in found.report.checks] if found.report else []
    rows.sort(key=lambda r: (not r.stops, _WORST_FIRST.get(r.check.status, 1), r.check.code))
    current = found.report_is_current is True
    look, glyph, word = "halted", "■", f"NO-GO {found.code}".strip()
    if found.verdict == "GO":
        look, glyph, word = "ok", "●", "GO"
    ready = found.report is not None and found.report.otherwise_ready is True
    if found.code == "SESSION_CLOSED" and current and ready:
        look, glyph = "closed", "◐"
    return ReadinessView(
        look,
        glyph,
        word,
        found.detail,
        found.label,
        tuple(rows),
        tuple(_groups(rows)),
        found.report,
        found.report_path,
        is_old=not current,
    )


def _groups(rows: Sequence[CheckRow]) -> Iterator[CheckGroup]:
    """Group checks by the hundred of their code; groups that stop a GO come first."""
    by_title = dict[str, list[CheckRow]]()
    for row in rows:
        hundred = row.check.code.removeprefix("RC-")[:1]
        by_title.setdefault(_GROUPS.get(hundred, _OTHERS), []).append(row)
    looks = {
        title: "stop"
        if any(r.stops for r in held)
        else "warn"
        if any(r.warns for r in held)
        else ""
        for title, held in by_title.items()
    }
    order = [*_GROUPS.values(), _OTHERS]
    rank = {"stop": 0, "warn": 1, "": 2}
    for title in sorted(by_title, key=lambda t: (rank[looks[t]], order.index(t))):
        yield CheckGroup(title, looks[title], tuple(by_title[title]))


def _check_row(check: Check) -> CheckRow:
    worse, blocks = check.status not in {"PASS", "NOT_APPLICABLE"}, check.blocks is not False
    glyph = _GLYPHS.get(check.status, "?")
    return CheckRow(check, glyph, stops=worse and blocks, warns=worse and not blocks)


@get("/deploys", media_type=MediaType.HTML)
async def deploys(state: State) -> Response[str]:
    """Show recorded deploy reports, the newest whole."""
    pages = pages_of(state)
    found = await pages.client.ask("/api/v1/reports/deploy", Reports)
    if isinstance(found, Missed):
        return await pages.missed(found, "Deploy reports could not be read")
    newest, changed = await asyncio.gather(
        pages.client.markdown("/api/v1/reports/deploy/latest"),
        pages.client.ask("/api/v1/reports/diff", Comparison),
    )
    trouble = newest.detail if isinstance(newest, Missed) else ""
    shown = None
    if isinstance(newest, str):
        shown = await pages.renderer.show("deploy_report.md", newest.encode())
    compared = None if isinstance(changed, Missed) else changed
    return await pages.render(
        "deploys.html",
        found=found,
        shown=shown,
        trouble=trouble,
        compared=compared,
        cards=see_changes(compared.changes or ()) if compared else (),
        gaps=gaps_of(compared) if compared else (),
    )


@get("/deploys/diff", media_type=MediaType.HTML)
async def deploys_diff(state: State, request: Request[object, object, State]) -> Response[str]:
    """Show what changed between two recorded deploy reports."""
    return await show_comparison(
        pages_of(state), request, "/api/v1/reports/diff", "diff.html", "reports"
    )


async def show_comparison(
    pages: Pages, request: Request[object, object, State], path: str, template: str, what: str
) -> Response[str]:
    """Show what differs between the two records in a page's address."""
    asked = asked_of(request, ("from", "to"), _MAX_REFERENCE)
    found = await pages.client.ask(path + query_of(asked), Comparison)
    if isinstance(found, Missed):
        heading = "These two could not be compared"
        if found.status != HTTP_NOT_FOUND:
            return await pages.missed(found, heading)
        text = f"Two recorded {what} are needed. {found.told or found.detail}"
        return await pages.render("message.html", 404, heading=heading, text=text)
    clusters = found.clusters
    if clusters is None:
        clusters = "Mission Control did not say whether both are of one cluster"
    cards = see_changes(found.changes or ())
    return await pages.render(
        template, found=found, clusters=clusters, gaps=gaps_of(found), cards=cards
    )


def gaps_of(found: Comparison) -> Sequence[str]:
    """Return what was not compared; what was not sent was not compared."""
    if found.gaps is not None and found.changes is not None:
        return found.gaps
    return ("Mission Control did not say what it compared",)


_MOST_VALUES = 6
_WHOLE = 100.0
_CLEAN = "NO_EXECUTION_OBSERVED"
_WORDS = {
    "EXECUTION_OBSERVED": ("bad", "■", "EXECUTION OBSERVED"),
    "NO_EXECUTION_OBSERVED_WITH_GAPS": ("warn", "▲", "No execution observed, WITH GAPS"),
    "NOT_OBSERVED": ("bad", "?", "NOT OBSERVED"),
}


@dataclass(frozen=True, slots=True)
class MatterRow:
    """One fact about one subject, with the values that it had, in their order."""

    matter: Matter
    values: Sequence[str]

    @property
    def why(self) -> str:
        """Return why it was not seen at first; empty where it was seen all the time."""
        return self.matter.gaps[0].unobserved if self.matter.gaps else ""


@dataclass(frozen=True, slots=True)
class AttestationView:
    """A session's attestation; `look` is a CSS class, `trouble` says why there is none."""

    look: str
    glyph: str
    word: str
    trouble: str = ""
    label: str = ""
    found: NoExecution | None = None
    matters: tuple[MatterRow, ...] = ()
    lanes: Lanes | None = None


@get("/attestation", media_type=MediaType.HTML)
async def attestation(state: State, request: Request[object, object, State]) -> Response[str]:
    """Show whether anything of execution was seen in a session, and for how much of it."""
    pages, asked = pages_of(state), asked_of(request, ("session",), len("2026-11-18"))
    path = f"/api/v1/attestation/no-execution{query_of(asked)}"
    found = await pages.client.ask(path, NoExecution)
    if not isinstance(found, Missed):
        return await pages.render("attestation.html", view=_see_attestation(found))
    if found.is_mistake:
        return await pages.missed(found, "")
    status, view = 502, AttestationView("bad", "?", "NOT KNOWN", trouble=found.detail)
    if found.status == HTTP_NOT_FOUND:
        status, view = 404, AttestationView("bad", "?", "NOT ATTESTED")
    return await pages.render("attestation.html", status, view=view)


def _see_attestation(found: NoExecution) -> AttestationView:
    """Turn a recorded attestation into a page; only one that is whole in every part is clean."""
    if not found.model_fields_set:
        return AttestationView("bad", "?", "NOT ATTESTED")
    held = found.attestation
    if held is None:
        return AttestationView("bad", "?", "NOT KNOWN", label=found.label, found=found)
    look, glyph, word = _WORDS.get(held.conclusion, ("bad", "?", "NOT KNOWN"))
    if _is_clean(held):
        look, glyph, word = "fine", "●", "No execution observed"
    label = found.label or held.label
    matters = tuple(map(_matter, held.matters))
    return AttestationView(look, glyph, word, "", label, found, matters, see_lanes(held))


def _is_clean(held: Attestation) -> bool:
    nothing = held.gaps == () and held.signs == ()
    return held.conclusion == _CLEAN and nothing and held.observed_percent == _WHOLE


def _matter(matter: Matter) -> MatterRow:
    spans = sorted((v for s in matter.sources for v in s.spans), key=lambda v: v.since)
    values = list(dict.fromkeys(str(v.value) for v in spans if v.value is not None))
    return MatterRow(matter, values[:_MOST_VALUES] + ["…"] * (len(values) > _MOST_VALUES))


@get("/read-only", media_type=MediaType.HTML)
async def read_only(state: State) -> Response[str]:
    """Show the live proof that nothing here writes."""
    pages = pages_of(state)
    proof = await pages.client.ask("/api/v1/attestation/read-only", Proof)
    if isinstance(proof, Missed):
        return await pages.missed(proof, "The proof could not be read")
    sign_in = sign_in_of(state)
    posted_to = sign_in.issuer.posted_to if sign_in is not None else ""
    return await pages.render("read_only.html", proof=proof, posted_to=posted_to)
