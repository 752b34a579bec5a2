"""What is wrong in plain sentences, with our own figures: for people who decide in seconds."""

import re
from collections.abc import Sequence
from typing import Any

from mission_control.cluster.decide.lists import SUBJECT as CLUSTER
from mission_control.documents.instants import rounded
from mission_control.floor.decide.causes import find_causes, root_of
from mission_control.floor.model import KILL_SWITCH, FloorSnapshot, ServiceReport, Verdict
from mission_control.model import codes
from mission_control.model.catalogue import explain
from mission_control.model.finding import Reason
from mission_control.model.fleet import Criticality, Kind
from mission_control.model.kill_switch import KillSwitch
from mission_control.model.reading import Seen

MOST_NAMED = 20
"""Services that a document names of those that wait; the others are counted."""
_ERRNO = re.compile(r"\b\w*(?:Error|Exception): (?:\[Errno -?\d+\] )?")
_LAST_SAID = re.compile(r" \(last said [^)]*\)")
_UNITS = ((86_400, "d"), (3_600, "h"), (60, "min"), (1, "s"))


def in_words(seconds: float) -> str:
    """Write seconds for people, to two units: `4 min 19 s`, `2 min`, `0 s`."""
    left, parts = max(0, int(seconds)), list[str]()
    for size, unit in _UNITS:
        count, left = divmod(left, size)
        if count:
            parts.append(f"{count} {unit}")
    return " ".join(parts[:2]) or "0 s"


def plain_detail(detail: str) -> str:
    """Return a detail without what a person cannot use: exceptions' names and numbers."""
    return _LAST_SAID.sub("", _ERRNO.sub("", detail))


class Sentences:
    """
    The sentences of one snapshot, and what waits for what in it.

    Services are found by name: a floor of thousands on which everything fails has as many reasons.
    """

    def __init__(self, snapshot: FloorSnapshot) -> None:
        """Speak of this snapshot."""
        self._snapshot = snapshot
        self._services = {r.agent.agent_name: r for r in snapshot.services}
        self.causes = find_causes(snapshot)

    def of_reason(self, reason: Reason) -> str:
        """Say in one sentence what a reason means, with figures where there are any."""
        report = self._services.get(reason.subject)
        told = _feed_sentence(reason, report, self._snapshot) if report is not None else ""
        if told:
            return told
        if reason.code == codes.KILL_SWITCH_UNCONFIRMED:
            lost = any(r.subject == CLUSTER for r in self._snapshot.posture.reasons)
            why = " The cluster, whose ConfigMap would, is not seen." if lost else ""
            return _switch_sentence(self._snapshot.kill_switch) + why
        if reason.subject == CLUSTER:
            return f"The cluster is not seen: {plain_detail(reason.detail)}."
        title, detail = explain(reason.code).title, _said_by(plain_detail(reason.detail))
        if reason.code == codes.EXECUTION_EVIDENCE:
            return f"Execution may be running: {detail}."
        if report is not None:
            detail = detail.removeprefix(f"{report.state.value}: ")
        if reason.subject not in {KILL_SWITCH, "fleet"}:
            title = f"{reason.subject}: {title[:1].lower()}{title[1:]}"
        named = detail.startswith(f"{reason.subject} ")  # a name is written as it is
        return f"{title}. {detail if named else _capital(detail)}".rstrip(". ") + "."

    def of_posture(self) -> str:
        """
        Say why the floor is as it is (docs/semantics.md#R15.9).

        "All is seen" is said only where nothing is open, missing or unexpected.
        """
        posture = self._snapshot.posture
        if posture.reasons:
            lead = posture.reasons[0]
            told = self.of_reason(lead)
            waiting = self._waiting(root_of(self.causes, lead.subject))
            return f"{told.removesuffix('.')}; {self._waits(waiting)}." if waiting else told
        count = len(self._snapshot.latched.alarms)
        if count:
            noun = "alarm is" if count == 1 else "alarms are"
            return f"Nothing halts now, and {count} {noun} not cleared."
        if posture.evidence_age_seconds is None:
            return "Nothing is known to be wrong, and some required evidence was never seen."
        seen = "every service is as expected, and all required evidence is seen and fresh"
        if posture.verdict is Verdict.MARKET_CLOSED:
            return f"The market is closed; {seen}."
        return f"{_capital(seen)}."

    def _waiting(self, subject: str) -> Sequence[str]:
        return sorted(name for name, cause in self.causes.items() if cause == subject)

    def _waits(self, names: Sequence[str]) -> str:
        kinds = {self._services[name].agent.kind for name in names}
        one, many = "service", "services"
        if kinds == {Kind.STRATEGY}:
            one, many = "strategy", "strategies"
        return f"1 {one} waits for it" if len(names) == 1 else f"{len(names)} {many} wait for it"

    def root_cause(self) -> dict[str, Any] | None:
        """
        Return where the trouble begins, who owns it and who waits for it; None where none is known.

        `owners` are in the order in which they are called.
        """
        if not self._snapshot.posture.reasons:
            return None
        lead = self._snapshot.posture.reasons[0]
        subject = root_of(self.causes, lead.subject)
        waiting = self._waiting(subject)
        return {
            "subject": subject,
            "code": lead.code,
            "title": explain(lead.code).title,
            "owners": list(self._owners(subject)),
            "waiting": list(waiting[:MOST_NAMED]),
            "waiting_total": len(waiting),
        }

    def _owners(self, subject: str) -> Sequence[str]:
        """
        Return who is called for a subject, in order.

        What is no service belongs to those who are called first for critical services.
        """
        report = self._services.get(subject)
        if report is not None:
            owner = report.agent.owner
            return [n for n in (owner.primary, owner.secondary) if n] if owner else []
        agents = [a for a in self._snapshot.fleet.agents if a.criticality is Criticality.CRITICAL]
        return list(dict.fromkeys(a.owner.primary for a in agents if a.owner is not None))


def oldest_evidence_source(snapshot: FloorSnapshot) -> str:
    """Say where the oldest required evidence was read: a service with its path, or a list."""
    subject = snapshot.posture.oldest_evidence
    agent = snapshot.fleet.agent(subject)
    return subject if agent is None else f"{subject} {agent.primary_path or ''}".rstrip()


def _said_by(detail: str) -> str:
    """Join what raised an alarm and what it said: `x /ops/status calls itself ...`."""
    source, _, said = detail.partition(": ")
    if said.startswith(f"{source} "):
        return said
    return f"{source} {said}" if said.startswith(("calls ", "says ")) else detail


def _capital(text: str) -> str:
    return text[:1].upper() + text[1:]


def _feed_sentence(reason: Reason, report: ServiceReport, snapshot: FloorSnapshot) -> str:
    """Say how old the feed is and how old it may be; empty for what is not about the feed."""
    feed = report.agent.kind is Kind.MARKETDATA
    says = "Market data is" if feed else f"{reason.subject} sees market data that is"
    if reason.code == codes.MARKETDATA_STALE:
        return _stale_sentence(says, report, snapshot)
    if reason.code == codes.MARKETDATA_MISSING:
        return f"{says} missing. No tick is known."
    if reason.code == codes.MARKETDATA_UNVERIFIABLE:
        return f"How old market data is cannot be verified: {plain_detail(reason.detail)}."
    return ""


def _stale_sentence(says: str, report: ServiceReport, snapshot: FloorSnapshot) -> str:
    freshness = report.freshness
    age, limit = freshness.age_seconds(snapshot.at), freshness.threshold_seconds
    if age is None or limit is None:
        detail = plain_detail(freshness.detail) or "no source says how old the last tick is"
        return f"{says} stale. {_capital(detail)}."
    told = f"{says} stale. The last tick is {in_words(age)} old"
    if age <= limit:
        return f"{told}, within the limit of {in_words(limit)}, but a source says it is not fresh."
    return f"{told}, the limit is {in_words(limit)}."


def _switch_sentence(switch: KillSwitch) -> str:
    wanted = switch.normal.value
    same = sum(s.state is switch.normal for s in switch.sources)
    return (
        f"Nothing confirms that the kill switch is {wanted}:"
        f" {same} of {len(switch.sources)} sources say so, none of which confirms it."
    )


def cluster_seen_document(snapshot: FloorSnapshot) -> dict[str, Any] | None:
    """Return how many lists of the cluster were asked for and seen whole; None without one."""
    if snapshot.cluster is None:
        return None
    lists = snapshot.cluster.lists
    seen = [r for r in lists if isinstance(r.reading, Seen)]
    oldest = min((r.reading.at for r in seen), default=None)
    age = None if oldest is None else (snapshot.at - oldest).total_seconds()
    return {
        "lists": len(lists),
        "whole": sum(not r.odd for r in seen),
        "age_seconds": rounded(age),
    }
