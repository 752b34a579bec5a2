"""Jobs: who runs a job and with what, and what a run tells of the floor it stood on."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime

from mission_control.model.artifact import RunFacts, SourceCoverage
from mission_control.model.snapshot import FloorSnapshot


@dataclass(frozen=True, slots=True)
class RunOrigin:
    """
    Who runs a job and with what; the same for every run of one process.

    `versions` names ours, Python's and the git sha; digests are SHA-256 in hex.
    """

    trigger: str
    command_line: tuple[str, ...]
    versions: Mapping[str, str | None]
    config_digest: str

    def facts(
        self,
        job: str,
        snapshot: FloorSnapshot,
        started: datetime,
        finished: datetime,
        *,
        exit_code: int = 0,
        notes: Mapping[str, str] | None = None,
    ) -> RunFacts:
        """Give what a run over a snapshot of the floor tells of itself."""
        labelled = {"label": snapshot.label} if snapshot.label else {}
        return RunFacts(
            job=job,
            session_date=snapshot.session.session_date,
            trigger=self.trigger,
            command_line=self.command_line,
            exit_code=exit_code,
            started=started,
            finished=finished,
            versions=self.versions,
            config_digest=self.config_digest,
            fleet_digest=snapshot.fleet.digest,
            coverage=(floor_coverage(snapshot),),
            notes={**labelled, **(notes or {})},
        )


def floor_coverage(snapshot: FloorSnapshot) -> SourceCoverage:
    """Give how much of the floor was asked for and obtained."""
    coverage = snapshot.posture.coverage
    return SourceCoverage("floor", coverage.asked, coverage.obtained, coverage.gaps)
