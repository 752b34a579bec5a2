"""The deploy report: observe, decide, compare with the session before, record."""

import asyncio
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any, cast

from mission_control.cluster.decide.identity import Sameness, compare_clusters
from mission_control.cluster.model.facts import KubernetesObject, ServiceFacts, list_source
from mission_control.deploy_report.decide.changes import compare_reports, reported_cluster
from mission_control.deploy_report.decide.report import make_deploy_report
from mission_control.deploy_report.model import SinceLkg
from mission_control.deploy_report.present import deploy_document, deploy_markdown
from mission_control.documents.canonical_json import encode_json
from mission_control.errors import StorageError
from mission_control.floor.model import FloorSnapshot
from mission_control.last_known_good.decide.changes import compare_with_capture
from mission_control.last_known_good.decide.sanitise import (
    SPECIFIED_LISTS,
    digest_specifications,
)
from mission_control.last_known_good.recorded import newest_good
from mission_control.model.reading import Seen, Unseen, say_unseen
from mission_control.records.artifact_reader import ArtifactReader
from mission_control.records.model import Collection, LedgerEntry
from mission_control.records.recorded_reports import list_reports, read_report
from mission_control.records.run_origin import Ground, RunOrigin
from mission_control.schedule.job import READING_SECONDS, JobParts

if TYPE_CHECKING:
    from mission_control.cluster.read.objects import ObjectReader

JOB = "deploy_report"
JSON_NAME, MARKDOWN_NAME = "deploy_report.json", "deploy_report.md"

Document = Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class MadeReport:
    """A deploy report as it will be recorded."""

    document: Document
    files: Mapping[str, bytes]
    label: str

    @property
    def access(self) -> bool:
        """Return whether every list that it needs was seen."""
        return bool(self.document["meta"]["cluster_access"])


async def run(
    parts: JobParts,
    origin: RunOrigin,
    *,
    sample_health: bool = True,
    show: Callable[[MadeReport], None] | None = None,
) -> tuple[MadeReport, LedgerEntry]:
    """
    Look, report, record, and show the report as the latest view; raises StorageError.

    `show` is handed the report before it is recorded, so that one is seen that could not be.
    """
    snapshot, _ = await parts.look()
    made = await make_report(snapshot, parts.reading_once(), sample_health=sample_health)
    if show is not None:
        show(made)
    facts = origin.facts(JOB, Ground.of(snapshot), parts.clock())
    return made, await parts.writer.record(Collection.OPS_RUNS, made.files, facts, is_latest=True)


async def make_report(
    snapshot: FloorSnapshot, parts: JobParts, *, sample_health: bool = True
) -> MadeReport:
    """Make the report of a snapshot, compared with the newest of an earlier session."""
    services, user, specified = await _read_cluster(snapshot, parts.further)
    report = make_deploy_report(
        snapshot, services, parts.clock(), user=user, sample_health=sample_health
    )
    plain = {**deploy_document(report, None, None), **specified}
    earlier = await _earlier(parts.artifacts, snapshot, plain)
    lkg = await since_lkg(parts.artifacts, plain)
    compared = since = None
    if earlier is not None:
        told = cast("Document", earlier.get("meta", {}))
        since = str(told.get("generated_et", "an earlier report"))
        compared = compare_reports(earlier, plain)
    document = {**deploy_document(report, compared, since, lkg), **specified}
    files = {
        JSON_NAME: encode_json(document, report.label),
        MARKDOWN_NAME: deploy_markdown(document, report.label).encode(),
    }
    return MadeReport(document, files, report.label)


async def _read_cluster(
    snapshot: FloorSnapshot, further: "ObjectReader | None"
) -> tuple[Seen[tuple[ServiceFacts, ...]] | Unseen | None, str, Document]:
    """Read the Services, who we are, and what objects ask for, all at once and in one time."""
    if further is None:
        return None, "", {}
    further = further.within(READING_SECONDS)
    services, account, specified = await asyncio.gather(
        further.services(), further.account(), _specify(snapshot, further)
    )
    return services, account.who, specified


async def _specify(snapshot: FloorSnapshot, further: "ObjectReader") -> Document:
    """
    Return the digest of what each object of the floor's namespace asks for, by its title.

    A list that was not seen is a gap, and no empty list.
    """
    access = snapshot.fleet.access
    if access is None:
        return {}
    namespace = access.floor_namespace
    read = await asyncio.gather(*(further.objects(each, namespace) for each in SPECIFIED_LISTS))
    seen, gaps = dict[str, Sequence[KubernetesObject]](), list[str]()
    for resource, reading in zip(SPECIFIED_LISTS, read, strict=True):
        if isinstance(reading, Seen):
            seen[resource] = reading.value
        else:
            gaps.append(f"{list_source(resource, namespace)} was not seen: {say_unseen(reading)}")
    digests = dict(sorted(digest_specifications(seen).items()))
    return {"specifications": digests, "specification_gaps": gaps}


async def since_lkg(artifacts: ArtifactReader, report: Document) -> SinceLkg:
    """Compare a report with the newest GOOD capture of its namespace, or say why it cannot be."""
    namespace = str(report["meta"]["namespace"])
    if not namespace:
        return SinceLkg("", "", None, "no cluster is read")
    try:
        good = await newest_good(artifacts, namespace, cluster=reported_cluster(report))
    except StorageError as error:
        return SinceLkg("", "", None, f"the record cannot be read: {error}")
    if good.capture is None:
        why = ("no capture is GOOD", *good.doubts, *good.of_other_clusters)
        return SinceLkg("", "", None, "; ".join(why))
    metadata = good.capture.metadata
    captured = str(metadata.get("timestamp_et", "an unknown time"))
    compared = compare_with_capture(metadata, report)
    compared = replace(compared, gaps=(*good.doubts, *compared.gaps))
    return SinceLkg(good.capture.entry.path, captured, compared)


async def _earlier(
    artifacts: ArtifactReader, snapshot: FloorSnapshot, report: Document
) -> Document | None:
    """
    Find the newest recorded report of an earlier session, else the newest of all.

    One that cannot be read is passed over; the comparison is worth less than the report. So is one
    of another cluster, unless there is no other: then the comparison says so first.
    """
    today = snapshot.session.session_date
    date = today.isoformat() if today else None
    try:
        holding = await list_reports(artifacts, JSON_NAME)
    except StorageError:
        return None
    before = [e for e in holding if e.session_date and date and e.session_date < date]
    ours, foreign = reported_cluster(report), None
    for entry in (*before, *holding):
        with suppress(StorageError):
            found = (await read_report(artifacts, entry, JSON_NAME)).document
            compared = compare_clusters(reported_cluster(found), ours)
            if compared.sameness is not Sameness.DIFFERENT:
                return found
            foreign = foreign or found
    return foreign
