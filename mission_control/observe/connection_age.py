"""Observe: how old a held connection may become, so that few end at the same time. No I/O."""

from collections import Counter

from mission_control.decide.evidence import MAX_AGE_SECONDS

MAX_LIFE_SECONDS = int(MAX_AGE_SECONDS)
"""A connection is evidence of where a name leads, and is used for no longer than evidence is."""


class Lives:
    """
    Gives each connection the second in which it ends: the latest in which the fewest others do.

    All that are opened together, at the start or after a failure, would otherwise end together,
    and be opened together, for ever. Once they are spread each lives nearly its whole life.
    """

    def __init__(self, most: int = MAX_LIFE_SECONDS) -> None:
        """Let none live for longer than so many seconds."""
        self._most = most
        self._ending = Counter[int]()

    def end_of(self, now: float) -> float:
        """Give the end of a connection that is opened now, at most the whole life away."""
        last = int(now) + self._most
        if len(self._ending) > 2 * self._most:
            self._ending = Counter({s: n for s, n in self._ending.items() if s > now})
        end = min(range(last, int(now), -1), key=self._ending.__getitem__)
        self._ending[end] += 1
        return end
