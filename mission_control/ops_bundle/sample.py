"""A sample of the floor, recorded: heartbeats, pods, and the posture they made."""

from mission_control.documents.canonical_json import encode_json
from mission_control.floor.model import FloorSnapshot
from mission_control.floor.ports import Clock, FloorReader
from mission_control.floor.present.posture import posture_document
from mission_control.ops_bundle.present import heartbeat_document, pods_document
from mission_control.records.artifact_store import RunWriter
from mission_control.records.model import Collection, LedgerEntry
from mission_control.records.run_origin import Ground, RunOrigin

JOB = "intraday_sample"


async def sample_floor(
    floor: FloorReader, writer: RunWriter, clock: Clock, origin: RunOrigin
) -> LedgerEntry:
    """Record the floor as it is published now (semantics, section 8); raises StorageError."""
    return await record_sample(floor.current(), writer, clock, origin)


async def record_sample(
    snapshot: FloorSnapshot, writer: RunWriter, clock: Clock, origin: RunOrigin
) -> LedgerEntry:
    """Record a floor that was decided just now; raises StorageError."""
    files = {
        "posture.json": encode_json(posture_document(snapshot), snapshot.label),
        "heartbeat.json": encode_json(heartbeat_document(snapshot)),
        "pods.json": encode_json(pods_document(snapshot)),
    }
    facts = origin.facts(JOB, Ground.of(snapshot), clock())
    return await writer.record(Collection.OPS_RUNS, files, facts)
