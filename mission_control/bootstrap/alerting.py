"""Settings become what decides alerts after each decision of the floor, and delivers them."""

import asyncio
from collections.abc import Generator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace

from mission_control.alerts.deliver.decide import delivery_reasons
from mission_control.alerts.deliver.run import AlertDelivery
from mission_control.alerts.load import load_alert_rules, load_rules, load_waivers
from mission_control.alerts.past import AlertHistory
from mission_control.alerts.run import AlertParts, AlertWatch, RulesInForce
from mission_control.alerts.store import AlertStore
from mission_control.bootstrap.delivering import alert_delivery
from mission_control.bootstrap.jobs import history_to_read
from mission_control.configuration.settings import Settings
from mission_control.floor.model import FloorSnapshot
from mission_control.floor.observe import FloorSources
from mission_control.history.alert_rows import AlertRows
from mission_control.history.writer import OpenHistory
from mission_control.market_calendar.calendar import MarketCalendar
from mission_control.model.clock import Clock
from mission_control.model.event import FloorEvent
from mission_control.model.reload import Reload
from mission_control.processes.followed_file import FollowedFile
from mission_control.records.artifact_reader import ArtifactReader
from mission_control.schedule.day import ScheduledDay
from mission_control.schedule.job import JobParts
from mission_control.schedule.model import RunState


def rules_in_force(settings: Settings) -> RulesInForce:
    """Read rules and waivers, and follow their files; raises ConfigurationError for all faults."""
    rules_file, waivers_file = settings.alert_rules_file, settings.alert_waivers_file
    rules = load_alert_rules(rules_file, waivers_file)
    followed = waived = None
    if rules_file is not None:
        followed = FollowedFile(rules_file, load_rules, load_rules(rules_file)[0])
    if waivers_file is not None:
        waived = FollowedFile(waivers_file, load_waivers, load_waivers(waivers_file)[0])
    return RulesInForce(rules, followed, waived)


@dataclass(frozen=True, slots=True)
class Alerting:
    """What decides the alerts of a floor that is watched here, and what delivers them."""

    watch: AlertWatch
    delivery: AlertDelivery

    async def run(self) -> None:
        """Keep and deliver alerts until cancelled."""
        async with asyncio.TaskGroup() as tasks:
            tasks.create_task(self.watch.run())
            tasks.create_task(self.delivery.run())


def connect_alerting(
    settings: Settings, history: OpenHistory, jobs: JobParts, day: ScheduledDay, label: str
) -> Alerting:
    """Connect what decides and delivers; raises ConfigurationError for rules it cannot use."""
    watch: AlertWatch | None = None

    def beats() -> bool:
        return watch is not None and watch.is_deciding()

    async def lately() -> Sequence[RunState] | None:
        return await day.lately() if day.beat is not None else None

    rows = AlertRows(history.engine, settings.replica, history.writer.withheld)
    store = AlertStore(rows)
    delivery = alert_delivery(settings, store, jobs.clock, beats, label)
    parts = AlertParts(
        settings.namespace,
        store,
        rules_in_force(settings),
        jobs.calendar,
        jobs.clock,
        jobs.artifacts,
        lately,
        day.stalled,
        history.reader.began,
        delivery.take,
        delivery.acknowledged,
        lambda: delivery_reasons(delivery.health(), jobs.clock()),
    )
    watch = AlertWatch(parts)
    return Alerting(watch, delivery)


def with_alerts(
    settings: Settings,
    sources: FloorSources,
    history: OpenHistory | None,
    jobs: JobParts,
    day: ScheduledDay,
    label: str,
) -> tuple[FloorSources, Alerting | None]:
    """
    Have the watch hand each decision to the alerts, and tell of their files as of others.

    Where no history is kept no alerts are. Raises ConfigurationError for rules or waivers that
    cannot be used.
    """
    if history is None:
        return sources, None
    alerts = connect_alerting(settings, history, jobs, day, label)
    earlier, ours = sources.reloads, alerts.watch.parts.in_force

    def reloads() -> Sequence[Reload]:
        return (*(earlier() if earlier else ()), *ours.take_reloads())

    def decided(snapshot: FloorSnapshot, events: Sequence[FloorEvent]) -> None:
        alerts.delivery.hear_twin(snapshot, settings.replica)
        alerts.watch.note_decision(snapshot, events)

    return replace(sources, decided=decided, reloads=reloads), alerts


@dataclass(frozen=True, slots=True)
class PastAlerts:
    """The recorded past of alerts: what was decided then, and what any rules make of it."""

    rows: AlertRows
    history: AlertHistory


@contextmanager
def past_alerts(settings: Settings, clock: Clock) -> Generator[PastAlerts | None]:
    """Open the past for the time of the block; None where no server ever kept a history."""
    with history_to_read(settings) as history:
        if history is None:
            yield None
            return
        rows = AlertRows(history.engine, settings.replica)
        artifacts = ArtifactReader(settings.root, clock)
        calendar = MarketCalendar(settings.closures)
        yield PastAlerts(rows, AlertHistory(settings.namespace, history, artifacts, calendar))
