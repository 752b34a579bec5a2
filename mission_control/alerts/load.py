"""The rules and waivers, from YAML files; every error with its file, line, key and remedy."""

import hashlib
import re
from collections.abc import Callable, Iterable, Sequence
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path
from string import Formatter
from typing import Annotated, Any, TypeVar, cast

import yaml
from pydantic import AfterValidator, BeforeValidator, create_model

from mission_control.alerts.model import (
    PAGING,
    SUMMARY_FIELDS,
    AlertRules,
    Condition,
    Rule,
    RulePhase,
    Source,
    Waiver,
)
from mission_control.configuration.yaml_file import Problems, did_you_mean, quoted, read_yaml
from mission_control.configuration.yaml_part import (
    Each,
    Part,
    Reading,
    Sentence,
    kind_of,
    listed,
    one_of,
    refuse_repeated,
    refused,
    text,
    usable,
    written,
    wrong_kind,
)
from mission_control.contract.model.shapes import ServiceState
from mission_control.floor.model import SEV0_CODES, Verdict
from mission_control.model.catalogue import CATALOGUE, runbook_code
from mission_control.model.codes import UNLISTED_REASON
from mission_control.model.finding import Severity
from mission_control.model.fleet import Criticality, Kind
from mission_control.schedule.model import Job, RunOutcome

SHIPPED = Path(__file__).with_name("rules.yaml")
MAX_RULES = 256
MAX_WAIVERS = 1000
MOST_NAMES = 64
LONGEST_WAIT = 24 * 3600.0
LONGEST_HOLD = 3600.0
ANY_PHASE, P1_HOURS = "any", "p1_hours"
HARMLESS = frozenset({"rule", "runbook", "summary", "about"})
"""What an override may say of a P0: nothing that removes, delays or lowers it."""

_UNITS = {"s": 1.0, "m": 60.0, "h": 3600.0}
_NAME = re.compile(r"[a-z][a-z0-9_]{0,63}")
_P0_REMEDY = "a P0 pages at once in every phase; take this out"


class Wait(tuple[float, bool]):
    """Seconds, and whether they are of the market's time."""

    __slots__ = ()


def _read_wait(text_: str) -> Wait:
    length, _, market = text_.partition(" ")
    return Wait((float(length[:-1]) * _UNITS[length[-1]], bool(market)))


def _no_longer_than(most: float) -> Callable[[Wait], Wait]:
    def check(wait: Wait) -> Wait:
        if wait[0] > most:
            raise refused(f"{wait[0]:g} s is too long", f"write at most {most / 60:g}m")
        return wait

    return check


_wait = written(r"[0-9]{1,5}[smh]( market)?", _read_wait, "is no time", "write 150s, or 5m market")
_hold = written(r"[0-9]{1,5}[smh]", _read_wait, "is no time", "write 60s, or 1m")
_until = written(
    r"\d{4}-\d{2}-\d{2}[Tt ]\d{2}:\d{2}(:\d{2}(\.\d{1,6})?)?(Z|[+-]\d{2}:\d{2})",
    lambda text_: datetime.fromisoformat(text_).astimezone(UTC),
    "is no instant with its zone",
    "write it as 2026-12-01T21:00:00Z",
)


def _boolean(node: yaml.Node) -> bool:
    if kind_of(node) != "bool" or str(node.value) not in {"true", "false"}:
        raise wrong_kind(node, "true or false")
    return node.value == "true"


def _code(code: str) -> str:
    if code != UNLISTED_REASON and runbook_code(code) == UNLISTED_REASON:
        raise refused(f"{quoted(code)} is no reason code", did_you_mean(code, CATALOGUE))
    return code


def _name(name: str) -> str:
    if _NAME.fullmatch(name) is None:
        raise refused(f"{quoted(name)} is no name of a rule", "write it as strategy_halted")
    return name


def _template(summary: str) -> str:
    try:
        named = {name for _, name, _, _ in Formatter().parse(summary) if name is not None}
    except ValueError:
        raise refused("its braces do not match", "write a brace of text twice") from None
    unknown = sorted(named - set(SUMMARY_FIELDS))
    if unknown:
        remedy = f"known are: {', '.join(SUMMARY_FIELDS)}"
        raise refused(f"there is no field {quoted(unknown[0])}", remedy)
    return summary


Boolean = Annotated[bool, BeforeValidator(_boolean)]
Code = Annotated[str, text(64), AfterValidator(_code)]
Prose = Annotated[str, text(400)]


T = TypeVar("T")
Names = Annotated[tuple[Each[T | None], ...], listed(MOST_NAMES)]


Codes = Names[Code]


class ConditionEntry(Part):
    """What a fact has to be, as people write it."""

    source: Annotated[Source, one_of(Source)]
    codes: Codes = ()
    only_codes: Codes = ()
    kinds: Names[Annotated[Kind, one_of(Kind)]] = ()
    criticalities: Names[Annotated[Criticality, one_of(Criticality)]] = ()
    states: Names[Annotated[ServiceState, one_of(ServiceState)]] = ()
    severities: Names[Annotated[Severity, one_of(Severity)]] = ()
    jobs: Names[Annotated[Job, one_of(Job)]] = ()
    outcomes: Names[Annotated[RunOutcome, one_of(RunOutcome)]] = ()
    verdicts: Names[Annotated[Verdict, one_of(Verdict)]] = ()
    halts: Boolean | None = None


_Timed = create_model(
    "_Timed",
    __base__=Part,
    **cast(
        "Any",
        {
            "for": (
                Annotated[
                    Any, BeforeValidator(_wait), AfterValidator(_no_longer_than(LONGEST_WAIT))
                ],
                None,
            )
        },
    ),
)
"""`for` is what everyone calls it, and no name that Python lets a class have."""


class RuleEntry(_Timed):
    """One rule as people write it; of one that is known only what is given changes."""

    rule: Annotated[str, text(64), AfterValidator(_name)]
    severity: Annotated[Severity | None, one_of(Severity)] = None
    when: ConditionEntry | None = None
    phases: Names[Annotated[str, one_of([*RulePhase, ANY_PHASE, P1_HOURS])]] = ()
    hold: Annotated[Any, BeforeValidator(_hold), AfterValidator(_no_longer_than(LONGEST_HOLD))] = (
        None
    )
    follows: Boolean = False
    runbook: Annotated[str, text(64), AfterValidator(_code)] = ""
    summary: Annotated[str, text(300), AfterValidator(_template)] = ""
    about: Prose = ""
    not_observed: Prose = ""
    disabled: Boolean = False


class RulesFile(Part):
    """The whole file."""

    rules: Annotated[tuple[Each[RuleEntry | None], ...], listed(MAX_RULES)] = ()

    def _check(self, reading: Reading) -> None:
        """Refuse a file that says nothing, and rules that are given twice."""
        if not self.gives("rules"):
            reading.refuse(self.at(), "there is no list of rules", "write `rules: []` for none")
        named = [(r.rule, r.at("rule")) for r in usable(self.rules)]
        refuse_repeated(reading, named, "keep one of them")


class WaiverEntry(Part):
    """One waiver as people write it."""

    code: Code
    subject: Sentence
    until: Annotated[datetime, BeforeValidator(_until)]
    who: Sentence
    why: Sentence

    def _check(self, reading: Reading) -> None:
        """Refuse a code that is always P0."""
        if self.code in SEV0_CODES:
            problem = f"{self.code} is P0, and a P0 is never waived"
            reading.refuse(self.at("code"), problem, "take this out")


class WaiversFile(Part):
    """The whole file."""

    waivers: Annotated[tuple[Each[WaiverEntry | None], ...], listed(MAX_WAIVERS)] = ()

    def _check(self, reading: Reading) -> None:
        """Refuse a file that says nothing, and one thing that is waived twice."""
        if not self.gives("waivers"):
            problem, remedy = "there is no list of waivers", "write `waivers: []` for none"
            reading.refuse(self.at(), problem, remedy)
        named = [(f"{w.code} {w.subject}", w.at("code")) for w in usable(self.waivers)]
        refuse_repeated(reading, named, "keep one of them")


def load_rules(path: Path | None = None) -> tuple[str, tuple[Rule, ...]]:
    """
    Return the rules in force and their digest: those shipped, as the file changes them.

    A file changes a shipped rule by its name, disables it, or adds rules, which come after every
    P0 that is shipped and before all others. Raises ConfigurationError with everything that is
    wrong; what removes, delays or lowers a P0 is (docs/semantics.md#R11.4).
    """
    digest, shipped = _read_shipped()
    if path is None:
        return digest, shipped
    source = read_yaml(path, what="alert rules file")
    reading = Reading(source, Problems(), path.parent)
    file = RulesFile.model_validate(source.root, context=reading)
    entries = cast("list[RuleEntry]", usable(file.rules))
    rules = _override(shipped, entries, reading)
    reading.problems.raise_if_any()
    both = f"{digest} {source.digest}".encode()
    return hashlib.sha256(both).hexdigest(), rules


def _read_shipped() -> tuple[str, tuple[Rule, ...]]:
    source = read_yaml(SHIPPED, what="shipped alert rules")
    reading = Reading(source, Problems(), SHIPPED.parent)
    file = RulesFile.model_validate(source.root, context=reading)
    rules = [_new_rule(entry, reading) for entry in cast("list[RuleEntry]", usable(file.rules))]
    reading.problems.raise_if_any()
    return source.digest, tuple(rule for rule in rules if rule is not None)


def _override(
    shipped: Sequence[Rule], entries: Iterable[RuleEntry], reading: Reading
) -> tuple[Rule, ...]:
    by_name, added = {r.name: r for r in shipped}, list[Rule]()
    for entry in entries:
        known = by_name.get(entry.rule)
        if known is None:
            rule = _new_rule(entry, reading)
            added += [rule] if rule is not None and not entry.disabled else []
        elif known.severity is Severity.P0 and not _is_harmless(entry, reading):
            continue
        elif entry.disabled:
            del by_name[entry.rule]
        else:
            by_name[entry.rule] = _changed(known, entry, reading)
    kept = [by_name[r.name] for r in shipped if r.name in by_name]
    first = [r for r in shipped if r.severity is Severity.P0]
    ours = {r.name for r in first}
    p0 = [r for r in kept if r.name in ours]
    return (*p0, *added, *(r for r in kept if r.name not in ours))


def _is_harmless(entry: RuleEntry, reading: Reading) -> bool:
    """Note everything that an override says of a P0 beside its texts."""
    said = [name for name in RuleEntry.model_fields if entry.gives(name) and name not in HARMLESS]
    for name in said:
        problem = f"{entry.rule} is P0, and no override removes, delays or lowers it"
        reading.refuse(entry.at(name), problem, _P0_REMEDY)
    return not said


def _new_rule(entry: RuleEntry, reading: Reading) -> Rule | None:
    for name in ("severity", "when", "phases"):
        if not entry.gives(name):
            problem, remedy = f"{entry.rule} is a new rule, and has no {name}", f"add {name}"
            reading.refuse(entry.at("rule"), problem, remedy)
    if entry.severity is None or entry.when is None or not entry.when.usable:
        return None
    bare = Rule(entry.rule, Severity(entry.severity), _condition(entry.when), frozenset())
    return _changed(bare, entry, reading)


def _changed(rule: Rule, entry: RuleEntry, reading: Reading) -> Rule:
    """Return a rule with what an entry gives, checked as a whole."""
    given: dict[str, Any] = {"where": reading.source.where(entry.at("rule"))}
    if entry.gives("severity") and entry.severity is not None:
        given["severity"] = Severity(entry.severity)
    if entry.gives("when") and entry.when is not None and entry.when.usable:
        given["when"] = _condition(entry.when)
    if entry.gives("phases"):
        given["phases"] = _phases(entry.phases)
    wait: Wait | None = getattr(entry, "for")
    if wait is not None:
        given["wait_seconds"], given["market"] = wait
    if entry.hold is not None:
        given["hold_seconds"] = entry.hold[0]
    for name in ("follows", "runbook", "summary", "about", "not_observed"):
        if entry.gives(name):
            given[name] = getattr(entry, name)
    changed = replace(rule, **given)
    _check_whole(changed, entry, reading)
    return changed


def _check_whole(rule: Rule, entry: RuleEntry, reading: Reading) -> None:
    if (rule.when.source is Source.NONE) is not bool(rule.not_observed):
        problem = "source none and not_observed belong together"
        remedy = "say in not_observed what is not read here, with source none alone"
        reading.refuse(entry.at("not_observed", "when", "rule"), problem, remedy)
    if rule.severity is Severity.P0 and (rule.wait_seconds or rule.phases != frozenset(RulePhase)):
        problem = f"{rule.name} is P0, which pages at once and in every phase"
        reading.refuse(entry.at("for", "phases", "rule"), problem, "write phases: [any], no for")


def _phases(names: Iterable[str | None]) -> frozenset[RulePhase]:
    found = set[RulePhase]()
    for name in _known(names):
        if name == ANY_PHASE:
            found.update(RulePhase)
        elif name == P1_HOURS:
            found.update(PAGING)
        else:
            found.add(RulePhase(name))
    return frozenset(found)


def _condition(entry: ConditionEntry) -> Condition:
    return Condition(
        entry.source,
        tuple(_known(entry.codes)),
        frozenset(_known(entry.only_codes)),
        frozenset(_known(entry.kinds)),
        frozenset(_known(entry.criticalities)),
        frozenset(_known(entry.states)),
        frozenset(_known(entry.severities)),
        entry.halts,
        frozenset(_known(entry.jobs)),
        frozenset(_known(entry.outcomes)),
        frozenset(_known(entry.verdicts)),
    )


def _known(names: Iterable[T | None]) -> list[T]:
    """Return the items that were not refused."""
    return [name for name in names if name is not None]


def load_waivers(path: Path) -> tuple[str, tuple[Waiver, ...]]:
    """
    Return the waivers of a file and its digest, or raise ConfigurationError with all that is wrong.

    One that has ended is no error: it quietens nothing any more.
    """
    source = read_yaml(path, what="alert waivers file")
    reading = Reading(source, Problems(), path.parent)
    file = WaiversFile.model_validate(source.root, context=reading)
    entries = cast("list[WaiverEntry]", usable(file.waivers))
    reading.problems.raise_if_any()
    waivers = [Waiver(w.code, w.subject, w.until, w.who, w.why) for w in entries]
    return source.digest, tuple(waivers)


def load_alert_rules(rules_file: Path | None, waivers_file: Path | None) -> AlertRules:
    """Return rules and waivers together; raises ConfigurationError with what is wrong in both."""
    problems, rules, waivers = Problems(), tuple[Rule, ...](), tuple[Waiver, ...]()
    with problems.gathering():
        _, rules = load_rules(rules_file)
    if waivers_file is not None:
        with problems.gathering():
            _, waivers = load_waivers(waivers_file)
    problems.raise_if_any()
    return AlertRules(rules, waivers)
