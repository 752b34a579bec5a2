"""The channels, over real sockets: what they are sent, what their answers mean, what is hidden."""

import asyncio
import hashlib
import hmac
import json
import logging
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import httpx
import pytest

from mission_control.alerts.deliver.model import Channel, ChannelKind, Message
from mission_control.alerts.deliver.notify import NotifySender, is_understood, notify_channel
from mission_control.alerts.deliver.posting import MOST_ANSWER_BYTES, Address, AddressGuard
from mission_control.alerts.deliver.present import webhook_body
from mission_control.alerts.model import AlertState
from mission_control.probe.transport import RefusedRequest
from tests.alertmanager import Receiver, receiving
from tests.alerts_delivery.channels import KEY, to_webhook
from tests.alerts_delivery.values import NOW, ORIGIN, alert, resolved
from tests.ports import free_ports

SECRET = "T0KEN-of-the-receiver-1234567890"  # noqa: S105  (of a test)
FEED = alert()
PAGE = Message(AlertState.FIRING, (FEED,))


@pytest.fixture
def hook() -> Iterator[Receiver]:
    """Run a receiver."""
    with receiving() as running:
        yield running


async def send(sender, message=PAGE):
    """Send a message, and return the one answer."""
    answers = await sender.send(message)
    await sender.aclose()
    (answer,) = set(answers.values())
    return answer


@pytest.mark.anyio
async def test_a_webhook_is_signed(hook):
    """The signature is over timestamp, a dot, and the body, as docs/delivery.md verifies it."""
    answer = await send(to_webhook(hook.url("/hook")))
    (told,) = hook.told
    signed = told.headers["x-mission-control-timestamp"].encode() + b"." + told.body
    expected = "sha256=" + hmac.new(KEY, signed, hashlib.sha256).hexdigest()

    assert (True, "HTTP 200: ok") == (answer.delivered, answer.text)
    assert ("POST", "/hook") == (told.method, told.path)
    assert expected == told.headers["x-mission-control-signature"]
    assert told.document["id"] == told.headers["x-mission-control-delivery"]
    assert told.document["sent_utc"].endswith("Z")
    assert abs(int(told.headers["x-mission-control-timestamp"]) - NOW.timestamp()) > 0


def test_an_attempt_bears_the_same_id_again():
    """A receiver that saw it already can tell; a resolve and another firing are others."""
    first, again = (json.loads(webhook_body(PAGE, ORIGIN, NOW))["id"] for _ in range(2))
    over = Message(AlertState.RESOLVED, (resolved(FEED),))
    later = Message(AlertState.FIRING, (replace(FEED, fired_at=NOW.replace(hour=20)),))

    assert first == again
    assert 3 == len(
        {first, *(json.loads(webhook_body(m, ORIGIN, NOW))["id"] for m in (over, later))}
    )


@pytest.mark.parametrize(
    ("status", "headers", "refused", "wait"),
    [
        pytest.param(400, {}, True, 0, id="this message is refused"),
        pytest.param(401, {}, False, 0, id="all are"),
        pytest.param(302, {"location": "http://127.0.0.1:1/"}, False, 0, id="sent elsewhere"),
        pytest.param(429, {"retry-after": "7"}, False, 7, id="asked to wait"),
        pytest.param(503, {"retry-after": "Mon, 30 Nov 2026"}, False, 0, id="a date is not read"),
        pytest.param(500, {"retry-after": "7"}, False, 0, id="broken"),
    ],
)
@pytest.mark.anyio
async def test_only_success_is_delivered(hook, status, headers, refused, wait):
    """Whatever is no 2xx is not delivered; no redirect is followed."""
    hook.answer, hook.headers = lambda _: (status, b"why"), headers
    answer = await send(to_webhook(hook.url("/hook")))

    assert not answer.delivered
    assert (f"HTTP {status}: why", refused, wait) == (
        answer.text,
        answer.refused,
        answer.wait_seconds,
    )
    assert 1 == len(hook.told)


@pytest.mark.anyio
async def test_a_channel_that_hangs_is_given_up(hook):
    """Its deadline is total, to the last byte of the answer."""
    hook.hangs.set()
    answer = await send(to_webhook(hook.url("/hook"), deadline_seconds=0.3))

    assert (False, "no answer within 0.3 s") == (answer.delivered, answer.text)


@pytest.mark.anyio
async def test_a_channel_that_is_not_there_says_so():
    """A refused connection is an answer, in the system's words."""
    answer = await send(to_webhook(f"http://127.0.0.1:{free_ports(1)}/{SECRET}"))

    assert not answer.delivered
    assert answer.text.startswith("ConnectError")
    assert SECRET not in answer.text


@pytest.mark.anyio
async def test_an_endless_answer_is_cut(hook):
    """No more than a few KiB are read, and a short excerpt is kept."""
    hook.answer = lambda _: (200, b"x" * MOST_ANSWER_BYTES * 64)
    answer = await send(to_webhook(hook.url("/hook")))

    assert answer.delivered
    assert len(answer.text) < 300


@pytest.mark.anyio
async def test_an_answer_never_repeats_the_address(hook):
    """The path or query of a webhook is a secret, also where its receiver says it."""
    hook.answer = lambda told: (404, f"no route {told.path}".encode())
    answer = await send(to_webhook(hook.url(f"/services/{SECRET}?key={SECRET[::-1]}")))

    assert "HTTP 404: no route" == answer.text[:18]
    assert not [s for s in (SECRET, SECRET[::-1]) if s in answer.text]


@pytest.mark.anyio
async def test_what_is_sent_is_redacted_and_capped(hook):
    """Secrets in what services say never leave, and no text is endless."""
    leaks = replace(
        FEED,
        summary="refused: Authorization: Bearer abcdef0123456789abcdef0123456789",
        detail="password=hunter2-of-production " + "x" * 5_000,
        subject="pod\nwith\x1b[31m colour",
    )
    await send(to_webhook(hook.url("/hook")), Message(AlertState.FIRING, (leaks,)))
    (told,) = hook.told

    assert not [s for s in (b"abcdef0123456789", b"hunter2", b"\\u001b") if s in told.body]
    assert len(told.body) < 4_000


@pytest.mark.parametrize(
    ("method", "url", "headers"),
    [
        pytest.param("GET", "http://hook.example/a?b=1", {}, id="another method"),
        pytest.param("POST", "http://hook.example/b?b=1", {}, id="another path"),
        pytest.param("POST", "http://hook.example/a?b=2", {}, id="another query"),
        pytest.param("POST", "http://other.example/a?b=1", {}, id="another host"),
        pytest.param("POST", "http://hook.example:81/a?b=1", {}, id="another port"),
        pytest.param("POST", "https://hook.example/a?b=1", {}, id="another scheme"),
        pytest.param("POST", "http://hook.example/a?b=1", {"host": "x"}, id="as another host"),
        pytest.param("POST", "http://hook.example/a?b=1", {"upgrade": "h2c"}, id="an upgrade"),
    ],
)
@pytest.mark.anyio
async def test_the_guard_lets_one_request_pass(method, url, headers):
    """Exactly the configured method to exactly the configured address leaves (R15.5)."""
    left = list[httpx.Request]()

    class Network(httpx.AsyncBaseTransport):
        async def handle_async_request(self, request):
            left.append(request)
            return httpx.Response(200, request=request)

    guard = AddressGuard(Network(), "POST", "http://hook.example/a?b=1")
    with pytest.raises(RefusedRequest):
        await guard.handle_async_request(httpx.Request(method, url, headers=headers))
    assert ([], {}) == (left, dict(guard.sent))

    await guard.handle_async_request(httpx.Request("POST", "http://hook.example/a?b=1"))
    assert (1, {"POST": 1}) == (len(left), dict(guard.sent))


def test_an_address_is_not_shown():
    """Its representation, which a traceback may hold, has no URL."""
    channel = Channel("webhook", ChannelKind.WEBHOOK, "https://hook.example/...")

    assert SECRET not in repr(Address(channel, f"https://hook.example/{SECRET}"))


def apprise_url(hook: Receiver, path: str) -> str:
    """Return the receiver as an address of apprise."""
    return f"json://127.0.0.1:{hook.port}{path}"


@pytest.mark.anyio
async def test_apprise_tells_people(hook):
    """Mail, chat and pagers get a title for the phone, and what, whose and what to do."""
    url = apprise_url(hook, f"/{SECRET}")
    answer = await send(NotifySender(notify_channel(url), url, ORIGIN))
    (told,) = hook.told

    assert answer.delivered, answer.text
    assert "P1 FIRING: marketdata-mcp-server has had no tick" in told.document["title"]
    assert "Owner: Market Data Lead" in told.document["message"]
    assert "Runbook: https://ops.example/runbooks/MARKETDATA_STALE" in told.document["message"]
    assert "failure" == told.document["type"]


@pytest.mark.anyio
async def test_apprise_says_what_failed_without_the_address(hook):
    """Its words are kept, its URL is not; it follows no redirect either."""
    url = apprise_url(hook, f"/{SECRET}")
    hook.answer, hook.headers = lambda _: (307, b""), {"location": hook.url("/elsewhere")}
    answer = await send(NotifySender(notify_channel(url), url, ORIGIN))

    assert not answer.delivered
    assert SECRET not in answer.text
    assert "FAILURE" in answer.text
    assert [f"/{SECRET}"] == [t.path for t in hook.told]


@pytest.mark.anyio
async def test_apprise_that_hangs_is_given_up_and_not_begun_twice(hook):
    """Its thread may hang; the next attempt waits for the same piece of work."""
    url = apprise_url(hook, "/slow")
    hook.hangs.set()
    sender = NotifySender(notify_channel(url), url, ORIGIN, deadline_seconds=0.3)
    answers = [await send(sender), await send(sender)]
    hook.hangs.clear()
    await asyncio.sleep(0.3)

    assert [False, False] == [a.delivered for a in answers]
    assert {"POST": 1} == sender.reached.sent
    assert 1 >= len(hook.told)


@pytest.mark.anyio
async def test_apprise_logs_nothing(hook, capfd):
    """Its own words may name parts of the address, so none of them reaches our log."""
    url = apprise_url(hook, f"/{SECRET}")
    hook.answer = lambda _: (500, b"")
    answer = await send(NotifySender(notify_channel(url), url, ORIGIN))

    assert not answer.delivered
    assert ("", "", False) == (*capfd.readouterr(), logging.getLogger("apprise").propagate)


def verify():
    """Return the function with which docs/delivery.md verifies a webhook."""
    page = (Path(__file__).parents[2] / "docs" / "delivery.md").read_text()
    names = dict[str, Any]()
    exec(page.split("```python\n")[1].split("```")[0], names)  # noqa: S102  (of our own page)
    return names["is_ours"]


@pytest.mark.anyio
async def test_the_documented_verification_works(hook):
    """What docs/delivery.md shows takes what we send, and refuses what was changed or is old."""
    await send(to_webhook(hook.url("/hook")))
    (told,) = hook.told
    headers = httpx.Headers(told.headers)
    now = float(headers["x-mission-control-timestamp"])
    is_ours = verify()

    assert is_ours(KEY, headers, told.body, now)
    assert not is_ours(KEY, headers, told.body + b" ", now)
    assert not is_ours(b"another key", headers, told.body, now)
    assert not is_ours(KEY, headers, told.body, now + 301)


def test_a_channel_of_apprise_is_named_without_its_secret():
    """The name is the same wherever it stands in the file, and tells the kind of service."""
    channel = notify_channel(f"slack://{SECRET}/B/C")

    assert channel == notify_channel(f"slack://{SECRET}/B/C")
    assert ("notify:slack", "slack://[REDACTED]") == (channel.name[:12], channel.address)
    assert not is_understood("nothing-of-the-kind://x")
    assert "notify:unknown" == notify_channel("no url at all").name[:14]
