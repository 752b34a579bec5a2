"""Observe: secrets in a tree of nodes, masked where they stand; what refers to one stays."""

import re
from collections.abc import Iterator
from typing import Any, cast

import yaml

from mission_control.decide.secrecy import secret_words
from mission_control.decide.secret_names import NAMED, NAMING
from mission_control.observe.manifest_redaction import redact_lines, why_secret
from mission_control.observe.plain_yaml import (
    STRING,
    items_of,
    pairs_of,
    read_plain_yaml,
    text_of,
)
from mission_control.observe.redaction import MASK, is_secret_key, redact_text
from mission_control.observe.references import is_name_of_one, is_plain_key, is_reference

_FLAG = re.compile(r"--?([A-Za-z][\w.-]*)")
_NOTHING = frozenset({"", "true", "false", "null", "~"})
_MOST_WITHIN = 3
"""Documents within texts within documents are looked into so deep; below they are lines."""
_OPENS = ("{", "[")


def why_secret_tree(nodes: tuple[yaml.Node, ...]) -> str:
    """Say why documents may not be copied even in part; empty where they may."""
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
    Mask in place what is secret in a tree; `under` is the key that it stands under.

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
        flag = _FLAG.fullmatch(before.strip())
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
