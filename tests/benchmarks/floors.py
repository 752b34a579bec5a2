"""Measures what listing other floors costs, and how soon a halt of one is seen there."""

import json
import statistics
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Generator, Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import cast

import httpx
from farm import Mode
from processes import Manner, Serving, farm_targets, free_port, running_farm, serving

Row = dict[str, object]
FLOORS, SERVICES, SECONDS = 50, 100, 60.0
SETTLED_SECONDS = 25.0
HALTS = 12
ASKED_EVERY = 5.0
LOOK_SECONDS = 0.02
SOON_SECONDS = 60.0


def measure_floors() -> Iterator[Row]:
    """
    Serve the same small fleet three times at once: alone, and listing floors at two cadences.

    What listing costs is what they differ by; the seldom one tells what of it is asking.
    """
    with ExitStack() as s:
        port = s.enter_context(running_farm(Mode.HEALTHY)).port
        targets = farm_targets(port, 10, Mode.HEALTHY)
        elsewhere = s.enter_context(_simulated_floors())
        roots = [Path(s.enter_context(tempfile.TemporaryDirectory())) for _ in range(3)]
        alike = Manner(further=("# as the others are served",))
        alone = s.enter_context(serving(targets, 10.0, roots[0], alike))
        listing = s.enter_context(serving(targets, 10.0, roots[1], _lists(elsewhere, ASKED_EVERY)))
        seldom = s.enter_context(serving(targets, 10.0, roots[2], _lists(elsewhere, 30.0)))
        time.sleep(SETTLED_SECONDS)
        watched = (alone, listing, seldom)
        before = [each.cpu_seconds() for each in watched]
        with _reading(listing):
            time.sleep(SECONDS)
        used = [each.cpu_seconds() - was for each, was in zip(watched, before, strict=True)]
        counts = cast("dict[str, int]", listing.get("/api/v1/floors")["counts"])
        rounds = SECONDS / ASKED_EVERY
        more = used[1] - used[0]
        yield {
            "floors": FLOORS,
            "services_each": SERVICES,
            "known": FLOORS - counts["UNKNOWN"],
            "alone_core_percent": round(100 * used[0] / SECONDS, 2),
            "listing_core_percent": round(100 * used[1] / SECONDS, 2),
            "times_alone": round(used[1] / used[0], 2),
            "times_alone_asking_every_30_s": round(used[2] / used[0], 2),
            "us_per_floor_and_round": round(1e6 * more / (FLOORS * rounds)),
            "alone_rss_mb": round(alone.rss_mb()),
            "listing_rss_mb": round(listing.rss_mb()),
        }
        seen = [_see_halt(elsewhere, listing, number) for number in range(HALTS)]
        yield {
            "halts": HALTS,
            "asked_every": ASKED_EVERY,
            "median_seconds": round(statistics.median(seen), 2),
            "worst_seconds": round(max(seen), 2),
            "worst_rounds": round(max(seen) / ASKED_EVERY, 2),
        }


def _lists(elsewhere: str, every: float) -> Manner:
    floors = [
        f"  - {{name: {name}, url: '{elsewhere}/{name}', interval_seconds: {every:g}}}"
        for name in httpx.get(f"{elsewhere}/floors", trust_env=False).json()
    ]
    return Manner(further=("floors:", *floors))


@contextmanager
def _reading(ours: Serving) -> Generator[None]:
    """Have one page of floors read, every ten seconds as an open page asks at least."""
    over = threading.Event()

    def read() -> None:
        while not over.wait(10.0):
            ours.get("/api/v1/floors")

    reader = threading.Thread(target=read)
    reader.start()
    yield
    over.set()
    reader.join()


def _see_halt(elsewhere: str, ours: Serving, number: int) -> float:
    """Halt one floor at a moment of its own; returns how long until it is shown as halted."""
    time.sleep(1.0 + 0.37 * number)
    name = f"floor-{(7 * number) % FLOORS + 1:02d}"
    wish = {"name": name, "conduct": "executes"}
    httpx.post(f"{elsewhere}/floors", params=wish, trust_env=False).raise_for_status()
    began = time.monotonic()
    while time.monotonic() - began < SOON_SECONDS:
        floors = cast("list[dict[str, object]]", ours.get("/api/v1/floors")["floors"])
        if any(f["name"] == name and f["state"] == "HALTED" for f in floors):
            return time.monotonic() - began
        time.sleep(LOOK_SECONDS)
    raise TimeoutError(f"{name} was never shown as halted")


@contextmanager
def _simulated_floors() -> Generator[str]:
    """Run the simulated Mission Controls in a process of their own; gives its address."""
    port = free_port()
    with subprocess.Popen([sys.executable, __file__, str(port)], stdout=subprocess.PIPE) as process:
        try:
            assert process.stdout is not None
            json.loads(process.stdout.readline())
            yield f"http://127.0.0.1:{port}"
        finally:
            process.kill()


def _serve(port: int) -> None:
    """Be the simulated Mission Controls, as real floors are: without a label, by the real clock."""
    import uvicorn  # noqa: PLC0415  (only in this process)

    from mission_control.bootstrap.clock import real_clock  # noqa: PLC0415
    from mission_control.market_calendar.calendar import MarketCalendar  # noqa: PLC0415
    from mission_control.simulation.other_floors import OtherFloors  # noqa: PLC0415

    session_at = MarketCalendar().session_at
    floors = OtherFloors(real_clock, session_at, FLOORS, SERVICES, label="", all_well=True)
    print(json.dumps({"port": port}), flush=True)
    uvicorn.run(
        floors.app,
        port=port,
        log_level="error",
        lifespan="off",
        interface="asgi3",
        access_log=False,
    )


if __name__ == "__main__":
    _serve(int(sys.argv[1]))
