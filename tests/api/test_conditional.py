"""Tags, 304, compression and what is remembered between two snapshots."""

import gzip
from dataclasses import replace
from datetime import timedelta

import pytest

from mission_control.api.answers import SnapshotCache
from mission_control.floor.present.posture import posture_document
from tests.api.paper_floor import PaperControl, healthy_snapshot

pytestmark = pytest.mark.anyio

CACHEABLE = [
    "/api/v1/posture",
    "/api/v1/agents",
    "/api/v1/agents/gamma-strategy",
    "/api/v1/safety",
    "/api/v1/session",
    "/api/v1/events/recent",
    "/api/v1/runbooks",
    "/api/v1/runbooks/MARKETDATA_STALE",
    "/api/v1/schemas/ops-status.json",
    "/schema",
    "/ops/status",
    "/metrics",
]


@pytest.mark.parametrize("path", CACHEABLE)
@pytest.mark.parametrize("encoding", ["identity", "gzip"])
async def test_what_the_client_has_is_not_sent_again(control: PaperControl, path, encoding):
    """A client that names the tag it holds gets 304, no body, and the tag."""
    accept = {"accept-encoding": encoding}
    first = await control.ask(path, headers=accept)

    second = await control.ask(path, headers={**accept, "if-none-match": first.headers["etag"]})

    assert (200, "no-cache") == (first.status_code, first.headers["cache-control"])
    assert (304, b"") == (second.status_code, second.content)
    assert first.headers["etag"] == second.headers["etag"]
    assert first.headers["vary"] == second.headers["vary"]


async def test_a_new_snapshot_is_sent(control: PaperControl):
    """The tag of an older snapshot gets the newer one in full."""
    first = await control.ask("/api/v1/posture")
    control.floor.snapshot = healthy_snapshot(sequence=8)

    second = await control.ask("/api/v1/posture", headers={"if-none-match": first.headers["etag"]})

    assert 200 == second.status_code
    assert (7, 8) == (first.json()["sequence"], second.json()["sequence"])


@pytest.mark.parametrize(
    ("held", "status"),
    [
        pytest.param('"other", {tag}', 304, id="one of several"),
        pytest.param("W/{tag}", 304, id="weak"),
        pytest.param("*", 304, id="any"),
        pytest.param('"other"', 200, id="another"),
        pytest.param("", 200, id="none"),
        pytest.param(",,,", 200, id="nonsense"),
    ],
)
async def test_how_tags_are_compared(control: PaperControl, held, status):
    """Tags are compared weakly, one by one; nonsense holds nothing."""
    tag = (await control.ask("/api/v1/posture")).headers["etag"]

    answer = await control.ask(
        "/api/v1/posture", headers={"if-none-match": held.replace("{tag}", tag)}
    )

    assert status == answer.status_code


@pytest.mark.parametrize(
    ("accept", "packed"),
    [
        pytest.param("gzip", True, id="gzip"),
        pytest.param("br;q=1.0, GZIP;q=0.5", True, id="among others"),
        pytest.param("gzip;q=0", False, id="refused"),
        pytest.param("identity", False, id="identity"),
        pytest.param("", False, id="nothing"),
    ],
)
async def test_compression_is_for_those_who_like_it(control: PaperControl, accept, packed):
    """A large answer is packed only for a client that accepts gzip, under a tag of its own."""
    plain = await control.ask("/api/v1/agents", headers={"accept-encoding": "identity"})

    answer = await control.ask("/api/v1/agents", headers={"accept-encoding": accept})

    assert packed == (answer.headers.get("content-encoding") == "gzip")
    assert packed == answer.headers["etag"].endswith('-gzip"')
    assert plain.content == answer.content
    assert "accept-encoding" == answer.headers["vary"]


async def test_small_answers_are_not_packed(control: PaperControl):
    """What is small is sent as it is."""
    answer = await control.ask("/api/v1/runbooks", headers={"accept-encoding": "gzip"})

    assert "content-encoding" not in answer.headers


async def test_equal_snapshots_give_equal_bytes():
    """Two servers over equal floors send equal bytes, compressed or not."""
    answers = [await PaperControl().ask("/api/v1/agents") for _ in range(2)]

    assert answers[0].content == answers[1].content
    assert gzip.compress(answers[0].content, 5, mtime=0) == gzip.compress(
        answers[1].content, 5, mtime=0
    )


@pytest.mark.parametrize("path", ["/healthz", "/livez", "/api/v1/attestation/read-only"])
async def test_what_is_about_this_moment_is_not_kept(control: PaperControl, path):
    """Health and the proof are about this very moment."""
    answer = await control.ask(path)

    assert "no-store" == answer.headers["cache-control"]
    assert "etag" not in answer.headers


async def test_the_past_never_takes_the_place_of_the_newest(control: PaperControl):
    """An answer about the past is built each time; the newest snapshot's is built once."""
    cache, newest = SnapshotCache(), control.floor.snapshot
    past = replace(newest, at=newest.at - timedelta(minutes=5))
    first = cache.document(newest, "posture", posture_document)
    cache.document(past, "posture", posture_document)

    assert first is cache.document(newest, "posture", posture_document)
