"""
A process that claims every run it can below a root, and tells which it has.

It says that it is ready, waits for a file, and then races.
"""

import asyncio
import sys
import time
from datetime import UTC, date, datetime, timedelta
from pathlib import Path

from mission_control.schedule.claims import RunClaims
from mission_control.schedule.model import Job, PlannedRun

sys.path.insert(0, str(Path(__file__).parents[2]))

AT = datetime(2026, 11, 20, 13, 30, tzinfo=UTC)


async def race(root: Path, owner: str) -> None:
    """Claim 200 runs, as fast as possible."""
    claims = RunClaims(root, owner)
    for number in range(200):
        at = AT + timedelta(seconds=number)
        run = PlannedRun(at, Job.INTRADAY_SAMPLE, date(2026, 11, 20), at + timedelta(hours=1))
        if await claims.claim(run, AT) is not None:
            print(run.key)


def main() -> None:
    """Wait for the start, then race."""
    root, start, owner = Path(sys.argv[1]), Path(sys.argv[2]), sys.argv[3]
    print("ready", flush=True)
    while not start.exists():
        time.sleep(0.001)
    asyncio.run(race(root, owner))


if __name__ == "__main__":
    main()
