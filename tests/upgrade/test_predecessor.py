"""Upgrade: each row of docs/upgrade.md on the predecessor's names, tried."""

import re
import shutil
import subprocess
from dataclasses import replace
from pathlib import Path

import pytest
from click.testing import CliRunner

from mission_control.bootstrap.jobs import BUILD_VARIABLES, find_build
from mission_control.cli.main import cli
from mission_control.configuration.settings import load_settings
from mission_control.contract.model.shapes import ServiceState
from mission_control.errors import ConfigurationError
from mission_control.floor.present.own_status import own_status_document
from mission_control.floor.present.predecessor import endpoint_result, listed
from mission_control.model.fleet import ContractKind
from mission_control.model.kill_switch import KillSwitchState
from mission_control.model.reading import Unseen, UnseenReason
from tests.api.paper_floor import PaperControl, PaperFloor, healthy_snapshot, poll_event
from tests.floor.floor_of_values import MARKETDATA, NOW, FloorOfValues

ROOT = Path(__file__).parents[2]
PAGE = (ROOT / "docs/upgrade.md").read_text()
SCRIPTS = ROOT / "scripts"
INVENTORY = Path(__file__).parent / "fixtures/agents.yaml"


def rows(section):
    """Return the cells of a section's table, by what stands in its first."""
    table = PAGE.partition(f'<a id="{section}"></a>')[2].partition("\n#")[0]
    lines = [line for line in table.splitlines() if line.startswith("|")][2:]
    cells = [[cell.strip() for cell in line.strip("|").split(" | ")] for line in lines]
    return {row[0].strip("` "): row for row in cells}


def loaded(text, tmp_path):
    """Load an inventory as a start with the predecessor's environment would."""
    path = tmp_path / "agents.yaml"
    path.write_text(text)
    return load_settings({"AGENTS_CONFIG_PATH": str(path)}, flags={"root": tmp_path}).fleet


def refused(text, tmp_path):
    """Return how a start refuses an inventory."""
    with pytest.raises(ConfigurationError) as raised:
        loaded(text, tmp_path)
    return str(raised.value)


def one(**keys):
    """Write one service with these keys beside those it needs."""
    told = {"agent_name": "orders", "service_dns": "http://orders", "kind": "strategy", **keys}
    return "".join(f"    {key}: {value}\n" for key, value in told.items()).replace(
        "    ", "  - ", 1
    )


AGENTS = INVENTORY.read_text()
HEAD = "agents:\n"


def as_it_stands(tmp_path):
    """Five services, and the digest of the file."""
    fleet = loaded(AGENTS, tmp_path)
    assert 5 == len(fleet.agents)
    assert re.fullmatch(r"[0-9a-f]{64}", fleet.digest)


def held_to_the_contract(tmp_path):
    """Gamma and whale are asked for what they do not have, until the inventory says liveness."""
    fleet = loaded(AGENTS, tmp_path)
    strategies = [a for a in fleet.agents if a.agent_name.endswith("-strategy")]
    assert {(ContractKind.RICH, "/ops/status")} == {
        (a.contract, a.primary_path) for a in strategies
    }
    fleet = loaded(
        AGENTS.replace("kind: strategy", "kind: strategy\n    contract: liveness"), tmp_path
    )
    strategies = [a for a in fleet.agents if a.agent_name.endswith("-strategy")]
    assert {(ContractKind.LIVENESS, "/healthz")} == {
        (a.contract, a.primary_path) for a in strategies
    }


def every_path_is_read(tmp_path):
    """Keep what is listed: it is asked (R2.1)."""
    listed_of = {a.agent_name: a.expected_endpoints for a in loaded(AGENTS, tmp_path).agents}
    assert ("/ops/status", "/healthz", "/heartbeat") == listed_of["marketdata-mcp-server"]


def ops_is_a_kind(tmp_path):
    """List a twin, or the pages."""
    assert "ops" == loaded(HEAD + one(kind="ops"), tmp_path).agents[0].kind


def twice_is_refused(tmp_path):
    """Both lines are named."""
    told = refused(HEAD + one() + one(), tmp_path)
    assert "agents.yaml:5" in told
    assert "2" in told.partition("agents.yaml:5")[2]


def unknown_is_refused(tmp_path):
    """With what is close."""
    told = refused(HEAD + one(criticalty="critical"), tmp_path)
    assert "criticalty" in told
    assert "criticality" in told.replace("criticalty", "")


def empty_is_refused(tmp_path):
    """Refuse an empty file and an empty list."""
    for text in ("", "agents: []\n"):
        assert "agents" in refused(text, tmp_path)


INVENTORY_ROWS = {
    "agents.yaml": as_it_stands,
    "no `contract": held_to_the_contract,
    "expected_endpoints": every_path_is_read,
    "ops` as a `kind": ops_is_a_kind,
    "a name twice": twice_is_refused,
    "an unknown key": unknown_is_refused,
    "no agents": empty_is_refused,
}


@pytest.mark.parametrize("row", rows("inventory"))
def test_the_inventory_is_as_the_page_says(row, tmp_path):
    """Every row of the table is tried; one that is added without a trial fails here."""
    INVENTORY_ROWS[row](tmp_path)


VALUES = {
    "AGENTS_CONFIG_PATH": str(INVENTORY),
    "POLL_INTERVAL_SECONDS": "15",
    "PER_AGENT_TIMEOUT_SECONDS": "1.5",
    "EXECUTION_HALTED_FILE": "/mnt/kill-switch/EXECUTION_HALTED",
    "EXEC_KILL_SWITCH_FILE": "/mnt/kill-switch/EXECUTION_HALTED",
    "NAMESPACE": "trading-floor",
}
TRIED_APART = {"TRADING_FLOOR_NAMESPACE", "SKIP_PREFLIGHT", "BUILD_ID"}


@pytest.mark.parametrize("name", [n for n in rows("environment") if n not in TRIED_APART])
def test_a_variable_is_taken_as_the_page_says(name, tmp_path):
    """It gives the setting that its row names, is a source of the switch, or is noted."""
    now = rows("environment")[name][1]
    environ = {"AGENTS_CONFIG_PATH": str(INVENTORY), name: VALUES.get(name, "1")}
    settings = load_settings(environ, flags={"root": tmp_path})
    setting = re.search(r"`MISSION_CONTROL_(\w+)`", now)

    if setting is not None:
        assert f"predecessor's variable {name}" == settings.sources[setting[1].lower()]
    elif now == "a source of the kill switch":
        assert {name: "1"} == settings.kill_switch_environment
    else:
        assert now == "ignored, and noted"
        assert 1 == sum(
            note.startswith(f"{name} is accepted and ignored") for note in settings.notes
        )


def test_variables_that_need_more_are_noted_or_refused(tmp_path):
    """A deadline that misses answers is noted; two files of the switch that differ are refused."""
    environ = {"AGENTS_CONFIG_PATH": str(INVENTORY), "PER_AGENT_TIMEOUT_SECONDS": "1.5"}
    noted = load_settings(environ, flags={"root": tmp_path}).notes
    switches = {"EXECUTION_HALTED_FILE": "/a", "EXEC_KILL_SWITCH_FILE": "/b"}

    assert ["deadline_seconds is 1.5" in note for note in noted] == [True]
    assert (
        3.0
        == load_settings(
            {"AGENTS_CONFIG_PATH": str(INVENTORY)}, flags={"root": tmp_path}
        ).deadline_seconds
    )
    with pytest.raises(ConfigurationError, match="another value than EXECUTION_HALTED_FILE"):
        load_settings({**environ, **switches}, flags={"root": tmp_path})


@pytest.mark.anyio
async def test_the_build_is_named_by_the_environment(tmp_path):
    """The row of BUILD_ID: what a capture's metadata says of the build."""
    settings = load_settings({"AGENTS_CONFIG_PATH": str(INVENTORY)}, flags={"root": tmp_path})

    assert "BUILD_ID" in BUILD_VARIABLES
    assert "b-17" == (await find_build(settings, {"BUILD_ID": "b-17"}, lambda: NOW)).build_id


def test_the_preflight_is_left_out_by_the_environment(tmp_path, monkeypatch):
    """The row of SKIP_PREFLIGHT: as the flag, and the report says so."""
    monkeypatch.delenv("MISSION_CONTROL_REQUIRE_REAL_PARTS", raising=False)
    fleet = tmp_path / "agents.yaml"
    fleet.write_text(HEAD + one(service_dns="http://127.0.0.1:1"))
    git = ["git", "-C", str(tmp_path), "-c", "user.name=a", "-c", "user.email=a@example.com"]
    subprocess.run([*git, "init", "-q", "fleet"], check=True)
    git[2] = str(tmp_path / "fleet")
    subprocess.run([*git, "commit", "-q", "--allow-empty", "-m", "a fleet"], check=True)
    asked = ["readiness", "--fleet-file", str(fleet), "--root", str(tmp_path), "--rounds", "1"]
    asked += ["--repository", str(tmp_path / "fleet")]

    told = CliRunner().invoke(cli, asked, env={"SKIP_PREFLIGHT": "1"}).output

    assert "skipped by --skip-preflight" in told


def test_every_variable_is_tried():
    """Those apart are rows as well."""
    assert rows("environment").keys() >= TRIED_APART


class Asked:
    """The API over a floor of values, and what it answers."""

    def __init__(self):
        """Have a healthy floor, and one poll event."""
        snapshot = healthy_snapshot()
        self.snapshot = snapshot
        self.control = PaperControl(PaperFloor(snapshot, [poll_event(2, snapshot)]))

    async def json(self, path, status=200):
        """Return a document, of this status."""
        answer = await self.control.ask(path)
        assert status == answer.status_code, path
        return answer.json()

    async def health(self, path):
        """Three fields, and 503 where nothing is decided."""
        assert {"status", "service", "ts"} == set(await self.json(path))
        stalled = PaperControl(PaperFloor(self.snapshot, stalled=True))
        assert 503 == (await stalled.ask("/healthz")).status_code

    async def metrics(self, path):
        """Find the same families at both paths."""
        texts = [(await self.control.ask(p)).text for p in (path, "/metrics")]
        assert all("mission_control_posture" in text for text in texts)

    async def status(self, path):
        """Find the aggregate and our own contract; a refresh asks nothing."""
        told = await self.json(f"{path}?refresh=true")
        assert {"ts", "kill_switch", "last_poll_cycle_at", "agents", "status"} <= set(told)
        assert self.snapshot.sequence == told["fleet"]["sequence"]

    async def agents(self, path):
        """Its fields, and ours."""
        agents = (await self.json(f"{path}?refresh=true"))["agents"]
        assert all({"status", "healthz", "state", "expected"} <= set(a) for a in agents)

    async def agent(self, path):
        """One, and its code in `detail` where there is none."""
        name = path.replace("{name}", "strategy-engine")
        assert "raw_ops_status" in (await self.json(name))["agent"]
        missing = await self.json(path.replace("{name}", "no-such-agent"), 404)
        assert "agent_not_found" == missing["detail"]

    async def safety(self, path):
        """Find the switch with its sources, and the marketdata gate."""
        told = await self.json(path)
        assert {"execution_halted", "source", "witnesses"} <= set(told["kill_switch"])
        assert {"all_critical_fresh", "agents"} <= set(told["marketdata"])

    async def report(self, path):
        """Find the code in `code`."""
        assert "deploy_report_not_found" == (await self.json(path, 404))["code"]

    async def events(self, path):
        """Newest first; a limit is held to its bounds."""
        assert "mission_control.poll" == (await self.json(path))["events"][0]["type"]
        for limit in (0, 501):
            await self.json(f"{path}?limit={limit}", 422)

    async def methods(self, _):
        """Nothing but reading."""
        for method in ("POST", "PUT", "PATCH", "DELETE"):
            assert 405 == (await self.control.ask("/api/v1/agents", method)).status_code

    async def docs(self, path):
        """Where to look, and what is there."""
        assert "/schema" in (await self.json(path, 404))["detail"]
        assert (await self.json("/schema.json"))["openapi"]
        assert 200 == (await self.control.ask("/schema.html")).status_code

    async def halted(self, _):
        """Tell engaged, off and not known apart; of the three only the first is halted."""
        told = []
        for text in ("1\n", "0\n", None):
            switch = FloorOfValues(switch=text).decide().kill_switch
            if text is None:
                switch = replace(switch, state=KillSwitchState.UNKNOWN)
            snapshot = replace(self.snapshot, kill_switch=switch)
            answer = await PaperControl(PaperFloor(snapshot)).ask("/api/v1/safety")
            shown = answer.json()["kill_switch"]
            told.append((shown["state"], shown["execution_halted"]))
        assert [("ENGAGED", True), ("DISENGAGED", False), ("UNKNOWN", False)] == told

    async def online(self, _):
        """By `/healthz` alone, beside the judgement."""
        floor = FloorOfValues()
        floor.say(MARKETDATA, "status.state", "UNKNOWN")
        agents = (await PaperControl(PaperFloor(floor.decide())).ask("/api/v1/agents")).json()
        told = {a["agent_name"]: (a["status"], a["expected"]) for a in agents["agents"]}
        assert ("ONLINE", False) == told[MARKETDATA.agent_name]

    async def error(self, _):
        """Call a timeout one."""
        assert "TIMEOUT" == endpoint_result(Unseen(UnseenReason.TIMEOUT, NOW))["error"]

    async def address(self, _):
        """Give a text also where there is none (G4)."""
        agent = self.snapshot.fleet.agents[0]
        assert "" == listed(replace(agent, service_dns=None))["service_dns"]

    async def words(self, row):
        """Use the contract's, for every state (G4)."""
        words = rows("api")[row][1].partition(": ")[2].split(", ")
        assert sorted(words) == sorted(state.summary for state in ServiceState)
        ops = (await self.json("/ops/status"))["agents"][0]["ops"]
        assert ops["summary"] in words

    async def outcomes(self, _):
        """Find the predecessor's fields of each."""
        outcome = (await self.json("/api/v1/events/recent"))["events"][0]["outcomes"][0]
        assert {"agent_name", "online", "healthz", "ops_status", "heartbeat"} == set(outcome)


API_ROWS = {
    "/healthz": Asked.health,
    "/ops/health": Asked.health,
    "/ops/metrics": Asked.metrics,
    "/ops/status": Asked.status,
    "/api/v1/agents": Asked.agents,
    "/api/v1/agents/{name}": Asked.agent,
    "/api/v1/safety": Asked.safety,
    "/api/v1/reports/deploy/latest": Asked.report,
    "/api/v1/events/recent": Asked.events,
    "other methods": Asked.methods,
    "/docs": Asked.docs,
    "kill_switch.execution_halted": Asked.halted,
    "status` of an agent": Asked.online,
    "error` of an endpoint": Asked.error,
    "service_dns": Asked.address,
    "ops.summary": Asked.words,
    "outcomes` of a poll event": Asked.outcomes,
}


@pytest.mark.anyio
@pytest.mark.parametrize("row", rows("api"))
async def test_the_api_answers_as_the_page_says(row):
    """Every path, and every field that answers differently."""
    await API_ROWS[row](Asked(), row)


def start(command, **environ):
    """Run a script as cron does."""
    return subprocess.run(
        command,
        env={"PATH": "/usr/bin:/bin", **environ},
        stdin=subprocess.DEVNULL,
        capture_output=True,
        check=False,
        text=True,
        timeout=100,
    )


TAKES = {
    "--namespace": "trading-floor",
    "-n": "trading-floor",
    "--context": "floor",
    "--output-dir": "out",
    "--label-selector": "app.kubernetes.io/part-of=agent-trader-v2",
    "-o": "-",
    "[NS]": "",
    "FILES": "",
}


def flags_of(script):
    """Return the flags of a script's row, each with a value where it takes one."""
    row = rows("scripts")[script][1]
    if row == "the same":
        row = rows("scripts")["ops_pre_market.sh"][1]
    told = re.findall(r"`([^`]+)`", row)
    given = [
        f for flag in told for f in (flag, TAKES.get(flag)) if f and f not in {"[NS]", "FILES"}
    ]
    given += ["some.log"] if "FILES" in told else []
    return (["trading-floor"] if "[NS]" in told else []) + given


@pytest.mark.parametrize("script", [s for s in rows("scripts") if s != "restore_lkg.sh"])
def test_a_script_takes_the_flags_that_the_page_says(script):
    """Each flag is known; one that is not is refused, so that this would be seen."""
    path = str(SCRIPTS / script)
    known = start([path, *flags_of(script), "--help"])
    unknown = start([path, *flags_of(script), "--no-such-flag", "--help"])

    assert 0 == known.returncode, known.stderr
    assert 2 == unknown.returncode, unknown.stderr


def test_the_script_that_writes_is_not_here():
    """The row of restore_lkg.sh: a page for people."""
    assert "not here" == rows("scripts")["restore_lkg.sh"][1]
    assert not (SCRIPTS / "restore_lkg.sh").exists()
    assert (ROOT / "runbooks/lkg_restore.md").is_file()


def test_scripts_of_the_market_take_their_own_namespace(tmp_path):
    """The row of TRADING_FLOOR_NAMESPACE: handed on as ours, with every argument."""
    shutil.copytree(SCRIPTS, tmp_path / "scripts")
    program = tmp_path / ".venv/bin/mission-control"
    program.parent.mkdir(parents=True)
    program.write_text('#!/bin/sh\necho "$MISSION_CONTROL_NAMESPACE $*"\n')
    program.chmod(0o755)

    told = [
        start(
            [str(tmp_path / f"scripts/ops_{when}_market.sh"), "--skip-health"],
            TRADING_FLOOR_NAMESPACE="floor-b",
        ).stdout
        for when in ("pre", "post")
    ]

    assert ["floor-b pre-market --skip-health\n", "floor-b post-market --skip-health\n"] == told


def test_a_selector_is_accepted_and_said_to_change_nothing(tmp_path):
    """The row of report_v2_deploy.sh: a note, and the same report."""
    fleet = tmp_path / "agents.yaml"
    fleet.write_text(HEAD + one(service_dns="http://127.0.0.1:1"))
    asked = ["deploy-report", "--fleet-file", str(fleet), "--skip-health"]
    asked += ["--output-dir", str(tmp_path / "out"), "--label-selector", "a=b"]

    done = CliRunner().invoke(cli, asked, env={})

    assert 0 == done.exit_code, done.output
    assert "--label-selector is accepted and ignored" in done.output
    assert (tmp_path / "out/deploy_report.md").is_file()


def test_our_own_status_keeps_the_contract_beside_the_aggregate():
    """The words of the page on /ops/status: both in one document."""
    control = PaperControl(PaperFloor(healthy_snapshot()))
    document = own_status_document(healthy_snapshot(), control.parts().own_process())

    assert {"service_name", "safety", "endpoints", "agents", "fleet"} <= set(document)
