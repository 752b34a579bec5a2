"""Logs as the fleet writes them, for what reads them."""

import gzip
import json

from backports import zstd

from mission_control.replay.model import Narrowing
from mission_control.replay.run import replay_logs
from mission_control.replay.sources import find_input

EVERYTHING = Narrowing()


def event(name="startup", second=0, **more):
    """Return a replay event; what is None is left out."""
    told = {
        "replay_schema": "agenttrader.replay.v1",
        "ts": f"2026-11-18T15:00:{second:02d}.000000+00:00",
        "event": name,
        "trace_id": "t-1",
        "agent_name": "strategy-engine",
        "service": "strategy",
        **more,
    }
    return {key: value for key, value in told.items() if value is not None}


def order(stage, second=0, **more):
    """Return an order intent of some stage."""
    intent = {
        "symbol": "SPY",
        "side": "buy",
        "qty": 10,
        "order_type": "limit",
        "limit_price": 431.5,
    }
    return event("order_intent", second, data={"stage": stage, "intent": intent}, **more)


def protocol_intent(**more):
    """Return an order intent of the guests' protocol."""
    return {
        "protocol": "v1",
        "type": "order_intent",
        "intent_id": "i-1",
        "event_id": "e-1",
        "ts": "2026-11-18T15:00:09Z",
        "symbol": "SPY",
        "side": "buy",
        "qty": 5,
        "order_type": "market",
        **more,
    }


def wrapped(inner, key="message", **more):
    """Return a log record of the fleet with something in it, as text."""
    text = inner if isinstance(inner, str) else json.dumps(inner)
    return {"timestamp": "2026-11-18T15:00:01.500000+00:00", "severity": "INFO", key: text, **more}


def lines(*records):
    """Return records as bytes, a line each; texts and bytes as they are."""
    return b"".join(_line(record) + b"\n" for record in records)


def _line(record):
    if isinstance(record, bytes):
        return record
    return (record if isinstance(record, str) else json.dumps(record)).encode()


def write(folder, name, *records):
    """Write a log; packed where its name says so."""
    path, content = folder / name, lines(*records)
    path.parent.mkdir(parents=True, exist_ok=True)
    if name.endswith(".gz"):
        content = gzip.compress(content, mtime=0)
    if name.endswith(".zst"):
        content = zstd.compress(content)
    path.write_bytes(content)
    return path


def read(*paths, **narrowing):
    """Return the replay of some files or folders."""
    return replay_logs(find_input([str(p) for p in paths]), Narrowing(**narrowing))


def shown(replay):
    """Return all events that are shown, by group."""
    return [event for _, events in replay.groups() for event in events]


def adds_up(counts):
    """Return whether every line is accounted for exactly once."""
    return counts.lines == counts.event_lines + sum(counts.skipped.values())
