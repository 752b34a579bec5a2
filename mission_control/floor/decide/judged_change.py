"""Whether a decision says anything that the one before did not, apart from ages."""

from collections.abc import Iterator
from datetime import datetime, timedelta

from mission_control.cluster.model.facts import ClusterFacts
from mission_control.contract.model.claims import Claims
from mission_control.floor.model import Alarm, FloorSnapshot
from mission_control.history.model import ServiceChange
from mission_control.model.reading import Seen, ServiceRound

_NOTHING = ClusterFacts(())
KEPT_AT_LEAST_EVERY = timedelta(hours=1)
"""Without any change a decision is kept this often, so that none has to be sought far back."""


def why_kept(before: FloorSnapshot, after: FloorSnapshot, last_kept: datetime | None) -> str | None:
    """Say why a decision belongs into history (`start`, `change`, `hour`); None if it does not."""
    if last_kept is None:
        return "start"
    if _said(before) != _said(after) or any(find_changes(before, after)):
        return "change"
    if _claims_differ(before, after) or _cluster_differs(before.cluster, after.cluster):
        return "change"
    return "hour" if not timedelta() <= after.at - last_kept < KEPT_AT_LEAST_EVERY else None


def find_changes(before: FloorSnapshot | None, after: FloorSnapshot) -> Iterator[ServiceChange]:
    """Return the services whose state, expectation or lead reason changed; all without a before."""
    known = {} if before is None else {r.agent.agent_name: r for r in before.services}
    for report in after.services:
        earlier = known.get(report.agent.agent_name)
        if earlier is report:
            continue
        told = (report.state, report.expected, report.reason_code)
        if earlier is None or told != (earlier.state, earlier.expected, earlier.reason_code):
            yield ServiceChange(after.at, report.agent.agent_name, *told)


def _said(snapshot: FloorSnapshot) -> tuple[object, ...]:
    posture, switch = snapshot.posture, snapshot.kill_switch
    return (
        posture.verdict,
        posture.expected,
        posture.severity,
        tuple((r.code, r.subject, r.severity, r.halts, r.confirmed) for r in posture.reasons),
        posture.coverage.gaps,
        snapshot.session.phase,
        (switch.state, switch.confirmed, switch.conflicting),
        tuple((a.key, _who_said(a)) for a in snapshot.latched.alarms),
        tuple(s.answered for s in snapshot.latched.services),
        snapshot.fleet.digest,
    )


def _who_said(alarm: Alarm) -> tuple[tuple[object, ...], ...]:
    """Return which processes raised an alarm, and how often each denied it."""
    return tuple((i.peer, i.told, i.pods, i.own_address, i.denials) for i in alarm.instances)


def _claims_differ(before: FloorSnapshot, after: FloorSnapshot) -> bool:
    """
    Return whether a service says something else of its mode, its orders or the switch.

    None of that need change a judgement, but the attestation of a session says when it was said.
    """
    pairs = zip(before.services, after.services, strict=False)  # another inventory is told above
    return any(
        old is not new and old.round is not new.round and _claims(old.round) != _claims(new.round)
        for old, new in pairs
    )


def _claims(round_: ServiceRound | None) -> tuple[tuple[str, Claims], ...]:
    readings = sorted(round_.readings.items()) if round_ else ()
    return tuple((p, r.value.claims if isinstance(r, Seen) else r.claims) for p, r in readings)


def _cluster_differs(before: ClusterFacts | None, after: ClusterFacts | None) -> bool:
    """Return whether the settings of workloads' modes differ, or whether they took them up."""
    return before is not after and _told(before or _NOTHING) != _told(after or _NOTHING)


def _told(cluster: ClusterFacts) -> object:
    """Return what decides which mode each workload runs in, and how many replicas are wanted."""
    workloads = tuple(
        (w.key, w.observed, (w.desired, w.actual), tuple((c.env, c.env_from) for c in w.containers))
        for w in cluster.workloads
        if w.owner is None
    )
    return workloads, tuple((m.key, m.values) for m in cluster.config_maps)
