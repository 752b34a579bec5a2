"""`/api/v1/evidence`: a bundle that is made while it is read."""

import asyncio
import hashlib
import io
from dataclasses import replace

import pytest

from mission_control.api.application import create_application
from mission_control.api.readers_aside import is_asked_aside
from mission_control.evidence.run import export, preview
from mission_control.evidence.verify import verify_zip
from mission_control.processes.streaming_child import StreamBrokenError
from tests.api.paper_floor import PaperControl
from tests.evidence.incident import SINCE, UNTIL, live

pytestmark = pytest.mark.anyio
PATH = f"/api/v1/evidence?from={SINCE:%Y-%m-%dT%H:%M:%SZ}&to={UNTIL:%Y-%m-%dT%H:%M:%SZ}"
COVERAGE = PATH.replace("evidence?", "evidence/coverage?")


@pytest.fixture(scope="module")
def sources(tmp_path_factory):
    """Return what a bundle of the incident is made from."""
    folder = tmp_path_factory.mktemp("incident")
    root, runbooks = folder / "root", folder / "runbooks"
    root.mkdir()
    runbooks.mkdir()
    return live(root, runbooks)


class Control(PaperControl):
    """The API over a paper floor, which makes bundles."""

    def making(self, make) -> "Control":
        """Make bundles by this."""
        self.application = create_application(replace(self.parts(), evidence=make))
        return self


def making(sources):
    """Return what makes bundles of these sources, in this process."""

    def make(wanted, *, whole):
        return (export if whole else preview)(sources, wanted)

    return make


async def test_a_bundle_is_streamed_with_its_name(sources):
    """R12.38: The ZIP as it is, under its name, for no cache."""
    answer = await Control().making(making(sources)).ask(f"{PATH}&incident=feed%20stale")
    name = f"evidence_{SINCE:%Y%m%dT%H%M%SZ}_{UNTIL:%Y%m%dT%H%M%SZ}.zip"

    assert (200, "application/zip") == (answer.status_code, answer.headers["content-type"])
    assert f'attachment; filename="{name}"' == answer.headers["content-disposition"]
    assert "no-store" == answer.headers["cache-control"]
    report = verify_zip(io.BytesIO(answer.content))
    assert () == report.found
    assert "feed stale" == report.about["incident"]


async def test_what_it_would_hold_is_told_without_it(sources):
    """R12.38: Coverage, size and digest are those of the bundle that is given then."""
    control = Control().making(making(sources))
    told = (await control.ask(COVERAGE)).json()
    content = (await control.ask(PATH)).content

    assert (len(content), hashlib.sha256(content).hexdigest()) == (told["size"], told["sha256"])
    assert told["first"].startswith("WITH GAPS: ")
    assert {"posture", "artifacts"} <= {s["source"] for s in told["sources"]}


async def test_a_reader_that_goes_away_ends_the_making(sources):
    """R12.38: It is cancelled where it is, and room is there for the next."""
    closed, gone = [], asyncio.Event()

    async def endless(wanted, *, whole):
        try:
            while True:
                yield b"x"
                await asyncio.sleep(0)
        finally:
            closed.append(wanted)

    control = Control().making(endless)

    async def receive():
        await gone.wait()
        return {"type": "http.disconnect"}

    async def send(message):
        if message["type"] == "http.response.body":
            gone.set()

    path, _, query = PATH.partition("?")
    scope = {
        "type": "http",
        "method": "GET",
        "path": path,
        "raw_path": path.encode(),
        "query_string": query.encode(),
        "headers": [(b"host", b"localhost")],
        "http_version": "1.1",
        "scheme": "http",
        "root_path": "",
        "client": None,
        "server": ("localhost", 80),
        "asgi": {"version": "3.0"},
    }
    for _ in range(3):
        gone.clear()
        await control.application(scope, receive, send)  # pyright: ignore[reportArgumentType]
        await asyncio.sleep(0.01)

    assert 3 == len(closed)


async def test_asking_for_the_head_makes_no_bundle():
    """R12.38: Who wants its name and no more ends the making as well."""
    closed = []

    async def endless(wanted, *, whole):
        try:
            while True:
                yield b"x"
                await asyncio.sleep(0)
        finally:
            closed.append(wanted)

    async with asyncio.timeout(10):
        head = await Control().making(endless).ask(PATH, "HEAD")

    assert (200, b"", 1) == (head.status_code, head.content, len(closed))
    assert head.headers["content-disposition"].startswith("attachment")


async def test_only_so_many_are_made_at_a_time(sources):
    """R12.38: The floor is watched all the same: the next is told to wait."""
    wait = asyncio.Event()

    async def slow(wanted, *, whole):
        yield b"x"
        await wait.wait()

    control = Control().making(slow)
    asking = [asyncio.create_task(control.ask(PATH)) for _ in range(2)]
    await asyncio.sleep(0.05)
    refused = await control.ask(PATH)
    wait.set()
    await asyncio.gather(*asking)

    assert (503, "evidence_busy", "30") == (
        refused.status_code,
        refused.json()["code"],
        refused.headers["retry-after"],
    )
    assert 200 == (await control.ask(PATH)).status_code


async def broken(wanted, *, whole):
    """Break off before anything is there."""
    raise StreamBrokenError("its process ended")
    yield b""


@pytest.mark.parametrize(
    ("make", "path", "told"),
    [
        pytest.param(None, PATH, (400, "history_not_available"), id="no history"),
        pytest.param(broken, PATH, (503, "evidence_not_made"), id="it breaks off"),
        pytest.param(broken, COVERAGE, (503, "evidence_not_made"), id="coverage breaks off"),
        pytest.param(
            broken,
            "/api/v1/evidence?from=2026-01-01",
            (422, "period_not_understood"),
            id="too long",
        ),
        pytest.param(
            broken, f"{PATH}&incident={'x' * 501}", (422, "invalid_parameter"), id="a long incident"
        ),
    ],
)
async def test_what_cannot_be_made_is_a_problem(make, path, told):
    """R12.38: Before the first byte there is a problem with a code, never half a bundle."""
    answer = await Control().making(make).ask(path)

    assert told == (answer.status_code, answer.json()["code"])


def test_the_process_that_answers_readers_makes_no_bundle():
    """R12.38: It would hold all of it; a bundle has a process of its own."""
    assert not is_asked_aside("/api/v1/evidence", b"", ())
    assert is_asked_aside("/api/v1/artifacts", b"", ())
