"""Every setting, declared once: its type, its default, how it is read, its meaning, its names."""
# ruff: noqa: RUF009  (each call declares a field)

import ipaddress
import re
from collections.abc import Callable, Mapping
from contextlib import suppress
from dataclasses import dataclass, field, fields, replace
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from mission_control.access.model import Auth, Scope
from mission_control.configuration import access_settings as access
from mission_control.configuration.addresses import (
    LABEL,
    MAX_PORT,
    UnusableAddress,
    database_url_problem,
    origin_of,
    read_base_url,
    read_told_url,
    redact_url,
)
from mission_control.configuration.agent_entry import (
    DEFAULT_DEADLINE_SECONDS,
    DEFAULT_INTERVAL_SECONDS,
)
from mission_control.configuration.setting import Found, Setting, matching, whole_number
from mission_control.configuration.yaml_file import did_you_mean, quoted
from mission_control.configuration.yaml_part import DECIMAL, KUBERNETES_NAME
from mission_control.durable_copy.model import S3Address
from mission_control.market_calendar.closures import Closure
from mission_control.model.fleet import Fleet

SHIPPED = Path(__file__).resolve().parents[1] / "shipped"
"""Runbooks, fleets, manifests and scripts: links in the source tree, and files in a wheel."""
RUNBOOKS = (SHIPPED / "runbooks").resolve()

LOOPBACK_HOSTS = ("localhost", "127.0.0.1", "[::1]")
"""Always answered to: they name this machine alone, so a foreign page cannot use them."""
LOG_FORMATS = ("json", "console")
LEAST_HISTORY_DAYS = 30
MAX_CONTEXT = 253
"""Longer than any name there is."""

_BUCKET = re.compile(r"[a-z0-9][a-z0-9.-]{1,61}[a-z0-9]")
_PART = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,199}")


read_port = whole_number("port", f"use one from 1 to {MAX_PORT}", 1, MAX_PORT)
read_history_days = whole_number(
    "number of trading days", f"use {LEAST_HISTORY_DAYS} or more", LEAST_HISTORY_DAYS, 99_999
)
read_namespace = matching(KUBERNETES_NAME.pattern, "namespace", "write it as trading-floor")
read_region = matching(r"[a-z0-9][a-z0-9-]{0,62}", "region", "write it as us-east-1")
read_replica = matching(
    r"[A-Za-z0-9][A-Za-z0-9._-]{0,62}", "name of a replica", "write it as mission-control-a"
)
read_record_id = matching(
    r"[0-9a-f]{16}",
    "id of a record",
    "copy record_id from audit_artifacts/record.json below the root",
)
_read_decimal = matching(DECIMAL.pattern, "number of seconds", "write it as 10")


def read_seconds(found: Found) -> float:
    """Return a number of seconds; whether they are sensible is judged with the others."""
    return float(_read_decimal(found))


def read_host(found: Found) -> str:
    """Return an address to listen on; whether it may is judged with how readers are known."""
    host = found.stripped.casefold()
    try:
        return host if host == "localhost" else str(ipaddress.ip_address(host))
    except ValueError:
        remedy = "use 127.0.0.1, ::1, localhost, or an address of this machine"
        raise found.refused(f"{quoted(found.text)} is no address", remedy) from None


def host_name(host: str) -> str:
    """Return an address as a `Host` header names it."""
    return f"[{host}]" if ":" in host else host


def is_loopback(host: str) -> bool:
    """Return whether only this machine reaches an address that is listened on."""
    return host == "localhost" or ipaddress.ip_address(host).is_loopback


def is_wildcard(host: str) -> bool:
    """Return whether an address stands for all of this machine's, and is no name for any."""
    return host != "localhost" and ipaddress.ip_address(host).is_unspecified


def read_context(found: Found) -> str:
    """Return the name of a kubeconfig's context."""
    if not found.stripped.isprintable() or len(found.stripped) > MAX_CONTEXT:
        raise found.refused(f"{quoted(found.text)} is no context", "kubectl config get-contexts")
    return found.stripped


def read_log_format(found: Found) -> str:
    """Return the shape of the log: `json` for machines, `console` for people."""
    if found.stripped not in LOG_FORMATS:
        known = did_you_mean(found.stripped, LOG_FORMATS)
        raise found.refused(f"{quoted(found.text)} is no log format", known)
    return found.stripped


def read_path(found: Found) -> Path:
    """Return an absolute path; a relative one starts where its source says."""
    if "\0" in found.text:
        raise found.refused("a path cannot hold a NUL", "take it out")
    return found.folder / found.stripped


def read_folder(found: Found) -> Path:
    """Return the path of a folder, which need not exist yet but must be nothing else."""
    path = read_path(found)
    with suppress(OSError):  # such as a name that is too long
        if path.is_dir() or not path.exists():
            return path
    raise found.refused(f"{quoted(found.text)} is not a folder", "name a folder")


def read_existing_folder(found: Found) -> Path:
    """Return the path of a folder that is there."""
    path = read_path(found)
    with suppress(OSError):
        if path.is_dir():
            return path
    raise found.refused(f"{quoted(found.text)} is not a folder", "name one that exists")


def read_database_url(found: Found) -> str:
    """Return a database's URL; a complaint never repeats it, because it may hold a password."""
    wrong = database_url_problem(found.stripped)
    if wrong is not None:
        raise found.refused(*wrong)
    return found.stripped


def read_allowed_hosts(found: Found) -> tuple[str, ...]:
    """Return the names that we may be called by, as in a `Host` header without its port."""
    hosts = [item.strip().casefold() for item in found.text.split(",")]
    for host in hosts:
        if host.startswith("[") and host.endswith("]") and _is_address(host[1:-1]):
            continue
        if not all(LABEL.fullmatch(label) for label in host.split(".")):
            remedy = "list names without a port, separated by commas"
            raise found.refused(f"{quoted(host)} is no host name", remedy)
    return tuple(dict.fromkeys([*LOOPBACK_HOSTS, *hosts]))


def _is_address(text: str) -> bool:
    try:
        ipaddress.IPv6Address(text)
    except ValueError:
        return False
    return True


def read_destination(found: Found) -> Path | S3Address:
    """Return a folder of a mount, or a place in an S3-compatible store."""
    scheme, mark, rest = found.stripped.partition("://")
    if not mark:
        return read_path(found)
    bucket, _, prefix = rest.partition("/")
    parts = prefix.strip("/").split("/") if prefix.strip("/") else []
    plain = _BUCKET.fullmatch(bucket) is not None and ".." not in bucket
    if scheme != "s3" or not plain or not all(map(_PART.fullmatch, parts)):
        # Not quoted: credentials that were put into the address would be in a log.
        raise found.refused("is no place for a copy", "write a folder, or s3://bucket/prefix")
    return S3Address(bucket, "/".join(parts))


def read_endpoint(found: Found) -> str:
    """Return the address of an S3-compatible store; credentials have no place in it."""
    address = found.stripped.rstrip("/")
    try:
        parts = urlsplit(address)
        port_is_fine = parts.port != 0
    except ValueError:
        raise found.refused("is no address of a store", "write https://host") from None
    strange = parts.username or parts.password or parts.query or parts.fragment or parts.path
    if parts.scheme not in {"http", "https"} or not parts.hostname or strange or not port_is_fine:
        raise found.refused("is no address of a store", "write https://host or https://host:port")
    return address


def _address(read: Callable[[str], str], found: Found) -> str:
    try:
        return read(found.stripped)
    except UnusableAddress as error:
        raise found.refused(error.problem, error.remedy) from None


def read_service_url(found: Found) -> str:
    """Return an address below which a service answers."""
    return _address(read_base_url, found)


def read_secret_url(found: Found) -> str:
    """Return an address that is a secret: a complaint never repeats it, and it is never shown."""
    return _address(read_told_url, found)


def _is(
    read: Callable[[Found], object],
    about: str,
    metavar: str = "",
    *predecessors: str,
    default: object = None,
    **more: str,
) -> Any:  # noqa: ANN401  (dataclasses take it for a field of any type)
    declared = Setting(read, about, metavar, predecessors, default=default, **more)
    shown = read not in {read_database_url, read_secret_url}
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
    host: str = _is(
        read_host,
        "The address to listen on; off loopback only with auth.",
        "HOST",
        default="127.0.0.1",
    )
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
    alert_rules_file: Path | None = _is(
        read_path, "Rules of your own, which change or add to those that are shipped."
    )
    alert_waivers_file: Path | None = _is(
        read_path, "Alerts that are to be quiet until a date: who says so, and why."
    )
    alertmanager_url: str | None = _is(
        read_service_url, "The Alertmanager that alerts are posted to, as http://host:9093."
    )
    alert_webhook_url: str | None = _is(
        read_secret_url, "An address that alerts are posted to as signed JSON."
    )
    alert_webhook_secret_file: Path | None = _is(
        read_path, "The file of the key that the webhook's JSON is signed with."
    )
    alert_notify_urls_file: Path | None = _is(
        read_path, "A file of apprise's URLs, one a line: mail, chat, pager services."
    )
    alert_heartbeat_url: str | None = _is(
        read_secret_url, "A dead-man's switch that is asked with GET while the floor is decided."
    )
    replica: str = _is(
        read_replica, "Which of those that watch this floor we are.", default="mission-control"
    )
    public_url: str | None = _is(
        read_service_url, "Where people reach our pages; without it, this machine's loopback."
    )
    auth: Auth = _is(
        access.read_auth,
        "How readers are known: none, tokens, oidc or tokens+oidc.",
        default=Auth.NONE,
    )
    tokens_file: Path | None = _is(read_path, "The file of hashed tokens.")
    oidc_issuer: str | None = _is(access.read_issuer, "The issuer, as it names itself.")
    oidc_audience: str | None = _is(access.read_audience, "What aud of its tokens must hold.")
    oidc_algorithms: tuple[str, ...] = _is(
        access.read_algorithms, "Signatures that are accepted.", default=("RS256", "ES256")
    )
    oidc_scope_claim: str = _is(
        access.read_claim, "The claim that says what a token may.", default="scope"
    )
    oidc_scopes: tuple[tuple[str, Scope], ...] = _is(
        access.read_scopes,
        "Which word of that claim gives which scope.",
        default=tuple((f"mission-control.{scope}", scope) for scope in Scope),
    )
    oidc_ca_file: Path | None = _is(read_path, "The CA certificates that vouch for the issuer.")
    tls_certificate: Path | None = _is(read_path, "The certificate chain that TLS is served with.")
    tls_key: Path | None = _is(read_path, "Its key.")
    behind_proxy: tuple[str, ...] = _is(
        access.read_networks,
        "Addresses or networks of proxies, whose forwarded headers are believed.",
        default=(),
    )
    rate_limit: int = _is(
        access.read_rate, "How many requests a minute one client may make.", default=600
    )
    max_connections: int = _is(
        access.read_connections, "How many connections are held in all.", default=512
    )
    max_connections_per_client: int = _is(
        access.read_connections, "How many connections one client may hold.", default=64
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
        for name in ("allowed_hosts", "oidc_algorithms", "behind_proxy"):
            texts[name] = ",".join(texts[name])
        texts["oidc_scopes"] = ",".join(f"{word}={scope}" for word, scope in self.oidc_scopes)
        texts["database_url"] = redact_url(self.database_url) if self.database_url else ""
        for name in ("alert_webhook_url", "alert_heartbeat_url"):
            texts[name] = origin_of(texts[name]) if texts[name] else ""
        return {name: "" if text is None else str(text) for name, text in sorted(texts.items())}


SETTINGS = tuple(
    replace(declared, name=declared.name or each.name)
    for each in fields(Settings)
    for declared in each.metadata.values()
)
"""Every setting there is, in the order of their declaration."""
SETTINGS_BY_NAME = {setting.name: setting for setting in SETTINGS}
