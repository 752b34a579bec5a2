"""Decide: literals in an object that look like secrets. They are named, and never repeated."""

import re
from collections.abc import Iterator, Mapping
from typing import cast

from mission_control.decide.lkg.parts import mapping, text, title_of
from mission_control.decide.secrecy import is_secret_key, redact_text
from mission_control.model.cluster.raw import KubernetesObject

_EXPANDED = re.compile(r"\$\([A-Za-z0-9_.-]+\)")
"""A variable that Kubernetes puts in: a reference, not a value."""
_EXPANDED_ACCOUNT = re.compile(rf"(?<=://)(?:{_EXPANDED.pattern}|[^\s/:@]*):{_EXPANDED.pattern}@")
_PATH = re.compile(r"(?:/[A-Za-z0-9._-]{1,64}){2,}")
_ABOUT_IT = frozenset(
    {"dir", "enabled", "file", "minutes", "name", "path", "required", "seconds", "ttl", "version"}
)
"""Last words of names that tell of a secret where or how it is, and not what it is."""
_FLAG = re.compile(r"--?([A-Za-z0-9][A-Za-z0-9_.-]*)=(.*)", re.DOTALL)


def find_secrets(item: KubernetesObject) -> Iterator[str]:
    """
    Name every literal of an object that looks like a secret: which object, and where in it.

    A manifest has to be applied as it was captured, so nothing in it can be masked: whoever
    finds one here refuses the whole capture (semantics, sections 10 and 12).
    """
    title = title_of(item)
    for where in _look(item, ()):
        yield f"{title}: {where}"


def _look(value: object, path: tuple[str, ...]) -> Iterator[str]:
    if isinstance(value, str):
        if _shows(value):
            yield _say(path)
    elif isinstance(value, Mapping):
        yield from _look_in_mapping(cast("Mapping[str, object]", value), path)
    elif isinstance(value, list):
        for number, each in enumerate(cast("list[object]", value)):
            known = text(mapping(each).get("name")) or str(number)
            yield from _look(each, (*path, known))


def _look_in_mapping(held: Mapping[str, object], path: tuple[str, ...]) -> Iterator[str]:
    name, literal = held.get("name"), held.get("value")
    if isinstance(name, str) and isinstance(literal, str) and _is_secret(name, literal):
        yield _say(path)
        return
    for key, value in held.items():
        if path == ("data",) and isinstance(value, str) and _is_secret(key, value):
            yield _say((*path, key))
        else:
            yield from _look(value, (*path, key))


def _is_secret(name: str, value: str) -> bool:
    """Tell whether a name says that its value is secret, and the value is none of the harmless."""
    if not is_secret_key(name) or value.strip().casefold() in {"", "true", "false"}:
        return False
    if _PATH.fullmatch(value) or _EXPANDED.fullmatch(value):
        return False
    return re.split(r"[^a-z0-9]+", name.casefold())[-1] not in _ABOUT_IT


def _shows(value: str) -> bool:
    """Tell whether a text shows a secret by its form; a flag's name counts as a name."""
    flag = _FLAG.fullmatch(value)
    if flag is not None:
        return _is_secret(flag[1], flag[2]) or _shows(flag[2])
    plain = _EXPANDED.sub("", _EXPANDED_ACCOUNT.sub("", value))
    return redact_text(plain) != plain


def _say(path: tuple[str, ...]) -> str:
    # A path may hold a key of foreign origin, which may itself be what it should not.
    return redact_text(".".join(path))[:200]
