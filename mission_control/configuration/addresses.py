"""Which addresses and paths may be asked, settled before anything is asked."""

import ipaddress
import re
from urllib.parse import SplitResult, urlsplit

from mission_control.model.network_address import Address, why_never_asked

MAX_URL = 2048
MAX_PATH = 512
MAX_HOST = 253

PATH = re.compile(r"(/[A-Za-z0-9._~!$&'()*+,;=:@-]*)+")
"""A path without percent-escapes, which could spell a forbidden path in another way."""

NETLOC = re.compile(r"(\[[0-9A-Fa-f:.]+\]|[^:\[\]]+)(:[0-9]{1,5})?")
"""urlsplit accepts rubbish between a bracketed address and its port."""

LABEL = re.compile(r"[A-Za-z0-9_]([A-Za-z0-9_-]{0,61}[A-Za-z0-9_])?")

NUMBER = re.compile(r"[0-9]+|0[xX][0-9A-Fa-f]*")
"""What as the last label of a host makes it an address: no top-level domain is a number."""

METADATA_NAMES = frozenset({"metadata", "metadata.google.internal", "metadata.goog"})

NEVER_ASKED = frozenset({"state", "recover", "execute"})
"""GET `/state` changes the execution engine's state; the other two act."""

DECIMAL = "write an IPv4 address as four decimal numbers, as in 127.0.0.1"
TOLD_EXAMPLE = "write it as https://host/path"
EXAMPLE = "write it as http://name.namespace.svc.cluster.local"


class UnusableAddress(Exception):  # noqa: N818  (it says what the address is)
    """Why an address or a path is refused, and what to write instead; never repeats it."""

    def __init__(self, problem: str, remedy: str = "") -> None:
        """Keep the remedy apart from the problem."""
        self.problem = problem
        self.remedy = remedy
        super().__init__(problem)


def read_base_url(text: str) -> str:
    """
    Return a service's base URL without a trailing slash, or raise `UnusableAddress`.

    The text is never repeated in the complaint, because it may hold a password.
    """
    parts = _split(text)
    if parts.scheme not in {"http", "https"}:
        raise UnusableAddress("only http and https can be asked", EXAMPLE)
    if "@" in parts.netloc:
        raise UnusableAddress("a URL must not carry a user or password", "use bearer_token_file")
    if "?" in text or "#" in text:
        raise UnusableAddress("a base URL has no query and no fragment", "end it at the path")
    if not parts.netloc:
        raise UnusableAddress("the URL names no host", EXAMPLE)
    if NETLOC.fullmatch(parts.netloc) is None:
        raise UnusableAddress("the URL's host or port is none", EXAMPLE)
    path = read_path(parts.path) if parts.path else ""
    return f"{parts.scheme}://{_host(parts)}{_port(parts)}{path}".rstrip("/")


def read_told_url(text: str) -> str:
    """
    Return an address that is told of alerts, with its path and query, or raise `UnusableAddress`.

    It may be a secret as a whole, so the text is never repeated in the complaint.
    """
    parts = _split(text)
    if parts.scheme not in {"http", "https"}:
        raise UnusableAddress("only http and https can be told", TOLD_EXAMPLE)
    if "@" in parts.netloc:
        raise UnusableAddress("a URL must not carry a user or password", "leave them out")
    if "#" in text:
        raise UnusableAddress("the URL has a fragment, which is never sent", "leave it out")
    if not parts.netloc or NETLOC.fullmatch(parts.netloc) is None:
        raise UnusableAddress("the URL names no host, or one that is none", TOLD_EXAMPLE)
    query = f"?{parts.query}" if parts.query else ""
    return f"{parts.scheme}://{_host(parts)}{_port(parts)}{parts.path or '/'}{query}"


def origin_of(url: str) -> str:
    """Return as much of an address as may be shown: scheme, host and port."""
    parts = urlsplit(url)
    beyond = "/..." if parts.path.strip("/") or parts.query else ""
    return f"{parts.scheme}://{parts.netloc}{beyond}"


def read_path(text: str) -> str:
    """Return a path that may be asked, or raise `UnusableAddress`."""
    if not text.startswith("/"):
        raise UnusableAddress("a path begins with '/'", "write it as /healthz")
    if "?" in text or "#" in text:
        raise UnusableAddress("a path has no query and no fragment", "end it at the path")
    if len(text) > MAX_PATH or PATH.fullmatch(text) is None or "//" in text:
        raise UnusableAddress(
            "the path holds characters that are not asked", "write it as /healthz"
        )
    segments = text.split("/")
    if "." in segments or ".." in segments:
        raise UnusableAddress("a path must not climb", "leave out '.' and '..'")
    if any(segment.partition(";")[0].casefold() in NEVER_ASKED for segment in segments):
        never = ", ".join(f"/{name}" for name in sorted(NEVER_ASKED))
        raise UnusableAddress(f"{never} are never asked, because they act", "leave the path out")
    return text


def _split(text: str) -> SplitResult:
    # urlsplit silently drops tabs and line breaks, so what is odd is refused before it.
    if len(text) > MAX_URL or re.fullmatch(r"[!-~]+", text) is None or "\\" in text:
        raise UnusableAddress("is no URL: it holds characters that no URL holds", EXAMPLE)
    try:
        return urlsplit(text)
    except ValueError as error:
        raise UnusableAddress("is no URL", EXAMPLE) from error


def _host(parts: SplitResult) -> str:
    host = parts.hostname or ""
    try:
        if parts.netloc.startswith("["):
            return f"[{_askable(ipaddress.IPv6Address(host))}]"
        if NUMBER.fullmatch(host.removesuffix(".").rpartition(".")[2]):
            return str(_askable(ipaddress.IPv4Address(host.removesuffix("."))))
    except ValueError as error:
        raise UnusableAddress("the URL's host is no address", DECIMAL) from error
    if host.removesuffix(".").casefold() in METADATA_NAMES:
        raise UnusableAddress("a cloud's metadata service is never asked", EXAMPLE)
    labels = host.removesuffix(".").split(".")
    if len(host) > MAX_HOST or not all(LABEL.fullmatch(label) for label in labels):
        raise UnusableAddress("the URL's host is no host name", EXAMPLE)
    return host


def _askable(address: Address) -> Address:
    why = why_never_asked(address)
    if why:
        raise UnusableAddress(f"{why} is never asked", EXAMPLE)
    return address


def _port(parts: SplitResult) -> str:
    try:
        port = parts.port
    except ValueError as error:
        raise UnusableAddress("the URL's port is none", "use a port from 1 to 65535") from error
    if port == 0:
        raise UnusableAddress("the URL's port is none", "use a port from 1 to 65535")
    return "" if port is None else f":{port}"


ESCAPES = {"@": "%40", "#": "%23", "/": "%2F", "?": "%3F", "[": "%5B", "]": "%5D"}
SQLITE_SCHEMES = frozenset({"sqlite", "sqlite+pysqlite"})
POSTGRESQL_SCHEMES = frozenset({"postgresql", "postgres", "postgresql+psycopg"})
MAX_PORT = 65535

_HOST = re.compile(r"(\[[0-9A-Fa-f:.%]+\]|[A-Za-z0-9._-]*)(?::([^:]*))?")
_BAD_ESCAPE = re.compile(r"%(?![0-9A-Fa-f]{2})")
_WRITE_IT_AS = "write it as sqlite:///history.db or postgresql://user@host/name"


def database_url_problem(text: str) -> tuple[str, str] | None:
    """Return what is wrong with a database's URL and what to do about it; None for a good one."""
    scheme, mark, rest = text.partition("://")
    if mark and scheme in SQLITE_SCHEMES:
        return None
    if scheme.startswith(("postgresql+", "postgres+")) and scheme not in POSTGRESQL_SCHEMES:
        return "names a driver that is not there", "write postgresql:// and no driver"
    if not mark or scheme not in POSTGRESQL_SCHEMES:
        return "is no URL of a database that is understood", _WRITE_IT_AS
    user, at, place = rest.rpartition("@")
    return _user_problem(user, place) if at else _place_problem(place)


def _user_problem(user: str, place: str) -> tuple[str, str] | None:
    """Judge what is before the last `@`, which must be a user and a password alone."""
    if any(each in user for each in ESCAPES):
        there = (each for each in ESCAPES if each == "@" or each in user)
        told = ", ".join(f"{each} as {ESCAPES[each]}" for each in there)
        problem = "has a character in the user, the password or the query that must be escaped"
        return problem, f"escape {told}"
    if _BAD_ESCAPE.search(user):
        return "has a % in the user or the password that must be escaped", "escape % as %25"
    return _place_problem(place)


def _place_problem(place: str) -> tuple[str, str] | None:
    """Judge hosts and ports; a database behind several hosts lists them with commas."""
    for host in re.split(r"[/?#]", place, maxsplit=1)[0].split(","):
        found = _HOST.fullmatch(host)
        if found is None:
            return "names a host that is none", "write it as postgresql://user@host:5432/name"
        port = found[2]
        if port is not None and not (port.isdecimal() and 1 <= int(port) <= MAX_PORT):
            return "names a port that is none", f"use one from 1 to {MAX_PORT}"
    return None


def redact_url(url: str) -> str:
    """
    Return the URL without its password and its query, where drivers take passwords too.

    What is before the last `@` is never taken apart by the rules of URLs: a password with a
    `#`, `/` or `?` that is not escaped is still a password.
    """
    scheme, mark, rest = url.partition("://")
    if not mark:
        return "[not shown]"
    user, at, place = rest.rpartition("@")
    name, colon, _ = user.partition(":")
    shown_place = re.split(r"[?#]", place)[0]
    query = "?***" if shown_place != place else ""
    return f"{scheme}://{name}{':***' if colon else ''}{at}{shown_place}{query}"
