"""Configuration: turns what was found into what is meant, noting every problem on the way."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TypeVar

from mission_control.configuration.agent_fields import Defaults
from mission_control.configuration.cadence import (
    CADENCE_REMEDY,
    DEFAULT_DEADLINE_SECONDS,
    DEFAULT_INTERVAL_SECONDS,
    cadence_problem,
)
from mission_control.configuration.closures import ClosuresRead, load_closures
from mission_control.configuration.config_file import ConfigFile
from mission_control.configuration.fleet_file import load_fleet, read_fleet
from mission_control.configuration.found_settings import Found, Origin
from mission_control.configuration.problems import Problems
from mission_control.configuration.setting_values import read_path, read_port, read_seconds
from mission_control.model.fleet import Fleet, SwitchFile

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
