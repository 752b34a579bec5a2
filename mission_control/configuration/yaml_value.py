"""Configuration: one value of a YAML file, which knows its place and is read strictly."""

import re
from collections.abc import Collection
from dataclasses import dataclass
from enum import StrEnum
from typing import TypeVar, cast

import yaml

from mission_control.configuration.problems import Problems, did_you_mean, quoted

Choice = TypeVar("Choice", bound=StrEnum)

DECIMAL = re.compile(r"[+-]?[0-9]{1,15}(\.[0-9]{1,15})?")
"""YAML 1.1 also reads `1_0`, `0x10` and `22:30` as numbers; nobody means those here."""

KINDS = {
    "bool": "a boolean",
    "int": "a number",
    "float": "a number",
    "null": "empty",
    "str": "text",
    "timestamp": "a date",
    "seq": "a list",
    "map": "a mapping",
}


@dataclass(frozen=True, slots=True)
class Value:
    """A value of a YAML file: `path` is as `agents[2].kind`, empty for the whole document."""

    node: yaml.Node
    file: str
    path: str

    @property
    def line(self) -> int:
        """Give the line on which the value begins, counted from 1."""
        return self.node.start_mark.line + 1

    @property
    def where(self) -> str:
        """Give the place as people and editors read it: `file:line`."""
        return f"{self.file}:{self.line}"

    @property
    def kind(self) -> str:
        """Name what YAML takes the value for: `str`, `bool`, `int`, `map`, ..."""
        return self.node.tag.rpartition(":")[2]

    @property
    def scalar(self) -> str:
        """Give a scalar as it is written; empty for a list or a mapping."""
        return str(self.node.value) if isinstance(self.node, yaml.ScalarNode) else ""

    def refuse(self, problems: Problems, problem: str, remedy: str = "") -> None:
        """Note a problem with this value."""
        problems.add(problem, where=self.where, key=self.path, remedy=remedy)

    def fields(self, known: Collection[str], problems: Problems) -> "dict[str, Value]":
        """Give the fields of a mapping; an unknown key and a repeated one are problems."""
        if not isinstance(self.node, yaml.MappingNode):
            self._refuse_kind(problems, "a mapping")
            return {}
        found: dict[str, Value] = {}
        for key_node, node in cast("list[tuple[yaml.Node, yaml.Node]]", self.node.value):
            name = Value(key_node, self.file, "").scalar
            path = f"{self.path}.{name}" if self.path else name
            key = Value(key_node, self.file, path if name in known else self.path)
            if name not in known:
                key.refuse(problems, f"unknown key {quoted(name)}", did_you_mean(name, known))
            elif name in found:
                key.refuse(problems, f"given twice, first on line {found[name].line}")
            else:
                found[name] = Value(node, self.file, path)
        return found

    def items(self, problems: Problems, *, at_most: int) -> "list[Value]":
        """Give the items of a list, numbered from 0 in their paths."""
        if not isinstance(self.node, yaml.SequenceNode):
            self._refuse_kind(problems, "a list")
            return []
        nodes = cast("list[yaml.Node]", self.node.value)
        if len(nodes) > at_most:
            self.refuse(problems, f"lists {len(nodes)}, and at most {at_most} are allowed")
            return []
        return [Value(node, self.file, f"{self.path}[{i}]") for i, node in enumerate(nodes)]

    def text(self, problems: Problems, *, at_most: int = 1024) -> str:
        """
        Give a text, empty after noting a problem.

        What YAML takes for something else is refused: a service called `no` must say `"no"`.
        """
        if self.kind != "str":
            is_scalar = isinstance(self.node, yaml.ScalarNode) and self.kind != "null"
            self._refuse_kind(problems, "text", "put it in quotes" if is_scalar else "")
            return ""
        text = self.scalar
        if not text or len(text) > at_most or not text.isprintable() or text != text.strip():
            self.refuse(
                problems,
                "is no usable text",
                f"write 1 to {at_most} printable characters without spaces around them",
            )
            return ""
        return text

    def number(self, problems: Problems) -> float | None:
        """Give a plain decimal number, None after noting a problem."""
        if self.kind not in {"int", "float"}:
            self._refuse_kind(
                problems, "a number", "write it without quotes" * (self.kind == "str")
            )
            return None
        if DECIMAL.fullmatch(self.scalar) is None:
            self.refuse(
                problems, f"{quoted(self.scalar)} is no plain number", "write decimal digits"
            )
            return None
        return float(self.scalar)

    def choice(self, choices: type[Choice], problems: Problems) -> Choice | None:
        """Give one of the named choices, spelled exactly; None after noting a problem."""
        before = len(problems)
        text = self.text(problems)
        if len(problems) > before:
            return None
        names = [choice.value for choice in choices]
        if text not in names:
            close = did_you_mean(text, names)
            self.refuse(problems, f"{quoted(text)} is none of {', '.join(names)}", close)
            return None
        return choices(text)

    def _refuse_kind(self, problems: Problems, wanted: str, remedy: str = "") -> None:
        is_now = KINDS.get(self.kind, "of an unknown kind")
        shown = f" ({quoted(self.scalar)})" if self.scalar and self.kind != "str" else ""
        self.refuse(problems, f"must be {wanted}, and is {is_now}{shown}", remedy)
