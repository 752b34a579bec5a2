"""What an alert is, what was decided of it, and what became of telling it."""

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum
from functools import lru_cache

from mission_control.contract.model.shapes import ServiceState
from mission_control.documents.canonical_json import encode_json
from mission_control.floor.model import FloorSnapshot, Verdict
from mission_control.model.event import FloorEvent
from mission_control.model.finding import Reason, Severity
from mission_control.model.fleet import Criticality, Kind
from mission_control.model.session import TradingDay
from mission_control.readiness.model import ReadinessVerdict, RecordedVerdict
from mission_control.schedule.model import Job, RunOutcome, RunState

FINGERPRINT_DIGITS = 16


class AlertState(StrEnum):
    """Where an alert is."""

    PENDING = "PENDING"
    """Its condition is true, and has not been for as long as its rule asks."""
    FIRING = "FIRING"
    RESOLVED = "RESOLVED"


@lru_cache(maxsize=20_000)
def fingerprint_of(floor: str, rule: str, code: str, subject: str) -> str:
    """
    Identify an alert by what it is about: 16 hex digits of a SHA-256.

    Equal over restarts, replicas and details, so a page that is sent twice is one page.
    """
    told = encode_json([floor, rule, code, subject])
    return hashlib.sha256(told).hexdigest()[:FINGERPRINT_DIGITS]


@dataclass(frozen=True, slots=True)
class Alert:
    """
    Something that a rule found, about one subject; instants are UTC.

    A rule has one severity, so what an alert is labelled with never changes: a worse one is
    another rule's alert. `since` is when the condition began, `fired_at` when the rule's time was
    over, and `resolved_at` when it was over for as long as the rule holds it. `ending_since` is
    since when the condition has not been true any more, while it is held. `cause` is the
    fingerprint of the alert that this one follows from. `withheld` says why no page goes out
    although it fires, empty where one does. `paged_at` is when it was to go out last: from then on
    its end is told as well.
    """

    fingerprint: str
    rule: str
    code: str
    subject: str
    severity: Severity
    state: AlertState
    summary: str
    detail: str
    since: datetime
    fired_at: datetime | None
    resolved_at: datetime | None
    owner: str
    runbook: str
    cause: str = ""
    withheld: str = ""
    paged_at: datetime | None = None
    ending_since: datetime | None = None

    @property
    def pages(self) -> bool:
        """Return whether it goes out now."""
        return self.state is AlertState.FIRING and not self.withheld

    @property
    def told(self) -> AlertState | None:
        """
        Return what channels have to be told: None for one that never was to go out.

        One that went out and is withheld by now is over for them, as a resolved one is.
        """
        if self.pages:
            return AlertState.FIRING
        return None if self.paged_at is None else AlertState.RESOLVED

    @property
    def order(self) -> tuple[int, datetime, str, str, str]:
        """Sort key: the worst first, then the oldest."""
        return (self.severity.rank, self.since, self.code, self.subject, self.rule)


@dataclass(frozen=True, slots=True)
class AlertBook:
    """
    Every alert that there is at one instant, in their order: what delivery works from.

    It holds pending and firing ones, and resolved ones until every channel has taken the resolve.
    """

    at: datetime
    alerts: tuple[Alert, ...] = ()

    def alert(self, fingerprint: str) -> Alert | None:
        """Find an alert; None where it is not in here."""
        return next((a for a in self.alerts if a.fingerprint == fingerprint), None)


@dataclass(frozen=True, slots=True)
class AlertTransition:
    """
    A change of an alert, and why; also why no page goes out for it, or not any more.

    `from_state` is None for an alert that begins, and `to_state` None for one that was pending and
    is over before it fired. `pages` says whether the alert goes out after it.
    """

    at: datetime
    fingerprint: str
    rule: str
    code: str
    subject: str
    severity: Severity
    from_state: AlertState | None
    to_state: AlertState | None
    pages: bool
    reason: str


@dataclass(frozen=True, slots=True)
class Delivery:
    """One attempt to tell a channel that an alert is in a state, and the channel's answer."""

    at: datetime
    channel: str
    fingerprint: str
    state: AlertState
    answer: str
    delivered: bool
    attempt: int


Acknowledged = Mapping[str, Mapping[str, AlertState]]
"""For each channel, the state of each alert that it took last, by fingerprint."""


@dataclass(frozen=True, slots=True)
class TransitionPage:
    """Changes of alerts, newest first; `next_before` asks for the page after, None on the last."""

    transitions: tuple[AlertTransition, ...]
    next_before: int | None


@dataclass(frozen=True, slots=True)
class DeliveryPage:
    """Attempts to deliver, newest first; `next_before` as of a page of changes."""

    deliveries: tuple[Delivery, ...]
    next_before: int | None


@dataclass(frozen=True, slots=True)
class AlertQuery:
    """
    Which past changes or deliveries are asked for; `before` is a row's number in history.

    From `since` on, and before `until`.
    """

    limit: int = 100
    before: int | None = None
    since: datetime | None = None
    until: datetime | None = None
    fingerprint: str | None = None


class Source(StrEnum):
    """Where what a rule speaks of comes from."""

    ALARM = "alarm"
    """A latched alarm of the floor, other than a feed that is not fresh."""
    FEED = "feed"
    """Marketdata that is stale, missing or unverifiable; since its last tick."""
    SERVICE = "service"
    """A service that is not as expected: one fact, with the codes of all its reasons."""
    CLUSTER = "cluster"
    """Lists of the cluster that were not seen: one fact for all of them."""
    REASON = "reason"
    """Any other reason of the posture, and a scheduler that has stalled."""
    RUN = "run"
    """The newest planned run of a job, where it was missed or failed."""
    READINESS = "readiness"
    """The newest verdict of today's session, where it is NO-GO."""
    EVENT = "event"
    """Changed files that closed or opened a session."""
    ANY = "any"
    """Whatever no rule before took."""
    NONE = "none"
    """Nothing here observes it: the rule shows NOT_OBSERVED, never quiet green."""


class RulePhase(StrEnum):
    """When a rule's alerts page; all are of the market's day in New York."""

    NIGHT = "night"
    """From midnight of a session date to its open - 60 min."""
    BEFORE_OPEN = "before_open"
    OPEN = "open"
    POST_MARKET = "post_market"
    CLOSED = "closed"
    """A weekend or a holiday."""
    UNKNOWN = "unknown"


PAGING = frozenset({RulePhase.BEFORE_OPEN, RulePhase.OPEN, RulePhase.UNKNOWN})
"""P1 pages in these (docs/semantics.md#R11.1)."""


@dataclass(frozen=True, slots=True)
class Condition:
    """
    What a fact has to be for a rule to take it; an empty set and None ask for nothing.

    `codes` asks for one of them among the fact's, and `only_codes` that there are no others.
    `severities` are those that the floor itself gives. `verdicts` are postures of the floor.
    """

    source: Source
    codes: tuple[str, ...] = ()
    only_codes: frozenset[str] = frozenset()
    kinds: frozenset[Kind] = frozenset()
    criticalities: frozenset[Criticality] = frozenset()
    states: frozenset[ServiceState] = frozenset()
    severities: frozenset[Severity] = frozenset()
    halts: bool | None = None
    jobs: frozenset[Job] = frozenset()
    outcomes: frozenset[RunOutcome] = frozenset()
    verdicts: frozenset[Verdict] = frozenset()


@dataclass(frozen=True, slots=True)
class Rule:
    """
    When an alert fires, how bad that is, and when it pages.

    The condition has to be true for `wait_seconds`: of the market's time (`market`), or of the
    wall's. An alert is over when it was not true for `hold_seconds`. With `follows` it may follow
    from another alert: of what its subject depends on, or an earlier one about the same subject.
    `summary` may name the fields of `SUMMARY_FIELDS`. `not_observed` says what is missing for a
    rule that nothing here observes. `where` is the `file:line` it was read from.
    """

    name: str
    severity: Severity
    when: Condition
    phases: frozenset[RulePhase]
    wait_seconds: float = 0.0
    market: bool = False
    hold_seconds: float = 60.0
    follows: bool = False
    runbook: str = ""
    summary: str = ""
    about: str = ""
    not_observed: str = ""
    where: str = ""


SUMMARY_FIELDS = ("subject", "code", "title", "state", "age", "detail")


@dataclass(frozen=True, slots=True)
class Waiver:
    """Who lets one alert be quiet until when, and why; it never makes anything better."""

    code: str
    subject: str
    until: datetime
    who: str
    why: str


@dataclass(frozen=True, slots=True)
class AlertRules:
    """The rules in their order, and the waivers; the first rule that fits takes a fact."""

    rules: tuple[Rule, ...]
    waivers: tuple[Waiver, ...] = ()

    def rule(self, name: str) -> Rule | None:
        """Find a rule by its name; None where there is none such."""
        return next((r for r in self.rules if r.name == name), None)


@dataclass(frozen=True, slots=True)
class Fact:
    """
    Something that is not as it should be, at one instant.

    `codes` are all that are known of it, the leading one first. `severity` is what the floor gives
    it, None where that gives none. `since` is from when it counts, None where that is first seen.
    A fact that is not `confirmed` is being asked about again.
    """

    source: Source
    subject: str
    codes: tuple[str, ...]
    detail: str
    severity: Severity | None = None
    since: datetime | None = None
    confirmed: bool = True
    halts: bool = False
    kind: Kind | None = None
    criticality: Criticality | None = None
    state: ServiceState | None = None
    job: Job | None = None
    outcome: RunOutcome | None = None
    owner: str = ""

    @property
    def key(self) -> tuple[Source, str, str]:
        """Identify what an alert of it stays with: of a service whatever its codes become."""
        one = self.source in {Source.ALARM, Source.REASON}
        return (self.source, self.codes[0] if one else "", self.subject)


@dataclass(frozen=True, slots=True)
class ToldVerdict:
    """The newest readiness verdict, and of which planned run it is or comes after."""

    recorded: RecordedVerdict
    job: Job | None

    @property
    def refuses(self) -> bool:
        """Return whether it is NO-GO."""
        return self.recorded.verdict is ReadinessVerdict.NO_GO


@dataclass(frozen=True, slots=True)
class AlertEvidence:
    """
    What alerts are decided from, together with the rules, the alerts before, and `now`.

    `floor` names the floor in fingerprints. `runs` are the planned runs of the last days, None
    where they are not known: then what they told last stays. `verdict` is the newest readiness of
    the record. `sessions` are those of the last days and today's. `acknowledged` has a key for
    each channel that is configured. While `starting`, not everything was asked yet, and what was
    not seen is no news. `events` are those since the decision before. `began` is when the floor was
    first watched: runs whose time was over by then were not lost. `further` are reasons of what
    the floor does not decide, such as a channel that takes nothing.
    """

    floor: str
    snapshot: FloorSnapshot
    sessions: tuple[TradingDay, ...] = ()
    runs: tuple[RunState, ...] | None = None
    verdict: ToldVerdict | None = None
    scheduler_stalled: str = ""
    acknowledged: Acknowledged = field(default_factory=dict[str, Mapping[str, AlertState]])
    events: tuple[FloorEvent, ...] = ()
    starting: bool = False
    began: datetime | None = None
    further: tuple[Reason, ...] = ()
