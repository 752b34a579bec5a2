"""Configuration: the fleet file, which says who is on the floor, read strictly and whole."""

import graphlib
from collections.abc import Sequence
from pathlib import Path
from typing import cast

from mission_control.configuration.agent_entry import Entry, read_entry
from mission_control.configuration.agent_fields import Defaults
from mission_control.configuration.cluster_access import read_cluster
from mission_control.configuration.ended_alarms import read_ended_alarms
from mission_control.configuration.execution_rules import read_execution
from mission_control.configuration.known_workloads import read_known_workloads
from mission_control.configuration.problems import Problems, did_you_mean, quoted
from mission_control.configuration.safety import read_safety, read_switch_file
from mission_control.configuration.yaml_source import YamlSource, read_yaml
from mission_control.configuration.yaml_value import Value
from mission_control.model.fleet import Agent, Fleet, Kind, RepositoryLints

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
