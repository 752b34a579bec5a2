"""
`mission-control` with its event loop measured, or its clock ahead: `measured.py BEATS AHEAD ...`.

BEATS names a file. A line is written there for each beat that came late: when (monotonic
seconds), how late, and how much of the processor the loop's own thread had used since the beat
before, all in seconds. Late without own work is the machine's doing, or another thread's.

AHEAD is by how many seconds the clock shows more than the machine's.
"""

import sys
import time
from datetime import timedelta
from pathlib import Path

import uvloop

EVERY, WORTH_TELLING = 0.005, 0.002


def measure(loop, told):
    """Beat for ever."""
    due, used = loop.time() + EVERY, time.thread_time()

    def beat():
        nonlocal due, used
        late, now = loop.time() - due, time.thread_time()
        if late > WORTH_TELLING:
            told.write(f"{time.monotonic():.4f} {late:.4f} {now - used:.4f}\n")
        due, used = loop.time() + EVERY, now
        loop.call_later(EVERY, beat)

    loop.call_later(EVERY, beat)


def have_loops_measured(beats):
    """Have every loop of this process measured."""
    told = beats.open("w", buffering=1)
    new_event_loop = uvloop.new_event_loop

    def measured():
        loop = new_event_loop()
        measure(loop, told)
        return loop

    uvloop.new_event_loop = measured


def have_clock_ahead(ahead):
    """Have the real clock show more, for all that take it from where it is declared."""
    from mission_control.bootstrap import clock  # noqa: PLC0415

    real_clock = clock.real_clock
    clock.real_clock = lambda: real_clock() + ahead


def main():
    """Be `mission-control`, measured."""
    have_loops_measured(Path(sys.argv.pop(1)))
    have_clock_ahead(timedelta(seconds=float(sys.argv.pop(1))))
    from mission_control.__main__ import main as mission_control  # noqa: PLC0415

    mission_control()


if __name__ == "__main__":
    main()
