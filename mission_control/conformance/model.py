"""How far a service's answers keep the status contract, deviation by deviation."""

from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum


class Gravity(StrEnum):
    """Whether a deviation breaks the contract, or works and should still be put right."""

    VIOLATION = "violation"
    ADVICE = "advice"


@dataclass(frozen=True, slots=True)
class Deviation:
    """
    One place where an answer is not what the contract says.

    `path` is the endpoint and `field` the place in its answer (`status.state`), empty for the
    answer as a whole. `rule` cites the contract, `problem` says what is wrong, `found` is what
    was there (redacted, short, empty when nothing can be shown) and `remedy` what to do.
    `sev0` marks evidence of possible live execution.
    """

    gravity: Gravity
    path: str
    field: str
    rule: str
    problem: str
    remedy: str
    found: str = ""
    sev0: bool = False

    @property
    def order(self) -> tuple[bool, bool, str, str, str, str]:
        """Sort key: Sev-0 evidence, then violations, then by place and rule."""
        advice = self.gravity is Gravity.ADVICE
        return (not self.sev0, advice, self.path, self.field, self.rule, self.problem)


@dataclass(frozen=True, slots=True)
class EndpointOutcome:
    """
    What one endpoint brought: a shape (`rich`) or the reason it was not seen (`TIMEOUT`).

    `took` is in seconds; `excerpt` is at most 200 redacted characters of an answer that was
    not understood.
    """

    path: str
    seen: bool
    outcome: str
    http_status: int | None
    took: float
    excerpt: str = ""


@dataclass(frozen=True, slots=True)
class ConformanceReport:
    """Whether a service keeps the contract at one instant `at`, and each way it does not."""

    at: datetime
    conforms: bool
    endpoints: tuple[EndpointOutcome, ...]
    deviations: tuple[Deviation, ...]

    @property
    def violations(self) -> tuple[Deviation, ...]:
        """Return the deviations that break the contract."""
        return tuple(d for d in self.deviations if d.gravity is Gravity.VIOLATION)

    @property
    def advice(self) -> tuple[Deviation, ...]:
        """Return the deviations that work and should still be put right."""
        return tuple(d for d in self.deviations if d.gravity is Gravity.ADVICE)
