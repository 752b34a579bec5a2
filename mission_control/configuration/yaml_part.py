"""Parts of a YAML file as pydantic models, which note every problem and judge the rest as well."""

import re
from collections.abc import Callable, Collection, Iterable
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Any, Self, TypeVar, cast

import yaml
from pydantic import (
    AfterValidator,
    BaseModel,
    BeforeValidator,
    ConfigDict,
    ModelWrapValidatorHandler,
    PrivateAttr,
    TypeAdapter,
    ValidationError,
    ValidationInfo,
    ValidatorFunctionWrapHandler,
    WrapValidator,
    field_validator,
    model_validator,
)
from pydantic_core import PydanticCustomError

from mission_control.configuration.yaml_file import (
    Problems,
    YamlSource,
    below,
    did_you_mean,
    quoted,
    scalar,
)

T = TypeVar("T")

DECIMAL = re.compile(r"[+-]?[0-9]{1,15}(\.[0-9]{1,15})?")
"""YAML 1.1 also reads `1_0`, `0x10` and `22:30` as numbers, which is never meant here."""

KUBERNETES_NAME = re.compile(r"[a-z0-9]([a-z0-9.-]{0,251}[a-z0-9])?")

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


def kind_of(node: yaml.Node) -> str:
    """Return what YAML takes a node for: `str`, `bool`, `int`, `map`, ..."""
    return node.tag.rpartition(":")[2]


def refused(problem: str, remedy: str = "") -> PydanticCustomError:
    """Return the error with which a validator refuses its node."""
    return PydanticCustomError("refused", "refused", {"problem": problem, "remedy": remedy})


def wrong_kind(node: yaml.Node, wanted: str, remedy: str = "") -> PydanticCustomError:
    """Return the error for a node of another kind than the one wanted."""
    kind = kind_of(node)
    shown = f" ({quoted(scalar(node))})" if scalar(node) and kind != "str" else ""
    is_now = KINDS.get(kind, "of an unknown kind")
    return refused(f"must be {wanted}, and is {is_now}{shown}", remedy)


@dataclass(frozen=True, slots=True)
class Reading:
    """
    A file that is being read, and where its problems are noted.

    Relative paths start at `folder`; an agent without a cadence of its own takes the interval and
    the deadline (seconds).
    """

    source: YamlSource
    problems: Problems
    folder: Path
    interval_seconds: float = 0.0
    deadline_seconds: float = 0.0

    def refuse(self, node: yaml.Node, problem: str, remedy: str = "") -> None:
        """Note a problem with a node."""
        key = self.source.key(node)
        self.problems.add(problem, where=self.source.where(node), key=key, remedy=remedy)

    def note(self, error: PydanticCustomError | ValidationError, node: yaml.Node) -> None:
        """Note everything for which a node, or what is within it, was refused."""
        if isinstance(error, PydanticCustomError):
            self.refuse(node, **error.context or {})
            return
        for each in error.errors(include_url=False):
            at = each["input"] if isinstance(each["input"], yaml.Node) else node
            self.refuse(at, **each.get("ctx", {}))

    def missing(self, node: yaml.Node, name: str) -> None:
        """Note that a mapping has no field of this name; anything else was refused already."""
        if kind_of(node) == "map":
            key = below(self.source.key(node), name)
            where = self.source.where(node)
            self.problems.add("is missing", where=where, key=key, remedy=f"add {name}")

    def fields(self, node: yaml.Node, known: Collection[str]) -> dict[str, yaml.Node]:
        """Return a mapping's fields, noting unknown keys and those given twice."""
        if not isinstance(node, yaml.MappingNode):
            self.note(wrong_kind(node, "a mapping"), node)
            return {}
        found = dict[str, yaml.Node]()
        for key, value in cast("list[tuple[yaml.Node, yaml.Node]]", node.value):
            name, where = scalar(key), self.source.where(key)
            if name not in known:
                problem, remedy = f"unknown key {quoted(name)}", did_you_mean(name, known)
                path = self.source.key(node)
                self.problems.add(problem, where=where, key=path, remedy=remedy)
            elif name in found:
                line = found[name].start_mark.line + 1
                problem = f"given twice, first on line {line}"
                path = below(self.source.key(node), name)
                self.problems.add(problem, where=where, key=path)
            else:
                found[name] = value
        return found


def _noted(node: object, handler: ValidatorFunctionWrapHandler, info: ValidationInfo) -> object:
    """Note what is wrong with a value, and return None in its place."""
    if node is None:
        return None
    try:
        return handler(node)
    except ValidationError as error:
        cast("Reading", info.context).note(error, cast("yaml.Node", node))
        return None


Each = Annotated[T, WrapValidator(_noted)]
"""An item of a list; one that is refused is noted and becomes None, so that the rest is judged."""


class Part(BaseModel):
    """
    A mapping of a YAML file; validated with a `Reading` as context.

    A field that is refused is noted and becomes None, whatever its type says, so that all other
    problems are noted in the same go. Such a part is not `usable`; a file with any problem is
    refused in the end.
    """

    model_config = ConfigDict(defer_build=True)

    _node: yaml.Node = PrivateAttr()
    _given: dict[str, yaml.Node] = PrivateAttr(default_factory=dict[str, yaml.Node])
    _usable: bool = PrivateAttr(default=True)

    @model_validator(mode="wrap")
    @classmethod
    def _read(
        cls, node: object, handler: ModelWrapValidatorHandler[Self], info: ValidationInfo
    ) -> Self:
        reading = cast("Reading", info.context)
        before = len(reading.problems)
        if isinstance(node, yaml.Node):
            given = reading.fields(node, cls.model_fields)
        else:  # a file's top-level fields, which were read together with settings
            node, given = reading.source.root, cast("dict[str, yaml.Node]", node)
        required = [name for name, field in cls.model_fields.items() if field.is_required()]
        absent = [name for name in required if name not in given]
        for name in absent:
            reading.missing(node, name)
        part = handler(given | dict.fromkeys(absent))
        part._node, part._given = node, given  # noqa: SLF001  (its own)
        part._check(reading)  # noqa: SLF001
        part._usable = len(reading.problems) == before  # noqa: SLF001
        return part

    @field_validator("*", mode="wrap")
    @classmethod
    def _note(
        cls, node: object, handler: ValidatorFunctionWrapHandler, info: ValidationInfo
    ) -> object:
        return _noted(node, handler, info)

    def _check(self, reading: Reading) -> None:
        """Note what is wrong between the fields."""

    @property
    def usable(self) -> bool:
        """Return whether no problem was noted."""
        return self._usable

    def gives(self, name: str) -> bool:
        """Return whether the file gives this field, usable or not."""
        return name in self._given

    def at(self, *names: str) -> yaml.Node:
        """Return the node of the first of these fields that is given; else the whole part's."""
        return next((self._given[name] for name in names if name in self._given), self._node)

    def items(self, name: str) -> list[tuple[Any, yaml.Node]]:
        """Return the items of a list that were not refused, each with its node."""
        pairs = zip(getattr(self, name) or (), self.at(name).value, strict=False)
        return [(item, node) for item, node in pairs if item is not None]


def usable(parts: Iterable[Part | None] | None) -> list[Any]:
    """Return the parts with which nothing is wrong."""
    return [part for part in parts or () if part is not None and part.usable]


def made(kind: type[T], value: object) -> T:
    """Return a value of the model, made of the fields of a part."""
    return TypeAdapter(kind).validate_python(value)


def read_text(node: yaml.Node, at_most: int = 1024) -> str:
    """
    Return a text.

    What YAML takes for something else is refused: a service called `no` must say `"no"`.
    """
    if kind_of(node) != "str":
        is_scalar = isinstance(node, yaml.ScalarNode) and kind_of(node) != "null"
        raise wrong_kind(node, "text", "put it in quotes" if is_scalar else "")
    text = scalar(node)
    if not text or len(text) > at_most or not text.isprintable() or text != text.strip():
        remedy = f"write 1 to {at_most} printable characters without spaces around them"
        raise refused("is no usable text", remedy)
    return text


def read_number(node: yaml.Node) -> float:
    """Return a plain decimal number."""
    if kind_of(node) not in {"int", "float"}:
        raise wrong_kind(node, "a number", "write it without quotes" * (kind_of(node) == "str"))
    if DECIMAL.fullmatch(scalar(node)) is None:
        raise refused(f"{quoted(scalar(node))} is no plain number", "write decimal digits")
    return float(scalar(node))


def read_items(node: yaml.Node, at_most: int) -> list[yaml.Node]:
    """Return the nodes of a list."""
    if not isinstance(node, yaml.SequenceNode):
        raise wrong_kind(node, "a list")
    nodes = cast("list[yaml.Node]", node.value)
    if len(nodes) > at_most:
        raise refused(f"lists {len(nodes)}, and at most {at_most} are allowed")
    return nodes


def text(at_most: int) -> BeforeValidator:
    """Read a text of at most so many characters."""
    return BeforeValidator(lambda node: read_text(node, at_most))


def listed(at_most: int) -> BeforeValidator:
    """Read a list of at most so many items."""
    return BeforeValidator(lambda node: read_items(node, at_most))


def one_of(choices: Iterable[str]) -> BeforeValidator:
    """Read one of these names, spelled exactly."""
    names = [str(choice) for choice in choices]

    def read(node: yaml.Node) -> str:
        word = read_text(node)
        if word not in names:
            problem = f"{quoted(word)} is none of {', '.join(names)}"
            raise refused(problem, did_you_mean(word, names))
        return word

    return BeforeValidator(read)


def written(
    form: str, of: Callable[[str], object], problem: str, remedy: str
) -> Callable[[yaml.Node], Any]:
    """Return a reader of what a scalar says as it is written, whatever YAML takes it for."""
    pattern = re.compile(form, re.ASCII)

    def read(node: yaml.Node) -> object:
        with suppress(ValueError, OverflowError):
            if pattern.fullmatch(scalar(node)):
                return of(scalar(node))
        raise refused(f"{quoted(scalar(node))} {problem}", remedy)

    return read


def refuse_repeated(
    reading: Reading,
    named: Iterable[tuple[str, yaml.Node]],
    remedy: str,
    problem: str = "{0} is listed twice",
    show: Callable[[str], str] = quoted,
) -> None:
    """Refuse what is listed a second time; `{0}` is its name, and `{1}` the line of the first."""
    first = dict[str, yaml.Node]()
    for name, node in named:
        known = first.setdefault(name, node)
        if known is not node:
            told = problem.format(show(name), known.start_mark.line + 1)
            reading.refuse(node, told, remedy)


def _kubernetes_name(name: str) -> str:
    if KUBERNETES_NAME.fullmatch(name) is None:
        problem = f"{quoted(name)} is no Kubernetes name"
        raise refused(problem, "use lower-case letters, digits, '-' and '.'")
    return name


def _from_folder(path: str, info: ValidationInfo) -> str:
    return str(cast("Reading", info.context).folder / path)


Text = Annotated[str, text(1024)]
Person = Annotated[str, text(128)]
Sentence = Annotated[str, text(300)]
Number = Annotated[float, BeforeValidator(read_number)]
KubernetesName = Annotated[str, text(253), AfterValidator(_kubernetes_name)]
FilePath = Annotated[Text, AfterValidator(_from_folder)]
"""A file's path; a relative one starts at the folder of the file that names it."""
