"""Finds each setting where it was given, the nearest source first."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from pathlib import Path

from mission_control.configuration.fleet_file import FLEET_KEYS
from mission_control.configuration.names import (
    SETTINGS,
    SETTINGS_BY_NAME,
    Setting,
    Shape,
    own_variables,
)
from mission_control.configuration.yaml_value import Problems, Value, YamlSource, read_yaml

MAX_LISTED = 64


class Origin(StrEnum):
    """Where a setting was given; earlier ones win."""

    FLAG = "flag"
    VARIABLE = "variable"
    FILE = "file"
    PREDECESSOR = "predecessor's variable"
    DEFAULT = "default"


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
    def source(self) -> str:
        """Say in a few words where it comes from."""
        return self.origin.value if self.origin is Origin.DEFAULT else f"{self.origin} {self.where}"


@dataclass(frozen=True, slots=True)
class Sources:
    """Everything settings may come from; `file` holds the top-level fields of the YAML file."""

    flags: Mapping[str, object]
    environ: Mapping[str, str]
    file: Mapping[str, Value]
    file_folder: Path
    here: Path


def find_settings(sources: Sources, problems: Problems) -> dict[str, Found]:
    """Find every setting that is given or has a default, noting what cannot be understood."""
    own = own_variables(sources.environ, problems)
    found: dict[str, Found] = {}
    for setting in SETTINGS:
        one = _find(setting, sources, own, problems)
        if one is not None:
            found[setting.name] = one
    return found


def _find(
    setting: Setting, sources: Sources, own: Mapping[str, str], problems: Problems
) -> Found | None:
    flag = sources.flags.get(setting.name)
    if flag is not None:
        if not str(flag).strip():
            problems.add("is given nothing", where=setting.flag, remedy="give it a value")
        return Found(str(flag), Origin.FLAG, setting.flag, sources.here)
    if setting.variable in own:
        return Found(own[setting.variable], Origin.VARIABLE, setting.variable, sources.here)
    if setting.name in sources.file:
        value = sources.file[setting.name]
        text = _file_text(setting.shape, value, problems)
        return Found(text, Origin.FILE, value.where, sources.file_folder, setting.name)
    return _find_predecessor(setting, sources, problems) or _default(setting, sources)


def _find_predecessor(setting: Setting, sources: Sources, problems: Problems) -> Found | None:
    # The predecessor read a variable set to nothing as one that is not set.
    named = [name for name in setting.predecessors if sources.environ.get(name, "").strip()]
    if not named:
        return None
    first, text = named[0], sources.environ[named[0]]
    for other in named[1:]:
        if sources.environ[other] != text:
            problems.add(
                f"says otherwise than {first}",
                where=other,
                remedy=f"settle it with {setting.variable}",
            )
    return Found(text, Origin.PREDECESSOR, first, sources.here)


def _default(setting: Setting, sources: Sources) -> Found | None:
    if setting.default is None:
        return None
    return Found(setting.default, Origin.DEFAULT, setting.name, sources.here)


def _file_text(shape: Shape, value: Value, problems: Problems) -> str:
    match shape:
        case Shape.TEXT:
            return value.text(problems)
        case Shape.NUMBER:
            return "" if value.number(problems) is None else value.scalar
        case Shape.LIST:
            items = value.items(problems, at_most=MAX_LISTED)
            return ",".join(item.text(problems) for item in items)


@dataclass(frozen=True, slots=True)
class ConfigFile:
    """
    A configuration file's top-level fields, none when there is no file.

    `source` is None also when the file could not be read, which was then noted as a problem.
    """

    path: Path | None = None
    source: YamlSource | None = None
    fields: Mapping[str, Value] = field(default_factory=dict[str, Value])

    @property
    def readable(self) -> bool:
        """Tell whether nothing is hidden in it: it was read, or there is none."""
        return self.path is None or self.source is not None

    @property
    def folder(self) -> Path:
        """Give the folder at which its relative paths start."""
        return self.path.absolute().parent if self.path else Path.cwd()

    @property
    def fleet_fields(self) -> dict[str, Value]:
        """Give what it says of the fleet; empty when it does not list any agents."""
        given = {key: self.fields[key] for key in FLEET_KEYS if key in self.fields}
        return given if "agents" in given else {}


NO_CONFIG_FILE = ConfigFile()


def read_config_file(path: Path | None, problems: Problems) -> ConfigFile:
    """Read the file, noting what is wrong with it; no path, no file."""
    if path is None:
        return NO_CONFIG_FILE
    with problems.gathering():
        source = read_yaml(path, what="configuration file")
        fields = source.root.fields((*SETTINGS_BY_NAME, *FLEET_KEYS), problems)
        if "agents" in fields and "fleet_file" in fields:
            fields["agents"].refuse(problems, "there is a fleet_file too", "keep one of the two")
        if "agents" not in fields:
            for key in (k for k in FLEET_KEYS if k in fields):
                fields[key].refuse(problems, "stands beside agents only", "move it there")
        return ConfigFile(path, source, fields)
    return ConfigFile(path)
