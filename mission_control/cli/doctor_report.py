"""What a check of `doctor` found, and how it is shown."""

from dataclasses import dataclass
from enum import StrEnum

from mission_control.cli.printable import printable


class Outcome(StrEnum):
    """How a check ended; only FAIL changes the exit code."""

    PASS = "PASS"  # noqa: S105  (an outcome, no password)
    WARN = "WARN"
    FAIL = "FAIL"


@dataclass(frozen=True, slots=True)
class Check:
    """One line of the doctor: what was checked, what was found, and what to do about it."""

    subject: str
    outcome: Outcome
    detail: str
    remedy: str = ""

    def as_dict(self) -> dict[str, str]:
        """Return the check as JSON shows it."""
        return {
            "subject": self.subject,
            "outcome": self.outcome.value,
            "detail": self.detail,
            "remedy": self.remedy,
        }

    def as_lines(self, width: int) -> list[str]:
        """Return the check as text: one line, and one more with the remedy."""
        lines = [f"{self.outcome}  {printable(self.subject):<{width}}  {printable(self.detail)}"]
        if self.remedy and self.outcome is not Outcome.PASS:
            lines.append(f"      {'':<{width}}  -> {printable(self.remedy)}")
        return lines


def passed(subject: str, detail: str) -> Check:
    """Say that a check passed."""
    return Check(subject, Outcome.PASS, detail)


def warned(subject: str, detail: str, remedy: str) -> Check:
    """Say that a check found something to know, which stops nothing."""
    return Check(subject, Outcome.WARN, detail, remedy)


def failed(subject: str, detail: str, remedy: str) -> Check:
    """Say that a check failed, and what to do about it."""
    return Check(subject, Outcome.FAIL, detail, remedy)
