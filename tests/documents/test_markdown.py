"""Markdown: what others wrote is text, on one line, and nothing in it is hidden."""

import pytest

from mission_control.api.documentation_routes import render_markdown
from mission_control.documents.markdown import escape
from mission_control.documents.visible_text import visible


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        pytest.param("plain é 漢 ⚠", "plain é 漢 ⚠", id="what is seen stays"),
        pytest.param("a\tb\nc\r\n", "a\tb\nc\r\n", id="tabs and line ends stay"),
        pytest.param("a\xa0b\u3000c", "a\xa0b\u3000c", id="spaces stay"),
        pytest.param("live\u202eevil", "live\\u202eevil", id="a turned text"),
        pytest.param("a\u200b\u2066b\ufeff", "a\\u200b\\u2066b\\ufeff", id="without width"),
        pytest.param("\x1b[31m\x9b\x00", "\\x1b[31m\\x9b\\x00", id="of a terminal"),
        pytest.param("a\u2028b\x85c", "a\\u2028b\\x85c", id="line ends that few show"),
        pytest.param("\ud800", "\\ud800", id="half of a character"),
    ],
)
def test_what_steers_the_eye_is_spelled_out(text, shown):
    """What turns, hides or controls is written as an escape; everything else stays as it is."""
    assert shown == visible(text)


def test_no_report_turns_what_it_quotes():
    """In Markdown, and in HTML that is made of it, the escape itself is text."""
    assert "live\\\\u202eevil \\| x" == escape("live\u202eevil\n| x")
    assert "\u202e" not in render_markdown("# a\u202eb")
