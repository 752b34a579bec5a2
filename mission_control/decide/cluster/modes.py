"""Decide: what a container's environment states about execution."""

from collections.abc import Iterable, Iterator
from typing import NamedTuple

from mission_control.decide.cluster.environment import ConfigMaps, Resolved, resolve
from mission_control.model.cluster.containers import Container
from mission_control.model.switch_text import FALSY, TRUTHY

FORBIDDEN_MODES = frozenset({"execute", "live"})
_ON = TRUTHY | {"y", "t", "enabled"}
_OFF = FALSY | {"", "n", "f", "disabled"}
_MODES = ("AGENT_MODE", "EXECUTION_MODE")
_TOGGLES = ("EXECUTION_ENABLED", "MARKETDATA_HEALTH_CHECK_DISABLED", "MARKETDATA_FORCE_STALE")
_SWITCHES = ("EXECUTION_HALTED", "EXEC_KILL_SWITCH")
VARIABLES = (*_MODES, "TRADING_MODE", *_TOGGLES, *_SWITCHES)
_MAY_HIDE = frozenset({"AGENT_MODE", "TRADING_MODE"})
"""Modes that block also where they merely may come with a whole Secret (semantics, section 3)."""


class EnvWord(NamedTuple):
    """
    What one variable of one container says.

    `accuses` None means that it cannot be told: it neither accuses nor denies, and blocks.
    """

    container: str
    variable: str
    accuses: bool | None
    detail: str


def read_modes(containers: Iterable[Container], config_maps: ConfigMaps) -> Iterator[EnvWord]:
    """Give what the containers' variables accuse, and what cannot be told; init ones included."""
    for container in containers:
        if not container.env and not container.env_from:
            continue
        written = {v.name for v in container.env}
        for name in VARIABLES:
            if name not in written and not container.env_from:
                continue
            resolved = resolve(container, name, config_maps)
            if resolved.problem and name not in written and name not in _MAY_HIDE:
                continue
            word = _judge(name, resolved)
            if word is not None:
                yield EnvWord(container.name, name, *word)


def _judge(name: str, resolved: Resolved) -> tuple[bool | None, str] | None:
    if resolved.problem:
        return None if name in _SWITCHES else (None, f"{name} cannot be told: {resolved.problem}")
    if resolved.value is None:
        return None
    word = resolved.value.strip().casefold()
    shown = f"{name}={resolved.value.strip()[:40]}"
    if name in _MODES:
        accuses = word in FORBIDDEN_MODES
    elif name == "TRADING_MODE":
        accuses = word not in {"", "paper"}
    elif name in _SWITCHES:
        accuses = word in FALSY
    elif word in _ON or word in _OFF:
        accuses = word in _ON
    else:
        return None, f"{shown} is neither on nor off"
    return (True, f"its environment says {shown}") if accuses else None
