"""What is recorded, once and for ever, and how to check that it is unchanged."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from datetime import date, datetime
from enum import StrEnum
from typing import Annotated

from msgspec import Meta

from mission_control.model.cluster_identity import ClusterIdentity
from mission_control.schedule.model import PlannedRun


class Collection(StrEnum):
    """The folders that hold artifacts, below the root (docs/semantics.md#9)."""

    OPS_RUNS = "audit_artifacts/ops_runs"
    CONFIG_SNAPSHOTS = "audit_artifacts/config_snapshots"
    BLUEPRINTS = "audit_artifacts/blueprints"
    REPLAYS = "audit_artifacts/replays"
    LKG = "ops/lkg"


PLACEHOLDERS = frozenset({".gitkeep", ".keep", ".placeholder", ".empty"})
"""Empty files of these names keep a folder in git; they hold nothing."""

LATEST_VIEWS = frozenset(
    {
        "audit_artifacts/readiness_report.md",
        "audit_artifacts/readiness_report.json",
        "audit_artifacts/deploy_report.md",
        "audit_artifacts/deploy_report.json",
        "ops/lkg/lkg_manifest.yaml",
        "ops/lkg/lkg_metadata.json",
    }
)
"""Files that show the newest of their kind and are replaced; they are never evidence."""


def latest_view(collection: Collection, name: str) -> str | None:
    """Return the latest view that shows such a file of a run; None for a file that none shows."""
    folder = collection.value.removesuffix("/ops_runs")
    path = f"{folder}/{name}"
    return path if path in LATEST_VIEWS else None


RUN_FILE = "run.json"
"""Says of a run what it was, what it was based on and what it wrote."""
SUMS_FILE = "SHA256SUMS"
"""The digests of all its other files, for `sha256sum -c`; runs of older versions have none."""


def sums_text(files: Iterable["ArtifactFile"]) -> str:
    """Write what `sha256sum -c` reads, sorted by path; paths are of the characters we allow."""
    return "".join(f"{f.sha256}  {f.path}\n" for f in sorted(files, key=lambda f: f.path))


Digest = Annotated[str, Meta(pattern=r"^[0-9a-f]{64}\Z")]
"""A SHA-256 in hex; held to that where it is read, as are the numbers below."""


@dataclass(frozen=True, slots=True)
class ArtifactFile:
    """One file: its path below the root, the SHA-256 of its bytes in hex, its size in bytes."""

    path: str
    sha256: Digest
    size: Annotated[int, Meta(ge=0)]


@dataclass(frozen=True, slots=True)
class LedgerHead:
    """Where the chain ends: the newest line's number and hash; 0 and zeros before the first."""

    seq: Annotated[int, Meta(ge=0)]
    hash: Digest


GENESIS = LedgerHead(seq=0, hash="0" * 64)


@dataclass(frozen=True, slots=True, kw_only=True)
class LedgerEntry:
    """
    One line of the ledger: what was recorded, chained to the line before.

    `previous` is the hash of the line before and `hash` that of this one without its own hash.
    `at` is UTC. `session_date` is the trading day it belongs to, None for what belongs to none.
    `recovered` marks a run that was whole on disk when its writer died before this line. `once`
    names what may be recorded only once, as a planned run; a line that has none omits it.
    """

    seq: Annotated[int, Meta(ge=1)]
    at: str
    job: str
    path: str
    session_date: str | None
    files: tuple[ArtifactFile, ...]
    corrects: str | None = None
    recovered: bool = False
    once: str | None = None
    previous: Digest
    hash: Digest

    @property
    def head(self) -> LedgerHead:
        """Return the head of a chain that ends with this line."""
        return LedgerHead(seq=self.seq, hash=self.hash)

    def file_named(self, name: str) -> ArtifactFile | None:
        """
        Return the run's own file of that name; None where it has none.

        Only what lies directly in the run's folder is its own: below it may lie copies of what
        others wrote, under whatever names they chose.
        """
        return next((f for f in self.files if f.path == f"{self.path}/{name}"), None)


@dataclass(frozen=True, slots=True)
class RecordMarker:
    """
    Whose record a root holds; written once.

    `began` is when a server first found it (UTC). `continues` says that there was a ledger or a
    history already, from before records had an id.
    """

    record_id: str
    began: datetime
    continues: bool


@dataclass(frozen=True, slots=True)
class TailOfRecord:
    """Which record it is, and the newest lines of its ledger, newest first; never empty."""

    record_id: str
    lines: tuple[LedgerHead, ...]


@dataclass(frozen=True, slots=True)
class SourceCoverage:
    """What one source was asked for and gave; `gaps` are (what, reason) pairs."""

    source: str
    asked: int
    obtained: int
    gaps: tuple[tuple[str, str], ...] = ()


@dataclass(frozen=True, slots=True)
class RunFacts:
    """
    What a run says of itself beside its files; instants are UTC.

    `trigger` is what began it (`schedule`, `command`, `demo`), `command_line` how it was called
    and `exit_code` what it ended with. `inputs` are files it read, with their digests; `corrects`
    the path of the run that it sets right. `planned` is the planned run that it claimed, None for
    one that was not planned. `folder` is what its folder is called after its instant, where that is
    not the job's name. `once` names what may be recorded only once, beside a planned run; `beside`
    says that a run whose planned run is recorded already is recorded as an unplanned one.
    `cluster` is the one that was read, or that is configured where the run read none.
    """

    job: str
    session_date: date | None
    trigger: str
    command_line: tuple[str, ...]
    exit_code: int
    started: datetime
    finished: datetime
    versions: Mapping[str, str | None]
    config_digest: str
    fleet_digest: str
    inputs: tuple[ArtifactFile, ...] = ()
    coverage: tuple[SourceCoverage, ...] = ()
    corrects: str | None = None
    notes: Mapping[str, str] = field(default_factory=dict[str, str])
    planned: PlannedRun | None = None
    folder: str = ""
    once: str = ""
    beside: bool = False
    cluster: ClusterIdentity | None = None

    @property
    def only_once(self) -> str | None:
        """Name what may be recorded only once; None for a run that may be recorded often."""
        return self.once or (self.planned.key if self.planned else None)


@dataclass(frozen=True, slots=True)
class RecordedArtifact:
    """The bytes of a recorded file; `intact` says whether they are still those recorded."""

    file: ArtifactFile
    content: bytes
    intact: bool


class DiscrepancyKind(StrEnum):
    """In which way the record is not as it was written."""

    ALTERED = "ALTERED"
    MISSING = "MISSING"
    UNRECORDED = "UNRECORDED"
    TRUNCATED = "TRUNCATED"
    CHAIN_BROKEN = "CHAIN_BROKEN"
    UNREADABLE = "UNREADABLE"
    OUTSIDE = "OUTSIDE"
    """The ledger names what can be no artifact: a path that leads out of the record."""


@dataclass(frozen=True, slots=True, order=True)
class Discrepancy:
    """One thing that is not as it was recorded."""

    path: str
    kind: DiscrepancyKind
    detail: str


@dataclass(frozen=True, slots=True)
class Verification:
    """What checking every file and the chain found; `discrepancies` are sorted by path."""

    runs: int
    files: int
    head: LedgerHead
    discrepancies: tuple[Discrepancy, ...] = ()

    @property
    def intact(self) -> bool:
        """Return whether everything is as it was recorded."""
        return not self.discrepancies


@dataclass(frozen=True, slots=True)
class ArtifactQuery:
    """
    Which runs are asked for; `before` is a number of the ledger, all limits are optional.

    `holding` is the name of a file that a run must hold directly in its folder.
    """

    limit: int = 50
    before: int | None = None
    job: str | None = None
    session_date: date | None = None
    since: datetime | None = None
    until: datetime | None = None
    holding: str | None = None

    def wants(self, entry: LedgerEntry) -> bool:
        """Return whether a line of the ledger is asked for."""
        session = self.session_date.isoformat() if self.session_date else None
        return (
            (self.before is None or entry.seq < self.before)
            and self.job in {None, entry.job}
            and session in {None, entry.session_date}
            and (self.holding is None or entry.file_named(self.holding) is not None)
            and self._covers(entry)
        )

    def _covers(self, entry: LedgerEntry) -> bool:
        """Return whether a line is of the time asked for; last, as instants are slow to read."""
        if self.since is None and self.until is None:
            return True
        at = datetime.fromisoformat(entry.at)
        return (self.since is None or self.since <= at) and (self.until is None or at < self.until)


@dataclass(frozen=True, slots=True)
class ArtifactPage:
    """Runs, newest first; `next_before` asks for the page after, None on the last one."""

    entries: tuple[LedgerEntry, ...]
    next_before: int | None
    total: int
    head: LedgerHead


@dataclass(frozen=True, slots=True)
class Checked:
    """What verifying everything found, and when."""

    found: Verification
    at: datetime
