"""Every error as problem details with a stable code; no error leaks internal details."""

import logging
from collections.abc import Callable, Mapping, Sequence
from http import HTTPStatus
from typing import NotRequired, TypedDict, cast

from litestar import Response
from litestar.exceptions import HTTPException, ValidationException
from litestar.types import Send

from mission_control.api.answers import AnyRequest
from mission_control.documents.canonical_json import encode_json

PROBLEM_JSON = "application/problem+json"


class ProblemDetails(TypedDict):
    """What went wrong: `code` is stable, `title` says what it means, `detail` what happened."""

    type: str
    title: str
    status: int
    detail: str
    code: str
    instance: NotRequired[str]
    label: NotRequired[str]


log = logging.getLogger("mission_control.api")

ALLOWED_METHODS = "GET, HEAD, OPTIONS"
VARIES = "vary"
"""The route option with the headers by which its answers vary."""
SHOWN_INSTANCE = 256
"""Characters of the requested path that a problem repeats."""

_CODES = {
    400: ("bad_request", "The request cannot be understood", "it is not well formed"),
    404: ("not_found", "There is nothing here", "/schema lists every path that is answered"),
    500: ("internal_error", "Mission Control has failed to answer", "the failure was logged"),
}


class Problem(HTTPException):
    """An error raised on purpose: its status, its stable code, and a sentence."""

    def __init__(
        self,
        status: int,
        code: str,
        title: str,
        detail: str,
        *,
        headers: dict[str, str] | None = None,
    ) -> None:
        """Keep the parts; `detail` must hold nothing that a client may not know."""
        super().__init__(detail=detail, status_code=status, headers=headers)
        self.code = code
        self.title = title


def problem_bytes(problem: Problem, path: str, label: str) -> bytes:
    """
    Encode a problem; the path it is about is shortened.

    Its `type` is an identifier to compare, not an address to fetch.
    """
    document: ProblemDetails = {
        "type": f"urn:mission-control:problem:{problem.code}",
        "title": problem.title,
        "status": problem.status_code,
        "detail": problem.detail,
        "code": problem.code,
    }
    if path:
        document["instance"] = path[:SHOWN_INSTANCE]
    return encode_json(document, label)


async def send_problem(problem: Problem, path: str, label: str, send: Send) -> None:
    """Send a problem where no route answers, with its own headers only."""
    body = problem_bytes(problem, path, label)
    headers = {"content-type": PROBLEM_JSON, "content-length": str(len(body))}
    headers |= problem.headers or {}
    raw = [(name.encode(), value.encode()) for name, value in headers.items()]
    await send({"type": "http.response.start", "status": problem.status_code, "headers": raw})
    await send({"type": "http.response.body", "body": body, "more_body": False})


def internal_error() -> Problem:
    """Return the problem of an unexpected error, which was logged."""
    return Problem(500, *_CODES[500])


def exception_handlers(
    label: str,
) -> dict[int | type[Exception], Callable[[AnyRequest, Exception], Response[bytes]]]:
    """Answer every error as a problem; an unexpected one is logged and shows no details."""

    def answer(request: AnyRequest, error: Exception) -> Response[bytes]:
        if (
            isinstance(error, HTTPException)
            and error.status_code != HTTPStatus.INTERNAL_SERVER_ERROR
        ):
            problem = _problem_of(error)
        else:
            log.error("answering %r failed", request.url.path, exc_info=error)
            problem = internal_error()
        return Response(
            problem_bytes(problem, request.url.path, label),
            status_code=problem.status_code,
            media_type=PROBLEM_JSON,
            headers={**(problem.headers or {}), **_kept_by_none(request)},
        )

    return {HTTPException: answer, Exception: answer}


def _kept_by_none(request: AnyRequest) -> dict[str, str]:
    """Return the headers of a problem: it is never cached, and varies as the route does."""
    headers = {"cache-control": "no-store"}
    scope = cast("Mapping[str, object]", request.scope)
    options: Mapping[str, str] = getattr(scope.get("route_handler"), "opt", {})
    return {**headers, "vary": options[VARIES]} if VARIES in options else headers


def _problem_of(error: HTTPException) -> Problem:
    if isinstance(error, Problem):
        return error
    status, headers = error.status_code, error.headers
    if isinstance(error, ValidationException):
        title = "A parameter has a value that is not possible"
        about = _invalid_parameters(error)
        return Problem(422, "invalid_parameter", title, about, headers=headers)
    phrase = HTTPStatus(status).phrase
    code, title, detail = _CODES.get(status, (f"http_{status}", phrase, phrase))
    return Problem(status, code, title, detail, headers=headers)


def _invalid_parameters(error: ValidationException) -> str:
    """Name the parameters and what they should be, never the values that were sent."""
    named = cast("Sequence[Mapping[str, object]]", error.extra or ())
    return "; ".join(f"{e.get('key', '')}: {e.get('message', '')}" for e in named)
