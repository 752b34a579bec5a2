"""Whatever a run reads of the cluster it reads once, however many of its steps need it."""

import ssl
from collections import Counter
from urllib.parse import urlsplit

import httpx
import pytest

from mission_control.cluster.read.api_server import ApiServer
from mission_control.cluster.read.credentials import Endpoint
from mission_control.cluster.read.lister import ClusterLister
from mission_control.cluster.read.objects import ObjectReader
from mission_control.deploy_report import run as deploy_report
from mission_control.ops_bundle import run as ops_bundle
from mission_control.ops_bundle.run import BundleKind
from mission_control.readiness import run as readiness
from mission_control.simulation.cluster_api import ACCOUNT, SimulatedCluster, Staging
from mission_control.simulation.scenario import ApiFault, ClusterStage
from tests.floor.cluster_of_values import ACCESS, ClusterFloor
from tests.floor.floor_of_values import NOW
from tests.schedule.day_of_values import ORIGIN, job_parts

pytestmark = pytest.mark.anyio
FLOOR = "trading-floor"
SHARED = {
    "/api/v1/nodes",
    f"/api/v1/namespaces/{FLOOR}/services",
    f"/apis/rbac.authorization.k8s.io/v1/namespaces/{FLOOR}/roles",
}
"""What more than one step of these runs needs."""


class Counted:
    """A simulated API server that counts what is asked for, pages of one list as one."""

    def __init__(self, stage=None):
        """Serve this stage, the calm one where none is given."""
        self.stage, self.asked = stage or ClusterStage(), Counter()
        self.api = SimulatedCluster(lambda: Staging(NOW, self.stage, "1"))

    async def app(self, scope, receive, send):
        """Count one question, and answer it."""
        query = urlsplit(f"?{scope['query_string'].decode()}").query
        if "continue=" not in query and not scope["path"].endswith("/log"):
            self.asked[scope["path"]] += 1
        await self.api.app(scope, receive, send)

    def further(self):
        """Return what jobs read of this cluster with."""

        async def found(_access):
            context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)  # which plain HTTP has no use for
            return Endpoint(
                "http://cluster", context, None, lambda: "Bearer t", ACCOUNT, verified=True
            )

        server = ApiServer(ACCESS, load=found, open_=lambda _: httpx.ASGITransport(self.app))
        return ObjectReader(ClusterLister(server, lambda: NOW))


def readiness_with_deploy_report(parts):
    """Judge readiness, and record the deploy report beside it."""
    return readiness.run(parts, ORIGIN, with_deploy_report=True)


def bundle(parts):
    """Make a bundle."""
    return ops_bundle.run(BundleKind.PRE_MARKET, parts, ORIGIN)


@pytest.mark.parametrize("job", [readiness_with_deploy_report, bundle])
@pytest.mark.parametrize(
    "stage",
    [ClusterStage(), ClusterStage(faults={("*", "services"): ApiFault.DENIED})],
    ids=["calm", "denied"],
)
async def test_each_list_is_read_exactly_once(tmp_path, job, stage):
    """Readiness and the deploy report hand each other what they read, also what was denied."""
    cluster = Counted(stage)
    await job(job_parts(tmp_path, ClusterFloor().decide(), further=cluster.further()))

    assert cluster.asked.keys() >= SHARED
    assert {1} == set(cluster.asked.values()), cluster.asked.most_common(3)


async def test_a_deploy_report_reads_each_list_once(tmp_path):
    """The Services are reported, and digested with the other specifications."""
    cluster = Counted()
    parts = job_parts(tmp_path, ClusterFloor().decide(), further=cluster.further())
    await deploy_report.run(parts, ORIGIN)

    assert {1} == set(cluster.asked.values()), cluster.asked.most_common(3)


async def test_the_next_run_reads_again(tmp_path):
    """What one run read is no evidence of the next."""
    cluster = Counted()
    parts = job_parts(tmp_path, ClusterFloor().decide(), further=cluster.further())
    for _ in range(2):
        await readiness.run(parts, ORIGIN)

    assert 2 == cluster.asked["/api/v1/nodes"]
