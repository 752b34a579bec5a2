"""
Watch a floor of which half hangs, while readers come and go, and see whether we stay flat.

Memory and descriptors of the server and of the processes that work for it are compared between
the first and the last third of the time after a warm-up, as ratios: how fast the machine is
says nothing. What is seen meanwhile is judged as well: no service that hangs is ever well.
"""

import os
import statistics
import subprocess
import sys
import time
from collections import Counter
from collections.abc import Generator, Mapping, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from pathlib import Path

import httpx

from tests.benchmarks import farm
from tests.ports import free_ports, wait_for_port

FARM = Path(farm.__file__)
WARMING_SHARE = 1 / 3
"""What is imported, cached and pooled once is there after this share of the time."""
MOST_MEMORY, MOST_DESCRIPTORS = 1.06, 1.15
"""The last third may have so many times what the first had."""
STANDING_STREAMS = 4
PATHS = (
    "/api/v1/posture",
    "/api/v1/agents",
    "/api/v1/events/recent",
    "/api/v1/brief",
    "/metrics",
    "/no-such-path",
)
PAGES = ("/", "/evidence", "/alerts")
HANGING = frozenset({"OFFLINE", "UNKNOWN"})
"""What a service that hangs may be called, and nothing else."""


@dataclass(frozen=True, slots=True)
class Form:
    """How long, how many, and how often each is asked (seconds)."""

    seconds: float
    targets: int = 300
    interval: float = 10.0
    deadline: float = 3.0


@dataclass(frozen=True, slots=True)
class Sample:
    """What the server, and those that work for it, held at one time."""

    at: float
    memory_mb: float
    children_mb: float
    descriptors: int
    children_descriptors: int


@dataclass(slots=True)
class Soaked:
    """What was seen: samples, what services were called by what they do, and failed answers."""

    samples: list[Sample] = field(default_factory=list[Sample])
    states: dict[farm.Conduct, Counter[str]] = field(
        default_factory=lambda: {c: Counter() for c in (farm.Conduct.ANSWERS, farm.Conduct.HANGS)}
    )
    answered: Counter[int] = field(default_factory=Counter[int])

    def growth(self) -> Mapping[str, float]:
        """Return how many times the first third the last third after the warm-up is."""
        first, last = _thirds(self.samples)
        return {
            name: _median(last, name) / max(_median(first, name), 1.0)
            for name in ("memory_mb", "children_mb", "descriptors", "children_descriptors")
        }

    def faults(self) -> Sequence[str]:
        """Return what is not as it has to be, in words; nothing where all is well."""
        told = list[str]()
        for name, times in self.growth().items():
            most = MOST_MEMORY if name.endswith("_mb") else MOST_DESCRIPTORS
            if times > most:
                told.append(f"{name} grew {times:.3f} times, {most} is allowed")
        called = self.states[farm.Conduct.HANGS]
        told += [f"a service that hangs was {s} ({n} times)" for s, n in called.items()
                 if s not in HANGING]  # fmt: skip
        if not called:
            told.append("no service that hangs was seen")
        if not self.states[farm.Conduct.ANSWERS]["OK"]:
            told.append("no service that answers was ever seen well")
        told += [f"{n} answers were {status}" for status, n in self.answered.items()
                 if status >= httpx.codes.INTERNAL_SERVER_ERROR]  # fmt: skip
        return told


def _thirds(samples: Sequence[Sample]) -> tuple[Sequence[Sample], Sequence[Sample]]:
    begun, ended = samples[0].at, samples[-1].at
    warm = [s for s in samples if s.at - begun >= (ended - begun) * WARMING_SHARE]
    third = max(len(warm) // 3, 1)
    return warm[:third], warm[-third:]


def _median(samples: Sequence[Sample], name: str) -> float:
    return statistics.median(getattr(sample, name) for sample in samples)


def soak(form: Form, root: Path, *, every: float) -> Generator[Sample, None, Soaked]:
    """Soak for so long, yielding a sample every so many seconds; gives what was seen."""
    soaked = Soaked()
    with ExitStack() as s:
        port = s.enter_context(_farm())
        api, pages, pid = s.enter_context(_serving(form, port, root))
        asks = s.enter_context(httpx.Client(timeout=60.0, trust_env=False))
        for _ in range(STANDING_STREAMS):
            _listen(s, asks, api)
        ends = time.monotonic() + form.seconds
        while (now := time.monotonic()) < ends:
            _read(asks, api, pages, soaked)
            sample = _sample(pid, now)
            soaked.samples.append(sample)
            yield sample
            time.sleep(max(0.0, every - (time.monotonic() - now)))
    return soaked


def _listen(s: ExitStack, asks: httpx.Client, api: str) -> None:
    """Open a stream and read its beginning; it stays open for the time of the stack."""
    response = s.enter_context(asks.stream("GET", f"{api}/api/v1/stream"))
    next(response.iter_raw())


def _read(asks: httpx.Client, api: str, pages: str, soaked: Soaked) -> None:
    """Read as operators and scrapers do; open a stream and leave it."""
    for url in (*(api + path for path in PATHS), *(pages + path for path in PAGES)):
        soaked.answered[asks.get(url).status_code] += 1
    with ExitStack() as s:
        _listen(s, asks, api)
    for agent in asks.get(f"{api}/api/v1/agents").json()["agents"]:
        if agent["last_poll_at"] is not None:
            index = farm.index_of(httpx.URL(agent["service_dns"]).host)
            conduct = farm.conduct_of(index, farm.Mode.HALF)
            soaked.states[conduct][agent["state"]] += 1


def _sample(pid: int, at: float) -> Sample:
    children = _descendants(pid)
    return Sample(
        at,
        _resident_mb(pid),
        sum(map(_resident_mb, children)),
        _descriptors(pid),
        sum(map(_descriptors, children)),
    )


def _descendants(pid: int) -> Sequence[int]:
    found = list[int]()
    for thread in Path(f"/proc/{pid}/task").glob("*/children"):
        for child in map(int, thread.read_text().split()):
            found += (child, *_descendants(child))
    return found


def _resident_mb(pid: int) -> float:
    try:
        lines = Path(f"/proc/{pid}/status").read_text().splitlines()
    except FileNotFoundError:  # it ended meanwhile
        return 0.0
    kb = (int(line.split()[1]) for line in lines if line.startswith("VmRSS"))
    return next(kb, 0) / 1024


def _descriptors(pid: int) -> int:
    try:
        return sum(1 for _ in Path(f"/proc/{pid}/fd").iterdir())
    except FileNotFoundError:
        return 0


@contextmanager
def _farm() -> Generator[int]:
    command = [sys.executable, str(FARM), "--mode", farm.Mode.HALF.value]
    pipe = subprocess.PIPE
    with subprocess.Popen(command, stdin=pipe, stdout=pipe, text=True) as process:
        try:
            assert process.stdout is not None
            yield int(process.stdout.readline())
        finally:
            process.kill()


@contextmanager
def _serving(form: Form, port: int, root: Path) -> Generator[tuple[str, str, int]]:
    """Serve in an environment without settings of ours; gives API, pages and process."""
    fleet, switch = root / "fleet.yaml", root / "EXECUTION_HALTED"
    switch.write_text("1\n")
    fleet.write_text("\n".join(["agents:", *(_entry(i, port, form) for i in range(form.targets))]))
    first = free_ports(2)
    environment = {k: v for k, v in os.environ.items() if not k.startswith("MISSION_CONTROL_")}
    environment["MISSION_CONTROL_KILL_SWITCH_FILE"] = str(switch)
    command = [str(Path(sys.executable).with_name("mission-control")), "serve", "--with-ui"]
    command += ["--fleet-file", str(fleet), "--root", str(root)]
    command += ["--port", str(first), "--ui-port", str(first + 1)]
    log = (root / "serve.log").open("w")
    with log, subprocess.Popen(command, env=environment, stdout=log, stderr=log) as process:
        try:
            wait_for_port(process, first)
            wait_for_port(process, first + 1)
            yield f"http://127.0.0.1:{first}", f"http://127.0.0.1:{first + 1}", process.pid
        finally:
            process.terminate()
            try:
                process.wait(60)
            except subprocess.TimeoutExpired:
                process.kill()


def _entry(index: int, port: int, form: Form) -> str:
    return (
        f"  - {{agent_name: {farm.name_of(index)}, kind: strategy,"
        f' service_dns: "http://{farm.address_of(index)}:{port}",'
        f' expected_endpoints: ["/ops/status"], interval_seconds: {form.interval},'
        f" deadline_seconds: {form.deadline}}}"
    )
