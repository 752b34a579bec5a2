"""Decide: what changed between two deploy reports: digests, replicas, env names, configuration."""

from collections.abc import Iterator, Mapping, Sequence
from typing import Any, cast

from mission_control.decide.cluster.identity import compare_clusters, read_identity
from mission_control.model.cluster_identity import ClusterIdentity
from mission_control.model.deploy_report import ReportChange, ReportComparison

Document = Mapping[str, Any]
_ABSENT, _NOT_SEEN = "(absent)", "(not seen)"


def compare_reports(before: Document, after: Document) -> ReportComparison:
    """
    Give every difference that matters between two recorded reports, sorted by subject.

    The reports are documents as they were recorded, also those of older versions: what a report
    does not tell is `(absent)`, and no error. A report that did not see the whole cluster leaves
    a gap: what is missing in it was not seen, and may have been there.
    """
    lacks = (tuple(_gaps("before", before)), tuple(_gaps("after", after)))
    # What stands for something that a report does not hold, before and after.
    missing = tuple(_NOT_SEEN if lack else _ABSENT for lack in lacks)
    changes = [
        *_workloads(before, after, missing),
        *_maps(before, after, missing),
        *_meta(before, after),
    ]
    return ReportComparison(
        tuple(sorted(changes, key=lambda c: (c.subject, c.what))),
        (*lacks[0], *lacks[1]),
        compare_clusters(*map(reported_cluster, (before, after))).warning,
    )


def reported_cluster(report: Document) -> ClusterIdentity | None:
    """Give which cluster a recorded deploy report is of; None where it does not tell."""
    return read_identity(_mapping(report.get("meta")).get("cluster_identity"))


def _gaps(which: str, report: Document) -> Iterator[str]:
    meta = _mapping(report.get("meta"))
    if meta.get("cluster_access") is not True:
        why = meta.get("cluster_error") or "it does not say that it did"
        yield f"the report {which} did not see the whole cluster: {why}"
    elif report.get("errors") != []:
        yield f"the report {which} tells of objects or lists that it could not read"


def _workloads(before: Document, after: Document, missing: Sequence[str]) -> Iterator[ReportChange]:
    old, new = _by_title(before), _by_title(after)
    for title in sorted(old.keys() | new.keys()):
        if title not in new:
            yield ReportChange(title, "workload", "there", missing[1])
        elif title not in old:
            yield ReportChange(title, "workload", missing[0], "there")
        else:
            for what in old[title].keys() | new[title].keys():
                was = old[title].get(what, missing[0])
                now = new[title].get(what, missing[1])
                if was != now:
                    yield ReportChange(title, what, was, now)


def _by_title(report: Document) -> Mapping[str, Mapping[str, str]]:
    found = dict[str, Mapping[str, str]]()
    for each in _documents(report.get("workloads")):
        namespace = _text(each.get("namespace"))
        title = f"{namespace}/{_text(each.get('kind'))}/{_text(each.get('workload_name'))}"
        found[title] = dict(_aspects(each))
    return found


def _aspects(workload: Document) -> Iterator[tuple[str, str]]:
    yield "replicas", _text(workload.get("replicas_desired"))
    yield "service account", _text(workload.get("service_account"))
    yield "classification", _text(workload.get("classification"))
    yield "specification", _text(workload.get("generation"))
    for image in _documents(workload.get("images")):
        yield f"image {_text(image.get('container_name'))}", _text(image.get("image"))
    digests = workload.get("observed_image_digests")
    for name, values in sorted(_mapping(digests).items()):
        known = cast("Sequence[object]", values) if isinstance(values, list) else ()
        yield f"digest {name}", ", ".join(sorted(map(str, known))) or _ABSENT
    for container, names in sorted(_mapping(workload.get("env_names")).items()):
        known = cast("Sequence[object]", names) if isinstance(names, list) else ()
        yield f"env names {container}", ", ".join(sorted(map(str, known)))
    for name, held in sorted(_mapping(workload.get("env_summary")).items()):
        yield f"env {name}", _text(_mapping(held).get("value"))


def _maps(before: Document, after: Document, missing: Sequence[str]) -> Iterator[ReportChange]:
    old, new = _mapping(before.get("config_maps")), _mapping(after.get("config_maps"))
    for name in sorted(old.keys() | new.keys()):
        was, now = old.get(name), new.get(name)
        if was != now:
            told = [
                m if v is None else str(v)[:12] for v, m in zip((was, now), missing, strict=True)
            ]
            yield ReportChange(f"ConfigMap {name}", "data", told[0], told[1])


def _meta(before: Document, after: Document) -> Iterator[ReportChange]:
    old, new = _mapping(before.get("meta")), _mapping(after.get("meta"))
    for key in ("namespace", "kube_context", "kill_switch"):
        was, now = _text(old.get(key)), _text(new.get(key))
        if was != now:
            yield ReportChange("report", key, was, now)


def _documents(value: object) -> Sequence[Document]:
    if not isinstance(value, list):
        return ()
    return [cast("Document", v) for v in cast("list[object]", value) if isinstance(v, Mapping)]


def _mapping(value: object) -> Mapping[str, Any]:
    return cast("Mapping[str, Any]", value) if isinstance(value, Mapping) else {}


def _text(value: object) -> str:
    return _ABSENT if value is None else str(value)
