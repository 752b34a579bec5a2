"""Redaction: every form of the corpus is masked wherever others' text may come out."""

import pytest

from mission_control.redaction.decide.secrecy import looks_harmless, redact_text
from tests.redaction.corpus import CORPUS, HARMLESS

ROWS = [pytest.param(row, id=row.name) for row in CORPUS]


def leaks(row, shown):
    """Return what of a row's secret is in an output, as it is or without what is invisible."""
    plain = "".join(c for c in shown if c.isprintable() or c in "\n\t")
    return [part for part in row.hidden if part in shown or part in plain]


@pytest.mark.parametrize("row", ROWS)
def test_no_part_of_a_secret_is_left(row):
    """What is secret of a text is masked, and what is beside it can still be read."""
    shown = redact_text(row.text)

    assert [] == leaks(row, shown)
    assert [] == [part for part in row.kept if part not in shown]
    assert shown == redact_text(shown)
    assert not looks_harmless(row.text.encode())


@pytest.mark.parametrize("text", HARMLESS)
def test_what_only_looks_like_a_secret_stays(text):
    """Names, counts, digests and prose are no secrets."""
    assert text == redact_text(text)
