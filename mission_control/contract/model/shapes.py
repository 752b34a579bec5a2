"""The field types that all shapes share; strict, capped and cleaned."""

import re
import unicodedata
from datetime import UTC, datetime
from enum import StrEnum
from typing import Annotated, Literal, get_args

from pydantic import (
    AfterValidator,
    BaseModel,
    BeforeValidator,
    ConfigDict,
    Field,
    StringConstraints,
    WithJsonSchema,
)

from mission_control.model.fleet import Kind

MAX_TEXT = 512
MAX_LIST = 64

RFC_3339 = r"^\d{4}-\d{2}-\d{2}[Tt]\d{2}:\d{2}:\d{2}(\.\d+)?([Zz]|[+-]\d{2}:\d{2})$"
"""An instant as RFC 3339 writes it: full date, `T`, seconds, and a `Z` or an offset."""

_SHAPELESS = frozenset("\u115f\u1160\u2800\u3164\uffa0")
"""Letters and symbols that show nothing: the Hangul fillers, and the Braille pattern of no dots."""

_INSTANT = re.compile(RFC_3339.strip("^$"), re.ASCII)


def clean_text(text: str) -> str:
    """Replace what could act on a terminal or reorder a page: control and bidi characters."""
    if text.isprintable():
        return text
    return "".join(c if c.isprintable() else "\N{REPLACEMENT CHARACTER}" for c in text)


def refuse_blank(text: str) -> str:
    """
    Return the text, where there is something in it to be seen.

    Raises ValueError where it is empty or all blanks, controls and characters without a shape.
    """
    for character in text:
        if character not in _SHAPELESS and unicodedata.category(character)[0] in "LNPS":
            return text
    raise ValueError("is blank")


def read_instant(value: object) -> datetime:
    """
    Read an RFC 3339 instant as UTC; numbers, naive times and looser spellings are refused.

    An aware `datetime` passes as well, so that answers can be built as well as read.

    Raises ValueError with a sentence that says what is wrong and never repeats the value.
    """
    try:
        if isinstance(value, datetime) and value.tzinfo is not None:
            return value.astimezone(UTC)
        if isinstance(value, str) and _INSTANT.fullmatch(value):
            return datetime.fromisoformat(value.upper()).astimezone(UTC)
    except (ValueError, OverflowError):
        raise ValueError("no such instant between the years 1 and 9999") from None
    raise ValueError("an instant is text such as 2026-03-06T15:00:07Z, with its Z or offset")


Text = Annotated[str, StringConstraints(max_length=MAX_TEXT), AfterValidator(clean_text)]
Name = Annotated[
    str,
    StringConstraints(max_length=MAX_TEXT),
    AfterValidator(refuse_blank),
    AfterValidator(clean_text),
    WithJsonSchema({"type": "string", "maxLength": MAX_TEXT, "pattern": r"\S"}),
]
"""A text that says something: what a contract requires is never blank."""
Codes = Annotated[tuple[Text, ...], Field(max_length=MAX_LIST, strict=False)]
UtcInstant = Annotated[
    datetime,
    BeforeValidator(read_instant, json_schema_input_type=str),
    WithJsonSchema({"type": "string", "format": "date-time", "pattern": RFC_3339}),
]
Seconds = Annotated[float, Field(ge=0, allow_inf_nan=False)]
Number = Annotated[float, Field(allow_inf_nan=False)]


class ContractModel(BaseModel):
    """
    A contract shape: strict types, frozen, unknown keys ignored.

    Unknown keys are kept in the answer's redacted text for people and never reach a decision.
    """

    model_config = ConfigDict(strict=True, frozen=True, extra="ignore")


def is_field(model: type[BaseModel], place: tuple[str, ...]) -> bool:
    """Return whether the keys that lead to a value are a shape's own, and not extra ones."""
    for key in place:
        info = model.model_fields.get(key)
        if info is None:
            return False
        model = next(iter(models_in(info.annotation)), BaseModel)
    return True


def models_in(annotation: object) -> list[type[BaseModel]]:
    """Return the shapes that a field may hold."""
    parts = (annotation, *get_args(annotation))
    return [p for p in parts if isinstance(p, type) and issubclass(p, BaseModel)]


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
        """Return the state in the contract's words for people."""
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


FINGERPRINT = r"^[0-9a-f]{16}$"
SHA_256 = r"^[0-9a-f]{64}$"
MOST_TOLD_ALARMS = 64
MOST_TOLD_ALERTS = 256
MOST_TOLD_HEADS = 128


class LedgerLine(ContractModel):
    """One line of a ledger: its number, and its SHA-256."""

    number: Annotated[int, Field(ge=0, description="Its number; 0 before the first.")]
    digest: Annotated[str, Field(pattern=SHA_256, description="Its hash, in hex.")]


class SeenAlarm(ContractModel):
    """A Sev-0 that it sees by itself: not one that it only has from its twin."""

    code: Annotated[Text, Field(description="The alarm's code.")]
    subject: Annotated[Name, Field(description="What the alarm is about.")]
    detail: Annotated[Text, Field(description="What was said, and by which source.")]


class ToldAlert(ContractModel):
    """An alert that goes out, or went out and is over."""

    fingerprint: Annotated[str, Field(pattern=FINGERPRINT, description="The alert's fingerprint.")]
    firing: Annotated[bool, Field(description="Whether it fires; else it is over.")]
    told: Annotated[
        tuple[Text, ...],
        Field(max_length=MAX_LIST, strict=False, description="Channels that took just that."),
    ]


class MissionControlStatus(ContractModel):
    """What one Mission Control says to another: by itself, without what it has from its twin."""

    version: Annotated[int, Field(ge=1, description="Of this object; 1.")]
    replica: Annotated[Name, Field(description="Its name among those that watch the floor.")]
    floor: Annotated[Name, Field(description="The floor that it watches.")]
    floor_digest: Annotated[
        str, Field(pattern=SHA_256, description="SHA-256 of who is watched; twins share it.")
    ]
    started_utc: Annotated[UtcInstant, Field(description="When its process started (UTC).")]
    posture: Annotated[
        Literal["OK", "MARKET_CLOSED", "HALTED"], Field(description="The posture of the floor.")
    ]
    leading_code: Annotated[
        Text, Field(description="What leads of what it sees of the floor; empty for nothing.")
    ]
    remembers: Annotated[
        bool, Field(description="Whether it knows the alarms from before its start.")
    ]
    alarms: Annotated[
        tuple[SeenAlarm, ...],
        Field(max_length=MOST_TOLD_ALARMS, strict=False, description="Each Sev-0 that it sees."),
    ] = ()
    more_alarms: Annotated[int, Field(ge=0, description="Alarms for which there was no room.")] = 0
    alerts: Annotated[
        tuple[ToldAlert, ...] | None,
        Field(max_length=MOST_TOLD_ALERTS, strict=False, description="Null until they are known."),
    ] = None
    more_alerts: Annotated[int, Field(ge=0, description="Alerts for which there was no room.")] = 0
    channels: Annotated[
        Codes, Field(description="Channels that it tells of alerts and that do not deduplicate.")
    ] = ()
    record_id: Annotated[
        Text | None, Field(description="The id of its record; null while it has none.")
    ] = None
    ledger: Annotated[
        tuple[LedgerLine, ...],
        Field(max_length=MOST_TOLD_HEADS, strict=False, description="Newest lines, newest first."),
    ] = ()


def _is_none(value: object) -> bool:
    return value is None


class FloorPosture(ContractModel):
    """The posture of a Mission Control's floor, for another one that lists floors."""

    posture: Annotated[
        Literal["OK", "MARKET_CLOSED", "HALTED"], Field(description="The posture of the floor.")
    ]
    expected: Annotated[bool, Field(description="Whether all is as the playbook expects.")]
    severity: Annotated[
        Literal["P0", "P1", "P2", "INFO"] | None, Field(description="Of its worst reason.")
    ]
    since_utc: Annotated[UtcInstant, Field(description="Since when the posture is so (UTC).")]
    decided_utc: Annotated[UtcInstant, Field(description="When it was decided last (UTC).")]
    evidence_age_seconds: Annotated[
        Seconds | None, Field(description="Of its oldest required evidence; null for unknown.")
    ]
    code: Annotated[Text, Field(description="Code of the leading reason; empty for none.")]
    subject: Annotated[Text, Field(description="What the leading reason is about.")]
    sentence: Annotated[Text, Field(description="Why the floor is so, for people.")]
    reasons: Annotated[int, Field(ge=0, description="How many reasons there are.")]
    services: Annotated[int, Field(ge=0, description="How many services the floor has.")]
    replica: Annotated[Text, Field(description="Which of those that watch the floor says so.")]
    digest: Annotated[Text, Field(description="SHA-256 of the fleet file.")]
    started_utc: Annotated[UtcInstant, Field(description="When its process started (UTC).")]
    label: Annotated[Text, Field(description="DEMO for a simulated floor; else empty.")]


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
    mission_control: Annotated[
        MissionControlStatus | None,
        Field(exclude_if=_is_none, description="What a Mission Control says to another."),
    ] = None
    floor_posture: Annotated[
        FloorPosture | None, Field(exclude_if=_is_none, description="Of a Mission Control alone.")
    ] = None


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
    The freshness contract of `/healthz`: 200 when `ok`, else 503 (docs/status_contract.md).

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
    """`{"status": ...}`: something answered. Says nothing about freshness."""

    status: Annotated[Name, Field(description="How the process is: `ok`.")]
    service: Annotated[Text | None, Field(description="The service's name.")] = None


class PlainAnswer(ContractModel):
    """Any 2xx where nothing more is promised (`contract: http`)."""
