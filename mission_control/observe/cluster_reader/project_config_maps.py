"""Cluster reader: ConfigMaps as names and digests, with only the values that decide. Pure."""

from collections.abc import Collection, Iterable
from typing import NamedTuple

import msgspec

from mission_control.decide.cluster.modes import is_safety_map
from mission_control.decide.config_digest import digest_config_map
from mission_control.model.cluster.containers import WATCHED_ENV, Container
from mission_control.model.cluster.facts import ConfigMapFacts
from mission_control.model.cluster.pod import PodFacts
from mission_control.model.cluster.workload import StarterFacts, WorkloadFacts
from mission_control.model.kill_switch import KILL_SWITCH_MAP, SAFETY_MAP
from mission_control.observe.cluster_reader.project_containers import clean
from mission_control.observe.cluster_reader.project_objects import required
from mission_control.observe.cluster_reader.shapes import ConfigMapShape
from mission_control.observe.redaction import MASK, is_secret_key

IN_FULL = frozenset({KILL_SWITCH_MAP, SAFETY_MAP})
"""ConfigMaps that are kept with all their values; all others as name, keys and digest."""

CONFIG_MAP = msgspec.json.Decoder(ConfigMapShape)


class Wanted(NamedTuple):
    """Which values of which ConfigMaps somebody's environment points to."""

    keys: Collection[tuple[str, str, str]]
    prefixes: Collection[tuple[str, str, str]]
    watched: Collection[str] = WATCHED_ENV

    def wants(self, namespace: str, name: str, key: str) -> bool:
        """Tell whether a watched variable comes from this key, or it is a setting of safety."""
        if (namespace, name, key) in self.keys:
            return True
        if key.upper() in self.watched and is_safety_map(name):
            return True
        return any(
            (namespace, name) == (ns, map_) and prefix + key in self.watched
            for ns, map_, prefix in self.prefixes
        )


def find_wanted(
    things: Iterable[WorkloadFacts | PodFacts | StarterFacts],
    watched: Collection[str] = WATCHED_ENV,
) -> Wanted:
    """Find the ConfigMap keys that watched variables come from."""
    keys, prefixes = set[tuple[str, str, str]](), set[tuple[str, str, str]]()
    for thing in things:
        for container in thing.containers:
            _collect(thing.namespace, container, keys, prefixes)
    return Wanted(frozenset(keys), tuple(sorted(prefixes)), watched)


def _collect(
    namespace: str,
    container: Container,
    keys: set[tuple[str, str, str]],
    prefixes: set[tuple[str, str, str]],
) -> None:
    for variable in container.env:
        ref = variable.ref
        if ref is not None and ref.kind == "ConfigMap":
            keys.add((namespace, ref.name, ref.key))
    for source in container.env_from:
        if source.kind == "ConfigMap":
            prefixes.add((namespace, source.name, source.prefix))


def project_config_map(shape: ConfigMapShape, wanted: Wanted) -> ConfigMapFacts:
    """Give a ConfigMap's facts; its digest covers all of its data, the kept values are few."""
    namespace = required(shape.metadata.namespace, "namespace")
    name = required(shape.metadata.name, "name")
    data, binary = shape.data or {}, shape.binary_data or {}
    kept = {
        clean(key): MASK if is_secret_key(key) else clean(value, 4096)
        for key, value in sorted(data.items())
        if name in IN_FULL or wanted.wants(namespace, name, key)
    }
    keys = tuple(sorted(clean(key) for key in (*data, *binary)))
    return ConfigMapFacts(namespace, name, digest_config_map(data, binary), keys, kept)
