"""Model: a switch's text means what it says exactly, or nothing."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mission_control.model.kill_switch import FALSY, TRUTHY, SwitchText, read_switch_text


@pytest.mark.parametrize(
    ("text", "meaning"),
    [
        pytest.param("1", SwitchText.TRUTHY, id="one"),
        pytest.param(" TRUE \t", SwitchText.TRUTHY, id="blanks and capitals"),
        pytest.param("yes\r\n0", SwitchText.TRUTHY, id="first line of two"),
        pytest.param("On", SwitchText.TRUTHY, id="on"),
        pytest.param("0\n", SwitchText.FALSY, id="nought"),
        pytest.param("False", SwitchText.FALSY, id="false"),
        pytest.param("NO", SwitchText.FALSY, id="no"),
        pytest.param("off", SwitchText.FALSY, id="off"),
        pytest.param("", SwitchText.UNCLEAR, id="empty"),
        pytest.param("\n1", SwitchText.UNCLEAR, id="first line empty"),
        pytest.param("\ufeff1", SwitchText.UNCLEAR, id="byte-order mark"),
        pytest.param("HALTED", SwitchText.UNCLEAR, id="halted"),
        pytest.param("enabled", SwitchText.UNCLEAR, id="enabled"),
        pytest.param("y", SwitchText.UNCLEAR, id="y"),
        pytest.param("2", SwitchText.UNCLEAR, id="two"),
        pytest.param("1 0", SwitchText.UNCLEAR, id="two words"),
        pytest.param("\N{FULLWIDTH DIGIT ONE}", SwitchText.UNCLEAR, id="full-width one"),
    ],
)
def test_only_exact_words_have_a_meaning(text, meaning):
    """
    Exact words on the first line mean on or off, and everything else is unclear (R4.1).
    """
    assert meaning is read_switch_text(text)


@given(st.text())
def test_whatever_is_not_a_known_word_is_unclear(text):
    """
    No text outside the two short lists is ever read as on or off.
    """
    word = text.split("\n", 1)[0].strip(" \t\r").casefold()

    assert (word in TRUTHY | FALSY) is (read_switch_text(text) is not SwitchText.UNCLEAR)
