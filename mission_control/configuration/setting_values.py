"""Configuration: what each setting's text means, and why some texts are refused."""

import ipaddress
import re
from pathlib import Path

from mission_control.configuration.agent_details import KUBERNETES_NAME
from mission_control.configuration.database_url import database_url_problem
from mission_control.configuration.found_settings import Found
from mission_control.configuration.problems import did_you_mean, quoted
from mission_control.configuration.service_address import LABEL
from mission_control.configuration.yaml_value import DECIMAL
from mission_control.errors import ConfigurationError

LOOPBACK_HOSTS = ("localhost", "127.0.0.1", "[::1]")
"""Always answered to: a name that only this machine can be called by tricks nobody."""

LOG_FORMATS = ("json", "console")

MAX_PORT = 65535
LEAST_HISTORY_DAYS = 30


def _refused(found: Found, problem: str, remedy: str) -> ConfigurationError:
    return ConfigurationError(problem, where=found.where, key=found.key, remedy=remedy)


def read_port(found: Found) -> int:
    """Give a TCP port."""
    text = found.text.strip()
    if re.fullmatch(r"[0-9]{1,5}", text) is None or not 1 <= int(text) <= MAX_PORT:
        raise _refused(found, f"{quoted(found.text)} is no port", "use one from 1 to 65535")
    return int(text)


def read_history_days(found: Found) -> int:
    """Give for how many trading days history is kept; never fewer than 30 (semantics, 12)."""
    text = found.text.strip()
    if re.fullmatch(r"[0-9]{1,5}", text) is None or int(text) < LEAST_HISTORY_DAYS:
        problem = f"{quoted(found.text)} is no number of trading days"
        raise _refused(found, problem, f"use {LEAST_HISTORY_DAYS} or more")
    return int(text)


def read_seconds(found: Found) -> float:
    """Give a number of seconds; whether they are sensible is judged with the others."""
    text = found.text.strip()
    if DECIMAL.fullmatch(text) is None:
        raise _refused(found, f"{quoted(found.text)} is no number of seconds", "write it as 10")
    return float(text)


def read_host(found: Found) -> str:
    """Give an address to listen on, which must be this machine's own loopback."""
    text = found.text.strip().casefold()
    try:
        loopback = text == "localhost" or ipaddress.ip_address(text).is_loopback
    except ValueError:
        loopback = False
    if not loopback:
        raise _refused(
            found,
            f"{quoted(found.text)} is not loopback, and there is no authentication yet",
            "use 127.0.0.1, ::1 or localhost, and put an authenticating proxy in front",
        )
    return text


def host_name(host: str) -> str:
    """Give an address as a `Host` header names it."""
    return f"[{host}]" if ":" in host else host


def read_namespace(found: Found) -> str:
    """Give the namespace of the floor."""
    text = found.text.strip()
    if KUBERNETES_NAME.fullmatch(text) is None:
        raise _refused(found, f"{quoted(found.text)} is no namespace", "write it as trading-floor")
    return text


def read_context(found: Found) -> str:
    """Give the name of a kubeconfig's context."""
    text = found.text.strip()
    if not text.isprintable() or len(text) > 253:  # noqa: PLR2004  (longer than any name there is)
        raise _refused(found, f"{quoted(found.text)} is no context", "kubectl config get-contexts")
    return text


def read_log_format(found: Found) -> str:
    """Give the shape of the log: `json` for machines, `console` for people."""
    text = found.text.strip()
    if text not in LOG_FORMATS:
        known = did_you_mean(text, LOG_FORMATS)
        raise _refused(found, f"{quoted(found.text)} is no log format", known)
    return text


def read_path(found: Found) -> Path:
    """Give an absolute path; a relative one starts where its source says."""
    if "\0" in found.text:
        raise _refused(found, "a path cannot hold a NUL", "take it out")
    return found.folder / found.text.strip()


def read_folder(found: Found) -> Path:
    """Give the path of a folder, which need not exist yet but must be nothing else."""
    path = read_path(found)
    if path.exists() and not path.is_dir():
        raise _refused(found, f"{quoted(found.text)} is not a folder", "name a folder")
    return path


def read_existing_folder(found: Found) -> Path:
    """Give the path of a folder that is there."""
    path = read_path(found)
    if not path.is_dir():
        raise _refused(found, f"{quoted(found.text)} is not a folder", "name one that exists")
    return path


def read_record_id(found: Found) -> str:
    """Give the id of the record that the root must hold."""
    text = found.text.strip()
    if re.fullmatch(r"[0-9a-f]{16}", text) is None:
        remedy = "copy record_id from audit_artifacts/record.json below the root"
        raise _refused(found, f"{quoted(found.text)} is no id of a record", remedy)
    return text


def read_database_url(found: Found) -> str:
    """Give a database's URL; a complaint never repeats it, because it may hold a password."""
    text = found.text.strip()
    wrong = database_url_problem(text)
    if wrong is not None:
        raise _refused(found, *wrong)
    return text


def read_allowed_hosts(found: Found) -> tuple[str, ...]:
    """Give the names that we may be called by, as in a `Host` header without its port."""
    hosts = [item.strip().casefold() for item in found.text.split(",")]
    for host in hosts:
        bracketed = host.startswith("[") and host.endswith("]")
        if bracketed and _is_address(host[1:-1]):
            continue
        if not all(LABEL.fullmatch(label) for label in host.split(".")):
            raise _refused(
                found,
                f"{quoted(host)} is no host name",
                "list names without a port, separated by commas",
            )
    return tuple(dict.fromkeys([*LOOPBACK_HOSTS, *hosts]))


def _is_address(text: str) -> bool:
    try:
        ipaddress.IPv6Address(text)
    except ValueError:
        return False
    return True
