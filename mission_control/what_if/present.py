"""A decision that was never made, as a document and as text: both say so on every part."""

from collections.abc import Iterable, Iterator
from typing import Any

import orjson

from mission_control.documents.document import document
from mission_control.documents.instants import new_york_text, utc_text
from mission_control.floor.model import FloorSnapshot, Posture
from mission_control.floor.present.posture import runbook_url, verdict_text
from mission_control.model.finding import Reason
from mission_control.what_if.model import (
    LABEL,
    Change,
    PostureDifference,
    Say,
    ServiceDifference,
    Silence,
    WhatIf,
)

NOTE = "Decided for this answer alone: nothing was recorded, and the floor is not so."


def what_if_document(found: WhatIf) -> dict[str, Any]:
    """Return what was changed, both decisions and what is otherwise, each part labelled."""
    return {
        "what_if": True,
        "label": LABEL,
        "note": NOTE,
        "at": utc_text(found.at),
        "at_et": new_york_text(found.at),
        "changes": [{"what": say_change(c)} for c in found.changes],
        "before": _posture(found.before, f"{LABEL}, before the change"),
        "after": _posture(found.after, f"{LABEL}, after the change"),
        **difference_document(found.difference),
        "services": [_service(s) for s in found.services],
    }


def _posture(snapshot: FloorSnapshot, label: str) -> dict[str, Any]:
    posture = snapshot.posture
    return {
        "label": label,
        "verdict": posture.verdict.value,
        "reads": verdict_text(posture.verdict, snapshot.fleet.safety),
        "expected": posture.expected,
        "confirmed": posture.confirmed,
        "severity": posture.severity.value if posture.severity else None,
        "reasons": _reasons(posture.reasons),
    }


def difference_document(difference: PostureDifference) -> dict[str, Any]:
    """Return the reasons that come, go and change."""
    return {
        "came": _reasons(difference.came),
        "went": _reasons(difference.went),
        "changed": [
            {"before": before, "after": after}
            for before, after in (_reasons(pair) for pair in difference.changed)
        ],
    }


def _reasons(reasons: Iterable[Reason]) -> list[dict[str, Any]]:
    return [document(r, "withholds") | {"runbook_url": runbook_url(r.code)} for r in reasons]


def _service(service: ServiceDifference) -> dict[str, Any]:
    sides = {"before": service.before, "after": service.after}
    told = {side: {"state": s.value, "expected": e} for side, (s, e) in sides.items()}
    return {"agent_name": service.agent_name, **told}


def say_change(change: Change) -> str:
    """Say in one line what is taken to be otherwise."""
    match change:
        case Silence(name):
            return f"{name} does not answer"
        case Say(name, place, value):
            return f"{name} says {'.'.join(place)} = {orjson.dumps(value).decode()}"
        case _:
            return f"every configured source of the kill switch reads {change.text!r}"


def what_if_lines(found: WhatIf) -> Iterator[str]:
    """Return the same for a person, the verdicts first."""
    before, after = found.before, found.after
    yield f"{LABEL} · {NOTE}"
    yield f"At {new_york_text(found.at)}, if"
    yield from (f"  {say_change(c)}" for c in found.changes)
    yield ""
    yield f"{LABEL} before: {_verdict(before.posture)}"
    yield f"{LABEL} after:  {_verdict(after.posture)}"
    yield from difference_lines(found.difference)
    for service in found.services:
        sides = (
            f"{s.value} ({'expected' if e else 'unexpected'})"
            for s, e in (service.before, service.after)
        )
        yield f"  {service.agent_name}: {' -> '.join(sides)}"


def _verdict(posture: Posture) -> str:
    parts = (
        posture.verdict.value,
        posture.severity.value if posture.severity else "",
        "as expected" if posture.expected else "unexpected",
        "" if posture.confirmed else "not confirmed yet",
    )
    return " · ".join(p for p in parts if p)


def difference_lines(difference: PostureDifference) -> Iterator[str]:
    """Return one line per reason that comes (+), goes (-) or changes (~)."""
    if difference.nothing:
        yield "No reason comes, goes or changes."
        return
    yield from _marked("+", difference.came)
    yield from _marked("-", difference.went)
    for old, new in difference.changed:
        yield f"~ {_reason(old)}"
        yield f"  now {_reason(new)}"


def _marked(mark: str, reasons: Iterable[Reason]) -> Iterator[str]:
    return (f"{mark} {_reason(reason)}" for reason in reasons)


def _reason(reason: Reason) -> str:
    weighs = f"{reason.severity.value} halts" if reason.halts else reason.severity.value
    sure = "" if reason.confirmed else ", not confirmed yet"
    return f"{weighs}{sure}  {reason.code} {reason.subject}: {reason.detail}"
