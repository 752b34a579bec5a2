"""The floor's posture and why, as a JSON-ready document."""

from collections.abc import Iterable
from typing import NotRequired, TypedDict

from mission_control.cluster.present.identity import ClusterDocument, cluster_document
from mission_control.documents.instants import new_york_text, rounded, utc_text, utc_text_or_none
from mission_control.floor.model import Alarm, Coverage, FloorSnapshot, Instance, is_meant
from mission_control.floor.present.safety_needs import NeedsDocument, needs_document, verdict_text
from mission_control.kill_switch.present import KillSwitchDocument, kill_switch_document
from mission_control.model.execution_rules import DEFAULT_SWITCHES, PATTERNS, ExecutionRules
from mission_control.model.finding import Reason
from mission_control.model.fleet import EndedAlarm, Fleet
from mission_control.schedule.present.sessions import SessionDocument, session_document

RUNBOOKS = "/api/v1/runbooks"


class ReasonDocument(TypedDict):
    """
    One reason: what, about which subject, how bad, and the page that says what to do.

    One that is not `confirmed` is a first silence, which is asked about again after a second.
    """

    code: str
    subject: str
    severity: str
    detail: str
    halts: bool
    confirmed: bool
    since: str | None
    runbook_url: str


class InstanceDocument(TypedDict):
    """
    One process that raised a Sev-0 alarm: its address, and the pods that it may be.

    `denials` are counted in a row since `denied_from`, each over a new connection.
    """

    peer: str
    pods: list[str]
    heard_at: str | None
    denials: int
    denied_from: str | None


class AlarmDocument(TypedDict):
    """
    What a source raised against the floor and has not taken back.

    `instances` are the processes that raised it, of a service's Sev-0 alone.
    """

    code: str
    subject: str
    source: str
    fact: str
    detail: str
    since: str
    last_seen: str
    instances: list[InstanceDocument]


class EndedAlarmDocument(TypedDict):
    """An alarm that a human ended in the fleet file; `stands` while it is latched all the same."""

    code: str
    subject: str
    source: str
    since: str
    who: str
    why: str
    stands: bool


class GapDocument(TypedDict):
    """Something that was asked for and not obtained."""

    subject: str
    code: str


class CoverageDocument(TypedDict):
    """How much was asked for and how much obtained."""

    asked: int
    obtained: int
    gaps: list[GapDocument]


class FleetDocument(TypedDict):
    """Which inventory the floor is judged by; `source` is the file's name without its folder."""

    digest: str
    source: str
    agents: int


class ExemptionDocument(TypedDict):
    """One workload that only looks like execution while it runs an image, and who says so."""

    workload: str
    image: str
    who: str
    why: str


class ExecutionDocument(TypedDict):
    """How execution is recognised: what holds everywhere, and what the fleet file adds."""

    patterns: list[str]
    added_patterns: list[str]
    switches: list[str]
    added_switches: list[str]
    exemptions: list[ExemptionDocument]


def execution_document(rules: ExecutionRules) -> ExecutionDocument:
    """Return the patterns, switches and exemptions in force."""
    return {
        "patterns": list(PATTERNS),
        "added_patterns": list(rules.patterns),
        "switches": [s.name for s in DEFAULT_SWITCHES],
        "added_switches": [s.name for s in rules.switches],
        "exemptions": [
            {
                "workload": f"{e.namespace}/{e.kind}/{e.name}",
                "image": e.image,
                "who": e.who,
                "why": e.why,
            }
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
    severity: str | None
    reasons: list[ReasonDocument]
    degraded: list[str]
    since: str
    since_et: str
    session: SessionDocument
    kill_switch: KillSwitchDocument
    safety: NeedsDocument
    evidence_age_seconds: float | None
    oldest_evidence: str
    coverage: CoverageDocument
    accusations: list[AlarmDocument]
    ended_alarms: list[EndedAlarmDocument]
    execution: ExecutionDocument
    fleet: FleetDocument
    cluster: str
    cluster_identity: ClusterDocument
    label: NotRequired[str]


def runbook_url(code: str) -> str:
    """Return the address of a code's runbook, relative to this server."""
    return f"{RUNBOOKS}/{code}"


def posture_document(snapshot: FloorSnapshot) -> PostureDocument:
    """Return everything that explains the posture; equal snapshots give equal documents."""
    posture = snapshot.posture
    document: PostureDocument = {
        "at": utc_text(snapshot.at),
        "at_et": new_york_text(snapshot.at),
        "sequence": snapshot.sequence,
        "posture": posture.verdict.value,
        "reads": verdict_text(posture.verdict, snapshot.fleet.safety),
        "expected": posture.expected,
        "confirmed": posture.confirmed,
        "severity": posture.severity.value if posture.severity else None,
        "reasons": reason_documents(posture.reasons),
        "degraded": sorted(posture.degraded),
        "since": utc_text(posture.since),
        "since_et": new_york_text(posture.since),
        "session": session_document(snapshot.session),
        "kill_switch": kill_switch_document(snapshot),
        "safety": needs_document(snapshot.fleet),
        "evidence_age_seconds": rounded(posture.evidence_age_seconds),
        "oldest_evidence": posture.oldest_evidence,
        "coverage": _coverage(posture.coverage),
        "accusations": alarm_documents(snapshot.latched.alarms),
        "ended_alarms": [_ended(entry, snapshot) for entry in snapshot.fleet.ended_alarms],
        "execution": execution_document(snapshot.fleet.execution),
        "fleet": fleet_document(snapshot.fleet),
        "cluster": snapshot.fleet.cluster,
        "cluster_identity": cluster_document(snapshot.cluster_identity),
    }
    if snapshot.label:
        document["label"] = snapshot.label
    return document


def reason_documents(reasons: Iterable[Reason]) -> list[ReasonDocument]:
    """Return reasons in the order in which they were decided: worst first."""
    return [
        {
            "code": reason.code,
            "subject": reason.subject,
            "severity": reason.severity.value,
            "detail": reason.detail,
            "halts": reason.halts,
            "confirmed": reason.confirmed,
            "since": utc_text_or_none(reason.since),
            "runbook_url": runbook_url(reason.code),
        }
        for reason in reasons
    ]


def alarm_documents(alarms: Iterable[Alarm]) -> list[AlarmDocument]:
    """Return the alarms, sorted by key."""
    return [
        {
            "code": alarm.code,
            "subject": alarm.subject,
            "source": alarm.source,
            "fact": alarm.fact,
            "detail": alarm.detail,
            "since": utc_text(alarm.since),
            "last_seen": utc_text(alarm.last_seen),
            "instances": [_instance(each) for each in alarm.instances],
        }
        for alarm in sorted(alarms, key=lambda a: a.key)
    ]


def _instance(instance: Instance) -> InstanceDocument:
    return {
        "peer": instance.peer,
        "pods": list(instance.pods),
        "heard_at": utc_text_or_none(instance.heard_at),
        "denials": instance.denials,
        "denied_from": utc_text_or_none(instance.denied_from),
    }


def _ended(entry: EndedAlarm, snapshot: FloorSnapshot) -> EndedAlarmDocument:
    return {
        "code": entry.code,
        "subject": entry.subject,
        "source": entry.source,
        "since": utc_text(entry.since),
        "who": entry.who,
        "why": entry.why,
        "stands": any(is_meant(entry, a) for a in snapshot.latched.alarms),
    }


def fleet_document(fleet: Fleet) -> FleetDocument:
    """Return which inventory is watched, without its folder."""
    name = fleet.source.replace("\\", "/").rsplit("/", 1)[-1]
    return {"digest": fleet.digest, "source": name, "agents": len(fleet.agents)}


def _coverage(coverage: Coverage) -> CoverageDocument:
    gaps = sorted(coverage.gaps)
    return {
        "asked": coverage.asked,
        "obtained": coverage.obtained,
        "gaps": [{"subject": subject, "code": code} for subject, code in gaps],
    }
