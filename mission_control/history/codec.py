"""Decision inputs as bytes and back, so that the past can be decided again. Pure."""

import hashlib
import zlib
from collections.abc import Mapping
from dataclasses import fields
from datetime import datetime
from typing import Any, cast

import orjson
from pydantic import TypeAdapter

from mission_control.cluster.model.facts import CapturedWorkloads, ClusterFacts
from mission_control.contract.model.answer import Answer, Shape, read_answer
from mission_control.contract.model.claims import Claims
from mission_control.contract.model.shapes import PlainAnswer
from mission_control.documents.canonical_json import encode_json
from mission_control.errors import ContractViolation
from mission_control.floor.model import FloorEvidence, FloorSnapshot, Latched, SwitchReading
from mission_control.floor.present.agents import agents_document
from mission_control.floor.present.posture import posture_document
from mission_control.floor.present.safety import safety_document
from mission_control.model.fleet import Fleet
from mission_control.model.kill_switch import SourceKind
from mission_control.model.reading import (
    Addresses,
    EndpointReading,
    PathPast,
    Seen,
    ServiceRound,
    ToldBuild,
    Unseen,
    UnseenReason,
)
from mission_control.model.session import CalendarDoubt

Json = dict[str, Any]

_CLUSTER = TypeAdapter(ClusterFacts | None)
_FLEET = TypeAdapter(Fleet)
_LATCHED = TypeAdapter(Latched)
_CLAIMS = TypeAdapter(Claims)
_UNSEEN = TypeAdapter(Unseen)
_SEEN = TypeAdapter(Seen[None])
_SWITCH = TypeAdapter(SwitchReading)
_ADDRESSES = TypeAdapter(Addresses)
_PASTS = TypeAdapter(dict[str, PathPast])
_BUILDS = TypeAdapter(tuple[ToldBuild, ...])
_CAPTURED = TypeAdapter(CapturedWorkloads | None)
_DOUBT = TypeAdapter(CalendarDoubt | None)
_INSTANT = TypeAdapter(datetime | None)
_LEVEL = 3
_MOST_BYTES = 512 * 1024 * 1024


def pack(value: object) -> bytes:
    """Return a value as compressed JSON; equal values give equal bytes."""
    options = orjson.OPT_SORT_KEYS | orjson.OPT_PASSTHROUGH_DATACLASS
    return zlib.compress(orjson.dumps(value, _stored, options), _LEVEL)


def _stored(value: Any) -> object:  # noqa: ANN401  (whatever orjson has no form for)
    """Return the stored form of a value: fields by name, and of what was seen the value itself."""
    match value:
        case Seen(value=Answer() as answer):
            of_answer = _fields(answer, "status") | {"document": answer.document.decode()}
            return of_answer | _fields(cast("object", value), "value")
        case Seen(value=None):
            return {"at": value.at}
        case Seen():
            return _fields(cast("object", value), "exchange")
        case tuple():  # a named one
            return cast("PathPast", value)._asdict()
        case Mapping():
            return dict(cast("Mapping[str, object]", value))
        case _:
            return _fields(value)


def _fields(value: Any, *without: str) -> Json:  # noqa: ANN401  (any dataclass)
    return {f.name: getattr(value, f.name) for f in fields(value) if f.name not in without}


def unpack(content: bytes) -> Any:  # noqa: ANN401  (whatever was packed)
    """Return what `pack` was given, as JSON; raises ValueError for anything else."""
    return orjson.loads(unpacked_text(content))


def unpacked_text(content: bytes) -> bytes:
    """Return the JSON text that was packed, byte for byte; raises ValueError for anything else."""
    try:
        return zlib.decompressobj().decompress(content, _MOST_BYTES)
    except zlib.error as error:
        raise ValueError("this is not what was packed") from error


def pack_fleet(fleet: Fleet) -> bytes:
    """Return an inventory in its stored form."""
    return zlib.compress(_FLEET.dump_json(fleet), _LEVEL)


def unpack_fleet(content: bytes) -> Fleet:
    """Read an inventory."""
    return read_fleet(zlib.decompress(content))


def read_fleet(text: bytes) -> Fleet:
    """Read an inventory from its JSON text; raises ValueError for any other."""
    return _FLEET.validate_json(text)


def pack_latched(latched: Latched) -> bytes:
    """Return latched alarms in their stored form."""
    return zlib.compress(_LATCHED.dump_json(latched, by_alias=True), _LEVEL)


def unpack_latched(content: bytes) -> Latched:
    """Read latched alarms."""
    return read_latched(zlib.decompress(content))


def read_latched(text: bytes) -> Latched:
    """Read latched alarms from their JSON text; raises ValueError for any other."""
    return _LATCHED.validate_json(text)


def pack_evidence(evidence: FloorEvidence) -> bytes:
    """Return all that was decided from, apart from the inventory and the latched alarms."""
    doubt, captured = evidence.calendar_doubt, evidence.captured
    return pack(
        {
            "rounds": [r for _, r in sorted(evidence.rounds.items())],
            "witnesses": list(evidence.switch_readings),
            "store": evidence.store,
            "history": evidence.history,
            "standing_known": evidence.alarms_known,
            "standing_lost": evidence.alarms_lost,
            "record_new_until": evidence.record_new_until,
            # Stored with its keys in the order of its fields ever since it was first kept.
            "calendar_doubt": doubt and orjson.Fragment(orjson.dumps(doubt)),
            "cluster": _CLUSTER.dump_python(evidence.cluster, mode="json"),
            "captured": captured and _fields(captured) | {"running": sorted(captured.running)},
        }
    )


def unpack_evidence(content: bytes, fleet: Fleet) -> FloorEvidence:
    """
    Read what was decided from; raises ValueError, LookupError or ContractViolation for others.

    What an older version did not keep yet has the value that its decisions were made with.
    """
    return read_evidence(unpack(content), fleet)


def read_evidence(document: Json, fleet: Fleet) -> FloorEvidence:
    """Read what was decided from out of its document; raises as `unpack_evidence` does."""
    rounds = [_read_round(r) for r in document["rounds"]]
    return FloorEvidence(
        fleet,
        {r.agent_name: r for r in rounds},
        tuple(_read_switch(s) for s in document["witnesses"]),
        _read_try(document["store"]),
        _read_try(document["history"]),
        document.get("standing_known", True),  # the first version decided as if all were known
        _CLUSTER.validate_python(document.get("cluster")),
        document.get("standing_lost", ""),
        _INSTANT.validate_python(document.get("record_new_until")),
        _CAPTURED.validate_python(document.get("captured")),
        _DOUBT.validate_python(document.get("calendar_doubt")),
    )


def _read_round(document: Json) -> ServiceRound:
    return ServiceRound(
        document["agent_name"],
        datetime.fromisoformat(document["started"]),
        datetime.fromisoformat(document["finished"]),
        {path: _read_reading(path, r) for path, r in document["readings"].items()},
        _ADDRESSES.validate_python(document.get("addresses", {})),
        _PASTS.validate_python(document.get("past", {})),
        _BUILDS.validate_python(document.get("builds", ())),
    )


def _read_reading(path: str, document: Json) -> EndpointReading:
    if "shape" not in document:
        return _UNSEEN.validate_python(document)
    seen = _SEEN.validate_python({**document, "value": None})
    shape, shown = Shape(document["shape"]), document["document"].encode()
    claims, status = _CLAIMS.validate_python(document["claims"]), document["http_status"]
    if shape is Shape.PLAIN:
        answer = Answer(shape, status, PlainAnswer(), claims, shown)
    else:
        parsed = orjson.loads(shown)
        try:
            answer = read_answer(
                shown, parsed, path=path, http_status=status, shown=shown, claims=claims
            )
        except ContractViolation as violation:  # kept when the contract was read less strictly
            told, problems = str(violation), violation.problems
            reason = UnseenReason.CONTRACT_INVALID
            return Unseen(reason, seen.at, seen.took, told, seen.exchange, claims, problems)
    return Seen(answer, seen.at, seen.took, seen.exchange)


def _read_switch(document: Json) -> SwitchReading:
    # Decisions of before 0.2 took every file for the mount, and are decided again as they were.
    mounted = document["kind"] == SourceKind.FILE
    return _SWITCH.validate_python({"live_mount": mounted, **document})


def _read_try(document: Json | None) -> Seen[None] | Unseen | None:
    if document is None:
        return None
    kind = _UNSEEN if "reason" in document else _SEEN
    return kind.validate_python({"value": None, **document})


_UNDECIDED = frozenset({"sequence", "label", "restart_needed"})


def decision_result(snapshot: FloorSnapshot) -> str:
    """
    Return the SHA-256 in hex of posture, services and safety, without what is not decided.

    That is sequence, label, and whether a restart is needed.
    """
    documents = [posture_document(snapshot), agents_document(snapshot), safety_document(snapshot)]
    bare = [{k: v for k, v in document.items() if k not in _UNDECIDED} for document in documents]
    return hashlib.sha256(encode_json(bare)).hexdigest()
