"""Decide: what a container's environment states about execution."""

from collections.abc import Iterable, Iterator
from typing import NamedTuple

from mission_control.decide.cluster.environment import ConfigMaps, Resolved, resolve
from mission_control.model.cluster.containers import Container
from mission_control.model.codes import EXECUTION_EVIDENCE, MODE_UNKNOWN
from mission_control.model.mode_text import ModeText, fold_mode, read_mode
from mission_control.model.switch_text import FALSY, TRUTHY

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

    `accuses` None means that it cannot be told: it neither accuses nor denies. It `blocks` where
    a mode is concerned, or where the variable is written and so is surely there. `code` is what
    it accuses of: a mode that nobody knows is no evidence of execution.
    """

    container: str
    variable: str
    accuses: bool | None
    detail: str
    blocks: bool = False
    code: str = EXECUTION_EVIDENCE


def read_modes(containers: Iterable[Container], config_maps: ConfigMaps) -> Iterator[EnvWord]:
    """Give what the containers' variables accuse, and what cannot be told; init ones included."""
    for container in containers:
        written = {v.name for v in container.env}
        for name in VARIABLES:
            if name not in written and not container.env_from:
                continue
            word = _hear(container.name, name, resolve(container, name, config_maps))
            if word is not None:
                sure = name in written and name not in _SWITCHES
                yield word._replace(blocks=word.accuses is None and (sure or name in _MAY_HIDE))


def _hear(container: str, name: str, resolved: Resolved) -> EnvWord | None:
    for value in resolved.possible:
        word = _judge(container, name, value)
        if word is not None and word.accuses:
            told = f"{word.detail}, unless something hides it: {resolved.problem}"
            return word._replace(detail=told)
    if resolved.problem:
        return EnvWord(container, name, None, f"{name} cannot be told: {resolved.problem}")
    return None if resolved.value is None else _judge(container, name, resolved.value)


def _judge(container: str, name: str, value: str) -> EnvWord | None:
    word = fold_mode(value)
    shown = f"{name}={value.strip()[:40]}"
    if name in _MODES:
        return _judge_mode(container, name, value)
    if name == "TRADING_MODE":
        accuses = word not in {"", "paper"}
    elif name in _SWITCHES:
        accuses = word in FALSY
    elif word in _ON or word in _OFF:
        accuses = word in _ON
    else:
        return EnvWord(container, name, None, f"{shown} is neither on nor off")
    return EnvWord(container, name, accuses=True, detail=_says(shown)) if accuses else None


def _judge_mode(container: str, name: str, value: str) -> EnvWord | None:
    said = _says(f"{name}={value.strip()[:40] or '(blank)'}")
    mode = read_mode(value)
    if mode is ModeText.HARMLESS:
        return None
    if mode is ModeText.FORBIDDEN:
        return EnvWord(container, name, accuses=True, detail=said)
    told = f"{said}, which is no known mode"
    return EnvWord(container, name, accuses=True, detail=told, code=MODE_UNKNOWN)


def _says(shown: str) -> str:
    return f"its environment says {shown}"
