"""The fleet file, which says who is on the floor, read strictly and whole."""

import graphlib
import re
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import replace
from datetime import UTC, datetime
from enum import StrEnum
from pathlib import Path
from typing import cast

from mission_control.configuration.agent_details import kubernetes_name, read_file_path, required
from mission_control.configuration.agent_entry import Defaults, Entry, read_entry
from mission_control.configuration.execution_rules import read_execution
from mission_control.configuration.known_workloads import read_known_workloads
from mission_control.configuration.safety import read_safety, read_switch_file
from mission_control.configuration.yaml_value import (
    Problems,
    Value,
    YamlSource,
    did_you_mean,
    quoted,
    read_yaml,
)
from mission_control.floor.model import KILL_SWITCH, SEV0_CODES
from mission_control.model import codes
from mission_control.model.fleet import (
    NO_CLUSTER,
    Agent,
    ClusterAccess,
    EndedAlarm,
    Fleet,
    Kind,
    RepositoryLints,
)

EXECUTION_NAMESPACE = "agenttrader"
"""The namespace in which the execution agent is locked at 0 replicas (status contract, d)."""
MAX_NAMESPACES = 16


class AccessKind(StrEnum):
    """How the API server is found and who we are to it."""

    NONE = NO_CLUSTER
    IN_CLUSTER = "in-cluster"
    KUBECONFIG = "kubeconfig"


def read_cluster(value: Value | None, folder: Path, problems: Problems) -> ClusterAccess | None:
    """
    Read the fleet file's `cluster`; None for none, or after noting a problem.

    Namespaces left out are settled with the settings (`settle_cluster`).
    """
    if value is None:
        return None
    if value.kind != "map":
        return _access(value.choice(AccessKind, problems))
    fields = value.fields(("access", "context", "kubeconfig", "namespaces"), problems)
    chosen = fields.get("access")
    kind = AccessKind.KUBECONFIG if chosen is None else chosen.choice(AccessKind, problems)
    access = _access(kind)
    if access is None or access.in_cluster:
        for key in ("context", "kubeconfig"):
            if key in fields and kind is not None:
                fields[key].refuse(problems, f"means nothing with {kind.value}", "take it out")
    if access is None:
        return None
    context, kubeconfig = fields.get("context"), fields.get("kubeconfig")
    return replace(
        access,
        namespaces=_namespaces(fields.get("namespaces"), problems),
        context=context.text(problems, at_most=253) if context else None,
        kubeconfig=read_file_path(kubeconfig, folder, problems) if kubeconfig else None,
    )


def _access(kind: AccessKind | None) -> ClusterAccess | None:
    if kind is None or kind is AccessKind.NONE:
        return None
    return ClusterAccess((), "", in_cluster=kind is AccessKind.IN_CLUSTER)


def _namespaces(value: Value | None, problems: Problems) -> tuple[str, ...]:
    if value is None:
        return ()
    items = value.items(problems, at_most=MAX_NAMESPACES)
    if not items:
        value.refuse(problems, "lists no namespace", "list one, or leave it out")
    return tuple(kubernetes_name(item, problems) for item in items)


def settle_cluster(
    fleet: Fleet, namespace: str, context: str | None, kubeconfig: Path | None
) -> Fleet:
    """
    Give the fleet with its cluster as the settings have it.

    Who names a context or a kubeconfig means a cluster, also where the fleet file names none. The
    floor's namespace is always watched; so is the execution agent's, unless the file lists others.
    """
    access = fleet.access
    if context or kubeconfig:
        known = access or ClusterAccess((), "")
        access = replace(
            known,
            in_cluster=False,
            context=context or known.context,
            kubeconfig=str(kubeconfig) if kubeconfig else known.kubeconfig,
        )
    if access is None:
        return fleet
    watched = {namespace, *(access.namespaces or (EXECUTION_NAMESPACE,))}
    settled = replace(access, namespaces=tuple(sorted(watched)), floor_namespace=namespace)
    return replace(fleet, access=settled, cluster=_name(settled))


def _name(access: ClusterAccess) -> str:
    if access.in_cluster:
        return AccessKind.IN_CLUSTER.value
    return f"context {access.context}" if access.context else "current context"


KEYS = ("code", "subject", "source", "since", "who", "why")
MAX_ENDED = 200
MAX_TEXT = 300
INSTANT = re.compile(
    r"\d{4}-\d{2}-\d{2}[Tt ]\d{2}:\d{2}:\d{2}(\.\d{1,6})?(Z|[+-]\d{2}:\d{2})", re.ASCII
)
_CODES = {c for name, c in vars(codes).items() if name.isupper() and isinstance(c, str)}
"""Every reason code; one that is misspelled would end nothing, and say nothing of it."""


def read_ended_alarms(value: Value | None, problems: Problems) -> tuple[EndedAlarm, ...]:
    """
    Read which alarms a human ended, in the file's order, noting every problem.

    A Sev-0 is refused: nobody ends one by hand.
    """
    if value is None:
        return ()
    read = [_read_entry(item, problems) for item in value.items(problems, at_most=MAX_ENDED)]
    return tuple(entry for entry in read if entry is not None)


def _read_entry(value: Value, problems: Problems) -> EndedAlarm | None:
    before = len(problems)
    fields = value.fields(KEYS, problems)
    found = {key: required(fields, key, value, problems) for key in KEYS}
    texts = {
        key: each.text(problems, at_most=MAX_TEXT)
        for key, each in found.items()
        if each is not None and key != "since"
    }
    since = _read_instant(found["since"], problems)
    code, subject = texts.get("code", ""), texts.get("subject", "")
    if found["code"] is not None and code:
        _refuse_code(found["code"], code, subject, problems)
    if len(problems) > before or since is None:
        return None
    return EndedAlarm(code, subject, texts["source"], since, texts["who"], texts["why"])


def _refuse_code(value: Value, code: str, subject: str, problems: Problems) -> None:
    if code not in _CODES:
        known = did_you_mean(code, _CODES)
        value.refuse(problems, f"{quoted(code)} is no alarm's code", known)
    elif code in SEV0_CODES or (code == codes.CONTRADICTION and subject == KILL_SWITCH):
        value.refuse(
            problems,
            f"{code} about {quoted(subject)} is a P0, and no human ends one",
            f"take it out; the page of {code} says what clears it",
        )


def _read_instant(value: Value | None, problems: Problems) -> datetime | None:
    if value is None:
        return None
    with suppress(ValueError, OverflowError):
        if INSTANT.fullmatch(value.scalar):
            return datetime.fromisoformat(value.scalar).astimezone(UTC)
    value.refuse(
        problems,
        f"{quoted(value.scalar)} is no instant with its zone",
        "copy the alarm's since from /api/v1/posture, such as 2026-11-18T15:15:03.250Z",
    )
    return None


FLEET_KEYS = (
    "agents", "cluster", "ended_alarms", "execution", "kill_switch", "known_workloads",
    "repository_lints", "safety",
)  # fmt: skip

MAX_AGENTS = 10_000


def load_fleet(path: Path, *, default_interval: float, default_deadline: float) -> Fleet:
    """
    Load the inventory, or raise a `ConfigurationError` that names every problem it has.

    The predecessor's file is accepted as it is. An entry that says nothing of its own cadence
    takes the defaults (seconds).
    """
    problems = Problems()
    source = read_yaml(path, what="fleet file")
    fields = source.root.fields(FLEET_KEYS, problems)
    defaults = Defaults(default_interval, default_deadline, path.parent)
    fleet = read_fleet(source, fields, defaults, problems)
    problems.raise_if_any()
    return fleet


def read_fleet(
    source: YamlSource, fields: dict[str, Value], defaults: Defaults, problems: Problems
) -> Fleet:
    """Read the inventory out of a file's top-level fields; usable when no problem was noted."""
    access = read_cluster(fields.get("cluster"), defaults.folder, problems)
    told = fields.get("repository_lints")
    lints = told.choice(RepositoryLints, problems) if told else None
    ended = read_ended_alarms(fields.get("ended_alarms"), problems)
    switch_file = read_switch_file(fields.get("kill_switch"), problems)
    agents = fields.get("agents")
    if agents is None:
        if source.root.kind == "map":
            source.root.refuse(problems, "there is no list of agents", "add agents:")
        return Fleet((), source.digest, source.name, access=access, repository_lints=lints)
    before = len(problems)
    entries = [
        read_entry(v, defaults, problems) for v in agents.items(problems, at_most=MAX_AGENTS)
    ]
    if not entries and len(problems) == before:
        agents.refuse(problems, "the fleet is empty", "list at least one agent")
    _refuse_duplicates(entries, problems)
    _refuse_unknown_dependencies(entries, problems)
    _refuse_cycle(entries, problems)
    usable = [entry.agent for entry in entries if entry.agent is not None]
    known = read_known_workloads(fields.get("known_workloads"), usable, problems)
    in_order = tuple(sorted(usable, key=lambda agent: agent.agent_name))
    safety = read_safety(fields.get("safety"), usable, problems)
    return Fleet(
        in_order,
        source.digest,
        source.name,
        access=access,
        repository_lints=lints,
        ended_alarms=ended,
        known_workloads=known,
        execution=read_execution(fields.get("execution"), _executing(in_order), problems),
        switch_file=switch_file,
        safety=safety,
    )


def _executing(agents: Sequence[Agent]) -> frozenset[tuple[str, str, str]]:
    """Give the workloads that the inventory itself calls execution."""
    named = (a.workload for a in agents if a.kind is Kind.EXECUTION)
    return frozenset((w.namespace, w.kind, w.name) for w in named if w is not None)


def _refuse_duplicates(entries: list[Entry], problems: Problems) -> None:
    first: dict[str, Entry] = {}
    for entry in entries:
        known = first.setdefault(entry.name, entry)
        if entry.name and known is not entry:
            entry.name_value.refuse(
                problems,
                f"{quoted(entry.name)} is listed twice, first on line {known.name_value.line}",
                "give each agent a name of its own",
            )


def _refuse_unknown_dependencies(entries: list[Entry], problems: Problems) -> None:
    names = {entry.name for entry in entries}
    for entry in entries:
        for name, value in entry.depends_on:
            if name not in names:
                known = did_you_mean(name, names - {""})
                value.refuse(problems, f"depends on {quoted(name)}, which is not listed", known)


def _refuse_cycle(entries: list[Entry], problems: Problems) -> None:
    needs: dict[str, set[str]] = {}
    places: dict[tuple[str, str], Value] = {}
    for entry in entries:
        for name, value in entry.depends_on:
            needs.setdefault(entry.name, set()).add(name)
            places[(entry.name, name)] = value
    try:
        graphlib.TopologicalSorter(needs).prepare()
    except graphlib.CycleError as error:
        # graphlib walks from a dependency to its dependent; people read it the other way round.
        cycle = [str(name) for name in reversed(cast("list[object]", error.args[1]))]
        places[(cycle[0], cycle[1])].refuse(
            problems, f"depends on itself: {' -> '.join(cycle)}", "take one dependency out"
        )
