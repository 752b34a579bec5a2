"""Configuration: one entry of the fleet file, read strictly into an agent."""

import re
from dataclasses import dataclass

from mission_control.configuration.agent_details import required
from mission_control.configuration.agent_fields import AgentFields, Defaults
from mission_control.configuration.problems import Problems, quoted
from mission_control.configuration.yaml_value import Value
from mission_control.model.fleet import Agent

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
