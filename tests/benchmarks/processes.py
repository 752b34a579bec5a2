"""The processes a benchmark needs: farms, pollers, a serving Mission Control; and their costs."""

import json
import os
import socket
import subprocess
import sys
import time
from collections.abc import Generator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import farm
import httpx

HERE = Path(__file__).parent
TICKS_PER_SECOND = os.sysconf("SC_CLK_TCK")
STARTING_SECONDS = 60.0


@dataclass(frozen=True, slots=True)
class Farm:
    """A farm that runs: its port, and its process for those who hurt it."""

    process: subprocess.Popen[str]
    port: int

    def tell(self, conduct: farm.Conduct) -> float:
        """Have all its targets do this from now on; gives the instant, in monotonic seconds."""
        given, told = self.process.stdin, self.process.stdout
        assert given is not None
        assert told is not None
        given.write(f"{conduct.value}\n")
        given.flush()
        return float(told.readline())


@contextmanager
def running_farm(
    mode: farm.Mode,
    address: str = "0.0.0.0",  # noqa: S104  (it cuts those who are not of this machine)
    ahead: float = 0.0,
) -> Generator[Farm]:
    """Run a farm for the time of the block, its clock so many seconds ahead."""
    command = [sys.executable, str(HERE / "farm.py"), "--mode", mode.value, "--address", address]
    pipe = subprocess.PIPE
    with subprocess.Popen(
        [*command, "--ahead", str(ahead)], stdin=pipe, stdout=pipe, text=True
    ) as process:
        try:
            assert process.stdout is not None
            yield Farm(process, int(process.stdout.readline()))
        finally:
            process.kill()


def start_poller(
    name: str, port: int, *, targets: int, interval: float, rounds: int
) -> subprocess.Popen[str]:
    """Start a poller to be compared with; its JSON report comes on its standard output."""
    command = [sys.executable, str(HERE / "pollers.py"), name, str(port)]
    command += ["--targets", str(targets), "--interval", str(interval), "--rounds", str(rounds)]
    return subprocess.Popen(command, stdout=subprocess.PIPE, text=True)


def report_of(process: subprocess.Popen[str]) -> dict[str, float]:
    """Wait for a poller's report."""
    told, _ = process.communicate()
    return json.loads(told)


@dataclass(frozen=True, slots=True)
class Target:
    """One line of the fleet file."""

    name: str
    url: str
    criticality: str = "important"


def farm_targets(port: int, count: int, mode: farm.Mode) -> Sequence[Target]:
    """List the farm's targets; those that refuse are asked on port 9, where nothing listens."""
    return [
        Target(
            farm.name_of(i),
            f"http://{farm.address_of(i)}:"
            f"{9 if farm.conduct_of(i, mode) is farm.Conduct.REFUSES else port}",
        )
        for i in range(count)
    ]


@dataclass(frozen=True, slots=True)
class Serving:
    """A Mission Control that serves: where, and which process."""

    url: str
    pid: int

    def cpu_seconds(self) -> float:
        """Give the CPU time it has used, user and system."""
        fields = Path(f"/proc/{self.pid}/stat").read_text().rsplit(")", 1)[1].split()
        return (int(fields[11]) + int(fields[12])) / TICKS_PER_SECOND

    def rss_mb(self) -> float:
        """Give its resident memory."""
        return _resident_mb(self.pid)

    def children_mb(self) -> float:
        """Give the resident memory of the processes that work for it."""
        threads = Path(f"/proc/{self.pid}/task").iterdir()
        listed = (thread / "children" for thread in threads)
        return sum(_resident_mb(int(pid)) for each in listed for pid in each.read_text().split())

    def get(self, path: str) -> dict[str, object]:
        """Ask it."""
        return httpx.get(self.url + path, timeout=30.0, trust_env=False).json()


def _resident_mb(pid: int) -> float:
    lines = Path(f"/proc/{pid}/status").read_text().splitlines()
    return next(int(line.split()[1]) for line in lines if line.startswith("VmRSS")) / 1024


def write_fleet(root: Path, targets: Sequence[Target], further: Sequence[str] = ()) -> Path:
    """Write a fleet file of these targets, each asked at one endpoint, and of further lines."""
    fleet = root / "fleet.yaml"
    lines = [*further, "agents:"]
    for target in targets:
        lines += [f"  - agent_name: {target.name}", "    kind: strategy"]
        lines += [f"    service_dns: {target.url}", '    expected_endpoints: ["/ops/status"]']
        lines += [f"    criticality: {target.criticality}"]
    fleet.write_text("\n".join(lines) + "\n")
    return fleet


def free_port() -> int:
    """Return a port of loopback on which nothing listens."""
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        return free.getsockname()[1]


@dataclass(frozen=True, slots=True)
class Manner:
    """How it is served, where that is out of the ordinary."""

    beats: Path | None = None
    """Late beats of its event loop are written there."""
    ahead: float = 0.0
    """Its clock is so many seconds ahead."""
    further: tuple[str, ...] = ()
    """Lines of the fleet file before its agents."""


@contextmanager
def serving(
    targets: Sequence[Target], interval: float, root: Path, manner: Manner = Manner()
) -> Generator[Serving]:
    """Serve a fleet of these targets, each asked at one endpoint, for the time of the block."""
    fleet, port = write_fleet(root, targets, manner.further), free_port()
    switch = root / "EXECUTION_HALTED"
    switch.write_text("1\n")
    environment = {
        **os.environ,
        "MISSION_CONTROL_KILL_SWITCH_FILE": str(switch),
        "MISSION_CONTROL_INTERVAL_SECONDS": str(interval),
    }
    command = [str(Path(sys.executable).with_name("mission-control")), "serve"]
    if manner != Manner():
        beats = str(manner.beats or os.devnull)
        command = [sys.executable, str(HERE / "measured.py"), beats, str(manner.ahead), "serve"]
    command += ["--fleet-file", str(fleet), "--port", str(port), "--root", str(root)]
    log = (root / "serve.log").open("w")
    with log, subprocess.Popen(command, env=environment, stdout=log, stderr=log) as process:
        try:
            told = Serving(f"http://127.0.0.1:{port}", process.pid)
            _await(told)
            yield told
        finally:
            process.terminate()
            try:
                process.wait(10)
            except subprocess.TimeoutExpired:
                process.kill()


def _await(told: Serving) -> None:
    until = time.monotonic() + STARTING_SECONDS
    while time.monotonic() < until:
        try:
            told.get("/livez")
        except httpx.HTTPError:
            time.sleep(0.1)
        else:
            return
    raise TimeoutError("Mission Control did not start; see serve.log")
