"""Decide: what differs between two manifests, object by object and field by field, redacted."""

import json
from collections.abc import Iterable, Iterator, Mapping
from typing import Any, cast

from mission_control.decide.lkg.parts import mapping, mappings, name_of, text
from mission_control.decide.secrecy import MASK, is_secret_key, redact_text
from mission_control.model.cluster.raw import KubernetesObject
from mission_control.model.deploy_report import ReportChange

ABSENT = "(absent)"
MOST_SHOWN = 160
_BEYOND = 2_048
_MOST_CHANGES = 2_000
_ENV = "env"
Difference = tuple[tuple[str, ...], object, object]
"""A path, and what stands there before and after."""


class _Nothing:
    """What stands where nothing stands, which is not the same as null."""


NOTHING = _Nothing()


def compare_manifests(
    before: Mapping[str, Any], after: Mapping[str, Any]
) -> tuple[ReportChange, ...]:
    """Give every difference between two captured lists, sorted by object and field."""
    old, new = _by_title(before), _by_title(after)
    changes = list[ReportChange]()
    for title in sorted(old.keys() | new.keys()):
        if title not in new:
            changes.append(ReportChange(title, "object", "there", ABSENT))
        elif title not in old:
            changes.append(ReportChange(title, "object", ABSENT, "there"))
        else:
            changes += _changes(title, old[title], new[title])
    changes.sort(key=lambda c: (c.subject, c.what))
    return tuple(changes[:_MOST_CHANGES])


def find_differences(before: object, after: object) -> Iterator[Difference]:
    """Give where two values differ; list entries that have names are told apart by them."""
    waiting: list[Difference] = [((), before, after)]
    while waiting:
        path, old, new = waiting.pop()
        if old == new and type(old) is type(new):
            continue
        was, now = _fields(old), _fields(new)
        whole = (old is NOTHING or new is NOTHING) and path[-2:-1] == (
            _ENV,
        )  # a variable comes or goes
        if was is None or now is None or not (was or now) or whole:
            yield path, old, new
            continue
        keys = sorted(was.keys() | now.keys())
        waiting += [((*path, k), was.get(k, NOTHING), now.get(k, NOTHING)) for k in keys]
        order = [k for k in was if k in now], [k for k in now if k in was]
        if isinstance(old, list) and order[0] != order[1]:
            yield (*path, "(order)"), ", ".join(order[0]), ", ".join(order[1])


Fields = Mapping[str, object]


def _fields(value: object) -> Fields | None:
    """Give a value's parts by what they are called; None for what has no such parts."""
    if isinstance(value, Mapping):
        return cast("Fields", value)
    if value is NOTHING:
        return {}
    if not isinstance(value, list):
        return None
    named = {f"[{text(each.get('name'))}]": each for each in mappings(cast("object", value))}
    return named if len(named) == len(cast("list[object]", value)) and "[]" not in named else None


def _by_title(manifest: Mapping[str, Any]) -> Mapping[str, KubernetesObject]:
    found = dict[str, KubernetesObject]()
    for item in mappings(manifest.get("items")):
        namespace = text(mapping(item, "metadata").get("namespace"))
        title = f"{namespace}/{text(item.get('kind'))}/{name_of(item)}".lstrip("/")
        found[title] = item
    return found


def _changes(
    title: str, before: KubernetesObject, after: KubernetesObject
) -> Iterable[ReportChange]:
    env_names = set[str]()
    for path, old, new in find_differences(before, after):
        what = ".".join(path).replace(".[", "[")
        container = _container_of_env(path)
        if container is not None and (old is NOTHING or new is NOTHING):
            env_names.add(container)
            yield ReportChange(title, f"env name in {container}", *_names_shown(path, old, new))
        elif path == ("spec", "replicas"):
            yield ReportChange(title, "replicas", _show(path, old), _show(path, new))
        elif path[-1:] == ("image",):
            yield ReportChange(
                title, f"image {path[-2].strip('[]')}", _show(path, old), _show(path, new)
            )
        else:
            yield ReportChange(title, what, _show(path, old), _show(path, new))


def _container_of_env(path: tuple[str, ...]) -> str | None:
    """Give the container whose variable a path leads to; None where it leads elsewhere."""
    match path:
        case (*_, "containers" | "initContainers", container, "env", _):
            return container.strip("[]")
        case _:
            return None


def _names_shown(path: tuple[str, ...], old: object, new: object) -> tuple[str, str]:
    name = redact_text(path[-1].strip("[]"))[:MOST_SHOWN]
    return (ABSENT if old is NOTHING else name), (ABSENT if new is NOTHING else name)


def _show(path: tuple[str, ...], value: object) -> str:
    if value is NOTHING:
        return ABSENT
    named = [key for key in path if key.startswith("[") or path[0] == "data"]
    if any(is_secret_key(key.strip("[]")) for key in named):
        return MASK
    told = value if isinstance(value, str) else json.dumps(value, sort_keys=True)
    return redact_text(told[: MOST_SHOWN + _BEYOND])[:MOST_SHOWN]
