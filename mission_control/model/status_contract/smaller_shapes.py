"""Status contract: the smaller shapes that are met beside the rich one (facts, a.5 and b.2)."""

from typing import Annotated

from pydantic import Field

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

    uptime: Annotated[Seconds, Field(description="Seconds since the process started.")]
    last_heartbeat: Annotated[
        UtcInstant | None, Field(description="The last heartbeat (UTC); null when there was none.")
    ]
    data_freshness_seconds: Annotated[
        Seconds | None, Field(description="Age of the newest data in seconds; null for no data.")
    ]
    build_sha: Annotated[Name, Field(description="The commit it was built from, or `unknown`.")]
    agent_mode: Annotated[
        Name, Field(description="The mode it runs in: OFF, OBSERVE, EVAL or PAPER.")
    ]


class HealthFreshness(ContractModel):
    """
    The freshness contract of `/healthz`: 200 when `ok`, else 503 (facts, b.2).

    `age_seconds` is the service's own reckoning; we compute ours from the tick.
    """

    service: Annotated[Text | None, Field(description="The service's name.")] = None
    last_tick_epoch_seconds: Annotated[
        Number | None, Field(description="When the last tick was received, in epoch seconds.")
    ] = None
    age_seconds: Annotated[Number | None, Field(description="Age of the last tick in seconds.")] = (
        None
    )
    max_age_seconds: Annotated[
        Seconds | None, Field(description="Oldest age in seconds that still counts as fresh; 60.")
    ] = None
    ok: Annotated[bool, Field(description="Whether the last tick is fresh.")]
    forced_stale: Annotated[
        bool | None, Field(description="Whether a test toggle makes it say stale.")
    ] = None


class LegacyTick(ContractModel):
    """The runbook's oldest shape: `{"ok", "last_tick_epoch_seconds", "last_tick_age_seconds"}`."""

    ok: Annotated[bool, Field(description="Whether the last tick is fresh.")]
    last_tick_epoch_seconds: Annotated[
        Number | None, Field(description="When the last tick was received, in epoch seconds.")
    ]
    last_tick_age_seconds: Annotated[
        Number | None, Field(description="Age of the last tick in seconds.")
    ]


class Liveness(ContractModel):
    """`{"status": ...}`: somebody answered. Says nothing about freshness."""

    status: Annotated[Name, Field(description="How the process is: `ok`.")]
    service: Annotated[Text | None, Field(description="The service's name.")] = None


class PlainAnswer(ContractModel):
    """Any 2xx where nothing more is promised (`contract: http`)."""
