"""Everything that was decided before the start, read once and frozen."""

import hashlib
import json
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path
from types import MappingProxyType

from mission_control.configuration import settings_reader as values
from mission_control.configuration.addresses import redact_url
from mission_control.configuration.agent_entry import (
    DEFAULT_DEADLINE_SECONDS,
    DEFAULT_INTERVAL_SECONDS,
    SLOWEST_ANSWER_SECONDS,
)
from mission_control.configuration.durable_copy import durable_copy_settings
from mission_control.configuration.fleet_file import settle_cluster
from mission_control.configuration.found_settings import (
    ConfigFile,
    Sources,
    find_settings,
    read_config_file,
)
from mission_control.configuration.names import (
    CONFIG_VARIABLE,
    SETTINGS,
    SWITCH_VARIABLES,
    notes_on,
)
from mission_control.configuration.settings_reader import SettingsReader
from mission_control.configuration.yaml_value import Problems
from mission_control.durable_copy.model import S3Address
from mission_control.market_calendar.closures import Closure
from mission_control.model.fleet import Fleet

RUNBOOKS = Path(__file__).resolve().parents[2] / "runbooks"


@dataclass(frozen=True, slots=True)
class Settings:
    """
    What is in force, and where each part of it came from.

    `sources` names for each setting the flag, variable or `file:line` it was taken from; `notes`
    are sentences on what was accepted and may surprise. `config_digest` is the SHA-256 in hex of
    all of it, so equal digests mean equal configuration. `kill_switch_environment` holds those
    of EXECUTION_HALTED and EXEC_KILL_SWITCH that are set, exactly as they are set.
    `kill_switch_file` is None where the fleet file says that there is none here.
    """

    fleet: Fleet
    root: Path
    runbooks: Path
    record_id: str | None = None
    host: str = "127.0.0.1"
    port: int = 8080
    ui_port: int = 8090
    namespace: str = "trading-floor"
    context: str | None = None
    kubeconfig: Path | None = None
    repository: Path | None = None
    database_url: str | None = field(default=None, repr=False)
    history_trading_days: int = 30
    log_format: str = "json"
    interval_seconds: float = DEFAULT_INTERVAL_SECONDS
    deadline_seconds: float = DEFAULT_DEADLINE_SECONDS
    kill_switch_file: Path | None = Path("/etc/agenttrader/kill-switch/EXECUTION_HALTED")
    kill_switch_environment: Mapping[str, str] = field(default_factory=dict[str, str])
    closures: tuple[Closure, ...] = ()
    closures_file: Path | None = None
    closures_digest: str = ""
    allowed_hosts: tuple[str, ...] = values.LOOPBACK_HOSTS
    durable_copy: Path | S3Address | None = None
    durable_copy_endpoint: str | None = None
    durable_copy_region: str = "us-east-1"
    durable_copy_credentials_file: Path | None = None
    config_file: Path | None = None
    config_digest: str = ""
    sources: Mapping[str, str] = field(default_factory=dict[str, str])
    notes: tuple[str, ...] = ()

    def shown(self) -> dict[str, str]:
        """Give every setting as text that may be shown, logged and compared."""
        texts = {s.name: getattr(self, s.name) for s in SETTINGS if s.name != "fleet_file"}
        texts["fleet_file"] = self.fleet.source
        texts["allowed_hosts"] = ",".join(self.allowed_hosts)
        texts["database_url"] = redact_url(self.database_url) if self.database_url else ""
        return {name: "" if text is None else str(text) for name, text in sorted(texts.items())}


def load_settings(
    environ: Mapping[str, str],
    *,
    config_file: Path | None = None,
    flags: Mapping[str, object] | None = None,
) -> Settings:
    """
    Settle every setting, or raise a `ConfigurationError` that names all that is wrong.

    The nearest source wins: `flags` (by setting name, None for one not given), our variables,
    the YAML file, the predecessor's variables, the defaults. `config_file` is the YAML file's
    path where a flag gave it; otherwise MISSION_CONTROL_CONFIG names it.
    """
    problems = Problems()
    named = environ.get(CONFIG_VARIABLE, "").strip()
    file = read_config_file(config_file or (Path(named) if named else None), problems)
    sources = Sources(flags or {}, environ, file.fields, file.folder, Path.cwd())
    reader = SettingsReader(find_settings(sources, problems), problems)
    settings = _settle(reader, file, environ)
    problems.raise_if_any()
    return replace(settings, notes=_notes(settings, environ), config_digest=_digest(settings))


def load_closures_in_force(
    environ: Mapping[str, str], *, config_file: Path | None = None
) -> tuple[Closure, ...]:
    """
    Read only the published closures, so that the calendar can be asked without any fleet.

    Raises ConfigurationError for a closures file, or a file that names it, that cannot be used.
    """
    problems = Problems()
    named = environ.get(CONFIG_VARIABLE, "").strip()
    file = read_config_file(config_file or (Path(named) if named else None), problems)
    sources = Sources({}, environ, file.fields, file.folder, Path.cwd())
    _, read = SettingsReader(find_settings(sources, problems), problems).closures()
    problems.raise_if_any()
    return read.closures


def load_root_in_force(
    environ: Mapping[str, str],
    *,
    config_file: Path | None = None,
    flags: Mapping[str, object] | None = None,
) -> Path:
    """
    Settle only where artifacts live, so that they can be read and verified without any fleet.

    Raises ConfigurationError for a root, or a file that names it, that cannot be used.
    """
    problems = Problems()
    named = environ.get(CONFIG_VARIABLE, "").strip()
    file = read_config_file(config_file or (Path(named) if named else None), problems)
    sources = Sources(flags or {}, environ, file.fields, file.folder, Path.cwd())
    found = SettingsReader(find_settings(sources, problems), problems)
    root = found.read("root", values.read_folder, Path())
    problems.raise_if_any()
    return root


def _settle(reader: SettingsReader, file: ConfigFile, environ: Mapping[str, str]) -> Settings:
    interval, deadline = reader.cadence()
    port, ui_port = reader.ports()
    closures_file, closures = reader.closures()
    read = reader.read
    host = read("host", values.read_host, "")
    allowed_hosts = read("allowed_hosts", values.read_allowed_hosts, values.LOOPBACK_HOSTS)
    namespace = read("namespace", values.read_namespace, "")
    context = read("context", values.read_context, None)
    kubeconfig = read("kubeconfig", values.read_path, None)
    fleet = reader.fleet(file, interval, deadline)
    root = read("root", values.read_folder, Path())
    return Settings(
        fleet=settle_cluster(fleet, namespace, context, kubeconfig),
        root=root,
        record_id=read("record_id", values.read_record_id, None),
        runbooks=read("runbooks", values.read_existing_folder, RUNBOOKS),
        host=host,
        port=port,
        ui_port=ui_port,
        namespace=namespace,
        context=context,
        kubeconfig=kubeconfig,
        repository=read("repository", values.read_existing_folder, None),
        database_url=read("database_url", values.read_database_url, None),
        history_trading_days=read("history_trading_days", values.read_history_days, 30),
        log_format=read("log_format", values.read_log_format, ""),
        interval_seconds=interval,
        deadline_seconds=deadline,
        kill_switch_file=reader.switch_file(fleet),
        kill_switch_environment=MappingProxyType(
            {name: environ[name] for name in SWITCH_VARIABLES if name in environ}
        ),
        closures=closures.closures,
        closures_file=closures_file,
        closures_digest=closures.digest,
        allowed_hosts=tuple(dict.fromkeys([*allowed_hosts, values.host_name(host)])),
        **durable_copy_settings(reader, root),
        config_file=file.path,
        sources=MappingProxyType(reader.sources(file)),
    )


def _notes(settings: Settings, environ: Mapping[str, str]) -> tuple[str, ...]:
    notes = list(notes_on(environ))
    if settings.deadline_seconds < SLOWEST_ANSWER_SECONDS:
        notes.append(
            f"deadline_seconds is {settings.deadline_seconds:g}: a strategy answers after "
            f"{SLOWEST_ANSWER_SECONDS:g} s when marketdata hangs, and would be missed"
        )
    if not settings.runbooks.is_dir():
        notes.append(f"there is no folder of runbooks at {settings.runbooks}")
    return tuple(notes)


def _digest(settings: Settings) -> str:
    in_force = {
        **settings.shown(),
        "fleet": settings.fleet.digest,
        "cluster": settings.fleet.cluster,
        "cluster_access": str(settings.fleet.access),
        "closures": [str(closure) for closure in settings.closures],
        "kill_switch_environment": dict(settings.kill_switch_environment),
    }
    return hashlib.sha256(json.dumps(in_force, sort_keys=True).encode()).hexdigest()
