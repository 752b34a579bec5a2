"""Decide: literals in an object that look like secrets. They are named, and never repeated."""

import re
from collections.abc import Iterator, Mapping, Sequence
from typing import cast

from mission_control.decide.lkg.parts import mapping, text, title_of
from mission_control.decide.lkg.secret_names import is_harmless, names_a_secret
from mission_control.decide.secrecy import redact_text
from mission_control.model.cluster.raw import KubernetesObject

_EXPANDED = re.compile(r"\$\([A-Za-z0-9_.-]+\)")
"""A variable that Kubernetes puts in: a reference, not a value."""
_EXPANDED_ACCOUNT = re.compile(rf"(?<=://)(?:{_EXPANDED.pattern}|[^\s/:@]*):{_EXPANDED.pattern}@")
_FLAG = re.compile(r"--?([A-Za-z0-9][A-Za-z0-9_.-]*)=(.*)", re.DOTALL)
_WORD = re.compile(r"[^\s;&|\"']+")
_NAMED_BEFORE = re.compile(r"--?([A-Za-z][A-Za-z0-9_.-]*)=?|([A-Za-z][A-Za-z0-9_.-]*)=")
"""A flag, or a name that a quoted value is assigned to."""
_ASSIGNED = re.compile(r"(?:--?)?([A-Za-z][A-Za-z0-9_.-]*)=(.+)", re.DOTALL)
_SHELL_REFERENCE = re.compile(r"\$(?:[A-Za-z_][A-Za-z0-9_]*|\{[A-Za-z_][A-Za-z0-9_]*\}|\(.*)")
"""A variable or a command that a shell puts in: a reference as well."""
_MOST_LOOKED_AT = 65_536
_FREE_TEXT = ("annotations", "labels")
"""What of metadata people write as they like: there the keys tell, and flags are prose."""


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
        if _shows(value, path):
            yield _say(path)
    elif isinstance(value, Mapping):
        yield from _look_in_mapping(cast("Mapping[str, object]", value), path)
    elif isinstance(value, list):
        yield from _look_in_list(cast("list[object]", value), path)


def _look_in_list(held: Sequence[object], path: tuple[str, ...]) -> Iterator[str]:
    """Look at each entry; the value of a flag may be the entry after it."""
    for number, each in enumerate(held):
        known = text(mapping(each).get("name")) or str(number)
        if number and _gives_away(held[number - 1], each):
            yield _say((*path, known))
        else:
            yield from _look(each, (*path, known))


def _look_in_mapping(held: Mapping[str, object], path: tuple[str, ...]) -> Iterator[str]:
    name, literal = held.get("name"), held.get("value")
    if isinstance(name, str) and isinstance(literal, str) and _is_secret(name, literal):
        yield _say(path)
        return
    command, arguments = held.get("command"), held.get("args")
    if isinstance(command, list) and isinstance(arguments, list) and command and arguments:
        ends = cast("list[object]", command)[-1], cast("list[object]", arguments)[0]
        if _gives_away(*ends):
            yield _say((*path, "args", "0"))
    told = path == ("data",) or (path[-1:] and path[-1] in _FREE_TEXT and "metadata" in path[-2:])
    for key, value in held.items():
        if told and isinstance(value, str) and _is_secret(key, value):
            yield _say((*path, key))
        else:
            yield from _look(value, (*path, key))


def _is_secret(name: str, value: str) -> bool:
    """Tell whether a name says that its value is secret, and the value is none of the harmless."""
    return names_a_secret(name) and not is_harmless(name, value) and not _EXPANDED.fullmatch(value)


def _gives_away(flag: object, value: object) -> bool:
    """Tell whether a word is a flag that tells a secret, and the word after it is its value."""
    if not isinstance(flag, str) or not isinstance(value, str) or value.startswith("-"):
        return False
    named = _NAMED_BEFORE.fullmatch(flag)
    if named is None or _SHELL_REFERENCE.fullmatch(value):
        return False
    return _is_secret(named[1] or named[2], value)


def _shows(value: str, path: tuple[str, ...]) -> bool:
    """Tell whether a text shows a secret by its form; a flag's name counts as a name."""
    flag = _FLAG.fullmatch(value)
    if flag is not None:
        return _is_secret(flag[1], flag[2]) or _shows(flag[2], path)
    plain = _EXPANDED.sub("", _EXPANDED_ACCOUNT.sub("", value))
    if redact_text(plain) != plain:
        return True
    return _FREE_TEXT[0] not in path and _runs_with_one(value)


def _runs_with_one(value: str) -> bool:
    """Tell whether a command line has a secret: after its flag, or assigned to its name."""
    words = _WORD.findall(value[:_MOST_LOOKED_AT])
    for before, word in zip(["", *words], words, strict=False):
        given = _ASSIGNED.fullmatch(word)
        if _gives_away(before, word) or (given and _gives_away(f"--{given[1]}", given[2])):
            return True
    return False


def _say(path: tuple[str, ...]) -> str:
    # A path may hold a key of foreign origin, which may itself be what it should not.
    return redact_text(".".join(path))[:200]
