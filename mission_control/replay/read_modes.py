"""Agent modes in envelopes, counted in blocks of lines: LIVE or EXECUTE is worth a note."""

import re
from collections import Counter
from dataclasses import dataclass, field

from mission_control.contract.model.modes import ModeText, read_mode

_KEY = b"agent_mode"
_MODE = re.compile(
    rb"agent_mode[\\\"']{0,33}\s{0,4}[:=]\s{0,4}[\\\"']{0,33}([\w .-]{1,64})[^\w .-]"
)
_MOST = 100
"""So many different modes are told apart."""


@dataclass(slots=True)
class ModeReader:
    """Counts the forbidden modes that lines tell of; what nearly all of them say is known."""

    forbidden: Counter[str] = field(default_factory=Counter[str])
    _known: bytes = b""

    def look_at(self, block: bytes) -> None:
        """Count what a block of lines says."""
        told = block.count(_KEY)
        if not told or (self._known and block.count(self._known) == told):
            return
        for found in _MODE.finditer(block):
            mode = found[1].decode(errors="replace").strip()
            if read_mode(mode) is not ModeText.FORBIDDEN:
                self._known = found[0]
            elif mode in self.forbidden or len(self.forbidden) < _MOST:
                self.forbidden[mode] += 1
