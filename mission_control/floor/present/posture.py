"""The floor's posture and why, and what its fleet needs of safety, as JSON-ready documents."""

from collections.abc import Iterable
from typing import Any, NotRequired, TypedDict

from mission_control.cluster.present import cluster_document
from mission_control.documents.document import document
from mission_control.documents.instants import new_york_text, rounded, utc_text
from mission_control.floor.model import Alarm, Coverage, FloorSnapshot, Verdict, is_meant
from mission_control.floor.present.sentences import (
    Sentences,
    cluster_seen_document,
    oldest_evidence_source,
)
from mission_control.kill_switch.present import kill_switch_document
from mission_control.model.execution_rules import DEFAULT_SWITCHES, PATTERNS, ExecutionRules
from mission_control.model.finding import Reason
from mission_control.model.fleet import EndedAlarm, Fleet, Safety, SwitchFile
from mission_control.model.reload import RestartNeeded
from mission_control.schedule.present.sessions import SessionDocument, session_document

RUNBOOKS = "/api/v1/runbooks"


def execution_document(rules: ExecutionRules) -> dict[str, Any]:
    """Return the patterns, switches and exemptions in force."""
    return {
        "patterns": list(PATTERNS),
        "added_patterns": list(rules.patterns),
        "switches": [s.name for s in DEFAULT_SWITCHES],
        "added_switches": [s.name for s in rules.switches],
        "exemptions": [
            document(e, "namespace", "kind", "name")
            | {"workload": f"{e.namespace}/{e.kind}/{e.name}"}
            for e in rules.exemptions
        ],
    }


class PostureDocument(TypedDict):
    """Whether the floor may run, and why."""

    at: str
    at_et: str
    sequence: int
    posture: str
    reads: str
    expected: bool
    confirmed: bool
    sentence: str
    root_cause: dict[str, Any] | None
    severity: str | None
    reasons: list[dict[str, Any]]
    degraded: list[str]
    since: str
    since_et: str
    session: SessionDocument
    kill_switch: dict[str, Any]
    safety: dict[str, Any]
    evidence_age_seconds: float | None
    oldest_evidence: str
    oldest_evidence_source: str
    coverage: dict[str, Any]
    accusations: list[dict[str, Any]]
    ended_alarms: list[dict[str, Any]]
    execution: dict[str, Any]
    fleet: dict[str, Any]
    cluster: str
    cluster_identity: dict[str, Any]
    cluster_seen: dict[str, Any] | None
    restart_needed: NotRequired[dict[str, Any]]
    label: NotRequired[str]


def runbook_url(code: str) -> str:
    """Return the address of a code's runbook, relative to this server."""
    return f"{RUNBOOKS}/{code}"


def posture_document(snapshot: FloorSnapshot) -> PostureDocument:
    """Return everything that explains the posture; equal snapshots give equal documents."""
    posture, sentences = snapshot.posture, Sentences(snapshot)
    made: PostureDocument = {
        "at": utc_text(snapshot.at),
        "at_et": new_york_text(snapshot.at),
        "sequence": snapshot.sequence,
        "posture": posture.verdict.value,
        "reads": verdict_text(posture.verdict, snapshot.fleet.safety),
        "expected": posture.expected,
        "confirmed": posture.confirmed,
        "sentence": sentences.of_posture(),
        "root_cause": sentences.root_cause(),
        "severity": posture.severity.value if posture.severity else None,
        "reasons": reason_documents(posture.reasons, sentences),
        "degraded": sorted(posture.degraded),
        "since": utc_text(posture.since),
        "since_et": new_york_text(posture.since),
        "session": session_document(snapshot.session),
        "kill_switch": kill_switch_document(snapshot),
        "safety": needs_document(snapshot.fleet),
        "evidence_age_seconds": rounded(posture.evidence_age_seconds),
        "oldest_evidence": posture.oldest_evidence,
        "oldest_evidence_source": oldest_evidence_source(snapshot),
        "coverage": _coverage(posture.coverage),
        "accusations": alarm_documents(snapshot.latched.alarms),
        "ended_alarms": [_ended(entry, snapshot) for entry in snapshot.fleet.ended_alarms],
        "execution": execution_document(snapshot.fleet.execution),
        "fleet": fleet_document(snapshot.fleet),
        "cluster": snapshot.fleet.cluster,
        "cluster_identity": cluster_document(snapshot.cluster_identity),
        "cluster_seen": cluster_seen_document(snapshot),
    }
    if snapshot.restart is not None:
        made["restart_needed"] = restart_document(snapshot.restart)
    return made


def restart_document(restart: RestartNeeded) -> dict[str, Any]:
    """Say that the fleet file changed since the start, and what a restart would make of it."""
    changed = f"{restart.file} changed at {new_york_text(restart.since)} and is not in force: "
    if restart.trouble:
        told = f"{changed}a restart would refuse it ({restart.trouble})"
    else:
        told = f"{changed}restart Mission Control to take it"
    return {
        "since": utc_text(restart.since),
        "since_et": new_york_text(restart.since),
        "file": restart.file,
        "before": restart.before,
        "after": restart.after,
        "trouble": restart.trouble,
        "sentence": f"{told}.",
    }


def reason_documents(reasons: Iterable[Reason], sentences: Sentences) -> list[dict[str, Any]]:
    """Return reasons in the order that was decided, each with a sentence and a runbook."""
    return [
        document(r, "withholds")
        | {"runbook_url": runbook_url(r.code), "sentence": sentences.of_reason(r)}
        for r in reasons
    ]


def alarm_documents(alarms: Iterable[Alarm]) -> list[dict[str, Any]]:
    """Return the alarms, sorted by key, with the processes that raised a service's Sev-0."""
    return [
        document(alarm)
        | {"instances": [document(i, "told", "own_address", "denied_at") for i in alarm.instances]}
        for alarm in sorted(alarms, key=lambda a: a.key)
    ]


def fleet_document(fleet: Fleet) -> dict[str, Any]:
    """Return which inventory is watched, without its folder."""
    name = fleet.source.replace("\\", "/").rsplit("/", 1)[-1]
    return {"digest": fleet.digest, "source": name, "agents": len(fleet.agents)}


def _ended(entry: EndedAlarm, snapshot: FloorSnapshot) -> dict[str, Any]:
    """Return an alarm that a human ended; it `stands` while it is latched all the same."""
    latched = any(is_meant(entry, a) for a in snapshot.latched.alarms)
    return document(entry) | {"stands": latched}


def _coverage(coverage: Coverage) -> dict[str, Any]:
    gaps = [{"subject": subject, "code": code} for subject, code in sorted(coverage.gaps)]
    return document(coverage, "gaps") | {"gaps": gaps}


NOT_JUDGED = "safety not judged"


def needs_document(fleet: Fleet) -> dict[str, Any]:
    """
    Return what the fleet file requires of kill switch, execution and freshness, and a sentence.

    `judged` is false where something of it is not required. `kill_switch_file` is what the file
    says of the switch's own file: `authoritative`, `none`, or null where it says nothing.
    """
    safety, file = fleet.safety, fleet.switch_file
    return {
        "judged": safety.judged,
        "kill_switch_required": safety.switch_required,
        "kill_switch_normal": safety.switch_normal.value,
        "kill_switch_file": file.value if file else None,
        "execution": safety.execution.value,
        "freshness_required": safety.freshness_required,
        "unobserved": [
            document(a.unobserved) | {"agent_name": a.agent_name}
            for a in fleet.agents
            if a.unobserved is not None
        ],
        "text": needs_text(safety, file),
    }


def needs_text(safety: Safety, file: SwitchFile | None) -> str:
    """Say in one line what is needed of kill switch, execution and freshness."""
    switch = "required" if safety.switch_required else "NOT required"
    told = [f"kill switch {switch}, normally {safety.switch_normal}"]
    if file is not None:
        told.append(f"its file here: {file}")
    told.append(f"execution {safety.execution}")
    told.append(f"freshness {'required' if safety.freshness_required else 'NOT required'}")
    if not safety.judged:
        told.append(NOT_JUDGED)
    return "; ".join(told)


def verdict_text(verdict: Verdict, safety: Safety) -> str:
    """Write a verdict as it is read: a calm one says where safety is not judged."""
    word = verdict.value
    calm = verdict is not Verdict.HALTED
    return f"{word} · {NOT_JUDGED}" if calm and not safety.judged else word
