"""Turns what was found into what is meant, noting every problem on the way."""

import ipaddress
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TypeVar

from mission_control.configuration.addresses import LABEL, database_url_problem
from mission_control.configuration.agent_details import KUBERNETES_NAME
from mission_control.configuration.agent_entry import (
    CADENCE_REMEDY,
    DEFAULT_DEADLINE_SECONDS,
    DEFAULT_INTERVAL_SECONDS,
    Defaults,
    cadence_problem,
)
from mission_control.configuration.closures import ClosuresRead, load_closures
from mission_control.configuration.fleet_file import load_fleet, read_fleet
from mission_control.configuration.found_settings import ConfigFile, Found, Origin
from mission_control.configuration.yaml_value import DECIMAL, Problems, did_you_mean, quoted
from mission_control.errors import ConfigurationError
from mission_control.model.fleet import Fleet, SwitchFile

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


T = TypeVar("T")

NO_FLEET = Fleet((), "", "")
"""Stands in after a problem was noted; it never leaves this room."""


@dataclass(frozen=True, slots=True)
class SettingsReader:
    """What was found, and where problems with it are noted."""

    found: Mapping[str, Found]
    problems: Problems

    def read(self, name: str, parse: Callable[[Found], T], default: T) -> T:
        """Give a setting's meaning; the default when it is absent or a problem was noted."""
        found = self.found.get(name)
        if found is not None and found.text.strip():
            with self.problems.gathering():
                return parse(found)
        return default

    def cadence(self) -> tuple[float, float]:
        """Give the interval and the deadline that agents take who say nothing of their own."""
        interval = self.read("interval_seconds", read_seconds, DEFAULT_INTERVAL_SECONDS)
        deadline = self.read("deadline_seconds", read_seconds, DEFAULT_DEADLINE_SECONDS)
        problem = cadence_problem(interval, deadline)
        if not problem:
            return interval, deadline
        pair = (self.found["interval_seconds"], self.found["deadline_seconds"])
        at_fault = next((f for f in pair if f.origin is not Origin.DEFAULT), pair[0])
        self.refuse(at_fault, problem, CADENCE_REMEDY)
        return DEFAULT_INTERVAL_SECONDS, DEFAULT_DEADLINE_SECONDS

    def ports(self) -> tuple[int, int]:
        """Give the API's and the pages' ports, which must differ."""
        port = self.read("port", read_port, 8080)
        ui_port = self.read("ui_port", read_port, 8090)
        if port == ui_port:
            pair = (self.found["ui_port"], self.found["port"])
            at_fault = next((f for f in pair if f.origin is not Origin.DEFAULT), pair[0])
            self.refuse(at_fault, f"port and ui_port are both {port}", "give each its own")
        return port, ui_port

    def fleet(self, file: ConfigFile, interval: float, deadline: float) -> Fleet:
        """Load the fleet from the nearest source: its own file, or the configuration file."""
        if file.source is not None and self._fleet_is_in(file):
            defaults = Defaults(interval, deadline, file.folder)
            return read_fleet(file.source, file.fleet_fields, defaults, self.problems)
        named = self.found.get("fleet_file")
        if named is not None:
            with self.problems.gathering():
                path = read_path(named)
                return load_fleet(path, default_interval=interval, default_deadline=deadline)
        elif file.readable:
            self.problems.add(
                "names no fleet file, and nothing else does",
                where="MISSION_CONTROL_FLEET_FILE",
                remedy="set it, give --fleet-file, or list agents in the configuration file",
            )
        return NO_FLEET

    def _fleet_is_in(self, file: ConfigFile) -> bool:
        named = self.found.get("fleet_file")
        nearer = named is not None and named.origin in {Origin.FLAG, Origin.VARIABLE}
        return bool(file.fleet_fields) and not nearer

    def sources(self, file: ConfigFile) -> dict[str, str]:
        """Say of each setting where it was taken from."""
        sources = {name: found.source for name, found in self.found.items()}
        if self._fleet_is_in(file):
            sources["fleet_file"] = f"{Origin.FILE} {file.fields['agents'].where}"
        return sources

    def closures(self) -> tuple[Path | None, ClosuresRead]:
        """Load the closures file, where one is named."""
        path = self.read("closures_file", read_path, None)
        if path is not None:
            with self.problems.gathering():
                return path, load_closures(path)
        return path, ClosuresRead()

    def switch_file(self, fleet: Fleet) -> Path | None:
        """Give where the kill switch's file is; None where the fleet file says there is none."""
        path = self.read("kill_switch_file", read_path, Path())
        if fleet.switch_file is not SwitchFile.NONE:
            return path
        found = self.found["kill_switch_file"]
        if found.origin is not Origin.DEFAULT:
            problem = "names a file, and the fleet file says kill_switch: {file: none}"
            self.refuse(found, problem, "take one of the two out")
        return None

    def refuse(self, found: Found, problem: str, remedy: str) -> None:
        """Note a problem with a setting that could be read, but not used."""
        self.problems.add(problem, where=found.where, key=found.key, remedy=remedy)
