"""Measures what readers of the past cost who decides: 30 days of 200 services, read by 20."""

import json
import random
import sys
import tempfile
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path
from statistics import quantiles
from urllib.parse import quote

import farm
import httpx
from cost import held_up
from processes import Manner, Serving, farm_targets, running_farm, serving

sys.path.insert(0, str(Path(__file__).parents[2]))

from sqlalchemy import insert

from mission_control.history import schema
from mission_control.history.codec import pack
from mission_control.history.database import migrate, open_engine, writing

TARGETS, DAYS, READERS = 200, 30, 20
FAILURES_A_DAY = 6
SETTLES, LOOKS = 15.0, 30.0
Row = dict[str, object]


def fill_history(root: Path, names: Sequence[str], days: int) -> int:
    """Fill a history as the writer would: every minute, and some failures of each service."""
    engine, chance = open_engine(root, None), random.Random(1)
    migrate(engine)
    now = datetime.now(UTC).replace(second=0, microsecond=0)
    counts = pack({name: [6, 6] for name in names})
    changes = sorted(_changes(names, now, days, chance))
    with writing(engine) as connection:
        for day in range(days, 0, -1):
            begin = schema.to_micros(now - timedelta(days=day))
            minutes = (begin + m * 60_000_000 for m in range(1440))
            rows = [
                {"minute": m, "counts": counts, "decided": pack([[m + 500_000, m + 59_500_000]])}
                for m in minutes
                if chance.random() > 0.002
            ]
            connection.execute(insert(schema.minutes), rows)
        told: list[dict[str, object]] = [
            {"at": at, "agent_name": name, "state": state, "expected": fine, "reason_code": code}
            for at, name, state, fine, code in changes
        ]
        connection.execute(insert(schema.service_changes), told)
        happened = [
            {
                "at": at,
                "type": "mission_control.service_changed",
                "severity": "INFO",
                "agent_name": name,
                "message": f"{name} -> {state}",
                "data": "{}",
            }
            for at, name, state, *_ in changes
        ]
        connection.execute(insert(schema.events), happened)
    engine.dispose()
    return len(changes)


def _changes(
    names: Sequence[str], now: datetime, days: int, chance: random.Random
) -> Iterator[tuple[int, str, str, bool, str]]:
    for name in names:
        yield schema.to_micros(now - timedelta(days=days)), name, "OK", True, ""
        for _ in range(FAILURES_A_DAY * days):
            at = now - timedelta(seconds=chance.uniform(60, days * 86_400))
            yield schema.to_micros(at), name, "OFFLINE", False, "TIMEOUT"
            yield schema.to_micros(at + timedelta(seconds=20)), name, "OK", True, ""


def measure_readers() -> Iterator[Row]:
    """Watch a healthy floor, first without readers and then with them, in one run."""
    with tempfile.TemporaryDirectory() as name, running_farm(farm.Mode.HEALTHY) as field_:
        root, beats = Path(name), Path(name) / "beats.txt"
        targets = farm_targets(field_.port, TARGETS, farm.Mode.HEALTHY)
        changes = fill_history(root, [t.name for t in targets], DAYS)
        with serving(targets, 10.0, root, Manner(beats)) as ours:
            time.sleep(SETTLES)
            about = {"targets": TARGETS, "days": DAYS, "changes": changes}
            yield {**about, "readers": 0, **_look(ours, beats, [])}
            reading = [_reader(ours, number) for number in range(READERS)]
            yield {**about, "readers": READERS, **_look(ours, beats, reading)}


@dataclass
class _Seen:
    """What those who look beside the readers have seen."""

    alive: list[float] = field(default_factory=list[float])
    decided: list[float] = field(default_factory=list[float])
    offline: set[str] = field(default_factory=set[str])
    answers: list[float] = field(default_factory=list[float])
    refused: int = 0
    gave_up: int = 0


def _look(
    ours: Serving, beats: Path, readers: Sequence[Callable[[_Seen, threading.Event], None]]
) -> Row:
    seen, over = _Seen(), threading.Event()
    looking = [_ask_livez, _follow_posture, _count_offline]
    threads = [
        *(threading.Thread(target=look, args=(ours, seen, over)) for look in looking),
        *(threading.Thread(target=read, args=(seen, over)) for read in readers),
    ]
    began, used = time.monotonic(), ours.cpu_seconds()
    for thread in threads:
        thread.start()
    time.sleep(LOOKS)
    over.set()
    ended, used = time.monotonic(), ours.cpu_seconds() - used
    for thread in threads:
        thread.join()
    gaps = [b - a for a, b in zip(seen.decided, seen.decided[1:], strict=False)]
    return {
        **held_up(beats, began, ended),
        "aim_ms": 50,
        "livez_p99_ms": round(quantiles(seen.alive, n=100)[98] * 1000, 1),
        "livez_max_ms": round(max(seen.alive) * 1000, 1),
        "decided_apart_max_seconds": round(max(gaps, default=0.0), 2),
        "healthy_seen_offline": len(seen.offline),
        "answers": len(seen.answers),
        "answer_median_seconds": round(sorted(seen.answers)[len(seen.answers) // 2], 2)
        if seen.answers
        else None,
        "refused": seen.refused,
        "gave_up": seen.gave_up,
        "core_percent": round(100 * used / (ended - began), 1),
    }


def _client(ours: Serving) -> httpx.Client:
    return httpx.Client(base_url=ours.url, timeout=60.0, trust_env=False)


def _ask_livez(ours: Serving, seen: _Seen, over: threading.Event) -> None:
    with _client(ours) as client:
        while not over.wait(0.05):
            began = time.perf_counter()
            client.get("/livez")
            seen.alive.append(time.perf_counter() - began)


def _follow_posture(ours: Serving, seen: _Seen, over: threading.Event) -> None:
    with _client(ours) as client:
        known = ""
        while not over.wait(0.1):
            at = client.get("/api/v1/posture").json()["at"]
            if at != known:
                known = at
                seen.decided.append(datetime.fromisoformat(at).timestamp())


def _count_offline(ours: Serving, seen: _Seen, over: threading.Event) -> None:
    with _client(ours) as client:
        while not over.wait(0.5):
            agents = json.loads(client.get("/api/v1/agents").content)["agents"]
            seen.offline.update(a["agent_name"] for a in agents if a["state"] == "OFFLINE")


def _reader(ours: Serving, number: int) -> Callable[[_Seen, threading.Event], None]:
    """Make a reader who asks for another stretch each time, so that little is remembered."""
    chance = random.Random(number)

    def read(seen: _Seen, over: threading.Event) -> None:
        with _client(ours) as client:
            while not over.is_set():
                began = time.perf_counter()
                try:
                    answer = client.get(_question(chance))
                except httpx.TimeoutException:
                    seen.gave_up += 1
                    continue
                if answer.status_code == httpx.codes.SERVICE_UNAVAILABLE:
                    seen.refused += 1
                    over.wait(float(answer.headers["retry-after"]))
                else:
                    seen.answers.append(time.perf_counter() - began)

    return read


def _question(chance: random.Random) -> str:
    until = datetime.now(UTC) - timedelta(seconds=chance.randrange(60, 86_400))
    month = quote((until - timedelta(days=DAYS - 2)).isoformat())
    at = quote(until.isoformat())
    return chance.choice(
        (
            f"/api/v1/timeline?step=43200&from={month}&to={at}",
            f"/api/v1/timeline?step=1800&to={at}",
            f"/api/v1/slo?from={month}&to={at}",
            f"/api/v1/events?limit=500&until={at}",
            f"/api/v1/posture?at={at}",
            "/api/v1/artifacts?limit=200",
        )
    )
