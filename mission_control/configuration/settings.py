"""Everything that was decided before the start, read once and frozen."""

import hashlib
import json
import re
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path
from types import MappingProxyType
from typing import Any, cast

import yaml
from pydantic_core import PydanticCustomError

from mission_control.access.model import Auth
from mission_control.configuration.agent_entry import (
    CADENCE_REMEDY,
    DEFAULT_DEADLINE_SECONDS,
    DEFAULT_INTERVAL_SECONDS,
    SLOWEST_ANSWER_SECONDS,
    cadence_problem,
)
from mission_control.configuration.closures import ClosuresRead, load_closures
from mission_control.configuration.cluster_entry import settle_cluster
from mission_control.configuration.declared_settings import (
    SETTINGS,
    SETTINGS_BY_NAME,
    Settings,
    host_name,
    is_loopback,
    is_wildcard,
    read_path,
)
from mission_control.configuration.fleet_file import (
    FLEET_KEYS,
    NO_FLEET,
    load_fleet,
    read_fleet,
    without_ourselves,
)
from mission_control.configuration.setting import OWN_PREFIX, Found, Origin, Setting
from mission_control.configuration.yaml_file import (
    Problems,
    YamlSource,
    did_you_mean,
    read_yaml,
    scalar,
)
from mission_control.configuration.yaml_part import Reading, read_items, read_number, read_text
from mission_control.durable_copy.model import S3Address
from mission_control.market_calendar.closures import Closure
from mission_control.model.fleet import Fleet, SwitchFile

CONFIG_VARIABLE = f"{OWN_PREFIX}CONFIG"
"""Names the YAML file; it is where settings come from and no setting itself."""

DEBUG_VARIABLE = f"{OWN_PREFIX}DEBUG"
"""Read by the command line: shows the traceback of an internal error."""

_OF_PAGES = """
URL UI_HOST UI_TIMEOUT_SECONDS UI_AUTH UI_OIDC_ISSUER UI_OIDC_CLIENT_ID UI_OIDC_CLIENT_SECRET_FILE
UI_OIDC_SCOPES UI_OIDC_NAME_CLAIM UI_OIDC_GROUPS UI_COOKIE_KEY_FILE UI_IDENTITY_HEADER
UI_TRUSTED_PROXIES UI_API_TOKEN_FILE UI_CA_FILE UI_TLS_CERTIFICATE UI_TLS_KEY
"""
PAGES_VARIABLES = tuple(OWN_PREFIX + name for name in _OF_PAGES.split())
"""Read by the operator's pages, which may share an environment with us."""

SWITCH_VARIABLES = ("EXECUTION_HALTED", "EXEC_KILL_SWITCH")
"""The kill switch as the environment shows it: sources of evidence, not settings."""

IGNORED_VARIABLES = {
    "POLL_MAX_CONCURRENCY": "each service is asked on a cadence of its own",
    "EVENT_BUFFER_MAXLEN": "the newest 500 events are always kept",
    "DEPLOY_REPORT_PATH": "reports are written below the root",
    "EXECUTION_HALTED_DOC": "Firestore is not read",
    "EXEC_KILL_SWITCH_DOC": "Firestore is not read",
    "KUBERNETES_NAMESPACE": "the floor's namespace is named by NAMESPACE or --namespace",
    "TRADING_FLOOR_LABEL_SELECTOR": "whole namespaces are read",
    "MARKETDATA_HEALTH_URL": "services are asked at the inventory's addresses",
}
"""Settings of the predecessor that have no meaning here; set, they change nothing."""

ONLY_FOR_S3 = ("durable_copy_endpoint", "durable_copy_credentials_file")
MAX_LISTED = 64


SERVICE_LINK = re.compile(r"\w+_(SERVICE_HOST|SERVICE_PORT(_\w+)?|PORT_\d+_(TCP|UDP|SCTP)(_\w+)?)")
LINK_ADDRESS = re.compile(r"(tcp|udp|sctp)://.*")

KNOWN = frozenset(
    {CONFIG_VARIABLE, DEBUG_VARIABLE, *PAGES_VARIABLES, *(s.variable for s in SETTINGS)}
)


def is_service_link(name: str, value: str) -> bool:
    """
    Return whether Kubernetes put the variable there, for a Service that is called as we are.

    In a pod beside a Service `mission-control`, Kubernetes sets `MISSION_CONTROL_SERVICE_HOST`
    and even `MISSION_CONTROL_PORT=tcp://10.0.0.1:80`: none of that is meant for us.
    """
    if not name.startswith(OWN_PREFIX):
        return False
    is_port_link = name.endswith("_PORT") and LINK_ADDRESS.fullmatch(value) is not None
    return is_port_link or SERVICE_LINK.fullmatch(name) is not None


def _own_variables(environ: Mapping[str, str], problems: Problems) -> dict[str, str]:
    """Return the variables that are ours, noting unknown and empty ones."""
    own = dict[str, str]()
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


@dataclass(frozen=True, slots=True)
class _Given:
    """
    What flags, environment and configuration file give, and where problems with it are noted.

    `fields` are the file's top-level fields; `source` is None where there is no file, and where it
    could not be read, which was then noted as a problem.
    """

    flags: Mapping[str, object]
    environ: Mapping[str, str]
    path: Path | None
    problems: Problems
    source: YamlSource | None = None
    fields: Mapping[str, yaml.Node] = field(default_factory=dict[str, yaml.Node])
    found: dict[str, Found] = field(default_factory=dict[str, Found])

    @property
    def folder(self) -> Path:
        """Return the folder at which relative paths of the file start."""
        return self.path.absolute().parent if self.path else Path.cwd()

    def reading(self, source: YamlSource, interval: float = 0, deadline: float = 0) -> Reading:
        """Read the configuration file."""
        return Reading(source, self.problems, self.folder, interval, deadline)

    def value(self, name: str) -> object:
        """Return a setting's value; its default when it is absent or a problem was noted."""
        found, setting = self.found.get(name), SETTINGS_BY_NAME[name]
        if found is not None and found.stripped:
            with self.problems.gathering():
                return setting.read(found)
        return Path.cwd() if name == "root" else setting.default

    def refuse(self, names: tuple[str, ...], problem: str, remedy: str) -> None:
        """Note a problem with the first of these settings that is given."""
        found = next(self.found[name] for name in names if name in self.found)
        self.problems.take(found.refused(problem, remedy))


def _find_all(
    environ: Mapping[str, str], config_file: Path | None, flags: Mapping[str, object] | None
) -> _Given:
    """Find every setting that is given, the nearest source first."""
    named = environ.get(CONFIG_VARIABLE, "").strip()
    path = config_file or (Path(named) if named else None)
    given = _Given(flags or {}, environ, path, Problems())
    if path is not None:
        with given.problems.gathering():
            given = _with_file(given, read_yaml(path, what="configuration file"))
    own = _own_variables(environ, given.problems)
    for setting in SETTINGS:
        found = _find(setting, given, own)
        if found is not None:
            given.found[setting.name] = found
    return given


def _with_file(given: _Given, source: YamlSource) -> _Given:
    reading = given.reading(source)
    known = reading.fields(source.root, (*SETTINGS_BY_NAME, *FLEET_KEYS))
    if "agents" in known and "fleet_file" in known:
        reading.refuse(known["agents"], "there is a fleet_file too", "keep one of the two")
    if "agents" not in known:
        for key in (k for k in FLEET_KEYS if k in known):
            reading.refuse(known[key], "is read beside agents only", "move it there")
    return replace(given, source=source, fields=known)


def _find(setting: Setting, given: _Given, own: Mapping[str, str]) -> Found | None:
    name, here = setting.name, Path.cwd()
    flag = given.flags.get(name)
    if flag is not None:
        if not str(flag).strip():
            given.problems.add("is given nothing", where=setting.flag, remedy="give it a value")
        return Found(str(flag), Origin.FLAG, setting.flag, here)
    if setting.variable in own:
        return Found(own[setting.variable], Origin.VARIABLE, setting.variable, here)
    if given.source is not None and name in given.fields:
        node = given.fields[name]
        text = _file_text(setting, node, given.reading(given.source))
        return Found(text, Origin.FILE, given.source.where(node), given.folder, name)
    return _find_predecessor(setting, given)


def _find_predecessor(setting: Setting, given: _Given) -> Found | None:
    # The predecessor read a variable set to nothing as one that is not set.
    named = [name for name in setting.predecessors if given.environ.get(name, "").strip()]
    if not named:
        return None
    first, text = named[0], given.environ[named[0]]
    for other in named[1:]:
        if given.environ[other] != text:
            remedy = f"settle it with {setting.variable}"
            given.problems.add(f"has another value than {first}", where=other, remedy=remedy)
    return Found(text, Origin.PREDECESSOR, first, Path.cwd())


def _file_text(setting: Setting, node: yaml.Node, reading: Reading) -> str:
    """Return the text of a file's field, empty for one that YAML takes for something else."""
    try:
        if isinstance(setting.default, int | float):
            read_number(node)
            return scalar(node)
        if not isinstance(setting.default, tuple):
            return read_text(node)
        items = read_items(node, MAX_LISTED)
    except PydanticCustomError as error:
        reading.note(error, node)
        return ""
    return ",".join(_file_text(SETTINGS_BY_NAME["host"], item, reading) for item in items)


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
    given = _find_all(environ, config_file, flags)
    settled: dict[str, Any] = {
        name: given.value(name) for name in SETTINGS_BY_NAME if name != "fleet_file"
    }
    interval, deadline = settled["interval_seconds"], settled["deadline_seconds"]
    problem = cadence_problem(interval, deadline)
    if problem:
        given.refuse(("interval_seconds", "deadline_seconds"), problem, CADENCE_REMEDY)
        interval, deadline = DEFAULT_INTERVAL_SECONDS, DEFAULT_DEADLINE_SECONDS
    closures = _closures(given, settled["closures_file"])
    fleet = _fleet(given, interval, deadline)
    _refuse_contradictions(given, settled, fleet)
    if len(given.problems) == 0:
        with given.problems.gathering():
            fleet = without_ourselves(fleet, settled["replica"])
    if fleet.switch_file is SwitchFile.NONE:
        settled["kill_switch_file"] = None
    given.problems.raise_if_any()
    if not is_wildcard(settled["host"]):
        names = (*settled["allowed_hosts"], host_name(settled["host"]))
        settled["allowed_hosts"] = tuple(dict.fromkeys(names))
    place = settled["namespace"], settled["context"], settled["kubeconfig"]
    settings = Settings(
        fleet=settle_cluster(fleet, *place),
        kill_switch_environment=_switches(environ),
        closures=closures.closures,
        closures_digest=closures.digest,
        config_file=given.path,
        sources=MappingProxyType(_sources(given)),
        **settled,
    )
    return replace(settings, notes=_notes(settings, environ), config_digest=_digest(settings))


def _switches(environ: Mapping[str, str]) -> Mapping[str, str]:
    return MappingProxyType({n: environ[n] for n in SWITCH_VARIABLES if n in environ})


def _refuse_contradictions(given: _Given, settled: Mapping[str, Any], fleet: Fleet) -> None:
    """Refuse settings that are well alone and not beside each other, or beside the fleet file."""
    port = settled["port"]
    if port == settled["ui_port"]:
        both = f"port and ui_port are both {port}"
        given.refuse(("ui_port", "port"), both, "give each its own")
    _refuse_copy(given, settled["durable_copy"], settled["root"])
    _refuse_access(given, settled)
    _refuse_webhook(given)
    if fleet.switch_file is SwitchFile.NONE and "kill_switch_file" in given.found:
        problem = "names a file, and the fleet file says kill_switch: {file: none}"
        given.refuse(("kill_switch_file",), problem, "take one of the two out")


def _refuse_access(given: _Given, settled: Mapping[str, Any]) -> None:
    """Refuse what lets strangers read, and what is set and would protect nothing."""
    auth: Auth = settled["auth"]
    for of, is_on, needed in (
        ("tokens", auth.has_tokens, ("tokens_file",)),
        ("oidc", auth.has_oidc, ("oidc_issuer", "oidc_audience")),
    ):
        for name in needed:
            if is_on and name not in given.found:
                variable = SETTINGS_BY_NAME[name].variable
                given.refuse(("auth",), f"{auth} needs {name}", f"set {variable} as well")
            elif not is_on and name in given.found:
                remedy = f"set MISSION_CONTROL_AUTH={of}, or take this out"
                given.refuse((name,), f"is not used, for auth is {auth}", remedy)
    both = [name for name in ("tls_certificate", "tls_key") if name in given.found]
    if len(both) == 1:
        given.refuse((both[0],), "certificate and key belong together", "set both, or neither")
    if not is_loopback(settled["host"]):
        _refuse_open_address(given, settled, encrypted=bool(both or settled["behind_proxy"]))


def _refuse_open_address(given: _Given, settled: Mapping[str, Any], *, encrypted: bool) -> None:
    """Refuse to listen off loopback where anyone could read, or read what others send."""
    host = f"{settled['host']} is not loopback"
    if settled["auth"] is Auth.NONE:
        remedy = "use 127.0.0.1, ::1 or localhost, or set MISSION_CONTROL_AUTH: docs/access.md"
        given.refuse(("host",), f"{host}, and no reader would be asked for a token", remedy)
    elif not encrypted:
        remedy = "set MISSION_CONTROL_TLS_CERTIFICATE and _TLS_KEY, or MISSION_CONTROL_BEHIND_PROXY"
        given.refuse(("host",), f"{host}, and tokens would be sent in plain text", remedy)


def load_closures_in_force(
    environ: Mapping[str, str], *, config_file: Path | None = None
) -> tuple[Closure, ...]:
    """
    Read only the published closures, so that the calendar can be asked without any fleet.

    Raises ConfigurationError for a closures file, or a file that names it, that cannot be used.
    """
    given = _find_all(environ, config_file, None)
    read = _closures(given, cast("Path | None", given.value("closures_file")))
    given.problems.raise_if_any()
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
    given = _find_all(environ, config_file, flags)
    root = cast("Path", given.value("root"))
    given.problems.raise_if_any()
    return root


def _closures(given: _Given, path: Path | None) -> ClosuresRead:
    if path is not None:
        with given.problems.gathering():
            return load_closures(path)
    return ClosuresRead()


def _fleet(given: _Given, interval: float, deadline: float) -> Fleet:
    """Load the fleet from the nearest source: its own file, or the configuration file."""
    if given.source is not None and _fleet_is_in_file(given):
        listed = {key: given.fields[key] for key in FLEET_KEYS if key in given.fields}
        return read_fleet(listed, given.reading(given.source, interval, deadline))
    named = given.found.get("fleet_file")
    if named is not None:
        with given.problems.gathering():
            path = read_path(named)
            return load_fleet(path, default_interval=interval, default_deadline=deadline)
    elif given.path is None or given.source is not None:
        # A file that could not be read may name one.
        given.problems.add(
            "is not set, and no fleet file is named elsewhere",
            where="MISSION_CONTROL_FLEET_FILE",
            remedy="set it, give --fleet-file, or list agents in the configuration file",
        )
    return NO_FLEET


def load_fleet_again(path: Path, settings: Settings) -> Fleet:
    """
    Load the fleet as a start with the same settings would; nothing of it comes into force.

    Raises ConfigurationError for what a start would refuse in this file.
    """
    interval, deadline = settings.interval_seconds, settings.deadline_seconds
    if settings.config_file is None or path != settings.config_file:
        return load_fleet(path, default_interval=interval, default_deadline=deadline)
    problems = Problems()
    source = read_yaml(path, what="configuration file")
    reading = Reading(source, problems, path.absolute().parent, interval, deadline)
    fields = reading.fields(source.root, (*SETTINGS_BY_NAME, *FLEET_KEYS))
    fleet = read_fleet({key: fields[key] for key in FLEET_KEYS if key in fields}, reading)
    problems.raise_if_any()
    return fleet


def _fleet_is_in_file(given: _Given) -> bool:
    named = given.found.get("fleet_file")
    nearer = named is not None and named.origin in {Origin.FLAG, Origin.VARIABLE}
    return "agents" in given.fields and not nearer


def _refuse_copy(given: _Given, destination: Path | S3Address | None, root: Path) -> None:
    """Refuse a copy that would be a part of what it copies, and what only a store needs."""
    if isinstance(destination, Path):
        there, here = destination.resolve(), root.resolve()
        if there == here or here in there.parents:
            remedy = "name a folder of another disk, outside of the root"
            given.refuse(("durable_copy",), f"lies within the root {here}", remedy)
    if not isinstance(destination, S3Address):
        for name in ONLY_FOR_S3:
            if name in given.found and given.found[name].stripped:
                remedy = "write durable_copy as s3://bucket/prefix, or take this out"
                given.refuse((name,), "is only for a durable copy in an S3 store", remedy)


def _refuse_webhook(given: _Given) -> None:
    """Refuse a webhook without its key: a page that is not signed can be forged."""
    both = ("alert_webhook_url", "alert_webhook_secret_file")
    named = [name for name in both if name in given.found]
    if len(named) == 1:
        other = next(name for name in both if name not in named)
        given.refuse((named[0],), f"needs {other} beside it", "set both, or neither")


def _sources(given: _Given) -> dict[str, str]:
    """Return for each setting where it was taken from."""
    sources = dict.fromkeys(SETTINGS_BY_NAME, "default")
    sources |= {name: f"{found.origin} {found.where}" for name, found in given.found.items()}
    if given.source is not None and _fleet_is_in_file(given):
        sources["fleet_file"] = f"{Origin.FILE} {given.source.where(given.fields['agents'])}"
    return sources


def _notes(settings: Settings, environ: Mapping[str, str]) -> tuple[str, ...]:
    """Return which variables were seen and change nothing, and what may surprise."""
    notes = [
        f"{name} is accepted and ignored: {why}"
        for name, why in IGNORED_VARIABLES.items()
        if name in environ
    ]
    links = sum(is_service_link(name, value) for name, value in environ.items())
    if links:
        notes.append(f"{links} service-link variables of Kubernetes are ignored")
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
