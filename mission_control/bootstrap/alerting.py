"""Settings become the rules of alerts, and what decides alerts after each decision."""

from collections.abc import Sequence
from dataclasses import replace

from mission_control.alerts.load import load_alert_rules, load_rules, load_waivers
from mission_control.alerts.run import AlertParts, AlertWatch, RulesInForce
from mission_control.alerts.store import AlertStore
from mission_control.configuration.settings import Settings
from mission_control.floor.observe import FloorSources
from mission_control.history.alert_rows import AlertRows
from mission_control.history.writer import OpenHistory
from mission_control.model.reload import Reload
from mission_control.processes.followed_file import FollowedFile
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


def alert_watch(
    settings: Settings,
    rules: RulesInForce,
    history: OpenHistory,
    jobs: JobParts,
    day: ScheduledDay,
) -> AlertWatch:
    """Connect what decides the alerts of a floor that is watched here."""

    async def lately() -> Sequence[RunState] | None:
        return await day.lately() if day.beat is not None else None

    store = AlertStore(AlertRows(history.engine, settings.replica))
    parts = AlertParts(
        settings.namespace,
        store,
        rules,
        jobs.calendar,
        jobs.clock,
        jobs.artifacts,
        lately,
        day.stalled,
        history.reader.began,
    )
    return AlertWatch(parts)


def with_alerts(
    settings: Settings,
    sources: FloorSources,
    history: OpenHistory | None,
    jobs: JobParts,
    day: ScheduledDay,
) -> tuple[FloorSources, AlertWatch | None]:
    """
    Have the watch hand each decision to the alerts, and tell of their files as of others.

    Where no history is kept no alerts are. Raises ConfigurationError for rules or waivers that
    cannot be used.
    """
    if history is None:
        return sources, None
    alerts = alert_watch(settings, rules_in_force(settings), history, jobs, day)
    earlier, ours = sources.reloads, alerts.parts.in_force

    def reloads() -> Sequence[Reload]:
        return (*(earlier() if earlier else ()), *ours.take_reloads())

    return replace(sources, decided=alerts.note_decision, reloads=reloads), alerts
