"""
A process that keeps a whole session's day below a root, as fast as it can.

It says that it is ready, waits for a file, and then begins every run of the day at its time.
"""

import asyncio
import sys
import time
from datetime import date
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parents[2]))

from tests.api.paper_floor import PaperClock
from tests.schedule.day_of_values import a_day

ON = date(2026, 11, 20)


async def keep(root: Path, owner: str) -> None:
    """Begin every run of the session."""
    clock = PaperClock()
    day = a_day(root, clock, owner=owner)
    for run in day.plan(ON).runs:
        clock.now = run.planned_at
        await day.begin(run)


def main() -> None:
    """Wait for the start, then keep the day."""
    root, start, owner = Path(sys.argv[1]), Path(sys.argv[2]), sys.argv[3]
    print("ready", flush=True)
    while not start.exists():
        time.sleep(0.001)
    asyncio.run(keep(root, owner))


if __name__ == "__main__":
    main()
