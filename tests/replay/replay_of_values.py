"""Replays made of values, for what shows them."""

from collections.abc import Iterable, Iterator
from dataclasses import replace
from datetime import UTC, datetime, timedelta

from mission_control.replay.model import (
    Answer,
    Counts,
    EventKind,
    Evidence,
    EvidenceKind,
    Group,
    Intent,
    Narrowing,
    Replay,
    ReplayedEvent,
    Skew,
    Skip,
    Source,
    Verdict,
)

BEGAN = datetime(2026, 11, 18, 15, 0, tzinfo=UTC)
"""10:00 in New York, half an hour after the open."""
AGENT, OTHER = "strategy-engine", "execution-engine"


def at(seconds: float) -> datetime:
    """Return an instant of the replay."""
    return BEGAN + timedelta(seconds=seconds)


def event(seconds: float | None, name: str = "startup", **more) -> ReplayedEvent:
    """Return an event of the first agent's trace."""
    known = {"agent": AGENT, "trace_id": "t-1", "source": "a.log", "line": 7, **more}
    instant = None if seconds is None else at(seconds)
    kind = known.pop("kind", EventKind.REPLAY)
    known.setdefault("data", {"event": name, "trace_id": known["trace_id"]})
    return ReplayedEvent(instant, kind, name, **known)


GATE = {"gate": "risk_limits", "kind": EventKind.REPLAY}
ORDER = Intent("SPY", "buy", "10", "limit", "431.5", "day", "i-1")
EVENTS = (
    event(0, component="runner"),
    event(1, "state_transition", from_state="idle", to_state="armed", reason="market open"),
    event(2, "decision_checkpoint", **GATE, allowed=True),
    event(3, "decision_checkpoint", **GATE, allowed=False, reason="kill switch"),
    event(4, "order_intent", stage="emitted_by_guest", intent=ORDER, repeated=3, sources=2),
    event(None, "startup", placed_at=at(4)),
    event(
        5,
        "exec_service.execute_result",
        kind=EventKind.LOG,
        agent=OTHER,
        trace_id="t-2",
        source="b.log",
        status="placed",
        evidence="a broker order id",
    ),
    event(6, "order_intent", kind=EventKind.INTENT, agent="", trace_id="", stage="protocol"),
)
PLACED = Evidence(
    EvidenceKind.BROKER_ORDER_ID,
    "it names a broker order id",
    at(5),
    OTHER,
    "t-2",
    "exec_service.execute_result",
    "b.log",
    7,
    "broker_order_id=b-17",
    2,
)
SUSPECTED = Evidence(EvidenceKind.SUSPECTED, "it cannot be read", source="b.log", line=9)
SOURCES = (
    Source("a.log", 1_000, 20, 8, at(0), at(6), skews=(Skew(1.5, 7), Skew(0.0, 2, "b.log"))),
    Source("b.log", 500, 6, 1, at(5), at(5), skews=(Skew(-2.25, 3, "a.log"),)),
    Source("c.gz", 10, broke_off="the archive ends in the middle"),
    Source("bundle/logs/x.log", 10, 2, tail=True, gap_before=True),
)
FOUND = Answer(
    Verdict.FOUND,
    "1 piece of execution evidence in 9 events.",
    ("c.gz broke off.",),
    3,
)
NONE = Answer(
    Verdict.NONE_FOUND, "None found in 10 events, 20 lines skipped because they hold none."
)
COUNTS = Counts(
    bytes=1_520,
    lines=28,
    event_lines=9,
    events=10,
    undated=1,
    unattributed=1,
    evidence=1,
    skipped={Skip.NO_EVENT: 18, Skip.MALFORMED: 1},
    kinds={EventKind.REPLAY: 8, EventKind.LOG: 1, EventKind.INTENT: 1},
)


def groups_of(events: Iterable[ReplayedEvent]) -> list[tuple[Group, list[ReplayedEvent]]]:
    """Put events into their groups, as a replay does."""
    held: dict[tuple[str, str], list[ReplayedEvent]] = {}
    for each in events:
        key = (each.agent, each.trace_id) if each.agent and each.trace_id else ("", "")
        held.setdefault(key, []).append(each)
    found = list[tuple[Group, list[ReplayedEvent]]]()
    for (agent, trace), own in sorted(held.items(), key=lambda h: (h[0] == ("", ""), h[0])):
        times = [e.at for e in own if e.at]
        group = Group(
            agent,
            trace,
            events=sum(e.repeated for e in own),
            rows=len(own),
            first=min(times, default=None),
            last=max(times, default=None),
            undated=sum(1 for e in own if e.at is None),
            evidence=sum(1 for e in own if e.evidence),
        )
        found.append((group, own))
    return found


def replay(
    events: Iterable[ReplayedEvent] = EVENTS,
    evidence: Iterable[Evidence] = (PLACED, SUSPECTED),
    answer: Answer = FOUND,
    **more,
) -> Replay:
    """Return a replay of these events."""
    held, found = tuple(events), tuple(evidence)
    times = [e.at for e in held if e.at]
    known = {
        "counts": COUNTS,
        "sources": SOURCES,
        "first": min(times, default=None),
        "last": max(times, default=None),
        "modes": {"EXECUTE": 2},
        **more,
    }

    def groups() -> Iterator[tuple[Group, Iterator[ReplayedEvent]]]:
        return ((group, iter(own)) for group, own in groups_of(held))

    return Replay(
        answer=answer,
        open_groups=groups,
        open_evidence=lambda: iter(found),
        open_events=lambda: iter(held),
        **known,
    )


CALM = replay(
    (e for e in EVENTS if not e.evidence),
    (),
    NONE,
    counts=replace(COUNTS, evidence=0),
    modes={},
    narrowing=Narrowing(at(0), at(60), "t-1", AGENT),
)
"""A replay in which nothing of execution was found, narrowed."""

HOSTILE = (
    "a|b\n| c |",
    "`x` *y* __z__ [l](javascript:alert(1))",
    "<script>alert(1)</script>",
    '"><img src=x onerror=alert(1)>',
    "```\n# heading",
    "\N{RIGHT-TO-LEFT OVERRIDE}gpj",
    "</title></svg><svg onload=alert(1)>",
    "\x1f\x1f\x00",
    "&lt;b&gt; \\| ~~s~~",
)
"""What others may write into any field."""


def hostile(text: str) -> Replay:
    """Return a replay with this text in every field that others write."""
    held = Intent(text, text, text, text, text, text, text, text)
    row = event(
        1,
        text,
        agent=text,
        trace_id=text,
        source=text,
        component=text,
        service=text,
        severity=text,
        stage=text,
        from_state=text,
        to_state=text,
        gate=text,
        allowed=False,
        reason=text,
        status=text,
        intent=held,
        evidence=text,
        data={text: [text, {text: text}]},
    )
    lone = event(2, text, agent=text, trace_id="", evidence="", reason=text, data={"x": text})
    found = Evidence(EvidenceKind.EXECUTED, text, at(1), text, text, text, text, 1, text)
    return replay(
        (row, lone),
        (found,),
        Answer(Verdict.FOUND, text, (text, text), 3),
        sources=(Source(text, broke_off=text, skews=(Skew(1, 1, text),)),),
        modes={text: 1},
        narrowing=Narrowing(agent=text, trace_id=text),
    )
