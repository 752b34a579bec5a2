"""Settings become what a bundle of evidence is made from; nothing of it is written."""

from collections.abc import Generator
from contextlib import contextmanager
from pathlib import Path

from mission_control.alerts.store import AlertStore
from mission_control.bootstrap.jobs import history_to_read
from mission_control.configuration.settings import Settings
from mission_control.evidence.gathering import EvidenceSources
from mission_control.history.alert_rows import AlertRows
from mission_control.market_calendar.calendar import MarketCalendar
from mission_control.model.clock import Clock
from mission_control.records.artifact_reader import ArtifactReader
from mission_control.runbooks.library import RunbookLibrary


@contextmanager
def evidence_sources(
    settings: Settings, clock: Clock, replays: tuple[Path, ...] = ()
) -> Generator[EvidenceSources]:
    """Open record and history for the time of the block; without a history that is a gap."""
    with history_to_read(settings) as history:
        alerts = None
        if history is not None:
            alerts = AlertStore(AlertRows(history.engine, settings.replica))
        yield EvidenceSources(
            ArtifactReader(settings.root, clock),
            history,
            alerts,
            MarketCalendar(settings.closures),
            settings.closures,
            RunbookLibrary(settings.runbooks),
            settings.fleet,
            settings.config_digest,
            replica=settings.replica,
            replays=replays,
        )
