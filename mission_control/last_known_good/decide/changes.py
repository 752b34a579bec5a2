"""What differs between two manifests, object by object and field by field, redacted."""

import json
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import replace
from typing import Any, cast

from mission_control.cluster.model.facts import KubernetesObject
from mission_control.deploy_report.decide.changes import (
    CONFIG_MAPS,
    WORKLOADS,
    compare_reports,
    compare_specifications,
    find_specification_gaps,
)
from mission_control.deploy_report.model import ReportChange, ReportComparison
from mission_control.documents.raw import mapping, mappings, text
from mission_control.last_known_good.decide.parts import name_of
from mission_control.last_known_good.model import WORKLOAD_KINDS
from mission_control.redaction.decide.secrecy import MASK, is_secret_key, redact_text

ABSENT = "(absent)"
MOST_SHOWN = 160
_BEYOND = 2_048
_MOST_CHANGES = 2_000
_ENV = "env"
Difference = tuple[tuple[str, ...], object, object]
"""A path, and the values there before and after."""


class _Nothing:
    """The value of what is absent, which is not the same as null."""


NOTHING = _Nothing()


def compare_manifests(
    before: Mapping[str, Any], after: Mapping[str, Any]
) -> tuple[ReportChange, ...]:
    """Return every difference between two captured lists, sorted by object and field."""
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
    """Return where two values differ; named list entries are matched by name."""
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
    """Return a value's parts by name; None for a value without named parts."""
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
    """Return the container whose variable a path leads to; None where it leads elsewhere."""
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


Document = Mapping[str, Any]
_ALWAYS = ("workload", "replicas", "service account")
_IN_DETAIL = ("specification",)
_CAPTURE, _REPORT = "the capture", "the deploy report"
_Told = tuple[str, Document]
"""What it is called, and its document."""
_PARTS = (WORKLOADS, CONFIG_MAPS)
"""The parts of a report that a capture's metadata hold; specifications are compared apart."""
_GROUPS = ("digest ", "env names ", "image ")


def as_report(metadata: Document) -> Document:
    """Write a capture's metadata as the deploy report that would agree with it."""
    return {
        "meta": {
            "cluster_access": True,
            "cluster_identity": metadata.get("cluster_identity"),
        },
        "errors": [],
        "workloads": [_workload(c) for c in mappings(metadata.get("components"))],
        "config_maps": dict(mapping(metadata, "config_maps")),
    }


def compare_with_capture(metadata: Document, report: Document) -> ReportComparison:
    """Return what a deploy report shows differently from a capture: what changed since the LKG."""
    compared = compare_reports(as_report(metadata), report, _PARTS)
    kept = _about(metadata, compared, in_detail=False)
    return _with_specifications(metadata, kept, (_CAPTURE, metadata), (_REPORT, report))


def compare_from_open(report: Document, metadata: Document) -> ReportComparison:
    """Return what changed from the deploy report at the open to a capture."""
    compared = compare_reports(report, as_report(metadata), _PARTS)
    kept = _about(metadata, compared, in_detail=True)
    return _with_specifications(metadata, kept, (_REPORT, report), (_CAPTURE, metadata))


def _with_specifications(
    metadata: Document, compared: ReportComparison, before: _Told, after: _Told
) -> ReportComparison:
    """Add changed specifications of any captured kind, and those that are not known."""
    namespace = text(metadata.get("namespace"))
    more = compare_specifications(namespace, before[1], after[1])
    changes = sorted((*compared.changes, *more), key=lambda c: (c.subject, c.what))
    gaps = (gap for told in (before, after) for gap in find_specification_gaps(*told))
    return replace(compared, changes=tuple(changes), gaps=(*compared.gaps, *gaps))


def _workload(component: Document) -> Document:
    containers = mappings(component.get("containers"))
    return {
        "workload_name": component.get("name"),
        "kind": component.get("kind"),
        "namespace": component.get("namespace"),
        "replicas_desired": component.get("replicas"),
        "generation": component.get("generation"),
        "service_account": component.get("service_account"),
        "images": [
            {"container_name": c.get("container"), "image": c.get("specified")} for c in containers
        ],
        "observed_image_digests": {
            text(c.get("container")): c.get("running") for c in containers if c.get("running")
        },
        "env_names": component.get("env_names"),
        "unseen": "",
    }


def _about(metadata: Document, compared: ReportComparison, *, in_detail: bool) -> ReportComparison:
    """Keep the changes of captured objects."""
    kept = tuple(_kept(metadata, compared.changes, in_detail=in_detail))
    return replace(compared, changes=kept)


def _kept(
    metadata: Document, changes: Sequence[ReportChange], *, in_detail: bool
) -> Iterator[ReportChange]:
    namespace = text(metadata.get("namespace"))
    workloads = tuple(f"{namespace}/{kind}/" for kind in WORKLOAD_KINDS)
    maps = {f"ConfigMap {name}" for name in mapping(metadata, "config_maps")}
    plain = (*_ALWAYS, *_IN_DETAIL) if in_detail else _ALWAYS
    for change in changes:
        of_workload = change.subject.startswith(workloads)
        if change.subject in maps or (
            of_workload and (change.what in plain or change.what.startswith(_GROUPS))
        ):
            yield change
