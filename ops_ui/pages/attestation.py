"""Pages: the attestation of a session. Whatever is not said in so many words is not clean."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import cast
from urllib.parse import urlencode

from ops_ui.mission_control_client import Document, Missed

MOST_VALUES = 6
WHOLE = 100.0
_CLEAN = "NO_EXECUTION_OBSERVED"
_WORDS = {
    "EXECUTION_OBSERVED": ("bad", "■", "EXECUTION OBSERVED"),
    "NO_EXECUTION_OBSERVED_WITH_GAPS": ("warn", "▲", "No execution observed, WITH GAPS"),
    "NOT_OBSERVED": ("bad", "?", "NOT OBSERVED"),
}


@dataclass(frozen=True, slots=True)
class AttestationView:
    """A session's attestation; `look` is a CSS class, `trouble` says why there is none."""

    look: str
    glyph: str
    word: str
    trouble: str = ""
    document: Document | None = None
    attestation: Document | None = None
    signs: tuple[Document, ...] = ()
    gaps: tuple[Document, ...] = ()
    facts: tuple[Document, ...] = ()
    matters: tuple[Document, ...] = ()
    sessions: tuple[Document, ...] = ()


def see_attestation(document: Document | Missed) -> AttestationView:
    """Turn a recorded attestation into a page; only one that is whole in every part is clean."""
    if isinstance(document, Missed):
        return AttestationView("bad", "?", "NOT KNOWN", trouble=document.detail)
    if not document:
        return AttestationView("bad", "?", "NOT ATTESTED")
    held = _mapping(document.get("attestation"))
    coverage = _mapping(held.get("coverage"))
    look, glyph, word = _WORDS.get(str(held.get("conclusion")), ("bad", "?", "NOT KNOWN"))
    nothing = held.get("gaps") == [] and held.get("signs") == []
    if held.get("conclusion") == _CLEAN and nothing and coverage.get("observed_percent") == WHOLE:
        look, glyph, word = "fine", "●", "No execution observed"
    return AttestationView(
        look,
        glyph,
        word,
        "",
        document,
        held,
        _each(held.get("signs")),
        _each(held.get("gaps")),
        tuple(f for f in _each(coverage.get("facts")) if f.get("required")),
        tuple(_matter(m) for m in _each(held.get("matters"))),
        _each(document.get("sessions")),
    )


def _matter(matter: Document) -> Document:
    """Give a matter with the values that were told of it, in the order of their telling."""
    spans = [
        (str(span.get("since")), span.get("value"))
        for source in _each(matter.get("sources"))
        for span in _each(source.get("spans"))
    ]
    told = dict.fromkeys(str(v) for _, v in sorted(spans, key=lambda s: s[0]) if v is not None)
    values = [*list(told)[:MOST_VALUES], *(["…"] if len(told) > MOST_VALUES else [])]
    gaps = _each(matter.get("gaps"))
    why = str(gaps[0].get("unobserved", "")) if gaps else ""
    return {**matter, "values": values, "why": why, "gap_count": len(gaps)}


def _mapping(value: object) -> Document:
    nothing: Document = {}
    return cast("Mapping[str, object]", value) if isinstance(value, Mapping) else nothing


def _each(value: object) -> tuple[Document, ...]:
    found = cast("Sequence[object]", value) if isinstance(value, list) else ()
    return tuple(cast("Mapping[str, object]", v) for v in found if isinstance(v, Mapping))


def attestation_path(asked: Mapping[str, str]) -> str:
    """Give the API's path for the session in a page's address."""
    session = asked.get("session", "")[:10]
    named = f"?{urlencode({'session': session})}" if session else ""
    return f"/api/v1/attestation/no-execution{named}"
