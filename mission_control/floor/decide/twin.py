"""
What the twin says, beside what we see ourselves (docs/semantics.md#14).

A twin is another Mission Control that watches this floor. Whatever it says makes nothing better:
it raises, it disagrees, and it is silent.
"""

import hashlib
from collections.abc import Collection, Iterable, Iterator, Sequence
from dataclasses import replace
from datetime import datetime
from functools import lru_cache
from typing import NamedTuple

from mission_control.contract.model.shapes import MissionControlStatus
from mission_control.documents.canonical_json import encode_json
from mission_control.floor.decide.evidence import Key, Statement, seconds_between
from mission_control.floor.decide.looks import AgentLook
from mission_control.floor.decide.troubles import read_twin
from mission_control.floor.model import EXECUTION, SEV0_CODES, Alarm, TwinMemory, Verdict
from mission_control.model import codes
from mission_control.model.finding import Reason, Severity
from mission_control.model.fleet import Agent, Fleet
from mission_control.model.session import MarketSession

VERSION = 1
"""Of what one Mission Control says to another."""
DISAGREES_AFTER_SECONDS = 5.0
DISAGREES_AFTER_ROUNDS = 2
"""Two that see the same thing see it at different instants: so long and often they may differ."""
LEDGER = "ledger"
"""The fact of an alarm about the twin's record."""

_OF_ITS_OWN = frozenset(
    {
        codes.ARTIFACT_STORE_FAILING,
        codes.HISTORY_FAILING,
        codes.RECORD_NEW,
        codes.RELOAD_FAILED,
    }
)
"""Reasons of one Mission Control about itself; they halt nothing, and the other one has none."""
_FORGETS = frozenset({codes.STANDING_UNKNOWN, codes.RECORD_NEW})
"""With one of these it may not know of an alarm, so that its silence about one denies none."""


class OwnView(NamedTuple):
    """
    What is seen here without the twin: the posture, what leads it, and each Sev-0.

    `remembers` says that alarms from before the start are known.
    """

    posture: Verdict
    leading_code: str
    alarms: tuple[Alarm, ...]
    remembers: bool


def source_of(twin: Agent) -> str:
    """Name the source of what is only known from the twin."""
    return f"twin {twin.agent_name}"


def view_own(
    reasons: Iterable[Reason], alarms: Sequence[Alarm], session: MarketSession, twin: Agent | None
) -> OwnView:
    """
    Return what is seen here without the twin; `reasons` are in their order.

    What is about the twin, and what was taken over from it, is left out: compared with the twin
    or told to it, two would keep each other's word alive for ever.
    """
    ours = tuple(a for a in alarms if twin is None or a.source != source_of(twin))
    known = {(a.code, a.subject) for a in ours}
    taken = {(a.code, a.subject) for a in alarms} - known
    name = None if twin is None else twin.agent_name
    seen = [
        r
        for r in reasons
        if r.code not in codes.TWIN_CODES and r.subject != name and (r.code, r.subject) not in taken
    ]
    verdict = Verdict.MARKET_CLOSED if session.phase.closed else Verdict.OK
    if any(r.halts for r in seen):
        verdict = Verdict.HALTED
    leading = next((r.code for r in seen if r.code not in _OF_ITS_OWN), "")
    remembers = all(r.code not in _FORGETS for r in seen)
    return OwnView(verdict, leading, tuple(a for a in ours if a.sev0), remembers)


class TwinWord(NamedTuple):
    """
    What the twin was heard to say, None where it was not.

    It `counts` where it is well, and watches this floor. `at` is when it was read.
    """

    agent: Agent
    told: MissionControlStatus | None
    at: datetime | None
    counts: bool
    foreign: str = ""


def hear_twin(look: AgentLook, fleet: Fleet) -> TwinWord:
    """Return what the twin says now."""
    agent = look.evidence.agent
    reading = look.evidence.readings.get(agent.primary_path or "")
    told = read_twin(reading)
    if reading is None or told is None:
        return TwinWord(agent, None, None, counts=False)
    foreign = _why_foreign(told, fleet)
    return TwinWord(agent, told, reading.at, look.judgement.expected and not foreign, foreign)


def is_foreign(told: MissionControlStatus, fleet: Fleet) -> bool:
    """Return whether it is no twin of ours: of another floor, or not understood."""
    return bool(_why_foreign(told, fleet))


def _why_foreign(told: MissionControlStatus, fleet: Fleet) -> str:
    if told.version != VERSION:
        return f"it speaks version {told.version}, and we speak version {VERSION}"
    ours = floor_digest(fleet)
    if told.floor_digest != ours:
        theirs = told.floor_digest[:12]
        return f"it watches another floor: {told.floor}, {theirs}, and we watch {ours[:12]}"
    return ""


class _OneFleet:
    """A fleet as itself, which is quicker to compare than what is in it."""

    __slots__ = ("fleet",)

    def __init__(self, fleet: Fleet) -> None:
        self.fleet = fleet

    def __hash__(self) -> int:
        return id(self.fleet)

    def __eq__(self, other: object) -> bool:
        return isinstance(other, _OneFleet) and other.fleet is self.fleet


def floor_digest(fleet: Fleet) -> str:
    """
    Return a SHA-256 in hex that twins share: of who is watched, and what is needed for safety.

    Each lists the other, and may reach services by files and at a cadence of its own, so that the
    digests of their fleet files differ.
    """
    return _floor_digest(_OneFleet(fleet))


@lru_cache(maxsize=16)
def _floor_digest(one: _OneFleet) -> str:
    watched = [
        [a.agent_name, a.kind, a.contract, a.criticality, a.service_dns]
        for a in one.fleet.agents
        if not a.twin
    ]
    needs = one.fleet.safety
    safety = [needs.switch_required, needs.switch_normal, needs.execution, needs.freshness_required]
    return hashlib.sha256(encode_json([watched, safety])).hexdigest()


def state_twin(
    word: TwinWord, latched: Collection[Alarm], raising: Iterable[Statement], held: TwinMemory
) -> Iterator[Statement]:
    """
    Return what the twin states: each Sev-0 that is not seen here, and that its record was lost.

    It denies what it raised by no longer telling it, where its word counts and it remembers. What
    is seen here as well is neither raised nor denied by it.
    """
    told, source = word.told, source_of(word.agent)
    if told is None or word.foreign:
        return
    ours = {(s.code, s.subject) for s in raising}
    ours |= {(a.code, a.subject) for a in latched if a.source != source}
    sees = {(a.code, a.subject): a.detail for a in told.alarms if _is_sev0(a.code)}
    for (code, subject), detail in sorted(sees.items()):
        if (code, subject) not in ours:
            said = f"it sees this, and we do not: {detail}"
            yield Statement(code, subject, source, EXECUTION, raises=True, detail=said)
    if word.counts and told.remembers and not told.more_alarms:
        for alarm in latched:
            if alarm.source == source and (alarm.code, alarm.subject) not in sees:
                yield Statement(*alarm.key, raises=False)
    lost = find_loss(held, told) if word.counts else ""
    if lost:
        yield Statement(*record_key(word.agent), raises=True, detail=lost)


def _is_sev0(code: str) -> bool:
    return code in SEV0_CODES or code == codes.CONTRADICTION


def record_key(twin: Agent) -> Key:
    """Identify the alarm about a twin's record; a person ends it (docs/semantics.md#R6.4)."""
    name = twin.agent_name
    return (codes.TWIN_RECORD_LOST, name, f"{name} {twin.primary_path}", LEDGER)


def find_loss(held: TwinMemory, told: MissionControlStatus) -> str:
    """
    Say how the twin's record no longer goes on from the line that was noted; empty where it does.

    A line that is too old for what it tells proves nothing, and that is said as well.
    """
    if not held.record_id or told.record_id is None or not told.ledger:
        return ""
    noted = f"line {held.number}, {held.digest[:12]}, was its ledger's head"
    if told.record_id != held.record_id:
        return f"its record is {told.record_id}, and was {held.record_id} when {noted}"
    newest = max(line.number for line in told.ledger)
    if newest < held.number:
        return f"its ledger ends with line {newest}, and {noted}"
    digest = next((line.digest for line in told.ledger if line.number == held.number), "")
    if not digest:
        oldest = min(line.number for line in told.ledger)
        return f"it tells no line before {oldest}, and {noted}: nothing shows that it goes on"
    return "" if digest == held.digest else f"its line {held.number} is {digest[:12]}, and {noted}"


class Twinned(NamedTuple):
    """The reasons that the twin gives, and what is held of it for the next decision."""

    reasons: tuple[Reason, ...]
    memory: TwinMemory


def judge_twin(
    word: TwinWord, own: OwnView, held: TwinMemory, session: MarketSession, now: datetime
) -> Twinned:
    """
    Compare the twin's word with what is seen here.

    They disagree when posture or leading code differ in two of its answers, for 5 s. A twin that
    falls silent takes back nothing: what it disagreed in stays until it agrees.
    """
    name = word.agent.agent_name
    severity = Severity.P1 if session.phase.gates else Severity.P2
    memory = _note_ledger(word, _note_difference(word, own, held, now))
    reasons = list[Reason]()
    if word.foreign:
        reasons.append(Reason(codes.TWIN_DISAGREES, name, severity, word.foreign))
    elif _is_settled(memory, now):
        since = memory.differs_since
        reasons.append(Reason(codes.TWIN_DISAGREES, name, severity, memory.differs, since=since))
    if word.counts and word.told is not None and held.record_id and not word.told.ledger:
        detail = f"it does not tell its ledger's head, which was line {held.number}"
        reasons.append(Reason(codes.TWIN_SILENT, name, severity, detail))
    return Twinned(tuple(reasons), memory)


def _is_settled(memory: TwinMemory, now: datetime) -> bool:
    since = memory.differs_since
    if since is None or memory.rounds < DISAGREES_AFTER_ROUNDS:
        return False
    return seconds_between(since, now) >= DISAGREES_AFTER_SECONDS


def _note_difference(word: TwinWord, own: OwnView, held: TwinMemory, now: datetime) -> TwinMemory:
    told = word.told
    if not word.counts or told is None or word.at is None:
        return held
    theirs = (told.posture, told.leading_code)
    if theirs == (own.posture.value, own.leading_code):
        if held.differs_since is None:
            return held
        return replace(held, differs="", differs_since=None, rounds=0, counted_at=None)
    differs = f"{_words(*theirs)} there, {_words(own.posture.value, own.leading_code)} here"
    if held.differs_since is None or held.differs_since > now:
        return replace(held, differs=differs, differs_since=now, rounds=1, counted_at=word.at)
    if held.rounds >= DISAGREES_AFTER_ROUNDS or word.at == held.counted_at:
        return held if held.differs == differs else replace(held, differs=differs)
    return replace(held, differs=differs, rounds=held.rounds + 1, counted_at=word.at)


def _words(posture: str, leading_code: str) -> str:
    return f"{posture} {leading_code}".strip()


def _note_ledger(word: TwinWord, held: TwinMemory) -> TwinMemory:
    """Hold the newest line of the twin's ledger."""
    told = word.told
    if not word.counts or told is None or told.record_id is None or not told.ledger:
        return held
    newest = max(told.ledger, key=lambda line: line.number)
    noted = (told.record_id, newest.number, newest.digest)
    if noted == (held.record_id, held.number, held.digest):
        return held
    return replace(held, record_id=noted[0], number=noted[1], digest=noted[2])
