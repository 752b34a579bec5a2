"""
A process that delivers and says that it lives: `alive.py ROOT AM PING`.

After SIGUSR1 its deciding loop has stalled: the process lives, and says so no more.
"""

import asyncio
import signal
import sys
from pathlib import Path

from mission_control.alerts.model import AlertBook
from tests.alerts_delivery.channels import delivery, opened, real_now, to_alertmanager


async def live(root: Path, manager: str, ping: str) -> None:
    """Deliver until it is killed."""
    stalled = asyncio.Event()
    asyncio.get_running_loop().add_signal_handler(signal.SIGUSR1, stalled.set)
    delivering = delivery(
        [to_alertmanager(manager)], opened(root), lambda: not stalled.is_set(), ping
    )
    delivering.take(AlertBook(real_now()))
    await delivering.run()


if __name__ == "__main__":
    asyncio.run(live(Path(sys.argv[1]), sys.argv[2], sys.argv[3]))
