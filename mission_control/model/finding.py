"""A reason, which is how every decision explains itself."""

from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum

from mission_control.model import codes

_KINDS = {
    code: rank
    for rank, code in enumerate(
        (
            codes.EXECUTION_EVIDENCE,
            codes.FRESHNESS_GATE_FALSE_POSITIVE,
            codes.KILL_SWITCH_UNCONFIRMED,
            codes.CONTRADICTION,
        )
    )
}
"""What leads among reasons of one severity, the worst first; everything else comes after it."""


class Severity(StrEnum):
    """How bad, and so who is woken (docs/semantics.md#11)."""

    P0 = "P0"
    P1 = "P1"
    P2 = "P2"
    INFO = "INFO"

    @property
    def rank(self) -> int:
        """Return 0 for the worst, so that sorting by rank puts the worst first."""
        return ("P0", "P1", "P2", "INFO").index(self.value)


@dataclass(frozen=True, slots=True)
class Reason:
    """
    One reason: a stable code, its subject, how bad it is, and a sentence for people.

    `halts` means that this reason alone makes the posture HALTED. `since` is when it was
    first established (UTC), None when it is only true of this instant. A silence that was not
    asked about again yet is not `confirmed`: it shows and halts, and takes no GO back. One that
    `withholds` takes GO back although it does not halt: something could start execution.
    """

    code: str
    subject: str
    severity: Severity
    detail: str
    halts: bool = False
    since: datetime | None = None
    confirmed: bool = True
    withholds: bool = False

    @property
    def order(self) -> tuple[int, int, int, str, str]:
        """
        Sort key: worst first, what halts before what does not, then kind, code and subject.

        Among equals execution evidence leads, before two sources that disagree about it.
        """
        kind = _KINDS.get(self.code, len(_KINDS))
        return (self.severity.rank, 0 if self.halts else 1, kind, self.code, self.subject)


def worst(reasons: tuple[Reason, ...]) -> Severity | None:
    """Name the worst severity among reasons; None when there are none."""
    return min((r.severity for r in reasons), key=lambda s: s.rank, default=None)
