"""Prometheus rules and the Grafana dashboard: real expressions over metrics that exist."""

import json
import re
import shutil
import subprocess
from pathlib import Path

import pytest
import yaml

from tests.api.paper_floor import PaperControl
from tests.api.test_metrics import exposed
from tests.real_parts import lacking

pytestmark = pytest.mark.anyio
ROOT = Path(__file__).parents[2]
PROMETHEUS, DASHBOARD = ROOT / "deploy/prometheus", ROOT / "deploy/grafana/mission_control.json"
RULES = PROMETHEUS / "rules.yml"
METRIC = re.compile(r"\bmission_control_\w+")
SELECTED = re.compile(r"(mission_control_\w+)\{([^}]*)\}")
OF_THE_SCRAPE = frozenset({"job", "instance"})


def promtool(*words: str | Path, given: str = "") -> subprocess.CompletedProcess[str]:
    """Run the real promtool."""
    path = shutil.which("promtool")
    if path is None:
        lacking("promtool is not installed (Debian: apt-get install prometheus)")
    words = (path, *map(str, words))
    return subprocess.run(words, input=given, capture_output=True, text=True, check=False)


def rules() -> list[dict[str, object]]:
    """Return the shipped rules."""
    return [
        rule for group in yaml.safe_load(RULES.read_text())["groups"] for rule in group["rules"]
    ]


def expressions(document: object) -> list[str]:
    """Return every expression of a dashboard."""
    if isinstance(document, dict):
        own = [document["expr"]] if isinstance(document.get("expr"), str) else []
        return own + [e for inner in document.values() for e in expressions(inner)]
    if isinstance(document, list):
        return [e for inner in document for e in expressions(inner)]
    return []


def on_the_dashboard() -> list[str]:
    """Return the dashboard's expressions, its variables filled in."""
    board = json.loads(DASHBOARD.read_text())
    asked = [v["query"]["query"] for v in board["templating"]["list"] if v["type"] == "query"]
    found = expressions(board["panels"]) + [
        re.sub(r"label_values\((.*), \w+\)", r"\1", a) for a in asked
    ]
    return [e.replace("$job", "mission-control").replace("$instance", ".*") for e in found]


def test_the_rules_are_valid_and_do_what_their_tests_say():
    """Promtool checks the rules and runs their own tests."""
    checked, tested = (
        promtool("check", "rules", RULES),
        promtool("test", "rules", PROMETHEUS / "rules_test.yml"),
    )

    assert (0, f"{len(rules())} rules found") == (
        checked.returncode,
        checked.stdout.split("SUCCESS: ")[-1].strip(),
    )
    assert 0 == tested.returncode, tested.stdout + tested.stderr


def test_each_rule_is_tested_firing_and_not_firing():
    """Every rule has a moment in its tests at which it fires, and one at which it does not."""
    tests = yaml.safe_load((PROMETHEUS / "rules_test.yml").read_text())["tests"]
    moments = [m for test in tests for m in test["alert_rule_test"]]
    names = {str(rule["alert"]) for rule in rules()}

    assert names == {m["alertname"] for m in moments if m.get("exp_alerts")}
    assert names == {m["alertname"] for m in moments if not m.get("exp_alerts")}


def test_each_rule_has_a_severity_and_a_runbook_that_exists():
    """Who is paged finds the page."""
    for rule in rules():
        page = ROOT / "runbooks" / f"{rule['annotations']['runbook']}.md"  # pyright: ignore[reportIndexIssue]
        assert page.is_file(), rule["alert"]
        assert rule["labels"]["severity"] in {"P0", "P1", "P2"}  # pyright: ignore[reportIndexIssue]


def test_every_expression_of_the_dashboard_parses(tmp_path):
    """Promtool parses each as a recording rule."""
    found = on_the_dashboard()
    recorded = [{"record": f"panel:{n}", "expr": e} for n, e in enumerate(found)]
    path = tmp_path / "rules.yml"
    path.write_text(yaml.safe_dump({"groups": [{"name": "dashboard", "rules": recorded}]}))
    checked = promtool("check", "rules", "--lint=none", path)

    assert len(found) > 15
    assert (0, "") == (checked.returncode, checked.stderr.strip())


async def test_rules_and_dashboard_ask_only_for_what_is_exposed():
    """Each metric and each label that is selected exists."""
    known = await exposed()
    asked = [*on_the_dashboard(), *(str(rule["expr"]) for rule in rules())]
    selected = [
        (name, set(re.findall(r"(\w+)=", labels)))
        for e in asked
        for name, labels in SELECTED.findall(e)
    ]

    assert set() == {name for e in asked for name in METRIC.findall(e)} - set(known)
    assert [] == [(n, wanted) for n, wanted in selected if wanted - known[n] - OF_THE_SCRAPE]


async def test_the_exposition_passes_promtools_own_lint():
    """Names, help texts and units are as Prometheus wants them, but for one name of old."""
    text = (await PaperControl(durable_copy="s3://bucket/floor").ask("/metrics")).text
    checked = promtool("check", "metrics", given=text)

    assert ["mission_control_calendar_horizon_days"] == [
        line.split()[0] for line in checked.stderr.splitlines()
    ]


def test_the_dashboard_is_whole():
    """Each panel has its own id, a description, and does not lie over another."""
    panels = json.loads(DASHBOARD.read_text())["panels"]
    cells = [
        (x, y)
        for p in panels
        for x in range(p["gridPos"]["x"], p["gridPos"]["x"] + p["gridPos"]["w"])
        for y in range(p["gridPos"]["y"], p["gridPos"]["y"] + p["gridPos"]["h"])
    ]

    assert len(panels) == len({p["id"] for p in panels})
    assert all(p["description"] and p["title"] for p in panels)
    assert len(cells) == len(set(cells))
    assert all(x < 24 for x, _ in cells)
