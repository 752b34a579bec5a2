"""What a scraper watches: the floor, ourselves, and what the record says (docs/metrics.md)."""

import asyncio
from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from functools import partial

from litestar import Response, get
from litestar.handlers import HTTPRouteHandler
from prometheus_client.exposition import choose_encoder
from prometheus_client.metrics_core import Metric

from mission_control.alerts.deliver.model import ChannelHealth
from mission_control.alerts.present import OPEN_PHASES, phase_of
from mission_control.api.answers import Answer, AnyRequest, SnapshotCache, choose, give, header_of
from mission_control.api.floors_routes import floors_seen
from mission_control.api.options import NEGOTIATED, VARY, ApiParts, describes
from mission_control.api.report_routes import readiness_now
from mission_control.durable_copy.model import CopyStatus
from mission_control.durable_copy.run import copy_state
from mission_control.errors import StorageError
from mission_control.floor.model import FloorSnapshot
from mission_control.floor.present.metrics import NEVER, family, gauge, metric_families, one_hot
from mission_control.floor.present.own_status import OwnProcess
from mission_control.floors.present import floor_families
from mission_control.model.finding import Severity
from mission_control.readiness.model import ReadinessVerdict
from mission_control.records.model import ArtifactQuery
from mission_control.records.recorded_reports import READINESS_JSON, latest_report
from mission_control.schedule.model import DayView, Job, RunOutcome, RunStage

READ_SECONDS = 2.0
"""A scrape waits no longer for the record; what was not read by then is not known."""
KEPT_SECONDS = 5.0
WORDS = (*(s.value for s in RunStage if s is not RunStage.ENDED), *(o.value for o in RunOutcome))
"""What a planned run can be: how far it is until it has ended, and then how it ended."""


@dataclass(frozen=True, slots=True)
class RecordFacts:
    """
    What the record says; `runs` counts today's planned runs and those still open from before.

    `copy_lag_seconds` is None where nothing waits to be copied.
    """

    runs: tuple[tuple[str, str, int], ...]
    verdict: ReadinessVerdict
    verdict_is_current: bool
    copied: CopyStatus
    copy_lag_seconds: float | None


def record_families(facts: RecordFacts | None) -> Iterator[Metric]:
    """Return what the record says as metrics; of one that was not read only that."""
    yield gauge("record_readable", "1 while the record could be read", facts is not None)
    if facts is None:
        return
    runs = family("planned_runs", "Planned runs, by how far they are or ended", "run", "outcome")
    for job, word, count in facts.runs:
        runs.add_metric([job, word], count)
    yield runs
    verdict = family("readiness", "What the newest verdict is worth now", "verdict")
    for value in ReadinessVerdict:
        verdict.add_metric([value.value], float(value is facts.verdict))
    yield verdict
    current = facts.verdict_is_current
    yield gauge("readiness_current", "1 while the newest verdict is of this session", current)
    yield one_hot("durable_copy", "The durable copy", facts.copied, CopyStatus)
    if facts.copied is not CopyStatus.NOT_CONFIGURED:
        lag = facts.copy_lag_seconds
        yield gauge(
            "durable_copy_lag_seconds",
            "Age of the oldest line that is not copied; +Inf where it is not known",
            0.0 if lag is None else lag,
        )


def alert_families(parts: ApiParts) -> Iterator[Metric]:
    """Return whether alerts are decided, how many there are, and how channels fare."""
    watch = parts.alerts
    deciding = watch is not None and watch.is_deciding()
    yield gauge("alerts_deciding", "1 while alerts are being decided", deciding)
    counted = family("alerts", "Alerts that page, are withheld or pending", "severity", "phase")
    alerts = () if watch is None else watch.current().alerts
    counts = Counter((a.severity, phase_of(a)) for a in alerts)
    for severity in Severity:
        for phase in OPEN_PHASES:
            counted.add_metric([severity.value, phase], counts[severity, phase])
    yield counted
    yield from _channels(parts.channels())


def _channels(healths: Sequence[ChannelHealth]) -> Iterator[Metric]:
    failing = family("alert_channel_failing", "1 while it does not take alerts", "channel")
    waiting = family("alert_channel_waiting", "Alerts that it has not taken yet", "channel")
    dead = family("alert_channel_dead_letters", "Alerts that are tried only slowly now", "channel")
    for health in healths:
        named = [health.channel.name]
        failing.add_metric(named, float(health.failing_since is not None))
        waiting.add_metric(named, len(health.waiting))
        dead.add_metric(named, len(health.dead_letters))
    return iter((failing, waiting, dead))


@dataclass(slots=True)
class RecordWatch:
    """
    Reads the record for scrapers, off the event loop and within a deadline.

    A read that hangs, as on a mount that went away, is not joined by another. What was read is
    kept for five seconds, so that many scrapers cost one read. Used from one event loop.
    """

    parts: ApiParts
    _reading: "asyncio.Task[RecordFacts] | None" = None
    _known: RecordFacts | None = None
    _until: float = field(default=0.0)

    async def facts(self) -> RecordFacts | None:
        """Return what the record says; None where it could not be read in time."""
        loop = asyncio.get_running_loop()
        if loop.time() < self._until:
            return self._known
        if self._reading is None:
            self._reading = asyncio.create_task(_read(self.parts))
            self._reading.add_done_callback(self._note)
        try:
            async with asyncio.timeout(READ_SECONDS):
                return await asyncio.shield(self._reading)
        except (TimeoutError, StorageError):
            return None

    def _note(self, read: "asyncio.Task[RecordFacts]") -> None:
        failed = read.cancelled() or read.exception() is not None
        self._reading, self._known = None, None if failed else read.result()
        self._until = read.get_loop().time() + KEPT_SECONDS


async def _read(parts: ApiParts) -> RecordFacts:
    view = await parts.day.view()
    readiness = readiness_now(parts, await latest_report(parts.artifacts, READINESS_JSON))
    head = (await parts.artifacts.page(ArtifactQuery(limit=1))).head
    now = parts.clock()
    copied = await copy_state(parts.artifacts, parts.options.durable_copy, head, now)
    return RecordFacts(
        runs=tuple(_count(view)),
        verdict=ReadinessVerdict(readiness["verdict"]),
        verdict_is_current=readiness["report_is_current"],
        copied=CopyStatus(copied["standing"]),
        copy_lag_seconds=_lag(copied, now),
    )


def _count(view: DayView) -> Iterator[tuple[str, str, int]]:
    """Count runs by job and word, zeros included: a series that comes and goes cannot be summed."""
    states = (*view.states, *view.carried)
    counted = Counter((s.run.job, (s.outcome or s.stage).value) for s in states)
    return ((job.value, word, counted[job, word]) for job in Job for word in WORDS)


def _lag(copied: dict[str, object], now: datetime) -> float | None:
    """Return for how long the oldest line waits; infinite where something waits since unknown."""
    since = copied["lags_since"]
    if isinstance(since, str):
        return max(0.0, (now - datetime.fromisoformat(since)).total_seconds())
    through = copied["verified_through"] or 0
    return None if through == copied["head_seq"] else NEVER


def _floors(parts: ApiParts) -> Iterator[Metric]:
    return floor_families(floors_seen(parts)) if parts.floors else iter(())


OPEN_METRICS = "application/openmetrics-text"
EXPOSITIONS = ("text/plain; version=0.0.4", f"{OPEN_METRICS}; version=1.0.0")


class _Families:
    """A collector of given metric families, as the library that writes them expects."""

    def __init__(self, families: Iterable[Metric]) -> None:
        self._families = tuple(families)

    def collect(self) -> Iterable[Metric]:
        return self._families


def metrics_text(
    snapshot: FloorSnapshot,
    own: OwnProcess,
    events: int,
    further: Iterable[Metric],
    *,
    open_: bool,
) -> Answer:
    """Write the metrics as OpenMetrics 1.0, or as Prometheus text 0.0.4."""
    write, media_type = choose_encoder(OPEN_METRICS if open_ else "")
    families = (*metric_families(snapshot, own, events), *further)
    return Answer(write(_Families(families)), media_type, VARY)


def metrics_routes(parts: ApiParts) -> Sequence[HTTPRouteHandler]:
    """Return the routes by which a scraper watches this one."""
    brief, record = SnapshotCache(), RecordWatch(parts)

    @get(
        ["/metrics", "/ops/metrics"],
        summary="Prometheus text; OpenMetrics by Accept",
        tags=["ops"],
        media_type="text/plain",
        opt=NEGOTIATED,
        responses={200: describes(str, "The metrics", "text/plain")},
    )
    async def metrics(request: AnyRequest) -> Response[bytes]:
        facts = await record.facts()
        own = parts.own_process()
        moment = (own.stalled, own.scheduler_stalled, int(own.now.timestamp()), facts)
        # A scraper that accepts neither format gets Prometheus text, which all of them read.
        open_ = choose(header_of(request, "accept"), EXPOSITIONS).media_type == EXPOSITIONS[1]
        newest = next(iter(parts.floor.recent_events(1)), None)
        events = newest.identity if newest else 0
        further = (*record_families(facts), *alert_families(parts), *_floors(parts))
        build = partial(metrics_text, own=own, events=events, further=further, open_=open_)
        snapshot = parts.floor.current()
        return give(brief.answer(snapshot, ("metrics", open_), build, moment=moment), request)

    return [metrics]
