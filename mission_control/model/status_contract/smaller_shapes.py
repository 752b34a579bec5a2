"""Status contract: the smaller shapes that are met beside the rich one (facts, a.5 and b.2)."""

from mission_control.model.status_contract.fields import (
    ContractModel,
    Name,
    Number,
    Seconds,
    Text,
    UtcInstant,
)


class MinimalStatus(ContractModel):
    """The older baseline shape: five keys, always present."""

    uptime: Seconds
    last_heartbeat: UtcInstant | None
    data_freshness_seconds: Seconds | None
    build_sha: Name
    agent_mode: Name


class HealthFreshness(ContractModel):
    """
    The freshness contract of `/healthz`: 200 when `ok`, else 503 (facts, b.2).

    `age_seconds` is the service's own reckoning; we compute ours from the tick.
    """

    service: Name | None = None
    last_tick_epoch_seconds: Number | None = None
    age_seconds: Number | None = None
    max_age_seconds: Seconds | None = None
    ok: bool
    forced_stale: bool | None = None


class LegacyTick(ContractModel):
    """The runbook's oldest shape: `{"ok", "last_tick_epoch_seconds", "last_tick_age_seconds"}`."""

    ok: bool
    last_tick_epoch_seconds: Number | None
    last_tick_age_seconds: Number | None


class Liveness(ContractModel):
    """`{"status": ...}`: somebody answered. Says nothing about freshness."""

    status: Text
    service: Name | None = None


class PlainAnswer(ContractModel):
    """Any 2xx where nothing more is promised (`contract: http`)."""
