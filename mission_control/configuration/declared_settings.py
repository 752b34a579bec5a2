"""Every setting there is, declared once: its type, its default, its meaning and its names."""
# ruff: noqa: RUF009  (each call declares a field)

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, fields, replace
from pathlib import Path
from typing import Any

from mission_control.configuration.addresses import redact_url
from mission_control.configuration.agent_entry import (
    DEFAULT_DEADLINE_SECONDS,
    DEFAULT_INTERVAL_SECONDS,
)
from mission_control.configuration.setting_values import (
    LOOPBACK_HOSTS,
    Found,
    read_allowed_hosts,
    read_context,
    read_database_url,
    read_destination,
    read_endpoint,
    read_existing_folder,
    read_folder,
    read_history_days,
    read_host,
    read_log_format,
    read_namespace,
    read_path,
    read_port,
    read_record_id,
    read_region,
    read_seconds,
)
from mission_control.durable_copy.model import S3Address
from mission_control.market_calendar.closures import Closure
from mission_control.model.fleet import Fleet

OWN_PREFIX = "MISSION_CONTROL_"
RUNBOOKS = Path(__file__).resolve().parents[2] / "runbooks"


@dataclass(frozen=True, slots=True)
class Setting:
    """
    One setting; `name`, after which all its names go, is its key in the YAML file.

    `read` turns a text into the value, or raises `ConfigurationError`. With a `metavar` commands
    have a flag for it. `predecessors` are the variables that gave it to the predecessor.
    """

    read: Callable[[Found], object]
    help: str
    metavar: str = ""
    predecessors: tuple[str, ...] = ()
    name: str = ""
    default: object = None

    @property
    def variable(self) -> str:
        """Return the variable of ours that gives it."""
        return OWN_PREFIX + self.name.upper()

    @property
    def flag(self) -> str:
        """Return the flag that gives it, where a command has one."""
        return "--" + self.name.replace("_", "-")


def _is(
    read: Callable[[Found], object],
    about: str,
    metavar: str = "",
    *predecessors: str,
    default: object = None,
    **more: str,
) -> Any:  # noqa: ANN401  (dataclasses take it for a field of any type)
    declared = Setting(read, about, metavar, predecessors, default=default, **more)
    shown = read is not read_database_url
    return field(default=default, repr=shown, metadata={"setting": declared})


@dataclass(frozen=True, slots=True)
class Settings:
    """
    What is in force, and where each part of it came from.

    Each setting is declared here alone: name, type, default, how its text is read, what it means,
    the metavariable of its flag where commands have one, and the predecessor's variables. `sources`
    names for each the flag, variable or `file:line` it was taken from; `notes` are sentences on
    what was accepted and may surprise. `config_digest` is the SHA-256 in hex of all of it, so
    equal digests mean equal configuration. `kill_switch_environment` holds those of
    EXECUTION_HALTED and EXEC_KILL_SWITCH that are set, exactly as they are set.
    `kill_switch_file` is None where the fleet file says that there is none here.
    """

    fleet: Fleet = _is(
        read_path,
        "The fleet file: the services of the floor.",
        "FILE",
        "AGENTS_CONFIG_PATH",
        name="fleet_file",
    )
    root: Path = _is(read_folder, "The folder of audit_artifacts/ and ops/lkg/.", "DIR")
    record_id: str | None = _is(
        read_record_id, "The record that the root must hold; another is refused.", "ID"
    )
    host: str = _is(read_host, "The loopback address to listen on.", "HOST", default="127.0.0.1")
    port: int = _is(read_port, "The API's port.", "PORT", default=8080)
    ui_port: int = _is(read_port, "The operator's pages' port.", "PORT", default=8090)
    namespace: str = _is(
        read_namespace,
        "The floor's namespace, which holds the kill switch.",
        "NS",
        "NAMESPACE",
        default="trading-floor",
    )
    context: str | None = _is(read_context, "Read the cluster of this kubeconfig context.", "NAME")
    kubeconfig: Path | None = _is(
        read_path, "The kubeconfig, instead of KUBECONFIG or ~/.kube/config.", "FILE"
    )
    repository: Path | None = _is(
        read_existing_folder, "The fleet's repository, for the checks of change control.", "DIR"
    )
    database_url: str | None = _is(
        read_database_url, "The history's database; without it, SQLite below the root."
    )
    history_trading_days: int = _is(
        read_history_days,
        "For how many trading days history is kept; never fewer than 30.",
        default=30,
    )
    log_format: str = _is(
        read_log_format, "The shape of the log on stderr: json or console.", default="json"
    )
    interval_seconds: float = _is(
        read_seconds,
        "How often a service is asked, where the fleet file does not say.",
        "",
        "POLL_INTERVAL_SECONDS",
        default=DEFAULT_INTERVAL_SECONDS,
    )
    deadline_seconds: float = _is(
        read_seconds,
        "The total deadline of one round over one service.",
        "",
        "PER_AGENT_TIMEOUT_SECONDS",
        default=DEFAULT_DEADLINE_SECONDS,
    )
    kill_switch_file: Path | None = _is(
        read_path,
        "The kill switch's file: the ConfigMap's live mount, or authoritative.",
        "",
        "EXECUTION_HALTED_FILE",
        "EXEC_KILL_SWITCH_FILE",
        default=Path("/etc/agenttrader/kill-switch/EXECUTION_HALTED"),
    )
    closures_file: Path | None = _is(read_path, "Published ad-hoc closures of the exchange.")
    runbooks: Path = _is(
        read_existing_folder, "The pages that reason codes lead to.", default=RUNBOOKS
    )
    allowed_hosts: tuple[str, ...] = _is(
        read_allowed_hosts,
        "Further names that API and pages go by, without a port.",
        default=LOOPBACK_HOSTS,
    )
    durable_copy: Path | S3Address | None = _is(
        read_destination, "Where what was recorded is copied to: a folder, or s3://bucket/prefix."
    )
    durable_copy_endpoint: str | None = _is(
        read_endpoint, "The address of an S3-compatible store; without it, AWS's own."
    )
    durable_copy_region: str = _is(
        read_region, "The region that requests to the store are signed for.", default="us-east-1"
    )
    durable_copy_credentials_file: Path | None = _is(
        read_path, "The store's credentials; without it, where AWS's tools look."
    )
    kill_switch_environment: Mapping[str, str] = field(default_factory=dict[str, str])
    closures: tuple[Closure, ...] = ()
    closures_digest: str = ""
    config_file: Path | None = None
    config_digest: str = ""
    sources: Mapping[str, str] = field(default_factory=dict[str, str])
    notes: tuple[str, ...] = ()

    def shown(self) -> dict[str, str]:
        """Return every setting as text that may be shown, logged and compared."""
        texts = {name: getattr(self, name) for name in SETTINGS_BY_NAME if name != "fleet_file"}
        texts["fleet_file"] = self.fleet.source
        texts["allowed_hosts"] = ",".join(self.allowed_hosts)
        texts["database_url"] = redact_url(self.database_url) if self.database_url else ""
        return {name: "" if text is None else str(text) for name, text in sorted(texts.items())}


SETTINGS = tuple(
    replace(declared, name=declared.name or each.name)
    for each in fields(Settings)
    for declared in each.metadata.values()
)
"""Every setting there is, in the order of their declaration."""
SETTINGS_BY_NAME = {setting.name: setting for setting in SETTINGS}
