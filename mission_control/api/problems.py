"""Every error as problem details with a stable code; nothing of ours leaks through one."""

import logging
from collections.abc import Callable, Mapping, Sequence
from http import HTTPStatus
from typing import NotRequired, TypedDict, cast

from litestar import Response
from litestar.exceptions import HTTPException, ValidationException

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
"""The option of a route that says by what its answers vary."""
SHOWN_INSTANCE = 256
"""Characters of the asked path that a problem repeats."""

_CODES = {
    400: ("bad_request", "The request cannot be understood", "it is not well formed"),
    404: ("not_found", "There is nothing here", "/schema lists every path that is answered"),
    500: ("internal_error", "Mission Control has failed to answer", "the failure was logged"),
}


class Problem(HTTPException):
    """An error that is meant: its status, its stable code, and a sentence."""

    def __init__(
        self,
        status: int,
        code: str,
        title: str,
        detail: str,
        *,
        headers: dict[str, str] | None = None,
    ) -> None:
        """Say what went wrong; `detail` must hold nothing that a client may not know."""
        super().__init__(detail=detail, status_code=status, headers=headers)
        self.code = code
        self.title = title


def problem_bytes(
    status: int, code: str, title: str, detail: str, *, path: str, label: str
) -> bytes:
    """
    Encode a problem; the path it is about is shortened.

    Its `type` is an identifier to compare, not an address to fetch.
    """
    document: ProblemDetails = {
        "type": f"urn:mission-control:problem:{code}",
        "title": title,
        "status": status,
        "detail": detail,
        "code": code,
    }
    if path:
        document["instance"] = path[:SHOWN_INSTANCE]
    return encode_json(document, label)


def exception_handlers(
    label: str,
) -> dict[int | type[Exception], Callable[[AnyRequest, Exception], Response[bytes]]]:
    """Answer every error as a problem; one that is not meant is logged and says nothing."""

    def meant(request: AnyRequest, error: Exception) -> Response[bytes]:
        if (
            not isinstance(error, HTTPException)
            or error.status_code == HTTPStatus.INTERNAL_SERVER_ERROR
        ):
            return unmeant(request, error)
        status, code, title, detail = _describe(error)
        body = problem_bytes(status, code, title, detail, path=request.url.path, label=label)
        headers = {**(error.headers or {}), **_kept_by_none(request)}
        return Response(body, status_code=status, media_type=PROBLEM_JSON, headers=headers)

    def unmeant(request: AnyRequest, error: Exception) -> Response[bytes]:
        log.error("answering %r failed", request.url.path, exc_info=error)
        body = problem_bytes(500, *_CODES[500], path=request.url.path, label=label)
        headers = _kept_by_none(request)
        return Response(body, status_code=500, media_type=PROBLEM_JSON, headers=headers)

    return {HTTPException: meant, Exception: unmeant}


def _kept_by_none(request: AnyRequest) -> dict[str, str]:
    """Give the headers of a problem: no cache keeps it, or takes it for another representation."""
    headers = {"cache-control": "no-store"}
    scope = cast("Mapping[str, object]", request.scope)
    options: Mapping[str, str] = getattr(scope.get("route_handler"), "opt", {})
    return {**headers, "vary": options[VARIES]} if VARIES in options else headers


def _describe(error: HTTPException) -> tuple[int, str, str, str]:
    if isinstance(error, Problem):
        return error.status_code, error.code, error.title, error.detail
    if isinstance(error, ValidationException):
        title = "A parameter has a value that is not possible"
        return 422, "invalid_parameter", title, _invalid_parameters(error)
    status = error.status_code
    phrase = HTTPStatus(status).phrase
    return (status, *_CODES.get(status, (f"http_{status}", phrase, phrase)))


def _invalid_parameters(error: ValidationException) -> str:
    """Name the parameters and what they should be; never what was written."""
    named = cast("Sequence[Mapping[str, object]]", error.extra or ())
    return "; ".join(f"{e.get('key', '')}: {e.get('message', '')}" for e in named)
