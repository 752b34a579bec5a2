"""A repository's file as it may be copied: redacted, or refused with its reason."""

import json
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import PurePosixPath
from typing import Any, cast

import yaml

from mission_control.redaction.decide.names import NAMED, NAMING
from mission_control.redaction.decide.secrecy import secret_words
from mission_control.redaction.redact import (
    MASK,
    is_secret_key,
    redact_lines,
    redact_text,
    why_secret,
)

_LOADER = yaml.CSafeLoader

MAX_DEPTH = 40
"""libyaml composes by recursion in C: a file of brackets would end the process, not raise."""
MOST_EVENTS = 60_000
UNREADABLE = "it is not readable YAML"
STRING = "tag:yaml.org,2002:str"
_KNOWN_TAGS = frozenset(
    f"tag:yaml.org,2002:{name}"
    for name in ("str", "int", "float", "bool", "null", "timestamp", "binary", "map", "seq")
)


def read_plain_yaml(text: str) -> tuple[yaml.Node, ...] | str:
    """
    Return the documents of a YAML text as nodes, or say why it is refused.

    Refused are anchors, aliases and merge keys (they can make a small file huge, and what it
    shows another thing than what it means), tags of the file's own, keys that are no text, and
    what is nested too deep or too long. No value is constructed.
    """
    try:
        fault = _find_fault(text)
        nodes: Any = () if fault else yaml.compose_all(text, _LOADER)
        found = cast("tuple[yaml.Node, ...]", tuple(nodes))
    except (yaml.YAMLError, ValueError):
        # ValueError: text with half a surrogate pair. What it says may hold what is in the file.
        return UNREADABLE
    odd = any(_has_odd_key(node) for node in found)
    return fault or ("it has keys that are not text" if odd else found)


def _has_odd_key(node: yaml.Node) -> bool:
    if isinstance(node, yaml.MappingNode):
        return any(not isinstance(k, yaml.ScalarNode) or _has_odd_key(v) for k, v in pairs_of(node))
    return isinstance(node, yaml.SequenceNode) and any(_has_odd_key(v) for v in items_of(node))


def _find_fault(text: str) -> str:
    depth = 0
    event: Any  # the stubs leave the parser's events untyped
    for number, event in enumerate(yaml.parse(text, _LOADER)):
        depth += isinstance(event, yaml.CollectionStartEvent)
        depth -= isinstance(event, yaml.CollectionEndEvent)
        if depth > MAX_DEPTH or number > MOST_EVENTS:
            return f"it is nested deeper than {MAX_DEPTH}, or longer than {MOST_EVENTS} events"
        if getattr(event, "anchor", None) is not None:
            return "it has YAML anchors or aliases, which are not followed"
        tag = getattr(event, "tag", None)
        if tag not in {None, "!"} and tag not in _KNOWN_TAGS:
            return "it has YAML tags of its own"
        if isinstance(event, yaml.ScalarEvent) and (event.value, event.style) == ("<<", ""):
            return "it has YAML merge keys, which are not followed"
    return ""


def pairs_of(node: yaml.MappingNode) -> list[tuple[yaml.Node, yaml.Node]]:
    """Return a mapping's pairs, each key as often as it is given."""
    return cast("list[tuple[yaml.Node, yaml.Node]]", node.value)


def items_of(node: yaml.SequenceNode) -> list[yaml.Node]:
    """Return a sequence's items."""
    return cast("list[yaml.Node]", node.value)


def text_of(node: yaml.Node) -> str:
    """Return the text of a scalar as it was written; empty for all else."""
    return cast("str", node.value) if isinstance(node, yaml.ScalarNode) else ""


def strings_of(node: yaml.Node) -> object:
    """Return a tree as mappings, lists and strings; None for every scalar that is no string."""
    if isinstance(node, yaml.MappingNode):
        return {text_of(k): strings_of(v) for k, v in pairs_of(node)}
    if isinstance(node, yaml.SequenceNode):
        return [strings_of(v) for v in items_of(node)]
    return text_of(node) if node.tag == STRING else None


_NAME = re.compile(r"[a-z0-9]([a-z0-9.-]{0,251}[a-z0-9])?")
_KEY = re.compile(r"[A-Za-z0-9._-]{1,253}")
_PATH = re.compile(r"[A-Za-z0-9._-][A-Za-z0-9._/-]{0,252}")
_FLAG = re.compile("true|false")
_NUMBER = re.compile("[0-9]{1,6}")

Leaves = Mapping[str, re.Pattern[str]]

_OF_A_KEY: Leaves = {"name": _NAME, "key": _KEY, "optional": _FLAG}
_REFERENCES: Mapping[str, Leaves] = {
    "secretKeyRef": _OF_A_KEY,
    "configMapKeyRef": _OF_A_KEY,
    "secretRef": {"name": _NAME, "namespace": _NAME, "optional": _FLAG},
    "secretStoreRef": {"name": _NAME, "kind": _KEY},
    "secret": {"secretName": _NAME, "name": _NAME, "optional": _FLAG, "defaultMode": _NUMBER},
    "secrets": {"name": _NAME},
    "imagePullSecrets": {"name": _NAME},
    "serviceAccountToken": {"audience": _PATH, "expirationSeconds": _NUMBER, "path": _PATH},
}
_ANY_SECRET_REF: Leaves = {"name": _NAME, "namespace": _NAME, "key": _KEY}
_ITEM: Leaves = {"key": _KEY, "path": _PATH, "mode": _NUMBER}
_NAMED_UNDER = frozenset(
    {
        ("tls", "secretName"),
        ("azureFile", "secretName"),
        ("spec", "secretName"),
        ("volumeAttributes", "secretProviderClass"),
    }
)
_OPERATORS = frozenset({"Exists", "Equal", "In", "NotIn", "DoesNotExist", "Gt", "Lt"})


def is_reference(key: str, value: yaml.Node) -> bool:
    """Return whether the value of this key has the known form of a reference, and no more."""
    leaves = _REFERENCES.get(key)
    if leaves is None and key.endswith("SecretRef"):
        leaves = _ANY_SECRET_REF
    if leaves is None:
        return False
    listed = isinstance(value, yaml.SequenceNode)
    return all(_has_only(leaves, each) for each in (items_of(value) if listed else [value]))


def _has_only(leaves: Leaves, node: yaml.Node) -> bool:
    if not isinstance(node, yaml.MappingNode):
        return False
    for key, value in pairs_of(node):
        name = text_of(key)
        if name == "items" and "secretName" in leaves and isinstance(value, yaml.SequenceNode):
            if not all(_has_only(_ITEM, each) for each in items_of(value)):
                return False
            continue
        form = leaves.get(name)
        if form is None or not form.fullmatch(text_of(value)):
            return False
    return True


def is_name_of_one(under: str, key: str, value: yaml.Node) -> bool:
    """Return whether a pair names a Secret where Kubernetes has one named."""
    return (under, key) in _NAMED_UNDER and bool(_NAME.fullmatch(text_of(value)))


def is_plain_key(under: str, pairs: Mapping[str, yaml.Node]) -> bool:
    """Return whether a mapping's `key` is that of a label, a taint or a file, and no secret."""
    if not _PATH.fullmatch(text_of(pairs["key"])):
        return False
    if "operator" in pairs and text_of(pairs["operator"]) in _OPERATORS:
        return True
    forms = all(k in _ITEM and _ITEM[k].fullmatch(text_of(v)) for k, v in pairs.items())
    return under == "items" and "path" in pairs and forms


_FLAG_SECRET_NODES = re.compile(r"--?([A-Za-z][\w.-]*)")
_NOTHING = frozenset({"", "true", "false", "null", "~"})
_MOST_WITHIN = 3
"""Documents within texts within documents are looked into so deep; below they are lines."""
_OPENS = ("{", "[")


def why_secret_tree(nodes: tuple[yaml.Node, ...]) -> str:
    """Return why documents may not be copied even in part; empty where they may."""
    return next((why for node in nodes for why in _wholly_secret(node)), "")


def _wholly_secret(node: yaml.Node) -> Iterator[str]:
    if isinstance(node, yaml.MappingNode):
        for key, value in pairs_of(node):
            named, told = text_of(key).strip().casefold(), text_of(value).strip().casefold()
            if named == "stringdata" or (named, told) == ("kind", "secret"):
                yield "it is a Secret manifest"
            if named in {"private_key", "private_key_id"}:
                yield "it holds a service account's key"
            if (named, told) == ("type", "service_account"):
                yield "it holds a service account"
            yield from _wholly_secret(value)
    elif isinstance(node, yaml.SequenceNode):
        for each in items_of(node):
            yield from _wholly_secret(each)


def mask_secrets(node: yaml.Node, under: str = "", within: int = 0) -> None:
    """
    Mask in place what is secret in a tree; `under` is the key above it.

    Masked are all scalars below a key that says so, values that a neighbouring name or a
    preceding flag says to be secret, and what its own form gives away. References stay.
    """
    if isinstance(node, yaml.MappingNode):
        _mask_mapping(node, under, within)
    elif isinstance(node, yaml.SequenceNode):
        _mask_sequence(node, under, within)
    else:
        _mask_scalar(node, within)


def _mask_mapping(node: yaml.MappingNode, under: str, within: int) -> None:
    node.flow_style = False
    pairs = pairs_of(node)
    by_key = {text_of(k): v for k, v in pairs}
    tells = any(is_secret_key(text_of(by_key[n])) for n in NAMING if n in by_key)
    plain = {"key"} if "key" in by_key and is_plain_key(under, by_key) else set[str]()
    for key, value in pairs:
        name = text_of(key)
        refers = is_reference(name, value) or is_name_of_one(under, name, value)
        if refers or name in plain:
            _mask_forms(value)
        elif is_secret_key(name) or (tells and name in NAMED):
            _mask_all(value)
        else:
            mask_secrets(value, name, within)
        _mask_forms(key)


def _mask_sequence(node: yaml.SequenceNode, under: str, within: int) -> None:
    node.flow_style = False
    follows = False
    secret = secret_words([text_of(each) for each in items_of(node)])
    for number, each in enumerate(items_of(node)):
        before = text_of(each)
        if follows:
            _mask_all(each)
        else:
            mask_secrets(each, under, within)
        if number in secret and text_of(each) == before:
            _mask_all(each)
        flag = _FLAG_SECRET_NODES.fullmatch(before.strip())
        follows = flag is not None and is_secret_key(flag[1])


def _mask_all(node: yaml.Node) -> None:
    """Mask every scalar at and below a node; what says nothing stays."""
    if isinstance(node, yaml.MappingNode):
        node.flow_style = False
        for key, value in pairs_of(node):
            _mask_forms(key)
            _mask_all(value)
    elif isinstance(node, yaml.SequenceNode):
        node.flow_style = False
        for each in items_of(node):
            _mask_all(each)
    elif text_of(node).strip().casefold() not in _NOTHING:
        _write(node, MASK)


def _mask_forms(node: yaml.Node) -> None:
    """Mask only what its own form gives away, in every scalar at and below a node."""
    for each in _scalars(node):
        _write(each, redact_text(each.value))


def _mask_scalar(node: yaml.Node, within: int) -> None:
    text = text_of(node)
    if node.tag.endswith(":binary") or why_secret(text):
        _write(node, MASK)
    elif node.tag == STRING:
        inner = _masked_document(text, within) if within < _MOST_WITHIN else None
        _write(node, redact_lines(text) if inner is None else inner)
    else:
        _write(node, redact_text(text))


def _masked_document(text: str, within: int) -> str | None:
    """Mask a document within a text; None where there is none, or nothing in it to mask."""
    if "\n" not in text and not text.lstrip().startswith(_OPENS):
        return None
    nodes = read_plain_yaml(text)
    if isinstance(nodes, str) or not any(isinstance(n, yaml.CollectionNode) for n in nodes):
        return None
    if why_secret_tree(nodes):
        return MASK
    before = [s.value for each in nodes for s in _scalars(each)]
    for each in nodes:
        mask_secrets(each, within=within + 1)
    after = [s.value for each in nodes for s in _scalars(each)]
    return write_yaml(nodes) if before != after else None


def _scalars(node: yaml.Node) -> Iterator[yaml.ScalarNode]:
    if isinstance(node, yaml.MappingNode):
        node.flow_style = False
        for pair in pairs_of(node):
            for each in pair:
                yield from _scalars(each)
    elif isinstance(node, yaml.SequenceNode):
        node.flow_style = False
        for each in items_of(node):
            yield from _scalars(each)
    elif isinstance(node, yaml.ScalarNode):
        yield node


def _write(node: yaml.Node, text: str) -> None:
    """Put another text in a scalar's place; a text that is the same leaves its type alone."""
    if isinstance(node, yaml.ScalarNode) and text_of(node) != text:
        node.value, node.tag, node.style = text, STRING, None


def write_yaml(nodes: tuple[yaml.Node, ...]) -> str:
    """Write documents, equal ones equally: in block style, without comments."""
    serialize: Any = cast("Any", yaml).serialize_all
    return serialize(
        nodes,
        Dumper=yaml.CSafeDumper,
        allow_unicode=True,
        width=1 << 20,
        explicit_start=len(nodes) > 1,
    )


HEADER = "# Rewritten by Mission Control: secrets are masked, comments and layout are left out.\n"
_YAML = frozenset({".yaml", ".yml"})
_TEXT = frozenset({".md", ".txt", ".rst", ".sh"})


@dataclass(frozen=True, slots=True)
class Redacted:
    """The text of a file as it may be shown; `why_not` says why it may not, empty where it may."""

    text: str = ""
    why_not: str = ""


def redact_file(name: str, text: str) -> Redacted:
    """
    Return a file redacted: YAML and JSON as trees that are written again, prose line by line.

    What cannot be looked through as what its name says is refused, and so is what is wholly
    secret: half understood is not redacted.
    """
    why = why_secret(text)
    path = PurePosixPath(name)
    suffix = path.suffix.lower()
    if why:
        return Redacted(why_not=why)
    if suffix in _YAML or path.name.casefold() == "kustomization":
        return redact_yaml(text)
    if suffix == ".json":
        return _redact_json(text)
    if suffix in _TEXT:
        return Redacted(redact_lines(text))
    return Redacted(why_not="it is of no kind in which secrets can be found")


def redact_yaml(text: str) -> Redacted:
    """Return YAML documents masked and rewritten; refused where they are no plain YAML."""
    nodes = _masked(text)
    return (
        Redacted(why_not=nodes) if isinstance(nodes, str) else Redacted(HEADER + write_yaml(nodes))
    )


def _masked(text: str) -> tuple[yaml.Node, ...] | str:
    nodes = read_plain_yaml(text)
    if isinstance(nodes, str):
        return nodes
    why = why_secret_tree(nodes)
    if why:
        return why
    for node in nodes:
        mask_secrets(node)
    return nodes


def _redact_json(text: str) -> Redacted:
    """Return a JSON document masked; it is looked through as the YAML that it is, too."""
    try:
        same = json.dumps(json.loads(text), ensure_ascii=False)
    except (ValueError, RecursionError):
        return Redacted(why_not="it is not readable JSON")
    nodes = _masked(same)
    if isinstance(nodes, str):
        return Redacted(why_not=nodes)
    return Redacted(json.dumps(_plain(nodes[0]), ensure_ascii=False, indent=2) + "\n")


def _plain(node: yaml.Node) -> object:
    if isinstance(node, yaml.MappingNode):
        return {text_of(k): _plain(v) for k, v in pairs_of(node)}
    if isinstance(node, yaml.SequenceNode):
        return [_plain(v) for v in items_of(node)]
    # A number such as 1e5 is a text to YAML, so that its style tells, and not its type.
    plain = isinstance(node, yaml.ScalarNode) and node.style == ""
    return json.loads(text_of(node)) if plain else text_of(node)
