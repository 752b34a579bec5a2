"""Timers that fire together where they are due together."""

import asyncio
import math
from collections.abc import Callable

Timer = list[Callable[[], None]]
"""One timer: what it does, or nothing once it was cancelled."""


class SharedTimers:
    """
    Timers of one event loop, which has one timer of its own for all that are due at one instant.

    Most timers of a watch never fire, and most of the others fire with many more: each of them
    alone would cost as much as what it waits for. What a timer does must not raise.
    """

    def __init__(self, step: float = 0.0) -> None:
        """Let timers fire at the next multiple of `step` seconds, or just when they are due."""
        self._step = step
        self._due: dict[float, list[Timer]] = {}

    def call_at(self, when: float, act: Callable[[], None]) -> Timer:
        """Act at an instant of the event loop's clock, or by a step later."""
        if self._step:
            when = math.ceil(when / self._step) * self._step
        together = self._due.get(when)
        if together is None:
            together = self._due[when] = []
            asyncio.get_running_loop().call_at(when, self._fire, when)
        timer = [act]
        together.append(timer)
        return timer

    def _fire(self, when: float) -> None:
        for timer in self._due.pop(when):
            for act in timer:
                act()
