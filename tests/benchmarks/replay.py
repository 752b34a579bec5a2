"""Measures a replay against a bare loop that parses each line, in one run and on one core."""

import resource
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import orjson

sys.path.insert(0, str(Path(__file__).parents[2]))

from mission_control.replay.model import Narrowing
from mission_control.replay.present.markdown import replay_markdown
from mission_control.replay.run import replay_logs
from mission_control.replay.sources import find_input

Row = dict[str, object]
MEGABYTES = 40
SHARES = {"logs, 1 % events": (0.01, {"ratio": 0.5}), "pure events": (1.0, {"mb_s": 30})}
MOST_MB = 100
TIMES = 3


def measure_replay() -> Iterator[Row]:
    """Replay a log of each kind to Markdown, beside a loop over its lines; the best of three."""
    for name, (share, aim) in SHARES.items():
        with tempfile.TemporaryDirectory() as folder:
            path = Path(folder) / "fleet.log"
            _write(path, share)
            megabytes = path.stat().st_size / 1e6
            before = _peak()
            ours = _best(lambda path=path: _replay(path))
            grown = _peak() - before
            loop = _best(lambda path=path: _loop(path))
        yield {
            "log": name,
            "mb_s": round(megabytes / ours, 1),
            "loop_mb_s": round(megabytes / loop, 1),
            "ratio": round(loop / ours, 3),
            "aim": aim,
            "grown_mb": round(grown, 1),
            "aim_grown_mb": MOST_MB,
        }


def _best(work: Callable[[], object]) -> float:
    """Return the least seconds of processor time that some work took."""
    taken = list[float]()
    for _ in range(TIMES):
        began = time.process_time()
        work()
        taken.append(time.process_time() - began)
    return min(taken)


def _replay(path: Path) -> None:
    replay = replay_logs(find_input([str(path)]), Narrowing())
    for _ in replay_markdown(replay):
        pass


def _loop(path: Path) -> None:
    with path.open("rb") as log:
        for line in log:
            orjson.loads(line)


def _peak() -> float:
    """Return the most memory that this process ever had, in MB."""
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024


def _write(path: Path, share: float) -> None:
    written = number = 0
    with path.open("wb") as log:
        while written < MEGABYTES * 1_000_000:
            is_event = int(number * share) < int((number + 1) * share)
            line = orjson.dumps(_event(number) if is_event else _other(number)) + b"\n"
            written += log.write(line)
            number += 1


def _at(number: int) -> str:
    minutes, seconds = divmod(number // 50, 60)
    micros = number * 15_151 % 1_000_000
    return (
        f"2026-11-18T{15 + minutes // 60 % 8:02}:{minutes % 60:02}:{seconds:02}.{micros:06}+00:00"
    )


def _event(number: int) -> Row:
    intent = {
        "symbol": ("AAPL", "MSFT", "SPY", "QQQ")[number % 4],
        "side": "buy",
        "qty": number % 500,
        "order_type": "limit",
        "limit_price": number % 50_000 / 100,
        "intent_id": f"int_{number}",
    }
    return {
        "replay_schema": "agenttrader.replay.v1",
        "ts": _at(number),
        "event": "order_intent",
        "trace_id": f"{number // 10 * 2_654_435_761 % (1 << 128):032x}",
        "agent_name": ("gamma-strategy", "whale-strategy")[number // 10 % 2],
        "service": "strategy-engine",
        "env": "prod",
        "component": "strategy_runner",
        "run_id": f"run-{number // 1_000}",
        "data": {"stage": "emitted_by_guest", "intent": intent},
        "meta": {"pid": 1234, "host": "strategy-engine-7c9d8b6f5d-x2x9z", "mono_ms": number * 17},
    }


def _other(number: int) -> Row:
    return {
        "timestamp": _at(number),
        "severity": "INFO",
        "service": "marketdata",
        "env": "prod",
        "sha": "deadbeef",
        "agent_mode": "OBSERVE",
        "request_id": f"{number * 2_654_435_761:032x}",
        "event_type": "tick",
        "message": f"tick {number} received for SPY in {number % 100} ms",
        "logger": "marketdata.stream",
    }
