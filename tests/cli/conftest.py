"""The command line as tests call it: in process, with an environment of its own."""

import os
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from dataclasses import dataclass, field
from importlib import import_module
from pathlib import Path

import pytest
from click.testing import CliRunner, Result

from mission_control.cli.context import CliContext
from mission_control.cli.main import COMMANDS, cli
from mission_control.simulation.catalogue import find_scenario
from mission_control.simulation.clock import SimulatedClock
from mission_control.simulation.floor import SimulatedFloor
from mission_control.simulation.loopback import FloorOnLoopback
from mission_control.simulation.roster import fleet_document

Run = Callable[..., Result]

FLEET = """\
agents:
  - agent_name: marketdata
    service_dns: http://127.0.0.1:1
    kind: marketdata
    criticality: critical
"""


@pytest.fixture(autouse=True)
def clean_environment(monkeypatch, tmp_path):
    """Start in an empty folder, without any variable that could change what a command does."""
    monkeypatch.chdir(tmp_path)
    for name in list(os.environ):
        if name.startswith(("MISSION_CONTROL_", "EXEC", "AGENTS_", "POLL_", "PER_AGENT_")):
            monkeypatch.delenv(name)
    for name in ("NAMESPACE", "COLUMNS"):
        monkeypatch.delenv(name, raising=False)


@pytest.fixture
def fleet_file(tmp_path) -> Path:
    """Write a fleet of one service that refuses every connection."""
    path = tmp_path / "fleet.yaml"
    path.write_text(FLEET)
    return path


@pytest.fixture
def run() -> Run:
    """Run `mission-control` with these arguments; keyword arguments are its variables."""

    def running(*arguments: object, **variables: str) -> Result:
        return CliRunner(env=variables).invoke(cli, [str(a) for a in arguments])

    return running


async def at_once(_seconds: float) -> None:
    """Let no time pass where a command waits."""


@dataclass(frozen=True)
class Floor:
    """A simulated floor on loopback ports, and the command line that looks at it."""

    folder: Path
    clock: SimulatedClock
    simulated: SimulatedFloor
    environ: dict[str, str] = field(default_factory=dict)

    def run(self, name: str, *arguments: object) -> Result:
        """Run one command with the floor's clock and fleet file."""
        environ = {
            "MISSION_CONTROL_FLEET_FILE": str(self.folder / "fleet.yaml"),
            "MISSION_CONTROL_KILL_SWITCH_FILE": str(self.folder / "EXECUTION_HALTED"),
            "MISSION_CONTROL_ROOT": str(self.folder),
            **self.environ,
        }
        command = getattr(import_module(COMMANDS[name][0]), name.replace("-", "_"))
        context = CliContext(
            clock=self.clock,
            json=False,
            quiet=False,
            environ=environ,
            wait=at_once,
        )
        return CliRunner().invoke(command, [str(a) for a in arguments], obj=context)


@pytest.fixture
def floor(tmp_path) -> Iterator[Callable[[str], Floor]]:
    """Serve a floor in the scenario of this name, at the instant that shows it best."""
    with ExitStack() as stack:

        def serve(scenario: str = "calm") -> Floor:
            clock = SimulatedClock(find_scenario(scenario).at)
            simulated = SimulatedFloor(clock, scenario)
            switch = tmp_path / "EXECUTION_HALTED"
            loopback = stack.enter_context(FloorOnLoopback(simulated, 0, switch))
            kubeconfig = tmp_path / "kubeconfig.yaml"
            loopback.write_kubeconfig(kubeconfig)
            fleet = fleet_document(loopback.base_urls, str(kubeconfig))
            (tmp_path / "fleet.yaml").write_text(fleet)
            return Floor(tmp_path, clock, simulated)

        yield serve
