"""Command line: what `doctor` learns of the floor in one round."""

from collections.abc import Iterator

from mission_control.cli.doctor_report import Check, failed, passed, warned
from mission_control.decide.evidence import is_obtained
from mission_control.model.fleet import ContractKind, Criticality, Kind
from mission_control.model.kill_switch import KillSwitchState, Witness, WitnessKind
from mission_control.model.reading import EndpointReading, Seen, ServiceRound
from mission_control.model.snapshot import FloorSnapshot, ServiceReport

ANSWERED = "answered"


def look_at_floor(snapshot: FloorSnapshot) -> Iterator[Check]:
    """Say of each witness of the kill switch and of each service whether it can be heard."""
    witnesses = snapshot.kill_switch.witnesses
    yield from (
        _witness(w, snapshot.kill_switch.normal)
        for w in witnesses
        if w.kind is not WitnessKind.SERVICE
    )
    yield from (_service(report) for report in snapshot.services)


def _witness(witness: Witness, normal: KillSwitchState) -> Check:
    subject = "kill switch"
    if witness.state is normal:
        confirms = "and confirms" if witness.confirms else "and can only contradict"
        return passed(subject, f"{witness.source} says {witness.state} {confirms}")
    because = f": {witness.detail}" if witness.detail else ""
    detail = f"{witness.source} says {witness.state}{because}"
    if witness.state is not KillSwitchState.UNKNOWN:
        return failed(subject, detail, f"let it be {normal}, as is normal here")
    exactly = "1" if normal is KillSwitchState.ENGAGED else "0"
    remedy = f"let it be readable and hold exactly {exactly}"
    if witness.kind is WitnessKind.FILE:
        remedy += "; where no such file is, say kill_switch: {file: none} in the fleet file"
    return failed(subject, detail, remedy)


def _service(report: ServiceReport) -> Check:
    agent = report.agent
    if agent.contract is ContractKind.NONE:
        return _unasked(report)
    detail = _readings(report.round)
    heard = _heard(report.round)
    if agent.kind is Kind.EXECUTION:
        if heard:
            return failed(agent.agent_name, f"execution answers: {detail}", "see its runbook: P0")
        return passed(agent.agent_name, f"execution does not answer: {detail}")
    primary = report.round.readings.get(agent.primary_path or "") if report.round else None
    if is_obtained(primary):
        return passed(agent.agent_name, detail)
    remedy = f"look at {agent.service_dns}{agent.primary_path}, or at the fleet file's entry"
    judge = failed if agent.required else warned
    return judge(agent.agent_name, detail, remedy)


def _unasked(report: ServiceReport) -> Check:
    agent = report.agent
    detail = f"not asked: {agent.criticality}, and its contract is none"
    if agent.unobserved is not None:
        who, why = agent.unobserved.who, agent.unobserved.why
        return passed(agent.agent_name, f"{detail}; {who} watches it: {why}")
    if report.expected:
        return passed(agent.agent_name, f"{detail}; the cluster shows it as it should be")
    remedy = "give it an address and a contract, where it may be asked"
    if agent.criticality is Criticality.CRITICAL:
        return failed(agent.agent_name, detail, remedy)
    if agent.required:
        return warned(agent.agent_name, detail, remedy)
    return passed(agent.agent_name, detail)


def _heard(seen: ServiceRound | None) -> bool:
    readings = seen.readings.values() if seen else ()
    return any(r.exchange.status is not None for r in readings)


def _readings(seen: ServiceRound | None) -> str:
    if seen is None or not seen.readings:
        return "was not asked"
    return ", ".join(f"{path} {_one(reading)}" for path, reading in seen.readings.items())


def _one(reading: EndpointReading) -> str:
    told = ANSWERED if isinstance(reading, Seen) else reading.code
    if isinstance(reading, Seen) and reading.value.refused:
        told = f"{ANSWERED} {reading.value.http_status}"
    return f"{told} in {reading.took * 1000:.0f} ms"
