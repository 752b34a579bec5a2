"""Present: an attestation, byte for byte, and hostile text in it."""

from pathlib import Path

import pytest

from mission_control.attestation.present import (
    MOST_GAPS,
    MOST_SPANS,
    no_execution_document,
    no_execution_markdown,
)
from mission_control.documents.canonical_json import encode_json
from mission_control.model.reading import UnseenReason
from tests.attestation.test_no_execution import BEFORE, SECOND, Day, at_minute
from tests.floor.floor_of_values import CLOSE_AT, STRATEGY

GOLDEN = Path(__file__).parents[1] / "golden"


def a_day():
    """Return a day with a gap, a sign, and an unwatched hour."""
    day = Day()
    day.decide(at_minute(30), lambda f: f.lose(STRATEGY, "/ops/status", UnseenReason.TIMEOUT))
    day.decide(at_minute(31))
    day.decide(
        at_minute(90), lambda f: f.say(STRATEGY, "agent_identity.agent_mode", "EXECUTE|<b>`x`")
    )
    day.decide(
        at_minute(91), lambda f: f.say(STRATEGY, "safety.safe_to_execute_orders", value=True)
    )
    day.decide(at_minute(100))
    return day.attest(decided=((BEFORE, at_minute(200)), (at_minute(260), CLOSE_AT)))


@pytest.mark.parametrize(
    ("name", "content"),
    [
        ("attestation.json", lambda: encode_json(no_execution_document(a_day())).decode()),
        ("attestation.md", lambda: no_execution_markdown(no_execution_document(a_day()))),
    ],
)
def test_an_attestation_is_written_so(name, content):
    """Byte for byte; look at the difference before you renew the file."""
    assert (GOLDEN / name).read_text() == content()


def test_nothing_that_others_wrote_acts():
    """A mode that looks like Markdown or HTML is written as text."""
    markdown = no_execution_markdown(no_execution_document(a_day()), "DEMO")

    assert "<b>" not in markdown
    assert "EXECUTE\\|\\<b\\>\\`x\\`" in markdown
    assert "**DEMO**" in markdown


def test_a_day_in_pieces_is_not_written_without_end():
    """So many gaps and stretches are written for people; the JSON holds every one."""
    day = Day()
    pieces = [
        (at_minute(0) + 60 * n * SECOND, at_minute(0) + (60 * n + 30) * SECOND) for n in range(300)
    ]
    made = day.attest(decided=pieces)
    document = no_execution_document(made)
    markdown = no_execution_markdown(document)

    assert 300 == len(document["gaps"])
    assert f"and {300 - MOST_GAPS} more in attestation.json" in markdown
    assert f"{600 - MOST_SPANS} more in attestation.json" in markdown


def test_a_whole_day_says_so():
    """Nothing of a gap is said where there is none."""
    document = no_execution_document(Day().attest())
    markdown = no_execution_markdown(document)

    assert "all that is required was seen throughout" in document["sentence"]
    assert "None was seen." in markdown
    assert "## Gaps\n\nNone.\n" in markdown
