"""The image as `build.sh` builds it, and containers that an OCI runtime starts from it."""

import json
import os
import shutil
import signal
import subprocess
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path
from typing import Any
from uuid import uuid4

import pytest

from tests.real_parts import lacking

HERE = Path(__file__).parent
FOLDER = Path(os.environ.get("IMAGE_FOLDER") or Path.home() / ".cache/mission-control/image")
BUILD_SECONDS, PATIENCE_SECONDS = 900, 60
MOUNTS = ("/proc", "/dev", "/dev/pts", "/sys")
SCRATCH = "/tmp"  # noqa: S108  (the container's own)


def buildah(*words: str) -> str:
    """Run buildah on the store of the build."""
    store = ["--root", f"{FOLDER}/storage", "--runroot", f"{FOLDER}/run"]
    command = ["buildah", *store, "--storage-driver", "vfs", *words]
    return subprocess.run(command, capture_output=True, text=True, check=True).stdout.strip()


@dataclass(frozen=True)
class Image:
    """What was built: its configuration, and its files as a container would see them."""

    inspected: Mapping[str, Any]
    files: Path
    data: Path
    runtime: Path = field(default_factory=lambda: FOLDER / "runc")

    @cached_property
    def config(self) -> Mapping[str, Any]:
        """Return what it says of how it is run."""
        return self.inspected["OCIv1"]["config"]

    def _bundle(
        self, words: tuple[object, ...], variables: Mapping[str, str], *, entry: bool
    ) -> Path:
        bundle = self.data.parent / uuid4().hex
        bundle.mkdir()
        subprocess.run(["runc", "spec"], cwd=bundle, check=True)
        spec = json.loads((bundle / "config.json").read_text())
        user, group = map(int, self.config["User"].split(":"))
        first = self.config["Entrypoint"] if entry else []
        spec["root"] = {"path": str(self.files), "readonly": True}
        spec["process"] |= {
            "terminal": False,
            "user": {"uid": user, "gid": group},
            "cwd": self.config["WorkingDir"],
            "args": [*first, *(map(str, words) if words else self.config["Cmd"])],
            "env": [*self.config["Env"], *(f"{n}={v}" for n, v in variables.items())],
            "capabilities": {},
            "noNewPrivileges": True,
        }
        spec["mounts"] = [m for m in spec["mounts"] if m["destination"] in MOUNTS] + [
            _mount(SCRATCH, "tmpfs", "tmpfs", "nosuid", "nodev", "mode=1777"),
            _mount("/data", "bind", str(self.data), "rbind", "rw"),
        ]
        # Its ports are this machine's loopback ports, as with `--network host`.
        kept = [n for n in spec["linux"]["namespaces"] if n["type"] != "network"]
        spec["linux"]["namespaces"] = kept
        (bundle / "config.json").write_text(json.dumps(spec))
        return bundle

    def run(
        self, *words: object, entry: bool = True, **variables: str
    ) -> subprocess.CompletedProcess[str]:
        """Run a container to its end: read-only, as the image's user, without capabilities."""
        command = self._command(self._bundle(words, variables, entry=entry))
        return subprocess.run(command, capture_output=True, text=True, timeout=100, check=False)

    @contextmanager
    def started(self, *words: object, **variables: str) -> Iterator[subprocess.Popen[str]]:
        """Start a container; it is gone afterwards."""
        command = self._command(self._bundle(words, variables, entry=True))
        with subprocess.Popen(command, stderr=subprocess.PIPE, text=True) as running:
            try:
                yield running
            finally:
                if running.poll() is None:
                    running.send_signal(signal.SIGTERM)
                    try:
                        running.communicate(timeout=PATIENCE_SECONDS)
                    finally:
                        delete = ["runc", "--root", str(self.runtime), "delete", "--force"]
                        subprocess.run([*delete, command[-1]], capture_output=True, check=False)

    def _command(self, bundle: Path) -> list[str]:
        root = ["--root", str(self.runtime)]
        return ["runc", *root, "run", "--bundle", str(bundle), bundle.name]


def _mount(at: str, kind: str, source: str, *options: str) -> dict[str, object]:
    return {"destination": at, "type": kind, "source": source, "options": list(options)}


@pytest.fixture(scope="module")
def image(tmp_path_factory) -> Iterator[Image]:
    """Build the image from this tree, as far as it is not built yet."""
    missing = [name for name in ("buildah", "mmdebstrap", "runc") if shutil.which(name) is None]
    if missing or os.geteuid():
        lacking(f"an image is built by root with buildah, mmdebstrap and runc; missing: {missing}")
    done = subprocess.run(
        [HERE / "build.sh", FOLDER],
        capture_output=True,
        text=True,
        timeout=BUILD_SECONDS,
        check=False,
    )
    if done.returncode:
        lacking(f"the image could not be built: {done.stderr[-1000:]}")
    name = done.stdout.split()[-1]
    container = buildah("from", name)
    data = tmp_path_factory.mktemp("container") / "data"
    data.mkdir()
    inspected = json.loads(buildah("inspect", "--type", "image", name))
    user, group = map(int, inspected["OCIv1"]["config"]["User"].split(":"))
    os.chown(data, user, group)
    try:
        yield Image(inspected, Path(buildah("mount", container)), data)
    finally:
        buildah("rm", container)
