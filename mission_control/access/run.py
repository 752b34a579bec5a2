"""The gate of the API: who asks, whether they may, how often; and the record of what they read."""

import logging
from collections import OrderedDict
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from http import HTTPStatus

from mission_control.access.decide import (
    ANYONE,
    OPEN_PATHS,
    TOKEN_MARK,
    allowed,
    client_key,
    credential_of,
    denied,
    is_evidence,
    judge_static,
    line_refusal,
    operator_of,
    spend,
)
from mission_control.access.in_force import AccessFiles
from mission_control.access.issuer import IssuerKeys
from mission_control.access.model import Allowance, Auth, Reader, Refusal
from mission_control.model.clock import Clock

MOST_CLIENTS = 10_000
"""So many clients' requests are counted; those that asked longest ago are forgotten."""
AUTHORIZATION, OPERATOR = b"authorization", b"x-mission-control-operator"

log = logging.getLogger("mission_control.access")


@dataclass(frozen=True, slots=True)
class Asked:
    """
    One request as it arrived: the client's address, what it came over, and what it asks for.

    `local` where it came from this machine, and for no one else.
    """

    client: str
    scheme: str
    method: str
    path: str
    query: str
    headers: Sequence[tuple[bytes, bytes]]
    local: bool

    def header(self, name: bytes) -> list[bytes]:
        """Return the values of a header."""
        return [value for key, value in self.headers if key == name]


@dataclass(frozen=True, slots=True)
class Answered:
    """What came of a request: status, bytes, and whether it was answered to its end."""

    status: int
    sent: int
    whole: bool


@dataclass
class AccessGate:
    """
    Decides on each request before any route does; belongs to one event loop.

    `monotonic` is the clock of the limits, and `a_minute` what one client may ask.
    """

    auth: Auth
    files: AccessFiles
    issuer: IssuerKeys | None
    clock: Clock
    monotonic: Callable[[], float]
    a_minute: int
    _allowances: OrderedDict[str, Allowance] = field(default_factory=OrderedDict[str, Allowance])

    def limit(self, asked: Asked) -> Refusal | None:
        """Count a request; refused where its client asks too often. This machine's own never do."""
        if asked.local:
            return None
        key = client_key(asked.client)
        before = self._allowances.pop(key, None)
        self._allowances[key], refusal = spend(before, self.monotonic(), self.a_minute)
        while len(self._allowances) > MOST_CLIENTS:
            self._allowances.popitem(last=False)
        if self._allowances[key].refused == 1:  # once, not for each request of a flood
            log.warning("a client asks too often", extra={"client": asked.client})
        return refusal

    async def admit(self, asked: Asked) -> Reader | Refusal:
        """Say who asks, where they may; health is told to everyone."""
        if asked.path in OPEN_PATHS:
            return ANYONE
        if self.auth is Auth.NONE:
            return ANYONE
        unsafe = line_refusal(asked.scheme, asked.path, local=asked.local)
        reader = unsafe or await self._known(asked)
        if isinstance(reader, Refusal):
            return reader
        operator = operator_of(asked.header(OPERATOR), reader)
        if isinstance(operator, Refusal):
            return operator
        return allowed(reader, asked.path) or replace(reader, operator=operator)

    async def _known(self, asked: Asked) -> Reader | Refusal:
        token = credential_of(asked.header(AUTHORIZATION))
        if isinstance(token, Refusal):
            return token
        if self.files.tokens is not None and (self.issuer is None or token.startswith(TOKEN_MARK)):
            return judge_static(token, self.files.tokens.value, self.clock())
        if self.issuer is None:
            return denied("unknown_token", "no token is known here")
        return await self.issuer.judge(token, self.clock())

    def is_over(self, asked: Asked, reader: Reader) -> bool:
        """Return whether one whose answer is still being sent is known no more."""
        now = self.clock()
        if reader.until is not None and now >= reader.until:
            return True
        if reader.by != "token" or self.files.tokens is None:
            return False
        token = credential_of(asked.header(AUTHORIZATION))
        if isinstance(token, Refusal):
            return True
        again = judge_static(token, self.files.tokens.value, now)
        return isinstance(again, Refusal) or allowed(again, asked.path) is not None

    def record(self, asked: Asked, reader: Reader | Refusal, answered: Answered) -> None:
        """
        Log who read what, and who was refused; never a token.

        Health is not logged, and where no one has to say who they are, only what reads evidence.
        """
        if asked.path in OPEN_PATHS:
            return
        if isinstance(reader, Refusal):
            if reader.status == HTTPStatus.TOO_MANY_REQUESTS:  # told by `limit`
                return
            told = {**_request(asked), "status": reader.status, "why": reader.code}
            log.warning("refused", extra=told)
        elif self.auth is not Auth.NONE or is_evidence(asked.path):
            result = {"status": answered.status, "sent": answered.sent, "whole": answered.whole}
            said = {"evidence": is_evidence(asked.path), **_who(reader)}
            log.info("read", extra={**_request(asked), **said, **result})


def _request(asked: Asked) -> Mapping[str, object]:
    route = f"{asked.path}?{asked.query}" if asked.query else asked.path
    return {"client": asked.client, "method": asked.method, "route": route[:512]}


def _who(reader: Reader) -> Mapping[str, object]:
    named = {"by": reader.by, "who": reader.name, "person": reader.person}
    return {key: said for key, said in {**named, "operator": reader.operator}.items() if said}
