"""Observe: YAML that others wrote as trees of nodes; what could eat memory or hide is refused."""

from typing import Any, cast

import yaml

_LOADER = yaml.CSafeLoader

MAX_DEPTH = 40
"""libyaml composes by recursion in C: a file of brackets would end the process, not raise."""
MOST_EVENTS = 60_000
UNREADABLE = "it is no YAML that can be read"
STRING = "tag:yaml.org,2002:str"
_KNOWN_TAGS = frozenset(
    f"tag:yaml.org,2002:{name}"
    for name in ("str", "int", "float", "bool", "null", "timestamp", "binary", "map", "seq")
)


def read_plain_yaml(text: str) -> tuple[yaml.Node, ...] | str:
    """
    Give the documents of a YAML text as nodes, or say why it is refused.

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
    return fault or ("it has keys that are no text" if odd else found)


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
    """Give a mapping's pairs, each key as often as it stands."""
    return cast("list[tuple[yaml.Node, yaml.Node]]", node.value)


def items_of(node: yaml.SequenceNode) -> list[yaml.Node]:
    """Give a sequence's items."""
    return cast("list[yaml.Node]", node.value)


def text_of(node: yaml.Node) -> str:
    """Give the text of a scalar as it was written; empty for all else."""
    return cast("str", node.value) if isinstance(node, yaml.ScalarNode) else ""


def strings_of(node: yaml.Node) -> object:
    """Give a tree as mappings, lists and strings; None for every scalar that is no string."""
    if isinstance(node, yaml.MappingNode):
        return {text_of(k): strings_of(v) for k, v in pairs_of(node)}
    if isinstance(node, yaml.SequenceNode):
        return [strings_of(v) for v in items_of(node)]
    return text_of(node) if node.tag == STRING else None
