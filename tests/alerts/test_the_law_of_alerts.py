"""Alerts, whatever happens in whatever order: what always holds of pages and non-pages."""

from dataclasses import replace
from datetime import date, timedelta

from hypothesis import given, settings
from hypothesis import strategies as st

from mission_control.alerts.decide.facts import find_facts
from mission_control.alerts.model import AlertEvidence, AlertState, Source, Waiver
from mission_control.model.finding import Severity
from mission_control.model.reading import UnseenReason
from mission_control.schedule.model import Job, RunOutcome
from tests.alerts.hurts import says, silence
from tests.alerts.recorded_day import CALENDAR, ENGINE, FLOOR, RULES, LivedDay, at, stale_feed
from tests.floor.floor_of_values import INGEST, MARKETDATA, STRATEGY

DAY = date(2026, 11, 18)
CLOCKS = ("03:00:00", "08:29:30", "09:29:00", "12:00:00", "15:59:30", "20:00:00")
HURTS = {
    "silent ingest": silence(INGEST),
    "first silence": silence(INGEST, confirmed=False),
    "refusing ingest": silence(INGEST, reason=UnseenReason.CONNECTION_REFUSED),
    "silent feed": silence(MARKETDATA),
    "silent engine": silence(ENGINE),
    "stale feed": stale_feed,
    "may execute": says(STRATEGY, "safety.safe_to_execute_orders", value=True),
    "odd mode": says(STRATEGY, "agent_identity.agent_mode", "TURBO"),
}
STEPS = st.lists(
    st.tuples(
        st.sampled_from([1.0, 20.0, 45.0, 61.0, 150.0]),
        st.sets(st.sampled_from(sorted(HURTS)), max_size=3),
        st.booleans(),
    ),
    min_size=1,
    max_size=12,
)


def live(clock, steps, channels, *, waived=False) -> LivedDay:
    """Live through these steps; each is a pause, what hurts, and whether channels take anything."""
    rules = RULES
    if waived:
        until = at(DAY, "23:59:00")
        codes = ("TIMEOUT", "MARKETDATA_STALE", "EXECUTION_EVIDENCE")
        named = ("market-ingest", "marketdata-mcp-server", "strategy-engine")
        waivers = tuple(Waiver(c, s, until, "me", "known") for c in codes for s in named)
        rules = replace(RULES, waivers=waivers)
    day = LivedDay(at(DAY, clock), channels=channels, rules=rules)
    day.step()
    day.last_tick = day.now - timedelta(seconds=90)
    for seconds, hurts, delivers in steps:
        day.hurts[:] = [HURTS[name] for name in sorted(hurts)]
        day.delivers = delivers
        day.step(seconds)
        check(day)
    return day


def check(day: LivedDay) -> None:
    """Check what holds after every decision."""
    alerts = {a.fingerprint: a for a in day.alerts()}
    for alert in alerts.values():
        if alert.severity is Severity.P0:
            assert alert.state is not AlertState.PENDING
            assert "" == alert.withheld
        if alert.pages:
            assert alert.paged_at is not None
            assert alert.severity is not Severity.INFO
        if alert.withheld.startswith("suppressed") and alert.ending_since is None:
            cause = alerts[alert.cause]
            assert cause.pages
            assert cause.severity.rank <= alert.severity.rank
        assert (alert.fired_at is None) == (alert.state is AlertState.PENDING)
        assert (alert.resolved_at is not None) == (alert.state is AlertState.RESOLVED)


def seen(day: LivedDay) -> AlertEvidence:
    """Return what the alerts were decided from last."""
    return AlertEvidence(FLOOR, day.snapshot(), tuple(CALENDAR.sessions_between(day.now, day.now)))


@settings(max_examples=60, deadline=None)
@given(clock=st.sampled_from(CLOCKS), steps=STEPS, channels=st.sampled_from([(), ("pager",)]))
def test_what_always_holds(clock, steps, channels):
    """R11.3, R11.7: P0 pages, INFO does not, and what is suppressed has a cause that pages."""
    live(clock, steps, channels)


@settings(max_examples=60, deadline=None)
@given(clock=st.sampled_from(CLOCKS), steps=STEPS)
def test_every_change_is_told_with_its_reason(clock, steps):
    """R11.10: the changes alone, in their order, say of every alert where it is."""
    day = live(clock, steps, ())
    told = dict[str, tuple[AlertState | None, bool]]()
    for each in day.transitions:
        before = told.get(each.fingerprint, (None, False))[0]
        assert each.reason
        if before is not AlertState.RESOLVED:  # which leaves the book without a word
            assert before is each.from_state
        told[each.fingerprint] = (each.to_state, each.pages)
    now = {a.fingerprint: (a.state, a.pages) for a in day.alerts()}

    assert now == {key: told[key] for key in now}
    assert [] == [
        key
        for key, (state, _) in told.items()
        if key not in now and state in {AlertState.FIRING, AlertState.PENDING}
    ]


@settings(max_examples=60, deadline=None)
@given(clock=st.sampled_from(CLOCKS), steps=STEPS)
def test_deciding_again_changes_nothing(clock, steps):
    """R11.11: at the same instant, from the same evidence, nothing is new."""
    day = live(clock, steps, ())
    before, told = day.alerts(), len(day.transitions)
    open_before = [a for a in before if a.state is not AlertState.RESOLVED]
    day.decide()

    assert open_before == [a for a in day.alerts() if a.state is not AlertState.RESOLVED]
    assert told == len(day.transitions)


@settings(max_examples=60, deadline=None)
@given(clock=st.sampled_from(CLOCKS), steps=STEPS)
def test_waivers_change_no_posture_and_no_p0(clock, steps):
    """R11.8: the same steps with and without them give the same floor, and the same P0 pages."""
    plain, waived = live(clock, steps, ()), live(clock, steps, (), waived=True)
    p0 = [
        [(t.at, t.code, t.subject) for t in day.transitions if t.severity is Severity.P0]
        for day in (plain, waived)
    ]

    assert plain.snapshot().posture == waived.snapshot().posture
    assert p0[0] == p0[1]
    assert len([a for a in waived.alerts() if a.pages]) <= len(plain.alerts())


@settings(max_examples=60, deadline=None)
@given(clock=st.sampled_from(CLOCKS), steps=STEPS, lost=st.sets(st.sampled_from(sorted(HURTS))))
def test_what_is_known_of_runs_never_hides_the_floor(clock, steps, lost):
    """R11.10: whether runs can be read changes no alert of anything else."""
    day = live(clock, steps, ())
    day.hurts[:] = [HURTS[name] for name in sorted(lost)]
    day.answer(1.0)
    with_runs = find_facts(replace(seen(day), runs=()))
    day.run(Job.OPEN_VERIFICATION, RunOutcome.FAILED)
    without = find_facts(replace(seen(day), runs=None))
    failing = find_facts(replace(seen(day), runs=tuple(day.runs)))

    assert with_runs == without
    assert set(without) == {f for f in failing if f.source is not Source.RUN}


@settings(max_examples=60, deadline=None)
@given(steps=STEPS)
def test_silence_ends_no_page(steps):
    """R0.1: when everything falls silent, whatever paged still fires."""
    day = live("12:00:00", steps, ())
    paging = {a.subject for a in day.alerts() if a.pages and a.ending_since is None}
    day.hurts[:] = [silence(agent) for agent in day.floor.fleet.agents]
    for _ in range(5):
        day.step(30)

    assert paging <= {a.subject for a in day.alerts() if a.state is AlertState.FIRING}
