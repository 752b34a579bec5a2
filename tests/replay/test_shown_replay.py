"""Replay: what people and programs see of one. The answer first; what others wrote is data."""

import re
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from html.parser import HTMLParser
from itertools import pairwise
from pathlib import Path
from types import SimpleNamespace
from typing import Any, cast

import orjson
import pytest
from markdown_it import MarkdownIt

from mission_control.documents.instants import new_york_text
from mission_control.errors import StorageError
from mission_control.market_calendar.calendar import MarketCalendar
from mission_control.model.session import MarketSession, Phase
from mission_control.replay.model import (
    Answer,
    Counts,
    EventKind,
    Evidence,
    EvidenceKind,
    Intent,
    Narrowing,
    Skew,
    Source,
    Verdict,
)
from mission_control.replay.present import page, picture
from mission_control.replay.present.document import draw_picture, replay_json
from mission_control.replay.present.drawing import draw_svg
from mission_control.replay.present.listed import RecordedFiles, listed_replay
from mission_control.replay.present.markdown import replay_markdown
from mission_control.replay.present.page import replay_html
from mission_control.replay.present.picture import (
    Backdrop,
    MarkKind,
    PictureDrawing,
    Stretch,
    backdrop_of,
    ticks_of,
)
from mission_control.replay.present.read_back import ReadAccount, read_account, read_replay
from mission_control.replay.present.words import (
    RowClock,
    both_times,
    evidence_text,
    kind_of,
    narrowing_text,
    summary_of,
)
from tests.replay.replay_of_values import (
    AGENT,
    CALM,
    EVENTS,
    FOUND,
    HOSTILE,
    NONE,
    PLACED,
    SOURCES,
    at,
    event,
    hostile,
    replay,
)

CALENDAR = MarketCalendar()
BEHIND = backdrop_of(
    CALENDAR,
    at(0),
    at(6),
    (Stretch(at(0), at(2), "OK"), Stretch(at(2), at(3), None), Stretch(at(3), at(6), "HALTED")),
)
INCOMPLETE = Answer(Verdict.INCOMPLETE, "Cannot be said: c.gz broke off.", ("c.gz broke off.",), 1)
LOADS = {"src", "href", "xlink:href", "action", "data", "poster", "srcset", "background"}


class Page(HTMLParser):
    """What a browser would make of a page: tags, attributes, and the texts within each tag."""

    def __init__(self, text: str) -> None:
        """Read a page."""
        super().__init__()
        self.tags: list[tuple[str, dict[str, str]]] = []
        self.texts: list[str] = []
        self.feed(text)
        self.close()

    def handle_starttag(self, tag, attrs):
        """Note a tag."""
        self.tags.append((tag, {k: v or "" for k, v in attrs}))

    def handle_data(self, data):
        """Note a text."""
        self.texts.append(data)

    def classes(self, tag):
        """List the classes of every such tag."""
        return [attrs.get("class", "") for name, attrs in self.tags if name == tag]


def markdown(shown, **more):
    """Write a replay as Markdown."""
    return "".join(replay_markdown(shown, **more))


def html(shown, *more):
    """Write a replay as a page."""
    return "".join(replay_html(shown, *more))


def document(shown, *more):
    """Write a replay as JSON and read it."""
    return orjson.loads("".join(replay_json(shown, *more)))


def test_the_answer_comes_first_in_every_form():
    """Evidence one by one, before sources, counts and groups (R12.23)."""
    text, shown = markdown(replay(), label="DEMO"), html(replay(), "DEMO")

    for each in (text, shown):
        order = [
            each.index("EXECUTION EVIDENCE FOUND"),
            each.index("1 piece of execution evidence in 9 events."),
            each.index("names a broker order id"),
            each.index("Sources (4)"),
            each.index("Counts"),
            each.index("Groups"),
        ]
        assert sorted(order) == order
    assert text.startswith("# Replay: EXECUTION EVIDENCE FOUND\n\n**DEMO**\n\n**1 piece")
    assert ("found", 3) == (
        document(replay())["answer"]["verdict"],
        document(replay())["answer"]["exit_code"],
    )


@pytest.mark.parametrize(
    ("answer", "words"),
    [
        pytest.param(NONE, "None was found.", id="none"),
        pytest.param(INCOMPLETE, "Of the rest nothing can be said.", id="incomplete"),
        pytest.param(FOUND, "do not rely on this replay", id="counted and not listed"),
        pytest.param(replace(FOUND, verdict=Verdict.SUSPECTED), "do not rely", id="suspected"),
    ],
)
def test_an_empty_list_of_evidence_says_what_it_is_worth(answer, words):
    """Only where all could be read is it "none was found" (R12.23)."""
    shown = replay((), (), answer)

    assert words in markdown(shown)
    assert words in html(shown)
    assert (answer is NONE) == ("None was found.\n" in markdown(shown))
    assert (answer is NONE) == ("answer-none" in Page(html(shown)).classes("header")[0])


def test_sources_counts_and_groups_follow():
    """Skews, what broke off, tails, repeats, times in UTC and New York, groups and their counts."""
    for text in (markdown(replay()), html(replay())):
        plain = text.replace("\\", "").replace("&#x27;", "'")
        for said in (
            "1.500 s ahead of the collector's envelopes (7 compared); level with b.log",
            "2.250 s behind a.log (3 compared)",
            "BROKE OFF: the archive ends in the middle",
            "what stood between it and the tail before was never seen; a tail",
            "lines that look like an event and cannot be read as one",
            "lines of an agent in mode EXECUTE",
            "Unattributed: without an agent or a trace",
            "2026-11-18 15:00:05.000Z (10:00:05 EST)",
            "no time (after 2026-11-18 15:00:04.000Z (10:00:04 EST))",
            "buy 10 SPY limit at 431.5 day (i-1) (3 times, in 2 sources)",
            "8 events; 6 rows, as equal events are one; 1 without a time",
            "1 of them EXECUTION EVIDENCE",
        ):
            assert said in plain
    assert "That is all: 3 groups, 8 rows." in markdown(replay())


def test_the_markdown_is_as_it_is_recorded():
    """A replay that was recorded years ago reads as one of today."""
    golden = Path(__file__).parents[1] / "golden" / "replay.md"

    assert golden.read_text() == markdown(replay(), label="DEMO", raw=True)


def test_one_odd_row_leaves_the_others_as_they_are():
    """Whether a row stands beside others changes nothing of it."""
    odd, plain = event(0, reason="a|b"), event(1, "state_transition")
    rows = [r for r in markdown(replay((odd, plain))).splitlines() if "a.log:7 |" in r]
    alone = [r for e in (odd, plain) for r in markdown(replay((e,))).splitlines() if "a.log:7" in r]

    assert alone == rows
    assert "a\\|b" in rows[0]
    assert "state\\_transition" in rows[1]


def test_what_is_narrowed_is_said():
    """What is shown, and that evidence covers everything."""
    told = narrowing_text(Narrowing(at(0), at(60), "t-1", AGENT))

    assert "from 2026-11-18 15:00:00.000Z" in told
    assert "trace t-1, agent strategy-engine. Execution evidence covers everything." in told
    assert "" == narrowing_text(Narrowing())
    assert "Shown is only" in markdown(CALM)
    assert "Shown is only" in html(CALM)
    assert "Shown is only" not in markdown(replay())


def test_raw_events_are_shown_where_they_are_asked_for():
    """Each as one line of JSON in a block of its group."""
    text = markdown(replay(), raw=True)
    blocks = re.findall(r"```json\n(.*?)```", text, re.DOTALL)

    assert "```" not in markdown(replay())
    assert [1, 6, 1] == [len(block.splitlines()) for block in blocks]
    assert {"event": "startup", "trace_id": "t-1"} == orjson.loads(blocks[1].splitlines()[0])
    assert "<details><summary>raw</summary>" in html(replay())


@pytest.mark.parametrize(
    ("expected", "told"),
    [
        ("", event(0)),
        ("gate (unnamed): allowed", event(0, allowed=True)),
        ("gate x: does not say whether allowed", event(0, gate="x")),
        ("? → b", event(0, to_state="b")),
        ("a → ?; r; by c", event(0, from_state="a", reason="r", component="c")),
        ("intent", event(0, intent=Intent())),
        ("intent: buy SPY", event(0, intent=Intent("SPY", "buy"))),
        ("intent received (i)", event(0, stage="received", intent=Intent(intent_id="i"))),
        ("EXECUTION EVIDENCE: e; status s", event(0, evidence="e", status="s")),
        ("agent a, no trace", event(0, agent="a", trace_id="")),
        ("no agent, trace t", event(0, agent="", trace_id="t")),
        (" (2 times, in 1 source)", event(0, repeated=2)),
    ],
)
def test_a_summary_tells_what_an_event_tells(expected, told):
    """In one line, in the order of what matters."""
    assert expected == summary_of(told)


def test_a_summary_is_cut_and_says_so():
    """What is longer than a line is cut; how often it stands there is not."""
    told = summary_of(event(0, reason="x" * 999, repeated=2))

    assert 300 == told.index(" (2 times")
    assert told[299] == "…"


def test_evidence_says_where_it_stands():
    """With what is not known of it."""
    bare = Evidence(EvidenceKind.SUSPECTED, "it cannot be read", source="a", line=2)

    assert "it cannot be read by (unattributed), trace not told (a, line 2)" == evidence_text(bare)
    assert evidence_text(PLACED).endswith("(b.log, line 7, 2 times) | broker_order_id=b-17")


def test_rows_tell_time_as_others_do():
    """The clock of rows writes what the house writes, over minutes, days and daylight saving."""
    clock, instant = RowClock(), datetime(2026, 3, 8, 6, 58, 59, 123456, UTC)
    for step in (0, 1, 59, 61, 3_600, -7_200, 86_400, 0):
        instant += timedelta(seconds=step)
        told = clock.tell(replace(event(0), at=instant))
        utc, _, here = told.partition(" (")
        assert both_times(instant).partition(" (")[0] == utc
        assert new_york_text(instant)[11:] == here.rstrip(")")
        assert new_york_text(instant) == clock.tell_new_york(instant)
    assert None is clock.tell_new_york(None)
    assert "no time" == RowClock().tell(event(None))
    assert "no time" == both_times(None)


def test_kinds_are_told_apart():
    """Evidence whatever else it is; a gate that does not say "allowed" is not."""
    assert [
        MarkKind.EVIDENCE,
        MarkKind.ALLOWED,
        MarkKind.REFUSED,
        MarkKind.REFUSED,
        MarkKind.INTENT,
        MarkKind.INTENT,
        MarkKind.INTENT,
        MarkKind.EVENT,
    ] == [
        kind_of(event(0, **cast("Any", more)))
        for more in (
            {"evidence": "e", "gate": "g", "allowed": True},
            {"allowed": True},
            {"gate": "g"},
            {"gate": "g", "allowed": False},
            {"stage": "received"},
            {"intent": Intent()},
            {"kind": EventKind.INTENT},
            {},
        )
    ]


def test_json_is_canonical_and_whole():
    """Keys in order, every event and all evidence, and the timeline (R12.24)."""
    text = "".join(replay_json(replay(), "DEMO", BEHIND))
    told = orjson.loads(text)

    assert (
        orjson.dumps(told, option=orjson.OPT_SORT_KEYS | orjson.OPT_APPEND_NEWLINE) == text.encode()
    )
    assert "DEMO" == told["label"]
    assert [1, 6, 1] == [len(g["replayed"]) for g in told["groups"]]
    assert 2 == len(told["evidence"])
    assert {"no_event": 18, "malformed": 1} == told["counts"]["skipped"]
    assert "gate risk_limits: allowed" == told["groups"][1]["replayed"][2]["summary"]
    assert "SPY" == told["groups"][1]["replayed"][4]["intent"]["symbol"]
    assert None is document(replay((event(None),)))["timeline"]
    assert [] == document(replay((), ()))["groups"]


@pytest.mark.parametrize("text", HOSTILE)
def test_hostile_text_is_data_in_json(text):
    """It is read back as it was."""
    told = document(hostile(text))

    assert text == told["groups"][0]["agent"] == told["evidence"][0]["detail"]
    assert [text] == list(told["modes"])


@pytest.mark.parametrize("text", HOSTILE)
def test_hostile_text_is_no_markdown(text):
    """No tag, link, emphasis, code, heading or column of a document is of it (R12.24)."""
    written = markdown(hostile(text), label=text, raw=True)
    whole = MarkdownIt("commonmark", {"html": True}).enable("table")
    harmless = markdown(hostile("plain"), label="plain", raw=True)

    def tags(of):
        made = whole.render(of)
        return re.findall(r"<(/?[a-z0-9]+)", re.sub(r"<code.*?</code>", "", made, flags=re.DOTALL))

    assert tags(harmless) == tags(written)
    assert "\N{RIGHT-TO-LEFT OVERRIDE}" not in written


@pytest.mark.parametrize("text", HOSTILE)
def test_hostile_text_is_no_html(text):
    """The tags and attributes of a page are the same, whatever others wrote (R12.24)."""
    shown, harmless = (Page(html(hostile(t), t, BEHIND)) for t in (text, "plain"))

    assert [(t, sorted(a)) for t, a in harmless.tags] == [(t, sorted(a)) for t, a in shown.tags]
    assert "\N{RIGHT-TO-LEFT OVERRIDE}" not in "".join(shown.texts)


def test_a_page_is_one_file():
    """No outside asset, no script, no handler; only what is within it is referred to (R12.25)."""
    shown = Page(html(replay(), "", BEHIND))
    names = [tag for tag, _ in shown.tags]

    assert not {"script", "link", "img", "iframe", "object", "embed", "base", "use"} & {*names}
    assert [] == [a for _, attrs in shown.tags for a in attrs if a in LOADS or a[:2] == "on"]
    assert "url(" not in html(replay(), "", BEHIND).replace("url(#hatch)", "")
    assert "@import" not in html(replay())
    policy = next(a["content"] for t, a in shown.tags if t == "meta" and "http-equiv" in a)
    assert policy.startswith("default-src 'none'")
    assert "prefers-color-scheme: dark" in html(replay())
    assert "@media print" in html(replay())


def test_a_page_has_a_lane_per_agent():
    """With gates, intents, evidence as loud marks, phases and posture behind them (R12.27)."""
    shown = Page(html(replay(), "", BEHIND))
    marks = shown.classes("g")
    names = [t for t in shown.texts if t in {"(unattributed)", "execution-engine", AGENT}]

    assert ["(unattributed)", "execution-engine", AGENT] == names
    assert 3 == shown.classes("path").count("lane")
    drawn = {kind: marks.count(f"mark-{kind.value.lower()}") - 1 for kind in MarkKind}  # the legend
    assert {
        MarkKind.EVIDENCE: 1,
        MarkKind.REFUSED: 1,
        MarkKind.ALLOWED: 1,
        MarkKind.INTENT: 2,
        MarkKind.EVENT: 2,
    } == drawn
    assert ["phase-open", "posture-ok", "gap", "posture-halted"] == [
        c for c in shown.classes("rect") if c
    ]
    titles = " ".join(shown.texts)
    assert "EXECUTION EVIDENCE, 2026-11-18 10:00:05 EST, 2026-11-18T15:00:05.000Z" in titles
    assert "Posture: not known" in titles
    assert "no history of the floor's posture" in " ".join(Page(html(replay())).texts)


def test_a_page_without_times_says_so():
    """And what has no place in time is counted where others have one."""
    assert "No event tells its time." in html(replay((event(None),), ()))
    assert "1 event without a time and a place here" in html(replay())


def test_what_has_no_room_on_a_page_is_counted(monkeypatch):
    """Evidence, sources, rows, groups, and the JSON of an event (R12.25)."""
    for name in ("MOST_EVIDENCE", "MOST_SOURCES", "MOST_ROWS", "MOST_RAW"):
        monkeypatch.setattr(page, name, 1)
    monkeypatch.setattr(page, "MOST_GROUPS", 2)
    shown = html(replay())
    monkeypatch.setattr(page, "MOST_ROWS_IN_ALL", 1)
    least = html(replay(evidence=[PLACED] * 3))

    assert "and 1 more piece of evidence: in the JSON" in shown
    assert "and 3 more sources" in shown
    assert "and 5 more rows" in shown
    assert "and 1 more group" in shown
    assert "<code>{…</code>" in shown
    assert "and 2 more groups" in least
    assert "and 2 more pieces of evidence" in least


def test_many_agents_and_marks_are_counted(monkeypatch):
    """Lanes and marks have their limits; evidence is drawn all the same (R12.25)."""
    monkeypatch.setattr(picture, "MOST_LANES", 2)
    monkeypatch.setattr(picture, "MOST_MARKS", 3)
    many = [event(n, agent=f"a{n % 4}") for n in range(40)]
    many.append(event(7.2, agent="a1", evidence="e"))
    shown = replay(many, ())
    drawn = draw_picture(shown, Backdrop())

    assert drawn is not None
    assert (["a0", "a1"], 2) == ([lane.name for lane in drawn.lanes], drawn.more_lanes)
    assert 3 + 1 == sum(len(lane.marks) for lane in drawn.lanes)
    assert MarkKind.EVIDENCE in [m.kind for m in drawn.lanes[1].marks]
    assert (
        20
        == sum(m.count for lane in drawn.lanes for m in lane.marks)
        + sum(lane.more for lane in drawn.lanes)
        - 1
    )
    assert "and 2 more agents without a lane" in html(shown)
    assert "more</text>" in html(shown)


def test_events_of_one_place_are_one_mark():
    """With their count, and the words of the earliest, in whatever order they came."""
    drawing = PictureDrawing(at(0), at(10_000))
    for seconds in (3, 1, 2):
        drawing.take("a", at(seconds), MarkKind.EVENT, lambda s=seconds: f"at {s}")
    drawing.take("", at(-5), MarkKind.EVENT, str)
    drawing.take("a", at(99_999), MarkKind.EVENT, str)
    unnamed, lane = drawing.finish(Backdrop()).lanes

    assert "(unattributed)" == unnamed.name
    assert [(0, 3, "at 1"), (239, 1, "")] == [(m.column, m.count, m.words) for m in lane.marks]


@pytest.mark.parametrize("hours", [0, 1 / 3600, 0.01, 0.2, 1, 6, 8, 24, 48, 24 * 8, 24 * 400])
def test_the_axis_has_a_few_round_times(hours):
    """In New York and UTC, within the picture; at either end where it is long."""
    until = at(3600 * hours)
    drawn = PictureDrawing(at(0), until).finish(backdrop_of(CALENDAR, at(0), until))
    ticks = ticks_of(drawn)

    assert 1 <= len(ticks) <= picture.MOST_TICKS + 1
    assert all(0 <= t.share <= 1 and t.utc.endswith("Z") for t in ticks)
    assert sorted(t.share for t in ticks) == [t.share for t in ticks]
    assert "".join(draw_svg(drawn)).endswith("</svg>\n")


def test_a_picture_without_a_round_time_has_one():
    """A second between two round ones still has its time."""
    drawn = PictureDrawing(at(0.2), at(0.3)).finish(Backdrop())
    drawn = replace(drawn, until=at(0.3))

    assert ["10:00:00 EST"] == [t.new_york for t in ticks_of(drawn)]


def test_phases_are_those_of_the_calendar():
    """Each session's phases follow each other; a calendar that cannot tell is one unknown."""
    day = timedelta(days=1)
    week = backdrop_of(CALENDAR, at(0), at(0) + 7 * day).phases
    unknown: Any = SimpleNamespace(session_at=lambda now: MarketSession(now, Phase.UNKNOWN))

    assert [Phase.OPEN, Phase.POST_MARKET] == [Phase(s.name or "") for s in week[:2]]
    assert all(a.end == b.begin for a, b in pairwise(week))
    assert (Stretch(at(0), at(1), "UNKNOWN"),) == backdrop_of(unknown, at(0), at(1)).phases
    assert () == backdrop_of(CALENDAR, at(0), at(0)).phases


def test_too_many_stretches_are_said():
    """Years have no phases, and a posture that changes all the time ends in what is not known."""
    long = backdrop_of(CALENDAR, at(0), at(0) + timedelta(days=100), note="Before.")
    many = [Stretch(at(n), at(n + 1), "OK") for n in range(300)]
    restless = backdrop_of(CALENDAR, at(0), at(300), many)

    assert ((), None) == (long.phases, long.postures)
    assert "Before. The market's phases are not drawn: there are too many." == long.note
    assert restless.postures is not None
    assert Stretch(at(200), at(300), None) == restless.postures[-1]
    assert 201 == len(restless.postures)
    assert "up to its change number 200" in restless.note


@pytest.mark.parametrize(
    "content",
    [b"", b"{}", b"[1]", b'"x"', b'{"answer":7}', b"\xff", b"[" * 5_000],
    ids=["empty", "object", "list", "text", "kind", "bytes", "deep"],
)
def test_what_is_no_record_of_ours_is_not_read(content):
    """It is an error that names the file, and no replay without evidence."""
    for read in (read_replay, read_account):
        with pytest.raises(StorageError, match=r"x\.json"):
            read(content, "x.json")


@pytest.mark.parametrize(
    ("notes", "verdict", "evidence"),
    [
        ({"verdict": "none_found", "evidence": "0"}, "none_found", 0),
        ({"verdict": "none_found", "evidence": "-1"}, "none_found", None),
        ({"verdict": "none_found"}, "none_found", None),
        ({"verdict": "all is well", "evidence": "0"}, "not_known", 0),
        ({}, "not_known", None),
        (None, "not_known", None),
    ],
)
def test_a_listed_replay_is_worth_what_its_account_tells(notes, verdict, evidence):
    """What it does not tell is not zero, and not the best (R12.27)."""
    files = RecordedFiles("x.md", "", "", None, ())
    account = None if notes is None else ReadAccount(notes, "")
    listed = listed_replay(files, account, "" if account else "altered")

    assert (verdict, evidence) == (listed["verdict"], listed["evidence"])
    assert (verdict == "not_known") == bool(listed["problem"])


def test_counts_that_are_nothing_are_left_out():
    """But lines, events and evidence are always told."""
    text = markdown(replay((), (), NONE, counts=Counts(), sources=(), modes={}))

    assert "| lines read | 0 |" in text
    assert "| pieces of execution evidence | 0 |" in text
    assert "nested too deep" not in text


def test_many_rows_are_written_in_pieces():
    """A group of thousands is never one text, and none of its rows is lost."""
    many = [replace(EVENTS[n % 5], at=at(n)) for n in range(1_000)]
    pieces = list(replay_markdown(replay(many, ())))

    assert max(map(len, pieces)) < 60_000
    assert 1_000 == "".join(pieces).count("a.log:7 |")


def test_a_clock_that_is_level_is_said():
    """No sign is invented for a skew that is not shown."""
    source = Source("a", skews=(Skew(-0.0001, 3, "b"),))

    assert "level with b (3 compared)" in markdown(replay(sources=(*SOURCES[:1], source)))
