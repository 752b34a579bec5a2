"""One entry of the fleet file, read strictly into an agent."""

import re
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import TypeVar
from urllib.parse import urlsplit

from mission_control.configuration.addresses import (
    MAX_URL,
    UnusableAddress,
    read_base_url,
    read_path,
)
from mission_control.configuration.agent_details import (
    read_file_path,
    read_owner,
    read_slo,
    read_tls,
    read_unobserved,
    read_workload,
    required,
)
from mission_control.configuration.yaml_value import Choice, Problems, Value, quoted
from mission_control.model.fleet import Agent, ContractKind, Criticality, Kind

DEFAULT_INTERVAL_SECONDS = 10.0
DEFAULT_DEADLINE_SECONDS = 3.0

SHORTEST_SECONDS = 0.1
LONGEST_CYCLE_SECONDS = 40.0
"""Evidence older than 45 s counts as unseen, so a whole cycle must fit well inside it."""

SLOWEST_ANSWER_SECONDS = 2.06
"""A strategy answers this late when the marketdata it asks hangs, and says HALTED then."""


def cadence_problem(interval_seconds: float, deadline_seconds: float) -> str:
    """Say why an interval and a deadline cannot stand together; empty when they can."""
    if min(interval_seconds, deadline_seconds) < SHORTEST_SECONDS:
        return f"an interval and a deadline are at least {SHORTEST_SECONDS:g} seconds"
    if interval_seconds + deadline_seconds > LONGEST_CYCLE_SECONDS:
        return (
            f"interval {interval_seconds:g} s and deadline {deadline_seconds:g} s "
            f"are together more than {LONGEST_CYCLE_SECONDS:g} s"
        )
    return ""


CADENCE_REMEDY = "evidence expires after 45 s: ask more often, or give up sooner"

T = TypeVar("T")

MAX_ENDPOINTS = 32

GATING_INTERVAL_SECONDS = 2.0
"""A critical service is asked this often while the session gates (semantics, section 2)."""
CLOUD_RUN_SUFFIX = ".run.app"


@dataclass(frozen=True, slots=True)
class Defaults:
    """What an entry falls back on; relative paths start at `folder`."""

    interval_seconds: float
    deadline_seconds: float
    folder: Path


@dataclass(frozen=True, slots=True)
class AgentFields:
    """An entry's fields, what stands in for those left out, and where problems are noted."""

    value: Value
    fields: dict[str, Value]
    defaults: Defaults
    problems: Problems

    def read(self, name: str, depends_on: tuple[str, ...]) -> Agent:
        """Read every field into an agent, which is usable when no problem was noted."""
        kind_value = required(self.fields, "kind", self.value, self.problems)
        kind = kind_value.choice(Kind, self.problems) if kind_value else None
        contract = self._choice("contract", ContractKind, ContractKind.RICH)
        service_dns = self._base_url(contract)
        interval, deadline = self._cadence()
        criticality = self._choice("criticality", Criticality, Criticality.IMPORTANT)
        brisk = criticality is Criticality.CRITICAL and "interval_seconds" not in self.fields
        agent = Agent(
            agent_name=name,
            kind=kind or Kind.OPS,
            service_dns=service_dns,
            criticality=criticality,
            expected_endpoints=self._endpoints(),
            contract=contract,
            interval_seconds=interval,
            deadline_seconds=deadline,
            depends_on=depends_on,
            workload=self._part("workload", read_workload),
            owner=self._part("owner", read_owner),
            slo=self._part("slo", read_slo),
            tls=self._part("tls", lambda v, p: read_tls(v, self.defaults.folder, p)),
            bearer_token_file=self._part(
                "bearer_token_file", lambda v, p: read_file_path(v, self.defaults.folder, p)
            ),
            gating_interval_seconds=min(GATING_INTERVAL_SECONDS, interval) if brisk else None,
            unobserved=self._part("unobserved", read_unobserved),
        )
        self._compare(agent)
        return agent

    def _choice(self, key: str, choices: type[Choice], default: Choice) -> Choice:
        value = self.fields.get(key)
        return default if value is None else value.choice(choices, self.problems) or default

    def _part(self, key: str, read: Callable[[Value, Problems], T]) -> T | None:
        value = self.fields.get(key)
        return None if value is None else read(value, self.problems)

    def _base_url(self, contract: ContractKind) -> str | None:
        value = self.fields.get("service_dns")
        if value is None:
            if contract is not ContractKind.NONE:
                required(self.fields, "service_dns", self.value, self.problems)
            return None
        return self._address(value, read_base_url)

    def _endpoints(self) -> tuple[str, ...]:
        value = self.fields.get("expected_endpoints")
        if value is None:
            return ()
        paths: list[str] = []
        for item in value.items(self.problems, at_most=MAX_ENDPOINTS):
            path = self._address(item, read_path)
            if path and path in paths:
                item.refuse(self.problems, f"{path} is listed twice", "list it once")
            paths.append(path)
        return tuple(paths)

    def _address(self, value: Value, read: Callable[[str], str]) -> str:
        text = value.text(self.problems, at_most=MAX_URL)
        try:
            return read(text) if text else ""
        except UnusableAddress as error:
            value.refuse(self.problems, error.problem, error.remedy)
            return ""

    def _cadence(self) -> tuple[float, float]:
        interval_value = self.fields.get("interval_seconds")
        deadline_value = self.fields.get("deadline_seconds")
        interval = interval_value.number(self.problems) if interval_value else None
        deadline = deadline_value.number(self.problems) if deadline_value else None
        interval = self.defaults.interval_seconds if interval is None else interval
        deadline = self.defaults.deadline_seconds if deadline is None else deadline
        problem = cadence_problem(interval, deadline)
        if problem:
            place = interval_value or deadline_value or self.value
            place.refuse(self.problems, problem, CADENCE_REMEDY)
        return interval, deadline

    def _compare(self, agent: Agent) -> None:
        address = agent.service_dns or ""
        if agent.tls is not None and not address.startswith("https://"):
            self.fields["tls"].refuse(
                self.problems, "tls is given, and service_dns is not https", "write https://"
            )
        on_cloud_run = (urlsplit(address).hostname or "").endswith(CLOUD_RUN_SUFFIX)
        asked = agent.contract is not ContractKind.NONE
        if agent.kind is Kind.EXECUTION and on_cloud_run and asked:
            self.value.refuse(
                self.problems,
                "an execution service on Cloud Run is never asked: a request can start it",
                "write contract: none",
            )
        self._refuse_seen(agent)

    def _refuse_seen(self, agent: Agent) -> None:
        """Refuse that something is called unobserved which is seen, or has to be."""
        declared = self.fields.get("unobserved")
        if declared is None:
            return
        if agent.contract is not ContractKind.NONE:
            problem = f"it is asked over HTTP (contract: {agent.contract.value})"
            declared.refuse(self.problems, problem, "take this out, or write contract: none")
        if agent.workload is not None:
            problem = f"it is judged by its workload {agent.workload.name}"
            declared.refuse(self.problems, problem, "take one of the two out")
        if agent.criticality is Criticality.CRITICAL:
            problem = "a critical service has to be seen"
            declared.refuse(self.problems, problem, "give it an address, or take it out")


KNOWN_KEYS = (
    "agent_name",
    "kind",
    "service_dns",
    "criticality",
    "expected_endpoints",
    "contract",
    "interval_seconds",
    "deadline_seconds",
    "depends_on",
    "workload",
    "owner",
    "slo",
    "tls",
    "bearer_token_file",
    "unobserved",
)

AGENT_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,127}")
"""What can stand in a URL's path and in a label of a metric as it is."""

MAX_DEPENDENCIES = 256


@dataclass(frozen=True, slots=True)
class Entry:
    """
    An entry as it was read, usable or not, so that entries can be compared with each other.

    `agent` is None when a problem was noted; `name` is empty when it could not be read.
    """

    value: Value
    name: str
    name_value: Value
    depends_on: tuple[tuple[str, Value], ...]
    agent: Agent | None


def read_entry(value: Value, defaults: Defaults, problems: Problems) -> Entry:
    """Read one entry, noting every problem it has."""
    before = len(problems)
    fields = value.fields(KNOWN_KEYS, problems)
    name_value = required(fields, "agent_name", value, problems)
    name = _read_name(name_value, problems) if name_value else ""
    depends_on = _read_dependencies(fields.get("depends_on"), problems)
    reader = AgentFields(value, fields, defaults, problems)
    agent = reader.read(name, tuple(dependency for dependency, _ in depends_on))
    usable = agent if len(problems) == before else None
    return Entry(value, name, name_value or value, depends_on, usable)


def _read_name(value: Value, problems: Problems) -> str:
    text = value.text(problems)
    if text and AGENT_NAME.fullmatch(text) is None:
        value.refuse(
            problems,
            f"{quoted(text)} is no usable name",
            "use up to 128 letters, digits, '.', '_' and '-', beginning with a letter or digit",
        )
    return text


def _read_dependencies(value: Value | None, problems: Problems) -> tuple[tuple[str, Value], ...]:
    if value is None:
        return ()
    found: dict[str, Value] = {}
    for item in value.items(problems, at_most=MAX_DEPENDENCIES):
        name = item.text(problems)
        if name in found:
            item.refuse(problems, f"{quoted(name)} is listed twice", "list it once")
        elif name:
            found[name] = item
    return tuple(found.items())
