"""
`mission-control` with its event loop measured: how late it runs what is due, and why.

The first argument names a file. A line is written there for each beat that came late: when
(monotonic seconds), how late, and how much of the processor the loop's own thread had used since
the beat before, all in seconds. Late without own work is the machine's doing, or another thread's.
"""

import sys
import time
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


def main():
    """Have every loop of this process measured, and be `mission-control`."""
    told = Path(sys.argv.pop(1)).open("w", buffering=1)  # noqa: SIM115  (as long as we live)
    new_event_loop = uvloop.new_event_loop

    def measured():
        loop = new_event_loop()
        measure(loop, told)
        return loop

    uvloop.new_event_loop = measured
    from mission_control.__main__ import main as mission_control  # noqa: PLC0415

    mission_control()


if __name__ == "__main__":
    main()
