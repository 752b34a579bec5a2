"""A real kube-apiserver on loopback, with etcd behind it, as envtest would run it."""

import os
import shutil
import ssl
import subprocess
import time
from dataclasses import dataclass, field
from pathlib import Path

import httpx
import yaml

from tests.ports import free_ports

DEFAULT_ASSETS = "~/.cache/mission-control/kubebuilder"
PROGRAMS = ("etcd", "kube-apiserver", "kubectl")
PATIENCE_SECONDS = 60
ADMIN, NO_RIGHTS = "admin-token", "no-rights-token"


def find_assets() -> Path | None:
    """Find the programs in KUBEBUILDER_ASSETS, by convention, or where CI builds them."""
    folder = Path(os.environ.get("KUBEBUILDER_ASSETS") or Path(DEFAULT_ASSETS).expanduser())
    return folder if all(os.access(folder / name, os.X_OK) for name in PROGRAMS) else None


@dataclass
class RealApiServer:
    """An API server whose only users are tokens of a file; RBAC is on."""

    folder: Path
    assets: Path
    url: str = ""
    processes: "list[subprocess.Popen[bytes]]" = field(default_factory=list)

    def start(self) -> None:
        """Start etcd and the API server, and wait until it is ready."""
        port = free_ports(3)
        etcd, peer = port + 1, port + 2
        key = self.folder / "sa.key"
        subprocess.run(["openssl", "genrsa", "-out", key, "2048"], check=True, capture_output=True)
        users = f"{ADMIN},admin,admin,system:masters\n{NO_RIGHTS},no-rights,no-rights\n"
        (self.folder / "tokens.csv").write_text(users)
        local = "http://127.0.0.1"
        self.processes = [
            self._run(
                "etcd",
                f"--data-dir={self.folder / 'etcd'}",
                f"--listen-client-urls={local}:{etcd}",
                f"--advertise-client-urls={local}:{etcd}",
                f"--listen-peer-urls={local}:{peer}",
                f"--initial-advertise-peer-urls={local}:{peer}",
                f"--initial-cluster=default={local}:{peer}",
                "--unsafe-no-fsync",
            ),
            self._run(
                "kube-apiserver",
                f"--etcd-servers={local}:{etcd}",
                "--bind-address=127.0.0.1",
                f"--secure-port={port}",
                "--insecure-port=0",
                f"--cert-dir={self.folder / 'certs'}",
                f"--token-auth-file={self.folder / 'tokens.csv'}",
                "--authorization-mode=RBAC",
                f"--service-account-key-file={key}",
                f"--service-account-signing-key-file={key}",
                "--service-account-issuer=https://kubernetes.default.svc",
                "--service-cluster-ip-range=10.0.0.0/24",
                "--disable-admission-plugins=ServiceAccount",
            ),
        ]
        self.url = f"https://127.0.0.1:{port}"
        self._wait()

    def stop(self) -> None:
        """Kill both: a server told to end whose etcd goes first may wait for it a long while."""
        for process in reversed(self.processes):
            process.kill()
            process.wait(20)

    def ask(self, method: str, path: str, body: object = None, token: str = ADMIN):
        """Send a request with a token; `body` goes as JSON."""
        headers = {"authorization": f"Bearer {token}"}
        with httpx.Client(verify=self._context(), trust_env=False, timeout=30) as client:
            return client.request(method, f"{self.url}{path}", json=body, headers=headers)

    def kubectl(self, *arguments: str, text: str | None = None) -> str:
        """Run kubectl as the administrator."""
        config = self.kubeconfig("admin", ADMIN)
        command = [str(self.assets / "kubectl"), "--kubeconfig", str(config), *arguments]
        done = subprocess.run(command, input=text, text=True, capture_output=True, check=False)
        assert 0 == done.returncode, done.stderr
        return done.stdout

    def token_of(self, namespace: str, account: str) -> str:
        """Ask for a token of a service account, as the kubelet would."""
        path = f"/api/v1/namespaces/{namespace}/serviceaccounts/{account}/token"
        answer = self.ask("POST", path, {"spec": {"audiences": [], "expirationSeconds": 3600}})
        return answer.raise_for_status().json()["status"]["token"]

    def kubeconfig(self, name: str, token: str, *, verified: bool = True) -> Path:
        """Write a kubeconfig for a user."""
        path = self.folder / f"{name}.kubeconfig"
        cluster: dict[str, object] = {"server": self.url}
        if verified:
            cluster["certificate-authority"] = str(self.folder / "certs" / "apiserver.crt")
        else:
            cluster["insecure-skip-tls-verify"] = True
        document = {
            "apiVersion": "v1",
            "kind": "Config",
            "current-context": "test",
            "clusters": [{"name": "test", "cluster": cluster}],
            "users": [{"name": name, "user": {"token": token}}],
            "contexts": [{"name": "test", "context": {"cluster": "test", "user": name}}],
        }
        path.write_text(yaml.safe_dump(document))
        return path

    def _context(self) -> ssl.SSLContext:
        context = ssl.create_default_context()
        context.check_hostname, context.verify_mode = False, ssl.CERT_NONE
        return context

    def _run(self, program: str, *arguments: str) -> "subprocess.Popen[bytes]":
        log = (self.folder / f"{program}.log").open("wb")
        with log:
            return subprocess.Popen(
                [str(self.assets / program), *arguments], stdout=log, stderr=log
            )

    def _wait(self) -> None:
        until = time.monotonic() + PATIENCE_SECONDS
        while time.monotonic() < until:
            try:
                if 200 == self.ask("GET", "/readyz").status_code:
                    return
            except httpx.HTTPError:
                pass
            time.sleep(0.3)
        log = (self.folder / "kube-apiserver.log").read_text()[-2000:]
        self.stop()  # the caller has no server to stop
        raise AssertionError(f"the API server did not become ready:\n{log}")


def openssl_is_here() -> bool:
    """Return whether a key can be made."""
    return shutil.which("openssl") is not None
