"""Asks Mission Control. Whatever goes wrong is a value with a name of its own."""

import asyncio
import ssl
from collections.abc import AsyncGenerator, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass
from enum import StrEnum
from typing import TypeVar, cast

import httpx
import orjson
from pydantic import ValidationError

from ops_ui.access.api_token import OurToken, TokenUnusable
from ops_ui.access.secret_file import SecretFile
from ops_ui.answers import Part, Refusal

HTTP_OK, HTTP_NOT_FOUND, HTTP_SERVICE_UNAVAILABLE = 200, 404, 503
UNAUTHORIZED, FORBIDDEN = 401, 403
MAX_BYTES = 4 * 1024 * 1024
MAX_PROBLEM_BYTES = 64 * 1024
MISTAKES = frozenset({400, 414, 422})
"""What Mission Control answers to a reader's own mistake."""
SAFETY_HEADER, MAX_SAFETY = "x-mission-control-safety", 300
LABEL_HEADER, TIME_HEADER, MAX_LABEL = "x-mission-control-label", "x-mission-control-time", 80


class Failure(StrEnum):
    """How Mission Control can fail to answer; each looks different on the page."""

    DOWN = "DOWN"
    SLOW = "SLOW"
    RESTARTING = "RESTARTING"
    GARBAGE = "GARBAGE"
    REFUSED = "REFUSED"


@dataclass(frozen=True, slots=True)
class Missed:
    """
    No usable answer, and why.

    `status` is that of an answer which says what is wrong, 0 where there was none, and `told` its
    sentence.
    """

    failure: Failure
    detail: str
    status: int = 0
    told: str = ""

    @property
    def is_mistake(self) -> bool:
        """Return whether the reader's address asks for what cannot be answered."""
        return self.status in MISTAKES


Answer = TypeVar("Answer", bound=Part)
_WRONG = {
    "missing": "is missing",
    "bool_type": "is not true or false",
    "model_type": "is no object",
    "string_type": "is no text",
    "tuple_type": "is no list",
}


class MissionControlClient:
    """Reads Mission Control's API with GET alone, under one total deadline for each question."""

    def __init__(
        self, client: httpx.AsyncClient, timeout_seconds: float, token: SecretFile | None = None
    ) -> None:
        """
        Ask through this client, with our token, and in the name of who is signed in.

        `safety` is what the newest answer says that the fleet needs, `label` what marks it (DEMO
        on a simulated floor, else empty) and `time` Mission Control's clock then (UTC).
        """
        self._client = client
        self._timeout = timeout_seconds
        self._auth = OurToken(token)
        self.safety = ""
        self.label = ""
        self.time = ""

    async def ask(
        self, path: str, kind: type[Answer], seconds: float | None = None
    ) -> Answer | Missed:
        """
        Ask for an answer of this kind; one that cannot be decoded is garbage.

        What takes long to answer may be given `seconds` in place of the usual ones.
        """
        body = await self._body(path, "application/json", seconds=seconds)
        if body is None or isinstance(body, Missed):
            return body or Missed(Failure.GARBAGE, f"{path} is not there", HTTP_NOT_FOUND)
        try:
            document = orjson.loads(body)
        except orjson.JSONDecodeError:
            return Missed(Failure.GARBAGE, f"{path} answered something that is not JSON")
        if not isinstance(document, dict):
            return Missed(Failure.GARBAGE, f"{path} answered something that is no JSON object")
        return decode(cast("object", document), kind)

    async def markdown(self, path: str) -> str | Missed | None:
        """Ask for a text; None when Mission Control says that there is none."""
        body = await self._body(path, "text/markdown", absent=True)
        if body is None or isinstance(body, Missed):
            return body
        return body.decode("utf-8", errors="replace")

    async def file(self, path: str, limit: int = MAX_BYTES) -> bytes | Missed | None:
        """Ask for a file's bytes; None when Mission Control says that there is none."""
        return await self._body(path, "*/*", absent=True, limit=limit)

    async def _body(
        self,
        path: str,
        accept: str,
        *,
        absent: bool = False,
        limit: int = MAX_BYTES,
        seconds: float | None = None,
    ) -> bytes | Missed | None:
        patience = max(self._timeout, seconds or 0.0)
        try:
            async with asyncio.timeout(patience):
                return await self._read(path, accept, absent=absent, limit=limit)
        except TimeoutError:
            return Missed(Failure.SLOW, f"no whole answer within {patience:g} s")
        except httpx.HTTPError as error:
            return missed_by(error)

    async def _read(
        self, path: str, accept: str, *, absent: bool, limit: int
    ) -> bytes | Missed | None:
        headers = {"accept": accept}
        total = httpx.Timeout(self._timeout, read=None)  # the whole answer has a deadline
        async with self._client.stream(
            "GET", path, headers=headers, timeout=total, auth=self._auth
        ) as response:
            self._note(response.headers)
            if response.status_code == HTTP_NOT_FOUND and absent:
                return None
            if response.status_code != HTTP_OK:
                return await self.problem_in(response)
            body = await _body_of(response, limit)
            if body is None:
                return Missed(Failure.GARBAGE, f"{path} answered more than {limit // 2**20} MiB")
            return body

    def _note(self, headers: httpx.Headers) -> None:
        """Remember what every answer says of itself, whatever else it says."""
        self.safety = headers.get(SAFETY_HEADER, self.safety)[:MAX_SAFETY]
        self.label = headers.get(LABEL_HEADER, "")[:MAX_LABEL]
        self.time = headers.get(TIME_HEADER, "")[:MAX_LABEL]

    @asynccontextmanager
    async def stream(self, last_event_id: str) -> AsyncGenerator[httpx.Response]:
        """Follow the event stream from an event on; raises httpx.HTTPError when it fails."""
        more = {"last-event-id": last_event_id} if last_event_id else {}
        async with self.streamed("/api/v1/stream", "text/event-stream", more) as response:
            yield response

    @asynccontextmanager
    async def streamed(
        self, path: str, accept: str, more: Mapping[str, str] | None = None
    ) -> AsyncGenerator[httpx.Response]:
        """Open an answer that is read as it arrives; raises httpx.HTTPError when it fails."""
        headers = {"accept": accept, **(more or {})}
        timeout = httpx.Timeout(self._timeout, read=30.0)
        async with self._client.stream(
            "GET", path, headers=headers, timeout=timeout, auth=self._auth
        ) as response:
            yield response

    async def problem_in(self, response: httpx.Response) -> Missed:
        """Return why an answer is none, as its problem details say."""
        status = response.status_code
        if status == HTTP_SERVICE_UNAVAILABLE:
            return Missed(Failure.RESTARTING, "it answers 503: starting, stopping, stalled or busy")
        told = _told_by(await _body_of(response, MAX_PROBLEM_BYTES) or b"")
        if status in {UNAUTHORIZED, FORBIDDEN}:
            return Missed(Failure.REFUSED, self._auth.remedy(status, told), status)
        return Missed(Failure.GARBAGE, f"{response.url.path} answered {status}", status, told)


def missed_by(error: httpx.HTTPError) -> Missed:
    """Return what it means that a question failed."""
    if isinstance(error, TokenUnusable):
        return Missed(Failure.REFUSED, str(error))
    if isinstance(error, httpx.ConnectError):
        if "CERTIFICATE_VERIFY_FAILED" in str(error):
            why = "its certificate is not believed; name who signs it by MISSION_CONTROL_UI_CA_FILE"
            return Missed(Failure.DOWN, why)
        return Missed(Failure.DOWN, "nothing answers at its address")
    return Missed(Failure.DOWN, f"the connection failed ({type(error).__name__})")


async def _body_of(response: httpx.Response, limit: int) -> bytes | None:
    """Read a body; None for one that is larger than so many bytes."""
    body = bytearray()
    async for chunk in response.aiter_raw():
        body += chunk
        if len(body) > limit:
            return None
    return bytes(body)


def decode(document: object, kind: type[Answer]) -> Answer | Missed:
    """Return an answer as its type, or what of it is missing or of another kind."""
    try:
        return kind.model_validate(document)
    except ValidationError as invalid:
        errors = invalid.errors(include_url=False, include_input=False)
    wrong = [f"its {e['loc'][0]} {_WRONG.get(e['type'], 'is no known value')}" for e in errors]
    return Missed(Failure.GARBAGE, ", ".join(wrong))


def _told_by(body: bytes) -> str:
    """Return the sentence of problem details; empty where there is none."""
    try:
        return Refusal.model_validate(orjson.loads(body)).detail[:500]
    except ValueError:
        return ""


def open_client(base_url: str, timeout_seconds: float, verify: ssl.SSLContext) -> httpx.AsyncClient:
    """Open a client that follows no redirect, keeps no cookie and reads no proxy."""
    return httpx.AsyncClient(
        base_url=base_url,
        timeout=timeout_seconds,
        trust_env=False,
        verify=verify,
        follow_redirects=False,
        headers={"accept-encoding": "identity", "user-agent": "mission-control-ops-ui"},
    )
