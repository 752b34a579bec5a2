"""
What a container's settings are worth, and what they say of execution.

A variable is followed through ConfigMaps; modes and switches are read from environment, command
and safety ConfigMaps alike.
"""

import hashlib
import re
from collections.abc import Iterable, Iterator, Mapping
from typing import NamedTuple

import msgspec

from mission_control.cluster.model.facts import ConfigMapFacts
from mission_control.cluster.model.objects import Container, EnvSource, KeyRef
from mission_control.contract.model.modes import ModeText, fold_mode, read_mode
from mission_control.model.codes import EXECUTION_EVIDENCE, MODE_UNKNOWN
from mission_control.model.execution_rules import ExecutionRules, Switch, SwitchEvidence
from mission_control.model.kill_switch import FALSY, TRUTHY

CONFIG_MAP = "ConfigMap"


class ConfigMaps(NamedTuple):
    """The ConfigMaps of one namespace by name; `whole` tells whether that is all of them."""

    by_name: Mapping[str, ConfigMapFacts]
    whole: bool


class Resolved(NamedTuple):
    """
    A variable's value, None where it is not set.

    `problem` says why it is not known; then `possible` are the values that can be read and may
    be the one that counts, if what cannot be read does not hide them.
    """

    value: str | None = None
    problem: str = ""
    possible: tuple[str, ...] = ()


class _Candidate(NamedTuple):
    """One place a value may come from: `settles` where nothing below it counts any more."""

    value: str | None = None
    problem: str = ""
    settles: bool = False


_PASSED_OVER = _Candidate()


def resolve(container: Container, name: str, config_maps: ConfigMaps) -> Resolved:
    """
    Return a variable's value as the container would get it (Kubernetes, container env).

    A variable of its own outranks one that comes with a whole ConfigMap or Secret; of several,
    the last counts. An optional reference to nothing is passed over, as the kubelet does. What
    is in a Secret is never read: it may hide what lies below it, which then may count.
    """
    problem = ""
    for candidate in _candidates(container, name, config_maps):
        problem = problem or candidate.problem
        if candidate.settles:
            if not problem:
                return Resolved(candidate.value)
            found = candidate.value
            return Resolved(problem=problem, possible=() if found is None else (found,))
    return Resolved(problem=problem)


def _candidates(container: Container, name: str, config_maps: ConfigMaps) -> Iterator[_Candidate]:
    """Yield every place a value may come from, the one that outranks all others first."""
    for variable in reversed(container.env):
        if variable.name != name:
            continue
        if variable.ref is not None:
            yield _follow(variable.ref, config_maps)
        elif variable.value is not None and "$(" in variable.value:
            refers = f"its value refers to others: {variable.value}"
            yield _Candidate(problem=refers, settles=True)
        else:
            yield _Candidate(variable.value or "", settles=True)
    for source in reversed(container.env_from):
        if name.startswith(source.prefix):
            yield _look_in(source, name.removeprefix(source.prefix), config_maps)


def _follow(ref: KeyRef, config_maps: ConfigMaps) -> _Candidate:
    if ref.kind != CONFIG_MAP:
        what = "a Secret, which is never read" if ref.kind == "Secret" else f"a {ref.kind}"
        told = f"it comes from {what}: {ref.name} {ref.key}".rstrip()
        return _Candidate(problem=told, settles=not ref.optional)
    held = config_maps.by_name.get(ref.name)
    if held is None:
        return _absent(f"ConfigMap {ref.name}", config_maps, optional=ref.optional)
    if ref.key in held.values or ref.key in held.keys:
        return _held(held, ref.key)
    return _absent(f"key {ref.key} of ConfigMap {ref.name}", config_maps, optional=ref.optional)


def _absent(what: str, config_maps: ConfigMaps, *, optional: bool) -> _Candidate:
    if not config_maps.whole:
        return _Candidate(problem=f"{what} was not seen", settles=not optional)
    return _PASSED_OVER if optional else _Candidate(problem=f"{what} does not exist", settles=True)


def _held(config_map: ConfigMapFacts, key: str) -> _Candidate:
    if key in config_map.values:
        return _Candidate(config_map.values[key], settles=True)
    told = f"ConfigMap {config_map.name} holds {key}, but not as text"
    return _Candidate(problem=told, settles=True)


def _look_in(source: EnvSource, key: str, config_maps: ConfigMaps) -> _Candidate:
    if source.kind != CONFIG_MAP:
        told = f"it may come from {source.kind} {source.name}, which is not read"
        return _Candidate(problem=told)
    held = config_maps.by_name.get(source.name)
    if held is None:
        missing = _absent(f"ConfigMap {source.name}", config_maps, optional=source.optional)
        return missing._replace(settles=False)
    return _held(held, key) if key in held.values or key in held.keys else _PASSED_OVER


def digest_config_map(data: Mapping[str, str], binary: Mapping[str, str]) -> str:
    """Return the SHA-256 in hex over all data; `binary` is in base64, as the API has it."""
    whole = {"binaryData": binary, "data": data}
    return hashlib.sha256(msgspec.json.encode(whole, order="deterministic")).hexdigest()


_ON = TRUTHY | {"y", "t", "enabled"}
_OFF = FALSY | {"n", "f", "disabled"}
_MAY_HIDE = frozenset({"AGENT_MODE", "TRADING_MODE"})
"""Modes that block also where they merely may come with a whole Secret (docs/semantics.md#3)."""
_ANY_MODE = Switch("MODE", SwitchEvidence.MODE)
"""A flag that many programs have: only a forbidden mode raises an alarm."""
_SAFETY = re.compile(r"safety|kill-?switch")
_REFERS = re.compile(r"\$(?:\(|\{)?([A-Za-z_]\w*)(?::?-([^{}()]*))?(?:\)|\})?")


class EnvWord(NamedTuple):
    """
    What one variable or flag of one container says.

    `raises` None means that it is not known: it neither raises an alarm nor denies one. It
    `blocks` where a mode is concerned, or where the variable is written and so is surely there.
    `code` is that of the alarm: an unknown mode is no evidence of execution.
    """

    container: str
    variable: str
    raises: bool | None
    detail: str
    blocks: bool = False
    code: str = EXECUTION_EVIDENCE


def read_modes(
    containers: Iterable[Container], config_maps: ConfigMaps, rules: ExecutionRules
) -> Iterator[EnvWord]:
    """Yield what the settings of containers raise, and what is not known; init ones included."""
    switches = {s.name: s for s in rules.all_switches}
    for container in containers:
        yield from _read_environment(container, config_maps, switches)
        yield from _read_flags(container, config_maps, switches)


def _read_environment(
    container: Container, config_maps: ConfigMaps, switches: dict[str, Switch]
) -> Iterator[EnvWord]:
    """Read each variable that is written, in any case, and each that may come as a whole."""
    written = {v.name for v in container.env}
    spelled = {name: switches[name.upper()] for name in sorted(written) if name.upper() in switches}
    for name, switch in {**switches, **spelled}.items():
        if name not in written and not container.env_from:
            continue
        resolved = resolve(container, name, config_maps)
        word = _hear(container.name, switch, resolved, f"its environment says {name}")
        if word is not None:
            guarded = switch.evidence is SwitchEvidence.KILL_SWITCH
            sure = name in written and not guarded
            yield word._replace(blocks=word.raises is None and (sure or name in _MAY_HIDE))


def _read_flags(
    container: Container, config_maps: ConfigMaps, switches: dict[str, Switch]
) -> Iterator[EnvWord]:
    """Read each setting that the command gives; a general mode only where it is forbidden."""
    for name, value in container.flags:
        switch = switches.get(name)
        resolved = _resolve_flag(container, value, config_maps)
        word = _hear(container.name, switch or _ANY_MODE, resolved, f"its command says {name}")
        forbidden = word is not None and word.raises and word.code == EXECUTION_EVIDENCE
        if word is not None and (switch is not None or forbidden):
            yield word._replace(blocks=word.raises is None)


def _resolve_flag(container: Container, value: str, config_maps: ConfigMaps) -> Resolved:
    """Return what a flag is worth: a reference to a watched variable is worth what that one is."""
    if "$" not in value:
        return Resolved(value)
    untold = Resolved(problem=f"its value refers to others: {value}")
    match = _REFERS.fullmatch(value.strip())
    if match is None:
        return untold
    name, default = match[1], match[2]
    known = any(v.name == name for v in container.env)
    if not known and (name in container.env_names or container.env_from):
        return untold
    resolved = resolve(container, name, config_maps)
    if resolved.value or resolved.problem:
        return resolved
    return untold if default is None and not known else Resolved(default or "")


def _hear(container: str, switch: Switch, resolved: Resolved, says: str) -> EnvWord | None:
    name = switch.name
    for value in resolved.possible:
        word = _judge(container, switch, value, says)
        if word is not None and word.raises:
            told = f"{word.detail}, unless something hides it: {resolved.problem}"
            return word._replace(detail=told)
    if resolved.problem:
        return EnvWord(container, name, None, f"{name} is not known: {resolved.problem}")
    return None if resolved.value is None else _judge(container, switch, resolved.value, says)


def _judge(container: str, switch: Switch, value: str, says: str) -> EnvWord | None:
    word, said = fold_mode(value), f"{says}={value.strip()[:40]}"
    match switch.evidence:
        case SwitchEvidence.MODE:
            return _judge_mode(container, switch.name, value, says)
        case SwitchEvidence.NOT_PAPER:
            raises = word not in {"", "paper"}
        case SwitchEvidence.KILL_SWITCH:
            raises = word in FALSY
        case SwitchEvidence.FALSY:
            raises = None if word not in _ON | _OFF else word in _OFF
        case _:
            raises = None if word not in _ON | _OFF | {""} else word in _ON
    if raises is None:
        return EnvWord(container, switch.name, None, f"{said}, which is neither on nor off")
    return EnvWord(container, switch.name, raises=True, detail=said) if raises else None


def _judge_mode(container: str, name: str, value: str, says: str) -> EnvWord | None:
    said = f"{says}={value.strip()[:40] or '(blank)'}"
    mode = read_mode(value)
    if mode is ModeText.HARMLESS:
        return None
    if mode is ModeText.FORBIDDEN:
        return EnvWord(container, name, raises=True, detail=said)
    told = f"{said}, which is no known mode"
    return EnvWord(container, name, raises=True, detail=told, code=MODE_UNKNOWN)


def is_safety_map(name: str) -> bool:
    """Return whether a ConfigMap goes by a name that speaks of safety."""
    return _SAFETY.search(name.casefold()) is not None


def read_safety_map(held: ConfigMapFacts, rules: ExecutionRules) -> Iterator[EnvWord]:
    """
    Yield what a ConfigMap of safety settings raises, mounted or not (docs/semantics.md#3).

    A kill switch in it that is neither on nor off is not known, and blocks.
    """
    if not is_safety_map(held.name):
        return
    for switch in rules.all_switches:
        for key in (k for k in held.keys if k.upper() == switch.name):
            value, says = held.values.get(key), f"it says {key}"
            guards = switch.evidence is SwitchEvidence.KILL_SWITCH
            if value is None:
                told = f"it holds {key}, but not as text"
                yield EnvWord("data", switch.name, None, told, blocks=True)
            elif guards and fold_mode(value) not in _ON | _OFF:
                told = f"{says}={value.strip()[:40]}, which is neither on nor off"
                yield EnvWord("data", switch.name, None, told, blocks=True)
            elif word := _judge("data", switch, value, says):
                yield word._replace(blocks=word.raises is None)
