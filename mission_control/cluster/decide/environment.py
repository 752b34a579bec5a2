"""What a container's variable is worth, through ConfigMaps where it points there."""

import hashlib
from collections.abc import Iterator, Mapping
from typing import NamedTuple

import msgspec

from mission_control.cluster.model.facts import ConfigMapFacts
from mission_control.cluster.model.objects import Container, EnvSource, KeyRef

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
