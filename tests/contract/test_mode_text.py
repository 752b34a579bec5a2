"""Model: a mode is harmless only where it is known to be, however it is written."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mission_control.contract.model.modes import (
    FORBIDDEN_WORDS,
    HARMLESS_MODES,
    ModeText,
    fold_mode,
    forbidden_word,
    read_mode,
)

HARMLESS, FORBIDDEN, UNKNOWN = ModeText


@pytest.mark.parametrize(
    ("text", "meaning"),
    [
        pytest.param("OBSERVE", HARMLESS, id="observe"),
        pytest.param("OFF", HARMLESS, id="off"),
        pytest.param("EVAL", HARMLESS, id="eval"),
        pytest.param(" Paper\t\n", HARMLESS, id="blanks and small letters"),
        pytest.param("DISABLED", HARMLESS, id="the library's own"),
        pytest.param("paused", HARMLESS, id="the deploy report's own"),
        pytest.param("STREAM", HARMLESS, id="marketdata's fallback"),
        pytest.param("\N{FULLWIDTH LATIN CAPITAL LETTER O}FF", HARMLESS, id="full width"),
        pytest.param("PA\u200bPER\ufeff", HARMLESS, id="zero width inside"),
        pytest.param("EXECUTE", FORBIDDEN, id="execute"),
        pytest.param("Executing", FORBIDDEN, id="executing"),
        pytest.param(" live\r\n", FORBIDDEN, id="live in small letters"),
        pytest.param("ＬＩＶＥ", FORBIDDEN, id="live in full width"),  # noqa: RUF001
        pytest.param("𝐋𝐈𝐕𝐄", FORBIDDEN, id="live in bold"),  # noqa: RUF001
        pytest.param("LI\u200bVE", FORBIDDEN, id="live with zero width inside"),
        pytest.param("LI\x00VE", FORBIDDEN, id="live with a control inside"),
        pytest.param("L\u00adIVE", FORBIDDEN, id="live with a soft hyphen"),
        pytest.param("PAPER_LIVE", FORBIDDEN, id="underscore between"),
        pytest.param("paper-live", FORBIDDEN, id="hyphen between"),
        pytest.param("paper\nlive", FORBIDDEN, id="line break between"),
        pytest.param("NOT LIVE", FORBIDDEN, id="a denial is an unknown mode"),
        pytest.param("", UNKNOWN, id="empty"),
        pytest.param(" \t\u00a0", UNKNOWN, id="blank"),
        pytest.param("\u200b\u2060", UNKNOWN, id="invisible"),
        pytest.param("LIVELY", UNKNOWN, id="a longer word"),
        pytest.param("OBSERVER", UNKNOWN, id="a longer harmless word"),
        pytest.param("OBSERVE PAPER", UNKNOWN, id="two harmless words"),
        pytest.param("ОFF", UNKNOWN, id="a Cyrillic look-alike of off"),  # noqa: RUF001
        pytest.param("LІVE", UNKNOWN, id="a Ukrainian look-alike of live"),  # noqa: RUF001
        pytest.param("TURBO", UNKNOWN, id="a word of no vocabulary"),
        pytest.param("(a list)", UNKNOWN, id="another type"),
    ],
)
def test_a_mode_means_what_it_says_and_nothing_milder(text, meaning):
    """
    Harmless modes are a closed set, a forbidden word forbids, anything else is unknown (R2.13).
    """
    assert meaning is read_mode(text)


@given(st.text())
def test_whatever_is_not_in_the_closed_set_is_never_harmless(text):
    """
    No text passes for harmless but the known ones, as they are compared (R2.13).
    """
    assert (fold_mode(text) in HARMLESS_MODES) is (read_mode(text) is HARMLESS)


@given(
    st.sampled_from(sorted(FORBIDDEN_WORDS)),
    st.text(st.sampled_from(" -_./:,;+|\t\n()")),
    st.text(st.sampled_from(" -_./:,;+|\t\n()")),
    st.sampled_from(["", "paper", "off", "価"]),
)
def test_a_forbidden_word_forbids_whatever_is_around_it(word, before, after, other):
    """
    Signs and further words on either side of a forbidden word change nothing.
    """
    text = f"{other} {before}{word.upper()}{after} {other}"

    assert (FORBIDDEN, word) == (read_mode(text), forbidden_word(text))
