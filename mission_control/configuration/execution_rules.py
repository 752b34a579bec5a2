"""What a fleet file adds to how execution is recognised; it takes nothing away."""

import re
from enum import StrEnum

from mission_control.configuration.agent_details import read_workload, required
from mission_control.configuration.yaml_value import Problems, Value, quoted
from mission_control.model.execution_rules import (
    DEFAULT_SWITCHES,
    NOTHING_ADDED,
    PATTERNS,
    ExecutionRules,
    Exemption,
    Switch,
    SwitchEvidence,
)

KEYS = ("patterns", "switches", "exemptions")
MAX_PATTERNS, MAX_SWITCHES, MAX_EXEMPTIONS = 32, 64, 64
MAX_PATTERN = 64
MAX_TEXT = 300
_WORDS = r"[a-z0-9](?:[a-z0-9-]{0,63})"
_PATTERN = re.compile(rf"{_WORDS}(?:\|{_WORDS}){{0,31}}")
_NAME = re.compile(r"[A-Z_][A-Z0-9_]{0,99}")
_HARMLESS_LENGTH = 3
"""Shorter patterns are in too many names to tell anything apart."""


class _Evidence(StrEnum):
    """The values of a switch that may be evidence, as a fleet file says it."""

    MODE = SwitchEvidence.MODE.value
    NOT_PAPER = SwitchEvidence.NOT_PAPER.value
    TRUTHY = SwitchEvidence.TRUTHY.value
    FALSY = SwitchEvidence.FALSY.value


def read_execution(
    value: Value | None, executing: frozenset[tuple[str, str, str]], problems: Problems
) -> ExecutionRules:
    """
    Read patterns, switches and exemptions, noting every problem.

    `executing` are the workloads (namespace, kind, name) that the inventory itself calls
    execution: none of them can be exempted.
    """
    if value is None:
        return NOTHING_ADDED
    fields = value.fields(KEYS, problems)
    given = {
        key: fields[key].items(problems, at_most=most) if key in fields else []
        for key, most in zip(KEYS, (MAX_PATTERNS, MAX_SWITCHES, MAX_EXEMPTIONS), strict=True)
    }
    patterns = [_read_pattern(item, problems) for item in given["patterns"]]
    switches = list[Switch]()
    for item in given["switches"]:
        switch = _read_switch(item, (*DEFAULT_SWITCHES, *switches), problems)
        switches.extend([switch] if switch else [])
    exemptions = [_read_exemption(item, executing, problems) for item in given["exemptions"]]
    return ExecutionRules(
        tuple(p for p in patterns if p),
        tuple(switches),
        tuple(e for e in exemptions if e is not None),
    )


def _read_pattern(value: Value, problems: Problems) -> str:
    """
    Read a pattern: words, with `|` between alternatives.

    A regular expression can be written that takes hours for a name of thirty letters; words
    cannot, and nothing else is needed to tell names apart.
    """
    before = len(problems)
    text = value.text(problems, at_most=MAX_PATTERN).casefold().replace("_", "-")
    if len(problems) > before:
        return ""
    shortest = min(map(len, text.split("|")))
    if _PATTERN.fullmatch(text) is None or shortest < _HARMLESS_LENGTH:
        value.refuse(
            problems,
            f"{quoted(value.scalar)} is no pattern of words",
            f"write words of {_HARMLESS_LENGTH} letters or more, with '-' inside and '|' between",
        )
        return ""
    if text in PATTERNS:
        value.refuse(problems, f"{quoted(text)} is heard in any case", "take it out")
    return text


def _read_switch(value: Value, known: tuple[Switch, ...], problems: Problems) -> Switch | None:
    before = len(problems)
    fields = value.fields(("name", "evidence"), problems)
    name = required(fields, "name", value, problems)
    chosen = required(fields, "evidence", value, problems)
    text = name.text(problems, at_most=100) if name else ""
    evidence = chosen.choice(_Evidence, problems) if chosen else None
    if name is not None and text:
        if _NAME.fullmatch(text) is None:
            remedy = "write it as a variable is named: A_NAME"
            name.refuse(problems, f"{quoted(text)} is no variable in upper case", remedy)
        elif any(s.name == text for s in known):
            why = f"{text} is watched already, and what it means cannot be changed"
            name.refuse(problems, why, "take it out")
    if evidence is None or len(problems) > before:
        return None
    return Switch(text, SwitchEvidence(evidence.value))


def _read_exemption(
    value: Value, executing: frozenset[tuple[str, str, str]], problems: Problems
) -> Exemption | None:
    before = len(problems)
    fields = value.fields(("workload", "image", "who", "why"), problems)
    found = {k: required(fields, k, value, problems) for k in ("workload", "image", "who", "why")}
    texts = {
        key: each.text(problems, at_most=MAX_TEXT)
        for key, each in found.items()
        if each is not None and key != "workload"
    }
    named = found["workload"]
    workload = read_workload(named, problems) if named else None
    if named is not None and workload is not None:
        key = (workload.namespace, workload.kind, workload.name)
        if key in executing:
            why = f"the inventory itself says that {workload.kind} {workload.name} is execution"
            named.refuse(problems, why, "take it out")
    if workload is None or len(problems) > before:
        return None
    image = texts["image"].casefold()
    where = (workload.namespace, workload.kind, workload.name)
    return Exemption(*where, image, texts["who"], texts["why"])
