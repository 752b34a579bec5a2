"""The files of a bundle: tables in text, and documents of the floor."""

from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime
from typing import Any

import orjson

from mission_control.cluster.model.facts import (
    ClusterFacts,
    EventFacts,
    ListReading,
    NodeFacts,
    PodUsage,
)
from mission_control.cluster.model.objects import ContainerState, PodFacts
from mission_control.cluster.present import (
    cluster_document,
    pod_documents,
    workload_summary,
)
from mission_control.documents.instants import (
    new_york_text,
    utc_text,
    utc_text_or_none,
    whole_seconds_text,
)
from mission_control.floor.model import FloorSnapshot, ServiceReport
from mission_control.floor.present.agents import reading_documents
from mission_control.floor.present.events import event_document
from mission_control.floor.present.predecessor import by_name
from mission_control.history.model import Span
from mission_control.model.event import FloorEvent
from mission_control.model.fleet import Kind
from mission_control.model.kill_switch import KILL_SWITCH_MAP
from mission_control.model.reading import Seen, Unseen

MOST_EVENTS = 1_000
GAP = "  "


def text_table(headings: Sequence[str], rows: Iterable[Sequence[object]]) -> str:
    """
    Write a table with columns as wide as they need; a cell stays on its line.

    One without rows says so: a heading alone could as well be a list that was cut off.
    """
    lines = [list(headings), *([" ".join(str(c).split()) or "-" for c in row] for row in rows)]
    widths = [max(len(line[n]) for line in lines) for n in range(len(headings))]
    if len(lines) == 1:
        return f"{GAP.join(headings)}\n# none\n"
    return "".join(
        GAP.join(cell.ljust(width) for cell, width in zip(line, widths, strict=True)).rstrip()
        + "\n"
        for line in lines
    )


def reading_lines(lists: Iterable[ListReading]) -> str:
    """Say of each list below when it was read, or why it was not."""
    return "".join(f"# {r.source}: {_reading(r)}\n" for r in sorted(lists, key=lambda r: r.source))


def _reading(read: ListReading) -> str:
    if isinstance(read.reading, Unseen):
        return f"NOT SEEN: {read.reading.code} {' '.join(read.reading.detail.split())}".strip()
    odd = f", {len(read.odd)} not understood" if read.odd else ""
    return f"read {whole_seconds_text(read.reading.at)}, {read.reading.value} objects{odd}"


def workloads_text(facts: ClusterFacts) -> str:
    """List every workload of the watched namespaces."""
    headings = ("NAMESPACE", "KIND", "NAME", "DESIRED", "ACTUAL", "READY", "OBSERVED", "IMAGES")
    return text_table(
        headings,
        (
            (w.namespace, w.kind, w.name, w.desired, w.actual, w.ready, "yes" if w.observed
             else "no", ",".join(c.image for c in w.containers))
            for w in facts.workloads
        ),
    )  # fmt: skip


def pods_text(facts: ClusterFacts) -> str:
    """List every pod with its containers' restarts, and why what does not run does not."""
    headings = ("NAMESPACE", "NAME", "PHASE", "READY", "RESTARTS", "STARTED", "NODE", "TROUBLE")
    return text_table(
        headings,
        (
            (p.namespace, p.name, "Terminating" if p.deleting else p.phase,
             "yes" if p.ready else "no", p.restarts,
             whole_seconds_text(p.started) if p.started else "", p.node, pod_trouble(p))
            for p in facts.pods
        ),
    )  # fmt: skip


def pod_trouble(pod: PodFacts) -> str:
    """Say why a pod does not run as it should; empty where nothing says so."""
    told = [pod.pending_reason] if pod.pending_reason else []
    told += [f"{s.name}: {_state(s)}" for s in pod.states if s.waiting or s.exit_code]
    return "; ".join(told)


def _state(state: ContainerState) -> str:
    code = "" if state.exit_code is None else f" ({state.exit_code})"
    ended = f"ended {state.ended}{code}" if state.ended else ""
    return ", ".join(t for t in (state.waiting, ended) if t)


def events_text(events: Iterable[EventFacts]) -> str:
    """List events, warnings first, then the newest first; at most 1,000."""
    ordered = sorted(events, key=_event_order)[:MOST_EVENTS]
    headings = ("LAST SEEN", "TYPE", "COUNT", "NAMESPACE", "ABOUT", "REASON", "MESSAGE")
    return text_table(
        headings,
        (
            (whole_seconds_text(e.last_seen) if e.last_seen else "", e.type, e.count, e.namespace,
             e.about, e.reason, e.message)
            for e in ordered
        ),
    )  # fmt: skip


def _event_order(event: EventFacts) -> tuple[bool, float, str, str, str]:
    at = -event.last_seen.timestamp() if event.last_seen else 0.0
    return (event.type != "Warning", at, event.namespace, str(event.about), event.message)


def nodes_text(nodes: Iterable[NodeFacts]) -> str:
    """List the nodes with their pressures."""
    headings = ("NODE", "READY", "SCHEDULABLE", "TROUBLES")
    return text_table(
        headings,
        (
            (n.name, "yes" if n.ready else "no", "yes" if n.schedulable else "no",
             "; ".join(n.troubles))
            for n in sorted(nodes, key=lambda n: n.name)
        ),
    )  # fmt: skip


def usage_text(usage: Iterable[PodUsage]) -> str:
    """List what each container uses."""
    rows = sorted((u.namespace, u.pod, u.container, u.cpu, u.memory) for u in usage)
    return text_table(("NAMESPACE", "POD", "CONTAINER", "CPU", "MEMORY"), rows)


def kill_switch_yaml(facts: ClusterFacts, namespace: str) -> str | None:
    """Write the kill-switch ConfigMap as it was read; None where the lists hold none."""
    for each in facts.config_maps:
        if (each.namespace, each.name) == (namespace, KILL_SWITCH_MAP):
            return _config_map(each.namespace, each.name, each.values)
    return None


def _config_map(namespace: str, name: str, values: Mapping[str, str]) -> str:
    """Write a ConfigMap; a JSON text is a YAML text, so that no value can break out of its line."""
    data = "".join(f"  {_quoted(k)}: {_quoted(v)}\n" for k, v in sorted(values.items()))
    head = "apiVersion: v1\nkind: ConfigMap\nmetadata:\n"
    place = f"  name: {_quoted(name)}\n  namespace: {_quoted(namespace)}\n"
    return f"{head}{place}data:\n{data}" if data else f"{head}{place}data: {{}}\n"


def _quoted(text: str) -> str:
    return orjson.dumps(text).decode()


HEALTHZ = "/healthz"
NO_CONNECTION = "000"


def pods_document(snapshot: FloorSnapshot) -> dict[str, Any]:
    """
    Return how the pods of every service fare, sorted by the service's name.

    A service's workload is null where the inventory names none.
    """
    reports = sorted(snapshot.services, key=lambda r: r.agent.agent_name)
    return {
        "at": utc_text(snapshot.at),
        "cluster": snapshot.fleet.cluster,
        "cluster_identity": cluster_document(snapshot.cluster_identity),
        "agents": [
            {
                "agent_name": r.agent.agent_name,
                "workload": workload_summary(r.workload),
                "pods": pod_documents(r.workload),
            }
            for r in reports
        ],
    }


def find_marketdata(snapshot: FloorSnapshot) -> ServiceReport | None:
    """Return the marketdata service whose health is kept; the first by name."""
    found = [r for r in snapshot.services if r.agent.kind is Kind.MARKETDATA]
    return min(found, key=lambda r: r.agent.agent_name, default=None)


def marketdata_health(snapshot: FloorSnapshot) -> tuple[Mapping[str, bytes], str]:
    """
    Return marketdata's `/healthz` as the predecessor kept it, and why there is no body, if so.

    `000` is its word for no answer at all.
    """
    report = find_marketdata(snapshot)
    reading = report.readings.get(HEALTHZ) if report else None
    if reading is None:
        return {}, "no marketdata service was asked for /healthz"
    status = reading.exchange.status
    code = f"marketdata_health_http_code={status or NO_CONNECTION}\n".encode()
    if isinstance(reading, Seen):
        body = reading.value.document
        return {"marketdata_health.status": code, "marketdata_health.json": body}, ""
    return {"marketdata_health.status": code}, f"{reading.code} {reading.detail}".strip()


def meta_text(kind: str, facts: Sequence[tuple[str, str]]) -> str:
    """Write the run's own facts as the predecessor did: `key=value`, its kind first."""
    lines = [f"{key}={' '.join(value.split())}" for key, value in facts]
    return "\n".join([f"agenttrader_v2_ops_snapshot: {kind}", *lines, ""])


def posture_timeline_document(
    since: datetime,
    until: datetime,
    at_first: str | None,
    changes: Sequence[FloorEvent],
    unwatched: Sequence[Span],
) -> dict[str, Any]:
    """
    Return how the posture was over a stretch of time.

    `at_first` is the posture in force at its beginning, None where it was not watched then.
    `changes` are oldest first, and `unwatched` every stretch of which nothing is known.
    """
    return {
        "since": utc_text(since),
        "since_et": new_york_text(since),
        "until": utc_text(until),
        "until_et": new_york_text(until),
        "at_first": at_first,
        "changes": [event_document(e) for e in changes],
        "unwatched": [{"begin": utc_text(b), "end": utc_text(e)} for b, e in unwatched],
    }


def heartbeat_document(snapshot: FloorSnapshot) -> dict[str, Any]:
    """Return how every service was judged, and every answer that it gave, redacted, by name."""
    return {
        "at": utc_text(snapshot.at),
        "fleet_digest": snapshot.fleet.digest,
        "services": [_service(report) for report in by_name(snapshot)],
    }


def _service(report: ServiceReport) -> dict[str, Any]:
    return {
        "agent_name": report.agent.agent_name,
        "state": report.state.value,
        "expected": report.expected,
        "reason_codes": [r.code for r in report.reasons],
        "asked_at": utc_text_or_none(report.round.started if report.round else None),
        "readings": reading_documents(report.readings),
    }
