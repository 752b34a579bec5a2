"""Fixtures: the pages over a Mission Control made of values."""

import copy
import inspect
from collections.abc import AsyncIterator
from typing import Any

import httpx
import orjson
import pytest

from ops_ui.application import create_application
from ops_ui.settings import Settings

AT = "2026-11-18T15:15:13.000Z"
POSTURE = {
    "at": AT,
    "at_et": "2026-11-18 10:15:13 EST",
    "posture": "OK",
    "expected": True,
    "severity": None,
    "reasons": [],
    "degraded": [],
    "since": "2026-11-18T15:10:00.000Z",
    "session": {
        "phase": "OPEN",
        "next_boundary": "2026-11-18T21:00:00.000Z",
        "next_phase": "POST_MARKET",
        "early_close": False,
        "note": "",
    },
    "kill_switch": {
        "state": "ENGAGED",
        "confirmed": True,
        "conflicting": False,
        "detail": "confirmed by /x",
        "witnesses": [{"kind": "file", "source": "/x", "state": "ENGAGED", "at": AT, "detail": ""}],
    },
    "evidence_age_seconds": 4.2,
    "oldest_evidence": "a",
    "coverage": {"asked": 1, "obtained": 1, "gaps": []},
    "fleet": {"digest": "ab" * 32, "agents": 2},
    "cluster": "none",
    "accusations": [],
    "sequence": 7,
}
AGENT = {
    "agent_name": "marketdata-mcp-server",
    "state": "HALTED",
    "expected": True,
    "reasons": [],
    "reported_codes": ["KILL_SWITCH"],
    "owner": {"primary": "Ops On-Call", "secondary": None},
    "criticality": "critical",
    "evidence_age_seconds": 2.0,
    "since": "2026-11-18T15:10:00.000Z",
}
AGENTS = {"ts": AT, "agents": [AGENT]}
EVENT = {
    "type": "agent.changed",
    "ts": "2026-11-18T15:10:00.000Z",
    "agent_name": "marketdata-mcp-server",
    "message": "marketdata-mcp-server UNKNOWN -> HALTED (expected)",
    "data": {"before": "UNKNOWN", "after": "HALTED"},
}
EVENTS = {"ts": AT, "events": [EVENT]}
PROOF = {
    "proven": True,
    "at_et": "2026-11-18 10:15:13 EST",
    "routes": [{"path": "/healthz", "methods": ["GET"], "read_only": True}],
    "transport": {
        "sent": [{"method": "GET", "count": 3}],
        "refused": [{"method": "POST", "refused": True}],
    },
    "cluster": "none",
}


CELL = {"begin": AT, "end": AT, "state": "HALTED", "watched": True, "expected": True}
CELL["watched_share"] = 1.0
GAP = {"begin": AT, "end": AT, "state": "UNKNOWN", "watched": False, "expected": False}
TIMELINE = {
    "ts": AT,
    "agents": [
        {
            "agent_name": "marketdata-mcp-server",
            "segments": [
                {**CELL, "seconds": 90.0, "reason_code": "TIMEOUT"},
                {**GAP, "seconds": 9},
            ],
            "cells": [{**CELL, "reason_code": ""}, {**GAP, "reason_code": ""}],
        }
    ],
    "sessions": [],
}
SLO = {
    "since_et": "2026-11-01 00:00:00 EDT",
    "until_et": "2026-11-18 10:15:13 EST",
    "services": [
        {
            "agent_name": "marketdata-mcp-server",
            "window": "market_hours",
            "target": 99.9,
            "attained": 99.95,
            "met": True,
            "budget_left_seconds": 3661.0,
            "bad_seconds": 5.0,
            "unobserved_seconds": 0.0,
            "asked": 10,
            "obtained": 10,
        },
        {"agent_name": "strategy-engine", "window": "month", "target": 99.5, "met": False},
    ],
}


RUN_PATH = "audit_artifacts/ops_runs/20261118T151500Z_intraday_sample"
LEDGER = {
    "ts": AT,
    "label": "DEMO",
    "total": 8,
    "head": {"seq": 8, "hash": "ab" * 32},
    "next_cursor": "7",
    "verification": {"at_et": "2026-11-18 10:15:13 EST", "intact": True, "runs": 8, "files": 24},
    "runs": [
        {
            "seq": 8,
            "at": AT,
            "at_et": "2026-11-18 10:15:00 EST",
            "job": "intraday_sample",
            "session_date": "2026-11-18",
            "path": RUN_PATH,
            "files": [
                {
                    "path": f"{RUN_PATH}/posture.json",
                    "name": "posture.json",
                    "sha256": "cd" * 32,
                    "size": 2650,
                }
            ],
        }
    ],
}


READING = {
    "path": "/ops/status",
    "seen": False,
    "outcome": "CONTRACT_INVALID",
    "detail": "not a valid rich answer",
    "http_status": 200,
    "at": AT,
    "took_seconds": 0.012,
    "phases": [{"name": "connect", "seconds": 0.001}],
    "date_skew_seconds": 0.4,
    "excerpt": "<script>alert(1)</script>",
    "problems": [{"field": "safety", "problem": "is missing"}],
    "document": None,
}


ALERT = {
    "fingerprint": "8bb84073c1f0bb9f",
    "rule": "marketdata_stale",
    "code": "MARKETDATA_STALE",
    "subject": "marketdata-mcp-server",
    "severity": "P1",
    "state": "FIRING",
    "pages": True,
    "summary": "marketdata-mcp-server has had no tick for 259 s",
    "detail": "/ops/status says so",
    "since": "2026-11-18T15:10:54.000Z",
    "resolved_at": None,
    "owner": "Ops On-Call",
    "runbook": "TIMEOUT",
    "withheld": "",
    "suppressed_by": None,
    "dependents": ["strategy-engine"],
    "first_step": "Call the owner.",
}
CHANNEL = {
    "channel": "webhook",
    "kind": "webhook",
    "address": "https://pager.example",
    "delivered_at": AT,
    "failing_since": None,
    "answer": "HTTP 200",
    "waiting": 0,
    "dead_letters": [],
}
ALERTS = {"ts": AT, "current": True, "alerts": [ALERT], "channels": [CHANNEL]}
CHANGE = {
    "at": AT,
    "fingerprint": ALERT["fingerprint"],
    "code": "MARKETDATA_STALE",
    "subject": "marketdata-mcp-server",
    "severity": "P1",
    "from_state": "PENDING",
    "to_state": "FIRING",
    "pages": True,
    "reason": "true for 120 s of market time",
}
ATTEMPT = {
    "at": AT,
    "channel": "webhook",
    "fingerprint": ALERT["fingerprint"],
    "state": "FIRING",
    "answer": "HTTP 503",
    "delivered": False,
    "attempt": 1,
}
ALERT_HISTORY = {
    "ts": AT,
    "transitions": [CHANGE],
    "next_cursor": "7",
    "deliveries": [ATTEMPT],
    "next_delivery_cursor": "9",
}


class Upstream:
    """A Mission Control made of values; tests change `answers`, by path."""

    def __init__(self) -> None:
        """Answer well."""
        self.answers: dict[str, Any] = {
            "/api/v1/posture": copy.deepcopy(POSTURE),
            "/api/v1/agents": copy.deepcopy(AGENTS),
            "/api/v1/events/recent": copy.deepcopy(EVENTS),
            "/api/v1/attestation/read-only": copy.deepcopy(PROOF),
            "/api/v1/alerts": copy.deepcopy(ALERTS),
            "/api/v1/alerts/history": copy.deepcopy(ALERT_HISTORY),
            "/api/v1/timeline": copy.deepcopy(TIMELINE),
            "/api/v1/slo": copy.deepcopy(SLO),
            "/api/v1/events": {**copy.deepcopy(EVENTS), "next_cursor": "41"},
            "/api/v1/agents/marketdata-mcp-server": {
                "ts": AT,
                "label": "DEMO",
                "agent": {**copy.deepcopy(AGENT), "readings": [copy.deepcopy(READING)]},
            },
            "/api/v1/runbooks/TIMEOUT": "# TIMEOUT: no answer\n\n<script>alert(1)</script>\n",
        }
        self.requests: list[httpx.Request] = []
        self.safety = "kill switch required"
        self.label = ""
        self.time = AT

    def asked(self, path: str) -> httpx.URL:
        """Return the newest question for this path."""
        return next(r.url for r in reversed(self.requests) if r.url.path == path)

    async def __call__(self, request: httpx.Request) -> httpx.Response:
        """Answer a request, or fail as a test says."""
        self.requests.append(request)
        answer = self.answers.get(request.url.path, httpx.Response(404))
        if inspect.iscoroutinefunction(answer):
            answer = await answer(request)
        if isinstance(answer, Exception):
            raise answer
        if isinstance(answer, str):
            answer = httpx.Response(200, text=answer)
        if not isinstance(answer, httpx.Response):
            answer = httpx.Response(200, content=orjson.dumps(answer))
        told = {"safety": self.safety, "label": self.label, "time": self.time}
        headers = {f"x-mission-control-{k}": v for k, v in told.items() if v} | {**answer.headers}
        return httpx.Response(answer.status_code, headers=headers, content=streamed(answer.content))


async def streamed(body: bytes) -> AsyncIterator[bytes]:
    """Send a body as a socket would, in pieces."""
    for start in range(0, len(body), 65536):
        yield body[start : start + 65536]


@pytest.fixture
def upstream() -> Upstream:
    """Return a Mission Control that answers well."""
    return Upstream()


@pytest.fixture
def pages(upstream: Upstream) -> httpx.AsyncClient:
    """Return a client of the pages over this Mission Control."""
    behind = httpx.AsyncClient(
        transport=httpx.MockTransport(upstream), base_url="http://mission-control"
    )
    app: Any = create_application(Settings(timeout_seconds=1.0), behind)
    transport = httpx.ASGITransport(app, raise_app_exceptions=False)
    return httpx.AsyncClient(transport=transport, base_url="http://localhost")
