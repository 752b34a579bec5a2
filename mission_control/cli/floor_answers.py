"""The floor as the API answers it, from a server or made in this process."""

import asyncio
import json
from dataclasses import dataclass
from typing import cast

import click
import httpx
from pydantic import BaseModel, ConfigDict, ValidationError

from mission_control.bootstrap import once
from mission_control.configuration.addresses import UnusableAddress, read_base_url
from mission_control.configuration.settings import Settings
from mission_control.contract.model.shapes import ServiceState
from mission_control.floor.model import Verdict
from mission_control.floor.present.agents import agents_document
from mission_control.floor.present.posture import posture_document
from mission_control.model.clock import Clock
from mission_control.model.finding import Severity
from mission_control.model.fleet import Criticality
from mission_control.model.kill_switch import KillSwitchState
from mission_control.processes import own_process as process

DEADLINE_SECONDS = 20.0
MAX_BYTES = 16 * 1024 * 1024


@dataclass(frozen=True, slots=True)
class RemoteAnswer:
    """A server's answer: its status and its body, whole."""

    status: int
    body: bytes


def ask_server(url: str, path: str, accept: str = "*/*") -> RemoteAnswer:
    """
    Ask a server for a path once, or say in one line why it could not be asked.

    Redirects are not followed and proxies of the environment are ignored: only the named server
    answers. The whole answer must arrive within the deadline, and within the size limit.
    """
    try:
        base = read_base_url(url)
    except UnusableAddress as error:
        raise click.BadParameter(f"{error.problem} ({error.remedy})", param_hint="--url") from error
    try:
        return process.run(_ask(base + path, accept))
    except (httpx.HTTPError, TimeoutError) as error:
        raise click.ClickException(_why_silent(base, error)) from error


def _why_silent(base: str, error: Exception) -> str:
    """Say in one line why a server could not be asked, and what may help."""
    if isinstance(error, httpx.ConnectError):
        return f"nothing answers at {base}: start `mission-control serve` there, or correct --url"
    if isinstance(error, TimeoutError | httpx.TimeoutException):
        return f"{base} did not answer within {DEADLINE_SECONDS:g} s"
    return f"{base} could not be asked: {type(error).__name__}"


async def _ask(address: str, accept: str) -> RemoteAnswer:
    headers = {"accept": accept, "accept-encoding": "identity"}
    body = bytearray()
    async with (
        asyncio.timeout(DEADLINE_SECONDS),
        httpx.AsyncClient(trust_env=False, timeout=DEADLINE_SECONDS, headers=headers) as client,
        client.stream("GET", address) as response,
    ):
        async for chunk in response.aiter_raw():
            body += chunk
            if len(body) > MAX_BYTES:
                raise click.ClickException("the answer is larger than 16 MiB")
        return RemoteAnswer(response.status_code, bytes(body))


def ask_for_document(url: str, path: str) -> dict[str, object]:
    """Ask a server for a JSON object, or say in one line what it answered instead."""
    answer = ask_server(url, path, "application/json")
    if not httpx.codes.is_success(answer.status):
        raise click.ClickException(f"{url} answered {path} with status {answer.status}")
    try:
        document: object = json.loads(answer.body)
    except (ValueError, RecursionError) as error:
        raise click.ClickException(f"{url} answered {path} with no JSON") from error
    if not isinstance(document, dict):
        raise click.ClickException(f"{url} answered {path} with no JSON object")
    return cast("dict[str, object]", document)


class _Answer(BaseModel):
    """Part of an answer: fields that are shown are validated, others are ignored."""

    model_config = ConfigDict(frozen=True, extra="ignore")


class ReasonAnswer(_Answer):
    """One reason of the posture or of a service."""

    code: str
    subject: str
    severity: Severity
    detail: str
    halts: bool
    confirmed: bool = True


class SessionAnswer(_Answer):
    """The market session."""

    phase: str
    next_boundary_et: str | None
    next_phase: str | None
    note: str


class SwitchAnswer(_Answer):
    """The kill switch."""

    state: KillSwitchState
    confirmed: bool
    conflicting: bool


class CoverageAnswer(_Answer):
    """How much was asked for and how much obtained."""

    asked: int
    obtained: int


class PostureAnswer(_Answer):
    """`/api/v1/posture`, as far as it is shown."""

    at_et: str
    posture: Verdict
    reads: str = ""
    expected: bool
    confirmed: bool = True
    severity: str | None
    reasons: list[ReasonAnswer]
    since_et: str
    session: SessionAnswer
    kill_switch: SwitchAnswer
    evidence_age_seconds: float | None
    coverage: CoverageAnswer
    cluster: str
    label: str = ""


class AgentAnswer(_Answer):
    """One service of `/api/v1/agents`, as far as it is shown."""

    agent_name: str
    kind: str
    criticality: Criticality
    state: ServiceState
    expected: bool
    reasons: list[ReasonAnswer]
    evidence_age_seconds: float | None


class AgentsAnswer(_Answer):
    """`/api/v1/agents`, as far as it is shown."""

    agents: list[AgentAnswer]


@dataclass(frozen=True, slots=True)
class FloorAnswers:
    """The posture and the services: the documents as answered, and what was read in them."""

    documents: dict[str, object]
    posture: PostureAnswer
    agents: tuple[AgentAnswer, ...]


def observe_floor(settings: Settings, clock: Clock) -> FloorAnswers:
    """Ask the fleet once, in this process, and answer as the API would."""
    snapshot = process.run(once.observe_once(settings, clock))
    label = {"label": snapshot.label} if snapshot.label else {}
    return _read({**posture_document(snapshot), **label}, dict(agents_document(snapshot)))


def ask_for_floor(url: str) -> FloorAnswers:
    """Ask a server for the posture and the services, or say why it could not be asked."""
    documents = (ask_for_document(url, f"/api/v1/{name}") for name in ("posture", "agents"))
    try:
        return _read(*documents)
    except ValidationError as error:
        first = error.errors(include_input=False, include_url=False)[0]
        at = ".".join(str(part) for part in first["loc"])
        problem = f"{url} does not answer as Mission Control does: {at}: {first['msg']}"
        raise click.ClickException(problem) from error


def _read(posture: dict[str, object], agents: dict[str, object]) -> FloorAnswers:
    return FloorAnswers(
        {"posture": posture, "agents": agents.get("agents")},
        PostureAnswer.model_validate(posture),
        tuple(AgentsAnswer.model_validate(agents).agents),
    )
