"""Present: whether what a snapshot says is still being decided, or only left over."""

from mission_control.model.codes import POLL_LOOP_STALLED
from mission_control.model.snapshot import FloorSnapshot


def still_decided(snapshot: FloorSnapshot) -> bool:
    """
    Tell whether somebody still decides; what was good before a stall is good no longer.

    A stalled snapshot keeps its last readings. No answer that a program may act on (halted,
    fresh, online) may be read off them.
    """
    return all(reason.code != POLL_LOOP_STALLED for reason in snapshot.posture.reasons)
