"""Ops bundle: what the cluster showed, as tables in text."""

from collections.abc import Iterable, Mapping, Sequence

import orjson

from mission_control.model.cluster.facts import ClusterFacts, EventFacts, ListReading
from mission_control.model.cluster.further import NodeFacts, PodUsage
from mission_control.model.cluster.pod import ContainerState, PodFacts
from mission_control.model.kill_switch import KILL_SWITCH_MAP
from mission_control.model.reading import Unseen
from mission_control.present.instants import whole_seconds_text

MOST_EVENTS = 1_000
GAP = "  "


def text_table(headings: Sequence[str], rows: Iterable[Sequence[object]]) -> str:
    """
    Write a table with columns as wide as they need; what stands in a cell stays on its line.

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
