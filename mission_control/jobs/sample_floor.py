"""Jobs: a sample of the floor, recorded: what every service answered, and the posture it made."""

from collections.abc import Mapping
from dataclasses import dataclass

from mission_control.jobs.artifact_ports import ArtifactWriter
from mission_control.jobs.ports import Clock, FloorReader
from mission_control.model.artifact import Collection, LedgerEntry, RunFacts, SourceCoverage
from mission_control.model.snapshot import FloorSnapshot
from mission_control.present.canonical_json import encode_json
from mission_control.present.heartbeat_document import heartbeat_document
from mission_control.present.posture_document import posture_document

JOB = "intraday_sample"


@dataclass(frozen=True, slots=True)
class RunOrigin:
    """
    Who runs a job and with what; the same for every run of one process.

    `versions` names ours, Python's and the git sha; digests are SHA-256 in hex.
    """

    trigger: str
    command_line: tuple[str, ...]
    versions: Mapping[str, str | None]
    config_digest: str


async def sample_floor(
    floor: FloorReader, writer: ArtifactWriter, clock: Clock, origin: RunOrigin
) -> LedgerEntry:
    """Record the floor as it is published now (semantics, section 8); raises StorageError."""
    started = clock()
    snapshot = floor.current()
    files = {
        "posture.json": encode_json(posture_document(snapshot)),
        "heartbeat.json": encode_json(heartbeat_document(snapshot)),
    }
    facts = RunFacts(
        job=JOB,
        session_date=snapshot.session.session_date,
        trigger=origin.trigger,
        command_line=origin.command_line,
        exit_code=0,
        started=started,
        finished=clock(),
        versions=origin.versions,
        config_digest=origin.config_digest,
        fleet_digest=snapshot.fleet.digest,
        coverage=(_coverage(snapshot),),
        notes={"label": snapshot.label} if snapshot.label else {},
    )
    return await writer.record(Collection.OPS_RUNS, files, facts)


def _coverage(snapshot: FloorSnapshot) -> SourceCoverage:
    coverage = snapshot.posture.coverage
    return SourceCoverage("floor", coverage.asked, coverage.obtained, coverage.gaps)
