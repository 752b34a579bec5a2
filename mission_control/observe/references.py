"""Observe: what in a manifest only refers to a Secret, and may stay: names are no secrets."""

import re
from collections.abc import Mapping

import yaml

from mission_control.observe.plain_yaml import items_of, pairs_of, text_of

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
    """Tell whether what stands under this key has the known form of a reference, and no more."""
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
    """Tell whether a pair names a Secret where Kubernetes has one named."""
    return (under, key) in _NAMED_UNDER and bool(_NAME.fullmatch(text_of(value)))


def is_plain_key(under: str, pairs: Mapping[str, yaml.Node]) -> bool:
    """Tell whether a mapping's `key` is that of a label, a taint or a file, and no secret."""
    if not _PATH.fullmatch(text_of(pairs["key"])):
        return False
    if "operator" in pairs and text_of(pairs["operator"]) in _OPERATORS:
        return True
    forms = all(k in _ITEM and _ITEM[k].fullmatch(text_of(v)) for k, v in pairs.items())
    return under == "items" and "path" in pairs and forms
