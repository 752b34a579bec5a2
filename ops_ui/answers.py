"""
What the pages read of Mission Control's answers, as typed values. Pure.

An answer is garbage where a field that a verdict needs is missing or of another kind. Every other
field that is missing or of another kind has the value that its type names, and that value never
looks well. Fields that are not declared here are ignored.
"""

# ruff: noqa: D101  (most classes are named as what they hold, and say no more)

from typing import Annotated, Any, Literal, TypeVar

from pydantic import (
    AliasPath,
    BaseModel,
    ConfigDict,
    Field,
    GetCoreSchemaHandler,
    OnErrorOmit,
    Strict,
)
from pydantic_core import CoreSchema, core_schema


class Part(BaseModel):
    """An object of an answer."""

    model_config = ConfigDict(frozen=True, extra="ignore", strict=True, allow_inf_nan=False)


def below(*path: str) -> Any:  # noqa: ANN401  (as pydantic's own Field)
    """Declare a field by its path in the object that is decoded."""
    return Field(validation_alias=AliasPath(*path))


class Or:
    """Annotates a type with the value of what is missing or cannot be read."""

    def __init__(self, value: object) -> None:
        """Use this value."""
        self._value = value

    def __get_pydantic_core_schema__(
        self,
        source: Any,  # noqa: ANN401  (pydantic's own)
        handler: GetCoreSchemaHandler,
    ) -> CoreSchema:
        """Wrap the type's schema."""
        return core_schema.with_default_schema(
            handler(source), default=self._value, on_error="default"
        )


class OrEmpty:
    """Annotates a part: one that is missing or cannot be read is one without any field."""

    def __get_pydantic_core_schema__(
        self, source: type[Part], handler: GetCoreSchemaHandler
    ) -> CoreSchema:
        """Wrap the part's schema."""
        return core_schema.with_default_schema(
            handler(source), default_factory=lambda: source.model_validate({}), on_error="default"
        )


Item = TypeVar("Item")
One = TypeVar("One", bound=Part)

Text = Annotated[str, Or("")]
TextIfSent = Annotated[str | None, Or(None)]
Shown = Annotated[str, Or("?")]
Flag = Annotated[bool | None, Or(None)]
Number = Annotated[int | float | None, Or(None)]
Count = Annotated[int | None, Or(None)]
Figure = Annotated[int | float | Literal["?"], Or("?")]
"""A number that is only shown."""
Anything = Annotated[object, Or(None)]

Inner = Annotated[One, OrEmpty()]
Maybe = Annotated[One | None, Or(None)]
List = Annotated[tuple[OnErrorOmit[Item], ...], Strict(strict=False)]
"""A list that has to be there. What cannot be read as an item is left out."""
Each = Annotated[tuple[Inner[One], ...], Strict(strict=False)]
"""A list that has to be there. What cannot be read as an item counts as an empty one."""
Listed = Annotated[List[Item], Or(())]
Counted = Annotated[Each[One], Or(())]
CountedIfSent = Annotated[Each[One] | None, Or(None)]
"""None where it is missing: a list that was not sent is no empty one."""


class Labelled(Part):
    """An answer with its mark, such as DEMO on a simulated floor."""

    label: Text


class Refusal(Part):
    detail: Text


class Reason(Part):
    """Why something is not as expected, or was not obtained."""

    severity: Text
    code: Text
    subject: Text
    detail: Text
    sentence: Text
    halts: Flag
    since: Text

    @property
    def told(self) -> str:
        """Return its sentence; what an older server tells in its place."""
        return self.sentence or self.detail


class Session(Part):
    phase: Annotated[str, Or("UNKNOWN")]
    session_date: Text
    open: Text
    close: Text
    next_boundary: Text
    next_open: Text
    next_phase: Text
    early_close: Flag
    note: Text


class SwitchSource(Part):
    state: Annotated[str, Or("UNKNOWN")]
    kind: Text
    source: Text
    detail: Text


class KillSwitch(Part):
    state: Annotated[str, Or("UNKNOWN")]
    confirmed: Flag
    detail: Text
    sources: Listed[SwitchSource] = below("witnesses")


class Instance(Part):
    """A process that raised an alarm, and how often it denied it since."""

    peer: Text
    denials: Number


class Alarm(Part):
    code: Text
    subject: Text
    source: Text
    detail: Text
    since: Text
    last_seen: Text
    instances: Listed[Instance]


class Exemption(Part):
    """A workload that the fleet file says is no execution."""

    workload: Text
    image: Text
    who: Text
    why: Text


class RootCause(Part):
    """Where the trouble begins, who is called for it in order, and who waits for it."""

    subject: Text
    code: Text
    title: Text
    owners: Listed[str]
    waiting: Listed[str]
    waiting_total: Count


class ClusterSeen(Part):
    lists: Count
    whole: Count
    age_seconds: Number


class Posture(Labelled):
    verdict: Literal["OK", "MARKET_CLOSED", "HALTED"] = below("posture")
    expected: bool
    reasons: Each[Reason]
    at: str
    session: Session
    kill_switch: KillSwitch
    confirmed: bool = True
    """An older server has confirmed every halt."""
    safety_judged: bool | None = Field(default=True, validation_alias=AliasPath("safety", "judged"))
    """An older server judges all of it."""
    sentence: Text
    root_cause: Maybe[RootCause]
    cluster_seen: Maybe[ClusterSeen]
    at_et: Text
    since: Text
    evidence_age_seconds: Number
    oldest_evidence: Text
    oldest_evidence_source: Text
    gaps: CountedIfSent[Reason] = below("coverage", "gaps")
    alarms: CountedIfSent[Alarm] = below("accusations")
    degraded: Listed[str]
    exemptions: Listed[Exemption] = below("execution", "exemptions")
    added_patterns: Listed[str] = below("execution", "added_patterns")
    added_switches: Listed[str] = below("execution", "added_switches")
    cluster: Text
    cluster_short: Text = below("cluster_identity", "short")
    fleet_digest: Text = below("fleet", "digest")
    fleet_source: Text = below("fleet", "source")
    fleet_agents: Count = below("fleet", "agents")
    sequence: Number
    restart_needed: Text = below("restart_needed", "sentence")


class Workload(Part):
    """What runs a service; `unseen` says why it was not seen, empty where it was."""

    kind: Shown
    name: Shown
    namespace: Shown
    unseen: TextIfSent
    seen_at: Text
    desired: Count
    actual: Count
    ready: Count
    restarts: Count
    digests: Listed[str]


class Freshness(Part):
    state: Shown
    age_seconds: Number
    threshold_seconds: Number
    last_tick: Text
    detail: Text


class Agent(Part):
    """A service in the list of all; `waits_for` is what its trouble begins with."""

    agent_name: Text
    state: Text
    expected: Flag
    kind: Text
    criticality: Text
    reasons: Counted[Reason]
    reported_codes: Listed[str]
    owner: Text = below("owner", "primary")
    second_owner: Text = below("owner", "secondary")
    evidence_age_seconds: Number
    since: Text
    workload: Maybe[Workload]
    waits_for: TextIfSent
    depends_on: Listed[str]
    freshness: Inner[Freshness]
    contract: Shown
    status_milliseconds: Number = below("ops_status", "latency_ms")
    health_milliseconds: Number = below("healthz", "latency_ms")


class Agents(Part):
    agents: Each[Agent]


class LabelledAgents(Agents, Labelled):
    """Every service, now or at the instant `ts`."""

    ts: Text


class Container(Part):
    name: Annotated[str, Or("none")]
    init: Flag
    image: Text
    ready: Flag
    restarts: Figure
    waiting: Text
    ended: Text
    exit_code: Number
    ended_at: Text


class Pod(Part):
    name: Shown
    phase: Shown
    node: Text
    pending_reason: Text
    containers: Listed[Container]


class Warned(Part):
    about: Text
    reason: Text
    message: Text
    count: Annotated[int, Or(1)]
    last_seen: Text


class Phase(Part):
    """A part of the time that an answer took, such as connecting."""

    name: Text
    seconds: Number


class Problem(Part):
    field: Text
    problem: Text


class Read(Part):
    """What a service answered on one of its paths."""

    path: Shown
    seen: Flag
    outcome: Shown
    detail: Text
    http_status: Number
    at: Text
    took_seconds: Number
    phases: Listed[Phase]
    date_skew_seconds: Number
    problems: Listed[Problem]
    document: Anything
    excerpt: Text


class AgentInFull(Agent):
    since_et: Shown
    service_dns: Text
    interval_seconds: Figure
    gating_interval_seconds: Number
    deadline_seconds: Figure
    evidence_at: Text
    pods: Annotated[List[Pod] | None, Or(None)]
    warnings: Listed[Warned]
    readings: Listed[Read]


class OneAgent(Labelled):
    """One service, now or at the instant `ts`."""

    ts: Text
    agent: AgentInFull


class Event(Part):
    type: Text
    ts: Text
    severity: Text
    message: Text
    sentence: Text
    agent_name: Text
    before: Text = below("data", "before")
    after: Text = below("data", "after")

    @property
    def told(self) -> str:
        """Return its sentence; what an older server tells in its place."""
        return self.sentence or self.message


class Events(Labelled):
    """Events, the newest first; `next_cursor` leads to older ones."""

    events: List[Event]
    next_cursor: TextIfSent


class Span(Part):
    """A cell or a segment of a service's past."""

    begin: Text
    end: Text
    state: Text
    watched: Flag
    watched_share: Number
    expected: Flag
    reason_code: Text
    seconds: Number


class Line(Part):
    agent_name: Text
    cells: Counted[Span]
    segments: Listed[Span]


class Opening(Part):
    open: Text
    close: Text


class Timeline(Part):
    """Services over time, and the floor itself: the state of its segments is the verdict."""

    agents: List[Line]
    floor: Listed[Span]
    since: Text
    until: Text
    sessions: Listed[Opening]


class AttainedDay(Part):
    """What was attained on one day of New York's calendar."""

    on: Text
    attained: Number
    bad_seconds: Number
    unobserved_seconds: Number


class Attained(Part):
    agent_name: Text
    window: Text
    target: Number
    attained: Number
    met: Flag
    budget_left_seconds: Number
    bad_seconds: Number
    dependency_seconds: Number
    unobserved_seconds: Number
    asked: Figure
    obtained: Figure
    verdict: Text
    verdict_text: Text
    window_budget_seconds: Number
    days: Listed[AttainedDay]


class Targets(Labelled):
    since_et: Shown
    until: Text
    until_et: Shown
    services: List[Attained]


class Run(Part):
    job: Text
    stage: Text
    outcome: Text
    session_date: Text
    planned_at: Text
    deadline: Text
    finished: Text
    detail: Text
    path: Text


class Scheduler(Part):
    runs_here: Flag
    stalled: Flag
    detail: Text


class UpcomingSession(Opening):
    session_date: Text
    early_close: Flag
    source: Text
    zone_before: Text = below("clock_change", "from")
    zone_after: Text = below("clock_change", "to")


class Holiday(Part):
    date: Text
    name: Text
    source: Text


class Schedule(Labelled):
    ts: Text
    at_et: Text
    on: Text
    note: Text
    runs: Each[Run]
    carried: Counted[Run]
    last: Maybe[Run]
    next: Maybe[Run]
    scheduler: Inner[Scheduler]
    last_session: Maybe[Opening]
    sessions: Listed[UpcomingSession] = below("upcoming", "sessions")
    holidays: Listed[Holiday] = below("upcoming", "holidays")
