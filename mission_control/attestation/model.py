"""What one session shows of execution: observations, signs, and gaps."""

from dataclasses import dataclass
from datetime import date, datetime, timedelta
from enum import StrEnum
from math import floor

from mission_control.history.model import Span
from mission_control.model.cluster_identity import ClusterIdentity
from mission_control.model.fleet import Safety, SwitchFile
from mission_control.model.session import TradingDay


class Fact(StrEnum):
    """What is observed of execution (docs/semantics.md#12)."""

    AGENT_MODE = "agent_mode"
    EXECUTION_REPLICAS = "execution_replicas"
    KILL_SWITCH = "kill_switch"
    KILL_SWITCH_SOURCE = "kill_switch_witness"
    SAFE_TO_EXECUTE_ORDERS = "safe_to_execute_orders"
    LATCHED_ALARMS = "standing_accusations"
    """Whether the latched alarms were known: our own missing memory clears none either."""


class Conclusion(StrEnum):
    """
    What a session's observations come to; what was not seen never reads as clean.

    NO_EXECUTION_OBSERVED needs all that is required to have been seen in every second.
    """

    EXECUTION_OBSERVED = "EXECUTION_OBSERVED"
    NO_EXECUTION_OBSERVED = "NO_EXECUTION_OBSERVED"
    NO_EXECUTION_OBSERVED_WITH_GAPS = "NO_EXECUTION_OBSERVED_WITH_GAPS"
    NOT_OBSERVED = "NOT_OBSERVED"


@dataclass(frozen=True, slots=True, order=True)
class Matter:
    """What is to be observed: one fact of one subject."""

    fact: Fact
    subject: str


@dataclass(frozen=True, slots=True)
class Observation:
    """
    What one source said of a matter in one decision.

    `value` is None where it said nothing valid, and then `unobserved` says why.
    Without a `required` matter the session is not covered.
    """

    matter: Matter
    source: str
    value: str | None
    unobserved: str = ""
    required: bool = False

    @property
    def key(self) -> tuple[Matter, str]:
        """Identify the matter and its source from one decision to the next."""
        return self.matter, self.source


@dataclass(frozen=True, slots=True)
class ExecutionSign:
    """
    An alarm about execution that was open in the session; one is Sev-0 (docs/semantics.md#3).

    `since` is when it was raised, which may be before the open. In the session it was open from
    `stood_from` to just before `stood_until`, None where it was not cleared.
    """

    code: str
    subject: str
    source: str
    fact: str
    detail: str
    since: datetime
    stood_from: datetime
    stood_until: datetime | None = None


@dataclass(frozen=True, slots=True)
class ObservedSpan:
    """What a source said from `since` to just before `until`; None says why in `unobserved`."""

    since: datetime
    until: datetime
    value: str | None
    unobserved: str = ""

    @property
    def span(self) -> Span:
        """Return the stretch of time alone."""
        return self.since, self.until


@dataclass(frozen=True, slots=True)
class ObservedSource:
    """What one source said of a matter over the session, in spans without a hole."""

    source: str
    spans: tuple[ObservedSpan, ...]


@dataclass(frozen=True, slots=True)
class ObservedMatter:
    """
    A matter over the session: what each of its sources said, and when none of them was valid.

    `gaps` are the stretches in which no source said anything valid, with the reason of the first
    source; `observed` is all other time.
    """

    matter: Matter
    required: bool
    sources: tuple[ObservedSource, ...]
    gaps: tuple[ObservedSpan, ...]
    observed: timedelta


@dataclass(frozen=True, slots=True)
class UnobservedSpan:
    """A stretch in which required matters were not seen, with the reason of the first."""

    since: datetime
    until: datetime
    matters: tuple[Matter, ...]
    why: str


@dataclass(frozen=True, slots=True)
class FactCoverage:
    """For one fact: how many matters are required, and how long all of them were seen at once."""

    fact: Fact
    required: int
    observed: timedelta


@dataclass(frozen=True, slots=True)
class NoExecution:
    """
    The attestation of one session: what was observed of execution, and what was not.

    `observed` is the time in which everything required was seen at once. `decisions` counts the
    recorded decisions behind it; `fleets` are the digests of the inventories watched,
    `clusters` the names of what was read, `identities` which clusters those were, and `needs` what
    their files said of safety.
    """

    session: TradingDay
    at: datetime
    conclusion: Conclusion
    signs: tuple[ExecutionSign, ...]
    matters: tuple[ObservedMatter, ...]
    gaps: tuple[UnobservedSpan, ...]
    coverage: tuple[FactCoverage, ...]
    observed: timedelta
    decisions: int
    fleets: tuple[str, ...] = ()
    clusters: tuple[str, ...] = ()
    needs: tuple[tuple[Safety, SwitchFile | None], ...] = ()
    identities: tuple[ClusterIdentity, ...] = ()

    @property
    def session_date(self) -> date:
        """Return the session's date in New York."""
        return self.session.session_date

    @property
    def length(self) -> timedelta:
        """Return how long the session lasted."""
        return self.session.close - self.session.open

    def percent(self, observed: timedelta) -> float:
        """Return a part of the session in percent, rounded down: 100 is the whole of it."""
        return floor(100_000 * (observed / self.length)) / 1_000
