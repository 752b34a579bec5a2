"""Measures how soon a change of a critical service halts the floor while the session gates."""

import random
import sys
import tempfile
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import ExitStack
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path
from statistics import median
from typing import cast

import farm
import httpx
from processes import Farm, Manner, Serving, Target, farm_targets, running_farm, serving

sys.path.insert(0, str(Path(__file__).parents[2]))

from mission_control.bootstrap.clock import real_clock
from mission_control.market_calendar.calendar import MarketCalendar
from mission_control.model.session import Phase

Row = dict[str, object]
INTERVAL, BRISK = 10.0, 2.0
TARGETS, CRITICAL, TURNS = 200, 10, 5
QUIET_SECONDS, PATIENCE_SECONDS = 20.0, 30.0
LOOKS_APART_SECONDS = 0.01
AIMS = {
    farm.Conduct.HALTS: 2.5,
    farm.Conduct.FAILS: 2.5,
    farm.Conduct.REFUSES: 2.5,
    farm.Conduct.HANGS: 5.5,
}
"""Seconds (p99) from the change on the wire to the verdict."""
FLEET = ("kill_switch: {file: authoritative}", "safety: {freshness: none}")
"""What lets such a floor be OK: the switch's file is the one, and there is no market data."""


def measure_gating() -> Iterator[Row]:
    """Change ten critical services of 200 in each way, and wait for the verdict."""
    ahead = seconds_to_an_open_session()
    with ExitStack() as s:
        root = Path(s.enter_context(tempfile.TemporaryDirectory()))
        field = s.enter_context(running_farm(farm.Mode.HEALTHY, ahead=ahead))
        critical = dict(_critical(s, ahead))
        fleet = [
            *farm_targets(field.port, TARGETS - CRITICAL, farm.Mode.HEALTHY),
            *(Target(name, url, "critical") for name, (url, _) in critical.items()),
        ]
        ours = s.enter_context(serving(fleet, INTERVAL, root, Manner(ahead=ahead, further=FLEET)))
        time.sleep(INTERVAL + 3)
        before = ours.cpu_seconds()
        time.sleep(QUIET_SECONDS)
        share = 100 * (ours.cpu_seconds() - before) / QUIET_SECONDS
        about: Row = {"targets": TARGETS, "critical": CRITICAL, "asked_every_seconds": BRISK}
        yield {**about, "core_percent": round(share, 1), "aim_core_percent": 10}
        hurting = _Hurting(ours, {n: f for n, (_, f) in critical.items()}, random.Random(5))
        for conduct, aim in AIMS.items():
            took = sorted(t for _ in range(TURNS) for t in hurting.hurt(conduct))
            yield {
                **about,
                "change": conduct.value,
                "changes": len(took),
                "median_seconds": round(median(took), 2),
                "p99_seconds": round(took[len(took) * 99 // 100], 2),
                "aim_p99_seconds": aim,
            }


def seconds_to_an_open_session() -> float:
    """Return by how much a clock is ahead that shows the middle of a session."""
    calendar, now, quarter = MarketCalendar(()), real_clock(), timedelta(minutes=15)
    then = now
    while not all(calendar.session_at(then + quarter * n).phase is Phase.OPEN for n in (-2, 0, 2)):
        then += quarter
    return (then - now).total_seconds()


def _critical(s: ExitStack, ahead: float) -> Iterator[tuple[str, tuple[str, Farm]]]:
    for index in range(240_000, 240_000 + CRITICAL):
        address = farm.address_of(index)
        field = s.enter_context(running_farm(farm.Mode.HEALTHY, address, ahead))
        yield farm.name_of(index), (f"http://{address}:{field.port}", field)


@dataclass(frozen=True, slots=True)
class _Hurting:
    """Who is changed, and who is asked for the verdict."""

    ours: Serving
    victims: Mapping[str, Farm]
    chance: random.Random

    def hurt(self, conduct: farm.Conduct) -> Sequence[float]:
        """Change each at a moment of its own; return how long each took, and make all well."""
        with httpx.Client(base_url=self.ours.url, timeout=30.0, trust_env=False) as client:
            self._await_ok(client)
            began = time.monotonic()
            due = {name: began + self.chance.uniform(0, BRISK) for name in self.victims}
            hurt, took = dict[str, float](), dict[str, float]()
            while len(took) < len(due) and time.monotonic() < began + PATIENCE_SECONDS:
                for name in due.keys() - hurt.keys():
                    if time.monotonic() >= due[name]:
                        hurt[name] = self.victims[name].tell(conduct)
                halting = self._halting(client)
                seen = time.monotonic()
                for name in (hurt.keys() & halting) - took.keys():
                    took[name] = seen - hurt[name]
                time.sleep(LOOKS_APART_SECONDS)
            for field in self.victims.values():
                field.tell(farm.Conduct.ANSWERS)
            missed = [PATIENCE_SECONDS] * (len(due) - len(took))
            return [*took.values(), *missed]

    def _await_ok(self, client: httpx.Client) -> None:
        until = time.monotonic() + PATIENCE_SECONDS
        while self._verdict(client)["posture"] != "OK":
            if time.monotonic() > until:
                raise TimeoutError(f"the floor is not OK: {self._verdict(client)['reasons']}")
            time.sleep(0.1)

    def _halting(self, client: httpx.Client) -> set[str]:
        reasons = cast("Sequence[dict[str, object]]", self._verdict(client)["reasons"])
        return {str(reason["subject"]) for reason in reasons if reason["halts"]}

    @staticmethod
    def _verdict(client: httpx.Client) -> dict[str, object]:
        return client.get("/api/v1/posture").json()
