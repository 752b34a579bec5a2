"""
GO on the real fleet: its manifests alive on a real API server, and the shipped file as documented.

Mission Control runs as processes of its own: in a pod (a service account's token and the live mount
of the ConfigMap, in a mount namespace of their own), and on a laptop (a kubeconfig, and no file).
"""

import json
import os
import re
import shutil
import subprocess
import sys
import time
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from urllib.parse import urlsplit

import pytest

from mission_control.bootstrap.clock import real_clock
from mission_control.simulation.clock import SimulatedClock
from mission_control.simulation.floor import SimulatedFloor
from mission_control.simulation.loopback import FloorOnLoopback
from tests.real_cluster.agenttrader_fleet import RealFleet
from tests.real_parts import lacking

PROJECT = Path(__file__).parents[2]
SHIPPED = PROJECT / "deploy/fleets/agenttrader.yaml"
IN_SESSION = datetime(2026, 11, 18, 15, 15, tzinfo=UTC)
HOSTS = {
    "agenttrader-execution-agent": "execution-engine",
    "agenttrader-gamma-strategy": "gamma-strategy",
    "agenttrader-ops-ui": "ops-ui",
    "agenttrader-whale-strategy": "whale-strategy",
    "marketdata-mcp-server": "marketdata-mcp-server",
    "strategy-engine": "strategy-engine",
}
"""Which simulated service is behind which Service; strategy-service has none."""
PATIENCE = 25
"""Seconds for an answer, instead of 3: the machine that tests may be a busy one."""
ALONE = """\
set -e
cp -a /etc "$PLACE/etc"
mount --bind "$PLACE/etc" /etc
printf 'hosts: files\\n' > /etc/nsswitch.conf
if [ -d "$PLACE/account" ]; then
    mount -t tmpfs tmpfs /run
    mkdir -p /run/secrets/kubernetes.io/serviceaccount
    cp "$PLACE"/account/* /run/secrets/kubernetes.io/serviceaccount/
    mkdir -p /etc/agenttrader/kill-switch
    mount -t tmpfs tmpfs /etc/agenttrader/kill-switch
    cd /etc/agenttrader/kill-switch
    mkdir ..2026_11_18_13_30_00.123456789
    printf 1 > ..2026_11_18_13_30_00.123456789/EXECUTION_HALTED
    ln -s ..2026_11_18_13_30_00.123456789 ..data
    ln -s ..data/EXECUTION_HALTED EXECUTION_HALTED
fi
if [ -n "$MADE_UP" ]; then
    mkdir -p /etc/agenttrader/kill-switch
    printf 1 > /etc/agenttrader/kill-switch/EXECUTION_HALTED
fi
cd "$PLACE"
exec "$@"
"""
"""Names end in the hosts file; what is mounted here is seen by this process alone."""


@pytest.fixture(scope="module", autouse=True)
def fleet(server):
    """Bring the whole fleet up."""
    RealFleet(server, IN_SESSION).bring_up()


@pytest.fixture(scope="module")
def served():
    """Answer as the fleet's services do, on loopback, in session."""
    simulated = SimulatedFloor(SimulatedClock(IN_SESSION), "calm")
    with FloorOnLoopback(simulated, 0) as loopback:
        yield simulated, loopback.base_urls


def on_loopback(text, urls):
    """Write the loopback addresses of the services that exist over the file's own."""

    def address(match):
        service = urlsplit(match[1]).hostname.partition(".")[0]
        name = HOSTS.get(service)
        return f"    service_dns: {urls[name] if name else match[1]}"

    return re.sub(r"^    service_dns: (http\S+)$", address, text, flags=re.MULTILINE)


def edit_1(text, urls):
    """Return market-ingest its address."""
    entry = "  - agent_name: market-ingest\n    kind: ingest\n    criticality: critical # P0\n"
    known = f"    service_dns: {urls['market-ingest']}\n"
    known += "    expected_endpoints: [/ops/status, /healthz]\n"
    assert f"{entry}    contract: none\n" in text
    return text.replace(f"{entry}    contract: none\n", entry + known)


def edit_2(text, _urls):
    """Take strategy-service out, which is deployed nowhere."""
    edited = re.sub(r"  - agent_name: strategy-service\n(    .*\n)+", "", text)
    assert edited != text
    return edited


def edit_3(text, _urls):
    """Say who watches execution on Cloud Run."""
    assert "    # unobserved: {" in text
    return text.replace("    # unobserved: {", "    unobserved: {")


def edit_4(text, _urls):
    """Say that no file of the kill switch is here."""
    assert "# kill_switch:\n#   file: none\n" in text
    return text.replace("# kill_switch:\n#   file: none\n", "kill_switch:\n  file: none\n")


EDITS = {1: edit_1, 2: edit_2, 3: edit_3, 4: edit_4}
BY_FLAG = 5


@dataclass(frozen=True)
class Report:
    """What readiness said of one run, and what it wrote for people."""

    code: int
    document: dict
    markdown: str

    @property
    def stopping(self):
        """Name the checks that say NO, with their outcome."""
        return {c["code"]: c["status"] for c in self.document["checks"] if c["blocks"]
                and c["status"] in {"FAIL", "UNKNOWN"}}  # fmt: skip

    def detail(self, code):
        """Return the sentence of a check."""
        return next(c["details"] for c in self.document["checks"] if c["code"] == code)


class Place:
    """Where Mission Control runs."""

    def __init__(self, server, served, folder, *, in_pod, made_up=False):
        """Set up a pod or a laptop, in a folder of its own."""
        if os.geteuid() or shutil.which("unshare") is None:
            lacking("mounting in a namespace of its own needs root and unshare")
        self.served, self.urls = served
        self.folder, self.in_pod, self.server = folder, in_pod, server
        self.environ = {
            "PATH": os.environ["PATH"],
            "PYTHONPATH": str(PROJECT),
            "PLACE": str(folder),
            "MADE_UP": "yes" if made_up else "",
            "MISSION_CONTROL_ROOT": str(folder / "root"),
            "MISSION_CONTROL_DEADLINE_SECONDS": str(PATIENCE),
            "MISSION_CONTROL_FLEET_FILE": str(folder / "agenttrader.yaml"),
        }
        self.context = ()
        (folder / "root").mkdir(parents=True)
        if in_pod:
            self._be_a_pod()

    def _be_a_pod(self):
        account = self.folder / "account"
        account.mkdir()
        (account / "token").write_text(self.server.token_of("trading-floor", "mission-control"))
        shutil.copy(self.server.folder / "certs" / "apiserver.crt", account / "ca.crt")
        address = urlsplit(self.server.url)
        self.environ["KUBERNETES_SERVICE_HOST"] = address.hostname
        self.environ["KUBERNETES_SERVICE_PORT"] = str(address.port)

    def edited(self, *, but=()):
        """Write the shipped file with its documented edits, some left out."""
        wanted = (1, 2, 3) if self.in_pod else (1, 2, 3, 4)
        text = on_loopback(SHIPPED.read_text(), self.urls)
        text = text.replace("deadline_seconds: 3.0", f"deadline_seconds: {PATIENCE}")
        for number in wanted:
            if number not in but:
                text = EDITS[number](text, self.urls)
        (self.folder / "agenttrader.yaml").write_text(text)
        if not self.in_pod and BY_FLAG not in but:
            path = self.server.kubeconfig("admin", "admin-token")
            self.context = ("--context", "test", "--kubeconfig", str(path))
        return self

    def run(self, *command):
        """Run a program there."""
        alone = ["unshare", "--mount", "sh", "-c", ALONE, "sh"]
        return subprocess.run(
            [*alone, *command], env=self.environ, capture_output=True, text=True, check=False
        )

    def ask(self, name, *arguments):
        """Run one command in session, and give what it wrote to standard output."""
        launcher = [sys.executable, str(PROJECT / "tests/real_cluster/at_that_hour.py")]
        at = (self.served.clock().isoformat(), str(time.monotonic()))
        return self.run(*launcher, *at, name, *self.context, *arguments)

    def readiness(self):
        """Judge readiness in session."""
        done = self.ask("readiness", "--json")
        assert done.returncode in {0, 3}, done.stderr
        latest = self.folder / "root/audit_artifacts/readiness_report.md"
        return Report(done.returncode, json.loads(done.stdout), latest.read_text())

    def posture(self):
        """Ask for the posture in session."""
        done = self.ask("status", "--json")
        assert done.returncode in {0, 3}, done.stderr
        return json.loads(done.stdout)["posture"]


@pytest.fixture(params=["pod", "laptop"])
def place(request, server, served, tmp_path):
    """Run in a pod, and on a laptop."""
    return Place(server, served, tmp_path, in_pod=request.param == "pod")


@pytest.fixture
def laptop(server, served, tmp_path):
    """Run on a laptop."""
    return Place(server, served, tmp_path, in_pod=False)


def test_the_shipped_file_with_its_documented_edits_is_go(place):
    """With the edits that the file names and nothing else, readiness says GO in session."""
    report = place.edited().readiness()

    assert {} == report.stopping
    assert (0, "GO") == (report.code, report.document["verdict"])
    assert report.markdown.startswith("# Readiness: READY (GO)")


def test_its_posture_is_ok_and_expected(place):
    """The same floor is OK, and nothing of it is unexpected."""
    told = place.edited().posture()

    assert ("OK", True, []) == (told["posture"], told["expected"], told["reasons"])


UNCONFIRMED = {
    ("KILL_SWITCH", "market-ingest"),
    ("KILL_SWITCH", "marketdata-mcp-server"),
    ("KILL_SWITCH", "strategy-engine"),
    ("KILL_SWITCH_UNCONFIRMED", "kill-switch"),
    ("UNREADABLE", "cluster"),
}
LEFT_OUT = {
    1: ("HALTED", "P1", {("UNOBSERVED", "market-ingest")}, {"RC-408", "RC-502"}),
    2: (
        "HALTED",
        "P1",
        {("DNS_FAILURE", "strategy-service")},
        {"RC-408", "RC-501", "RC-502", "RC-703"},
    ),
    3: ("OK", "P2", set(), {"RC-502"}),
    4: ("OK", None, set(), {"RC-403"}),
    5: (
        "HALTED",
        "P0",
        UNCONFIRMED,
        {
            *("RC-205", "RC-206", "RC-301", "RC-302", "RC-303", "RC-304", "RC-305", "RC-306"),
            *(
                "RC-307",
                "RC-308",
                "RC-309",
                "RC-310",
                "RC-401",
                "RC-402",
                "RC-403",
                "RC-405",
                "RC-406",
                "RC-408",
            ),
            *("RC-502", "RC-503", "RC-601", "RC-602", "RC-603"),
        },
    ),
}
"""Which edit is left out: posture, severity, what halts, and which checks say NO."""


@pytest.mark.parametrize("edit", sorted(LEFT_OUT))
def test_each_edit_left_out_gives_what_its_comment_promises(laptop, edit):
    """Without one of the edits there is no GO, for just the reason that the file gives."""
    posture, severity, halting, stopping = LEFT_OUT[edit]
    laptop.edited(but=(edit,))
    told, report = laptop.posture(), laptop.readiness()

    halts = {(r["code"], r["subject"]) for r in told["reasons"] if r["halts"]}
    assert (posture, severity, halting) == (told["posture"], told["severity"], halts)
    assert (3, stopping) == (report.code, set(report.stopping))


def test_the_shipped_file_names_every_edit_with_what_its_omission_gives():
    """The edits at the file's head are those that are made here, and each is told at its place."""
    head, _, body = SHIPPED.read_text().partition("\ncluster:\n")
    listed = {int(n) for n in re.findall(r"^#   edit (\d)  ", head, re.MULTILINE)}
    told = {int(n) for n in re.findall(r"Edit (\d)[:,]", head + body)}

    assert set(LEFT_OUT) == {*EDITS, BY_FLAG} == listed == told


def test_a_file_that_was_made_up_confirms_nothing(server, served, tmp_path):
    """At the very path of the mount, a file of another user confirms nothing for a lost API."""
    laptop = Place(server, served, tmp_path, in_pod=False, made_up=True)
    told = laptop.edited(but=(4, 5)).posture()
    switch = told["kill_switch"]
    (file,) = [w for w in switch["witnesses"] if w["kind"] == "file"]

    assert ("ENGAGED", False) == (file["state"], file["can_confirm"])
    assert ("UNKNOWN", False) == (switch["state"], switch["confirmed"])
    assert "KILL_SWITCH_UNCONFIRMED" in {r["code"] for r in told["reasons"]}


def test_the_live_mount_is_known_in_a_pod(server, served, tmp_path):
    """In a pod the mounted file can confirm, and here it agrees with the API."""
    told = Place(server, served, tmp_path, in_pod=True).edited().posture()
    states = {w["kind"]: (w["state"], w["can_confirm"]) for w in told["kill_switch"]["witnesses"]}

    assert ("ENGAGED", True) == states["file"] == states["config_map"]


def test_the_command_itself_judges_as_the_hour_allows(laptop):
    """The installed command at its own clock: every check that blocks passes, whatever the hour."""
    laptop.served.clock.set(real_clock())
    program = Path(sys.executable).parent / "mission-control"
    done = laptop.edited().run(program, "readiness", "--json", *laptop.context)
    report = json.loads(done.stdout)

    assert report["ready"] or report["otherwise_ready"]
    assert (0 if report["ready"] else 3) == done.returncode
    assert report["code"] in {"", "SESSION_CLOSED"}
