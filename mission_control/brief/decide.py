"""Which lines a brief has, from what was gathered; never more than fit on its page."""

from collections.abc import Iterator, Mapping, Sequence
from datetime import datetime, timedelta
from itertools import pairwise
from urllib.parse import quote

from mission_control.brief.model import (
    MOST_LINES,
    Brief,
    Gathered,
    Line,
    NotRead,
    Told,
    Tone,
)
from mission_control.floor.model import SEV0_CODES, Verdict
from mission_control.market_calendar.days import MIDNIGHT, in_new_york, instant_of
from mission_control.model.event import FloorEvent
from mission_control.model.finding import Severity
from mission_control.model.session import Phase
from mission_control.schedule.model import (
    READINESS_JOBS,
    Job,
    PlannedRun,
    RunOutcome,
    RunStage,
    RunState,
)

MOST_CHARACTERS = 240
"""Of one line's text."""
OLD_SECONDS = 26.0
"""A decision that is older is not called live."""
SOON = timedelta(days=30)
HORIZON_DAYS = 90
A_WEEK = timedelta(days=7)
NOW, OVERNIGHT, CHANGED, STANDS, PAGED, TODAY, CALENDAR, EXPIRES = (
    "Now",
    "Overnight",
    "Changed",
    "Stands",
    "Paged",
    "Today",
    "Calendar",
    "Expires",
)
_EVIDENCE = ("/evidence-now", "/api/v1/posture/evidence")
_EVENTS = ("/events", "/api/v1/events")
_DEPLOYS = ("/deploys/diff", "/api/v1/reports/diff")
_LKG = ("/lkg", "/api/v1/lkg")
_ALERTS = ("/alerts", "/api/v1/alerts")
_TOLD = ("/alerts", "/api/v1/alerts/history")
_SCHEDULE = ("/schedule", "/api/v1/schedule")
_READINESS = ("/readiness", "/api/v1/readiness/latest")
_SAFETY = ("/", "/api/v1/safety")
_SESSION = ("/schedule", "/api/v1/session")
_PROOF = ("/read-only", "/api/v1/attestation/read-only")
_FLOOR = ("/", "/api/v1/agents")
_WELL = frozenset({RunOutcome.SUCCEEDED, RunOutcome.SKIPPED_HOLIDAY})
Place = tuple[str, str]


def write_brief(gathered: Gathered) -> Brief:
    """
    Write the brief: at most 45 lines with its title, whatever the floor's size.

    What could not be read is a line of its own. A section with more than its room ends in a line
    that counts the rest and says where it is listed.
    """
    lines = (
        *_fit(_now(gathered), 9, _EVIDENCE),
        *_fit(_overnight(gathered), 7, _EVENTS),
        *_fit(_changed(gathered), 5, _DEPLOYS),
        *_fit(_stands(gathered), 6, _ALERTS),
        *_fit(_paged(gathered), 4, _TOLD),
        *_fit(_today(gathered), 6, _SCHEDULE),
        *_fit(_calendar(gathered), 3, _SESSION),
        *_fit(_expires(gathered), 4, _ALERTS),
    )
    return Brief(gathered.now, gathered.snapshot.label, lines[: MOST_LINES - 1])


def _fit(found: Iterator[Line], most: int, more: Place) -> Sequence[Line]:
    """Return so many lines; the last of them counts what is left out, and is as bad as that is."""
    lines = list(found)
    if len(lines) <= most:
        return lines
    left = lines[most - 1 :]
    worst = min((line.tone for line in left), key=list(Tone).index)
    text = f"and {len(left)} more, see {more[0]}"
    return [*lines[: most - 1], _line(left[0].section, worst, text, more)]


def _line(section: str, tone: Tone, text: str, place: Place) -> Line:
    """Make a line of one line's text, with nothing in it that a terminal acts on."""
    plain = "".join(c if c.isprintable() else " " for c in text)
    words = " ".join(plain.split())
    short = words if len(words) <= MOST_CHARACTERS else f"{words[: MOST_CHARACTERS - 4]} ..."
    return Line(section, tone, short, *place)


def _not_read(section: str, what: str, why: NotRead, place: Place) -> Line:
    return _line(section, Tone.UNKNOWN, f"{what}: not read: {why.why}", place)


def _now(g: Gathered) -> Iterator[Line]:
    posture = g.snapshot.posture
    lead = posture.reasons[0] if posture.reasons else None
    bad = posture.verdict is Verdict.HALTED or not posture.expected
    expected = "as expected" if posture.expected else "unexpected"
    severity = f"{posture.severity}, " if posture.severity else ""
    lasts = _lasts((g.snapshot.at - posture.since).total_seconds())
    head = f"{g.reads}, {severity}{expected}, for {lasts} (since {_when(posture.since, g.now)})"
    why = f": {lead.code} {lead.subject}: {lead.detail}" if lead else ": no reason against it"
    yield _line(NOW, Tone.BAD if bad else Tone.CALM, head + why, _EVIDENCE)
    if lead is not None:
        yield _owner(g, lead.subject)
        runbook = (f"/runbooks/{lead.code}", f"/api/v1/runbooks/{lead.code}")
        step = g.first_step or "its runbook names no first step"
        yield _line(NOW, Tone.WARN, f"Do first: {step} (runbook {lead.code})", runbook)
    yield _evidence(g)
    yield _live(g)
    yield _safety(g)
    text = "Nothing can be changed from here: no route writes, which is tried and shown live"
    yield _line(NOW, Tone.CALM, text, _PROOF)
    for reason in posture.reasons[1:]:
        text = f"{reason.severity} {reason.code} {reason.subject}: {reason.detail}"
        yield _line(NOW, Tone.BAD if reason.halts else Tone.WARN, text, _EVIDENCE)


def _live(g: Gathered) -> Line:
    age = (g.now - g.snapshot.at).total_seconds()
    live = abs(age) <= OLD_SECONDS
    text = f"{'Live' if live else 'NOT LIVE'}: decided {_lasts(age)} before this was written, "
    tone = Tone.CALM if live else Tone.BAD
    return _line(NOW, tone, text + _when(g.now, g.now), ("/", "/api/v1/posture"))


def _safety(g: Gathered) -> Line:
    switch, rule = g.snapshot.kill_switch, g.snapshot.fleet.safety.execution
    execution = any(a.code in SEV0_CODES for a in g.snapshot.latched.alarms)
    told = f"Kill switch {switch.state}, {'confirmed' if switch.confirmed else 'NOT confirmed'}"
    signs = "EXECUTION or a bypass was seen" if execution else "no alarm of execution is latched"
    calm = switch.as_normal and not execution
    return _line(NOW, _good(calm), f"{told}; execution {rule}, {signs}", _SAFETY)


def _good(calm: bool) -> Tone:  # noqa: FBT001  (its only argument)
    return Tone.CALM if calm else Tone.BAD


def _owner(g: Gathered, subject: str) -> Line:
    agent = g.snapshot.fleet.agent(subject)
    if agent is None:
        text = f"Owner: {subject} is no service of the inventory, which names no owner for it"
        return _line(NOW, Tone.WARN, text, _FLOOR)
    owner = agent.owner
    second = f", then {owner.secondary}" if owner and owner.secondary else ""
    named = f"{owner.primary}{second}" if owner else "the inventory names none"
    name = quote(subject, safe="")
    place = (f"/service/{name}", f"/api/v1/agents/{name}")
    return _line(NOW, Tone.WARN, f"Owner: {named} ({subject})", place)


def _evidence(g: Gathered) -> Line:
    posture = g.snapshot.posture
    seen = f"Evidence: {g.required - g.missing} of {g.required} required pieces are seen"
    age = posture.evidence_age_seconds
    if age is None:
        text = f"{seen}; the oldest is {posture.oldest_evidence}, whose age is not known"
        return _line(NOW, Tone.BAD, text, _EVIDENCE)
    text = f"{seen}; the oldest is {posture.oldest_evidence}, {_lasts(age)} old"
    return _line(NOW, Tone.BAD if g.missing else Tone.CALM, text, _EVIDENCE)


def _overnight(g: Gathered) -> Iterator[Line]:
    since = _when(g.since, g.now)
    if isinstance(g.changes, NotRead):
        yield _not_read(OVERNIGHT, f"What happened since the close of {since}", g.changes, _EVENTS)
        yield _watched(g)
        return
    changes = g.changes.value
    halts = _halts(g, changes)
    count = f"{'more than ' if g.more_changes else ''}{_count(len(changes), 'change')}"
    text = f"Since the close of {since}: {count} of the posture"
    if halts:
        lasted = _lasts(sum((end - begin).total_seconds() for begin, end in halts))
        whole = g.watched_since is not None and g.watched_since <= g.since
        most = "" if whole else "at most, as far as it was watched, "
        text += f", HALTED {_count(len(halts), 'time')}, for {most}{lasted} in all"
    yield _line(OVERNIGHT, Tone.WARN if halts else Tone.CALM, text, _EVENTS)
    yield _watched(g)
    yield _line(OVERNIGHT, Tone.CALM, _posture_today(g, changes), ("/", "/api/v1/posture"))
    for event in reversed(changes):
        at = quote(event.at.isoformat(), safe="")
        place = (f"/?at={at}", f"/api/v1/posture?at={at}")
        bad = event.data.get("after") == Verdict.HALTED
        tone = Tone.WARN if bad else Tone.CALM
        yield _line(OVERNIGHT, tone, f"{_when(event.at, g.now)} {event.message}", place)


def _watched(g: Gathered) -> Line:
    place = ("/slo", "/api/v1/timeline")
    if g.watched_since is None:
        text = "How long the floor is watched without a break is not known here"
        return _line(OVERNIGHT, Tone.UNKNOWN, text, place)
    whole = g.watched_since <= g.since
    text = f"Watched without a break since {_when(g.watched_since, g.now)}"
    text += "" if whole else "; what happened in the break before it is not known"
    return _line(OVERNIGHT, Tone.CALM if whole else Tone.WARN, text, place)


def _known_from(g: Gathered, first: datetime) -> datetime | None:
    """
    Return since when the floor is known to have been as it was just before its first change.

    None where a break of the watching lies before that change, or is not known: then nothing is
    said of the time before.
    """
    if g.watched_since is None or g.watched_since > first:
        return None
    return max(g.since, g.watched_since)


def _halts(g: Gathered, changes: Sequence[FloorEvent]) -> Sequence[tuple[datetime, datetime]]:
    """Return from when to when the floor was HALTED, as its changes say."""
    halted = Verdict.HALTED.value
    spans = [(e.at, str(e.data.get("after"))) for e in changes]
    known = _known_from(g, changes[0].at) if changes and not g.more_changes else None
    if known is not None:
        spans.insert(0, (known, str(changes[0].data.get("before"))))
    elif not changes:
        spans.append((max(g.since, g.snapshot.posture.since), g.snapshot.posture.verdict.value))
    found = list[tuple[datetime, datetime]]()
    for (begin, verdict), (end, _) in pairwise([*spans, (g.snapshot.at, "")]):
        if verdict == halted and found and found[-1][1] == begin:
            found[-1] = (found[-1][0], end)
        elif verdict == halted:
            found.append((begin, end))
    return found


MOST_TODAY = 6


def _posture_today(g: Gathered, changes: Sequence[FloorEvent]) -> str:
    """Return how the posture was from midnight in New York on, in one line, breaks included."""
    midnight = instant_of(in_new_york(g.now).date(), MIDNIGHT)
    today = [e for e in changes if e.at >= midnight]
    told = [_first_today(g, today, midnight)]
    shown = today[-MOST_TODAY:]
    if len(shown) < len(today):
        told.append(f"{_count(len(today) - len(shown), 'change')} not shown")
    told += [f"{e.data.get('after')} from {in_new_york(e.at):%H:%M:%S}" for e in shown]
    return f"The posture today, New York: {', '.join(told).replace('_', ' ')}"


def _first_today(g: Gathered, today: Sequence[FloorEvent], midnight: datetime) -> str:
    """Say how the day began, as far as it was watched."""
    first = today[0].data.get("before") if today else g.snapshot.posture.verdict.value
    until = today[0].at if today else g.now
    if g.watched_since is not None and midnight < g.watched_since <= until:
        begin = in_new_york(g.watched_since)
        return f"before {begin:%H:%M:%S} not watched, {first} from then on"
    if today and g.watched_since is not None and g.watched_since <= midnight:
        return f"{first} from {in_new_york(midnight):%H:%M}"
    if today:
        return f"{first} until {in_new_york(until):%H:%M:%S}"
    return f"{first} from {in_new_york(max(midnight, g.snapshot.posture.since)):%H:%M:%S}"


def _changed(g: Gathered) -> Iterator[Line]:
    if isinstance(g.deploys, NotRead):
        yield _not_read(CHANGED, "What was deployed", g.deploys, _DEPLOYS)
    else:
        d = g.deploys.value
        text = f"Deploys: {_count(len(d.changes), 'change')} from {d.since} to {d.until}"
        doubt = f"; may not be all: {'; '.join(d.gaps)}" if d.gaps else ""
        tone = Tone.WARN if d.changes or d.gaps else Tone.CALM
        yield _line(CHANGED, tone, text + doubt, _DEPLOYS)
    if isinstance(g.good, NotRead):
        yield _not_read(CHANGED, "Last known good", g.good, _LKG)
    else:
        good = g.good.value
        doubt = f"; doubted: {'; '.join(good.doubts)}" if good.doubts else ""
        tone = Tone.WARN if doubt else Tone.CALM
        yield _line(CHANGED, tone, f"Last known good: {good.at} ({good.path}){doubt}", _LKG)
    if not isinstance(g.deploys, NotRead):
        for change in g.deploys.value.changes:
            yield _line(CHANGED, Tone.WARN, change, _DEPLOYS)


def _stands(g: Gathered) -> Iterator[Line]:
    off = [r.agent.agent_name for r in g.snapshot.services if not r.expected]
    if off:
        named = ", ".join(sorted(off)[:6]) + (f" and {len(off) - 6} more" if len(off) > 6 else "")  # noqa: PLR2004
        whole = len(g.snapshot.services)
        text = f"{len(off)} of {whole} services are not as expected: {named}"
        yield _line(STANDS, Tone.WARN, text, _FLOOR)
    else:
        text = f"Every one of {len(g.snapshot.services)} services is as expected"
        yield _line(STANDS, Tone.CALM, text, _FLOOR)
    for alarm in sorted(g.snapshot.latched.alarms, key=lambda a: (not a.sev0, a.since)):
        text = f"Latched alarm {alarm.code} {alarm.source}: {alarm.detail}"
        text += f" (since {_when(alarm.since, g.now)})"
        yield _line(STANDS, Tone.BAD if alarm.sev0 else Tone.WARN, text, _SAFETY)
    if isinstance(g.alerts, NotRead):
        yield _not_read(STANDS, "Open alerts", g.alerts, _ALERTS)
        return
    alerts = sorted(g.alerts.value, key=lambda a: (not a.pages, a.severity.rank, a.at))
    if not alerts:
        yield _line(STANDS, Tone.CALM, "No alert is open", _ALERTS)
    for alert in alerts:
        yield _line(STANDS, _tone_of(alert), f"Open alert {_alert(alert, g.now)}", _ALERTS)


def _tone_of(alert: Told) -> Tone:
    if not alert.pages:
        return Tone.CALM
    return Tone.BAD if alert.severity in {Severity.P0, Severity.P1} else Tone.WARN


def _alert(alert: Told, now: datetime) -> str:
    how = "pages" if alert.pages else f"does not page: {alert.why or 'it is pending'}"
    return f"{alert.severity} {alert.code} {alert.subject}, {_when(alert.at, now)}, {how}"


def _paged(g: Gathered) -> Iterator[Line]:
    since = _when(g.since, g.now)
    if isinstance(g.paged, NotRead):
        yield _not_read(PAGED, f"What paged since {since}", g.paged, _TOLD)
        return
    paged = [t for t in g.paged.value if t.pages]
    held = [t for t in g.paged.value if not t.pages]
    text = f"Since {since}: {_count(len(paged), 'page')}, and {len(held)} that would have"
    yield _line(PAGED, Tone.WARN if paged else Tone.CALM, text, _TOLD)
    for told in (*paged, *held):
        how = "paged" if told.pages else f"did not page: {told.why}"
        text = f"{_when(told.at, g.now)} {told.severity} {told.code} {told.subject} {how}"
        yield _line(PAGED, Tone.WARN if told.pages else Tone.CALM, text, _TOLD)


def _today(g: Gathered) -> Iterator[Line]:
    if isinstance(g.readiness, NotRead):
        yield _not_read(TODAY, "Readiness", g.readiness, _READINESS)
    else:
        note = g.readiness.value
        go = note.verdict == "GO"
        closed = note.code == "SESSION_CLOSED"
        text = f"Readiness now: {note.verdict} {note.code}".strip()
        text += f": {note.detail}" if note.detail else ""
        yield _line(TODAY, Tone.CALM if go or closed else Tone.BAD, text, _READINESS)
    if isinstance(g.runs, NotRead):
        yield _not_read(TODAY, "Today's runs", g.runs, _SCHEDULE)
        return
    runs = [s for s in g.runs.value if s.run.job is not Job.INTRADAY_SAMPLE]
    told = [s for s in runs if s.stage is not RunStage.PLANNED]
    ahead = [s for s in runs if s.stage is RunStage.PLANNED]
    samples = [s for s in g.runs.value if s.run.job is Job.INTRADAY_SAMPLE]
    for state in sorted(told, key=_run_order):
        yield _line(TODAY, _tone_of_run(state), _run(state, g.verdicts), _SCHEDULE)
    if samples:
        ended = [s for s in samples if s.stage is RunStage.ENDED]
        lost = [s for s in ended if s.outcome not in _WELL]
        text = f"Samples of the day: {len(ended)} of {len(samples)} ended, {len(lost)} not well"
        yield _line(TODAY, Tone.WARN if lost else Tone.CALM, text, _SCHEDULE)
    if ahead:
        run = min(ahead, key=lambda s: s.run).run
        when = f"{in_new_york(run.planned_at):%H:%M %Z}"
        text = f"Next of {len(ahead)} runs to come: {run.job.value} at {when}"
        yield _line(TODAY, Tone.CALM, text, _SCHEDULE)
    if not runs:
        yield _line(TODAY, Tone.CALM, "No run is planned today", _SCHEDULE)


def _run_order(state: RunState) -> tuple[bool, bool, PlannedRun]:
    """Sort what did not go well first, then readiness, which a morning turns on."""
    return (state.outcome in _WELL, state.run.job not in READINESS_JOBS, state.run)


def _tone_of_run(state: RunState) -> Tone:
    if state.outcome is None:
        return Tone.CALM
    bad = {RunOutcome.FAILED, RunOutcome.MISSED}
    return Tone.BAD if state.outcome in bad else _calm(well=state.outcome in _WELL)


def _calm(*, well: bool) -> Tone:
    return Tone.CALM if well else Tone.WARN


def _run(state: RunState, verdicts: Mapping[str, str]) -> str:
    end = f" at {in_new_york(state.finished):%H:%M:%S %Z}" if state.finished else ""
    said = ", ".join(filter(None, (verdicts.get(state.path, ""), state.detail)))
    detail = f": {said}" if said else ""
    planned = f"{in_new_york(state.run.planned_at):%H:%M %Z}"
    what = state.outcome or state.stage
    return f"{planned} {state.run.job.value}: {what}{end}{detail}"


def _calendar(g: Gathered) -> Iterator[Line]:
    session = g.snapshot.session
    phase = session.phase.value.replace("_", " ")
    if session.phase is Phase.UNKNOWN:
        text = f"The session is UNKNOWN and gates as open: {session.note}"
        yield _line(CALENDAR, Tone.BAD, text, _SESSION)
    elif session.open is None or session.close is None:
        note = f" ({session.note})" if session.note else ""
        opens = f"; opens {_when(session.next_open, g.now)}" if session.next_open else ""
        yield _line(CALENDAR, Tone.CALM, f"No session today: {phase}{note}{opens}", _SESSION)
    else:
        hours = f"{in_new_york(session.open):%H:%M} to {in_new_york(session.close):%H:%M %Z}"
        early = f", EARLY CLOSE{f' ({session.note})' if session.note else ''}"
        text = f"{phase}; today's session is {hours}{early if session.early_close else ''}"
        yield _line(CALENDAR, _calm(well=not session.early_close), text, _SESSION)
    odd = [text for _, text in sorted(_odd_days(g))]
    text = f"Odd days of the week ahead: {'; '.join(odd) or 'none'}"
    yield _line(CALENDAR, _calm(well=not odd), text, _SCHEDULE)


def _odd_days(g: Gathered) -> Iterator[tuple[datetime, str]]:
    """Return what is unusual within a week: holidays, early closes, changes of the clocks."""
    today, until = in_new_york(g.now).date(), g.now + A_WEEK
    for holiday in g.holidays:
        at = instant_of(holiday.on, MIDNIGHT)
        if holiday.on >= today and at < until:
            yield at, f"{holiday.on:%a %d %b} closed ({holiday.name})"
    for day in g.sessions:
        if day.early_close and today < day.session_date and day.open < until:
            yield day.open, f"{day.session_date:%a %d %b} closes {in_new_york(day.close):%H:%M %Z}"
    for n in range(7):
        day = today + timedelta(days=n)
        at, after = (instant_of(day + timedelta(days=k), MIDNIGHT) for k in (0, 1))
        old, new = in_new_york(at), in_new_york(after)
        if old.utcoffset() != new.utcoffset():
            yield at, f"{day:%a %d %b} the clocks change from {old:%Z} to {new:%Z}"


def _expires(g: Gathered) -> Iterator[Line]:
    days = g.snapshot.session.horizon_days
    if isinstance(g.expiring, NotRead):
        yield _not_read(EXPIRES, "Waivers and tokens", g.expiring, _ALERTS)
    else:
        soon = sorted((e for e in g.expiring.value if e.at - g.now <= SOON), key=lambda e: e.at)
        for expiry in soon:
            over = expiry.at <= g.now
            text = f"{expiry.what} {'expired' if over else 'expires'} {_when(expiry.at, g.now)}"
            tone = Tone.BAD if over else Tone.WARN
            yield _line(EXPIRES, tone, text, (expiry.page, expiry.api))
        if not soon:
            known = _count(len(g.expiring.value), "date")
            text = f"Nothing that is known to expire does within {SOON.days} days ({known} known)"
            yield _line(EXPIRES, Tone.CALM, text, _ALERTS)
    text = f"The market calendar is known for {_count(days, 'day')} more"
    yield _line(EXPIRES, _calm(well=days >= HORIZON_DAYS), text, _SESSION)
    if g.not_watched:
        text = f"Not read, and may expire: {'; '.join(g.not_watched)}"
        yield _line(EXPIRES, Tone.UNKNOWN, text, _ALERTS)


def _count(number: int, noun: str) -> str:
    return f"{number} {noun}" if number == 1 else f"{number} {noun}s"


def _when(at: datetime, now: datetime) -> str:
    """Write an instant in New York's time, with its date where that is another one."""
    here = in_new_york(at)
    same = here.date() == in_new_york(now).date()
    return f"{here:%H:%M:%S %Z}" if same else f"{here:%a %d %b %H:%M %Z}"


def _lasts(seconds: float) -> str:
    """Write seconds for people, in at most two units."""
    left, parts = round(max(0.0, seconds)), list[str]()
    for size, unit in ((86_400, "d"), (3_600, "h"), (60, "min"), (1, "s")):
        count, left = divmod(left, size)
        if count:
            parts.append(f"{count} {unit}")
    return " ".join(parts[:2]) or "0 s"
