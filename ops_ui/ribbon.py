"""
The session as one ribbon: what the floor was, what ran, what alarmed, and where now is.

Places are percentages of its width, so that it fits any screen. What was not watched is a gap, and
a stretch leads to the floor as it was then. Pure.
"""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, time, timedelta
from urllib.parse import urlencode

from ops_ui.answers import Event, Posture, Span, Timeline
from ops_ui.formats import NEW_YORK, clock_short, clock_time, duration, instant_of
from ops_ui.mission_control_client import Missed
from ops_ui.schedule import DayPlan, RunRow
from ops_ui.verdict import boundary_of

BEGINS, ENDS = time(5), time(21)
"""What a ribbon shows at least, in New York's time."""
_HOUR = timedelta(hours=1)
_LOOKS = {"OK": "ok", "MARKET_CLOSED": "closed", "HALTED": "halt"}
_WORDS = {"OK": "OK", "MARKET_CLOSED": "market closed", "HALTED": "HALTED"}
_SHORT = {
    "pre_market_readiness": "T-60",
    "pre_open_readiness": "T-15",
    "open_verification": "T+5",
    "post_market_capture": "post-market",
    "lkg_capture": "LKG",
    "no_execution_attestation": "attest",
    "retention_report": "retention",
    "durable_copy": "copy",
}
_SAMPLE = "intraday_sample"
_CHARACTER = 0.52
"""A character of a label takes so much of the width of a common screen, in percent."""
_MOST_STRETCHES, _MOST_ALARMS = 400, 60
_NOT_KEPT_YET = timedelta(minutes=3)
_OPENED = "accusation.opened"


@dataclass(frozen=True, slots=True)
class Stretch:
    """A part of the ribbon that was one way; `href` leads there, empty where nothing was seen."""

    x: float
    width: float
    look: str
    words: str
    href: str = ""


@dataclass(frozen=True, slots=True)
class Mark:
    """A place on the ribbon: an hour, a run, an alarm; `words` say it in full."""

    x: float
    text: str
    words: str = ""
    look: str = ""
    glyph: str = ""
    href: str = ""
    anchor: str = "middle"


@dataclass(frozen=True, slots=True)
class Ribbon:
    """Everything that is drawn, and all of it in words; `now_x` is None outside of it."""

    title: str
    note: str
    words: str
    open: Stretch | None
    bounds: tuple[Mark, ...]
    stretches: tuple[Stretch, ...]
    hours: tuple[Mark, ...]
    runs: tuple[Mark, ...]
    labels: tuple[Mark, ...]
    alarms: tuple[Mark, ...]
    now: Mark | None
    trouble: str = ""


@dataclass(frozen=True, slots=True)
class Scale:
    """The stretch of time that a ribbon shows."""

    begin: datetime
    end: datetime

    def place(self, at: datetime) -> float:
        """Return where an instant is, in percent of the width, kept inside."""
        share = (at - self.begin) / (self.end - self.begin)
        return round(100 * min(1.0, max(0.0, share)), 3)

    def holds(self, at: datetime) -> bool:
        """Return whether an instant is shown."""
        return self.begin <= at <= self.end


def day_of(at: datetime) -> Scale:
    """Return what the ribbon of an instant shows: its day in New York, and an hour around it."""
    here = at.astimezone(NEW_YORK)
    begin = datetime.combine(here.date(), BEGINS, NEW_YORK)
    end = datetime.combine(here.date(), ENDS, NEW_YORK)
    return Scale(min(begin, at - _HOUR), max(end, at + _HOUR))


def day_path(at: datetime) -> str:
    """Return the address of the timeline of an instant's day."""
    scale = day_of(at)
    asked = {"from": _zulu(scale.begin), "to": _zulu(scale.end)}
    return f"/api/v1/timeline?{urlencode(asked)}"


def _zulu(at: datetime) -> str:
    return at.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")


def see_ribbon(
    posture: Posture,
    timeline: Timeline | Missed,
    plan: DayPlan | None,
    events: Iterable[Event],
    *,
    past: bool = False,
) -> Ribbon | None:
    """Draw the day of a posture; None where its instant cannot be read."""
    at = instant_of(posture.at)
    if at is None:
        return None
    scale = day_of(at)
    drawn, trouble = (), ""
    if isinstance(timeline, Missed):
        trouble = f"The day could not be read: {timeline.detail}."
    else:
        drawn = tuple(_stretches(timeline, posture, scale, past=past))
    here = at.astimezone(NEW_YORK)
    plan = plan if plan is not None and plan.on == here.date().isoformat() else None
    runs = tuple(_runs((*plan.rows, *plan.samples), scale)) if plan is not None else ()
    note = _note(posture, plan, at)
    return Ribbon(
        title=f"{here:%A} {here.day} {here:%B}",
        note=note,
        words=_in_words(drawn, runs, note),
        open=_open(posture, scale),
        bounds=tuple(_bounds(posture, scale)),
        stretches=drawn,
        hours=tuple(_hours(scale)),
        runs=runs,
        labels=tuple(_labels(runs)),
        alarms=tuple(_alarms(events, scale))[-_MOST_ALARMS:],
        now=_now(posture, scale, at, past=past),
        trouble=trouble,
    )


def _stretches(
    timeline: Timeline, posture: Posture, scale: Scale, *, past: bool
) -> Iterator[Stretch]:
    """
    Return the stretches, oldest first; the present one reaches up to the posture's own instant.

    What was read before the posture last changed is cut there: the newest is known better. It is
    never drawn over a gap: a posture that is older than a gap was not watched in it.
    """
    at, since = instant_of(posture.at), instant_of(posture.since)
    if at is not None and since is not None:
        since = _watched_from(timeline, since, at)
    for span in timeline.floor[-_MOST_STRETCHES:]:
        begin, end = instant_of(span.begin), instant_of(span.end)
        if begin is None or end is None:
            continue
        if not past and at is not None and since is not None:
            end = min(end, max(since, begin)) if _is_known(span) else end
            if begin >= since:
                continue
        if begin < end and end > scale.begin and begin < scale.end:
            yield _stretch(span, begin, end, scale)
    if not past and at is not None and since is not None:
        yield _present(posture, since, at, scale)


def _watched_from(timeline: Timeline, since: datetime, at: datetime) -> datetime:
    """Return when the newest gap ended; minutes that are not kept yet are none."""
    gaps = [span for span in timeline.floor if not _is_known(span)]
    for span in reversed(gaps):
        begin, end = instant_of(span.begin), instant_of(span.end)
        if begin is None or end is None:
            continue
        if span is not timeline.floor[-1] or end - begin > _NOT_KEPT_YET:
            return max(since, min(end, at))
    return since


def _is_known(span: Span) -> bool:
    return span.watched is True and span.state in _LOOKS


def _stretch(span: Span, begin: datetime, end: datetime, scale: Scale) -> Stretch:
    x, until = scale.place(begin), scale.place(end)
    told = f"{clock_short(span.begin)} to {clock_short(end.isoformat())}"
    if not _is_known(span):
        return Stretch(x, round(until - x, 3), "gap", f"{told}: not watched")
    look = _LOOKS[span.state] + ("" if span.expected is True or span.state == "HALTED" else " odd")
    code = f", {span.reason_code}" if span.reason_code else ""
    words = f"{told}: {_WORDS[span.state]}{'' if span.expected is True else ', unexpected'}{code}"
    then = urlencode({"at": _zulu(begin + timedelta(seconds=1))})
    return Stretch(x, round(max(until - x, 0.12), 3), look, words, f"/?{then}")


def _present(posture: Posture, since: datetime, at: datetime, scale: Scale) -> Stretch:
    x, until = scale.place(since), scale.place(at)
    odd = "" if posture.expected or posture.verdict == "HALTED" else " odd"
    told = f"{clock_short(posture.since)} until now: {_WORDS[posture.verdict]}"
    then = urlencode({"at": _zulu(since + timedelta(seconds=1))})
    width = round(max(until - x, 0.3), 3)
    return Stretch(x, width, _LOOKS[posture.verdict] + odd, told, f"/?{then}")


def _open(posture: Posture, scale: Scale) -> Stretch | None:
    begin, end = instant_of(posture.session.open), instant_of(posture.session.close)
    if begin is None or end is None:
        return None
    x = scale.place(begin)
    return Stretch(x, round(scale.place(end) - x, 3), "open", "the market's session")


def _bounds(posture: Posture, scale: Scale) -> Iterator[Mark]:
    early = posture.session.early_close is True
    for word, text in (("open", posture.session.open), ("close", posture.session.close)):
        at = instant_of(text)
        if at is not None and scale.holds(at):
            said = "early close" if early and word == "close" else word
            yield Mark(scale.place(at), f"{said} {at.astimezone(NEW_YORK):%H:%M}")


def _hours(scale: Scale) -> Iterator[Mark]:
    """Return every second hour of New York's clock; every other of them is `minor`."""
    at = scale.begin.astimezone(NEW_YORK).replace(minute=0, second=0, microsecond=0)
    count = 0
    while at <= scale.end:
        if at >= scale.begin and at.hour % 2 == 1:
            minor = "minor" if count % 2 else ""
            x = scale.place(at)
            anchor = "start" if x < 1 else "end" if x > 99 else "middle"  # noqa: PLR2004
            yield Mark(x, f"{at:%H:%M}", look=minor, anchor=anchor)
            count += 1
        at = (at.astimezone(UTC) + _HOUR).astimezone(NEW_YORK)


def _runs(rows: Iterable[RunRow], scale: Scale) -> Iterator[Mark]:
    """Return the planned runs by time; of the samples only those that did not go as planned."""
    for row in sorted(rows, key=lambda r: r.planned_at):
        at = instant_of(row.planned_at)
        if at is None or not scale.holds(at) or (row.job == _SAMPLE and not row.bad):
            continue
        found = f": {row.detail}" if row.detail else ""
        yield Mark(
            scale.place(at),
            "" if row.job == _SAMPLE else _label_of(row),
            f"{row.title}, {clock_short(row.planned_at)}: {row.word}{found}",
            row.look,
            _RUN_GLYPHS.get(row.look, row.glyph),
            row.href or "/schedule",
        )


_RUN_GLYPHS = {"fine": "✓", "bad": "✕", "alarm": "✕", "waits": "", "running": "▶", "tells": "!"}


def _label_of(row: RunRow) -> str:
    name = _SHORT.get(row.job, row.title)
    if row.detail.startswith("GO"):
        return f"{name} GO"
    if row.detail.startswith("NO-GO"):
        return f"{name} NO-GO"
    if not row.bad:
        return name
    return f"{name} {row.detail.replace('_', ' ') if row.word == 'SUCCEEDED' else row.word}"


def _labels(runs: Sequence[Mark]) -> Iterator[Mark]:
    """Return the labels of runs, joined where they would lie upon each other."""
    groups = list[list[Mark]]()
    for run in runs:
        if not run.text:
            continue
        held = groups[-1] if groups else []
        room = _CHARACTER * (sum(len(m.text) + 3 for m in held) + len(run.text)) / 2 + 1
        if held and run.x - held[-1].x < room:
            held.append(run)
        else:
            groups.append([run])
    for group in groups:
        middle = (group[0].x + group[-1].x) / 2
        bad = any(m.look in {"bad", "alarm"} for m in group)
        yield Mark(round(middle, 3), " · ".join(m.text for m in group), look="bad" if bad else "")


def _alarms(events: Iterable[Event], scale: Scale) -> Iterator[Mark]:
    for event in sorted(events, key=lambda e: e.ts):
        at = instant_of(event.ts)
        if event.type == _OPENED and at is not None and scale.holds(at):
            words = f"{clock_time(event.ts)}: {event.severity} {event.message}"[:300]
            yield Mark(scale.place(at), event.severity, words, event.severity.lower())


def _now(posture: Posture, scale: Scale, at: datetime, *, past: bool) -> Mark:
    since = instant_of(posture.since)
    lasts = "" if since is None else duration((at - since).total_seconds())
    word = "as of" if past else "now"
    state = {"HALTED": "halted", "OK": "OK", "MARKET_CLOSED": "closed"}[posture.verdict]
    text = f"{word} · {state} {lasts}" if posture.verdict == "HALTED" and lasts else word
    x = scale.place(at)
    return Mark(x, text, look=_LOOKS[posture.verdict], anchor="end" if x > 80 else "start")  # noqa: PLR2004


def _note(posture: Posture, plan: DayPlan | None, at: datetime) -> str:
    """Say what kind of day it is, and how long until the next boundary."""
    session = posture.session
    kind = session.note or (plan.note if plan is not None else "")
    if not kind:
        kind = "regular session" if session.open else "no session today"
    verb, then = boundary_of(posture)
    until = instant_of(then)
    if until is None:
        return kind
    left = duration((until - at).total_seconds())
    return f"{kind}, {verb} {clock_short(then, posture.at)} in {left}"


def _in_words(stretches: Sequence[Stretch], runs: Sequence[Mark], note: str) -> str:
    said = "; ".join(s.words for s in stretches[-12:])
    ran = "; ".join(r.words for r in runs[:20])
    parts = [note, f"The floor: {said}" if said else "", f"Planned runs: {ran}" if ran else ""]
    return ". ".join(part for part in parts if part)
