"""The files that lead to the API server: watched, and merged as kubectl does."""

import base64
import os
from collections.abc import Iterator, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import NamedTuple, cast

import yaml

from mission_control.errors import MissionControlError
from mission_control.model.fleet import ClusterAccess
from mission_control.processes.followed_file import state_of
from mission_control.processes.plain_file import read_regular
from mission_control.redaction.files import items_of, pairs_of, read_plain_yaml, text_of

MAX_FILE_BYTES = 4 * 1024 * 1024
DEFAULT_FILE = "~/.kube/config"
_BOOLEAN = "tag:yaml.org,2002:bool"
_NULL = "tag:yaml.org,2002:null"

Values = Mapping[str, object]
States = tuple[tuple[int, ...] | None, ...]


class NoAccessError(MissionControlError):
    """Nothing tells where the API server is, or who we are to it."""


class WatchedFiles:
    """Reads files, and remembers in which state each was before, so that a change shows."""

    def __init__(self) -> None:
        """Know no file."""
        self._states: dict[str, tuple[int, ...] | None] = {}

    def read(self, path: Path, what: str) -> bytes:
        """Read a whole file; raises NoAccessError where that cannot be done."""
        self.is_there(path)
        try:
            content = read_regular(path, MAX_FILE_BYTES + 1)
        except OSError as error:
            raise NoAccessError(f"{what} {path}: {error.strerror or error}") from None
        if len(content) > MAX_FILE_BYTES:
            raise NoAccessError(f"{what} {path}: it is larger than {MAX_FILE_BYTES} bytes")
        if not content.strip():
            raise NoAccessError(f"{what} {path}: it is empty")
        return content

    def is_there(self, path: Path) -> bool:
        """Return whether there is such a file; one that is not there is watched as well."""
        self._states[str(path)] = state = state_of(str(path))
        return state is not None

    def loaded(self) -> States:
        """Return the states in which the files were read."""
        return tuple(self._states.values())

    def current(self) -> States:
        """Return the states in which they are now."""
        return tuple(state_of(path) for path in self._states)


@dataclass(frozen=True, slots=True)
class Entry:
    """A named entry of a kubeconfig, and the folder that its relative paths begin in."""

    what: str
    values: Values
    folder: Path

    def text(self, key: str) -> str:
        """Return a text, empty where there is none."""
        value = self.values.get(key)
        if value is None:
            return ""
        if not isinstance(value, str):
            raise NoAccessError(f"{self.what}: its {key} is no text")
        return value

    def flag(self, key: str) -> bool:
        """Return a boolean, false where there is none; nothing else is taken for one."""
        value = self.values.get(key, False)
        if not isinstance(value, bool):
            raise NoAccessError(f"{self.what}: its {key} is neither true nor false")
        return value

    def path(self, key: str) -> Path | None:
        """Return a path, from the folder of the file that names it."""
        named = self.text(key)
        return self.folder / named if named else None

    def inline(self, key: str, files: WatchedFiles) -> dict[str, str]:
        """Return `key-data`, or a file's; the official client would pass over what is no base64."""
        inline, path, content = f"{key}-data", self.path(key), b""
        told = self.text(inline)
        if told:
            with suppress(ValueError):
                content = base64.b64decode("".join(told.split()), validate=True)
            if not content:
                raise NoAccessError(f"{self.what}: its {inline} is no base64, or empty")
        elif path:
            content = files.read(path, f"{self.what}: its {key}")
        return {inline: base64.b64encode(content).decode()} if content else {}


def _documents(
    access: ClusterAccess, environ: Mapping[str, str], files: WatchedFiles
) -> Iterator[tuple[Path, Values]]:
    """Read every kubeconfig, in order; of several those that are not there are left out."""
    named = access.kubeconfig or environ.get("KUBECONFIG") or DEFAULT_FILE
    whole = Path(named).expanduser()
    paths = [whole]
    if access.kubeconfig is None or not files.is_there(whole):
        paths = [Path(p).expanduser() for p in named.split(os.pathsep) if p]
    there = [p for p in paths if files.is_there(p)] if len(paths) > 1 else paths
    if not there:
        raise NoAccessError("none of the kubeconfigs is there: " + ", ".join(map(str, paths)))
    for path in there:
        content = files.read(path, "the kubeconfig")
        yield path, _parse(content, path)


def _parse(content: bytes, path: Path) -> Values:
    try:
        text = content.decode("utf-8-sig")
    except UnicodeDecodeError:
        raise NoAccessError(f"the kubeconfig {path} is no UTF-8") from None
    nodes = read_plain_yaml(text)
    if isinstance(nodes, str):
        raise NoAccessError(f"the kubeconfig {path}: {nodes}")
    values = _plain(nodes[0], str(path)) if len(nodes) == 1 else None
    if not isinstance(values, dict):
        raise NoAccessError(f"the kubeconfig {path} is no single mapping")
    return cast("Values", values)


def _plain(node: yaml.Node, where: str) -> object:
    """Return mappings, lists, texts and booleans; a key that is given twice could mean either."""
    if isinstance(node, yaml.MappingNode):
        held = dict[str, object]()
        for key_node, value in pairs_of(node):
            key = text_of(key_node)
            if key in held:
                raise NoAccessError(f"the kubeconfig {where}: the key {key} is given twice")
            held[key] = _plain(value, where)
        return held
    if isinstance(node, yaml.SequenceNode):
        return [_plain(value, where) for value in items_of(node)]
    if node.tag == _BOOLEAN:
        return text_of(node).casefold() in {"true", "yes", "on", "y"}
    return None if node.tag == _NULL else text_of(node)


_Named = dict[str, Entry]


class Merged(NamedTuple):
    """What one or several kubeconfigs say together; `current` is empty where no context is."""

    contexts: Mapping[str, Entry]
    clusters: Mapping[str, Entry]
    users: Mapping[str, Entry]
    current: str


def read_merged(access: ClusterAccess, environ: Mapping[str, str], files: WatchedFiles) -> Merged:
    """
    Read and merge as kubectl does: of each name, and of the current context, the first counts.

    Raises NoAccessError with what is wrong.
    """
    contexts, clusters, users, current = _Named(), _Named(), _Named(), ""
    for path, values in _documents(access, environ, files):
        current = current or Entry("the kubeconfig", values, path.parent).text("current-context")
        for kind, merged in (("context", contexts), ("cluster", clusters), ("user", users)):
            for name, entry in _entries(values, kind, path).items():
                merged.setdefault(name, entry)
    return Merged(contexts, clusters, users, current)


def _entries(values: Values, kind: str, path: Path) -> _Named:
    found = _Named()
    for item in list_of(values.get(f"{kind}s"), f"the {kind}s of {path}"):
        held = mapping_of(item, f"a {kind} of {path}")
        name = Entry(f"a {kind} of {path}", held, path.parent).text("name")
        if name in found:
            raise NoAccessError(f"the kubeconfig {path} has two of {kind} {name}")
        what = f"{kind} {name} of the kubeconfig"
        found[name] = Entry(what, mapping_of(held.get(kind), what), path.parent)
    return found


def find_entry(entries: Mapping[str, Entry], kind: str, name: str) -> Entry:
    """Return the entry of a name; raises NoAccessError where there is none."""
    if name not in entries:
        raise NoAccessError(f"the kubeconfig has no {kind} {name or 'for the context'}")
    return entries[name]


def list_of(value: object, what: str) -> Sequence[object]:
    """Return a list, empty for none; raises NoAccessError for anything else."""
    if value is None:
        return ()
    if not isinstance(value, list):
        raise NoAccessError(f"{what} are no list")
    return cast("list[object]", value)


def mapping_of(value: object, what: str) -> Values:
    """Return a mapping, empty for none; raises NoAccessError for anything else."""
    if value is None:
        return {}
    if not isinstance(value, dict):
        raise NoAccessError(f"{what} is no mapping")
    return cast("Values", value)
