#!/usr/bin/env python3
"""
Record the sessions that the demo starts with, by the jobs of Mission Control itself.

`scripts/record_demo.py [--nights]` lives the days of `mission_control/simulation/days.py: RECORDED`
on the simulated floor, under a clock that is turned by hand, and packs the record after each of
them. It takes a quarter of an hour; with `--nights` the time between them is watched as well, and
it takes three times as long. Run it whenever a stored form changes. It needs the ports of a demo.
"""

import asyncio
import logging
import shutil
import sys
import tempfile
from datetime import datetime
from pathlib import Path

from mission_control.bootstrap.recorded_past import ARCHIVE, ended, pack
from mission_control.bootstrap.turned_floor import turned, turned_floor
from mission_control.market_calendar.days import in_new_york
from mission_control.records.verification import verify
from mission_control.simulation.days import RECORDED, PlayedDay
from mission_control.simulation.loopback import DEFAULT_BASE_PORT

ROOT = Path(tempfile.gettempdir()) / "mission-control-demo-recorded"


def tell(at: datetime, line: str) -> None:
    """Write what happened."""
    sys.stderr.write(f"{in_new_york(at):%a %d %b %H:%M:%S}  {line}\n")


async def live(day: PlayedDay, root: Path, since: datetime | None) -> list[str]:
    """Live one day on the record of those before, from `since` on; return what was said."""
    said = list[str]()

    def heard(at: datetime, line: str) -> None:
        said.append(line)
        tell(at, line)

    with turned_floor(day, root, DEFAULT_BASE_PORT, since) as (floor, passed):
        async with turned(floor, passed, heard) as watched:
            await watched.live(day)
            await watched.settled()
    return said


def main() -> int:
    """Record every day, and pack what is there after each."""
    logging.basicConfig(level=logging.ERROR)
    nights = "--nights" in sys.argv[1:]
    shutil.rmtree(ROOT, ignore_errors=True)
    ROOT.mkdir(mode=0o700)
    with tempfile.TemporaryDirectory() as name:
        kept, since = Path(name), None
        for number, day in enumerate(RECORDED):
            said = asyncio.run(live(day, ROOT, since))
            since = ended(day) if nights else None
            if missing := [s for s in day.says if not any(s in line for line in said)]:
                sys.stderr.write(f"{day.on} did not say {missing}\n")
                return 1
            if not verify(ROOT).intact:
                sys.stderr.write(f"the record of {day.on} is not intact\n")
                return 1
            shutil.copytree(ROOT, kept / str(number))
        pack(kept, ARCHIVE)
    shutil.rmtree(ROOT)
    sys.stderr.write(f"{ARCHIVE}: {ARCHIVE.stat().st_size} bytes\n")
    return 0


if __name__ == "__main__":
    sys.exit(main())
