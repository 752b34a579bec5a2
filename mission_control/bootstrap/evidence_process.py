"""The process that makes one bundle of evidence for the API; begun for it, and ended with it."""

from collections.abc import AsyncIterator
from typing import TYPE_CHECKING, cast

from mission_control.alerts.store import AlertStore
from mission_control.bootstrap.clock import real_clock
from mission_control.evidence.gathering import EvidenceSources
from mission_control.evidence.run import export, preview
from mission_control.history.alert_rows import AlertRows
from mission_control.history.database import open_engine
from mission_control.history.reader import HistoryReader
from mission_control.log_records import configure_logging
from mission_control.market_calendar.calendar import MarketCalendar
from mission_control.market_calendar.closures import Closure
from mission_control.model.clock import Clock
from mission_control.processes.streaming_child import run_streaming
from mission_control.records.artifact_reader import ArtifactReader
from mission_control.runbooks.library import RunbookLibrary

if TYPE_CHECKING:
    from mission_control.bootstrap.aside import EvidenceSetup, ReadersSetup


def sources_of(
    readers: "ReadersSetup", history: HistoryReader, closures: tuple[Closure, ...], clock: Clock
) -> EvidenceSources:
    """Return what a bundle is made from, with the closures in force."""
    return EvidenceSources(
        ArtifactReader(readers.root, clock),
        history,
        AlertStore(AlertRows(history.engine, readers.options.replica)),
        MarketCalendar(closures),
        closures,
        RunbookLibrary(readers.runbooks),
        readers.fleet,
        readers.config_digest,
        readers.options.label,
        readers.options.replica,
    )


async def make(setup: object) -> AsyncIterator[bytes]:
    """Return the bundle that is asked for, or what it would hold, piece by piece."""
    asked = cast("EvidenceSetup", setup)
    readers = asked.readers
    configure_logging(readers.log_format)
    engine = open_engine(readers.root, readers.database_url)
    try:
        sources = sources_of(readers, HistoryReader(engine), asked.closures, real_clock)
        made = export if asked.whole else preview
        async for piece in made(sources, asked.wanted):
            yield piece
    finally:
        engine.dispose()


if __name__ == "__main__":
    run_streaming(make)
