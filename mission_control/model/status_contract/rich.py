"""Status contract: the rich shape of `/ops/status` (facts, a.1)."""

from enum import StrEnum
from typing import Annotated

from pydantic import Field

from mission_control.model.fleet import Kind
from mission_control.model.status_contract.fields import (
    Codes,
    ContractModel,
    Name,
    Seconds,
    Text,
    UtcInstant,
)

DEFAULT_STALE_THRESHOLD_SECONDS = 120
DEFAULT_HEARTBEAT_TTL_SECONDS = 60


class ServiceState(StrEnum):
    """The states of the contract, which are also the states we judge services to be in."""

    OK = "OK"
    DEGRADED = "DEGRADED"
    HALTED = "HALTED"
    MARKET_CLOSED = "MARKET_CLOSED"
    OFFLINE = "OFFLINE"
    UNKNOWN = "UNKNOWN"

    @property
    def summary(self) -> str:
        """Give the state in the contract's words for people."""
        words = self.value.replace("_", " ").capitalize()
        return "Healthy" if self is ServiceState.OK else words


class AgentIdentity(ContractModel):
    """Who the process believes it is; a hint, never a key."""

    agent_name: Annotated[Name, Field(description="The agent's name, from AGENT_NAME.")]
    agent_role: Annotated[Name, Field(description="The agent's role, from AGENT_ROLE.")]
    agent_mode: Annotated[
        Name,
        Field(description="The mode it runs in, from AGENT_MODE: OFF, OBSERVE, EVAL or PAPER."),
    ]


class ReportedStatus(ContractModel):
    """What a service says of its own state."""

    state: Annotated[ServiceState, Field(description="The service's state.")]
    summary: Annotated[Name, Field(description="The state in words: `Halted`.")]
    reason_codes: Annotated[
        Codes, Field(description="Why the state is not OK: one code, or none for OK.")
    ]
    last_updated_utc: Annotated[
        UtcInstant, Field(description="The time of this answer, in whole seconds of UTC.")
    ]


class Heartbeat(ContractModel):
    """When the service last did work; in the field always "now", so it proves nothing."""

    last_heartbeat_utc: Annotated[
        UtcInstant | None, Field(description="The last heartbeat (UTC); null when there was none.")
    ]
    age_seconds: Annotated[
        Seconds | None, Field(description="Seconds since the last heartbeat, never negative.")
    ]
    ttl_seconds: Annotated[
        int, Field(ge=0, description="Seconds after which a heartbeat is stale; 60 by default.")
    ]


class Marketdata(ContractModel):
    """
    The tick a service last saw.

    The claim `is_fresh` is recorded; the age that decides is reckoned by the reader, from
    `last_tick_utc` and the reader's own clock.
    """

    last_tick_utc: Annotated[
        UtcInstant | None, Field(description="When the last tick was received; null for never.")
    ]
    last_bar_utc: Annotated[
        UtcInstant | None, Field(description="When the last bar was received; null for never.")
    ] = None
    stale_threshold_seconds: Annotated[
        int,
        Field(ge=0, description="Oldest age in seconds that still counts as fresh; at most 120."),
    ]
    is_fresh: Annotated[
        bool | None,
        Field(description="Whether the tick is no older than the threshold; null for no tick."),
    ]


class Safety(ContractModel):
    """What a service says it may do."""

    kill_switch: Annotated[
        bool, Field(description="Whether the kill switch halts execution, as this service sees it.")
    ]
    safe_to_run_strategies: Annotated[
        bool,
        Field(
            description=(
                "False under the kill switch, and on a stale tick while the market is open."
            )
        ),
    ]
    safe_to_execute_orders: Annotated[
        bool, Field(description="Always false; true is evidence of possible live execution.")
    ]
    gating_reasons: Annotated[
        Codes,
        Field(
            description=(
                "What gates the service: KILL_SWITCH, MARKETDATA_STALE,"
                " EXECUTION_ORDERS_DISABLED_CONTRACT."
            )
        ),
    ]


class Endpoints(ContractModel):
    """Where a service says its other endpoints are."""

    healthz: Annotated[Text | None, Field(description="Path of the health endpoint.")] = None
    heartbeat: Annotated[Text | None, Field(description="Path of the heartbeat.")] = None
    metrics: Annotated[Text | None, Field(description="Path of the metrics.")] = None


class RichStatus(ContractModel):
    """What a service answers to `GET /ops/status`. Unknown keys are ignored."""

    service_name: Annotated[Name, Field(description="The service's name.")]
    service_kind: Annotated[Kind, Field(description="What the service does.")]
    repo_id: Annotated[Name, Field(description="The repository it was built from.")]
    git_sha: Annotated[
        Text | None, Field(description="The commit it was built from; null when not known.")
    ] = None
    build_id: Annotated[
        Text | None, Field(description="The build that made it; null when not known.")
    ] = None
    agent_identity: AgentIdentity
    status: ReportedStatus
    heartbeat: Heartbeat
    marketdata: Annotated[
        Marketdata | None,
        Field(
            description="An object for marketdata, strategy and execution; null for ingest and ops."
        ),
    ]
    safety: Safety
    endpoints: Annotated[
        Endpoints | None, Field(description="The service's other endpoints; null for not told.")
    ] = None
