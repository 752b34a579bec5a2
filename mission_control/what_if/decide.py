"""What the rules would say of other evidence, decided by the very functions of the floor. Pure."""

import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import replace
from datetime import datetime, timedelta
from typing import cast

import orjson

from mission_control.cluster.model.facts import ClusterFacts, ConfigMapFacts
from mission_control.contract.model.answer import SHAPE_MODELS, Answer, read_answer
from mission_control.contract.model.claims import (
    CLAIM_PLACES,
    MODES,
    PERMISSION,
    SWITCH,
    Claims,
    Place,
    read_claims,
)
from mission_control.contract.model.shapes import ContractModel, is_field, models_in
from mission_control.documents.instants import utc_text
from mission_control.errors import ContractViolation
from mission_control.floor.decide.evidence import SessionAt
from mission_control.floor.decide.floor import decide_floor
from mission_control.floor.decide.round_memory import join_rounds
from mission_control.floor.model import (
    FloorEvidence,
    FloorSnapshot,
    Latched,
    Posture,
    SwitchReading,
    Verdict,
)
from mission_control.model.finding import Reason
from mission_control.model.fleet import Agent, Fleet
from mission_control.model.kill_switch import KILL_SWITCH_KEY, KILL_SWITCH_MAP
from mission_control.model.reading import (
    EndpointReading,
    Seen,
    ServiceRound,
    Unseen,
    UnseenReason,
)
from mission_control.what_if.model import (
    MOST_TEXT,
    Change,
    ChangesAsked,
    ImpossibleChange,
    PostureDifference,
    Say,
    ServiceDifference,
    Silence,
    SwitchReads,
    WhatIf,
)

SILENT = "what if it did not answer, and not when it was asked once more"
Judged = tuple[Verdict, Iterable[Reason]]
"""A verdict, and the reasons for it."""
_BEFORE_NOW = re.compile(r"now-(\d{1,9})", re.ASCII)
_KEEPS = frozenset({UnseenReason.NOT_OFFERED, UnseenReason.NOT_YET_ASKED})
"""A path that is not there, or was not asked yet, cannot fall silent."""


def decide_what_if(
    evidence: FloorEvidence,
    latched: Latched,
    session_at: SessionAt,
    now: datetime,
    asked: ChangesAsked,
) -> WhatIf:
    """
    Decide a floor as it was and with something changed (docs/semantics.md#R12.39).

    The second is decided at the same instant, as the decision that follows the first: what that
    latched is latched, so that nothing is cleared by falling silent. Raises ImpossibleChange.
    """
    changes = read_changes(asked, evidence, now)
    before = decide_floor(evidence, latched, session_at, now)
    altered = alter_evidence(evidence, changes)
    after = decide_floor(altered, before.latched, session_at, now)
    difference = compare_postures(judged(before.posture), judged(after.posture))
    services = tuple(_services(before, after))
    return WhatIf(now, changes, before, after, difference, services)


def judged(posture: Posture) -> Judged:
    """Return a posture as it is compared with another."""
    return posture.verdict, posture.reasons


def read_changes(asked: ChangesAsked, evidence: FloorEvidence, now: datetime) -> tuple[Change, ...]:
    """Read what is to be changed; raises ImpossibleChange that names what can be."""
    said = [_read_say(text, evidence, now) for text in asked.say]
    silent = [Silence(_asked_agent(name, evidence).agent_name) for name in asked.silence]
    both = {s.agent_name for s in said} & {s.agent_name for s in silent}
    if both:
        raise ImpossibleChange(f"{min(both)} cannot be silent and say something at once")
    switch = () if asked.switch is None else (_read_switch(asked.switch, evidence),)
    return (*said, *silent, *switch)


def _read_switch(text: str, evidence: FloorEvidence) -> SwitchReads:
    if not evidence.switch_readings:
        problem = "no source of the kill switch is configured: let a service say it, as"
        raise ImpossibleChange(f"{problem} --say AGENT.safety.kill_switch=false")
    return SwitchReads(_capped(text))


def _read_say(text: str, evidence: FloorEvidence, now: datetime) -> Say:
    named, equals, value = text.partition("=")
    if not equals:
        form = "AGENT.FIELD=VALUE, as strategy-engine.status.state=OK"
        raise ImpossibleChange(f"{text[:80]!r} is not written as {form}")
    agent, place = _agent_and_place(named, evidence.fleet)
    agent = _asked_agent(agent.agent_name, evidence)
    answers = _seen_answers(evidence.rounds[agent.agent_name])
    if not answers:
        raise ImpossibleChange(f"{agent.agent_name} {_why_unseen(agent, evidence)}")
    if not any(_holds(a, place) for a in answers.values()) and place not in CLAIM_PLACES:
        fields = ", ".join(sorted({".".join(f) for a in answers.values() for f in _fields(a)}))
        there = f"there are {fields}" if fields else "what it answers is not read"
        raise ImpossibleChange(f"{agent.agent_name} says no {'.'.join(place)!r}: {there}")
    return Say(agent.agent_name, place, _value(_capped(value), place, now))


def _agent_and_place(named: str, fleet: Fleet) -> tuple[Agent, Place]:
    """Split `AGENT.FIELD`; a name may have dots, so the longest that fits is meant."""
    fitting = [a for a in fleet.agents if named.startswith(f"{a.agent_name}.")]
    agent = max(fitting, key=lambda a: len(a.agent_name), default=None)
    if agent is None:
        raise ImpossibleChange(_unknown(named.partition(".")[0], fleet))
    return agent, tuple(named.removeprefix(f"{agent.agent_name}.").split("."))


def _unknown(name: str, fleet: Fleet) -> str:
    listed = ", ".join(a.agent_name for a in fleet.agents)
    return f"the inventory lists no {name[:128]!r}; it lists {listed}"


def _asked_agent(name: str, evidence: FloorEvidence) -> Agent:
    agent = evidence.fleet.agent(name)
    if agent is None:
        raise ImpossibleChange(_unknown(name, evidence.fleet))
    if agent.agent_name not in evidence.rounds:
        raise ImpossibleChange(f"{agent.agent_name} was not asked, so no answer can be changed")
    return agent


def _why_unseen(agent: Agent, evidence: FloorEvidence) -> str:
    readings = evidence.rounds[agent.agent_name].readings
    codes = {f"{path} {r.code}" for path, r in readings.items() if isinstance(r, Unseen)}
    return f"gave no answer that could be changed: {', '.join(sorted(codes)) or 'none was asked'}"


def _capped(text: str) -> str:
    if len(text) > MOST_TEXT:
        raise ImpossibleChange(f"a value may have {MOST_TEXT} characters at most")
    return text


def _value(text: str, place: Place, now: datetime) -> object:
    """Read a value: JSON where it is, else the text itself; `now-180` is so many seconds ago."""
    ago = _BEFORE_NOW.fullmatch(text)
    if ago is not None:
        instant = now - timedelta(seconds=int(ago[1]))
        return instant.timestamp() if place[-1].endswith("seconds") else utc_text(instant)
    try:
        return orjson.loads(text)
    except orjson.JSONDecodeError:
        return text


def _seen_answers(round_: ServiceRound) -> Mapping[str, Answer]:
    return {path: r.value for path, r in round_.readings.items() if isinstance(r, Seen)}


def _holds(answer: Answer, place: Place) -> bool:
    return is_field(SHAPE_MODELS[answer.shape], place)


def _fields(answer: Answer) -> Iterator[Place]:
    yield from _leaves(SHAPE_MODELS[answer.shape])


def _leaves(model: type[ContractModel]) -> Iterator[Place]:
    for name, info in model.model_fields.items():
        inner = [cast("type[ContractModel]", m) for m in models_in(info.annotation)]
        if not inner:
            yield (name,)
        for part in inner:
            yield from ((name, *place) for place in _leaves(part))


def alter_evidence(evidence: FloorEvidence, changes: Iterable[Change]) -> FloorEvidence:
    """Return the evidence with these changes, and nothing else otherwise."""
    for change in changes:
        match change:
            case Silence(name):
                evidence = _with_readings(evidence, name, _silenced(evidence.rounds[name]))
            case Say(name):
                evidence = _with_readings(evidence, name, _saying(change, evidence))
            case _:
                text = change.text
                switches = tuple(_switched(s, text) for s in evidence.switch_readings)
                cluster = evidence.cluster and _with_switch(evidence.cluster, text)
                evidence = replace(evidence, switch_readings=switches, cluster=cluster)
    return evidence


Readings = Mapping[str, EndpointReading]


def _with_readings(evidence: FloorEvidence, name: str, others: Readings) -> FloorEvidence:
    """
    Replace readings of a service's newest round, joined with it as the watch joins rounds.

    They are joined twice: what is silent was then asked once more.
    """
    round_, agent = evidence.rounds[name], _listed(name, evidence)
    newest = replace(round_, readings={**round_.readings, **others})
    joined = join_rounds(agent, join_rounds(agent, round_, newest), newest)
    kept = {p: r for p, r in round_.readings.items() if p not in others}
    readings = {**round_.readings, **{p: joined.readings[p] for p in others}, **kept}
    past = {**round_.past, **{p: joined.past[p] for p in others}}
    altered = replace(round_, readings=readings, past=past, builds=joined.builds)
    return replace(evidence, rounds={**evidence.rounds, name: altered})


def _listed(name: str, evidence: FloorEvidence) -> Agent:
    return next(a for a in evidence.fleet.agents if a.agent_name == name)


def _silenced(round_: ServiceRound) -> Readings:
    return {
        path: Unseen(UnseenReason.TIMEOUT, r.at, r.took, SILENT)
        for path, r in round_.readings.items()
        if isinstance(r, Seen) or r.reason not in _KEEPS
    }


def _saying(change: Say, evidence: FloorEvidence) -> Readings:
    """Return the answers that have this field with its other value; a claim may be a new one."""
    round_ = evidence.rounds[change.agent_name]
    seen = {p: r for p, r in round_.readings.items() if isinstance(r, Seen)}
    holding = [p for p, r in seen.items() if _holds(r.value, change.place)]
    primary = _listed(change.agent_name, evidence).primary_path
    telling = holding or [primary if primary in seen else min(seen)]
    return {path: _said_instead(path, seen[path], change) for path in telling}


def _said_instead(path: str, seen: Seen[Answer], change: Say) -> EndpointReading:
    """Read an answer with one value replaced, as strictly as any answer."""
    answer = seen.value
    document = _replaced(orjson.loads(answer.document), change.place, change.value)
    shown = orjson.dumps(document)
    claims = _claims(answer.claims, document, change.place)
    try:
        said = read_answer(
            shown, document, path=path, http_status=answer.http_status, shown=shown, claims=claims
        )
    except ContractViolation as violation:
        refused = UnseenReason.HTTP_STATUS if answer.refused else UnseenReason.CONTRACT_INVALID
        told, problems = str(violation), violation.problems
        return Unseen(refused, seen.at, seen.took, told, seen.exchange, claims, problems)
    return replace(seen, value=said)


def _claims(claims: Claims, document: object, place: Place) -> Claims:
    """Return what the answer claimed, but the claims at or below the place that was replaced."""
    told, within = read_claims(document), len(place)
    modes = any(mode[:within] == place for mode in MODES)
    return Claims(
        told.kill_switch if SWITCH[:within] == place else claims.kill_switch,
        told.safe_to_execute_orders
        if PERMISSION[:within] == place
        else claims.safe_to_execute_orders,
        told.agent_mode if modes else claims.agent_mode,
    )


def _replaced(document: object, place: Place, value: object) -> dict[str, object]:
    """Return a copy of a document with the value at a place; what leads there is made."""
    copy = dict(cast("dict[str, object]", document)) if isinstance(document, dict) else {}
    first, *rest = place
    copy[first] = _replaced(copy.get(first), tuple(rest), value) if rest else value
    return copy


def _switched(source: SwitchReading, text: str) -> SwitchReading:
    return replace(source, reading=Seen(text, source.reading.at), absent="")


def _with_switch(cluster: ClusterFacts, text: str) -> ClusterFacts:
    """Have the listed ConfigMap of the switch say the same as the one that is read by name."""
    maps = tuple(_map_reads(m, text) for m in cluster.config_maps)
    return replace(cluster, config_maps=maps)


def _map_reads(listed: ConfigMapFacts, text: str) -> ConfigMapFacts:
    if listed.name != KILL_SWITCH_MAP:
        return listed
    keys = tuple(sorted({*listed.keys, KILL_SWITCH_KEY}))
    return replace(listed, keys=keys, values={**listed.values, KILL_SWITCH_KEY: text})


def compare_postures(before: Judged, after: Judged) -> PostureDifference:
    """Say what is otherwise in the second of two postures (docs/semantics.md#R12.40)."""
    old, new = ({(r.code, r.subject): r for r in reasons} for _, reasons in (before, after))
    both = [(reason, new[key]) for key, reason in old.items() if key in new]
    return PostureDifference(
        verdicts=(before[0], after[0]),
        came=tuple(r for key, r in new.items() if key not in old),
        went=tuple(r for key, r in old.items() if key not in new),
        changed=tuple((a, b) for a, b in both if replace(a, since=b.since) != b),
    )


def _services(before: FloorSnapshot, after: FloorSnapshot) -> Iterator[ServiceDifference]:
    for report in after.services:
        name, earlier = report.agent.agent_name, before.service(report.agent.agent_name)
        told = (report.state, report.expected)
        if earlier is not None and (earlier.state, earlier.expected) != told:
            yield ServiceDifference(name, (earlier.state, earlier.expected), told)
