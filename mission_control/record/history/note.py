"""History: what a server notes of alarms that no database holds yet, as bytes in slots. Pure."""

import hashlib
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace

from mission_control.model.record_memory import HistoryPin
from mission_control.model.standing import Accusation, Standing
from mission_control.record.history.codec import pack, pack_standing, unpack, unpack_standing

SLOT_BYTES = 32 * 1024
_HEAD_BYTES = 32 + 8 + 4


@dataclass(frozen=True, slots=True)
class Note:
    """
    What a server noted last.

    `alarms` stand and are in no database that it knows of; `cut` tells that there were more than
    fit. `pin` is what it wrote last. `server_ran` is what the ledger of a root without a marker
    told before this server's own runs were in it. `damaged` tells that a note was torn.
    """

    alarms: tuple[Accusation, ...] = ()
    pin: HistoryPin | None = None
    server_ran: bool = False
    cut: bool = False
    damaged: bool = False

    def as_bytes(self) -> bytes:
        """Write it so that it fits into a slot: alarms beyond that are told as cut."""
        alarms = list(self.alarms)
        while len(content := self._packed(alarms)) > SLOT_BYTES - _HEAD_BYTES:
            alarms = alarms[: len(alarms) // 2]
        return content

    def _packed(self, alarms: list[Accusation]) -> bytes:
        pin = self.pin
        return pack(
            {
                "alarms": pack_standing(Standing(tuple(alarms))).hex(),
                "cut": self.cut or len(alarms) < len(self.alarms),
                "pin": None if pin is None else [pin.database_id, pin.decision, pin.at],
                "server_ran": self.server_ran,
            }
        )


def carry(notes: Iterable[Note]) -> Note:
    """Give one note that says all that several do, so that they need not be kept."""
    told = tuple(notes)
    alarms = {a.key: a for note in told for a in note.alarms}
    pins = sorted((n.pin for n in told if n.pin is not None), key=lambda pin: pin.decision)
    return Note(
        tuple(alarms.values()),
        pins[-1] if pins else None,
        any(n.server_ran for n in told),
        any(n.cut or n.damaged for n in told),
    )


def newest_of(slots: Sequence[bytes]) -> tuple[int, Note]:
    """Give the newest note with its number; a slot that is not whole may have held a newer one."""
    read = [_content(slot) for slot in slots]
    torn = any(slot.strip(b"\0") and each is None for slot, each in zip(slots, read, strict=True))
    sequence, content = max((each for each in read if each is not None), default=(0, b""))
    note = _understand(content) if content else Note()
    return sequence, replace(note, damaged=note.damaged or torn)


def slot_of(sequence: int, note: Note) -> bytes:
    """Write a note with its number so that one that is torn does not pass for whole."""
    content = note.as_bytes()
    told = sequence.to_bytes(8, "big") + len(content).to_bytes(4, "big") + content
    return hashlib.sha256(told).digest() + told


def _content(slot: bytes) -> tuple[int, bytes] | None:
    size = int.from_bytes(slot[40:44], "big")
    told = slot[32 : _HEAD_BYTES + size]
    if size == 0 or hashlib.sha256(told).digest() != slot[:32]:
        return None
    return int.from_bytes(told[:8], "big"), told[12:]


def _understand(content: bytes) -> Note:
    try:
        document = unpack(content)
        alarms = unpack_standing(bytes.fromhex(document["alarms"])).accusations
        pin = HistoryPin(*document["pin"]) if document["pin"] else None
        return Note(alarms, pin, document["server_ran"], document["cut"])
    except (ValueError, LookupError, TypeError):
        return Note(damaged=True)
