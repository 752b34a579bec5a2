"""What runs each job that is planned for a day."""

from collections.abc import Awaitable, Callable, Mapping
from functools import partial

from mission_control.attestation import run as attestation
from mission_control.durable_copy.copying import CopyDestination, KeepingParts
from mission_control.durable_copy.run import copy_durably
from mission_control.errors import StorageError
from mission_control.history.reader import HistoryReader
from mission_control.last_known_good import run as last_known_good
from mission_control.last_known_good.run import BuildFacts
from mission_control.ops_bundle import run as ops_bundle
from mission_control.ops_bundle.run import BundleKind
from mission_control.readiness import run as readiness
from mission_control.records.run_origin import RunOrigin
from mission_control.retention.run import report_retention
from mission_control.schedule.job import JobParts
from mission_control.schedule.model import Job
from mission_control.schedule.planned_run import Runner


def job_runners(
    parts: JobParts,
    keeping: KeepingParts,
    history: HistoryReader | None,
    find_build: Callable[[], Awaitable[BuildFacts]],
    find_destination: Callable[[], CopyDestination | None],
) -> Mapping[Job, Runner]:
    """Return what runs each job; the place of the durable copy is found for each run of it."""

    async def copy(origin: RunOrigin) -> object:
        destination = find_destination()
        if destination is None:
            raise StorageError("no durable copy is configured", path="durable_copy")
        return await copy_durably(keeping, destination, origin)

    return {
        Job.PRE_MARKET: partial(ops_bundle.run, BundleKind.PRE_MARKET, parts),
        Job.PRE_OPEN: partial(readiness.run, parts),
        Job.OPEN_VERIFICATION: partial(readiness.run, parts, with_deploy_report=True),
        Job.INTRADAY_SAMPLE: partial(ops_bundle.sample_floor, parts),
        Job.POST_MARKET: partial(ops_bundle.run, BundleKind.POST_MARKET, parts),
        Job.LKG_CAPTURE: partial(last_known_good.run, parts, find_build=find_build),
        Job.ATTESTATION: partial(attestation.run, keeping, history),
        Job.RETENTION: partial(report_retention, keeping),
        Job.DURABLE_COPY: copy,
    }
