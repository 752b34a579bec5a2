"""Decide: whether the rich contract's single fields hold what the contract says they hold."""

import re
from collections.abc import Iterator

from mission_control.decide.conformance_rules.look import Look
from mission_control.model.conformance import Deviation
from mission_control.model.fleet import MARKETDATA_STALE_CEILING_SECONDS as CEILING
from mission_control.model.fleet import Kind
from mission_control.model.mode_text import ModeText, read_mode
from mission_control.model.status_contract.answer import Status
from mission_control.model.status_contract.rich import (
    DEFAULT_HEARTBEAT_TTL_SECONDS,
    RichStatus,
)

MODES = ("OFF", "OBSERVE", "EVAL", "PAPER")
"""The agent modes that a service may start in (status contract, a.6)."""

FED_KINDS = frozenset({Kind.MARKETDATA, Kind.STRATEGY, Kind.EXECUTION})
"""The kinds that report a marketdata object."""

_WHOLE_SECONDS = re.compile(r'"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ"', re.ASCII)
_INSTANTS = (
    "status.last_updated_utc",
    "heartbeat.last_heartbeat_utc",
    "marketdata.last_tick_utc",
    "marketdata.last_bar_utc",
)
_SHAPE = "status contract a.1"


def explain_kind(look: Look[RichStatus]) -> Iterator[Deviation]:
    """Explain a kind other than the expected one, and marketdata where it does not belong."""
    kind = look.status.service_kind
    if look.kind is not None and look.kind is not kind:
        yield look.violation(
            "service_kind",
            _SHAPE,
            f"the service was expected to be of kind {look.kind.value}",
            "Correct service_kind, or the kind in the inventory.",
        )
    if kind in FED_KINDS and look.status.marketdata is None:
        yield look.violation(
            "marketdata",
            _SHAPE,
            f"kind {kind.value} must report a marketdata object",
            "Send the object; before the first tick its last_tick_utc and is_fresh are null.",
        )
    if kind not in FED_KINDS and look.status.marketdata is not None:
        yield look.advice(
            "marketdata",
            _SHAPE,
            f"kind {kind.value} reports marketdata as null",
            "Send null: nothing reads the object from this kind.",
        )


def explain_identity(look: Look[RichStatus]) -> Iterator[Deviation]:
    """Explain names that disagree, and modes outside the vocabulary."""
    identity = look.status.agent_identity
    if identity.agent_name != look.status.service_name:
        yield look.advice(
            "agent_identity.agent_name",
            "status contract a.6",
            "the agent's name differs from service_name (IDENTITY_MISMATCH)",
            "Give both the name under which the inventory lists the service.",
        )
    yield from explain_mode(look, "agent_identity.agent_mode", identity.agent_mode)


def explain_mode(look: Look[Status], field: str, mode: str) -> Iterator[Deviation]:
    """Explain an agent mode outside the vocabulary; forbidden ones are evidence, told elsewhere."""
    rule = "status contract a.6"
    remedy = "Set AGENT_MODE to the mode the agent really runs in."
    match read_mode(mode):
        case ModeText.UNKNOWN:
            problem = "the mode is none that is known (MODE_UNKNOWN)"
            yield look.violation(field, rule, problem, remedy)
        case ModeText.HARMLESS if mode not in MODES:
            yield look.advice(
                field, rule, "the mode is none of OFF, OBSERVE, EVAL and PAPER", remedy
            )
        case _:
            return


def explain_build(look: Look[RichStatus]) -> Iterator[Deviation]:
    """Explain a build that cannot be told, and keys that should be null rather than absent."""
    status = look.status
    if not (status.git_sha or status.build_id):
        yield look.advice(
            "git_sha",
            _SHAPE,
            "neither git_sha nor build_id tells which build this is",
            "Set GIT_SHA or BUILD_ID when the image is built.",
        )
    absent = {"git_sha", "build_id", "endpoints"} - status.model_fields_set
    absent_fields = sorted(absent)
    if status.marketdata and "last_bar_utc" not in status.marketdata.model_fields_set:
        absent_fields.append("marketdata.last_bar_utc")
    for field in absent_fields:
        yield look.advice(field, _SHAPE, "the key is absent", "Send null when it is not known.")


def explain_settings(look: Look[RichStatus]) -> Iterator[Deviation]:
    """Explain thresholds that differ from the fleet's, and a summary in other words."""
    ttl = look.status.heartbeat.ttl_seconds
    if ttl != DEFAULT_HEARTBEAT_TTL_SECONDS:
        yield look.advice(
            "heartbeat.ttl_seconds",
            _SHAPE,
            f"the fleet's heartbeat lives {DEFAULT_HEARTBEAT_TTL_SECONDS} s",
            "Leave OPS_HEARTBEAT_TTL_S unset.",
        )
    feed = look.status.marketdata
    if feed is not None and feed.stale_threshold_seconds > CEILING:
        yield look.advice(
            "marketdata.stale_threshold_seconds",
            _SHAPE,
            f"a tick older than {CEILING} s is never fresh, whatever this threshold says",
            f"Set MARKETDATA_STALE_THRESHOLD_S to {CEILING} or less.",
        )
    summary = look.status.status.state.summary
    if look.status.status.summary != summary:
        yield look.advice(
            "status.summary",
            _SHAPE,
            f"the state {look.status.status.state.value} is summed up as `{summary}`",
            f"Send `{summary}`; put anything more specific into another key.",
        )


def explain_instants(look: Look[RichStatus]) -> Iterator[Deviation]:
    """Explain instants that are not written in whole seconds of UTC with a Z."""
    for field in _INSTANTS:
        text = look.found(field)
        if text not in {"null", "absent"} and not _WHOLE_SECONDS.fullmatch(text):
            yield look.advice(
                field,
                _SHAPE,
                "the instant is not written in whole seconds with a Z",
                "Write it as 2026-03-06T15:00:07Z.",
            )
