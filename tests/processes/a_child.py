"""A child that does whatever it is asked: answers, waits, hangs, dies, prints, tells of itself."""

import asyncio
import os
import signal
import sys
import time

from mission_control.processes.child_process import run_child
from mission_control.processes.model import Answered


def spin():
    """Hold the interpreter for ever."""
    while True:
        time.sleep(0)


def fail():
    """Be a bug."""
    raise ValueError("a bug")


DOINGS = {
    "spin": spin,
    "fail": fail,
    "stop": lambda: os.kill(os.getpid(), signal.SIGSTOP),
    "die": lambda: os._exit(9),
    "print": lambda: print("something that is no message"),
}


def prepare(setup):
    """Return what answers; one whose setup says so dies before it is ready."""
    if setup == "stillborn":
        sys.exit(3)

    async def answer(what):
        doing, *more = what
        if doing == "echo":
            return Answered((more, setup))
        if doing == "bytes":
            return Answered("many", [b"x" * more[0], b"y"])
        if doing == "wait":
            await asyncio.sleep(more[0])
        if doing == "environment":
            return Answered((dict(os.environ), os.nice(0), os.getpid()))
        DOINGS.get(doing, int)()
        return Answered(doing)

    return answer


if __name__ == "__main__":
    run_child(prepare)
