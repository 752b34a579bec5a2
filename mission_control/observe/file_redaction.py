"""Observe: a repository's file as it may be copied: redacted, or refused with its reason."""

import json
from dataclasses import dataclass
from pathlib import PurePosixPath

import yaml

from mission_control.observe.manifest_redaction import redact_lines, why_secret
from mission_control.observe.plain_yaml import (
    items_of,
    pairs_of,
    read_plain_yaml,
    text_of,
)
from mission_control.observe.secret_nodes import mask_secrets, why_secret_tree, write_yaml

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
    Give a file redacted: YAML and JSON as trees that are written anew, prose line by line.

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
    """Give YAML documents masked and written anew; refused where they are no plain YAML."""
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
    """Give a JSON document masked; it is looked through as the YAML that it is, too."""
    try:
        same = json.dumps(json.loads(text), ensure_ascii=False)
    except (ValueError, RecursionError):
        return Redacted(why_not="it is no JSON that can be read")
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
