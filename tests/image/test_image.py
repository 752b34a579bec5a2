"""The image: what is in it, what is not, and that it runs as a platform team runs it."""

import configparser
import json
import re
import signal
import subprocess
import sys
from pathlib import Path

import httpx
import pytest

from tests.cli.test_serving import PORTS_OF_A_DEMO, wait_for
from tests.image.conftest import SCRATCH
from tests.ports import free_ports

ROOT = Path(__file__).parents[2]
HADOLINT = Path(sys.prefix) / "bin/hadolint"
FLEET = "/app/deploy/fleets/agenttrader.yaml"

pytestmark = [pytest.mark.slow, pytest.mark.timeout(1200)]


def judged(text: str) -> set[str]:
    """Return the rules of hadolint that a Dockerfile breaks."""
    asked = [HADOLINT, "--no-color", "--format", "json", "-"]
    done = subprocess.run(asked, input=text, capture_output=True, text=True, check=False)
    return {finding["code"] for finding in json.loads(done.stdout)}


def test_the_linter_finds_nothing_in_the_dockerfile():
    """No finding, and none that is silenced in the file; a worse file is found out."""
    text = (ROOT / "Dockerfile").read_text()

    assert set() == judged(text)
    assert "hadolint" not in text
    assert {"DL3006", "DL3002"} <= judged(f"{text}\nFROM debian\nUSER root\n")


def test_both_stages_begin_with_what_is_handed_in():
    """No base has a default, so each is the digest that a person chose; none names a registry."""
    text = (ROOT / "Dockerfile").read_text()

    assert ["${BUILD_BASE}", "${BASE}"] == re.findall(r"^FROM (\S+)", text, re.MULTILINE)
    assert ["BASE", "BUILD_BASE=${BASE}"] == re.findall(r"^ARG (\S+)", text, re.MULTILINE)


def test_it_says_how_it_is_run(image):
    """A numeric user that is not root, programs without a shell, and labels that name the tree."""
    user, group = map(int, image.config["User"].split(":"))
    labels = image.config["Labels"]
    head = subprocess.run(
        ["git", "rev-parse", "HEAD"], cwd=ROOT, capture_output=True, text=True, check=True
    )

    assert user > 0 < group
    assert ["/opt/mission-control/bin/python", "-m", "mission_control"] == image.config[
        "Entrypoint"
    ]
    assert ["serve"] == image.config["Cmd"]
    assert "MIT" == labels["org.opencontainers.image.licenses"]
    assert head.stdout.strip() == labels["org.opencontainers.image.revision"]


def test_nothing_in_it_installs_or_interprets(image):
    """No shell, no pip, no build tool, no second Kubernetes client, nothing with a set-id bit."""
    programs = [path.name for path in image.files.glob("**/bin/*")]
    packages = [path.name for path in image.files.glob("**/site-packages/*")]
    set_id = [
        path
        for path in image.files.rglob("*")
        if not path.is_symlink() and path.is_file() and path.stat().st_mode & 0o6000
    ]

    assert {"python3", "mission-control"} <= set(programs)
    assert [] == [p for p in programs if p in {"sh", "dash", "bash", "pip", "pip3", "apt", "curl"}]
    assert {"mission_control", "ops_ui"} <= set(packages)
    assert [] == [p for p in packages if re.match(r"(pip|setuptools|faker|pytest)\b", p)]
    assert [] == set_id
    assert not list(image.files.glob("**/site-packages/kubernetes/aio"))


def test_nothing_of_where_packages_came_from_stays(image, tmp_path):
    """
    The secrets of the build are in no file and in no line of the history.
    """
    subprocess.run(
        [sys.executable, ROOT / "tests/image/index_settings.py", tmp_path], cwd=ROOT, check=True
    )
    config = configparser.ConfigParser(interpolation=None)
    config.read(tmp_path / "pip.conf")
    said = [value for key, value in config["global"].items() if key.endswith(("url", "host"))]
    secrets = [*said, config["seal"]["mark"]]

    history = json.dumps(image.inspected)
    found = [
        path
        for path in image.files.rglob("*")
        if path.is_file() and not path.is_symlink() and _holds(path, secrets)
    ]

    assert secrets
    assert [] == [secret for secret in secrets if secret in history]
    assert [] == found
    assert not list(image.files.glob("etc/pip.conf"))
    assert not (image.files / "run/secrets").exists()


def _holds(path: Path, secrets: list[str]) -> bool:
    content = path.read_bytes()
    return any(secret.encode() in content for secret in secrets)


def test_it_writes_where_it_may_and_nowhere_else(image):
    """The root file system is read-only; /data and /tmp are not."""
    write = "import sys; open(sys.argv[1] + '/written', 'w').write('x')"
    python = "/opt/mission-control/bin/python"

    codes = {
        place: image.run(python, "-c", write, place, entry=False).returncode
        for place in ("/app", "/opt/mission-control", "/data", SCRATCH)
    }
    denied = image.run(python, "-c", write, "/app", entry=False)

    assert {"/app": 1, "/opt/mission-control": 1, "/data": 0, SCRATCH: 0} == codes
    assert "Read-only file system" in denied.stderr
    (image.data / "written").unlink()


def test_without_a_fleet_it_says_what_is_missing(image):
    """Started with nothing, it ends with 78 and names the setting."""
    done = image.run()

    assert (78, True) == (done.returncode, "MISSION_CONTROL_FLEET_FILE" in done.stderr)


def test_a_round_from_the_image_names_every_service(image):
    """`status` asks the shipped fleet, which is not there, and halts with names, not errors."""
    done = image.run("status", "--json", "--fleet-file", FLEET)

    assert 3 == done.returncode, done.stderr
    agents = [agent["agent_name"] for agent in json.loads(done.stdout)["agents"]]
    assert "marketdata-mcp-server" in agents


def test_it_serves_and_records_as_its_own_user_and_stops(image):
    """
    `serve`, the image's own command, answers /livez, keeps its record in /data, ends on SIGTERM.
    """
    port = free_ports(2)
    settings = {
        "MISSION_CONTROL_FLEET_FILE": FLEET,
        "MISSION_CONTROL_PORT": str(port),
        "MISSION_CONTROL_UI_PORT": str(port + 1),
    }
    with image.started("serve", "--with-ui", **settings) as served:
        wait_for(f"http://127.0.0.1:{port}/livez")
        wait_for(f"http://127.0.0.1:{port}/api/v1/posture", "HALTED")
        wait_for(f"http://127.0.0.1:{port + 1}", "HALTED")
        served.send_signal(signal.SIGTERM)
        code = served.wait(60)

    files = [path for path in image.data.rglob("*") if path.is_file()]
    assert 0 == code
    assert "record.json" in {path.name for path in files}
    assert {10001} == {path.stat().st_uid for path in files}


def test_the_demo_and_its_status_run_from_the_image(image):
    """A newcomer's two commands, in two containers: the demo, and what its status is."""
    base = free_ports(PORTS_OF_A_DEMO)
    api = f"http://127.0.0.1:{base}"
    flags = ["--port", base, "--ui-port", base + 1, "--floor-port", base + 2]
    with image.started("demo", "--no-past", *flags), httpx.Client(trust_env=False) as client:
        wait_for(f"{api}/livez")
        wait_for(f"http://127.0.0.1:{base + 1}", "marketdata-mcp-server")
        wait_for(f"{api}/api/v1/posture", '"posture":"OK"')
        style = client.get(f"http://127.0.0.1:{base + 1}/static/style.css")
        asked = image.run("status", "--json", "--url", api)

    assert 200 == style.status_code
    assert (
        asked.returncode == {"OK": 0, "HALTED": 3}[json.loads(asked.stdout)["posture"]["posture"]]
    )
