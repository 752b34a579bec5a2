"""The command line at another hour: `at_that_hour.py ISO READING COMMAND...`, all else is real."""

import os
import sys
import time
from datetime import datetime, timedelta
from importlib import import_module

from mission_control.cli.context import CliContext
from mission_control.cli.main import COMMANDS
from mission_control.simulation.clock import SimulatedClock


async def at_once(_seconds: float) -> None:
    """Let no time pass between two rounds."""


def clock_since(at: datetime, reading: float) -> SimulatedClock:
    """Return a clock that showed an instant when the monotonic clock had this reading."""
    return SimulatedClock(at + timedelta(seconds=time.monotonic() - reading))


def main() -> None:
    """Run one command as of an instant, which was when the monotonic clock had this reading."""
    told, reading, name, *arguments = sys.argv[1:]
    command = getattr(import_module(COMMANDS[name][0]), name.replace("-", "_"))
    context = CliContext(
        clock=clock_since(datetime.fromisoformat(told), float(reading)),
        json=False,
        quiet=False,
        environ=os.environ,
        wait=at_once,
    )
    command.main(arguments, obj=context)


if __name__ == "__main__":
    main()
