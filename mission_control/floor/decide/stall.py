"""What a floor that is no longer being decided is worth."""

from collections.abc import Iterable
from dataclasses import replace
from datetime import datetime, timedelta

from mission_control.contract.model.shapes import ServiceState
from mission_control.floor.model import FloorSnapshot, FreshnessState, ServiceReport, Verdict
from mission_control.history.model import Span, WatchedMinute, join_spans, leave_out
from mission_control.model.codes import POLL_LOOP_STALLED
from mission_control.model.finding import Reason, Severity
from mission_control.model.kill_switch import KillSwitchState

BEAT_SECONDS = 1.0
"""The deciding loop beats at least this often."""
MISSED_BEATS = 3
"""This many missed beats in a row are a stall (`/healthz`)."""
NO_STALL = timedelta(seconds=BEAT_SECONDS * MISSED_BEATS)
"""Two decisions no farther apart than this belong together."""


def has_stalled(seconds_since_beat: float) -> bool:
    """Return whether so many seconds without a beat are a stall."""
    return seconds_since_beat > BEAT_SECONDS * MISSED_BEATS


def find_decided(minutes: Iterable[WatchedMinute]) -> tuple[Span, ...]:
    """
    Return the stretches in which the floor was decided, by the watched minutes.

    Decisions less than a stall apart belong to one stretch. A minute without this record proves
    nothing.
    """
    return join_spans((span for m in minutes for span in m.decided or ()), NO_STALL)


def find_undecided(
    minutes: Iterable[WatchedMinute], since: datetime, until: datetime
) -> tuple[Span, ...]:
    """Return the stretches between two instants without a decision for as long as a stall."""
    holes = leave_out(find_decided(minutes), since, until)
    return tuple((a, b) for a, b in holes if has_stalled((b - a).total_seconds()))


def mark_stalled(snapshot: FloorSnapshot, now: datetime, sequence: int) -> FloorSnapshot:
    """
    Turn the last decision before a stall into HALTED.

    Nothing is decided any more, so the last decision is no answer: without this, a green verdict
    would last for ever on evidence that is no longer checked.
    """
    detail = f"nothing has been decided since {snapshot.at:%Y-%m-%dT%H:%M:%SZ}"
    reason = Reason(POLL_LOOP_STALLED, "mission-control", Severity.P1, detail, halts=True)
    reasons = tuple(sorted((reason, *snapshot.posture.reasons), key=lambda r: r.order))
    halted = snapshot.posture.verdict is Verdict.HALTED
    posture = replace(
        snapshot.posture,
        verdict=Verdict.HALTED,
        expected=False,
        severity=reasons[0].severity,
        reasons=reasons,
        since=snapshot.posture.since if halted else now,
        evidence_age_seconds=None,
        oldest_evidence="mission-control",
        confirmed=True,
    )
    return replace(
        snapshot,
        at=now,
        posture=posture,
        sequence=sequence,
        services=tuple(_forgotten(s, reason) for s in snapshot.services),
        kill_switch=replace(
            snapshot.kill_switch, state=KillSwitchState.UNKNOWN, confirmed=False, detail=detail
        ),
    )


def _forgotten(report: ServiceReport, reason: Reason) -> ServiceReport:
    """Return a report that says that nothing is known of its service any more."""
    why = replace(reason, subject=report.agent.agent_name, halts=False)
    return replace(
        report,
        state=ServiceState.UNKNOWN,
        expected=False,
        reasons=(why, *report.reasons),
        freshness=replace(report.freshness, state=_not_fresh(report.freshness.state)),
    )


def _not_fresh(state: FreshnessState) -> FreshnessState:
    fresh = state is FreshnessState.FRESH
    return FreshnessState.UNVERIFIABLE if fresh else state


def still_decided(snapshot: FloorSnapshot) -> bool:
    """
    Return whether the floor is still being decided.

    A stalled snapshot keeps its last readings. No answer that a program may act on (halted,
    fresh, online) may be derived from them.
    """
    return all(reason.code != POLL_LOOP_STALLED for reason in snapshot.posture.reasons)
