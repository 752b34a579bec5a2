"""
Every posture of a bundle, decided again by the rules of now from the inputs that were recorded.

It is decided by the very functions of the floor, on what the bundle holds and nothing else.
"""

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, cast

from mission_control.documents.document import document
from mission_control.documents.instants import new_york_text
from mission_control.evidence.model import RecordedChange
from mission_control.floor.decide.evidence import SessionAt
from mission_control.floor.decide.floor import decide_floor
from mission_control.floor.model import Verdict
from mission_control.history.codec import decision_result
from mission_control.model.finding import Reason, Severity
from mission_control.what_if.decide import Judged, compare_postures, judged
from mission_control.what_if.model import PostureDifference
from mission_control.what_if.present import difference_document, difference_lines

MOST_SHOWN = 50
"""Decisions that differ and are told in full."""


@dataclass(frozen=True, slots=True)
class Redecided:
    """
    One decision made again.

    `decision_version` is that of the decision then, None where it was not recorded. `equal` says
    that posture, services and safety are what was said then, to the byte. `difference` is None
    where they are, and where what was said then is known by its digest alone.
    """

    path: str
    at: datetime
    decision_version: str | None
    equal: bool
    verdict: Verdict
    difference: PostureDifference | None = None


@dataclass(slots=True)
class Redecision:
    """
    What became of every decision of a bundle, as `ours` decides.

    `unexplained` differ although the very same rules decided then: an input or a result is not
    what it was. `otherwise` is what today's rules say of what others decided; `reworded` are those
    of others of which today's give the same verdict and reasons, and describe something otherwise.
    """

    ours: str
    decided: int = 0
    equal: int = 0
    unexplained: int = 0
    otherwise: int = 0
    reworded: int = 0
    unversioned: int = 0
    shown: list[Redecided] = field(default_factory=list[Redecided])

    def note(self, found: Redecided) -> None:
        """Count one decision, and keep it where it differs."""
        self.decided += 1
        self.unversioned += found.decision_version is None
        if found.equal:
            self.equal += 1
            return
        if found.decision_version == self.ours:
            self.unexplained += 1
        elif found.difference is not None and found.difference.nothing:
            self.reworded += 1
            return
        else:
            self.otherwise += 1
        if len(self.shown) < MOST_SHOWN:
            self.shown.append(found)


def redecide(changes: Iterable[RecordedChange], session_at: SessionAt, ours: str) -> Redecision:
    """
    Decide each recorded change again, one at a time (docs/semantics.md#R12.42).

    Raises ValueError, LookupError or TypeError for a posture that none of ours ever was.
    """
    found = Redecision(ours)
    for change in changes:
        found.note(decide_again(change, session_at))
    return found


def decide_again(change: RecordedChange, session_at: SessionAt) -> Redecided:
    """Decide one recorded change again, and compare it with what was said then."""
    then = change.decision
    snapshot = decide_floor(
        then.evidence, then.latched, session_at, then.at, sequence=then.sequence
    )
    equal, verdict = decision_result(snapshot) == then.result, snapshot.posture.verdict
    difference = None
    if not equal and change.equal:  # the bundle's own posture is then what was said
        difference = compare_postures(_judged_then(change.posture), judged(snapshot.posture))
    return Redecided(change.path, then.at, change.decision_version, equal, verdict, difference)


def _judged_then(posture: Mapping[str, Any]) -> Judged:
    return Verdict(posture["posture"]), [_reason(r) for r in posture["reasons"]]


def _reason(told: Mapping[str, Any]) -> Reason:
    since = cast("str | None", told["since"])
    return Reason(
        str(told["code"]),
        str(told["subject"]),
        Severity(told["severity"]),
        str(told["detail"]),
        told["halts"] is True,
        None if since is None else datetime.fromisoformat(since),
        told["confirmed"] is True,
    )


def redecision_document(found: Redecision) -> dict[str, Any]:
    """Return the counts and each decision that differs, as JSON-ready values."""
    shown = [
        document(each, "difference")
        | {"difference": each.difference and _difference(each.difference)}
        for each in found.shown
    ]
    return document(found, "shown") | {"differing": shown}


def _difference(difference: PostureDifference) -> dict[str, Any]:
    before, after = difference.verdicts
    return {"then": before.value, "now": after.value, **difference_document(difference)}


def redecision_lines(found: Redecision) -> Iterator[str]:
    """Return the same for a person: each decision that differs, and the verdict last."""
    for each in found.shown:
        yield from _lines(each, found.ours)
    untold = found.unexplained + found.otherwise - len(found.shown)
    if untold:
        yield f"and {untold} more that differ"
    yield f"{found.decided} decisions, decided again by {found.ours}: {_told(found)}"


def _lines(each: Redecided, ours: str) -> Iterator[str]:
    by = each.decision_version or "a version that was not recorded"
    same = each.decision_version == ours
    says = "NOT AS DECIDED THEN, by the same rules" if same else "today's rules would say"
    yield f"{new_york_text(each.at)}  {each.path}  (decided by {by})"
    if each.difference is None:
        yield f"  {says}: {each.verdict.value}; what was said then is known by its digest alone"
        return
    before, after = each.difference.verdicts
    yield f"  {says}: {after.value}; then it was {before.value}"
    if each.difference.nothing:
        yield "  The posture is the same; what is said of services or safety differs."
        return
    yield from (f"  {line}" for line in difference_lines(each.difference))


def _told(found: Redecision) -> str:
    told = [f"{found.equal} equal what was decided then"]
    if found.unexplained:
        told.append(f"{found.unexplained} DIFFER although the same rules decided them")
    if found.otherwise:
        told.append(f"today's rules would say otherwise in {found.otherwise}")
    if found.reworded:
        told.append(f"{found.reworded} have the same verdict and reasons, described otherwise")
    if found.unversioned:
        told.append(f"of {found.unversioned} the deciding version was not recorded")
    return "; ".join(told)
