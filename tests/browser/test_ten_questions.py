"""Browser: what is asked at 08:30 is answered on the Floor, or one click away."""

import re
from urllib.parse import urljoin

import pytest

from tests.browser.test_pages import page_on

pytestmark = [pytest.mark.browser, pytest.mark.filterwarnings("default"), pytest.mark.timeout(180)]

SCENARIO = "stale-tick"
"""The floor is halted, so that there is something to ask."""
SECONDS = 20
"""No operator looks longer for an answer."""


@pytest.fixture(scope="module")
def floor(browser, demo):
    """Return the Floor of a demo whose ticks stopped, opened once for all questions."""
    running = demo(SCENARIO)
    running.until(lambda p: p["posture"] == "HALTED")
    with page_on(browser, running.pages + "/") as page:
        page.wait_for_selector("main[data-live=yes]")
        page.set_default_timeout(SECONDS * 1000)
        yield page


@pytest.fixture
def asked(floor):
    """Return the Floor, as it is after each question is answered."""
    floor.goto(urljoin(floor.url, "/"), wait_until="load")
    return floor


def text_of(page, selector="body"):
    """Return what can be read there, on one line."""
    return " ".join(page.inner_text(selector).split())


def test_why_is_it_halted(asked):
    """The verdict says in a sentence what is wrong, with the code's page one click away."""
    told = text_of(asked, "header.verdict")

    assert "HALTED" in told
    assert re.search(r"market ?data|MARKETDATA_STALE", told, re.IGNORECASE)
    assert re.search(r"stale|old", told, re.IGNORECASE)


def test_since_when(asked):
    """The verdict says since when, in New York's time."""
    assert re.search(r"since \d\d:\d\d:\d\d ET", text_of(asked, "header.verdict"))


def test_who_owns_it(asked):
    """The verdict names the owner."""
    assert re.search(r"Owner\b.*(Owner|On-Call)", text_of(asked, "header.verdict"))


def test_what_do_i_do(asked):
    """The first step stands in the verdict, and the runbook is one click away."""
    assert re.search(r"Now: \w+", text_of(asked, "header.verdict"))
    asked.locator("header.verdict a[href^='/runbooks/']").first.click()
    asked.wait_for_selector("html[data-page=runbook]")

    assert re.search(r"Mitigation|Do now|What to do", text_of(asked, "main"))


def test_what_changed_in_the_last_deploy(asked):
    """The Floor says what changed, or that no report tells it; all of it is a click away."""
    assert re.search(r"Changed since|No deploy report", text_of(asked, "main"))
    asked.get_by_role("link", name=re.compile("^(Deploys|Changes)")).first.click()
    asked.wait_for_selector("html[data-page=deploys], html[data-page=diff]")

    assert asked.locator("main").count() == 1


def test_did_the_check_before_the_open_run_and_what_did_it_say(asked):
    """The schedule, one click away, has each run with its outcome; the demo may begin after it."""
    asked.get_by_role("link", name=re.compile("^Schedule")).first.click()
    asked.wait_for_selector("html[data-page=schedule]")
    told = text_of(asked, "main")
    ended = r"09:15 .{0,200}?(GO|NO-GO|MISSED|FAILED|SUCCEEDED|PLANNED)"
    ahead = r"\d\d:\d\d E[SD]T .{1,60}?(PLANNED|to come|SUCCEEDED)"

    assert re.search(f"{ended}|{ahead}", told)


def test_what_was_the_floor_at_an_earlier_time(asked):
    """The time machine takes New York's time, and the page says as of when it is."""
    shown = asked.locator(".time-machine input[name=at]")
    at = shown.input_value()
    shown.fill(at)
    asked.locator(".time-machine button").click()
    asked.wait_for_selector(".pill-past")

    assert f"AS OF {at.replace('T', ' ')}" in text_of(asked, ".pill-past")
    assert re.search(r"HALTED|OK|MARKET CLOSED", text_of(asked, "header.verdict"))
    asked.get_by_role("link", name="Back to now").click()
    asked.wait_for_selector("main[data-live=yes]")


def test_is_this_live(asked):
    """The bar says LIVE, with the age of the newest decision."""
    assert re.search(r"LIVE \d+ s", text_of(asked, ".bar"))
    assert "NOT LIVE" not in text_of(asked, ".bar .pill-live")


def test_how_do_i_know_that_nothing_can_be_changed_from_here(asked):
    """READ-ONLY in the bar leads to the proof, which was just made."""
    asked.get_by_role("link", name="READ-ONLY").first.click()
    asked.wait_for_selector("html[data-page=read-only]")

    assert re.search(r"proven|PROVEN", text_of(asked, "main"))


def test_which_evidence_is_oldest(asked):
    """The verdict names the oldest piece, and every piece is one click away with its age."""
    assert re.search(r"Oldest evidence .*(\d+ s old|incomplete)", text_of(asked, "header.verdict"))
    asked.get_by_role("link", name="How do you know").first.click()
    asked.wait_for_selector("html[data-page=evidence-now] table.pieces")
    told = text_of(asked, "main")

    assert re.search(r"\d+ pieces of evidence are required", told)
    assert re.search(r"\d+ s of (45|60|120) s", told)


def test_the_brief_answers_all_of_them_alone(asked):
    """Each of the ten is answered by a line of the brief."""
    asked.goto(urljoin(asked.url, "/brief"), wait_until="load")
    told = text_of(asked, "main")
    answers = {
        "why": r"HALTED.{0,120}MARKETDATA_STALE",
        "since when": r"for \d+ .{1,20}\(since \d\d:\d\d:\d\d E[SD]T\)",
        "who owns it": r"Owner: \w+",
        "what to do": r"Do first: \w+",
        "what changed": r"Deploys: \d+ change|What was deployed: not read",
        "the check of 09:15": r"09:15 E[SD]T pre_open_readiness: [A-Z]+|Next of \d+ runs",
        "what it was then": r"The posture today, New York: .*\d\d:\d\d",
        "live": r"Live: decided \d+ s before this was written",
        "read-only": r"Nothing can be changed from here",
        "oldest evidence": r"the oldest is \S+, \w+",
    }

    assert [] == [name for name, answer in answers.items() if not re.search(answer, told)]


def test_keys_lead_there_without_a_mouse(asked):
    """`g b` opens the brief, `g k` the evidence; what is typed into the time machine stays."""
    asked.keyboard.press("g")
    asked.keyboard.press("b")
    asked.wait_for_selector("html[data-page=brief]")
    asked.keyboard.press("g")
    asked.keyboard.press("k")
    asked.wait_for_selector("html[data-page=evidence-now]")
    asked.locator(".time-machine input[name=at]").fill("2026-01-02T03:04:05")
    asked.evaluate(
        "fetch(location.href).then((a) => a.text()).then((t) => document.getElementById('live')"
        ".replaceWith(new DOMParser().parseFromString(t, 'text/html').getElementById('live')))"
    )

    assert "2026-01-02T03:04:05" == asked.locator(".time-machine input[name=at]").input_value()
