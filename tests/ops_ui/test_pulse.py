"""The pulse: Mission Control is followed once, however many pages are open (R15.11)."""

import asyncio

import httpx
import pytest

from ops_ui.application import create_application
from ops_ui.mission_control_client import MissionControlClient
from ops_ui.pulse import IDLE_SECONDS, Pulse
from ops_ui.settings import Settings

pytestmark = pytest.mark.anyio


class Told:
    """A stream that tells what a test puts into it; counts how often it was opened."""

    def __init__(self):
        """Tell nothing yet."""
        self.pieces = asyncio.Queue()
        self.heard = asyncio.Event()
        self.opened = 0
        self.status = 200

    async def __call__(self, request):
        """Open the stream."""
        assert request.url.path == "/api/v1/stream"
        self.opened += 1
        return httpx.Response(self.status, content=self.told())

    async def once_more(self):
        """Let what is under way go on."""
        await asyncio.sleep(0)

    async def told(self):
        """Tell piece by piece, until nothing more comes; to be asked for more is to be heard."""
        while (piece := await self._next()) is not None:
            yield piece
        self.heard.set()

    async def _next(self):
        if self.pieces.empty():
            self.heard.set()
        return await self.pieces.get()

    async def tell(self, *pieces):
        """Tell these pieces, and let them be heard."""
        self.heard.clear()
        for piece in pieces:
            self.pieces.put_nowait(piece)
        await self.heard.wait()


def pulse_over(told, seconds):
    """Return a pulse over this stream, and its client."""
    client = httpx.AsyncClient(transport=httpx.MockTransport(told), base_url="http://mc")
    return Pulse(MissionControlClient(client, 1.0), seconds)


async def test_news_are_counted_by_what_is_told_and_many_who_ask_open_one_stream():
    """Posture, events and alerts are news; what a frame holds never counts, wherever it is cut."""
    told, now = Told(), 100.0
    pulse = pulse_over(told, lambda: now)

    assert {"news": 0, "age": None} == pulse.ask()
    await told.tell(b"retry: 2000\n\nid: 1-1\nevent: posture\ndata: {}\n\nevent: ag", b"ents\n\n")
    assert {"news": 1, "age": 0.0} == pulse.ask()
    await told.tell(b"event: event\ndata: {", b"event: alerts\n", b"event: alerts\n\n")
    now = 103.0
    assert {"news": 3, "age": 3.0} == pulse.ask()
    for _ in range(120):
        pulse.ask()
    assert 1 == told.opened
    await pulse.end()


async def test_a_stream_that_ends_is_opened_again_and_is_no_longer_young(monkeypatch):
    """Refused or broken: it is asked again, later and later, and nothing is called fresh."""
    monkeypatch.setattr("ops_ui.pulse.AGAIN_SECONDS", (0.0,))
    told = Told()
    pulse = pulse_over(told, lambda: 0.0)
    pulse.ask()
    await told.tell(b"event: posture\n\n")
    told.status = 503
    await told.tell(None)
    while told.opened < 4:  # refused twice
        await told.once_more()
    assert {"news": 1, "age": None} == pulse.ask()
    told.status = 200
    await told.tell(b"event: posture\n\n")
    assert 2 == pulse.ask()["news"]
    await pulse.end()


async def test_without_an_open_page_nothing_is_followed(monkeypatch):
    """Once no page has asked for a while the stream is given back."""
    monkeypatch.setattr("ops_ui.pulse.AGAIN_SECONDS", (0.0,))
    told, now = Told(), 0.0
    pulse = pulse_over(told, lambda: now)
    pulse.ask()
    await told.tell(b"event: posture\n\n")
    now = IDLE_SECONDS + 1
    told.pieces.put_nowait(b"event: posture\n\n")
    task = pulse._task  # noqa: SLF001
    assert task is not None
    await task  # it ends by itself
    assert 1 == told.opened
    pulse.ask()
    await told.tell(b"event: posture\n\n")
    assert 2 == told.opened
    await pulse.end()


async def test_a_pulse_that_never_began_ends():
    """No page ever asked."""
    await pulse_over(Told(), lambda: 0.0).end()


async def test_pages_ask_in_short_and_hold_nothing(pages, upstream):
    """Whatever Mission Control's stream does, the answer is there at once and is never kept."""
    upstream.answers["/api/v1/stream"] = httpx.ConnectError("refused")
    answer = await pages.get("/pulse")

    assert {"news": 0, "age": None} == answer.json()
    assert "no-store" == answer.headers["cache-control"]
    assert 404 == (await pages.get("/stream")).status_code


def test_following_has_a_pool_of_its_own(monkeypatch):
    """Questions never wait for the stream, nor it for them."""
    opened = []
    real = httpx.AsyncClient

    def client(*args, **more):
        opened.append(real(*args, **more))
        return opened[-1]

    monkeypatch.setattr(httpx, "AsyncClient", client)
    create_application(Settings())

    assert 2 == len({id(c._transport) for c in opened})  # noqa: SLF001
