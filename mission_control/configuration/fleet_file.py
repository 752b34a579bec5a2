"""The fleet file, which says who is on the floor, read strictly and whole."""

import graphlib
import re
from collections.abc import Sequence
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Annotated, Any, cast

import yaml
from pydantic import (
    AfterValidator,
    BeforeValidator,
)

from mission_control.configuration.agent_entry import WORKLOADS, AgentEntry, WorkloadEntry
from mission_control.configuration.cluster_entry import ClusterEntry, as_mapping
from mission_control.configuration.floor_entry import MAX_FLOORS, FloorEntry
from mission_control.configuration.yaml_file import (
    Problems,
    did_you_mean,
    quoted,
    read_yaml,
    scalar,
)
from mission_control.configuration.yaml_part import (
    Each,
    Part,
    Reading,
    Sentence,
    kind_of,
    listed,
    made,
    one_of,
    read_text,
    refuse_repeated,
    refused,
    text,
    usable,
    written,
)
from mission_control.errors import ConfigurationError
from mission_control.floor.model import KILL_SWITCH, SEV0_CODES
from mission_control.model import codes
from mission_control.model.execution_rules import (
    DEFAULT_SWITCHES,
    NOTHING_ADDED,
    PATTERNS,
    SwitchEvidence,
)
from mission_control.model.fleet import (
    ContractKind,
    Criticality,
    Execution,
    Fleet,
    Kind,
    RepositoryLints,
    Safety,
    SwitchFile,
)
from mission_control.model.kill_switch import KillSwitchState

MAX_AGENTS = 10_000
MAX_ENDED = 200
MAX_KNOWN = 1_000
MAX_PATTERNS, MAX_SWITCHES, MAX_EXEMPTIONS = 32, 64, 64
MAX_PATTERN = 64
MOST_TWINS = 2


_CODES = {c for name, c in vars(codes).items() if name.isupper() and isinstance(c, str)}
"""Every reason code; one that is misspelled would end nothing, and say nothing of it."""


_read_instant = written(
    r"\d{4}-\d{2}-\d{2}[Tt ]\d{2}:\d{2}:\d{2}(\.\d{1,6})?(Z|[+-]\d{2}:\d{2})",
    lambda text: datetime.fromisoformat(text).astimezone(UTC),
    "is no instant with its zone",
    "copy the alarm's since from /api/v1/posture, such as 2026-11-18T15:15:03.250Z",
)


class EndedAlarmEntry(Part):
    """An alarm that a human ended; a Sev-0 is refused, because none is ended by hand."""

    code: Sentence
    subject: Sentence
    source: Sentence
    since: Annotated[datetime, BeforeValidator(_read_instant)]
    who: Sentence
    why: Sentence

    def _check(self, reading: Reading) -> None:
        """Refuse a code that no alarm has, and one of Sev-0."""
        code, about_switch = self.code, self.subject == KILL_SWITCH
        if not code:
            return
        if code not in _CODES:
            problem = f"{quoted(code)} is no alarm's code"
            reading.refuse(self.at("code"), problem, did_you_mean(code, _CODES))
        elif code in SEV0_CODES or (code == codes.CONTRADICTION and about_switch):
            reading.refuse(
                self.at("code"),
                f"{code} about {quoted(self.subject or '')} is a P0, and cannot be ended by hand",
                f"take it out; the page of {code} says what clears it",
            )


_EXECUTION = re.compile("|".join(PATTERNS))


class KnownWorkloadEntry(WorkloadEntry):
    """What runs beside the inventory: a workload, or a pod that nothing owns."""

    kind: Annotated[str, one_of(sorted((*WORKLOADS, "Pod")))]
    who: Sentence
    why: Sentence

    def check_against(self, agents: Sequence[AgentEntry], reading: Reading) -> None:
        """Refuse what the inventory names, which is known already, and execution."""
        told = quoted("/".join(self.key))
        agent = next((a for a in agents if _runs(a, self)), None)
        if agent is not None:
            problem = f"{told} runs the agent {quoted(agent.agent_name)}, which makes it known"
            reading.refuse(self.at(), problem, "take it out")
        elif _EXECUTION.search(self.name.casefold()):
            problem = f"{told} has a name of execution, which has to be an agent of kind execution"
            reading.refuse(self.at(), problem, "list it below agents, with kind: execution")


def _runs(agent: AgentEntry, known: KnownWorkloadEntry) -> bool:
    """Return whether it is an agent's own: the one named for it, else any of the agent's name."""
    if agent.workload is None:
        return agent.agent_name == known.name
    return agent.workload.key == known.key


_WORDS = r"[a-z0-9](?:[a-z0-9-]{0,63})"
_PATTERN = re.compile(rf"{_WORDS}(?:\|{_WORDS}){{0,31}}")
_NAME = re.compile(r"[A-Z_][A-Z0-9_]{0,99}")
_HARMLESS_LENGTH = 3
"""Shorter patterns are in too many names to tell anything apart."""


def _read_pattern(node: yaml.Node) -> str:
    """
    Read a pattern: words, with `|` between alternatives.

    A regular expression can be written that takes hours for a name of thirty letters; words
    cannot, and nothing else is needed to tell names apart.
    """
    pattern = read_text(node, MAX_PATTERN).casefold().replace("_", "-")
    if _PATTERN.fullmatch(pattern) is None or min(map(len, pattern.split("|"))) < _HARMLESS_LENGTH:
        raise refused(
            f"{quoted(scalar(node))} is no pattern of words",
            f"write words of {_HARMLESS_LENGTH} letters or more, with '-' inside and '|' between",
        )
    if pattern in PATTERNS:
        raise refused(f"{quoted(pattern)} is recognised in any case", "take it out")
    return pattern


def _upper_case(name: str) -> str:
    if _NAME.fullmatch(name) is None:
        problem = f"{quoted(name)} is no variable in upper case"
        raise refused(problem, "write it as a variable is named: A_NAME")
    return name


class SwitchEntry(Part):
    """A variable that is evidence of execution, as `evidence` says."""

    name: Annotated[str, text(100), AfterValidator(_upper_case)]
    evidence: Annotated[
        SwitchEvidence, one_of(e for e in SwitchEvidence if e is not SwitchEvidence.KILL_SWITCH)
    ]


class ExemptionEntry(Part):
    """A workload that only looks like execution while it runs this image."""

    workload: WorkloadEntry
    image: Sentence
    who: Sentence
    why: Sentence


class ExecutionEntry(Part):
    """What the fleet file adds to how execution is recognised; it takes nothing away."""

    patterns: Annotated[
        tuple[Each[Annotated[str, BeforeValidator(_read_pattern)]], ...], listed(MAX_PATTERNS)
    ] = ()
    switches: Annotated[tuple[Each[SwitchEntry], ...], listed(MAX_SWITCHES)] = ()
    exemptions: Annotated[tuple[Each[ExemptionEntry], ...], listed(MAX_EXEMPTIONS)] = ()

    def _check(self, reading: Reading) -> None:
        """Refuse a switch that has its meaning already."""
        known = {switch.name for switch in DEFAULT_SWITCHES}
        for switch in self.switches or ():
            if switch.name in known:
                why = f"{switch.name} is watched already, and what it means cannot be changed"
                reading.refuse(switch.at("name"), why, "take it out")
            elif switch.usable:
                known.add(switch.name)

    def check_against(self, agents: Sequence[AgentEntry], reading: Reading) -> None:
        """Refuse an exemption of what the inventory itself calls execution."""
        named = (a.workload for a in agents if a.kind is Kind.EXECUTION)
        executing = {workload.key for workload in named if workload is not None}
        for exemption in self.exemptions or ():
            exempted = exemption.workload
            if exempted and exempted.usable and exempted.key in executing:
                why = f"the inventory itself says that {exempted.kind} {exempted.name} is execution"
                reading.refuse(exemption.at("workload"), why, "take it out")

    def made(self) -> dict[str, Any]:
        """Return the fields of the rules."""
        exemptions = [
            {**each.workload.model_dump(), **each.model_dump(exclude={"workload"})}
            | {"image": each.image.casefold()}
            for each in self.exemptions
        ]
        return self.model_dump() | {"exemptions": exemptions}


SEEN_MODES = (
    "make it critical or important, with contract: rich, so that its mode is always seen;"
    " or take this line out"
)


def _read_required(node: yaml.Node) -> bool:
    """Read `true` or `none`; `false` must not be taken for one of them."""
    word = scalar(node) if kind_of(node) in {"bool", "str"} else ""
    if word not in {"true", "none"}:
        shown = quoted(scalar(node)) if scalar(node) else "it"
        raise refused(f"{shown} is none of true, none", "write true or none")
    return word != "none"


class SwitchFileEntry(Part):
    """What the kill switch's file is worth where Mission Control runs."""

    file: Annotated[SwitchFile, one_of(SwitchFile)] | None = None

    def _check(self, reading: Reading) -> None:
        """Refuse a mapping that says nothing."""
        if kind_of(self.at()) == "map" and not self.gives("file"):
            problem = "says nothing about the file"
            reading.refuse(self.at(), problem, "write file: authoritative or none")


class SwitchNeeds(Part):
    """What the fleet needs of its kill switch."""

    required: Annotated[bool, BeforeValidator(_read_required)] = True
    normal: Annotated[KillSwitchState, one_of(("ENGAGED", "DISENGAGED"))] = KillSwitchState.ENGAGED


class SafetyEntry(Part):
    """What the fleet needs for its safety; what is left out is as strict as it can be."""

    kill_switch: SwitchNeeds | None = None
    execution: Annotated[Execution, one_of(Execution)] = Execution.FORBIDDEN
    freshness: Annotated[str, one_of(("required", "none"))] = "required"

    def check_against(self, agents: Sequence[AgentEntry], reading: Reading) -> None:
        """
        Allow a laxer need only where modes are required evidence.

        A switch that is normally off, or execution on paper, leaves a service's mode to say
        whether it may trade.
        """
        if self.kill_switch and self.kill_switch.normal is KillSwitchState.DISENGAGED:
            _refuse_unseen_modes(self.kill_switch.at("normal"), agents, reading)
        if self.execution is Execution.PAPER:
            executing = [agent for agent in agents if agent.kind is Kind.EXECUTION]
            _refuse_unseen_modes(self.at("execution"), executing, reading)

    def made(self) -> dict[str, Any]:
        """Return the fields of the fleet's needs."""
        switch = self.kill_switch or SwitchNeeds.model_construct()
        return {
            "switch_required": switch.required,
            "switch_normal": switch.normal,
            "execution": self.execution,
            "freshness_required": self.freshness == "required",
        }


def _refuse_unseen_modes(node: yaml.Node, agents: Sequence[AgentEntry], reading: Reading) -> None:
    for agent in agents:
        if agent.criticality is Criticality.OPTIONAL or agent.contract is not ContractKind.RICH:
            problem = f"the mode of {quoted(agent.agent_name)} is not required evidence"
            reading.refuse(node, problem, SEEN_MODES)
            return


_AT_LEAST_ONE = (
    "list at least one agent; a Mission Control that only shows floors lists another one of them,"
    " with kind: ops (docs/floors.md)"
)


class FleetFile(Part):
    """The inventory, and what else a file says of its fleet."""

    cluster: Annotated[ClusterEntry, BeforeValidator(as_mapping)] | None = None
    repository_lints: Annotated[RepositoryLints, one_of(RepositoryLints)] | None = None
    ended_alarms: Annotated[tuple[Each[EndedAlarmEntry], ...], listed(MAX_ENDED)] = ()
    kill_switch: SwitchFileEntry | None = None
    agents: Annotated[tuple[Each[AgentEntry], ...], listed(MAX_AGENTS)] = ()
    known_workloads: Annotated[tuple[Each[KnownWorkloadEntry], ...], listed(MAX_KNOWN)] = ()
    execution: ExecutionEntry | None = None
    safety: SafetyEntry | None = None
    floors: Annotated[tuple[Each[FloorEntry], ...], listed(MAX_FLOORS)] = ()

    def _check(self, reading: Reading) -> None:
        """Judge the entries together; what is wrong with one entry does not hide another's."""
        agents = usable(self.agents)
        if self.gives("agents") and self.agents == ():
            reading.refuse(self.at("agents"), "the fleet is empty", _AT_LEAST_ONE)
        named = [(a.agent_name, a.at("agent_name")) for a in self.agents or () if a.agent_name]
        twice = "{0} is listed twice, first on line {1}"
        refuse_repeated(reading, named, "give each agent a name of its own", twice)
        _refuse_unknown_dependencies(self.agents or (), reading)
        _refuse_cycle(self.agents or (), reading)
        _refuse_on_twins(self.agents or (), reading)
        floors = [(f.name, f.at("name")) for f in self.floors or () if f.name]
        refuse_repeated(reading, floors, "give each floor a name of its own", twice)
        known = usable(self.known_workloads)
        for entry in known:
            entry.check_against(agents, reading)
        keys = [("/".join(entry.key), entry.at()) for entry in known]
        refuse_repeated(reading, keys, "take one of them out", twice)
        for part in (self.safety, self.execution):
            if part is not None:
                part.check_against(agents, reading)

    def made(self, reading: Reading) -> Fleet:
        """Return the fleet; only of a file without a problem."""
        agents = [agent.settled(reading) for agent in self.agents]
        access = self.cluster and self.cluster.made()
        known = sorted(self.known_workloads, key=lambda entry: entry.key)
        return made(
            Fleet,
            {
                "agents": sorted(agents, key=lambda agent: agent["agent_name"]),
                "digest": reading.source.digest,
                "source": reading.source.name,
                "access": access,
                "repository_lints": self.repository_lints,
                "ended_alarms": [entry.model_dump() for entry in self.ended_alarms],
                "known_workloads": [entry.model_dump() for entry in known],
                "execution": self.execution.made() if self.execution else NOTHING_ADDED,
                "switch_file": self.kill_switch.file if self.kill_switch else None,
                "safety": self.safety.made() if self.safety else Safety(),
                "floors": sorted((f.made() for f in self.floors), key=lambda f: f["name"]),
            },
        )


FLEET_KEYS = tuple(FleetFile.model_fields)
NO_FLEET = Fleet((), "", "")
"""Used after a problem was noted; the caller raises."""


def load_fleet(path: Path, *, default_interval: float, default_deadline: float) -> Fleet:
    """
    Load the inventory, or raise a `ConfigurationError` that names every problem it has.

    The predecessor's file is accepted as it is. An entry that says nothing of its own cadence
    takes the defaults (seconds).
    """
    problems = Problems()
    source = read_yaml(path, what="fleet file")
    reading = Reading(source, problems, path.parent, default_interval, default_deadline)
    fleet = read_fleet(reading.fields(source.root, FLEET_KEYS), reading)
    problems.raise_if_any()
    return fleet


def read_fleet(fields: dict[str, yaml.Node], reading: Reading) -> Fleet:
    """Read the inventory out of a file's top-level fields; after noting a problem, an empty one."""
    before = len(reading.problems)
    if "agents" not in fields:
        if kind_of(reading.source.root) == "map":
            reading.refuse(reading.source.root, "there is no list of agents", "add agents:")
        of_agents = {"known_workloads", "execution", "safety"}
        fields = {key: node for key, node in fields.items() if key not in of_agents}
    file = FleetFile.model_validate(fields, context=reading)
    if len(reading.problems) == before:
        return file.made(reading)
    return replace(NO_FLEET, switch_file=file.kill_switch.file if file.kill_switch else None)


def _refuse_unknown_dependencies(agents: Sequence[AgentEntry], reading: Reading) -> None:
    names = {agent.agent_name for agent in agents} - {None}
    for agent in agents:
        for name, node in agent.dependencies.items():
            if name not in names:
                problem = f"depends on {quoted(name)}, which is not listed"
                reading.refuse(node, problem, did_you_mean(name, names))


def _refuse_on_twins(agents: Sequence[AgentEntry], reading: Reading) -> None:
    """Refuse what waits for a twin, and a third one that watches: there are two at most."""
    twins = [agent for agent in agents if agent.twin]
    names = {agent.agent_name for agent in twins}
    for agent in agents:
        for name, node in agent.dependencies.items():
            if name in names:
                reading.refuse(node, f"depends on the twin {quoted(name)}", "take it out")
    for agent in twins[MOST_TWINS:]:
        problem = f"is the third twin: a floor is watched by {MOST_TWINS} at most"
        reading.refuse(agent.at("twin"), problem, "take one of them out")


def without_ourselves(fleet: Fleet, replica: str) -> Fleet:
    """
    Return the fleet as a replica watches it: both twins may be listed, and it is one of them.

    So one file serves both. Raises ConfigurationError where no single other twin is left.
    """
    twins = [agent for agent in fleet.agents if agent.twin]
    others = [agent for agent in twins if agent.agent_name != replica]
    if twins and len(others) != 1:
        told = " and ".join(agent.agent_name for agent in twins)
        raise ConfigurationError(
            f"the twins are {told}, and we are the replica {replica}: that leaves {len(others)}",
            where=fleet.source,
            key="agents",
            remedy="name the other one, as it names itself by MISSION_CONTROL_REPLICA",
        )
    agents = tuple(a for a in fleet.agents if not (a.twin and a.agent_name == replica))
    return replace(fleet, agents=agents)


def _refuse_cycle(agents: Sequence[AgentEntry], reading: Reading) -> None:
    needs = dict[str, set[str]]()
    places = dict[tuple[str, str], yaml.Node]()
    for agent in agents:
        for name, node in agent.dependencies.items():
            needs.setdefault(agent.agent_name or "", set()).add(name)
            places[(agent.agent_name or "", name)] = node
    try:
        graphlib.TopologicalSorter(needs).prepare()
    except graphlib.CycleError as error:
        # graphlib walks from a dependency to its dependent; people read it the other way round.
        cycle = [str(name) for name in reversed(cast("list[object]", error.args[1]))]
        reading.refuse(
            places[(cycle[0], cycle[1])],
            f"depends on itself: {' -> '.join(cycle)}",
            "take one dependency out",
        )
