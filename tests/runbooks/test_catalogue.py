"""Decide: the catalogue knows every reason code, and leads any code to a page."""

import dataclasses
import re

import pytest

from mission_control.model import codes
from mission_control.model.catalogue import (
    CATALOGUE,
    ENTRIES,
    PROCEDURES,
    SUBJECTS,
    explain,
    runbook_code,
    subject_of,
)
from mission_control.model.finding import Severity
from mission_control.model.reading import UnseenReason

CONSTANTS = {k: v for k, v in vars(codes).items() if k.isupper() and isinstance(v, str)}


@pytest.mark.parametrize("name", CONSTANTS)
def test_a_constant_is_its_own_name(name):
    """Every constant of the model's codes is spelled as its value is."""
    assert name == CONSTANTS[name]


@pytest.mark.parametrize("code", sorted({*CONSTANTS.values(), *UnseenReason}))
def test_every_code_is_catalogued(code):
    """Every code that readings and decisions use is in the catalogue, under its own name."""
    assert code == CATALOGUE[code].code


def test_nothing_else_is_catalogued():
    """The catalogue lists each code once, and none that is not used."""
    assert len(ENTRIES) == len(CATALOGUE)
    assert {*CONSTANTS.values(), *UnseenReason} == set(CATALOGUE)


@pytest.mark.parametrize("code", sorted(codes.FLEET_CODES))
def test_the_fleets_own_codes_are_explained(code):
    """A code that a service may report of itself is never called unlisted."""
    assert code == explain(code).code


@pytest.mark.parametrize("entry", CATALOGUE.values(), ids=lambda entry: entry.code)
def test_an_entry_can_be_read(entry):
    """A title is a few words, the meaning is one sentence, and a severity is one of ours."""
    assert re.fullmatch(r"[A-Z][^.\n]{5,50}", entry.title)
    assert re.fullmatch(r"[A-Z][^\n]{20,150}\.", entry.meaning)
    assert 1 == len(re.findall(r"\.(?:\s|$)", entry.meaning))
    assert entry.usual_severity in Severity


def test_no_two_titles_are_alike():
    """Two codes that read alike could be taken for each other."""
    assert len(CATALOGUE) == len({entry.title for entry in CATALOGUE.values()})


@pytest.mark.parametrize(
    "code", ["EXECUTION_EVIDENCE", "FRESHNESS_GATE_FALSE_POSITIVE", "KILL_SWITCH_UNCONFIRMED"]
)
def test_what_stops_the_line_is_p0(code):
    """What the playbook stops the line for is P0."""
    assert Severity.P0 is explain(code).usual_severity


@pytest.mark.parametrize(
    ("code", "page"),
    [
        pytest.param("HTTP_503", "HTTP_STATUS", id="a status"),
        pytest.param("HTTP_422", "HTTP_STATUS", id="another status"),
        pytest.param("HTTP_STATUS", "HTTP_STATUS", id="the shared page itself"),
        pytest.param("TIMEOUT", "TIMEOUT", id="a code of its own"),
        pytest.param("NEVER_HEARD", "UNLISTED_REASON", id="an unknown code"),
        pytest.param("timeout", "UNLISTED_REASON", id="another spelling"),
        pytest.param("HTTP_", "UNLISTED_REASON", id="no status"),
        pytest.param("HTTP_50", "UNLISTED_REASON", id="two digits"),
        pytest.param("HTTP_5030", "UNLISTED_REASON", id="four digits"),
        pytest.param("HTTP_٥٠٣", "UNLISTED_REASON", id="digits of another script"),
        pytest.param("HTTP_503\n", "UNLISTED_REASON", id="a line after it"),
        pytest.param("", "UNLISTED_REASON", id="nothing"),
    ],
)
def test_any_code_leads_to_a_page(code, page):
    """A shared code is led to its page, and an unknown one to the page about such codes."""
    assert page == runbook_code(code) == explain(code).code


def test_an_entry_cannot_be_changed():
    """What the catalogue says stays as it is."""
    with pytest.raises(dataclasses.FrozenInstanceError):
        explain("TIMEOUT").title = "x"  # pyright: ignore[reportAttributeAccessIssue]


def test_every_code_has_one_subject():
    """An index groups every code below what it is about; what is no code is a procedure."""
    found = {subject_of(code) for code in CATALOGUE}

    assert PROCEDURES not in found
    assert set(SUBJECTS) == found | {PROCEDURES}
    assert PROCEDURES == subject_of("pre_market")
