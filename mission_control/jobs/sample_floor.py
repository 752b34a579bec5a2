"""Jobs: a sample of the floor, recorded: heartbeats, pods, and the posture they made."""

from mission_control.jobs.artifact_ports import ArtifactWriter
from mission_control.jobs.ports import Clock, FloorReader
from mission_control.jobs.run_origin import Ground, RunOrigin
from mission_control.model.artifact import Collection, LedgerEntry
from mission_control.model.snapshot import FloorSnapshot
from mission_control.present.canonical_json import encode_json
from mission_control.present.heartbeat_document import heartbeat_document
from mission_control.present.ops_bundle.floor_texts import pods_document
from mission_control.present.posture_document import posture_document

JOB = "intraday_sample"


async def sample_floor(
    floor: FloorReader, writer: ArtifactWriter, clock: Clock, origin: RunOrigin
) -> LedgerEntry:
    """Record the floor as it is published now (semantics, section 8); raises StorageError."""
    return await record_sample(floor.current(), writer, clock, origin)


async def record_sample(
    snapshot: FloorSnapshot, writer: ArtifactWriter, clock: Clock, origin: RunOrigin
) -> LedgerEntry:
    """Record a floor that was decided just now; raises StorageError."""
    files = {
        "posture.json": encode_json(posture_document(snapshot)),
        "heartbeat.json": encode_json(heartbeat_document(snapshot)),
        "pods.json": encode_json(pods_document(snapshot)),
    }
    facts = origin.facts(JOB, Ground.of(snapshot), clock())
    return await writer.record(Collection.OPS_RUNS, files, facts)
