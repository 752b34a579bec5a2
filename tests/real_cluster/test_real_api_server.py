"""The cluster reader against a real kube-apiserver: everything runs as our own account."""

import asyncio
import os
import signal
from contextlib import asynccontextmanager
from dataclasses import replace

import httpx
import pytest

from mission_control.bootstrap.clock import real_clock
from mission_control.cluster.model.facts import REQUIRED_LISTS
from mission_control.cluster.model.resources import RESOURCES, STARTERS
from mission_control.cluster.read.api_server import ApiServer
from mission_control.cluster.read.examination import examine_cluster
from mission_control.cluster.read.lister import ClusterLister
from mission_control.cluster.read.objects import ObjectReader
from mission_control.cluster.read.observer import ClusterObserver, ConfigMapSwitch
from mission_control.model.reading import Seen, UnseenReason
from mission_control.simulation.cluster_api import SimulatedCluster, Staging
from mission_control.simulation.scenario import ClusterStage
from tests.real_cluster.kube_apiserver import NO_RIGHTS
from tests.real_cluster.scene import AT, set_scene

pytestmark = pytest.mark.anyio

OURS = "system:serviceaccount:trading-floor:mission-control"


@pytest.fixture(scope="module", autouse=True)
def calm(server):
    """Store the calm fleet."""
    set_scene(server)


@asynccontextmanager
async def reading(access):
    """Return a lister for the time of a block."""
    lister = ClusterLister(ApiServer(access), real_clock)
    try:
        yield lister
    finally:
        await lister.server.forget()


async def test_our_account_reads_everything_it_needs(our_kubeconfig, access_by):
    """
    As our own service account every resource of every namespace is readable, and no more (R10.3).
    """
    async with reading(access_by(our_kubeconfig)) as lister:
        seen = await examine_cluster(lister)

    unseen = [r.source for r in seen.lists if not isinstance(r.reading, Seen)]
    assert [] == unseen
    expected = 2 * (sum(r.namespaced for r in RESOURCES.values()) + len(STARTERS)) + 4
    assert expected == len(seen.lists)
    assert seen.verified
    assert OURS == seen.account.who
    assert True is seen.account.read_only
    assert dict.fromkeys(("agenttrader", "trading-floor"), True) == {
        n: isinstance(r, Seen) for n, r in seen.namespaces
    }


async def test_what_is_read_is_what_is_stored(our_kubeconfig, access_by):
    """The real server's objects give the very facts that the simulated API gives for them."""
    async with reading(access_by(our_kubeconfig)) as lister:
        real = await ClusterObserver(lister).read()
    simulated = SimulatedCluster(lambda: Staging(AT, ClusterStage(), "1"), old=True)
    access = access_by(our_kubeconfig)
    api = ApiServer(access, open_=lambda _: httpx.ASGITransport(simulated.app))
    pretended = await ClusterObserver(ClusterLister(api, lambda: AT)).read()

    assert all(isinstance(r.reading, Seen) and not r.odd for r in real.lists)
    assert [_normal(w) for w in pretended.workloads] == [_normal(w) for w in real.workloads]
    assert [_plain(p) for p in pretended.pods] == [_plain(p) for p in real.pods]
    assert pretended.config_maps == real.config_maps


def why(read):
    """Return why a list was not seen; None where it was."""
    return getattr(read.reading, "reason", None)


def _normal(workload):
    """Leave out what a real server fills in of itself."""
    containers = tuple(replace(c, pull_policy="") for c in workload.containers)
    added = {"controller-uid", "job-name"}
    labels = {k: v for k, v in workload.labels.items() if k not in added}
    pod_labels = {k: v for k, v in workload.pod_labels.items() if k not in added}
    return replace(workload, containers=containers, labels=labels, pod_labels=pod_labels)


def _plain(pod):
    containers = tuple(replace(c, pull_policy="") for c in pod.containers)
    return replace(pod, containers=containers, uid="")  # which the real server gives


async def test_the_config_map_is_heard(server, our_kubeconfig, access_by):
    """1 is engaged; absent or without the key is something seen, not something missing."""
    path = "/api/v1/namespaces/trading-floor/configmaps/agenttrader-kill-switch"
    async with reading(access_by(our_kubeconfig)) as lister:
        switch_source = ConfigMapSwitch(lister, "trading-floor")
        engaged = await switch_source.read()
        held = server.ask("GET", path).json()
        server.ask("PUT", path, {**held, "data": {"OTHER": "1"}}).raise_for_status()
        without = await switch_source.read()
        server.ask("DELETE", path).raise_for_status()
        absent = await switch_source.read()
        meta = {k: v for k, v in held["metadata"].items() if k in {"name", "namespace"}}
        back = {**held, "metadata": meta}
        server.ask("POST", path.rsplit("/", 1)[0], back).raise_for_status()

    assert ("1", "") == (getattr(engaged.reading, "value", None), engaged.absent)
    assert "the ConfigMap has no EXECUTION_HALTED" == without.absent
    assert "the ConfigMap does not exist" == absent.absent


REFUSED = [
    ("GET", "/api/v1/namespaces/trading-floor/secrets"),
    ("GET", "/api/v1/secrets"),
    ("GET", "/api/v1/namespaces/kube-system/configmaps"),
    ("GET", "/api/v1/namespaces/trading-floor/pods/gamma-strategy-0/exec?command=sh&stdout=true"),
    ("GET", "/api/v1/namespaces/trading-floor/pods/gamma-strategy-0/attach?stdout=true"),
    ("GET", "/api/v1/namespaces/trading-floor/pods/gamma-strategy-0/portforward"),
    ("GET", "/api/v1/namespaces/trading-floor/pods/gamma-strategy-0/proxy/"),
    ("GET", "/api/v1/namespaces/trading-floor/services/strategy-engine/proxy/"),
    ("GET", "/api/v1/nodes/node-1/proxy/run"),
    ("POST", "/api/v1/namespaces/trading-floor/pods"),
    ("PUT", "/api/v1/namespaces/trading-floor/configmaps/agenttrader-kill-switch"),
    ("PATCH", "/apis/apps/v1/namespaces/trading-floor/deployments/execution-engine/scale"),
    ("DELETE", "/apis/apps/v1/namespaces/trading-floor/deployments/strategy-engine"),
    ("DELETE", "/api/v1/namespaces/trading-floor/pods"),
    ("POST", "/api/v1/namespaces/trading-floor/pods/gamma-strategy-0/eviction"),
    ("POST", "/apis/rbac.authorization.k8s.io/v1/namespaces/trading-floor/rolebindings"),
    ("POST", "/api/v1/namespaces/trading-floor/serviceaccounts/trading-floor-sa/token"),
]


@pytest.mark.parametrize(("method", "path"), REFUSED, ids=lambda v: str(v)[-60:])
def test_the_real_server_refuses_our_account(server, method, path):
    """Even past every guard of ours, our account cannot read secrets, open streams or write."""
    token = server.token_of("trading-floor", "mission-control")

    assert 403 == server.ask(method, path, {} if method != "GET" else None, token).status_code


async def test_an_account_without_rights_is_told_so(server, access_by):
    """Each list is denied with the server's own words, which verify who we are."""
    config = server.kubeconfig("no-rights", NO_RIGHTS)
    async with reading(access_by(config)) as lister:
        facts = await ClusterObserver(lister).read()
        account = await ObjectReader(lister).account()

    optional = {name for name, each in STARTERS.items() if each.optional}  # not installed here
    installed = [r for r in facts.lists if r.resource not in optional]
    assert {UnseenReason.DENIED} == {why(r) for r in installed}
    assert {*REQUIRED_LISTS} <= {r.resource for r in installed}
    assert 'User "no-rights" cannot list' in getattr(installed[0].reading, "detail", "")
    assert ("no-rights", True, None) == (account.who, account.verified, account.read_only)


async def test_an_unknown_token_is_denied_and_read_again(server, access_by):
    """After a 401 the kubeconfig is read again: a token that was renewed is used at once."""
    config = server.kubeconfig("late", "wrong-token")
    async with reading(access_by(config)) as lister:
        before = await ClusterObserver(lister).read()
        server.kubeconfig("late", "admin-token")
        after = await ClusterObserver(lister).read()

    assert {UnseenReason.DENIED} == {why(r) for r in before.lists}
    assert all(isinstance(r.reading, Seen) for r in after.lists)


async def test_an_unverified_certificate_is_no_way_in(server, our_kubeconfig, access_by):
    """A server whose certificate the kubeconfig's authority did not sign is not spoken to."""
    other = server.folder / "other.kubeconfig"
    bundle = "/etc/ssl/certs/ca-certificates.crt"
    text = our_kubeconfig.read_text().replace(str(server.folder / "certs/apiserver.crt"), bundle)
    other.write_text(text)
    async with reading(access_by(other)) as lister:
        facts = await ClusterObserver(lister).read()

    assert {UnseenReason.TLS_FAILURE} == {why(r) for r in facts.lists}


async def test_many_pages_give_one_whole_list(server, our_kubeconfig, access_by, monkeypatch):
    """A list read seven objects at a time holds what one read whole does."""
    monkeypatch.setattr("mission_control.cluster.read.lister.PAGE_LIMIT", 7)
    async with reading(access_by(our_kubeconfig)) as lister:
        before = lister.server.sent["GET"]
        facts = await ClusterObserver(lister).read()
        asked = lister.server.sent["GET"] - before

    simulated = SimulatedCluster(lambda: Staging(AT, ClusterStage(), "1"), old=True)
    api = ApiServer(access_by(our_kubeconfig), open_=lambda _: httpx.ASGITransport(simulated.app))
    whole = await ClusterObserver(ClusterLister(api, lambda: AT)).read()
    assert asked > 2 * (len(REQUIRED_LISTS) + 1)
    assert [p.key for p in whole.pods] == [p.key for p in facts.pods]


async def test_the_api_server_dies_and_comes_back(server, our_kubeconfig, access_by):
    """A dead API is a named reason for every list; the next round after it is back is whole."""
    process = server.processes[1]
    async with reading(access_by(our_kubeconfig)) as lister:
        observer = ClusterObserver(lister)
        assert all(isinstance(r.reading, Seen) for r in (await observer.read()).lists)
        process.send_signal(signal.SIGSTOP)  # it hangs, its sockets stay open
        # Sent is not stopped: on a busy machine its other threads would answer on for a while.
        _, status = await asyncio.to_thread(os.waitpid, process.pid, os.WUNTRACED)
        assert os.WIFSTOPPED(status)
        began = asyncio.get_running_loop().time()
        hung = await observer.read()
        took = asyncio.get_running_loop().time() - began
        process.send_signal(signal.SIGCONT)
        again = await observer.read()

    assert {UnseenReason.TIMEOUT} == {why(r) for r in hung.lists}
    assert took < 12
    assert all(isinstance(r.reading, Seen) for r in again.lists)
