"""The floor as server-sent events: what comes, in which order, and after what."""

from dataclasses import dataclass

import orjson
import pytest

from mission_control.api.event_stream import FloorStreams, frame
from tests.api.paper_floor import PaperControl, PaperFloor, event, healthy_snapshot, poll_event

pytestmark = pytest.mark.anyio


@dataclass
class Frame:
    """One server-sent event as a browser reads it."""

    type: str
    id: str
    document: dict


def read_frames(text: str) -> list[Frame]:
    """Read a stream as a browser would."""
    found = []
    for block in text.split("\n\n"):
        fields = dict(line.split(": ", 1) for line in block.splitlines() if ": " in line)
        if "data" in fields:
            document = orjson.loads(fields["data"])
            found.append(Frame(fields["event"], fields.get("id", ""), document))
    return found


async def stream(control: PaperControl, query: str = "", **headers: str) -> list[Frame]:
    """Read the whole of a finite stream."""
    return read_frames((await control.ask(f"/api/v1/stream{query}", headers=headers)).text)


async def test_a_stream_starts_with_the_present(control: PaperControl):
    """First comes the posture, then the services, then the alerts, as their routes say."""
    answer = await control.ask("/api/v1/stream")

    frames = read_frames(answer.text)
    assert answer.headers["content-type"].startswith("text/event-stream")
    assert "content-encoding" not in answer.headers
    assert answer.text.startswith("retry: 2000\n\n")
    assert ["posture", "agents", "alerts"] == [f.type for f in frames]
    assert (await control.ask("/api/v1/posture")).json() == frames[0].document
    assert (await control.ask("/api/v1/agents")).json() == frames[1].document
    assert (await control.ask("/api/v1/alerts")).json() == frames[2].document


async def test_what_happens_comes_as_it_happens():
    """News and snapshots come in their order; every event has an id to resume from."""
    newer = healthy_snapshot(sequence=8)
    control = PaperControl(PaperFloor(to_come=[event(1), newer, event(2)]))

    frames = await stream(control)

    assert ["posture", "agents", "event", "posture", "agents", "event"] == [f.type for f in frames]
    run = frames[0].id.split("-")[0]
    assert [f"{run}-0", "", f"{run}-1", "", "", f"{run}-2"] == [f.id for f in frames]
    assert [7, 8] == [f.document["sequence"] for f in frames if f.type == "posture"]
    assert "gamma-strategy" == frames[2].document["agent_name"]


async def test_who_is_new_is_not_told_the_old():
    """A client without an id gets no old events, and an id to come back with."""
    control = PaperControl(PaperFloor(events=[event(1), event(2)]))

    frames = await stream(control)

    assert ["posture", "agents"] == [f.type for f in frames]
    assert frames[0].id.endswith("-2")
    assert [2] == control.floor.followed_after


@pytest.mark.parametrize("by", ["header", "query", "both"])
async def test_who_comes_back_misses_nothing(by):
    """A client that comes back with its last id is given what it missed, the header first."""
    control = PaperControl(PaperFloor(events=[event(n) for n in (1, 2, 3)]))
    run = (await stream(control))[0].id.split("-")[0]
    headers = {"last-event-id": f"{run}-1"} if by != "query" else {}
    query = {"header": "", "query": f"?last_event_id={run}-1", "both": "?last_event_id=x"}[by]

    frames = await stream(control, query, **headers)

    assert f"{run}-1" == frames[0].id
    assert [2, 3] == [f.document["id"] for f in frames if f.type == "event"]


@pytest.mark.parametrize(
    "last",
    [
        pytest.param("00000000-2", id="another run"),
        pytest.param("{run}-99", id="from the future"),
        pytest.param("2", id="only a number"),
        pytest.param("{run}--1", id="negative"),
        pytest.param("{run}-" + "9" * 40, id="enormous"),
        pytest.param("\\n\\nevent: posture", id="nonsense"),
    ],
)
async def test_an_id_that_is_not_ours_skips_nothing(last):
    """After a restart, or with an id that cannot be read, everything remembered comes again."""
    control = PaperControl(PaperFloor(events=[event(1), event(2)]))
    run = (await stream(control))[0].id.split("-")[0]

    frames = await stream(control, **{"last-event-id": last.replace("{run}", run)})

    assert [1, 2] == [f.document["id"] for f in frames if f.type == "event"]
    assert f"{run}-0" == frames[0].id


async def test_the_demo_is_labelled_in_every_frame():
    """Every frame of a demo says so."""
    snapshot = healthy_snapshot(label="DEMO")
    floor = PaperFloor(snapshot, to_come=[event(1), poll_event(2, snapshot)])

    frames = await stream(PaperControl(floor, label="DEMO"))

    assert 4 == len(frames)
    assert {"DEMO"} == {f.document["label"] for f in frames}


async def test_a_hostile_message_cannot_forge_a_frame():
    """Line breaks in a message stay inside its own frame."""
    floor = PaperFloor(to_come=[event(1, "x\n\nevent: posture\ndata: {}\n\n")])

    frames = await stream(PaperControl(floor))

    assert ["posture", "agents", "event"] == [f.type for f in frames]


async def test_there_are_only_so_many_streams():
    """A stream too many is refused until another ends; a stream that ended counts no more."""
    streams = FloorStreams(PaperControl().parts(), limit=1)
    first = streams.frames(0)
    await anext(first)

    assert streams.full

    await first.aclose()
    assert not streams.full


async def test_one_stream_too_many_is_a_problem():
    """A refused stream names the reason and when to try again."""
    answer = await PaperControl(max_streams=0).ask("/api/v1/stream")

    assert (503, "too_many_streams") == (answer.status_code, answer.json()["code"])
    assert "5" == answer.headers["retry-after"]


def test_a_frame_is_what_a_browser_reads():
    """A frame has its id, its type, one line of data and an empty line."""
    assert b'id: r-1\nevent: event\ndata: {"a":1}\n\n' == frame("event", b'{"a":1}', "r-1")
    assert b"event: event\ndata: {}\n\n" == frame("event", b"{}")
