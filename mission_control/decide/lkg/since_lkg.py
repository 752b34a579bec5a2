"""Decide: what is different between a capture and a deploy report of the same namespace."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from typing import Any

from mission_control.decide.lkg.parts import mapping, mappings, text
from mission_control.decide.report_diff import CONFIG_MAPS, WORKLOADS, compare_reports
from mission_control.decide.report_sides import compare_specifications, find_specification_gaps
from mission_control.model.deploy_report import ReportChange, ReportComparison
from mission_control.model.lkg import WORKLOAD_KINDS

Document = Mapping[str, Any]
_ALWAYS = ("workload", "replicas", "service account")
_IN_DETAIL = ("specification",)
_CAPTURE, _REPORT = "the capture", "the deploy report"
_Told = tuple[str, Document]
"""What it is called, and what it tells."""
_PARTS = (WORKLOADS, CONFIG_MAPS)
"""What a capture's metadata tell of a report; specifications are compared apart."""
_GROUPS = ("digest ", "env names ", "image ")


def as_report(metadata: Document) -> Document:
    """Write a capture's metadata as the deploy report that it agrees with."""
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
    """Give what a deploy report shows differently from a capture: what changed since the LKG."""
    compared = compare_reports(as_report(metadata), report, _PARTS)
    kept = _about(metadata, compared, in_detail=False)
    return _with_specifications(metadata, kept, (_CAPTURE, metadata), (_REPORT, report))


def compare_from_open(report: Document, metadata: Document) -> ReportComparison:
    """Give what changed from a deploy report at the open to a capture, specifications included."""
    compared = compare_reports(report, as_report(metadata), _PARTS)
    kept = _about(metadata, compared, in_detail=True)
    return _with_specifications(metadata, kept, (_REPORT, report), (_CAPTURE, metadata))


def _with_specifications(
    metadata: Document, compared: ReportComparison, before: _Told, after: _Told
) -> ReportComparison:
    """Add what objects of any captured kind ask for now and did not, and what of it is unknown."""
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
    """Keep what is about captured things: others come and go, and classes change with the hour."""
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
