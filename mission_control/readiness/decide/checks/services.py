"""Every service answers as its contract promises, and is as the playbook expects."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace

from mission_control.floor.decide.evidence import Moment, answered, is_obtained
from mission_control.floor.decide.execution import says_harmless_mode
from mission_control.floor.model import ServiceReport
from mission_control.model.fleet import ContractKind, Kind
from mission_control.model.reading import EndpointReading, Seen, Unseen, UnseenReason
from mission_control.readiness.decide.outcome import FAIL, PASS, UNKNOWN, Subject, check, settle
from mission_control.readiness.model import Check, ReadinessEvidence

_NOT_SEEN = frozenset({UnseenReason.NOT_YET_ASKED, UnseenReason.EXPIRED, UnseenReason.OWN_STALL})


def judge(evidence: ReadinessEvidence) -> Iterator[Check]:
    """Return the checks of what services answer, and whether a deploy report can be made."""
    services = evidence.snapshot.services
    asked = [_answer(r, evidence) for r in services if r.agent.contract is not ContractKind.NONE]
    nothing = "the inventory lists no service that is asked"
    yield settle("RC-501", asked, "each answers as its contract promises", nothing)
    yield _as_expected(services)
    yield _report(evidence)


def _as_expected(services: Sequence[ServiceReport]) -> Check:
    """Judge every service that can be seen; the others are named with their watcher, not passed."""
    judged = [_expected(r) for r in services if r.agent.unobserved is None]
    told = [f"{a.agent_name} ({a.unobserved.who})" for r in services if (a := r.agent).unobserved]
    nothing = "the inventory lists nothing that can be seen"
    found = settle("RC-502", judged, "each that is seen is as the playbook expects", nothing)
    if not told:
        return found
    watched = f"not observed here, as declared, and proven by nothing: {', '.join(told)}"
    return replace(found, detail=f"{found.detail}; {watched}")


def _answer(report: ServiceReport, evidence: ReadinessEvidence) -> Subject:
    agent, path = report.agent, report.agent.primary_path or ""
    nothing: Mapping[str, EndpointReading] = {}
    readings = report.round.readings if report.round is not None else nothing
    paper = evidence.snapshot.fleet.safety.paper
    if agent.kind is Kind.EXECUTION and not (
        paper and says_harmless_mode(agent, readings, Moment(evidence.now))
    ):
        running = any(answered(r) for r in readings.values())
        detail = "an execution process answers" if running else "does not answer"
        return Subject(agent.agent_name, FAIL if running else PASS, detail)
    reading = readings.get(path)
    if isinstance(reading, Seen):
        outcome = PASS if is_obtained(reading) else FAIL
        detail = f"{path} answered {reading.value.http_status}"
        return Subject(agent.agent_name, outcome, detail, outcome is PASS or agent.required)
    if reading is None:
        return Subject(agent.agent_name, UNKNOWN, f"{path} was not asked", agent.required)
    detail = f"{path}: {reading.code}"
    if reading.reason in _NOT_SEEN:
        return Subject(agent.agent_name, UNKNOWN, detail, agent.required)
    return Subject(agent.agent_name, FAIL, detail, agent.required)


def _expected(report: ServiceReport) -> Subject:
    agent = report.agent
    lead = report.reasons[0] if report.reasons else None
    detail = f"{report.state.value}" + (f" {lead.code}: {lead.detail}" if lead else "")
    blocks = agent.required or agent.kind is Kind.EXECUTION
    if report.expected:
        return Subject(agent.agent_name, PASS, detail)
    return Subject(agent.agent_name, FAIL, detail, blocks)


def _report(evidence: ReadinessEvidence) -> Check:
    made = evidence.report
    if made is None:
        return check("RC-503", UNKNOWN, "no deploy report was tried")
    if isinstance(made, Unseen):
        return check("RC-503", UNKNOWN, f"the deploy report is degraded: {made.detail}")
    return check("RC-503", PASS, made.value)
