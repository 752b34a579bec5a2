"""What each setting may be: its text, read into its value or refused."""

import ipaddress
import re
from collections.abc import Callable
from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path
from urllib.parse import urlsplit

from mission_control.configuration.addresses import LABEL, MAX_PORT, database_url_problem
from mission_control.configuration.yaml_file import did_you_mean, quoted
from mission_control.configuration.yaml_part import DECIMAL, KUBERNETES_NAME
from mission_control.durable_copy.model import S3Address
from mission_control.errors import ConfigurationError

LOOPBACK_HOSTS = ("localhost", "127.0.0.1", "[::1]")
"""Always answered to: a name that only this machine can be called by tricks nobody."""
LOG_FORMATS = ("json", "console")
LEAST_HISTORY_DAYS = 30
MAX_CONTEXT = 253
"""Longer than any name there is."""

_BUCKET = re.compile(r"[a-z0-9][a-z0-9.-]{1,61}[a-z0-9]")
_PART = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,199}")


class Origin(StrEnum):
    """Where a setting was given; earlier ones win."""

    FLAG = "flag"
    VARIABLE = "variable"
    FILE = "file"
    PREDECESSOR = "predecessor's variable"


@dataclass(frozen=True, slots=True)
class Found:
    """
    A setting's text as it was found.

    `where` names the flag, the variable or `file:line`; relative paths start at `folder`. The
    items of a list are separated by commas.
    """

    text: str
    origin: Origin
    where: str
    folder: Path
    key: str = ""

    @property
    def stripped(self) -> str:
        """Return the text without spaces around it."""
        return self.text.strip()

    def refused(self, problem: str, remedy: str) -> ConfigurationError:
        """Return the error with which a reader refuses the text."""
        return ConfigurationError(problem, where=self.where, key=self.key, remedy=remedy)


def _matching(pattern: str, what: str, remedy: str) -> Callable[[Found], str]:
    """Return a reader of texts of this form."""
    form = re.compile(pattern)

    def read(found: Found) -> str:
        if form.fullmatch(found.stripped) is None:
            raise found.refused(f"{quoted(found.text)} is no {what}", remedy)
        return found.stripped

    return read


def _whole_number(what: str, remedy: str, least: int, most: int) -> Callable[[Found], int]:
    """Return a reader of whole numbers from the least to the most."""

    def read(found: Found) -> int:
        digits = re.fullmatch(r"[0-9]{1,5}", found.stripped)
        if digits is None or not least <= int(found.stripped) <= most:
            raise found.refused(f"{quoted(found.text)} is no {what}", remedy)
        return int(found.stripped)

    return read


read_port = _whole_number("port", f"use one from 1 to {MAX_PORT}", 1, MAX_PORT)
read_history_days = _whole_number(
    "number of trading days", f"use {LEAST_HISTORY_DAYS} or more", LEAST_HISTORY_DAYS, 99_999
)
read_namespace = _matching(KUBERNETES_NAME.pattern, "namespace", "write it as trading-floor")
read_region = _matching(r"[a-z0-9][a-z0-9-]{0,62}", "region", "write it as us-east-1")
read_record_id = _matching(
    r"[0-9a-f]{16}",
    "id of a record",
    "copy record_id from audit_artifacts/record.json below the root",
)
_read_decimal = _matching(DECIMAL.pattern, "number of seconds", "write it as 10")


def read_seconds(found: Found) -> float:
    """Return a number of seconds; whether they are sensible is judged with the others."""
    return float(_read_decimal(found))


def read_host(found: Found) -> str:
    """Return an address to listen on, which must be this machine's own loopback."""
    host = found.stripped.casefold()
    try:
        loopback = host == "localhost" or ipaddress.ip_address(host).is_loopback
    except ValueError:
        loopback = False
    if not loopback:
        raise found.refused(
            f"{quoted(found.text)} is not loopback, and there is no authentication yet",
            "use 127.0.0.1, ::1 or localhost, and put an authenticating proxy in front",
        )
    return host


def host_name(host: str) -> str:
    """Return an address as a `Host` header names it."""
    return f"[{host}]" if ":" in host else host


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
    return read_existing_folder(found, "name a folder") if path.exists() else path


def read_existing_folder(found: Found, remedy: str = "name one that exists") -> Path:
    """Return the path of a folder that is there."""
    path = read_path(found)
    if not path.is_dir():
        raise found.refused(f"{quoted(found.text)} is not a folder", remedy)
    return path


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
