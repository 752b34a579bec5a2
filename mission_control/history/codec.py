"""Decision inputs as bytes and back, so that the past can be decided again. Pure."""

import zlib
from collections.abc import Mapping
from datetime import datetime
from typing import Any, cast

import orjson
from pydantic import TypeAdapter

from mission_control.cluster.model.facts import ClusterFacts
from mission_control.cluster.model.view import CapturedWorkloads
from mission_control.contract.model.answer import Answer, Shape, read_answer
from mission_control.contract.model.claims import Claims
from mission_control.contract.model.shapes import PlainAnswer
from mission_control.errors import ContractViolation
from mission_control.floor.model import FloorEvidence, Latched, SwitchReading
from mission_control.model.fleet import Fleet
from mission_control.model.kill_switch import SourceKind, SwitchText
from mission_control.model.reading import (
    Addresses,
    EndpointReading,
    Exchange,
    PathPast,
    Seen,
    ServiceRound,
    ToldBuild,
    Unseen,
    UnseenReason,
)
from mission_control.model.session import CalendarDoubt

_FACTS = TypeAdapter(ClusterFacts)


def cluster_document(facts: ClusterFacts) -> Any:  # noqa: ANN401  (a JSON document)
    """Write what was read of the cluster."""
    return _FACTS.dump_python(facts, mode="json")


def read_cluster(document: object) -> ClusterFacts | None:
    """Read what `cluster_document` wrote; raises ValueError for what is not it."""
    return None if document is None else _FACTS.validate_python(document)


Json = dict[str, Any]

_FLEET = TypeAdapter(Fleet)
_LATCHED = TypeAdapter(Latched)
_PASTS = TypeAdapter(dict[str, PathPast])
_BUILDS = TypeAdapter(tuple[ToldBuild, ...])
_CAPTURED = TypeAdapter(CapturedWorkloads | None)
_LEVEL = 3
_MOST_BYTES = 512 * 1024 * 1024


def pack(document: object) -> bytes:
    """Write a document as compressed JSON; equal documents give equal bytes."""
    return zlib.compress(orjson.dumps(document, option=orjson.OPT_SORT_KEYS), _LEVEL)


def unpack(content: bytes) -> Any:  # noqa: ANN401  (whatever was packed)
    """Read what `pack` wrote; raises ValueError for anything else."""
    try:
        unpacked = zlib.decompressobj().decompress(content, _MOST_BYTES)
    except zlib.error as error:
        raise ValueError("this is not what was packed") from error
    return orjson.loads(unpacked)


def pack_fleet(fleet: Fleet) -> bytes:
    """Write an inventory."""
    return zlib.compress(_FLEET.dump_json(fleet), _LEVEL)


def unpack_fleet(content: bytes) -> Fleet:
    """Read an inventory."""
    return _FLEET.validate_json(zlib.decompress(content))


def pack_latched(latched: Latched) -> bytes:
    """Write what stands."""
    return zlib.compress(_LATCHED.dump_json(latched, by_alias=True), _LEVEL)


def unpack_latched(content: bytes) -> Latched:
    """Read what stands."""
    return _LATCHED.validate_json(zlib.decompress(content))


def pack_evidence(evidence: FloorEvidence) -> bytes:
    """Write all that was decided from, apart from the inventory and what stood."""
    return pack(
        {
            "rounds": [_round(r) for _, r in sorted(evidence.rounds.items())],
            "witnesses": [_switch_readings(w) for w in evidence.switch_readings],
            "store": None if evidence.store is None else _store(evidence.store),
            "history": None if evidence.history is None else _store(evidence.history),
            "standing_known": evidence.alarms_known,
            "standing_lost": evidence.alarms_lost,
            "record_new_until": evidence.record_new_until,
            "calendar_doubt": evidence.calendar_doubt,
            "cluster": None if evidence.cluster is None else cluster_document(evidence.cluster),
            "captured": _captured(evidence.captured),
        }
    )


def unpack_evidence(content: bytes, fleet: Fleet) -> FloorEvidence:
    """Read what was decided from; raises ValueError or ContractViolation for what is not it."""
    document = unpack(content)
    rounds = [_read_round(r) for r in document["rounds"]]
    store, history = document["store"], document["history"]
    return FloorEvidence(
        fleet,
        {r.agent_name: r for r in rounds},
        tuple(_read_switch_reading(w) for w in document["witnesses"]),
        None if store is None else _read_store(store),
        None if history is None else _read_store(history),
        document["standing_known"],
        read_cluster(document.get("cluster")),  # decisions of before 0.2 have none
        document.get("standing_lost", ""),
        _instant(until) if (until := document.get("record_new_until")) else None,
        _CAPTURED.validate_python(document.get("captured")),  # earlier decisions knew of none
        _read_doubt(document.get("calendar_doubt")),
    )


def _captured(captured: CapturedWorkloads | None) -> Json | None:
    if captured is None:
        return None
    running = sorted(captured.running)
    return {"running": running, "path": captured.path, "note": captured.note}


def _read_doubt(document: Json | None) -> CalendarDoubt | None:
    """Read why no session was known; decisions of before 0.2 have none."""
    if document is None:
        return None
    return CalendarDoubt(_instant(document["since"]), document["detail"])


def _round(round_: ServiceRound) -> Json:
    return {
        "agent_name": round_.agent_name,
        "started": round_.started,
        "finished": round_.finished,
        "readings": {path: _reading(r) for path, r in round_.readings.items()},
        "addresses": _addresses(round_.addresses),
        "past": {path: past._asdict() for path, past in round_.past.items()},
        "builds": [told._asdict() for told in round_.builds],
    }


def _read_round(document: Json) -> ServiceRound:
    return ServiceRound(
        document["agent_name"],
        _instant(document["started"]),
        _instant(document["finished"]),
        {path: _read_reading(path, r) for path, r in document["readings"].items()},
        _read_addresses(document.get("addresses")),
        _PASTS.validate_python(document.get("past", {})),  # rounds of before 0.2 have none
        _BUILDS.validate_python(document.get("builds", ())),  # nor were builds kept
    )


def _addresses(addresses: Addresses) -> Json:
    return {"known": addresses.known, "added": addresses.added, "told_at": addresses.told_at}


def _read_addresses(document: Json | None) -> Addresses:
    if document is None:  # rounds of before addresses were kept have none
        return Addresses()
    told_at = None if document["told_at"] is None else _instant(document["told_at"])
    return Addresses(tuple(document["known"]), tuple(document["added"]), told_at)


def _reading(reading: EndpointReading) -> Json:
    if isinstance(reading, Unseen):
        return _unseen(reading)
    answer = reading.value
    return {
        "shape": answer.shape.value,
        "http_status": answer.http_status,
        "document": answer.document.decode(),
        "claims": _claims(answer.claims),
        "at": reading.at,
        "took": reading.took,
        "exchange": _exchange(reading.exchange),
    }


def _read_reading(path: str, document: Json) -> EndpointReading:
    if "shape" not in document:
        return _read_unseen(document)
    shape, shown = Shape(document["shape"]), document["document"].encode()
    claims = _read_claims(document["claims"])
    status = document["http_status"]
    if shape is Shape.PLAIN:
        answer = Answer(shape, status, PlainAnswer(), claims, shown)
    else:
        parsed = orjson.loads(shown)
        try:
            answer = read_answer(
                shown, parsed, path=path, http_status=status, shown=shown, claims=claims
            )
        except ContractViolation as violation:  # kept when the contract was read less strictly
            return _no_longer_valid(document, claims, violation)
    exchange = _read_exchange(document["exchange"])
    return Seen(answer, _instant(document["at"]), document["took"], exchange)


def _no_longer_valid(document: Json, claims: Claims, violation: ContractViolation) -> Unseen:
    at, exchange = _instant(document["at"]), _read_exchange(document["exchange"])
    told, problems = str(violation), violation.problems
    reason = UnseenReason.CONTRACT_INVALID
    return Unseen(reason, at, document["took"], told, exchange, claims, problems)


def _unseen(reading: Unseen) -> Json:
    return {
        "reason": reading.reason.value,
        "at": reading.at,
        "took": reading.took,
        "detail": reading.detail,
        "exchange": _exchange(reading.exchange),
        "claims": _claims(reading.claims),
        "problems": reading.problems,
        "confirmed": reading.confirmed,
    }


def _read_unseen(document: Json) -> Unseen:
    return Unseen(
        UnseenReason(document["reason"]),
        _instant(document["at"]),
        document["took"],
        document["detail"],
        _read_exchange(document["exchange"]),
        _read_claims(document["claims"]),
        tuple((field, problem) for field, problem in document["problems"]),
        document.get("confirmed", True),  # silences of before they were asked about again
    )


def _exchange(exchange: Exchange) -> Json:
    return {
        "status": exchange.status,
        "phases": exchange.phases,
        "date_skew": exchange.date_skew,
        "excerpt": exchange.excerpt,
        "peer": exchange.peer,
        "old_files": exchange.old_files,
    }


def _read_exchange(document: Json) -> Exchange:
    phases = tuple((name, seconds) for name, seconds in document["phases"])
    peer = document.get("peer", "")  # readings of before the address was kept have none
    status, skew, excerpt = document["status"], document["date_skew"], document["excerpt"]
    return Exchange(status, phases, skew, excerpt, peer, document.get("old_files", ""))


def _claims(claims: Claims) -> Json:
    return {
        "kill_switch": None if claims.kill_switch is None else claims.kill_switch.value,
        "safe_to_execute_orders": claims.safe_to_execute_orders,
        "agent_mode": claims.agent_mode,
    }


def _read_claims(document: Mapping[str, object]) -> Claims:
    switch = document["kill_switch"]
    return Claims(
        None if switch is None else SwitchText(switch),
        cast("bool | None", document["safe_to_execute_orders"]),
        cast("str | None", document["agent_mode"]),
    )


def _switch_readings(switch_readings: SwitchReading) -> Json:
    reading = switch_readings.reading
    said = _unseen(reading) if isinstance(reading, Unseen) else _seen_text(reading)
    return {
        "kind": switch_readings.kind.value,
        "source": switch_readings.source,
        "reading": said,
        "absent": switch_readings.absent,
        "live_mount": switch_readings.live_mount,
    }


def _read_switch_reading(document: Json) -> SwitchReading:
    said = document["reading"]
    reading: Seen[str] | Unseen
    if "value" in said:
        reading = Seen(said["value"], _instant(said["at"]), said["took"])
    else:
        reading = _read_unseen(said)
    kind = SourceKind(document["kind"])
    # Decisions of before 0.2 took every file for the mount, and are decided again as they were.
    live_mount = document.get("live_mount", kind is SourceKind.FILE)
    return SwitchReading(kind, document["source"], reading, document.get("absent", ""), live_mount)


def _seen_text(reading: Seen[str]) -> Json:
    return {"value": reading.value, "at": reading.at, "took": reading.took}


def _store(reading: Seen[None] | Unseen) -> Json:
    return _unseen(reading) if isinstance(reading, Unseen) else {"at": reading.at}


def _read_store(document: Json) -> Seen[None] | Unseen:
    return _read_unseen(document) if "reason" in document else Seen(None, _instant(document["at"]))


def _instant(text: str) -> datetime:
    return datetime.fromisoformat(text)
