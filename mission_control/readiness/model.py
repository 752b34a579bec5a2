"""Readiness, the gate that can say NO and says why (docs/semantics.md#7)."""

from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum

from mission_control.cluster.model.facts import (
    NOTHING_CAPTURED,
    AccountFacts,
    CapturedWorkloads,
    NodeFacts,
    ServiceFacts,
)
from mission_control.floor.model import FloorSnapshot
from mission_control.model.cluster_identity import ClusterIdentity
from mission_control.model.fleet import Fleet, RepositoryLints
from mission_control.model.reading import Seen, Unseen
from mission_control.model.session import MarketSession
from mission_control.repository.model import Repository


class CheckOutcome(StrEnum):
    """How a check ended; UNKNOWN blocks as FAIL does."""

    PASS = "PASS"  # noqa: S105  (an outcome, no password)
    FAIL = "FAIL"
    UNKNOWN = "UNKNOWN"
    NOT_APPLICABLE = "NOT_APPLICABLE"
    """By digested configuration alone, never because of a failure at run time."""


@dataclass(frozen=True, slots=True)
class Check:
    """
    One check: the fleet's name for it, a stable code, how it ended and why.

    `evidence` lists its sources. One that does not `block` only warns.
    """

    code: str
    name: str
    outcome: CheckOutcome
    detail: str
    evidence: tuple[str, ...] = ()
    blocks: bool = True

    @property
    def stops(self) -> bool:
        """Return whether it alone makes the verdict NO-GO."""
        return self.blocks and self.outcome in {CheckOutcome.FAIL, CheckOutcome.UNKNOWN}


class ReadinessVerdict(StrEnum):
    """GO, or not."""

    GO = "GO"
    NO_GO = "NO-GO"


@dataclass(frozen=True, slots=True)
class PollCoverage:
    """
    How often each required agent was asked lately, and answered: (agent, asked, obtained).

    It covers the last `seconds` and should cover `wanted_seconds`. `stands_in` says what replaces
    it on the command line, empty on a server.
    """

    seconds: float
    wanted_seconds: float
    agents: tuple[tuple[str, int, int], ...] = ()
    stands_in: str = ""


@dataclass(frozen=True, slots=True)
class ReadinessEvidence:
    """
    Everything that the checks are judged from, gathered by one job.

    `now` is the judgement's instant. What is None was not configured; what was tried and not
    obtained is `Unseen`. `report` says how the deploy report went. `captured` is what ran at the
    last known good.
    """

    now: datetime
    snapshot: FloorSnapshot
    coverage: PollCoverage | Unseen
    repository: Repository | Unseen | None = None
    services: Seen[tuple[ServiceFacts, ...]] | Unseen | None = None
    nodes: Seen[tuple[NodeFacts, ...]] | Unseen | None = None
    account: AccountFacts | None = None
    report: Seen[str] | Unseen | None = None
    store: Seen[None] | Unseen | None = None
    skip_preflight: bool = False
    captured: CapturedWorkloads = NOTHING_CAPTURED


@dataclass(frozen=True, slots=True)
class ReadinessReport:
    """
    The verdict with every check, in the catalogue's order.

    `otherwise_ready` means that only the session is missing. `code` is why it is NO-GO, empty for
    GO. `repository_lints` is the fleet file's setting, None where it has none; `repository` means
    that one is configured.
    """

    at: datetime
    session: MarketSession
    verdict: ReadinessVerdict
    otherwise_ready: bool
    code: str
    checks: tuple[Check, ...]
    namespace: str
    context: str
    fleet: Fleet
    git_sha: str = ""
    git_branch: str = ""
    label: str = ""
    repository_lints: RepositoryLints | None = None
    repository: bool = False
    cluster: ClusterIdentity | None = None

    @property
    def ready(self) -> bool:
        """Return whether the verdict is GO."""
        return self.verdict is ReadinessVerdict.GO


@dataclass(frozen=True, slots=True)
class CurrentReadiness:
    """The verdict that is served now, with its reason; `code` is empty for GO."""

    verdict: ReadinessVerdict
    code: str
    detail: str


@dataclass(frozen=True, slots=True)
class RecordedVerdict:
    """
    The newest recorded readiness: when its evidence was read, for which session, what it said.

    `cluster` is None where the record does not name one.
    """

    at: datetime
    session_date: str | None
    verdict: ReadinessVerdict
    code: str
    fleet_digest: str
    cluster: ClusterIdentity | None = None
