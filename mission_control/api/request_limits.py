"""API: which requests are refused before anything else looks at them, and why."""

from collections.abc import Collection, Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from mission_control.api.problems import ALLOWED_METHODS

MAX_URL = 8_192
"""Bytes of path and query together."""
READING_METHODS = frozenset(ALLOWED_METHODS.split(", "))
OPEN_PATHS = frozenset({"/healthz", "/health", "/livez"})
"""Answered under any name: an orchestrator asks for our health by address."""

Asked = Mapping[str, Any]
"""An ASGI scope of type `http`."""

CLOSE = (("connection", "close"),)


@dataclass(frozen=True, slots=True)
class Refusal:
    """Why a request is refused: status, stable code, what it means and what happened."""

    status: int
    code: str
    title: str
    detail: str
    headers: tuple[tuple[str, str], ...] = ()


def refusal_of(scope: Asked, allowed_hosts: Collection[str]) -> Refusal | None:
    """Give the first reason to refuse a request; None when there is none."""
    return next(_refusals(scope, allowed_hosts), None)


def _refusals(scope: Asked, allowed_hosts: Collection[str]) -> Iterator[Refusal]:
    if len(scope.get("raw_path") or scope["path"].encode()) + len(scope["query_string"]) > MAX_URL:
        detail = f"path and query may have {MAX_URL} bytes"
        yield Refusal(414, "url_too_long", "The URL is too long", detail, CLOSE)
    if has_control_characters(scope["path"]) or b"%00" in scope["query_string"]:
        detail = "no path of ours holds a control character, nor a query a NUL"
        yield Refusal(400, "bad_url", "The URL holds a control character", detail)
    if scope["method"] not in READING_METHODS:
        allow = (("allow", ALLOWED_METHODS), *CLOSE)
        title = "Mission Control is read-only"
        detail = f"only {ALLOWED_METHODS} are answered"
        yield Refusal(405, "method_not_allowed", title, detail, allow)
    if _has_body(scope):
        detail = "a reader sends no body"
        yield Refusal(413, "body_not_accepted", "No request may have a body", detail, CLOSE)
    hosts = [value for name, value in scope["headers"] if name == b"host"]
    if not hosts and scope.get("http_version") == "1.0":
        return  # a load balancer's probe: no browser speaks it, so no other site is behind it
    if len(hosts) != 1:
        detail = "a request has exactly one Host header"
        yield Refusal(400, "bad_host", "The Host header cannot be understood", detail)
    elif scope["path"] not in OPEN_PATHS and _name_of(hosts[0]) not in allowed_hosts:
        detail = "this server does not go by the name in the Host header"
        yield Refusal(421, "host_not_allowed", "This name is not ours", detail)


def has_control_characters(path: str) -> bool:
    """Tell whether a decoded path holds what no name of ours does: a NUL, a line break."""
    return any(c < " " or c == "\x7f" for c in path)


def _has_body(scope: Asked) -> bool:
    for name, value in scope["headers"]:
        if name == b"transfer-encoding":
            return True
        if name == b"content-length" and value.strip() != b"0":
            return True
    return False


def _name_of(host: bytes) -> str:
    """Give the name in a `Host` header, lower-cased and without its port."""
    text = host.decode("latin-1").casefold()
    name, colon, port = text.rpartition(":")
    return name if colon and port.isdigit() else text
