"""Model: the small promises that the shared values make to everyone who uses them."""

from datetime import UTC, datetime
from itertools import permutations

import pytest

from mission_control.contract.model.shapes import ServiceState
from mission_control.errors import ConfigurationError, ContractViolation, MissionControlError
from mission_control.floor.model import (
    NO_FRESHNESS,
    NOTHING_LATCHED,
    Alarm,
    Coverage,
    FloorSnapshot,
    Posture,
    ServiceReport,
    Verdict,
)
from mission_control.model import codes
from mission_control.model.event import EventType, FloorEvent
from mission_control.model.finding import Reason, Severity, worst
from mission_control.model.fleet import Agent, ContractKind, Criticality, Fleet, Kind
from mission_control.model.kill_switch import KillSwitch, KillSwitchState
from mission_control.model.reading import Exchange, Unseen, UnseenReason
from mission_control.model.session import MarketSession, Phase

NOW = datetime(2026, 3, 6, 15, 0, 7, tzinfo=UTC)
AGENT = Agent("strategy-engine", Kind.STRATEGY, "http://strategy-engine")
REASON = Reason("TIMEOUT", "strategy-engine", Severity.P1, "did not answer")


def test_reasons_run_from_worst_to_mildest():
    """
    Worse severity comes first, then what halts, then code, then subject, from any order (R6.13).
    """
    ordered = [
        Reason("Z", "z", Severity.P0, ""),
        Reason("Z", "z", Severity.P1, "", halts=True),
        Reason("A", "a", Severity.P1, ""),
        Reason("A", "b", Severity.P1, ""),
        Reason("B", "a", Severity.P1, ""),
        Reason("A", "a", Severity.INFO, ""),
    ]

    for shuffled in permutations(ordered):
        assert ordered == sorted(shuffled, key=lambda r: r.order)


def test_what_is_worst_leads_within_a_severity():
    """
    Execution, freshness bypass, kill switch and contradictions lead, in this order (R6.13).
    """
    ordered = [
        Reason(code, "a", Severity.P0, "", halts=True)
        for code in (
            "EXECUTION_EVIDENCE",
            "FRESHNESS_GATE_FALSE_POSITIVE",
            "KILL_SWITCH_UNCONFIRMED",
            "CONTRADICTION",
            "A",
        )
    ]

    for shuffled in permutations(ordered):
        assert ordered == sorted(shuffled, key=lambda r: r.order)


def test_worst_severity_of_no_reasons_is_none():
    """
    The worst severity is that of the worst reason, and there is none without reasons.
    """
    mild = Reason("A", "a", Severity.P2, "")

    assert Severity.P1 is worst((mild, REASON))
    assert worst(()) is None


@pytest.mark.parametrize(
    ("agent", "path"),
    [
        pytest.param(AGENT, "/ops/status", id="rich"),
        pytest.param(
            Agent("gamma", Kind.STRATEGY, "http://g", contract=ContractKind.LIVENESS),
            "/healthz",
            id="liveness",
        ),
        pytest.param(
            Agent(
                "ops-ui",
                Kind.OPS,
                "http://u",
                expected_endpoints=("/index", "/x"),
                contract=ContractKind.HTTP,
            ),
            "/index",
            id="first listed path",
        ),
        pytest.param(
            Agent("ops-ui", Kind.OPS, "http://u", contract=ContractKind.HTTP), "/", id="the root"
        ),
        pytest.param(
            Agent("congressional-ingest", Kind.INGEST, contract=ContractKind.NONE),
            None,
            id="no HTTP",
        ),
    ],
)
def test_contract_names_the_primary_path(agent, path):
    """
    The path that speaks for a service follows from the contract it promises.
    """
    assert path == agent.primary_path


@pytest.mark.parametrize(
    ("criticality", "required"),
    [(Criticality.CRITICAL, True), (Criticality.IMPORTANT, True), (Criticality.OPTIONAL, False)],
)
def test_only_optional_services_are_not_required(criticality, required):
    """
    The floor needs to see critical and important services.
    """
    assert required is Agent("a", Kind.OPS, "http://a", criticality).required


def test_agents_are_found_by_their_inventory_name():
    """
    A fleet finds an agent by name, and says None for a stranger.
    """
    fleet = Fleet((AGENT,), digest="0", source="fleet.yaml")

    assert AGENT is fleet.agent("strategy-engine")
    assert fleet.agent("stranger") is None


@pytest.mark.parametrize("phase", list(Phase))
def test_every_phase_either_gates_or_is_closed(phase):
    """
    OPEN and UNKNOWN need evidence, every other phase is closed, and none is both (R2.4).
    """
    assert (phase in {Phase.OPEN, Phase.UNKNOWN}) is phase.gates
    assert phase.gates is not phase.closed


@pytest.mark.parametrize(
    ("unseen", "code"),
    [
        pytest.param(Unseen(UnseenReason.TIMEOUT, NOW), "TIMEOUT", id="timeout"),
        pytest.param(
            Unseen(UnseenReason.HTTP_STATUS, NOW, exchange=Exchange(status=503)),
            "HTTP_503",
            id="with its status",
        ),
        pytest.param(
            Unseen(UnseenReason.HTTP_STATUS, NOW), "HTTP_STATUS", id="status never arrived"
        ),
        pytest.param(
            Unseen(UnseenReason.NOT_OFFERED, NOW, exchange=Exchange(status=404)),
            "NOT_OFFERED",
            id="not offered",
        ),
    ],
)
def test_unseen_names_its_reason_as_people_read_it(unseen, code):
    """
    The code of an unseen reading is its reason, with the status where one refused.
    """
    assert code == unseen.code


def test_halted_is_the_worst_verdict():
    """
    Verdicts are ranked so that a larger rank is a worse answer.
    """
    assert [Verdict.OK, Verdict.MARKET_CLOSED, Verdict.HALTED] == sorted(
        Verdict, key=lambda v: v.rank
    )


def test_alarm_keeps_its_identity_while_it_is_latched():
    """
    The same source saying the same thing again is the same alarm, whatever its words.
    """
    first = Alarm("CONTRADICTION", "a", "a /healthz", "freshness", "one", NOW, NOW)
    again = Alarm("CONTRADICTION", "a", "a /healthz", "freshness", "two", NOW, NOW)
    other = Alarm("CONTRADICTION", "a", "b /healthz", "freshness", "one", NOW, NOW)

    assert first.key == again.key
    assert first.key != other.key


def report(*reasons):
    """Return a service's report with these reasons."""
    return ServiceReport(
        AGENT,
        ServiceState.OFFLINE,
        expected=False,
        reasons=reasons,
        freshness=NO_FRESHNESS,
        round=None,
        since=NOW,
    )


def test_service_is_headed_by_its_leading_reason():
    """
    A report's code is that of its first reason, and empty without any.
    """
    assert "TIMEOUT" == report(REASON).reason_code
    assert "" == report().reason_code


def test_snapshot_finds_services_by_name():
    """
    A snapshot finds a service by its inventory name, and says None for a stranger.
    """
    service = report(REASON)
    snapshot = FloorSnapshot(
        at=NOW,
        sequence=1,
        fleet=Fleet((AGENT,), digest="0", source="fleet.yaml"),
        session=MarketSession(NOW, Phase.OPEN),
        kill_switch=KillSwitch(
            KillSwitchState.UNKNOWN, confirmed=False, conflicting=False, sources=()
        ),
        services=(service,),
        posture=Posture(
            Verdict.HALTED,
            expected=False,
            severity=Severity.P1,
            reasons=(REASON,),
            since=NOW,
            evidence_age_seconds=None,
            oldest_evidence="",
            degraded=(),
            coverage=Coverage(1, 0),
        ),
        latched=NOTHING_LATCHED,
    )

    assert service is snapshot.service("strategy-engine")
    assert snapshot.service("stranger") is None


def test_configuration_error_says_where_what_and_what_to_do():
    """
    A configuration error leads to the place, names the key, and ends with the remedy.
    """
    error = ConfigurationError(
        "unknown kind", where="fleet.yaml:7", key="agents[2].kind", remedy="use one of ..."
    )

    assert "fleet.yaml:7: agents[2].kind: unknown kind (use one of ...)" == str(error)
    assert "PORT: not a number" == str(ConfigurationError("not a number", where="PORT"))


def test_contract_violation_keeps_its_problems_apart():
    """
    A violation is one of our own errors and carries the broken fields beside its message.
    """
    violation = ContractViolation("broken", problems=(("status.state", "is missing"),))

    assert isinstance(violation, MissionControlError)
    assert (("status.state", "is missing"),) == violation.problems
    assert () == ContractViolation("broken").problems


def test_every_reason_for_not_seeing_is_a_code():
    """
    The codes name each reason for not seeing in the same words.
    """
    for reason in UnseenReason:
        assert reason.value == getattr(codes, reason.name)


def test_poll_event_keeps_the_predecessors_name():
    """
    A client written for the predecessor finds its poll events under their old name.
    """
    event = FloorEvent(7, NOW, EventType.POLL, "polled")

    assert "mission_control.poll" == event.type.value
    assert {} == event.data
