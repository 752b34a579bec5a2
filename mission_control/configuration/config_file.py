"""Configuration: the YAML file that may hold every setting, and the fleet as well."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

from mission_control.configuration.fleet_file import FLEET_KEYS
from mission_control.configuration.problems import Problems
from mission_control.configuration.setting_names import SETTINGS_BY_NAME
from mission_control.configuration.yaml_source import YamlSource, read_yaml
from mission_control.configuration.yaml_value import Value


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
