"""Configuration: the closures file, refused whole where one entry is doubtful."""

from datetime import date, time

import pytest

from mission_control.configuration.closures import load_closures
from mission_control.configuration.settings import load_closures_in_force
from mission_control.errors import ConfigurationError
from mission_control.market_calendar.closures import ClosureKind

GOOD = """closures:
  - {date: 2026-12-01, kind: closed, source: notice 7, announced: 2026-11-29, entered_by: ops}
  - date: 2026-11-24
    kind: early_close
    close: 13:00
    source: notice 6
    announced: 2026-11-20
    entered_by: ops
"""


def entry(**changes):
    """Write a file with one entry, changed."""
    fields = {
        "date": "2026-12-01",
        "kind": "closed",
        "source": "notice",
        "announced": "2026-11-29",
        "entered_by": "ops",
    } | changes
    return "closures:\n  - {" + ", ".join(f"{k}: {v}" for k, v in fields.items() if v) + "}\n"


def test_closures_are_read_in_order_of_date(tmp_path):
    """A good file gives its closures, the earliest first, times as they are written (R5.2)."""
    path = tmp_path / "closures.yaml"
    path.write_text(GOOD)

    first, second = load_closures(path).closures

    assert (date(2026, 11, 24), ClosureKind.EARLY_CLOSE, time(13)) == (
        first.on,
        first.kind,
        first.close,
    )
    assert (date(2026, 12, 1), ClosureKind.CLOSED, None) == (second.on, second.kind, second.close)


@pytest.mark.parametrize(
    ("text", "key"),
    [
        pytest.param(entry(colour="red"), "closures[0]", id="unknown key"),
        pytest.param(entry(source=""), "closures[0]", id="missing key"),
        pytest.param(entry(date="tomorrow"), "closures[0].date", id="no date"),
        pytest.param(entry(kind="shut"), "closures[0].kind", id="unknown kind"),
        pytest.param(entry(kind="early_close"), "closures[0]", id="early close without close"),
        pytest.param(entry(close="13:00"), "closures[0].close", id="closed with a close"),
        pytest.param(
            entry(kind="early_close", close="17:00"), "closures[0].close", id="after the close"
        ),
        pytest.param(entry(kind="early_close", close="1pm"), "closures[0].close", id="no time"),
        pytest.param(entry() + entry().split("\n", 1)[1], "closures[1]", id="twice"),
        pytest.param("{}", "", id="no list"),
    ],
)
def test_a_doubtful_entry_refuses_the_file(tmp_path, text, key):
    """Every doubtful entry is refused by file, line and key, with a remedy."""
    path = tmp_path / "closures.yaml"
    path.write_text(text)

    with pytest.raises(ConfigurationError) as refused:
        load_closures(path)

    assert key == refused.value.key
    assert refused.value.where.startswith(f"{path}:")
    assert refused.value.remedy


def test_a_huge_file_is_refused(tmp_path):
    """A file over 256 KiB is refused unread."""
    path = tmp_path / "closures.yaml"
    path.write_text("#" * (256 * 1024 + 1))

    with pytest.raises(ConfigurationError, match="256 KiB"):
        load_closures(path)


def test_closures_need_no_fleet(tmp_path):
    """The closures in force can be read without any fleet configured."""
    path = tmp_path / "closures.yaml"
    path.write_text(GOOD)

    assert 2 == len(load_closures_in_force({"MISSION_CONTROL_CLOSURES_FILE": str(path)}))
    assert () == load_closures_in_force({})
