"""Decide: whether a decision says anything that the one before did not, apart from ages."""

from collections.abc import Iterator
from datetime import datetime, timedelta

from mission_control.model.history import ServiceChange
from mission_control.model.snapshot import FloorSnapshot

KEPT_AT_LEAST_EVERY = timedelta(hours=1)
"""Without any change a decision is kept this often, so that none is looked for far back."""


def why_kept(before: FloorSnapshot, after: FloorSnapshot, last_kept: datetime | None) -> str | None:
    """Say why a decision belongs into history (`start`, `change`, `hour`); None if it does not."""
    if last_kept is None:
        return "start"
    if _said(before) != _said(after) or any(find_changes(before, after)):
        return "change"
    return "hour" if not timedelta() <= after.at - last_kept < KEPT_AT_LEAST_EVERY else None


def find_changes(before: FloorSnapshot | None, after: FloorSnapshot) -> Iterator[ServiceChange]:
    """Give the services whose state, expectation or lead reason changed; all without a before."""
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
        tuple((r.code, r.subject, r.severity, r.halts) for r in posture.reasons),
        posture.coverage.gaps,
        snapshot.session.phase,
        (switch.state, switch.confirmed, switch.conflicting),
        tuple(a.key for a in snapshot.standing.accusations),
        snapshot.fleet.digest,
    )
