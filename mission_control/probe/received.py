"""What an HTTP answer is worth, once its bytes are here. Pure."""

import re
from collections.abc import Awaitable, Callable, Iterable
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from functools import lru_cache, partial
from typing import NamedTuple, cast

import orjson

from mission_control.contract.model.answer import (
    Answer,
    Shape,
    is_success,
    read_answer,
    recognise_shape,
)
from mission_control.contract.model.broken_claims import Heard, hear_body
from mission_control.contract.model.claims import NO_CLAIMS, Claims
from mission_control.contract.model.modes import forbidden_word
from mission_control.contract.model.same_answer import AnswerPattern, pattern_of
from mission_control.contract.model.shapes import PlainAnswer
from mission_control.errors import ContractViolation
from mission_control.model.fleet import ContractKind, Kind
from mission_control.model.reading import (
    NO_EXCHANGE,
    EndpointReading,
    Exchange,
    Seen,
    Unseen,
    UnseenReason,
)
from mission_control.processes.model import Answered, Unanswered
from mission_control.redaction.redact import (
    MASK,
    excerpt,
    looks_harmless,
    printable,
    redact_document,
    redact_text,
)

MAX_BODY_BYTES = 64 * 1024
MAX_DEPTH = 32
_MODE = re.compile(r"[\w ()-]{0,32}")
_NOT_OFFERED = frozenset({404, 405, 501})


@dataclass(frozen=True, slots=True)
class Received:
    """
    An HTTP answer as it arrived: cut off at the cap, undecoded.

    `refusal` is why the body was not read to its end, None where it was.
    """

    status: int
    body: bytes
    date: str | None = None
    location: str = ""
    refusal: UnseenReason | None = None
    refusal_detail: str = ""


def interpret(
    received: Received,
    *,
    path: str,
    contract: ContractKind,
    kind: Kind,
    at: datetime,
    took: float,
    asked: Exchange = NO_EXCHANGE,
) -> EndpointReading:
    """
    Turn an answer into a reading (docs/semantics.md#2); a bad answer is a reading too.

    Claims are read from whatever was received, before anything is refused: an alarm in a broken,
    cut-off or refused answer still counts. Only of kind ops a broken one does not, because it
    speaks of other agents. `asked` holds the connection's phases and peer.
    """
    exchange = replace(asked, status=received.status, date_skew=_skew(received.date, at))
    document, problem = _parse(received.body)
    heard = Heard(NO_CLAIMS)
    if kind is not Kind.OPS or document is not None:
        heard = hear_body(received.body, document)
    heard = heard._replace(claims=_shown(heard.claims))
    taken = _Taken(at, took, exchange, heard)
    reading = _read(received, document, problem, _Asked(path, contract), taken)
    if isinstance(reading, Seen) and reading.value.shape is not Shape.PLAIN:
        return reading  # its whole answer is kept, redacted; what was not understood is excerpted
    return replace(reading, exchange=replace(exchange, excerpt=excerpt(received.body)))


def recognise(
    received: Received,
    pattern: AnswerPattern,
    *,
    at: datetime,
    took: float,
    asked: Exchange = NO_EXCHANGE,
) -> Seen[Answer] | None:
    """
    Read an answer that differs in its clocks alone from the one before it, as `interpret` does.

    None for any other answer: it has to be interpreted.
    """
    if received.status != pattern.answer.http_status or received.refusal is not None:
        return None
    read = pattern.read(received.body)
    if read is None:
        return None
    answer, alike = read
    if not alike and not looks_harmless(received.body):  # which digits there are is no matter
        return None
    skew = _skew(received.date, at)
    told = Exchange(received.status, asked.phases, skew, "", asked.peer, asked.old_files)
    return Seen(answer, at, took, told)


def find_pattern(received: Received, reading: EndpointReading) -> AnswerPattern | None:
    """Return the pattern of an answer that was interpreted; None where it has none."""
    return pattern_of(received.body, reading.value) if isinstance(reading, Seen) else None


class _Asked(NamedTuple):
    """What was asked: a path, of a service that promised a contract."""

    path: str
    contract: ContractKind

    @property
    def plain(self) -> bool:
        """Return whether any 2xx is all that is promised there."""
        return self.contract is ContractKind.HTTP and self.path != "/ops/status"


class _Taken(NamedTuple):
    """What a reading tells however it turns out."""

    at: datetime
    took: float
    exchange: Exchange
    heard: Heard

    def seen(self, answer: Answer) -> Seen[Answer]:
        return Seen(answer, self.at, self.took, self.exchange)

    def unseen(self, reason: UnseenReason, detail: str) -> Unseen:
        return Unseen(reason, self.at, self.took, detail, self.exchange, self.heard.claims)


def _read(
    received: Received,
    document: object,
    problem: UnseenReason | None,
    asked: _Asked,
    taken: _Taken,
) -> EndpointReading:
    reason, detail = _refused_by_status(received)
    if reason is not None and not _speaks_freshness(document, asked, received.status, problem):
        return taken.unseen(reason, detail)
    if asked.plain:
        claims = taken.heard.claims
        return taken.seen(Answer(Shape.PLAIN, received.status, PlainAnswer(), claims, b"null"))
    if received.refusal is not None and reason is None:
        return taken.unseen(received.refusal, received.refusal_detail)
    if problem is not None:
        return taken.unseen(problem, _PROBLEMS[problem])
    return _validate(received, document, asked.path, taken)


def _shown(claims: Claims) -> Claims:
    """
    Return claims as they may be kept: what is no word of a mode may be anything, also a secret.

    What it means stays: a mode that can place orders is kept as the word that says so.
    """
    mode = claims.agent_mode
    if mode is None or (_MODE.fullmatch(mode) and redact_text(mode) == mode):
        return claims
    return replace(claims, agent_mode=forbidden_word(mode) or MASK)


_PROBLEMS = {
    UnseenReason.NOT_JSON: "the body is not JSON",
    UnseenReason.TOO_DEEP: f"the JSON is nested deeper than {MAX_DEPTH}",
}


def _validate(received: Received, document: object, path: str, taken: _Taken) -> EndpointReading:
    shown = received.body
    if not looks_harmless(received.body):
        shown = orjson.dumps(redact_document(document))
    try:
        answer = read_answer(
            shown,
            document,
            path=path,
            http_status=received.status,
            shown=shown,
            claims=taken.heard.claims,
            doubled=taken.heard.doubled,
        )
    except ContractViolation as violation:
        if not is_success(received.status):
            return taken.unseen(UnseenReason.HTTP_STATUS, f"answered {received.status}")
        detail = printable(redact_text(str(violation)))[:1000]
        invalid = taken.unseen(UnseenReason.CONTRACT_INVALID, detail)
        return replace(invalid, problems=violation.problems)
    return taken.seen(answer)


def _refused_by_status(received: Received) -> tuple[UnseenReason | None, str]:
    status = received.status
    if is_success(status):
        return None, ""
    if status in _NOT_OFFERED:
        return UnseenReason.NOT_OFFERED, f"answered {status}: not offered"
    if 300 <= status < 400:  # noqa: PLR2004
        where = printable(redact_text(received.location))[:200]
        return UnseenReason.REDIRECTED, f"answered {status} to {where or 'nowhere'}; not followed"
    return UnseenReason.HTTP_STATUS, f"answered {status}"


def _speaks_freshness(
    document: object, asked: _Asked, status: int, problem: UnseenReason | None
) -> bool:
    """
    Return whether a 503 of `/healthz` is the freshness contract's way of saying stale.

    Only beside a rich contract: where `/healthz` is what tells that a service lives, or any
    page of it does, a 503 tells that it does not.
    """
    beside = asked.path == "/healthz" and asked.contract is ContractKind.RICH
    if not beside or status != 503 or problem is not None:  # noqa: PLR2004
        return False
    try:
        shape = recognise_shape(document, path=asked.path)
    except ContractViolation:
        return False
    return shape in {Shape.HEALTH_FRESHNESS, Shape.LEGACY_TICK}


def _parse(body: bytes) -> tuple[object, UnseenReason | None]:
    try:
        document = orjson.loads(body)
    except orjson.JSONDecodeError as error:
        deep = "depth limit" in str(error)
        return None, UnseenReason.TOO_DEEP if deep else UnseenReason.NOT_JSON
    opened = body.count(b"{") + body.count(b"[")
    if opened > MAX_DEPTH and is_deeper_than(document, MAX_DEPTH):
        return document, UnseenReason.TOO_DEEP
    return document, None


def is_deeper_than(document: object, limit: int) -> bool:
    """Return whether a JSON document is nested deeper than so many levels, without recursion."""
    level = [document]
    for _ in range(limit + 1):
        level = [inner for value in level for inner in _inside(value)]
        if not level:
            return False
    return True


def _inside(value: object) -> Iterable[object]:
    if isinstance(value, dict):
        return cast("dict[str, object]", value).values()
    return cast("list[object]", value) if isinstance(value, list) else ()


def _skew(date: str | None, at: datetime) -> float | None:
    served = None if date is None else _parse_date(date)
    return None if served is None else (served - at).total_seconds()


@lru_cache(maxsize=256)
def _parse_date(date: str) -> datetime | None:
    try:
        served = parsedate_to_datetime(date[:64])
        return served.replace(tzinfo=UTC) if served.tzinfo is None else served.astimezone(UTC)
    except (ValueError, TypeError, IndexError, OverflowError):
        return None


READ_HERE = 4 * 1024
"""Bytes of a body that are redacted on the loop: some milliseconds at most."""
SECONDS = 2.0
"""64 KiB take a twentieth of this on an idle machine."""

Reading = partial[EndpointReading]
AskInterpreter = Callable[[Reading, float], Awaitable[Answered | Unanswered]]


def is_costly(received: Received) -> bool:
    """Return whether reading an answer would hold a loop up: redaction is what costs."""
    return len(received.body) > READ_HERE and not looks_harmless(received.body)


@dataclass(frozen=True, slots=True)
class Interpreter:
    """
    Reads answers; a long one in which there may be secrets is read in another process.

    Where that process does not answer in time, what the answer claims counts all the same, and
    the rest is withheld: it is not seen, and says why. It never waits longer than two deadlines.
    """

    ask: AskInterpreter | None = None

    async def read(self, received: Received, reading: Reading) -> EndpointReading:
        """Return what `reading` gives: `interpret` of what was received, with all that it takes."""
        if self.ask is None or not is_costly(received):
            return reading()
        answer = await self.ask(reading, SECONDS)
        if isinstance(answer, Answered):
            return cast("EndpointReading", answer.value)
        size = f"{len(received.body) / 1024:.0f} KiB"
        detail = f"its answer of {size} was not redacted in time and is withheld: {answer.detail}"
        held = replace(received, refusal=UnseenReason.OWN_STALL, refusal_detail=detail)
        return reading.func(held, *reading.args[1:], **reading.keywords)
