"""
Configuration: what is wrong with a database's URL, told without repeating any of it.

A character of a password that has a meaning in URLs makes a part of the password look like a host,
and a driver would then tell that "host" to everyone. So such a URL is refused before it is used.
"""

import re

ESCAPES = {"@": "%40", "#": "%23", "/": "%2F", "?": "%3F", "[": "%5B", "]": "%5D"}
SQLITE_SCHEMES = frozenset({"sqlite", "sqlite+pysqlite"})
POSTGRESQL_SCHEMES = frozenset({"postgresql", "postgres", "postgresql+psycopg"})
MAX_PORT = 65535

_HOST = re.compile(r"(\[[0-9A-Fa-f:.%]+\]|[A-Za-z0-9._-]*)(?::([^:]*))?")
_BAD_ESCAPE = re.compile(r"%(?![0-9A-Fa-f]{2})")
_WRITE_IT_AS = "write it as sqlite:///history.db or postgresql://user@host/name"


def database_url_problem(text: str) -> tuple[str, str] | None:
    """Give what is wrong with a database's URL and what to do about it; None for a good one."""
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
    """Judge what stands before the last `@`, which must be a user and a password alone."""
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
