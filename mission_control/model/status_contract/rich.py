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


class AgentIdentity(ContractModel):
    """Who the process believes it is; a hint, never a key (facts, b.2)."""

    agent_name: Name
    agent_role: Name
    agent_mode: Name


class ReportedStatus(ContractModel):
    """What a service says of its own state; `last_updated_utc` is the time of the answer."""

    state: ServiceState
    summary: Text
    reason_codes: Codes
    last_updated_utc: UtcInstant


class Heartbeat(ContractModel):
    """When the service last did work; in the field always "now", so it proves nothing."""

    last_heartbeat_utc: UtcInstant | None
    age_seconds: Seconds | None
    ttl_seconds: Annotated[int, Field(ge=0)]


class Marketdata(ContractModel):
    """
    The tick a service last saw. `is_fresh` is null when no tick was ever known.

    The claim is recorded; the age that decides is computed by us from `last_tick_utc`.
    """

    last_tick_utc: UtcInstant | None
    last_bar_utc: UtcInstant | None = None
    stale_threshold_seconds: Annotated[int, Field(ge=0)]
    is_fresh: bool | None


class Safety(ContractModel):
    """What a service says it may do. `safe_to_execute_orders` true is Sev-0 evidence."""

    kill_switch: bool
    safe_to_run_strategies: bool
    safe_to_execute_orders: bool
    gating_reasons: Codes


class Endpoints(ContractModel):
    """Where a service says its other endpoints are."""

    healthz: Text | None = None
    heartbeat: Text | None = None
    metrics: Text | None = None


class RichStatus(ContractModel):
    """The rich contract. `marketdata` is null for kinds ingest and ops."""

    service_name: Name
    service_kind: Kind
    repo_id: Name
    git_sha: Name | None = None
    build_id: Name | None = None
    agent_identity: AgentIdentity
    status: ReportedStatus
    heartbeat: Heartbeat
    marketdata: Marketdata | None
    safety: Safety
    endpoints: Endpoints | None = None
