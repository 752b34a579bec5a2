"""What each way of not being seen means for the contract, and what to do about it."""

from collections.abc import Iterator

from pydantic import BaseModel
from pydantic.fields import FieldInfo

from mission_control.conformance.model import Deviation, Gravity
from mission_control.contract.model.answer import SAID_TWICE, STATUS_PATH
from mission_control.contract.model.shapes import (
    HealthFreshness,
    LegacyTick,
    Liveness,
    MinimalStatus,
    RichStatus,
    models_in,
)
from mission_control.model.reading import Unseen, UnseenReason

_ON_STATUS: tuple[tuple[type[BaseModel], str], ...] = (
    (RichStatus, "a.1"),
    (MinimalStatus, "a.5"),
    (LegacyTick, "a.5"),
)
_ELSEWHERE: tuple[tuple[type[BaseModel], str], ...] = (
    (HealthFreshness, "b.2"),
    (LegacyTick, "a.5"),
    (Liveness, "b.2"),
    (MinimalStatus, "a.5"),
)


def section_of(path: str, field: str) -> str:
    """Name the section of the contract that a field of an endpoint's answer belongs to."""
    return _home_of(path, field)[1]


def remedy_for(path: str, field: str) -> str:
    """Say what belongs in a field, in the words of the contract's own description of it."""
    model, _ = _home_of(path, field)
    told = [info.description for info in _walk(model, field.split(".")) if info.description]
    if not told:
        return "Send what the contract's JSON Schema describes."
    return f"Send it as the contract describes it: {told[-1]}"


def _home_of(path: str, field: str) -> tuple[type[BaseModel], str]:
    homes = _ON_STATUS if path == STATUS_PATH else _ELSEWHERE
    top = field.split(".", maxsplit=1)[0]
    return next((home for home in homes if top in home[0].model_fields), homes[0])


def _walk(model: type[BaseModel], parts: list[str]) -> Iterator[FieldInfo]:
    """Return the fields that a path leads through, from the outermost to the innermost."""
    for part in parts:
        info = model.model_fields.get(part)
        if info is None:
            return
        yield info
        inner = models_in(info.annotation)
        if not inner:
            return
        model = inner[0]


_EXPLAINED: dict[UnseenReason, tuple[str, str]] = {
    UnseenReason.TIMEOUT: (
        "no complete answer came within the deadline",
        "Answer within 3 s in total: bound every upstream call that the endpoint makes.",
    ),
    UnseenReason.CONNECTION_REFUSED: (
        "nothing listens there",
        "Start the service, or correct the host and port that are asked.",
    ),
    UnseenReason.DNS_FAILURE: (
        "the host name does not resolve",
        "Correct the host name, or create the Service that should bear it.",
    ),
    UnseenReason.TLS_FAILURE: (
        "the TLS handshake failed, or the certificate was not accepted",
        "Serve a certificate that is valid for this name, or name its CA in the inventory.",
    ),
    UnseenReason.CONNECTION_LOST: (
        "the connection ended before the answer was complete",
        "Send a complete HTTP answer whose length agrees with its headers.",
    ),
    UnseenReason.HTTP_STATUS: (
        "the endpoint answered with an error",
        "Answer 200; 401 and 403 mean that it asks for credentials, which it must not.",
    ),
    UnseenReason.REDIRECTED: (
        "the endpoint redirects, and redirects are not followed",
        "Answer at the address itself, or put the address it leads to in the inventory.",
    ),
    UnseenReason.NOT_OFFERED: (
        "the endpoint is not offered",
        "Serve it, or leave it out of the service's expected endpoints.",
    ),
    UnseenReason.NO_LONGER_OFFERED: (
        "the endpoint was offered before and is not any more",
        "Serve it again, or leave it out of the service's expected endpoints.",
    ),
    UnseenReason.BODY_TOO_LARGE: (
        "the answer is longer than 64 KiB",
        "Send the contract's fields alone; leave lists and histories to other endpoints.",
    ),
    UnseenReason.ENCODED: (
        "the answer is compressed although plain text was asked for",
        "Honour `accept-encoding: identity`, and send no content-encoding.",
    ),
    UnseenReason.NOT_JSON: (
        "the answer is not JSON",
        "Send one JSON object in UTF-8, without NaN and Infinity.",
    ),
    UnseenReason.TOO_DEEP: (
        "the answer is nested more than 32 levels deep",
        "Send the contract's fields, which are nested two levels deep.",
    ),
    UnseenReason.CONTRACT_INVALID: (
        "the answer breaks the contract",
        "Send the fields that the contract's JSON Schema describes.",
    ),
    UnseenReason.EXPIRED: (
        "the last reading is too old to say anything",
        "Ask the service again.",
    ),
    UnseenReason.NOT_YET_ASKED: (
        "the endpoint has not been asked",
        "Ask it: not asking is not passing.",
    ),
    UnseenReason.OWN_STALL: (
        "Mission Control itself was held up while it asked",
        "Ask again where Mission Control has enough CPU.",
    ),
    UnseenReason.UNREADABLE: (
        "a file that the request needs cannot be read here",
        "Make the token or certificate file readable to Mission Control.",
    ),
}

_MILD_BESIDE_THE_CONTRACT = frozenset({UnseenReason.REDIRECTED, UnseenReason.ENCODED})
_UNAVAILABLE = 503
_ONCE = "Send each key once: of two values, readers take different ones."


def explain_unseen(path: str, reading: Unseen, *, contractual: bool) -> Iterator[Deviation]:
    """
    Explain why an endpoint was not seen, field by field where its answer broke the contract.

    `contractual` means that the contract, or the freshness of marketdata, is read from this
    endpoint. Not being offered is never a violation by itself: that no contract was seen
    anywhere is one.
    """
    if reading.reason is UnseenReason.CONTRACT_INVALID and reading.problems:
        for field, problem in reading.problems:
            rule = f"status contract {section_of(path, field)}"
            remedy = _ONCE if problem == SAID_TWICE else remedy_for(path, field)
            yield Deviation(Gravity.VIOLATION, path, field, rule, problem, remedy)
        return
    problem, remedy = _EXPLAINED[reading.reason]
    gravity = _gravity(reading, contractual=contractual)
    rule = f"status contract {'a.1' if path == '/ops/status' else 'b.2'}"
    yield Deviation(gravity, path, "", rule, f"{reading.code}: {problem}", remedy, reading.detail)


def _gravity(reading: Unseen, *, contractual: bool) -> Gravity:
    """Weigh it: a liveness endpoint may say 503, redirect or compress; the contract may not."""
    if reading.reason is UnseenReason.NOT_OFFERED:
        return Gravity.ADVICE
    if contractual:
        return Gravity.VIOLATION
    unwell = reading.exchange.status == _UNAVAILABLE
    if reading.reason is UnseenReason.HTTP_STATUS and unwell:
        return Gravity.ADVICE
    mild = reading.reason in _MILD_BESIDE_THE_CONTRACT
    return Gravity.ADVICE if mild else Gravity.VIOLATION
