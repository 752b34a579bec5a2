"""Fixtures: a real API server for the tests of one file, with our account and the calm fleet."""

from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from mission_control.model.fleet import ClusterAccess
from tests.real_cluster.kube_apiserver import RealApiServer, find_assets, openssl_is_here
from tests.real_parts import lacking

RBAC = Path(__file__).parents[2] / "deploy" / "kubernetes" / "rbac" / "rbac.yaml"
NAMESPACES = ("agenttrader", "trading-floor")


@pytest.fixture(scope="module")
def server(tmp_path_factory) -> Iterator[RealApiServer]:
    """Run a real API server, with both namespaces and our own account applied to it."""
    assets = find_assets()
    if assets is None or not openssl_is_here():
        lacking("no kube-apiserver, etcd and kubectl in KUBEBUILDER_ASSETS, or no openssl")
    real = RealApiServer(tmp_path_factory.mktemp("kubernetes"), assets)
    real.start()
    try:
        for namespace in NAMESPACES:
            real.kubectl("create", "namespace", namespace)
        real.kubectl("apply", "-f", str(RBAC))
        yield real
    finally:
        real.stop()


@pytest.fixture(scope="module")
def our_kubeconfig(server) -> Path:
    """Write a kubeconfig for our own service account, with a token of its own."""
    return server.kubeconfig("mission-control", server.token_of("trading-floor", "mission-control"))


@pytest.fixture
def access_by() -> Callable[[Path], ClusterAccess]:
    """Return the access by a kubeconfig, to both namespaces."""
    return lambda path: ClusterAccess(NAMESPACES, "trading-floor", kubeconfig=str(path))
