"""Every setting there is, and every name by which it may be given."""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum

from mission_control.configuration.yaml_value import Problems, did_you_mean

OWN_PREFIX = "MISSION_CONTROL_"

CONFIG_VARIABLE = f"{OWN_PREFIX}CONFIG"
"""Names the YAML file; it is where settings come from and no setting itself."""

DEBUG_VARIABLE = f"{OWN_PREFIX}DEBUG"
"""Read by the command line: shows the traceback of an internal error."""

PAGES_VARIABLES = (f"{OWN_PREFIX}URL", f"{OWN_PREFIX}UI_HOST")
"""Read by the operator's pages, which may share an environment with us."""

SWITCH_VARIABLES = ("EXECUTION_HALTED", "EXEC_KILL_SWITCH")
"""The kill switch as the environment tells it: witnesses, not settings."""

IGNORED_VARIABLES = {
    "POLL_MAX_CONCURRENCY": "each service is asked on a cadence of its own",
    "EVENT_BUFFER_MAXLEN": "the newest 500 events are always kept",
    "DEPLOY_REPORT_PATH": "reports stand below the root",
}
"""Settings of the predecessor that have no meaning here; set, they change nothing."""


class Shape(StrEnum):
    """How a setting is written in the YAML file."""

    TEXT = "text"
    NUMBER = "number"
    LIST = "list"


@dataclass(frozen=True, slots=True)
class Setting:
    """One setting; `name` is its key in the YAML file. Without a default it may be absent."""

    name: str
    default: str | None = None
    shape: Shape = Shape.TEXT
    predecessors: tuple[str, ...] = ()

    @property
    def variable(self) -> str:
        """Name the variable of ours that gives it."""
        return OWN_PREFIX + self.name.upper()

    @property
    def flag(self) -> str:
        """Name the flag that gives it, where a command has one."""
        return "--" + self.name.replace("_", "-")


SETTINGS = (
    Setting("fleet_file", predecessors=("AGENTS_CONFIG_PATH",)),
    Setting("root", default="."),
    Setting("record_id"),
    Setting("host", default="127.0.0.1"),
    Setting("port", default="8080", shape=Shape.NUMBER),
    Setting("ui_port", default="8090", shape=Shape.NUMBER),
    Setting("namespace", default="trading-floor", predecessors=("NAMESPACE",)),
    Setting("context"),
    Setting("kubeconfig"),
    Setting("repository"),
    Setting("database_url"),
    Setting("history_trading_days", default="30", shape=Shape.NUMBER),
    Setting("log_format", default="json"),
    Setting(
        "interval_seconds",
        default="10",
        shape=Shape.NUMBER,
        predecessors=("POLL_INTERVAL_SECONDS",),
    ),
    Setting(
        "deadline_seconds",
        default="3.0",
        shape=Shape.NUMBER,
        predecessors=("PER_AGENT_TIMEOUT_SECONDS",),
    ),
    Setting(
        "kill_switch_file",
        default="/etc/agenttrader/kill-switch/EXECUTION_HALTED",
        predecessors=("EXECUTION_HALTED_FILE", "EXEC_KILL_SWITCH_FILE"),
    ),
    Setting("closures_file"),
    Setting("runbooks"),
    Setting("allowed_hosts", shape=Shape.LIST),
    Setting("durable_copy"),
    Setting("durable_copy_endpoint"),
    Setting("durable_copy_region", default="us-east-1"),
    Setting("durable_copy_credentials_file"),
)

SETTINGS_BY_NAME = {setting.name: setting for setting in SETTINGS}

SERVICE_LINK = re.compile(r"\w+_(SERVICE_HOST|SERVICE_PORT(_\w+)?|PORT_\d+_(TCP|UDP|SCTP)(_\w+)?)")
LINK_ADDRESS = re.compile(r"(tcp|udp|sctp)://.*")

KNOWN = frozenset(
    {CONFIG_VARIABLE, DEBUG_VARIABLE, *PAGES_VARIABLES, *(s.variable for s in SETTINGS)}
)


def is_service_link(name: str, value: str) -> bool:
    """
    Tell whether Kubernetes put the variable there, for a Service that is called as we are.

    In a pod beside a Service `mission-control`, Kubernetes sets `MISSION_CONTROL_SERVICE_HOST`
    and even `MISSION_CONTROL_PORT=tcp://10.0.0.1:80`: none of that is meant for us.
    """
    if not name.startswith(OWN_PREFIX):
        return False
    is_port_link = name.endswith("_PORT") and LINK_ADDRESS.fullmatch(value) is not None
    return is_port_link or SERVICE_LINK.fullmatch(name) is not None


def own_variables(environ: Mapping[str, str], problems: Problems) -> dict[str, str]:
    """Give the variables that are ours; an unknown one of ours is a problem, so is an empty one."""
    own: dict[str, str] = {}
    for name in sorted(environ):
        if not name.startswith(OWN_PREFIX) or is_service_link(name, environ[name]):
            continue
        if name not in KNOWN:
            problems.add("is no setting", where=name, remedy=did_you_mean(name, KNOWN))
        elif not environ[name].strip():
            problems.add("is set to nothing", where=name, remedy="give it a value, or unset it")
        else:
            own[name] = environ[name]
    return own


def notes_on(environ: Mapping[str, str]) -> tuple[str, ...]:
    """Say which variables were seen and change nothing."""
    notes = [
        f"{name} is accepted and ignored: {why}"
        for name, why in IGNORED_VARIABLES.items()
        if name in environ
    ]
    links = sum(is_service_link(name, value) for name, value in environ.items())
    if links:
        notes.append(f"{links} service-link variables of Kubernetes are ignored")
    return tuple(notes)
