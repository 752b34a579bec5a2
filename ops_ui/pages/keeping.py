"""Pages: how what was recorded is kept: its durable copy and retention; nothing missing is well."""

from collections.abc import Mapping, Sequence
from typing import cast

from ops_ui.mission_control_client import Document
from ops_ui.pages.artifacts import Badge

_STANDINGS = {
    "COPIED": ("fine", "●", "Copied"),
    "NOT_CONFIGURED": ("warn", "▲", "NO DURABLE COPY"),
    "NEVER_RUN": ("warn", "▲", "NOT COPIED YET"),
    "LAGGING": ("warn", "▲", "COPY LAGS"),
    "DOUBTFUL": ("warn", "▲", "COPY IN DOUBT"),
    "FAILED": ("bad", "■", "COPY FAILED"),
    "CONTRADICTED": ("bad", "■", "COPY NOT INTACT"),
}
_UNKNOWN = ("bad", "?", "COPY NOT KNOWN")


def copy_badge(document: Document) -> Badge:
    """Say how the durable copy stands; only one that says COPIED and fine is well."""
    told = _mapping(document.get("durable_copy"))
    look, glyph, word = _STANDINGS.get(str(told.get("standing")), _UNKNOWN)
    if look == "fine" and told.get("fine") is not True:
        look, glyph, word = _UNKNOWN
    parts = [word, _text(told.get("detail")), *_reach(told)]
    return Badge(look, glyph, " · ".join(part for part in parts if part))


def _reach(told: Document) -> Sequence[str]:
    """Say how much is copied, up to which line, and since when the rest waits."""
    found = list[str]()
    if isinstance(told.get("destination"), str):
        found.append(f"to {told['destination']}")
    if isinstance(told.get("runs_copied"), int):
        found.append(f"runs: {told['runs_copied']}, bytes: {told.get('bytes_copied', '?')}")
    if isinstance(told.get("verified_through"), int):
        head = told.get("head_seq", "?")
        found.append(f"verified through line {told['verified_through']} of {head}")
    if isinstance(told.get("lags_since_et"), str):
        found.append(f"waiting since {told['lags_since_et']}")
    if isinstance(told.get("last_run_at_et"), str):
        found.append(f"last run {told['last_run_at_et']}")
    return found


def retention_badge(document: Document) -> Badge:
    """Say how much is kept, as the newest report says."""
    told = _mapping(document.get("retention"))
    detail = _text(told.get("detail"))
    if told.get("fine") is True and detail:
        return Badge("fine", "●", f"Kept · {detail}")
    if not detail:
        return Badge("bad", "?", "RETENTION NOT KNOWN")
    return Badge("warn", "▲", f"RETENTION · {detail}")


def copy_problems(document: Document) -> Sequence[Document]:
    """Give what is wrong with the durable copy, as the newest run names it."""
    problems = _mapping(document.get("durable_copy")).get("problems")
    found = cast("list[object]", problems) if isinstance(problems, list) else []
    return [cast("Document", p) for p in found if isinstance(p, Mapping)]


def report_paths(document: Document) -> Mapping[str, str]:
    """Give where the newest reports of both are shown; what is not told is left out."""
    found = dict[str, str]()
    for what, name in (("durable_copy", "durable_copy.md"), ("retention", "retention_report.md")):
        run = _mapping(document.get(what)).get("last_run")
        if isinstance(run, str):
            found[what] = f"{run}/{name}"
    return found


def _mapping(value: object) -> Document:
    return cast("Document", value) if isinstance(value, Mapping) else {}


def _text(value: object) -> str:
    return value if isinstance(value, str) else ""
