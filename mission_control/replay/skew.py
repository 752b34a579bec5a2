"""How far the clocks of sources are apart, while they are read one after another."""

from collections import defaultdict
from dataclasses import dataclass, field
from statistics import median

from mission_control.replay.model import Skew

_MOST_TRACES = 20_000
_MOST_SAMPLES = 2_048
_MOST_PAIRS = 64


@dataclass(slots=True)
class Samples:
    """Differences in microseconds; of very many, every second, fourth and so on."""

    kept: list[int] = field(default_factory=list[int])
    taken: int = 0
    _stride: int = 1

    def add(self, micros: int) -> None:
        """Take a difference."""
        if self.taken % self._stride == 0:
            self.kept.append(micros)
            if len(self.kept) == _MOST_SAMPLES:
                self.kept = self.kept[::2]
                self._stride *= 2
        self.taken += 1

    def skew(self, against: str) -> Skew:
        """Return their median."""
        return Skew(round(median(self.kept) / 1_000_000, 3), self.taken, against)


@dataclass(slots=True)
class SkewMeter:
    """
    Compares a source's events with their envelopes, and with the same traces in other sources.

    Of each trace its first event in each source counts.
    """

    _begun: dict[str, tuple[str, int]] = field(default_factory=dict[str, tuple[str, int]])
    _seen: set[str] = field(default_factory=set[str])
    _label: str = ""
    _envelopes: Samples = field(default_factory=Samples)
    _pairs: dict[str, Samples] = field(default_factory=lambda: defaultdict[str, Samples](Samples))

    def begin(self, label: str) -> None:
        """Begin another source."""
        self._label, self._seen = label, set()
        self._envelopes, self._pairs = Samples(), defaultdict(Samples)

    def take(self, trace_id: str, at: int, outer: int | None) -> None:
        """Take an event with its own time, and that of its envelope."""
        if outer is not None:
            self._envelopes.add(at - outer)
        if not trace_id or trace_id in self._seen:
            return
        begun = self._begun.get(trace_id)
        if begun is None:
            if len(self._begun) >= _MOST_TRACES:
                return
            self._begun[trace_id] = (self._label, at)
        elif begun[0] in self._pairs or len(self._pairs) < _MOST_PAIRS:
            self._pairs[begun[0]].add(at - begun[1])
        self._seen.add(trace_id)

    def skews(self) -> tuple[Skew, ...]:
        """Compare it with its envelopes, and with the source that it shares most with."""
        found = [self._envelopes.skew("")] if self._envelopes.kept else []
        if self._pairs:
            most = max(self._pairs, key=lambda label: (self._pairs[label].taken, label))
            found.append(self._pairs[most].skew(most))
        return tuple(found)
