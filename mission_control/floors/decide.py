"""
Whether what another Mission Control said is evidence of its floor, and which floor leads.

The law holds across machines: worse evidence of a floor never improves how it is shown, nor its
place (docs/semantics.md#17).
"""

from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from datetime import datetime, timedelta
from typing import NamedTuple

from mission_control.contract.model.shapes import FloorPosture, RichStatus, ServiceState
from mission_control.floors.model import FloorReport, FloorsSeen, FloorState, WhyUnknown
from mission_control.model.fleet import Kind, OtherFloor
from mission_control.model.reading import EndpointReading, Unseen, UnseenReason

ANSWER_SECONDS = 45.0
"""An answer is evidence for so long, as any reading is (docs/semantics.md#R6.8)."""
DECISION_SECONDS = 60.0
"""A posture that was decided longer ago is frozen, as a status is (docs/semantics.md#R3.9)."""
AHEAD_SECONDS = 5.0
EVIDENCE_SECONDS = 120.0
"""Its evidence may be 60 s old for itself, and what it says of that as old again for us."""
P0 = "P0"


class _Why(NamedTuple):
    """Why a floor is not known."""

    code: str
    sentence: str


class _Told(NamedTuple):
    """An answer that may be evidence: what it says of its floor and of itself, and when."""

    posture: FloorPosture
    state: ServiceState
    codes: tuple[str, ...]
    at: datetime


def decide_floors(
    floors: Sequence[OtherFloor],
    readings: Mapping[str, EndpointReading],
    before: Mapping[str, FloorReport],
    now: datetime,
    label: str = "",
) -> FloorsSeen:
    """
    Judge every floor by its newest reading (docs/semantics.md#17), the worst first.

    `before` are the reports of the decision before, by name; `label` is our own. A floor without a
    reading was not asked yet.
    """
    told = {f.name: _told(readings.get(f.name), label) for f in floors}
    processes = Counter(_process(t.posture) for t in told.values() if isinstance(t, _Told))
    reports = [
        _judge(floor, told[floor.name], processes, before.get(floor.name), now) for floor in floors
    ]
    return FloorsSeen(now, tuple(sorted(reports, key=rank)))


def rank(report: FloorReport) -> tuple[int, bool, datetime, str]:
    """
    Sort key, the worst first; what leads longest stands before the others of its kind.

    A floor that is not known any more stands where its last posture put it, or worse.
    """
    place = _halt_of(report.said)
    if place == _NO_HALT and report.state is not FloorState.UNKNOWN:
        place = 4 if report.expected else 3
    return place, report.state is FloorState.UNKNOWN, report.since, report.floor.name


def _told(reading: EndpointReading | None, label: str) -> _Told | _Why:
    """Return what an answer says of a floor, or why it says nothing."""
    if reading is None:
        return _Why(UnseenReason.NOT_YET_ASKED, "It was not asked yet.")
    if isinstance(reading, Unseen):
        detail = f": {reading.detail}" if reading.detail else ""
        return _Why(reading.code, f"It gave no usable answer{detail}.")
    status = reading.value.status
    if not isinstance(status, RichStatus) or status.service_kind is not Kind.OPS:
        return _Why(WhyUnknown.NOT_MISSION_CONTROL, "What answers is no Mission Control.")
    posture = status.floor_posture
    if posture is None:
        sentence = f"{status.service_name} answers, and tells no posture of a floor."
        return _Why(WhyUnknown.NOT_MISSION_CONTROL, sentence)
    if posture.label != label:
        sentence = f"It is labelled {posture.label or 'as real'}, and we are {label or 'real'}."
        return _Why(WhyUnknown.FLOOR_LABELLED, sentence)
    codes = status.status.reason_codes
    return _Told(posture, status.status.state, codes, reading.at)


def _process(posture: FloorPosture) -> tuple[str, str, datetime]:
    return posture.digest, posture.replica, posture.started_utc


def _judge(
    floor: OtherFloor,
    told: _Told | _Why,
    processes: Mapping[tuple[str, str, datetime], int],
    before: FloorReport | None,
    now: datetime,
) -> FloorReport:
    if isinstance(told, _Why):
        return _unknown(floor, told, before, now)
    why = next(_doubts(told, processes, now), None)
    if why is not None:
        return _unknown(floor, why, before, now, told)
    said = told.posture
    halted = said.posture == FloorState.HALTED
    return FloorReport(
        floor,
        FloorState(said.posture),
        said.expected and not halted,
        said.severity,
        said.since_utc,
        said.code,
        said.sentence,
        _evidence_age(said, now),
        said,
        told.at,
    )


def _doubts(
    told: _Told, processes: Mapping[tuple[str, str, datetime], int], now: datetime
) -> Iterator[_Why]:
    """Say why what was told is no evidence, what matters most first; nothing where it is."""
    said = told.posture
    if processes[_process(said)] > 1:
        sentence = (
            f"The process that answers (replica {said.replica or '?'}) answers for another of the"
            " listed floors as well: one of the addresses leads to the wrong place."
        )
        yield _Why(WhyUnknown.FLOOR_ASKED_TWICE, sentence)
    if _older(now - told.at, ANSWER_SECONDS):
        yield _Why(WhyUnknown.EXPIRED, f"Its newest answer is of {_seconds(now - told.at)} ago.")
    # Being ahead is reckoned to the reading's own instant: waiting makes nothing less wrong.
    ahead = max(said.decided_utc, said.since_utc) - told.at
    if _older(ahead, AHEAD_SECONDS) or said.since_utc > said.decided_utc:
        sentence = f"Its clock and ours disagree: it speaks of {_seconds(ahead)} from now."
        yield _Why(WhyUnknown.CLOCK_SKEW, sentence)
    if said.posture != FloorState.HALTED:  # a halt is no better for being old or badly founded
        yield from _doubts_of_calm(told, now)


def _doubts_of_calm(told: _Told, now: datetime) -> Iterator[_Why]:
    said = told.posture
    if _older(now - said.decided_utc, DECISION_SECONDS):
        sentence = f"Its posture was decided {_seconds(now - said.decided_utc)} ago."
        yield _Why(WhyUnknown.FLOOR_DECISION_OLD, sentence)
    if told.state is not ServiceState.OK:
        codes = ", ".join(told.codes) or "no reason is given"
        sentence = f"It says of itself that it is {told.state}: {codes}."
        yield _Why(WhyUnknown.FLOOR_DEGRADED, sentence)
    age = _evidence_age(said, now)
    if age is None or age > EVIDENCE_SECONDS:
        old = "of an unknown age" if age is None else f"{age:.0f} s old"
        yield _Why(WhyUnknown.FLOOR_EVIDENCE_OLD, f"Its oldest evidence is {old}.")
    if said.severity == P0:
        yield _Why(WhyUnknown.CONTRADICTION, f"It is {said.posture} and speaks of a P0.")
    if not said.services:
        yield _Why(WhyUnknown.CONTRADICTION, f"It is {said.posture} and watches no service.")


def _unknown(
    floor: OtherFloor,
    why: _Why,
    before: FloorReport | None,
    now: datetime,
    doubted: _Told | None = None,
) -> FloorReport:
    """
    Report a floor as not known: since now, or since it was not known before.

    A halt that is in doubt is held against it all the same.
    """
    lasts = before is not None and before.state is FloorState.UNKNOWN
    said = before.said if before else None
    heard_at = before.heard_at if before else None
    if doubted is not None and _halt_of(doubted.posture) < _halt_of(said):
        said, heard_at = doubted.posture, doubted.at
    return FloorReport(
        floor,
        FloorState.UNKNOWN,
        expected=False,
        severity=None,
        since=before.since if before is not None and lasts else now,
        code=str(why.code),
        sentence=why.sentence,
        evidence_age_seconds=_evidence_age(doubted.posture, now) if doubted else None,
        said=said,
        heard_at=heard_at,
    )


_P0_HALTS, _HALTS, _NO_HALT = range(3)


def _halt_of(said: FloorPosture | None) -> int:
    """Return how bad a halt is, 0 for the worst; 2 for none."""
    if said is None or said.posture != FloorState.HALTED:
        return _NO_HALT
    return _P0_HALTS if said.severity == P0 else _HALTS


def _evidence_age(said: FloorPosture, now: datetime) -> float | None:
    """Return the age of its oldest evidence by our clock; None where it says none."""
    if said.evidence_age_seconds is None:
        return None
    return said.evidence_age_seconds + max(0.0, (now - said.decided_utc).total_seconds())


def _older(age: timedelta, limit: float) -> bool:
    return age.total_seconds() > limit


def _seconds(age: timedelta) -> str:
    return f"{age.total_seconds():.0f} s"


def count_states(reports: Iterable[FloorReport]) -> Mapping[str, int]:
    """Count the floors by state, and those that are not as expected; zeros are counted as well."""
    counted = Counter[str]({state.value: 0 for state in FloorState})
    counted["unexpected"] = 0
    for report in reports:
        counted[report.state.value] += 1
        counted["unexpected"] += not report.expected
    return counted
