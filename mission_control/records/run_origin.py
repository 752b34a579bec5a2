"""What starts a job and with what, and what a run says of the floor it was based on."""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import datetime

from mission_control.cluster.model.facts import identify_cluster
from mission_control.floor.model import FloorSnapshot
from mission_control.model.cluster_identity import ClusterIdentity
from mission_control.model.fleet import Fleet
from mission_control.model.session import MarketSession
from mission_control.records.model import RunFacts, SourceCoverage
from mission_control.schedule.model import PlannedRun


@dataclass(frozen=True, slots=True)
class RunOrigin:
    """
    What starts a job, with what, and since when.

    `began` is when the job began to look (UTC): before anything was asked for it. A server's
    origin is that of its process, and each run takes it with its own beginning (`begun`).
    `versions` names ours, Python's and the git sha; digests are SHA-256 in hex. `planned` is the
    planned run that this one claimed: then it belongs to that run's session date and job.
    `beside` says that it is recorded even where another process has recorded that planned run: a
    command that people started always leaves its record, a server's job never a second one.
    """

    trigger: str
    command_line: tuple[str, ...]
    versions: Mapping[str, str | None]
    config_digest: str
    began: datetime
    planned: PlannedRun | None = None
    beside: bool = False

    def begun(self, at: datetime, planned: PlannedRun | None = None) -> "RunOrigin":
        """Return the origin of a run that begins to look now, as that planned run if given."""
        return replace(self, began=at, planned=planned or self.planned)

    def facts(
        self,
        job: str,
        ground: "Ground",
        finished: datetime,
        *,
        exit_code: int = 0,
        notes: Mapping[str, str] | None = None,
    ) -> RunFacts:
        """Return what a run says of itself and of the ground that it was based on."""
        planned = self.planned
        marked = {"label": ground.label} if ground.label else {}
        if ground.twin_ledger:
            marked["twin_ledger"] = ground.twin_ledger
        return RunFacts(
            job=planned.job.value if planned else job,
            session_date=planned.session_date if planned else ground.session.session_date,
            trigger=self.trigger,
            command_line=self.command_line,
            exit_code=exit_code,
            started=self.began,
            finished=finished,
            versions=self.versions,
            config_digest=self.config_digest,
            fleet_digest=ground.fleet.digest,
            coverage=(ground.coverage,),
            notes={**marked, **(notes or {})},
            planned=planned,
            beside=self.beside,
            cluster=ground.cluster or identify_cluster(ground.fleet, None),
        )


def _name_twin_ledger(snapshot: FloorSnapshot) -> str:
    """Name the line of the twin's ledger that is held, so that people can compare both."""
    twin, held = snapshot.fleet.twin, snapshot.latched.twin
    if twin is None or held is None or not held.record_id:
        return ""
    return f"{twin.agent_name}: record {held.record_id}, line {held.number}, {held.digest}"


@dataclass(frozen=True, slots=True)
class Ground:
    """
    What a run was based on: session and fleet, how much of the floor was seen, what marks it.

    `cluster` is the one that was read; None for a run that read none. `twin_ledger` is the line
    that the twin's ledger ended with, empty where none was heard.
    """

    session: MarketSession
    fleet: Fleet
    coverage: SourceCoverage
    label: str = ""
    cluster: ClusterIdentity | None = None
    twin_ledger: str = ""

    @classmethod
    def of(cls, snapshot: FloorSnapshot) -> "Ground":
        """Return the ground of a run over a snapshot of the floor."""
        seen = snapshot.posture.coverage
        coverage = SourceCoverage("floor", seen.asked, seen.obtained, seen.gaps)
        return cls(
            snapshot.session,
            snapshot.fleet,
            coverage,
            snapshot.label,
            snapshot.cluster_identity,
            _name_twin_ledger(snapshot),
        )

    @classmethod
    def unseen(cls, session: MarketSession, fleet: Fleet, label: str = "") -> "Ground":
        """Return the ground of a run that broke before it saw the floor: nothing was obtained."""
        return cls(session, fleet, SourceCoverage("floor", len(fleet.agents), 0, ()), label)
