"""What counts as evidence of execution, and what the answer is (docs/semantics.md#R12.16)."""

import json

import pytest

from mission_control.replay.model import EvidenceKind, Verdict
from tests.replay.logs import event, lines, order, protocol_intent, read, shown, wrapped, write

RESULT = "exec_service.execute_result "
KIND = EvidenceKind
PLACED, ORDER_ID = KIND.BROKER_PLACED, KIND.BROKER_ORDER_ID
WIDE = "".join(chr(ord(c) + 0xFEE0) for c in "broker_placed")
EVIDENCE = {
    "broker_placed": (order("broker_placed"), PLACED),
    "in capitals": (order(" BROKER-PLACED "), PLACED),
    "humps": (order("brokerPlaced"), PLACED),
    "full width": (order(WIDE), PLACED),
    "wrapped": (wrapped(order("broker_placed")), PLACED),
    "of another document": ({"msg": "x", "stage": "broker_placed"}, PLACED),
    "an order id, deep within": (event(data={"a": [{"broker_order_id": "b-1"}]}), ORDER_ID),
    "the worst of several": (
        order("broker_placed", broker_order_id="b-1"), PLACED),
    "an order id as a number": (event(data={"brokerOrderId": 17}), ORDER_ID),
    "an order id of an intent": (protocol_intent(metadata={"broker_order_id": "x"}), ORDER_ID),
    "an order id of another document": ({"msg": "ok", "broker_order_id": "b"}, ORDER_ID),
    "a result with an order id": (
        wrapped(RESULT + '{"status": "ok", "broker_order_id": "b"}'), ORDER_ID),
    "a result": (wrapped(RESULT + '{"status": "executed"}'), KIND.EXECUTED),
    "a partial fill": (wrapped(RESULT + '{"status": "PartiallyFilled"}'), KIND.EXECUTED),
    "a state": (event("state_transition", data={"to_state": "filled"}), KIND.EXECUTED),
    "a result of an unknown word": (wrapped(RESULT + '{"status": "routed"}'), KIND.SUSPECTED),
    "a result without a status": (wrapped(RESULT + "{}"), KIND.SUSPECTED),
    "a result whose status is a number": (wrapped(RESULT + '{"status": 3}'), KIND.SUSPECTED),
    "an agent that went live": (wrapped('agent.state_transition {"to": "LIVE"}'), KIND.SUSPECTED),
    "a line cut short": (json.dumps(order("broker_placed"))[:-9], KIND.SUSPECTED),
    "prose": ("stage=broker_placed for SPY", KIND.SUSPECTED),
    "an order id in prose": ("done, broker_order_id=b-17", KIND.SUSPECTED),
    "said twice": (json.dumps(order("received")).replace(
        '"stage": "received"', '"stage": "broker_placed", "stage": "received"'), KIND.SUSPECTED),
    "escaped, and cut short": (
        '{"x": "\\u0062roker_placed', KIND.SUSPECTED),
    "another version of the schema": (
        order("broker_placed", replay_schema="agenttrader.replay.v9"), PLACED),
    "too long": ("x" * (1 << 20) + '{"stage": "broker_placed"}' + "y" * 900_000, KIND.SUSPECTED),
}  # fmt: skip


@pytest.mark.parametrize(("line", "kind"), EVIDENCE.values(), ids=EVIDENCE)
def test_evidence_is_found_and_told(tmp_path, line, kind):
    """
    It exits with 3 and is told with its place; what cannot be read as an event is suspected.

    This is docs/semantics.md#R12.16.
    """
    replay = read(write(tmp_path, "a.log", wrapped("hello"), line))
    (found,) = replay.evidence()

    assert (kind, 2, True) == (found.kind, found.line, found.why != "")
    suspected = kind is KIND.SUSPECTED
    assert (Verdict.SUSPECTED if suspected else Verdict.FOUND, 3) == (
        replay.answer.verdict, replay.answer.exit_code)  # fmt: skip
    assert (not suspected, suspected) == (
        replay.counts.evidence == 1,
        replay.counts.suspicions == 1,
    )


HARMLESS = {
    "an intent": order("emitted_by_guest"),
    "a dry run": order("dry_run"),
    "not executed": wrapped(RESULT + '{"status": "not_executed", "broker_order_id": null}'),
    "a failed state": event("state_transition", data={"to_state": "execute_failed"}),
    "no order id": event(data={"broker_order_id": "", "broker_order_ids": []}),
    "no order id, in prose": "rejected, broker_order_id=None, order_intent",
    "an order id of None": wrapped("broker_order_id: null, order_intent"),
    "a transition": wrapped('agent.state_transition {"to": "OBSERVE"}'),
    "another document in a state": {"msg": "order_intent", "status": "executed"},
}


@pytest.mark.parametrize("line", HARMLESS.values(), ids=HARMLESS)
def test_what_was_not_executed_is_no_evidence(tmp_path, line):
    """None is found, and the answer says in how many events and lines (R12.16)."""
    replay = read(write(tmp_path, "a.log", line, wrapped("hello")))

    assert [] == list(replay.evidence())
    assert (Verdict.NONE_FOUND, 0) == (replay.answer.verdict, replay.answer.exit_code)
    assert "none found in" in replay.answer.headline
    assert "skipped because" in replay.answer.headline


def test_what_is_narrowed_hides_no_evidence(tmp_path):
    """
    Only what is shown is narrowed; hidden events are counted, and evidence is still told.

    This is docs/semantics.md#R12.21.
    """
    path = write(tmp_path, "a.log", order("broker_placed"), event(second=5, trace_id="t-2"))
    replay = read(path, trace_id="t-2")

    assert ["t-2"] == [e.trace_id for e in shown(replay)]
    assert (1, 1, 3) == (replay.counts.hidden, len([*replay.evidence()]), replay.answer.exit_code)
    assert any("hidden" in reason for reason in replay.answer.reasons)


def test_evidence_outweighs_what_broke_off(tmp_path):
    """What was found is worse than what could not be read."""
    replay = read(write(tmp_path, "a.log", order("broker_placed")), tmp_path / "none.log")

    assert (Verdict.FOUND, 3) == (replay.answer.verdict, replay.answer.exit_code)


def test_of_very_many_that_broke_off_some_are_named(tmp_path):
    """The rest is counted."""
    answer = read(*(tmp_path / f"{n}.log" for n in range(25))).answer

    assert 20 == sum("cannot be opened" in reason for reason in answer.reasons)
    assert "5 further sources could not be read to the end" in answer.reasons


def test_no_change_for_the_worse_improves_the_answer(tmp_path):
    """However much of a line of evidence is lost, the answer is never that none was found."""
    line = lines(wrapped(order("broker_placed", 3), service="exec"))
    claims = line.index(b"broker_placed")
    for cut in range(1, len(line) - 1, 7):
        left = read(write(tmp_path, "cut.log", line[:cut]))
        lost = read(write(tmp_path, "lost.log", line[cut:-1]))
        marked = line.index(b"agenttrader.replay") + 18
        assert cut < marked or left.answer.exit_code in {1, 3}
        assert cut > claims or 3 == lost.answer.exit_code


def test_a_forbidden_mode_is_worth_a_note(tmp_path):
    """It is told beside the answer, and is none of execution by itself."""
    modes = [wrapped("x", agent_mode=mode) for mode in ("OBSERVE", "OBSERVE", "LIVE", "paper-live")]
    escaped = wrapped(wrapped("x", agent_mode="EXECUTE"))
    replay = read(write(tmp_path, "a.log", *modes, escaped), write(tmp_path, "b.log", *modes[:2]))

    assert {"EXECUTE": 1, "LIVE": 1, "paper-live": 1} == replay.modes
    assert 0 == replay.answer.exit_code
    assert sum("agent mode" in reason for reason in replay.answer.reasons) == 3


def test_what_is_quoted_is_redacted(tmp_path):
    """No secret is in any event, in evidence, or in what is quoted of a line (R12.20)."""
    hush = "hunter2-Zx81"
    told = order("broker_placed", password=hush, component=f"token={hush}")
    prose = f"password={hush} broker_placed"
    shadow = json.dumps(event()).replace(
        '"event"', f'"password": "{hush}", "password": null, "event"'
    )
    replay = read(
        write(tmp_path, "a.log", told, prose, shadow, wrapped(told, service=f"api_key={hush}"))
    )

    assert [2, 1] == [e.repeated for e in replay.evidence()]
    result = wrapped(RESULT + json.dumps({"status": f"password={hush}"}))
    (told,) = shown(read(write(tmp_path, "b.log", result)))
    assert (True, False) == ("its status is" in told.evidence, hush in told.evidence)
    assert hush not in repr([*replay.events()]) + repr([*replay.evidence()]) + repr(replay.sources)
