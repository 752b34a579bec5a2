"""The settings and parts that every route gets, and how routes describe their answers."""

from collections.abc import AsyncGenerator, Awaitable, Callable, Mapping, Sequence
from dataclasses import KW_ONLY, dataclass, field
from datetime import datetime
from typing import Protocol

from litestar.openapi.datastructures import ResponseSpec

from mission_control.access.run import AccessGate
from mission_control.alerts.deliver.decide import told_alerts
from mission_control.alerts.deliver.model import ChannelHealth
from mission_control.alerts.model import Acknowledged, AlertState
from mission_control.alerts.run import AlertWatch
from mission_control.alerts.store import AlertStore
from mission_control.api.answers import (
    HTML,
    JSON,
    MARKDOWN,
    PLAIN,
    AnyRequest,
    SnapshotCache,
    choose,
    header_of,
)
from mission_control.api.problems import PROBLEM_JSON, VARIES, Problem, ProblemDetails
from mission_control.brief.run import BriefSources
from mission_control.evidence.gathering import EvidenceSources
from mission_control.evidence.model import Wanted
from mission_control.floor.board import FloorBoard, PublishedFloor
from mission_control.floor.present.own_status import OWN_NAME, OwnProcess, OwnWord
from mission_control.floors.watch import FloorsWatch
from mission_control.history.past_floor import PastFloor
from mission_control.market_calendar.calendar import CalendarReader
from mission_control.model.clock import Clock
from mission_control.processes.model import Answered, Unanswered
from mission_control.read_only.model import AttestationFacts
from mission_control.records.artifact_reader import ArtifactReader
from mission_control.records.newest_lines import NewestLines
from mission_control.runbooks.library import RunbookLibrary
from mission_control.schedule.day import ScheduledDay

AskQuestion = Callable[
    [str, bytes, tuple[tuple[bytes, bytes], ...]], Awaitable[Answered | Unanswered]
]
"""Path, query and headers of a GET, passed to the process that answers readers."""


class StreamEvidence(Protocol):
    """
    Makes a bundle of evidence while it is read, or only what it would hold and lack, as JSON.

    Raises StreamBrokenError where it breaks off.
    """

    def __call__(self, wanted: Wanted, *, whole: bool) -> AsyncGenerator[bytes]:
        """Make it."""
        ...


@dataclass(frozen=True, slots=True)
class ApiOptions:
    """
    Settings of the API, fixed at start.

    `allowed_hosts` are names as in a `Host` header without its port. `label` is `DEMO` for a
    simulated floor and marks every answer; empty otherwise. `durable_copy` names where what was
    recorded is copied to, empty for nowhere. `safety` is one line on what the fleet file requires,
    and is sent with every answer. `replica` is which of those that watch this floor we are, and
    `floor` its name. `proxies` are addresses and networks whose forwarded headers are believed.
    """

    version: str
    git_sha: str | None
    started_at: datetime
    label: str = ""
    allowed_hosts: tuple[str, ...] = ("localhost", "127.0.0.1", "[::1]")
    poll_interval_seconds: float = 10.0
    max_streams: int = 256
    durable_copy: str = ""
    safety: str = ""
    replica: str = ""
    floor: str = ""
    proxies: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class ReadingParts:
    """
    What the routes of history, record and runbooks read; none of it writes.

    `past` and `alert_history` are None where no history is kept. `evidence` makes a bundle, piece
    by piece; None where this process makes none. `evidence_sources` returns what one would be made
    from, None where no history is kept.
    """

    floor: PublishedFloor
    calendar: CalendarReader
    runbooks: RunbookLibrary
    artifacts: ArtifactReader
    past: PastFloor | None
    clock: Clock
    options: ApiOptions
    cache: SnapshotCache = field(default_factory=SnapshotCache, kw_only=True)
    alert_history: AlertStore | None = field(default=None, kw_only=True)
    evidence: StreamEvidence | None = field(default=None, kw_only=True)
    evidence_sources: Callable[[], EvidenceSources] | None = field(default=None, kw_only=True)

    @property
    def renders(self) -> bool:
        """Return whether a text may be rendered here."""
        return True


@dataclass(frozen=True, slots=True)
class ApiParts(ReadingParts):
    """
    Everything that a route may read; none of it can write.

    `ask` passes a reader's question to the process that answers it; without one, as for a single
    answer on the command line, everything is answered in this process. `alerts` is None where none
    are decided, and `channels` returns how those fare that alerts go to; `acknowledged` what those
    took that do not deduplicate. `newest_lines` is None where nothing is recorded. `brief` is what
    the brief is read from. `gate` decides who may read; without one everyone may.
    `floors` is None where no other floors are listed.
    """

    floor: FloorBoard
    _: KW_ONLY
    attestation: Callable[[], Awaitable[AttestationFacts]]
    day: ScheduledDay
    ask: AskQuestion | None = None
    alerts: AlertWatch | None = None
    brief: BriefSources | None = None
    floors: FloorsWatch | None = None
    channels: Callable[[], Sequence[ChannelHealth]] = tuple[ChannelHealth, ...]
    acknowledged: Callable[[], Acknowledged] = dict[str, Mapping[str, AlertState]]
    newest_lines: NewestLines | None = None
    gate: AccessGate | None = None

    @property
    def renders(self) -> bool:
        """Return whether a text may be rendered here: not in the process that decides the floor."""
        return self.ask is None

    async def own_word(self) -> OwnWord:
        """Return what we say to another Mission Control at this moment."""
        tail = await self.newest_lines.read() if self.newest_lines else None
        watch, replica = self.alerts, self.options.replica
        known = watch is not None and watch.has_decided
        alerts = told_alerts(watch.current(), self.acknowledged()) if watch and known else None
        return OwnWord(
            replica or OWN_NAME,
            self.options.floor or OWN_NAME,
            alerts,
            tuple(sorted(self.acknowledged())),
            tail and tail.record_id,
            tuple((line.seq, line.hash) for line in tail.lines) if tail else (),
        )

    def own_process(self) -> OwnProcess:
        """Return the state of this process at this moment."""
        beat = self.floor.beat()
        return OwnProcess(
            now=self.clock(),
            stalled=beat.stalled,
            scheduler_stalled=bool(self.day.stalled()),
            beat_age_seconds=beat.seconds_since_beat,
            started_at=self.options.started_at,
            version=self.options.version,
            git_sha=self.options.git_sha,
            poll_interval_seconds=self.options.poll_interval_seconds,
            replica=self.options.replica,
        )


REPORT = (MARKDOWN, PLAIN, JSON)
"""A report is Markdown unless JSON is strictly preferred; as plain text it is the same bytes."""
SUFFIXES: Mapping[str, str] = {".md": MARKDOWN, ".json": JSON, ".html": HTML}

VARY = "accept, accept-encoding"
NEGOTIATED: Mapping[str, str] = {VARIES: VARY}
"""Options of a route with several representations: its problems vary as its answers do."""


def describes(shape: type, description: str, media_type: str = JSON) -> ResponseSpec:
    """Describe an answer by its shape; without invented examples, so that it never varies."""
    return ResponseSpec(
        shape, generate_examples=False, description=description, media_type=media_type
    )


def describes_problem(description: str) -> ResponseSpec:
    """Describe an answer that is problem details."""
    return describes(ProblemDetails, description, PROBLEM_JSON)


NONE_ACCEPTED = describes_problem("Accept rules out every representation")


def representation(request: AnyRequest, offers: Sequence[str], unnamed: str = "") -> str:
    """
    Return the media type to answer with: by the suffix of the path, else by the Accept header.

    Of equally preferred offers it is the first; `unnamed` for a client that names none. Raises
    the problem that the client accepts none of them.
    """
    suffix = request.url.path.rpartition("/")[2].rpartition(".")
    by_suffix = SUFFIXES.get(f".{suffix[2]}") if suffix[1] else None
    if by_suffix is not None and by_suffix in offers:
        return by_suffix
    chosen = choose(header_of(request, "accept"), offers)
    if chosen.media_type is None:
        title = "None of what can be given is accepted"
        raise Problem(406, "not_acceptable", title, f"this is given as {', '.join(offers)}")
    return chosen.media_type if chosen.named or not unnamed else unnamed
