"""A trading day as values: a floor with a turned clock, decided by the real functions."""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field, replace
from datetime import date, datetime, timedelta
from typing import Any

from mission_control.alerts.decide.alerts import decide_alerts
from mission_control.alerts.load import load_alert_rules
from mission_control.alerts.model import (
    Acknowledged,
    Alert,
    AlertBook,
    AlertEvidence,
    AlertRules,
    AlertState,
    AlertTransition,
    ToldVerdict,
)
from mission_control.documents.instants import new_york_text
from mission_control.floor.decide.floor import decide_floor
from mission_control.floor.model import FloorSnapshot
from mission_control.market_calendar.calendar import MarketCalendar
from mission_control.market_calendar.days import in_new_york, instant_of
from mission_control.model.fleet import Fleet, Owner
from mission_control.readiness.model import ReadinessVerdict, RecordedVerdict
from mission_control.schedule.decide import plan_session
from mission_control.schedule.model import Job, RunOutcome, RunStage, RunState
from tests.floor.floor_of_values import (
    GAMMA,
    INGEST,
    MARKETDATA,
    STRATEGY,
    FloorOfValues,
    rich,
)

CALENDAR = MarketCalendar()
FEED = replace(MARKETDATA, owner=Owner("Marketdata Owner"))
ENGINE = replace(STRATEGY, depends_on=("marketdata-mcp-server",), owner=Owner("Strategy Owner"))
WHALE = replace(ENGINE, agent_name="whale-strategy")
DELTA = replace(ENGINE, agent_name="delta-strategy")
AGENTS = (DELTA, GAMMA, INGEST, FEED, ENGINE, WHALE)
FLEET = Fleet(AGENTS, digest="0" * 64, source="fleet.yaml")
FOLLOWING = (ENGINE, WHALE, DELTA)
RULES = load_alert_rules(None, None)
FLOOR = "trading-floor"
STALE_AFTER = 120.0


def at(on: date, clock: str) -> datetime:
    """Return a time of day in New York."""
    return instant_of(on, datetime.strptime(clock, "%H:%M:%S").time())  # noqa: DTZ007


@dataclass
class LivedDay:
    """A floor that is decided step by step, with its alerts; `hurts` change what is answered."""

    now: datetime
    rules: AlertRules = RULES
    channels: Sequence[str] = ()
    hurts: list[Callable[["LivedDay"], None]] = field(default_factory=list)
    floor: FloorOfValues = field(
        default_factory=lambda: FloorOfValues(fleet=FLEET, session_at=CALENDAR.session_at)
    )
    book: AlertBook | None = None
    runs: list[RunState] = field(default_factory=list)
    verdict: ToldVerdict | None = None
    runs_known: bool = True
    transitions: list[AlertTransition] = field(default_factory=list)
    taken: dict[str, dict[str, AlertState]] = field(default_factory=dict)
    delivers: bool = True
    last_tick: datetime | None = None
    silent: bool = False

    def step(self, seconds: float = 1.0) -> AlertBook:
        """Let time pass, read every answer, decide the floor and then its alerts."""
        self.answer(seconds)
        return self.decide()

    def answer(self, seconds: float) -> None:
        """Let time pass, and let every service answer as the hurts have it."""
        self.now += timedelta(seconds=seconds)
        self.floor.refresh(self.now)
        for agent in FOLLOWING:
            self.floor.answer(agent, "/ops/status", rich(agent, self.now))
        for hurt in list(self.hurts):
            hurt(self)

    def snapshot(self) -> FloorSnapshot:
        """Decide the floor."""
        snapshot = decide_floor(
            self.floor.evidence(), self.floor.latched, self.floor.session_at, self.now
        )
        self.floor.latched = snapshot.latched
        return snapshot

    def decide(self, **more: Any) -> AlertBook:
        """Decide the alerts on what is there now; what pages is taken by every channel."""
        seen = AlertEvidence(
            FLOOR,
            self.snapshot(),
            tuple(CALENDAR.sessions_between(self.now - timedelta(days=7), self.now)),
            tuple(self.runs) if self.runs_known else None,
            self.verdict,
            acknowledged=self.acknowledged(),
            **more,
        )
        before = self.book or AlertBook(self.now)
        self.book, moved = decide_alerts(self.rules, before, seen, self.now)
        self.transitions += moved
        if self.delivers:
            for states in self.acknowledged().values():
                for alert in self.book.alerts:
                    if alert.told is not None:
                        states[alert.fingerprint] = alert.told  # pyright: ignore[reportIndexIssue]
        return self.book

    def acknowledged(self) -> Acknowledged:
        """Return what each channel took."""
        return {name: self.taken.setdefault(name, {}) for name in self.channels}

    def until(self, end: datetime, seconds: float = 60.0) -> None:
        """Live until an instant, in steps."""
        while self.now < end:
            self.step(min(seconds, (end - self.now).total_seconds()))

    def run(self, job: Job, outcome: RunOutcome, verdict: ReadinessVerdict | None = None) -> None:
        """Let the planned run of a job end today, and record its verdict."""
        on = in_new_york(self.now).date()
        plan = plan_session(on, CALENDAR.session_at(at(on, "12:00:00")), frozenset(Job))
        run = next(r for r in plan.runs if r.job is job)
        ran = outcome in {RunOutcome.SUCCEEDED, RunOutcome.LATE}
        finished = self.now if ran or outcome is RunOutcome.FAILED else None
        detail = "" if ran else "it was not begun in time"
        self.runs.append(RunState(run, RunStage.ENDED, outcome, detail, finished=finished))
        if verdict is not None:
            code = "" if verdict is ReadinessVerdict.GO else "NOT_READY"
            recorded = RecordedVerdict(self.now, str(on), verdict, code, FLEET.digest)
            self.verdict = ToldVerdict(recorded, job)

    def alerts(self) -> Sequence[Alert]:
        """Return what is in the book."""
        return self.book.alerts if self.book else ()

    def paging(self) -> list[str]:
        """Return what pages, as `rule subject`."""
        return [f"{a.rule} {a.subject}" for a in self.alerts() if a.pages]


def stale_feed(day: LivedDay) -> None:
    """
    Stop the feed at `last_tick`: the service and all that read it say so.

    Under the kill switch each reports KILL_SWITCH alone, as the fleet does; the tick tells.
    """
    age = (day.now - (day.last_tick or day.now)).total_seconds()
    for agent in (MARKETDATA, *FOLLOWING):
        document = rich(agent, day.now, age)
        day.floor.answer(agent, "/ops/status", document)
    if age > STALE_AFTER:
        day.floor.answer(MARKETDATA, "/healthz", {"status": "stale"}, 503)


def pages_text(transitions: Sequence[AlertTransition]) -> str:
    """Write every page and resolve for people, and every non-page with its reason."""
    return "".join(f"{line}\n" for line in _lines(transitions))


def _lines(transitions: Sequence[AlertTransition]) -> Iterator[str]:
    paging = set[str]()
    for each in sorted(transitions, key=lambda t: (t.at, t.severity.rank, t.code, t.subject)):
        before = each.fingerprint in paging
        what = "-"
        if each.pages and not before:
            what = "PAGE" if each.severity.value in {"P0", "P1"} else "TELL"
            paging.add(each.fingerprint)
        elif before and not each.pages:
            what = "OVER"
            paging.discard(each.fingerprint)
        named = f"{each.code} {each.subject} ({each.rule})"
        when = new_york_text(each.at)
        yield f"{when}  {what:<4}  {each.severity:<4}  {named}: {each.reason}"
