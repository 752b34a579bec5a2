"""A replay's recorded JSON, read back as values: as much of it as lists and comparisons need."""

from dataclasses import dataclass, field
from typing import Any

from msgspec import Raw
from msgspec.json import Decoder

from mission_control.errors import StorageError

Part = dict[str, Any]


@dataclass(frozen=True, slots=True)
class ReadEvent:
    """One event as it was recorded; `data` is its JSON, unread."""

    event: str
    summary: str
    at: str | None
    at_et: str | None
    kind: str
    source: str
    line: int
    repeated: int
    agent: str
    trace_id: str
    evidence: str
    gate: str
    allowed: bool | None
    stage: str
    data: Raw


@dataclass(frozen=True, slots=True)
class ReadGroup:
    """One agent's trace as it was recorded."""

    agent: str
    trace_id: str
    attributed: bool
    events: int
    rows: int
    undated: int
    evidence: int
    first: str | None
    first_et: str | None
    last: str | None
    last_et: str | None
    replayed: tuple[ReadEvent, ...]


@dataclass(frozen=True, slots=True)
class ReadReplay:
    """A replay as it was recorded; its parts are as `head_document` gives them."""

    answer: Part
    counts: Part
    narrowing: Part
    modes: Part
    sources: list[Part]
    first: str | None
    first_et: str | None
    last: str | None
    last_et: str | None
    evidence: list[Part]
    groups: tuple[ReadGroup, ...]
    timeline: Part | None
    label: str = ""


@dataclass(frozen=True, slots=True)
class ReadAccount:
    """What a recorded replay's account tells of it."""

    notes: dict[str, str]
    finished: str
    finished_et: str = ""
    session_date: str | None = None
    command_line: list[str] = field(default_factory=list[str])


def read_replay(content: bytes, path: str) -> ReadReplay:
    """Read a recorded replay; raises StorageError for what none of ours is."""
    try:
        return _REPLAY.decode(content)
    except (ValueError, RecursionError) as error:
        raise StorageError("it is no recorded replay", path=path) from error


def read_account(content: bytes, path: str) -> ReadAccount:
    """Read a recorded replay's account; raises StorageError for what none of ours is."""
    try:
        return _ACCOUNT.decode(content)
    except (ValueError, RecursionError) as error:
        raise StorageError("it is no account of a replay", path=path) from error


_REPLAY, _ACCOUNT = Decoder(ReadReplay), Decoder(ReadAccount)
