"""Events are found however they are wrapped, and every other line is counted."""

import json
from datetime import UTC, datetime

import pytest

from mission_control.replay.decide.line import events_in, read_time
from mission_control.replay.model import EventKind, Intent, Skip
from tests.replay.logs import (
    adds_up,
    event,
    lines,
    order,
    protocol_intent,
    read,
    shown,
    wrapped,
    write,
)

TWICE = wrapped(json.dumps(wrapped(event())), key="log")
WAYS = {
    "whole line": event(),
    "embedded in text": f"INFO strategy: {json.dumps(event())} done",
    "escaped in message": wrapped(event()),
    "in textPayload": wrapped(event(), key="textPayload"),
    "in jsonPayload": {"jsonPayload": event(), "timestamp": "2026-11-18T15:00:00Z"},
    "escaped in jsonPayload.message": {"jsonPayload": {"message": json.dumps(event())}},
    "as docker writes it": {"log": json.dumps(event()) + "\n", "stream": "stdout", "time": "x"},
    "as containerd writes it": "2026-11-18T15:00:00.1Z stdout F " + json.dumps(event()),
    "escaped twice": TWICE,
    "escaped thrice, within text": wrapped("got " + json.dumps(TWICE), key="textPayload"),
    "with escaped letters": json.dumps(event()).replace("agenttrader", "\\u0061genttrader"),
    "in a list": json.dumps([event()]),
    "behind a byte order mark": b"\xef\xbb\xbf" + json.dumps(event()).encode(),
    "with bytes that are no text": json.dumps(event(component="X")).encode().replace(b"X", b"\xff"),
    "with a number that is none": json.dumps(event(data={"x": float("nan")})),
    "with half a surrogate pair": json.dumps(event(component="\ud800")),
    "with the carriage return of Windows": json.dumps(event()) + "\r",
}


@pytest.mark.parametrize("line", WAYS.values(), ids=WAYS)
def test_an_event_is_found_however_it_is_wrapped(tmp_path, line):
    """One event comes out, with its agent, its trace and its own time (R12.14)."""
    replay = read(write(tmp_path, "a.log", line))
    (found,) = shown(replay)

    assert ("startup", "strategy-engine", "t-1") == (found.event, found.agent, found.trace_id)
    assert datetime(2026, 11, 18, 15, tzinfo=UTC) == found.at
    assert (1, 1, {}) == (replay.counts.event_lines, replay.counts.lines, replay.counts.skipped)


def test_two_events_of_a_line_are_both_told(tmp_path):
    """The line is counted once, its events twice."""
    replay = read(write(tmp_path, "a.log", f"{json.dumps(event())} {json.dumps(event(second=1))}"))

    assert (1, 2) == (replay.counts.event_lines, replay.counts.events)


def test_an_event_within_an_event_is_told_as_well(tmp_path):
    """An event that quotes another is one, and so is what it quotes."""
    quoting = event(data={"inner": event("decision_checkpoint", 3)})
    texts = event(data={"inner": json.dumps(event("state_transition", 3))})
    replay = read(write(tmp_path, "a.log", quoting, texts))

    names = ["decision_checkpoint", "startup", "startup", "state_transition"]
    assert names == sorted(e.event for e in shown(replay))


def test_order_intents_of_the_protocol_are_always_told(tmp_path):
    """
    They need no flag, and have the agent, the trace and the stage that the predecessor gave.

    This is docs/semantics.md#R12.15.
    """
    replay = read(write(tmp_path, "a.log", protocol_intent(), protocol_intent(event_id="")))
    by_event, by_intent = shown(replay)

    assert (EventKind.INTENT, "strategy", "e-1") == (
        by_event.kind,
        by_event.agent,
        by_event.trace_id,
    )
    assert "i-1" == by_intent.trace_id
    assert ("protocol", "strategy_runner.protocol") == (by_event.stage, by_event.component)
    assert Intent("SPY", "buy", "5", "market", intent_id="i-1") == by_event.intent


OTHERS = {
    "result in text": (wrapped('exec_service.execute_result {"status": "rejected"}'), "rejected"),
    "result as fields": (wrapped("exec_service.execute_result", status="rejected"), "rejected"),
    "result within": (
        wrapped("x", event="exec_service.execute_result", out={"status": "rejected"}), ""),
    "transition": (wrapped('agent.state_transition {"from": "OFF", "to": "OBSERVE"}'), ""),
    "intent log": (wrapped("x", event_type="intent", intent_type="order_proposal"), ""),
}  # fmt: skip


@pytest.mark.parametrize(("line", "status"), OTHERS.values(), ids=OTHERS)
def test_other_lines_of_execution_are_told(tmp_path, line, status):
    """
    They are events of their own kind, with the time and the service of their envelope (R12.15).
    """
    known = {**line, "service": "exec", "correlation_id": "c-1"}
    (found,) = shown(read(write(tmp_path, "a.log", known)))

    assert (EventKind.LOG, "exec", "c-1") == (found.kind, found.agent, found.trace_id)
    assert ("INFO", "exec", status) == (found.severity, found.service, found.status)
    assert datetime(2026, 11, 18, 15, 0, 1, 500_000, UTC) == found.at


def test_fields_are_those_of_the_event(tmp_path):
    """Gates, transitions and orders are read out of their documents."""
    gate = {"checkpoint": "risk", "allowed": False, "should_execute": True, "reason": "why"}
    moved = {"from_state": "a", "to_state": "b", "reason_code": "R"}
    held = [event("decision_checkpoint", 1, data=gate), event("state_transition", 2, data=moved)]
    found = shown(
        read(write(tmp_path, "a.log", *held, order("received", 3), event(second=4, data=7)))
    )

    assert ("risk", True, "why") == (found[0].gate, found[0].allowed, found[0].reason)
    assert ("a", "b", "R") == (found[1].from_state, found[1].to_state, found[1].reason)
    expected = Intent("SPY", "buy", "10", "limit", "431.5")
    assert ("received", expected) == (found[2].stage, found[2].intent)
    flat = event("order_intent", data={"stage": "dry_run", "symbol": "QQQ", "qty": 2.5})
    (told,) = shown(read(write(tmp_path, "b.log", flat)))
    assert ("dry_run", Intent("QQQ", qty="2.5")) == (told.stage, told.intent)
    assert (None, {"stage", "intent"}) == (found[3].intent, set(found[2].data["data"]))


def test_what_has_no_trace_or_agent_is_unattributed(tmp_path):
    """It is the last group, and keeps whichever of both it has (R12.13)."""
    path = write(tmp_path, "a.log", event(trace_id=None), event(agent_name=""), event())
    groups = [(g, list(events)) for g, events in read(path).groups()]

    assert [True, False] == [g.attributed for g, _ in groups]
    assert [("", "t-1"), ("strategy-engine", "")] == sorted(
        (e.agent, e.trace_id) for e in groups[1][1]
    )


DEEP = '{"a":' * 80 + json.dumps(event()) + "}" * 80
SKIPPED = {
    "other logs": (wrapped("hello"), Skip.NO_EVENT),
    "blank": ("", Skip.NO_EVENT),
    "a text of JSON that bears a mark": ('"order_intent"', Skip.NO_EVENT),
    "a list that bears a mark": ('["order_intent", 1, {"a": [1]}]', Skip.NO_EVENT),
    "very many braces": ("{" * 300 + "order_intent", Skip.MALFORMED),
    "other JSON that bears a mark": ({"type": "x", "note": "order_intent"}, Skip.NO_EVENT),
    "prose that bears a mark": ("an order_intent was seen", Skip.NO_EVENT),
    "another version": (event(replay_schema="agenttrader.replay.v2"), Skip.OTHER_SCHEMA),
    "cut short": (json.dumps(order("received"))[:-9], Skip.MALFORMED),
    "its beginning is lost": (json.dumps(event())[10:], Skip.MALFORMED),
    "cut short within an envelope": (wrapped(json.dumps(event())[:-9]), Skip.MALFORMED),
    "a Python dictionary": (repr(protocol_intent()), Skip.MALFORMED),
    "nested too deep": (DEEP, Skip.TOO_DEEP),
    "nested beyond what Python can": ("x" + '{"a":[' * 50_000 + "order_intent", Skip.TOO_DEEP),
    "too long": ("order_intent" + "x" * (1 << 20), Skip.TOO_LONG),
}


@pytest.mark.parametrize(("line", "skip"), SKIPPED.values(), ids=SKIPPED)
def test_every_other_line_is_counted_by_its_reason(tmp_path, line, skip):
    """
    Each line is an event's, or has exactly one reason; what may have been an event is unread.

    This is docs/semantics.md#R12.13.
    """
    replay = read(write(tmp_path, "a.log", line, event()))

    assert {skip: 1} == replay.counts.skipped
    assert (2, True) == (replay.counts.lines, adds_up(replay.counts))
    assert (0 if skip is Skip.NO_EVENT else 1) == replay.counts.unread == replay.answer.exit_code


def test_an_event_beside_what_is_none_is_told_and_unread(tmp_path):
    """The line counts as an event's, and the answer is not whole."""
    both = {"one": json.dumps(event()), "other": json.dumps(event())[:-9]}
    replay = read(write(tmp_path, "a.log", both))

    assert (1, 1, 1) == (replay.counts.events, replay.counts.unread, replay.answer.exit_code)


def test_a_number_is_no_event():
    """As a whole line, too."""
    assert ([], Skip.NO_EVENT) == (events_in(b"12").events, events_in(b"12").skip)


def test_too_deep_within_an_event_is_told_as_such():
    """An event whose data is too deep is no event that was read."""
    data = json.loads('{"a":' * 80 + "1" + "}" * 80)
    lists = event(data=json.loads("[" * 80 + "]" * 80))

    assert [True, True] == [events_in(lines(e)).too_deep for e in (event(data=data), lists)]
    assert [] == events_in(lines(event(data=data))).events


def test_parts_that_a_runtime_split_are_joined(tmp_path):
    """CRI and docker split long lines; each part but the last is counted as joined."""
    text = json.dumps(event(component="y" * 40))
    head = "2026-11-18T15:00:00.123456789Z stdout"
    cri = (f"{head} P {text[:30]}", f"{head} P {text[30:60]}", f"{head} F {text[60:]}")
    docker = [
        {"log": part, "stream": "stderr", "time": "t"} for part in (text[:30], text[30:] + "\n")
    ]
    compact = [json.dumps(each, separators=(",", ":")) for each in docker]
    other = f"{head.replace('stdout', 'stderr')} F plain"
    path = write(tmp_path, "a.log", *cri[:2], other, cri[2], *compact, "between")
    replay = read(path)

    assert [(4, 2)] == [(e.line, e.repeated) for e in replay.events()]
    assert {Skip.JOINED: 3, Skip.NO_EVENT: 2} == replay.counts.skipped
    assert (2, True) == (replay.counts.events, adds_up(replay.counts))


def test_a_part_whose_rest_never_came_is_not_lost(tmp_path):
    """It is read as far as it goes."""
    head = "2026-11-18T15:00:00.123456789Z stdout P "
    replay = read(
        write(tmp_path, "a.log", head + json.dumps(event()), head + json.dumps(event())[:50])
    )

    assert (1, {Skip.JOINED: 1}) == (replay.counts.events, replay.counts.skipped)


TIMES = {
    "2026-11-18T15:00:00Z": 1_795_014_000_000_000,
    "2026-11-18T15:00:00.123456789+00:00": 1_795_014_000_123_456,
    "2026-11-18 15:00:00": 1_795_014_000_000_000,
    1_795_014_000: 1_795_014_000_000_000,
    1_795_014_000_250: 1_795_014_000_250_000,
    1_795_014_000_250_000: 1_795_014_000_250_000,
    1_795_014_000_250_000_000: 1_795_014_000_250_000,
    "yesterday": None,
    "1969-01-01T00:00:00Z": None,
    "3500-01-01T00:00:00Z": None,
    True: None,
    -5: None,
    1e30: None,
    99_000_000_000: None,
    None: None,
}


@pytest.mark.parametrize(("told", "micros"), TIMES.items(), ids=map(str, TIMES))
def test_times_are_read_in_every_form_that_logs_have(told, micros):
    """ISO 8601, UTC where no zone is named, and numbers by their size."""
    assert micros == read_time(told)
