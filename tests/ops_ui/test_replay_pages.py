"""Pages: recorded replays. What is missing or odd is never "none found"."""

import copy
from html.parser import HTMLParser

import httpx
import orjson
import pytest

from mission_control.market_calendar.calendar import MarketCalendar
from mission_control.replay.present.document import replay_json
from mission_control.replay.present.listed import (
    RecordedFiles,
    listed_replay,
    replay_diff_document,
    replay_document,
)
from mission_control.replay.present.picture import Stretch, backdrop_of
from mission_control.replay.present.read_back import ReadAccount, read_replay
from mission_control.replay.record import notes_of
from tests.replay.replay_of_values import CALM, HOSTILE, at, hostile, replay

pytestmark = pytest.mark.anyio
REPLAYS = "/api/v1/replays"
STEM = "audit_artifacts/replays/20261118T151500Z_replay"
POSTURES = (
    Stretch(at(0), at(2), "OK"),
    Stretch(at(2), at(3), None),
    Stretch(at(3), at(6), "HALTED"),
)


def recorded(shown):
    """Return a replay as it would be listed and read back."""
    behind = backdrop_of(MarketCalendar(), at(0), at(6), POSTURES)
    read = read_replay("".join(replay_json(shown, "", behind)).encode(), STEM)
    file = {"path": f"{STEM}.md", "name": "replay.md", "size": 9, "sha256": "ab" * 32}
    files = RecordedFiles(
        f"{STEM}.md", "2026-11-18T15:15:00.000Z", "2026-11-18 10:15:00 EST", None, (file,)
    )
    return listed_replay(files, ReadAccount(notes_of(shown), ""), ""), read


def answer(document):
    """Return a document as it comes over HTTP."""
    return orjson.loads(orjson.dumps(document))


FOUND_ONE, CALM_ONE = recorded(replay()), recorded(CALM)
LIST = answer({"replays": [FOUND_ONE[0], CALM_ONE[0]], "next_cursor": "7"})
ONE = answer(replay_document(*FOUND_ONE))
CLEAN = answer(replay_document(*CALM_ONE))
DIFF = answer(replay_diff_document(CALM_ONE, FOUND_ONE))


class Seen(HTMLParser):
    """Collects tags with their attributes and texts."""

    def __init__(self, page: str) -> None:
        """Read a page."""
        super().__init__()
        self.tags: list[tuple[str, dict[str, str | None]]] = []
        self.feed(page)

    def handle_starttag(self, tag, attrs):
        """Note a tag."""
        self.tags.append((tag, dict(attrs)))

    def classes(self, tag):
        """List the classes of every such tag."""
        return [attrs.get("class") or "" for name, attrs in self.tags if name == tag]


async def test_replays_are_listed_with_what_they_found(pages, upstream):
    """Evidence loud and first in its row, the time in New York with UTC, older ones a link on."""
    upstream.answers[REPLAYS] = LIST
    page = (await pages.get("/replays?cursor=9&evil=1")).text

    assert "EXECUTION EVIDENCE FOUND" in page
    assert "no execution evidence found" in page
    assert 1 == page.count('class="row-halted"')
    assert 1 == page.count('class="row-calm"')
    assert "2026-11-18 10:00:00 EST" in page
    assert "2026-11-18T15:00:06.000Z" in page
    assert f"/replays/view/{STEM}.md" in page
    assert f"/replays/diff?from={STEM}.md&amp;to=latest" in page
    assert "/replays?cursor=7" in page
    assert "evil" not in str(upstream.asked(REPLAYS))
    assert '<a href="/replays">Replays</a>' in (await pages.get("/")).text


async def test_no_replay_says_how_to_make_one(pages, upstream):
    """An empty list is no error."""
    upstream.answers[REPLAYS] = {"replays": [], "next_cursor": None, "label": "DEMO"}
    page = (await pages.get("/replays")).text

    assert "mission-control replay --record" in page
    assert "DEMO" in page


async def test_one_replay_is_shown_with_its_timeline(pages, upstream):
    """A lane per agent, evidence as its mark, gates and intents, the session and the posture."""
    upstream.answers[f"{REPLAYS}/{STEM}.md"] = ONE
    page = (await pages.get(f"/replays/view/{STEM}.md")).text
    seen = Seen(page)
    marks = seen.classes("g")

    assert page.index("EXECUTION EVIDENCE FOUND") < page.index("Timeline")
    assert 3 == seen.classes("path").count("lane")
    for kind in ("evidence", "refused", "allowed", "intent", "event"):
        assert f"mark-{kind}" in marks
    assert {"phase-open", "posture-ok", "posture-halted", "gap"} <= set(seen.classes("rect"))
    assert "BROKE OFF:" in page
    assert "c.gz broke off." in page
    assert "gate risk_limits: NOT allowed; kill switch" in page
    assert "2026-11-18T15:00:03.000Z" in page
    assert "10:00:03 EST" in page
    assert "no time" in page
    assert f"/artifacts/view/{STEM}.md" in page
    assert 'style="' not in page
    assert "/static/replay.css" in page


async def test_a_calm_and_narrowed_replay_says_so(pages, upstream):
    """It is the one that is green; what is shown of it is said."""
    upstream.answers[f"{REPLAYS}/{STEM}.md"] = CLEAN
    page = (await pages.get(f"/replays/view/{STEM}.md")).text

    assert "verdict-ok" in page
    assert "None was found." in page
    assert "Only a part is shown" in page
    assert "agent strategy-engine" in page
    assert '<svg class="timeline"' in page


@pytest.mark.parametrize(
    "listed",
    [
        pytest.param({"verdict": "incomplete"}, id="incomplete"),
        pytest.param({"verdict": "suspected"}, id="suspected"),
        pytest.param({"verdict": "clean"}, id="no verdict of ours"),
        pytest.param({"evidence": 1}, id="evidence is counted"),
        pytest.param({"evidence": None}, id="not counted"),
        pytest.param({"suspicions": 2}, id="suspicions"),
        pytest.param({"events": None}, id="events not counted"),
        pytest.param({"problem": "altered"}, id="a problem"),
        pytest.param({"verdict": 7, "files": 7, "at": 7}, id="rubbish"),
    ],
)
async def test_what_is_in_doubt_is_never_green(pages, upstream, listed):
    """Neither in the list nor on its own page."""
    upstream.answers[REPLAYS] = {**LIST, "replays": [{**LIST["replays"][1], **listed}]}
    one = {**CLEAN, "listed": {**CLEAN["listed"], **listed}}
    upstream.answers[f"{REPLAYS}/x"] = one
    shown = [(await pages.get(path)).text for path in ("/replays", "/replays/view/x")]

    assert "answer-fine" not in shown[0] + shown[1]
    assert "verdict-ok" not in shown[1]
    assert "None was found" not in shown[1]


@pytest.mark.parametrize("change", [{"evidence": None}, {"evidence": [{}]}, {"listed": 7}])
async def test_a_clean_answer_needs_its_evidence(pages, upstream, change):
    """A list of evidence that was not sent, or that holds anything, is no clean replay."""
    upstream.answers[f"{REPLAYS}/x"] = {**CLEAN, **change}
    page = (await pages.get("/replays/view/x")).text

    assert "verdict-ok" not in page
    assert "NOT KNOWN" in page


async def test_what_has_no_room_is_said(pages, upstream):
    """More of anything is counted, and is in the files."""
    one = copy.deepcopy(ONE)
    one |= {"more_evidence": 41, "more_groups": 42, "more_sources": 43}
    one["groups"][0]["more"] = 44
    one["timeline"] |= {"more_lanes": 45, "note": "Not drawn.", "postures": None}
    one["timeline"]["lanes"][0] |= {"name": "x" * 99, "more": 46}
    one["timeline"]["lanes"][0]["marks"][0]["kind"] = "NEW"
    upstream.answers[f"{REPLAYS}/x"] = one
    page = (await pages.get("/replays/view/x")).text
    upstream.answers[f"{REPLAYS}/x"] = {**one, "timeline": None}
    timeless = (await pages.get("/replays/view/x")).text

    for number in range(41, 47):
        assert f"and {number} more" in page
    assert "Not drawn." in page
    assert "no history of the floor" in page
    assert "x" * 29 + "…" in page
    assert "No event tells its time." in timeless


async def test_two_replays_are_compared(pages, upstream):
    """Both answers, counts side by side, and what only one of them has."""
    upstream.answers[f"{REPLAYS}/diff"] = DIFF
    page = (await pages.get(f"/replays/diff?from={STEM}.md&to=latest&evil=1")).text
    asked = upstream.asked(f"{REPLAYS}/diff")
    upstream.answers[f"{REPLAYS}/diff"] = {**DIFF, "groups": [], "same_groups": 3}
    same = (await pages.get("/replays/diff")).text
    upstream.answers[f"{REPLAYS}/diff"] = {}
    odd = (await pages.get("/replays/diff")).text

    assert page.index("no execution evidence found") < page.index("EXECUTION EVIDENCE FOUND")
    assert "Only after" in page
    assert "a broker order id" in page
    assert '<tr class="marked"><th scope="row">evidence</th>' in page
    assert "evil" not in str(asked)
    assert "Both hold the same events in the same groups (3)" in same
    assert "Both hold the same" not in odd
    assert "did not say which groups differ" in odd
    assert "answer-fine" not in odd


@pytest.mark.parametrize(
    ("status", "shown", "words"),
    [
        (404, 404, "There is no such replay"),
        (413, 413, "too large for a page"),
        (503, 502, "could not be read"),
        (422, 422, "asks for what cannot be answered"),
    ],
)
async def test_a_replay_that_cannot_be_shown_says_why(pages, upstream, status, shown, words):
    """With what Mission Control says of it."""
    told = httpx.Response(status, content=orjson.dumps({"detail": "because of that"}))
    upstream.answers[f"{REPLAYS}/x"] = upstream.answers[f"{REPLAYS}/diff"] = told
    answers = [await pages.get(path) for path in ("/replays/view/x", "/replays/diff")]

    assert [shown] * 2 == [a.status_code for a in answers]
    assert all(words in a.text for a in answers)
    upstream.answers[REPLAYS] = httpx.ConnectError("no")
    assert 502 == (await pages.get("/replays")).status_code


@pytest.mark.parametrize("text", HOSTILE)
async def test_hostile_text_is_text(pages, upstream, text):
    """No tag, attribute or address of the page is of it, in the list, the page or the diff."""
    one = recorded(hostile(text))
    upstream.answers[REPLAYS] = answer({"replays": [one[0]], "next_cursor": text})
    upstream.answers[f"{REPLAYS}/x"] = answer(replay_document(*one))
    upstream.answers[f"{REPLAYS}/diff"] = answer(replay_diff_document(one, CALM_ONE))

    for path in ("/replays", "/replays/view/x", "/replays/diff"):
        page = (await pages.get(path)).text
        seen = Seen(page)
        assert not {"script", "img", "b"} & {t for t, a in seen.tags if not a.get("src")}
        assert not [a for _, attrs in seen.tags for a in attrs if a.startswith("on")]
        assert "\N{RIGHT-TO-LEFT OVERRIDE}" not in page
        assert "javascript:" not in [str(a.get("href"))[:11] for _, a in seen.tags]
