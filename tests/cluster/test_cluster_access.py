"""How the API server is found and who we are to it: real files, real plugins, real sockets."""

import asyncio
import atexit
import base64
import json
import logging
import os
import shutil
import ssl
import stat
import subprocess
import sys
import tempfile
from collections.abc import AsyncIterator
from datetime import UTC, datetime
from pathlib import Path

import httpx
import pytest
import yaml
from kubernetes.config import kube_config

from mission_control.cluster.read import api_server as api_server_module
from mission_control.cluster.read import credentials as credentials_module
from mission_control.cluster.read import kubeconfig as kubeconfig_module
from mission_control.cluster.read.api_server import ApiServer, BadAnswerError
from mission_control.cluster.read.credentials import CredentialDesk
from mission_control.cluster.read.examination import examine_cluster
from mission_control.cluster.read.guard import ClusterGuard
from mission_control.cluster.read.lister import ClusterLister
from mission_control.cluster.read.objects import ObjectReader
from mission_control.cluster.read.observer import ClusterObserver
from mission_control.model.fleet import ClusterAccess
from mission_control.model.reading import Seen, Unseen, UnseenReason
from mission_control.probe.transport import RefusedRequest
from tests.ports import PATIENCE_SECONDS
from tests.probe.conftest import make_certificate

pytestmark = pytest.mark.anyio

AT = datetime(2026, 11, 18, 15, 15, tzinfo=UTC)
FLOOR = "trading-floor"
TOKEN, SECRET = "t", "hunter2-hunter2"
JWT = "eyJhbGciOiJub25lIn0.eyJzdWIiOiJ4In0.c2lnbmF0dXJl"
PROXIES = ("HTTPS_PROXY", "HTTP_PROXY", "ALL_PROXY", "https_proxy", "http_proxy", "all_proxy")
LISTS = {
    "configmaps": "ConfigMap", "cronjobs": "CronJob", "daemonsets": "DaemonSet",
    "deployments": "Deployment", "events": "Event", "jobs": "Job", "pods": "Pod",
    "replicasets": "ReplicaSet", "statefulsets": "StatefulSet", "roles": "Role",
    "rolebindings": "RoleBinding", "clusterroles": "ClusterRole",
    "clusterrolebindings": "ClusterRoleBinding",
}  # fmt: skip
STARTERS = {
    "horizontalpodautoscalers": "HorizontalPodAutoscaler",
    "replicationcontrollers": "ReplicationController",
}
OFFERED = {
    "resources": [{"name": "cronjobs"}, {"name": "horizontalpodautoscalers"}, {"name": "jobs"}],
    "kind": "APIGroupList",
    "groups": [{"name": "apps"}, {"name": "batch"}],
}


class Api:
    """An API server on loopback with empty lists; it knows the users of its `tokens`, if any."""

    def __init__(self) -> None:
        """Serve nothing yet."""
        self.heads: list[str] = []
        self.tokens: set[str] = set()
        self.prefix = ""
        self.hangs = False
        self.port = 0
        self._server: asyncio.Server | None = None
        self._talking: dict[asyncio.StreamWriter, asyncio.Task[None] | None] = {}

    async def start(self, tls: ssl.SSLContext | None = None, port: int = 0) -> None:
        """Serve at a port, any free one for 0."""
        self._server = await asyncio.start_server(self._talk, "127.0.0.1", port, ssl=tls)
        self.port = self._server.sockets[0].getsockname()[1]

    async def stop(self) -> None:
        """Serve no more, and hang up on all."""
        if self._server is not None:
            self._server.close()
        talking = [task for task in self._talking.values() if task is not None]
        for writer in self._talking:
            writer.transport.abort()
        for task in talking:
            task.cancel()
        await asyncio.gather(*talking, return_exceptions=True)

    async def _talk(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self._talking[writer] = asyncio.current_task()
        try:
            while head := (await reader.readuntil(b"\r\n\r\n")).decode():
                self.heads.append(head)
                if self.hangs:
                    await asyncio.Event().wait()
                status, body = self._answer(head)
                size = f"content-length: {len(body)}\r\ncontent-type: application/json"
                writer.write(f"HTTP/1.1 {status}\r\n{size}\r\n\r\n".encode() + body)
                await writer.drain()
        except (asyncio.IncompleteReadError, ConnectionError, ssl.SSLError):
            pass
        finally:
            self._talking.pop(writer, None)
            writer.close()

    def _answer(self, head: str) -> tuple[str, bytes]:
        path = head.split()[1].partition("?")[0]
        if self.tokens and not any(
            f"authorization: bearer {t}\r\n" in head.lower() for t in self.tokens
        ):
            return "401 Unauthorized", b'{"message": "Unauthorized"}'
        if not path.startswith(f"{self.prefix}/"):
            return "404 Not Found", b"{}"
        name = path.rpartition("/")[2]
        if kind := (LISTS | STARTERS).get(name):
            return "200 OK", json.dumps({"kind": f"{kind}List", "items": []}).encode()
        return "200 OK", json.dumps({"gitVersion": "v1.33.0", **OFFERED}).encode()

    @property
    def authorizations(self) -> list[str]:
        """List the Authorization headers that came, empty for none."""
        told = [
            [h for h in head.split("\r\n") if h.lower().startswith("auth")] for head in self.heads
        ]
        return [lines[0].partition(": ")[2] if lines else "" for lines in told]


@pytest.fixture
async def api() -> AsyncIterator[Api]:
    """Yield an API server, which a test starts."""
    served = Api()
    yield served
    await served.stop()


@pytest.fixture(autouse=True)
def own_environment(monkeypatch) -> None:
    """Start without any variable that says where a cluster is, or a proxy."""
    for name in (*PROXIES, "NO_PROXY", "no_proxy", "KUBECONFIG", "SSL_CERT_FILE"):
        monkeypatch.delenv(name, raising=False)


class Reading:
    """What reads one cluster, and what it is told by files below a folder."""

    def __init__(self, folder: Path, clock=lambda: AT, **access: object) -> None:
        """Read by the kubeconfig of this folder, unless it is told otherwise."""
        self.config = folder / "config"
        given = {"kubeconfig": str(self.config), **access}
        self.server = ApiServer(ClusterAccess((FLOOR,), FLOOR, **given), clock=clock)  # type: ignore[arg-type]
        self.lister = ClusterLister(self.server, clock)

    def write(self, url: str, user: object = None, **cluster: object) -> None:
        """Write the kubeconfig."""
        self.config.write_text(kubeconfig(url, user, **cluster))  # type: ignore[arg-type]

    async def codes(self) -> set[str | None]:
        """Read a round, and say how its lists went: None for one that was seen."""
        facts = await ClusterObserver(self.lister).read()
        return {r.reading.code if isinstance(r.reading, Unseen) else None for r in facts.lists}

    async def why(self) -> str:
        """Return why nothing can be asked; empty where it can."""
        try:
            await self.server.prepare()
        except BadAnswerError as bad:
            return bad.detail if bad.reason is UnseenReason.UNREADABLE else bad.reason
        return ""


@pytest.fixture
async def reading(tmp_path) -> AsyncIterator[Reading]:
    """Yield what reads a cluster by a kubeconfig."""
    made = Reading(tmp_path)
    yield made
    await made.server.forget()


def kubeconfig(url: str, user: object = None, *, context: str = "here", **cluster: object) -> str:
    """Write a kubeconfig of one cluster and one user."""
    held = {"server": url, **{k.replace("_", "-"): v for k, v in cluster.items()}}
    return yaml.safe_dump(
        {
            "current-context": context,
            "clusters": [{"name": "c", "cluster": held}],
            "users": [{"name": "u", "user": {"token": "t"} if user is None else user}],
            "contexts": [{"name": context, "context": {"cluster": "c", "user": "u"}}],
        }
    )


def plugin(folder: Path, body: str, name: str = "plugin", **more: object) -> dict[str, object]:
    """Write a plugin as a shell script, and give the user that it logs in."""
    path = folder / name
    path.write_text(f"#!/bin/sh\n{body}\n")
    path.chmod(0o755)
    version = "client.authentication.k8s.io/v1"
    return {"exec": {"apiVersion": version, "command": str(path), **more}}


def credential(**status: object) -> str:
    """Print what a plugin answers."""
    told = {
        "apiVersion": "client.authentication.k8s.io/v1",
        "kind": "ExecCredential",
        "status": status,
    }
    return f"cat <<'END'\n{json.dumps(told)}\nEND"


def tls(certificate: tuple[Path, Path]) -> ssl.SSLContext:
    """Serve by this certificate."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(*certificate)
    return context


@pytest.mark.parametrize("name", PROXIES)
async def test_a_proxy_of_the_environment_never_reaches_the_cluster(
    api, reading, monkeypatch, name
):
    """A proxy that is there for other things changes nothing: the API server itself is asked."""
    await api.start()
    monkeypatch.setenv(name, "http://127.0.0.1:9")
    monkeypatch.setenv("NO_PROXY", "nowhere.example")
    reading.write(f"http://127.0.0.1:{api.port}")

    assert {None} == await reading.codes()


async def test_a_proxy_is_ignored_on_https_as_well(api, reading, monkeypatch, certificate):
    """The certificate's own server answers; authorities of the environment count for nothing."""
    other, _ = make_certificate(certificate[0].parent / "other")
    await api.start(tls(certificate))
    for name in PROXIES:
        monkeypatch.setenv(name, "http://127.0.0.1:9")
    monkeypatch.setenv("SSL_CERT_FILE", str(other))
    monkeypatch.setenv("REQUESTS_CA_BUNDLE", str(other))
    reading.write(f"https://127.0.0.1:{api.port}", certificate_authority=str(certificate[0]))

    assert {None} == await reading.codes()


async def test_a_proxy_of_the_kubeconfig_is_refused_by_name(reading, monkeypatch):
    """What the kubeconfig itself asks for is told, also where the environment says the same."""
    monkeypatch.setenv("HTTPS_PROXY", "http://127.0.0.1:9")
    reading.write("https://127.0.0.1:1", proxy_url="http://127.0.0.1:9")

    assert "cluster c of the kubeconfig wants a proxy-url" in await reading.why()


@pytest.mark.parametrize(
    ("told", "prefix"),
    [
        ("/k8s/clusters/c-x", "/k8s/clusters/c-x"),
        ("/k8s/clusters/c-x/", "/k8s/clusters/c-x"),
        ("/k8s/clusters/c%20x", "/k8s/clusters/c%20x"),
        ("/k8s/clusters/c%3Ax~1", "/k8s/clusters/c%3Ax~1"),
        ("/", ""),
    ],
)
async def test_an_api_below_a_path_is_read(api, reading, told, prefix):
    """A server with a path before the API, as Rancher has it, is read whole below that path."""
    api.prefix = prefix
    await api.start()
    reading.write(f"http://127.0.0.1:{api.port}{told}")
    examined = await examine_cluster(reading.lister)

    assert {None} == await reading.codes()
    assert "" == examined.unreachable
    assert all(
        head.startswith((f"GET {prefix}/api", f"GET {prefix}/version")) for head in api.heads
    )


@pytest.mark.parametrize(
    "told",
    [
        "/k8s/../c", "/k8s/./c", "/k8s/%2e%2e/c", "/k8s/%2E./c", "/k8s/%252e%252e/c",
        "/k8s/c%2Fd", "/k8s//c", "/k8s/c%5Cd", "/k8s/c%00", "/k8s/c%3Fx", "/k8s/c?x=1",
        "/k8s/c#x", "/k8s/c d", "/k8s/c%zz",
    ],
)  # fmt: skip
async def test_an_ambiguous_path_is_refused(reading, told):
    """A path that could be another one where it is decoded once more is not sent anywhere."""
    reading.write(f"http://127.0.0.1:1{told}")

    assert "server" in await reading.why()
    assert reading.server.endpoint is None


@pytest.mark.parametrize(
    "url", ["http://me:pass@127.0.0.1:1", "127.0.0.1:6443", "ftp://h", "https://", "http://h:99999"]
)
async def test_what_is_no_server_is_refused_by_name(reading, url):
    """It is said that the server is wrong, and no password that it holds is."""
    reading.write(url)
    why = await reading.why()

    assert "its server" in why
    assert "pass@" not in why


@pytest.mark.parametrize(
    "path",
    [
        "/api/v1/namespaces/trading-floor/pods",
        "/k8s/clusters/c-y/api/v1/namespaces/trading-floor/pods",
        "/k8s/clusters/c-x/../c-y/api/v1/namespaces/trading-floor/pods",
        "/k8s/clusters/c-x%2F..%2Fc-y/api/v1/namespaces/trading-floor/pods",
        "/k8s/clusters/c-xx/api/v1/namespaces/trading-floor/pods",
        "/k8s/clusters/c-x/k8s/clusters/c-x/api/v1/namespaces/trading-floor/pods",
        "/k8s/clusters/c-x/api/v1/namespaces/trading-floor/secrets",
        "/k8s/clusters/c-x/v3/tokens",
        "/k8s/clusters/c-x",
        "/v3/users",
    ],
)
async def test_nothing_outside_the_path_is_asked_for(path):
    """Below the path the list of what is read holds as ever, and beside it nothing is."""
    inner = httpx.MockTransport(lambda _: httpx.Response(200))
    guard = ClusterGuard(inner, (FLOOR,), "/k8s/clusters/c-x")
    allowed = "http://h/k8s/clusters/c-x/api/v1/namespaces/trading-floor/pods"
    assert 200 == (await guard.handle_async_request(httpx.Request("GET", allowed))).status_code

    with pytest.raises(RefusedRequest):
        await guard.handle_async_request(httpx.Request("GET", f"http://h{path}"))


async def test_a_rotated_authority_is_followed_at_once(api, reading, certificate):
    """A new server certificate by a new authority costs no round, and needs no restart."""
    other = make_certificate(certificate[0].parent / "other")
    await api.start(tls(certificate))
    authority = reading.config.parent / "ca.crt"
    shutil.copy(certificate[0], authority)
    url = f"https://127.0.0.1:{api.port}"
    reading.write(url, certificate_authority="ca.crt")
    before = await reading.codes()
    await api.stop()
    await api.start(tls(other), api.port)
    shutil.copy(other[0], authority)

    assert {None} == before == await reading.codes()


async def test_an_authority_that_lags_is_a_reason_until_it_comes(api, reading, certificate):
    """While only the server has the new certificate it is not spoken to; then it is again."""
    other = make_certificate(certificate[0].parent / "other")
    await api.start(tls(certificate))
    authority = reading.config.parent / "ca.crt"
    shutil.copy(certificate[0], authority)
    reading.write(f"https://127.0.0.1:{api.port}", certificate_authority=str(authority))
    await reading.codes()
    await api.stop()
    await api.start(tls(other), api.port)
    between = await reading.codes()
    shutil.copy(other[0], authority)

    assert {"TLS_FAILURE"} == between
    assert {None} == await reading.codes()


async def test_a_server_that_moved_is_followed_at_once(api, reading):
    """The kubeconfig names another port, and the old one refuses: the very next list is read."""
    await api.start()
    reading.write(f"http://127.0.0.1:{api.port}")
    before = await reading.codes()
    await api.stop()
    moved = Api()
    await moved.start()
    reading.write(f"http://127.0.0.1:{moved.port}")
    after = await reading.codes()
    await moved.stop()

    assert {None} == before == after
    assert moved.heads


async def test_a_half_written_kubeconfig_leaves_the_earlier_one_in_force(api, reading, monkeypatch):
    """It is said, and ends, without a restart, when the file is whole again."""
    monkeypatch.setattr(api_server_module, "SETTLED_SECONDS", 0.0)
    await api.start()
    reading.write(f"http://127.0.0.1:{api.port}")
    await reading.codes()
    whole = reading.config.read_text()
    reading.config.write_text(whole[: len(whole) // 2])
    during = [await ClusterObserver(reading.lister).read() for _ in range(2)]
    reading.config.write_text(whole + "\n")
    after = [await ClusterObserver(reading.lister).read() for _ in range(2)]

    assert all(isinstance(r.reading, Seen) for facts in (*during, *after) for r in facts.lists)
    assert "changed and cannot be used" in during[-1].outdated
    assert "" == after[-1].outdated


async def test_a_file_that_still_changes_is_not_taken(api, reading):
    """What was seen to change only now may be half written: it is taken when it has settled."""
    await api.start()
    reading.write(f"http://127.0.0.1:{api.port}")
    await reading.codes()
    reading.write(f"http://127.0.0.1:{api.port}", {"token": "half"})
    await reading.codes()

    assert {"Bearer t"} == set(api.authorizations)


@pytest.mark.parametrize("revoked", [True, False], ids=["the old one is revoked", "both serve"])
async def test_a_rotated_token_file_is_read_again(api, reading, monkeypatch, revoked):
    """A token's file that changes is used at once after a 401, and otherwise when it settled."""
    monkeypatch.setattr(api_server_module, "SETTLED_SECONDS", 0.0)
    await api.start()
    token = reading.config.parent / "token"
    token.write_text("first\n")
    api.tokens = {"first"}
    reading.write(f"http://127.0.0.1:{api.port}", {"tokenFile": "token", "token": "never"})
    before = await reading.codes()
    token.write_text("second\n")
    api.tokens = {"second"} if revoked else {"first", "second"}
    after = [await reading.codes() for _ in range(2)]

    assert [{None}, {None}] == after
    assert {None} == before
    assert "Bearer second" == api.authorizations[-1]


async def test_the_account_of_a_pod_is_read_again_when_its_links_are_swapped(
    api, tmp_path, monkeypatch, certificate
):
    """A kubelet swaps the link to a folder: token and authority are new, the names are not."""
    other = make_certificate(tmp_path / "other")
    for name, (cert, _) in (("one", certificate), ("two", other)):
        (tmp_path / name).mkdir()
        (tmp_path / name / "token").write_text(f"token-{name}\n")
        shutil.copy(cert, tmp_path / name / "ca.crt")
    (tmp_path / "..data").symlink_to("one")
    for name in ("token", "ca.crt"):
        (tmp_path / name).symlink_to(f"..data/{name}")
    monkeypatch.setattr(kubeconfig_module, "SERVICE_ACCOUNT", tmp_path)
    await api.start(tls(certificate))
    monkeypatch.setenv("KUBERNETES_SERVICE_HOST", "127.0.0.1")
    monkeypatch.setenv("KUBERNETES_SERVICE_PORT", str(api.port))
    reading = Reading(tmp_path, in_cluster=True, kubeconfig=None)
    before = await reading.codes()
    await api.stop()
    await api.start(tls(other), api.port)
    (tmp_path / "..new").symlink_to("two")
    (tmp_path / "..new").replace(tmp_path / "..data")
    after = await reading.codes()
    await reading.server.forget()

    assert {None} == before == after
    assert "Bearer token-two" == api.authorizations[-1]


async def test_a_pod_on_ipv6_finds_its_server(tmp_path, monkeypatch, certificate):
    """An address of IPv6 is written into a URL as one."""
    shutil.copy(certificate[0], tmp_path / "ca.crt")
    (tmp_path / "token").write_text("t")
    monkeypatch.setattr(kubeconfig_module, "SERVICE_ACCOUNT", tmp_path)
    monkeypatch.setenv("KUBERNETES_SERVICE_HOST", "fd00::1")
    monkeypatch.setenv("KUBERNETES_SERVICE_PORT", "443")
    reading = Reading(tmp_path, in_cluster=True, kubeconfig=None)

    assert "" == await reading.why()
    endpoint = reading.server.endpoint
    assert endpoint is not None
    assert httpx.URL(endpoint.host).host == "fd00::1"


async def test_who_is_impersonated_is_sent(api, reading):
    """`as` and what belongs to it are obeyed with every request, and said of our account."""
    await api.start()
    user = {
        "token": "t", "as": "system:serviceaccount:n:s", "as-groups": ["a", "b"], "as-uid": "7",
        "as-user-extra": {"Why/what": ["x"]},
    }  # fmt: skip
    reading.write(f"http://127.0.0.1:{api.port}", user)
    account = await ObjectReader(reading.lister).account()
    told = [line for line in api.heads[-1].split("\r\n") if line.lower().startswith("imp")]

    assert [
        "impersonate-user: system:serviceaccount:n:s", "impersonate-uid: 7", "impersonate-group: a",
        "impersonate-group: b", "impersonate-extra-why%2Fwhat: x",
    ] == told  # fmt: skip
    assert ("system:serviceaccount:n:s", None) == (account.who, account.read_only)
    assert "the bearer of an opaque token may do" in account.detail


ODD_USERS = [
    pytest.param({"token": "t", "as-groups": ["a"]}, "and no user", id="groups alone"),
    pytest.param({"token": "t", "as": "a\r\nx: y"}, "no header can", id="a header in a name"),
    pytest.param({"token": "a\nb"}, "no header can", id="a token of two lines"),
    pytest.param({"token": ""}, "names no credentials", id="an empty token"),
    pytest.param({"tokenfile": "x"}, "names no credentials", id="an unknown word"),
    pytest.param({"tokenFile": "missing"}, "No such file", id="no token file"),
    pytest.param({"tokenFile": "empty"}, "it is empty", id="an empty token file"),
    pytest.param({"tokenFile": "."}, "a folder", id="a folder for a token"),
    pytest.param({"username": "me"}, "and not both", id="no password"),
    pytest.param({"client-certificate-data": "eA=="}, "client-key is missing", id="no key"),
    pytest.param({"client-certificate": "gone", "client-key": "gone"}, "No such", id="no files"),
    pytest.param(
        {"client-certificate-data": "eA==", "client-key-data": "eA=="},
        "certificate and key", id="no certificate",
    ),
    pytest.param({"client-certificate-data": "%%"}, "not base64", id="no base64"),
    pytest.param({"exec": "x"}, "is not a mapping", id="exec is text"),
    pytest.param({"exec": {"command": "x"}}, "another apiVersion", id="exec without a version"),
    pytest.param({"auth-provider": {"name": "gcp"}}, "holds no token", id="gcp without a token"),
    pytest.param(
        {"auth-provider": {"name": "gcp", "config": {"access-token": SECRET,
                                                     "expiry": "2020-01-01T00:00:00Z"}}},
        "expired at 2020", id="gcp with an old token",
    ),
    pytest.param({"auth-provider": {"name": "oidc", "config": {
        "id-token": "e30." + base64.urlsafe_b64encode(b'{"exp": 1}').decode() + ".x"}}},
        "expired at 1970", id="oidc with an old token"),
]  # fmt: skip


@pytest.mark.parametrize(("user", "said"), ODD_USERS)
async def test_credentials_that_cannot_be_had_are_one_reason(api, reading, certificate, user, said):
    """Why is said, no secret is, and nothing at all is asked as no one in particular."""
    await api.start(tls(certificate))
    (reading.config.parent / "empty").write_text("\n")
    reading.write(f"https://127.0.0.1:{api.port}", user, certificate_authority=str(certificate[0]))
    examined = await examine_cluster(reading.lister)

    assert "the credentials could not be obtained" in examined.unreachable
    assert said in examined.unreachable
    assert SECRET not in examined.unreachable
    assert () == examined.lists
    assert [] == api.heads


async def test_a_kubeconfig_without_credentials_says_that_it_is_anonymous(api, reading):
    """Who names no user at all is asked for none, and told so."""
    await api.start()
    reading.write(f"http://127.0.0.1:{api.port}", {})
    await reading.codes()

    assert reading.server.endpoint is not None
    assert "anonymous" == reading.server.endpoint.who


ODD_FILES = [
    pytest.param("", "it is empty", id="empty"),
    pytest.param("a: &a [x]\nb: *a", "anchors", id="anchors"),
    pytest.param("[" * 5000, "nested deeper", id="brackets"),
    pytest.param("- x", "not a single mapping", id="a list"),
    pytest.param("clusters: {}", "are not a list", id="clusters are a mapping"),
    pytest.param("contexts: []", "no current-context", id="no context"),
    pytest.param("current-context: x", "no context x", id="an unknown context"),
    pytest.param("current-context: a\ncurrent-context: b", "is given twice", id="a key twice"),
    pytest.param(
        "users:\n- {name: u, user: {}}\n- {name: u, user: {}}", "two of user u", id="a name twice"
    ),
]


@pytest.mark.parametrize(("text", "said"), ODD_FILES)
async def test_a_kubeconfig_that_says_nothing_clear_is_refused(reading, text, said):
    """What is wrong with it is said."""
    reading.config.write_text(text)

    assert said in await reading.why()


@pytest.mark.parametrize("told", ["false", 0, "yes please"])
async def test_only_a_boolean_turns_verification_off(reading, told):
    """A text that reads like false is no reason not to look at a certificate."""
    reading.write("https://127.0.0.1:1", insecure_skip_tls_verify=told)

    assert "neither true nor false" in await reading.why()


async def test_another_user_of_the_context_is_not_no_user(reading):
    """A context whose user is not there is refused: anonymous is not what was meant."""
    reading.config.write_text(
        kubeconfig("http://127.0.0.1:1").replace("name: u\n", "name: other\n")
    )

    assert "no user u" in await reading.why()


@pytest.mark.parametrize(
    ("names", "context", "expected"),
    [
        (("one", "two"), None, "http://127.0.0.1:1"),
        (("two", "one"), None, "http://127.0.0.1:2"),
        (("missing", "two", ""), None, "http://127.0.0.1:2"),
        (("one", "two"), "two", "http://127.0.0.1:1"),
    ],
    ids=["first", "the other order", "one is missing", "a context of the second"],
)
async def test_several_kubeconfigs_are_merged_as_kubectl_does(
    tmp_path, monkeypatch, names, context, expected
):
    """Of each name, and of the current context, the first that says it counts."""
    for number, name in enumerate(("one", "two"), start=1):
        (tmp_path / name).write_text(kubeconfig(f"http://127.0.0.1:{number}", context=name))
    paths = [str(tmp_path / n) if n else "" for n in names]
    monkeypatch.setenv("KUBECONFIG", os.pathsep.join(paths))
    reading = Reading(tmp_path, kubeconfig=None, context=context)

    assert "" == await reading.why()
    assert reading.server.endpoint is not None
    assert expected == reading.server.endpoint.host


async def test_no_kubeconfig_at_all_is_said(tmp_path, monkeypatch):
    """Where they were looked for is named."""
    monkeypatch.setenv("KUBECONFIG", f"{tmp_path}/a{os.pathsep}{tmp_path}/b")

    assert (
        f"none of the kubeconfigs is there: {tmp_path}/a"
        in await Reading(tmp_path, kubeconfig=None).why()
    )


FAILING = [
    pytest.param(f"echo 'password={SECRET} token {JWT}' >&2; exit 1", "ended with 1", id="fails"),
    pytest.param(f"echo '{SECRET} {{not json'", "not JSON", id="garbage"),
    pytest.param(
        f'echo \'{{"token": "{SECRET}"}}\'', "not answer an ExecCredential", id="another answer"
    ),
    pytest.param(credential(), "neither a token nor", id="nothing"),
    pytest.param(credential(token=["x"]), "is not text", id="a list for a token"),
    pytest.param(credential(token=f"{TOKEN}\nb"), "no header can", id="two lines"),
    pytest.param(credential(clientCertificateData="x"), "without its key", id="no key"),
    pytest.param(
        credential(token=TOKEN, expirationTimestamp="soon"), "time of expiry", id="no time"
    ),
    pytest.param("yes x | head -c 3000000", "wrote more than", id="a flood"),
    pytest.param("yes x | head -c 3000000 >&2; exit 1", "wrote more than", id="a flood of errors"),
]


@pytest.mark.parametrize(("body", "said"), FAILING)
async def test_a_plugin_that_fails_is_one_reason_without_its_secrets(
    api, reading, caplog, body, said
):
    """Nothing is asked anonymously, and what the plugin printed is nowhere shown as it was."""
    caplog.set_level(logging.DEBUG)
    await api.start()
    reading.write(f"http://127.0.0.1:{api.port}", plugin(reading.config.parent, body))
    examined = await examine_cluster(reading.lister)
    told = f"{examined}{caplog.text}"

    assert "the credentials could not be obtained: the exec plugin" in examined.unreachable
    assert said in examined.unreachable
    assert len(examined.unreachable) < 500
    assert SECRET not in told
    assert JWT not in told
    assert [] == api.heads


async def test_a_plugin_that_is_not_there_is_named_with_its_hint(reading):
    """What would have to be installed is told."""
    told = {
        "apiVersion": "client.authentication.k8s.io/v1", "command": "no-such-auth-plugin",
        "installHint": "install it from the shelf",
    }  # fmt: skip
    reading.write("http://127.0.0.1:1", {"exec": told})
    why = await reading.why()

    assert "no-such-auth-plugin cannot be run: No such file" in why
    assert "install it from the shelf" in why


async def test_a_plugin_that_hangs_is_ended_with_all_that_it_began(reading):
    """It holds up a round for its time and no longer, and nothing of it is left."""
    began = reading.config.parent / "began"
    body = f"sleep 600 & echo $! > {began}.tmp; mv {began}.tmp {began}; wait"
    reading.write("http://127.0.0.1:1", plugin(reading.config.parent, body))
    asking = asyncio.ensure_future(reading.server.prepare(3.0))
    with pytest.raises(BadAnswerError, match="did not answer within"):
        await asking
    sleeping = int(began.read_text())

    async with asyncio.timeout(PATIENCE_SECONDS):
        while _lives(sleeping):  # noqa: ASYNC110  (another process's child signals no end)
            await asyncio.sleep(0.02)


def _lives(pid: int) -> bool:
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] != "Z"
    except FileNotFoundError:
        return False


async def test_what_failed_is_not_tried_again_by_everyone_who_asks(reading):
    """Many lists that ask at the same time run a failing plugin once."""
    ran = reading.config.parent / "ran"
    reading.write("http://127.0.0.1:1", plugin(reading.config.parent, f"echo x >> {ran}; exit 1"))
    objects = ObjectReader(reading.lister)
    read = await asyncio.gather(*(objects.raw("pods", FLOOR) for _ in range(12)))

    assert {"UNREADABLE"} == {r.code for r in read if isinstance(r, Unseen)}
    assert ["x"] == ran.read_text().split()


async def test_a_plugin_is_asked_again_when_its_token_ends(api, tmp_path):
    """What it handed out is used until a minute before it expires; a failure then costs nothing."""
    now = [AT]
    reading = Reading(tmp_path, clock=lambda: now[0])
    await api.start()
    mode = tmp_path / "mode"

    def hand_out(token: str, expires: str) -> None:
        mode.write_text(credential(token=token, expirationTimestamp=expires))

    hand_out("long", "2026-11-18T16:15:00Z")
    reading.write(f"http://127.0.0.1:{api.port}", plugin(tmp_path, f". {mode}"))
    first = await reading.codes()
    hand_out("short", "2026-11-18T15:15:30Z")
    kept = await reading.codes()
    await reading.server.forget()
    second = await reading.codes()
    mode.write_text("exit 1")
    failing = await reading.codes()
    trouble = reading.server.trouble
    hand_out("new", "2026-11-18T17:15:00Z")
    renewed = await reading.codes()
    await reading.server.forget()

    assert [{None}] * 5 == [first, kept, second, failing, renewed]
    assert "ended with 1" in trouble
    seen = list(dict.fromkeys(api.authorizations))
    assert ["Bearer long", "Bearer short", "Bearer new"] == seen


async def test_a_token_that_ended_is_used_no_more(api, tmp_path):
    """Where the plugin fails after its last token ended, that is the reason; nothing is sent."""
    reading = Reading(tmp_path)
    await api.start()
    mode = tmp_path / "mode"
    mode.write_text(credential(token=TOKEN, expirationTimestamp="2026-11-18T15:14:00Z"))
    reading.write(f"http://127.0.0.1:{api.port}", plugin(tmp_path, f". {mode}"))
    await reading.codes()
    asked = len(api.heads)
    mode.write_text("exit 1")

    assert "ended with 1" in await reading.why()
    assert {"UNREADABLE"} == await reading.codes()
    assert asked == len(api.heads)


async def test_a_plugin_is_told_what_it_asks_for_and_not_our_settings(
    api, reading, monkeypatch, certificate
):
    """It knows the cluster and its own variables; a database's password is none of its business."""
    monkeypatch.setenv("MISSION_CONTROL_DATABASE_URL", "postgresql://u:p@h/d")
    monkeypatch.setenv("HTTPS_PROXY", "http://127.0.0.1:9")
    await api.start(tls(certificate))
    told = reading.config.parent / "told"
    body = f"env > {told}; {credential(token=TOKEN)}"
    user = plugin(
        reading.config.parent, body, provideClusterInfo=True, env=[{"name": "ROLE", "value": "r"}]
    )
    extension = {"name": "client.authentication.k8s.io/exec", "extension": {"audience": "x"}}
    url = f"https://127.0.0.1:{api.port}"
    authority = str(certificate[0])
    reading.write(url, user, certificate_authority=authority, extensions=[extension])

    assert {None} == await reading.codes()
    given = dict(line.partition("=")[::2] for line in told.read_text().splitlines())
    assert "MISSION_CONTROL_DATABASE_URL" not in given
    assert ("r", "http://127.0.0.1:9") == (given["ROLE"], given["HTTPS_PROXY"])
    cluster = json.loads(given["KUBERNETES_EXEC_INFO"])["spec"]["cluster"]
    assert (url, {"audience": "x"}) == (cluster["server"], cluster["config"])
    assert certificate[0].read_bytes() == base64.b64decode(cluster["certificate-authority-data"])


async def test_a_plugin_may_hand_out_a_certificate(api, reading, certificate):
    """A certificate with its key is shown to the server, and no token is."""
    client = make_certificate(certificate[0].parent / "client")
    context = tls(certificate)
    context.load_verify_locations(client[0])
    context.verify_mode = ssl.CERT_REQUIRED
    await api.start(context)
    cert, key = (path.read_text() for path in client)
    body = credential(clientCertificateData=cert, clientKeyData=key)
    user = plugin(reading.config.parent, body)
    authority = str(certificate[0])
    reading.write(f"https://127.0.0.1:{api.port}", user, certificate_authority=authority)

    assert {None} == await reading.codes()
    assert {""} == set(api.authorizations)


async def test_a_certificate_is_never_left_out_in_silence(api, reading):
    """Where there is no TLS to show a plugin's certificate in, nothing is asked anonymously."""
    await api.start()
    body = credential(clientCertificateData="x", clientKeyData="x")
    reading.write(f"http://127.0.0.1:{api.port}", plugin(reading.config.parent, body))

    assert "does not use client-certificate-data" in await reading.why()
    assert [] == api.heads


@pytest.mark.parametrize(
    ("where", "left_out", "user", "cluster"),
    [
        ("_load_user_token", "token", {"token": "t"}, {}),
        ("_load_user_pass_token", "username", {"username": "u", "password": "p"}, {}),
        ("_load_cluster_info", "insecure-skip-tls-verify", {}, {"insecure_skip_tls_verify": True}),
        ("_load_cluster_info", "tls-server-name", {}, {"tls_server_name": "x"}),
        ("_load_cluster_info", "server", {}, {}),
    ],
)
async def test_what_the_official_client_leaves_out_is_refused(
    api, reading, monkeypatch, where, left_out, user, cluster
):
    """A client that says nothing of what it makes no use of sends us nowhere."""
    await api.start()
    monkeypatch.setattr(f"kubernetes.config.kube_config.KubeConfigLoader.{where}", lambda _: None)
    reading.write(f"http://127.0.0.1:{api.port}", user, **cluster)

    assert f"does not use {left_out}" in await reading.why()
    assert [] == api.heads


@pytest.mark.parametrize("where", ["memory", "no such folder"])
@pytest.mark.parametrize("usable", [True, False], ids=["a good key", "a bad key"])
async def test_no_key_is_left_behind(api, reading, monkeypatch, certificate, usable, where):
    """While OpenSSL reads a key only we can; then no file has it, and no part of the client."""
    client = make_certificate(certificate[0].parent / "client")
    context = tls(certificate)
    context.load_verify_locations(client[0])
    context.verify_mode = ssl.CERT_REQUIRED
    await api.start(context)
    folder = reading.config.parent / "memory"
    folder.mkdir()
    monkeypatch.setattr(credentials_module, "MEMORY", str(folder.with_name(where)))
    monkeypatch.setattr(tempfile, "tempdir", str(folder))
    modes, load = list[list[int]](), ssl.SSLContext.load_cert_chain

    def look(self: ssl.SSLContext, cert: str, key: str, password: str) -> None:
        assert folder == Path(key).parent.parent
        paths = (Path(key).parent, Path(key), Path(cert))
        modes.append([stat.S_IMODE(path.stat().st_mode) for path in paths])
        load(self, cert, key, password)

    monkeypatch.setattr(ssl.SSLContext, "load_cert_chain", look)
    held = [base64.b64encode(path.read_bytes()).decode() for path in client]
    user = {"client-certificate-data": held[0], "client-key-data": held[usable]}
    authority = str(certificate[0])
    reading.write(f"https://127.0.0.1:{api.port}", user, certificate_authority=authority)
    at_exit = list[object]()
    monkeypatch.setattr(atexit, "register", at_exit.append)
    monkeypatch.setattr(atexit, "unregister", at_exit.remove)

    assert {None if usable else "UNREADABLE"} == await reading.codes()
    assert [0o700, 0o600, 0o600] == modes[0]
    assert [] == list(folder.iterdir())
    assert {} == kube_config._temp_files  # noqa: SLF001
    assert [] == at_exit


async def test_clusters_that_share_an_authority_are_found_at_the_same_time(reading, certificate):
    """What one of them wrote for OpenSSL is gone when it was read, and none misses it."""
    reading.write("https://127.0.0.1:1", certificate_authority=str(certificate[0]))
    access = ClusterAccess((FLOOR,), FLOOR, kubeconfig=str(reading.config))
    desks = [CredentialDesk(access) for _ in range(16)]
    for _ in range(4):
        found = await asyncio.gather(*(desk.find(PATIENCE_SECONDS) for desk in desks))

        assert {"https://127.0.0.1:1"} == {endpoint.host for endpoint in found}


async def test_a_password_is_sent_in_utf_8(api, reading):
    """All that is not ASCII reaches the server as the kubeconfig has it."""
    await api.start()
    reading.write(f"http://127.0.0.1:{api.port}", {"username": "jürgen", "password": "100 €"})
    await reading.codes()
    sent = {base64.b64decode(told.removeprefix("Basic ")) for told in api.authorizations}

    assert {"jürgen:100 €".encode()} == sent
    assert reading.server.endpoint is not None
    assert "user jürgen" == reading.server.endpoint.who


@pytest.mark.parametrize("told", ["%%", " ", "eA==!", "eA"])
async def test_an_authority_that_cannot_be_read_is_not_no_authority(reading, told):
    """What is no base64 is refused: the system's authorities were not what was meant."""
    reading.write("https://127.0.0.1:1", certificate_authority_data=told)

    assert "its certificate-authority-data is not base64" in await reading.why()


def test_the_official_client_is_imported_off_the_loop(tmp_path):
    """It takes a while: only finding a cluster imports it, in the thread that does that."""
    (tmp_path / "config").write_text(kubeconfig("http://127.0.0.1:1"))
    script = """
import asyncio, sys, threading
imported = []
class Finder:
    def find_spec(self, name, path=None, target=None):
        if name == "kubernetes":
            imported.append(threading.current_thread().name)
sys.meta_path.insert(0, Finder())
from mission_control.model.fleet import ClusterAccess
from mission_control.cluster.read.credentials import CredentialDesk
print(imported)
asyncio.run(CredentialDesk(ClusterAccess(("n",), "n", kubeconfig=sys.argv[1])).find())
print(imported)
"""
    command = [sys.executable, "-c", script, str(tmp_path / "config")]
    run = subprocess.run(command, check=True, capture_output=True, text=True)

    assert ["[]", "['kubernetes-credentials']"] == run.stdout.splitlines()


async def test_a_server_that_hangs_is_one_finding(api, reading, monkeypatch):
    """Whether it answers at all is tried before each list is, and said once."""
    monkeypatch.setattr("mission_control.cluster.read.examination.REACH_SECONDS", 0.5)
    api.hangs = True
    await api.start()
    reading.write(f"http://127.0.0.1:{api.port}")
    examined = await examine_cluster(reading.lister)

    assert UnseenReason.TIMEOUT is examined.reason
    assert () == examined.lists
    assert 1 == len(api.heads)


async def test_credentials_that_are_not_accepted_are_one_finding(api, reading):
    """A 401 is no want of rights: who we are is what is wrong."""
    api.tokens = {"another"}
    await api.start()
    reading.write(f"http://127.0.0.1:{api.port}")
    examined = await examine_cluster(reading.lister)

    assert UnseenReason.UNREADABLE is examined.reason
    assert "does not accept our credentials" in examined.unreachable
    assert () == examined.lists


async def test_all_that_is_read_together_ends_together(api, reading):
    """However many lists are asked for, a hung server costs the one time that all have."""
    api.hangs = True
    await api.start()
    reading.write(f"http://127.0.0.1:{api.port}")
    objects = ObjectReader(reading.lister).within(1.0)
    read = await asyncio.gather(*(objects.raw(r, FLOOR) for r in sorted(LISTS)[:9] for _ in "12"))
    told = {
        r.detail.partition(":")[0].partition(" after")[0] for r in read if isinstance(r, Unseen)
    }

    assert {"TIMEOUT"} == {r.code for r in read if isinstance(r, Unseen)}
    assert {"not whole", "never asked"} == told
    nested = objects.within(600.0)
    assert isinstance(await nested.raw("pods", FLOOR), Unseen)


async def test_our_own_stall_is_not_the_server_s_silence(api, reading):
    """Where our own loop was held up, a list that came too late is told as our slowness."""
    await api.start()
    reading.write(f"http://127.0.0.1:{api.port}")
    await reading.server.prepare()
    api.hangs = True
    until = asyncio.get_running_loop().time() + 1.5
    asking = asyncio.ensure_future(reading.lister.get_text("/version", until))
    await asyncio.sleep(0.4)
    _hold_up(1.5)
    read = await asking

    assert isinstance(read, Unseen)
    assert UnseenReason.OWN_STALL is read.reason
    assert "our own loop was held up" in read.detail


def _hold_up(seconds: float) -> None:
    import time  # noqa: PLC0415  (only what blocks the loop may need it)

    time.sleep(seconds)
