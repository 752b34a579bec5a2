"""Decide: what a container's variable is worth, through ConfigMaps where it points there."""

from collections.abc import Mapping
from typing import NamedTuple

from mission_control.model.cluster.containers import Container, EnvSource, KeyRef
from mission_control.model.cluster.facts import ConfigMapFacts

CONFIG_MAP = "ConfigMap"


class ConfigMaps(NamedTuple):
    """The ConfigMaps of one namespace by name; `whole` tells whether that is all of them."""

    by_name: Mapping[str, ConfigMapFacts]
    whole: bool


class Resolved(NamedTuple):
    """
    A variable's value, None where it is not set.

    `problem` says why it cannot be told; then the value means nothing.
    """

    value: str | None = None
    problem: str = ""


UNSET = Resolved()


def resolve(container: Container, name: str, config_maps: ConfigMaps) -> Resolved:
    """
    Give a variable's value as the container would get it (Kubernetes, container env).

    A variable of its own outranks one that comes with a whole ConfigMap or Secret; of several,
    the last counts. What stands in a Secret is never read, so it cannot be told.
    """
    for variable in reversed(container.env):
        if variable.name != name:
            continue
        if variable.ref is not None:
            return _follow(variable.ref, config_maps)
        if variable.value is not None and "$(" in variable.value:
            return Resolved(problem=f"its value refers to others: {variable.value}")
        return Resolved(variable.value or "")
    for source in reversed(container.env_from):
        found = _look_in(source, name, config_maps)
        if found is not UNSET:
            return found
    return UNSET


def _follow(ref: KeyRef, config_maps: ConfigMaps) -> Resolved:
    if ref.kind != CONFIG_MAP:
        what = "a Secret, which is never read" if ref.kind == "Secret" else f"a {ref.kind}"
        return Resolved(problem=f"it comes from {what}: {ref.name} {ref.key}".rstrip())
    held = config_maps.by_name.get(ref.name)
    if held is None:
        return _absent(f"ConfigMap {ref.name}", config_maps, optional=ref.optional)
    if ref.key in held.values:
        return Resolved(held.values[ref.key])
    if ref.key in held.keys:
        return Resolved(problem=f"ConfigMap {ref.name} holds {ref.key}, but not as text")
    return _absent(f"key {ref.key} of ConfigMap {ref.name}", config_maps, optional=ref.optional)


def _absent(what: str, config_maps: ConfigMaps, *, optional: bool) -> Resolved:
    if not config_maps.whole:
        return Resolved(problem=f"{what} was not seen")
    return UNSET if optional else Resolved(problem=f"{what} does not exist")


def _look_in(source: EnvSource, name: str, config_maps: ConfigMaps) -> Resolved:
    if not name.startswith(source.prefix):
        return UNSET
    key = name.removeprefix(source.prefix)
    if source.kind != CONFIG_MAP:
        return Resolved(problem=f"it may come from {source.kind} {source.name}, which is not read")
    held = config_maps.by_name.get(source.name)
    if held is None:
        return _absent(f"ConfigMap {source.name}", config_maps, optional=source.optional)
    if key in held.values:
        return Resolved(held.values[key])
    return (
        Resolved(problem=f"ConfigMap {source.name} holds {key}, but not as text")
        if (key in held.keys)
        else UNSET
    )
