"""Decide: what root and history do not remember alike is a loss, and nothing else is."""

from datetime import UTC, datetime, timedelta

import pytest

from mission_control.history.decide.loss import (
    HistoryMemory,
    HistoryPin,
    RootMemory,
    find_loss,
    names_head,
    said_as_new_until,
)
from mission_control.model.session import TradingDay

OURS, THEIRS, HERE = frozenset({"ours"}), frozenset({"theirs"}), "here"
PIN = HistoryPin(HERE, 7, 70)
KEPT = HistoryMemory(HERE, OURS, 7, {7: 70})
HEAD = "0123456789abcdef" * 4


@pytest.mark.parametrize(
    ("root", "history"),
    [
        pytest.param(RootMemory(), HistoryMemory(), id="a first start"),
        pytest.param(RootMemory(), HistoryMemory(newest_decision=7), id="before ids"),
        pytest.param(RootMemory(server_ran=True), HistoryMemory(newest_decision=7), id="upgrade"),
        pytest.param(
            RootMemory(), HistoryMemory(HERE, OURS, 7, same_ledger="ours"), id="marker lost"
        ),
        pytest.param(RootMemory("ours"), KEPT, id="the same"),
        pytest.param(RootMemory("ours", pins=(PIN,)), KEPT, id="pinned"),
        pytest.param(
            RootMemory("ours", pins=(PIN,)), HistoryMemory(HERE, OURS, 99), id="dropped since"
        ),
        pytest.param(
            RootMemory("ours"), HistoryMemory(HERE, OURS | THEIRS, 7), id="another's as well"
        ),
    ],
)
def test_what_is_remembered_alike_is_no_loss(root, history):
    """A first start, an upgrade and an ordinary restart say nothing."""
    assert "" == find_loss(root, history)


@pytest.mark.parametrize(
    ("root", "history", "said"),
    [
        pytest.param(RootMemory(server_ran=True), HistoryMemory(), "holds none", id="missing"),
        pytest.param(
            RootMemory(), HistoryMemory(HERE, THEIRS, 7), "another record's", id="foreign"
        ),
        pytest.param(RootMemory("ours"), HistoryMemory(), "is empty and", id="empty"),
        pytest.param(
            RootMemory("ours"), HistoryMemory(HERE, THEIRS, 7), "another record", id="another's"
        ),
        pytest.param(
            RootMemory("ours"),
            HistoryMemory(newest_decision=7),
            "holds decisions and belongs to no record",
            id="from before ids",
        ),
        pytest.param(
            RootMemory("ours", pins=(PIN,)), HistoryMemory(HERE, OURS, 6), "older", id="older"
        ),
        pytest.param(
            RootMemory("ours", pins=(PIN,)),
            HistoryMemory("there", OURS, 7, {7: 70}),
            "another one",
            id="another database",
        ),
        pytest.param(
            RootMemory("ours", pins=(PIN,)),
            HistoryMemory(HERE, OURS, 9, {7: 71}),
            "older",
            id="another past",
        ),
        pytest.param(
            RootMemory("ours"),
            HistoryMemory(HERE, OURS, 7, lost_line=4),
            "line 4",
            id="ledger cut",
        ),
        pytest.param(RootMemory("ours", damaged=True), KEPT, "damaged", id="torn note"),
    ],
)
def test_what_is_not_remembered_alike_is_a_loss(root, history, said):
    """Whatever root or history know that the other does not is said, and what it is (R6.6)."""
    assert said in find_loss(root, history)


@pytest.mark.parametrize(
    ("given", "named"),
    [
        pytest.param(HEAD, True, id="whole"),
        pytest.param(f" {HEAD[:16].upper()}\n", True, id="as verify prints it"),
        pytest.param(HEAD[:11], False, id="too little"),
        pytest.param("", False, id="nothing"),
        pytest.param("f" + HEAD[1:], False, id="another"),
        pytest.param(f"{HEAD}0", False, id="more than that"),
    ],
)
def test_a_head_is_named_by_its_beginning(given, named):
    """Twelve characters of the hash name a head, and no other."""
    assert named is names_head(given, HEAD)


def test_a_record_is_new_until_an_hour_before_an_open():
    """One that began within that hour is new until the session after (R6.7)."""
    opens = [datetime(2026, 11, day, 14, 30, tzinfo=UTC) for day in (20, 23)]
    sessions = [TradingDay(o.date(), o, o + timedelta(hours=6)) for o in opens]
    hour = timedelta(hours=1)

    assert opens[0] - hour == said_as_new_until(opens[0] - 2 * hour, sessions)
    assert opens[1] - hour == said_as_new_until(opens[0] - hour, sessions)
    assert said_as_new_until(opens[1], sessions) is None
