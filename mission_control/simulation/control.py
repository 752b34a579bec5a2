"""The switchboard, which is outside Mission Control and changes the scenario."""

import asyncio
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any, Protocol, cast
from urllib.parse import parse_qsl

import orjson

from mission_control.errors import ConfigurationError
from mission_control.simulation.answers import (
    Answer,
    ASGIApp,
    Receive,
    Scope,
    Send,
    json_answer,
    send_answer,
)
from mission_control.simulation.clock import SimulatedClock
from mission_control.simulation.scenarios.catalogue import SCENARIOS, find_scenario
from mission_control.simulation.scenarios.scenario import Scenario
from mission_control.simulation.tape import SessionAt

PATH = "/scenario"
MAX_BODY_BYTES = 4096


class Switchable(Protocol):
    """The floor, as its switchboard uses it."""

    clock: SimulatedClock
    session_at: SessionAt

    @property
    def scenario(self) -> Scenario:
        """The current scenario."""
        ...

    def switch(
        self, scenario_name: str, *, set_clock: bool = False, at: datetime | None = None
    ) -> None:
        """Switch to another scenario."""
        ...


class BadRequestError(Exception):
    """What is wrong with a request to the switchboard, for its client."""


@dataclass(frozen=True, slots=True)
class Wish:
    """The requested scenario, and the instant if one is requested."""

    name: str
    at: datetime | None


def control_app(floor: Switchable) -> ASGIApp:
    """
    Make the switchboard's ASGI app: `GET /scenario` and `POST /scenario`, nothing else.

    Switching waits for ports that close and a file that changes, so it runs in a thread.
    """

    async def app(scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            raise ValueError("the switchboard speaks HTTP only")
        try:
            answer = await _answer(floor, scope, receive)
        except BadRequestError as error:
            known = [scenario.name for scenario in SCENARIOS]
            answer = json_answer({"error": str(error), "known": known}, status=400)
        except ConfigurationError as error:
            answer = json_answer({"error": str(error)}, status=500)
        await send_answer(send, answer, floor.clock())

    return app


async def _answer(floor: Switchable, scope: Scope, receive: Receive) -> Answer:
    if scope["path"] != PATH:
        return json_answer({"error": "not found", "try": PATH}, status=404)
    if scope["method"] == "POST":
        wish = _read_wish(scope, await _read_body(receive))
        await asyncio.to_thread(_grant, floor, wish)
    elif scope["method"] != "GET":
        body = orjson.dumps({"error": "method not allowed"})
        return Answer(405, body, headers=(("allow", "GET, POST"),))
    return json_answer(_picture(floor))


def _picture(floor: Switchable) -> Mapping[str, object]:
    now = floor.clock()
    return {
        "current": floor.scenario.name,
        "description": floor.scenario.description,
        "clock": now.isoformat(timespec="milliseconds").replace("+00:00", "Z"),
        "market_phase": floor.session_at(now).phase.value,
        "scenarios": [
            {"name": s.name, "description": s.description, "at": s.at.isoformat()}
            for s in SCENARIOS
        ],
    }


def _grant(floor: Switchable, wish: Wish) -> None:
    """Switch; the clock moves too when the scenario is of another phase of the market's day."""
    here = floor.session_at(floor.clock())
    there = floor.session_at(find_scenario(wish.name).at.astimezone(UTC))
    elsewhere = (here.phase, here.early_close) != (there.phase, there.early_close)
    floor.switch(wish.name, set_clock=elsewhere, at=wish.at)


async def _read_body(receive: Receive) -> bytes:
    body, more = b"", True
    while more:
        message = await receive()
        body += message.get("body", b"")
        more = message.get("more_body", False)
        if len(body) > MAX_BODY_BYTES:
            raise BadRequestError(f"the body is longer than {MAX_BODY_BYTES} bytes")
    return body


def _read_wish(scope: Scope, body: bytes) -> Wish:
    fields = dict[str, Any](parse_qsl(scope["query_string"].decode("latin-1")))
    if body.strip():
        fields |= _read_object(body)
    unknown = sorted(fields.keys() - {"name", "at"})
    if unknown:
        raise BadRequestError(f"unknown field {unknown[0][:64]!r}; there are name and at")
    name = fields.get("name")
    if not isinstance(name, str):
        raise BadRequestError('name a scenario, as in {"name": "calm"} or ?name=calm')
    try:
        find_scenario(name)
    except ConfigurationError as error:
        raise BadRequestError(error.problem) from None
    return Wish(name, _read_instant(fields.get("at")))


def _read_object(body: bytes) -> dict[str, Any]:
    try:
        document = orjson.loads(body)
    except orjson.JSONDecodeError:
        document = None
    if not isinstance(document, dict):
        raise BadRequestError("the body is not a JSON object")
    return cast("dict[str, Any]", document)


def _read_instant(text: object) -> datetime | None:
    if text is None:
        return None
    try:
        at = datetime.fromisoformat(str(text))
    except ValueError:
        at = None
    if at is None or at.utcoffset() is None:
        raise BadRequestError("at is no instant; write it as 2026-11-18T10:15:00-05:00")
    return at
