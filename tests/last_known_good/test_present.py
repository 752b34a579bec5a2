"""Captures for people and programs: every doubt is written down, and nothing else."""

from pathlib import Path

import pytest

from mission_control.deploy_report.present import deploy_markdown
from mission_control.last_known_good.model import LkgCapture, LkgReason, LkgStatus, RecordedLkg
from mission_control.last_known_good.present import (
    capture_lines,
    list_lines,
    listed_capture,
    manifest_bytes,
    metadata_document,
    unchanged_text,
)
from mission_control.model.session import MarketSession, Phase
from mission_control.records.model import ArtifactFile, LedgerEntry
from tests.last_known_good.raw_namespace import AT, RawNamespace

PREDECESSORS = {
    "timestamp_utc",
    "git_sha",
    "build_id",
    "cluster_name",
    "kubectl_context",
    "namespace",
    "components",
    "safety_posture",
}
ENTRY = LedgerEntry(
    seq=1,
    at="2026-11-18T22:00:00Z",
    job="lkg_capture",
    path="ops/lkg/20261118T220000Z",
    session_date=None,
    files=(ArtifactFile(path="ops/lkg/x/lkg_manifest.yaml", size=1, sha256="a" * 64),),
    previous="0" * 64,
    hash="1" * 64,
)


def capture(raw=None, **changes):
    """Return a capture of a namespace."""
    manifest = (raw or RawNamespace()).capture()
    content = manifest_bytes(manifest.items) or b""
    given = {
        "at": AT,
        "manifest": manifest,
        "content": content,
        "content_digest": "a" * 64,
        "status": LkgStatus.GOOD,
        "reasons": (),
        "session": MarketSession(AT, Phase.CLOSED_WEEKEND),
        "cluster": "test",
        "fleet_digest": "f" * 64,
    }
    return LkgCapture(**{**given, **changes})


def test_metadata_hold_the_predecessors_fields_and_ours():
    """Nothing of the predecessor's is missing, and what is not known says so."""
    document = metadata_document(capture())

    assert document.keys() >= PREDECESSORS
    assert {"git_sha": "UNKNOWN", "session_date": None}.items() <= document.items()
    first = document["components"][0]
    assert {"kind", "name", "namespace", "containers"} <= first.keys()
    assert {"container", "image"} <= first["containers"][0].keys()
    switch = document["safety_posture"]["kill_switch"]
    assert ("1", "1", "2026-11-18T22:00:00.000Z") == (
        switch["value"],
        switch["observed"]["value"],
        switch["observed"]["at"],
    )


def test_a_switch_that_is_off_is_told_as_observed():
    """The manifest engages it; the metadata do not claim that it was."""
    raw = RawNamespace()
    raw.one("configmaps", "agenttrader-kill-switch")["data"] = {"EXECUTION_HALTED": "0"}
    safety = metadata_document(capture(raw))["safety_posture"]

    assert (False, "1", "0") == (
        safety["execution_halted"],
        safety["kill_switch"]["value"],
        safety["kill_switch"]["observed"]["value"],
    )


def test_a_capture_is_written_line_by_line():
    """What it is worth, why, and what a restore has to know."""
    raw = RawNamespace()
    raw.lists["configmaps"] = []
    reasons = (LkgReason("RESTARTED", "pod x"),)
    made = capture(
        raw, status=LkgStatus.CANDIDATE, reasons=reasons, unchanged_for_sessions=2, same_as="p"
    )
    document = metadata_document(made)
    document["needs"] = {"Secret": ["broker", "feed"]}
    text = "\n".join(capture_lines(document))

    for words in (
        "CANDIDATE: trading-floor, unchanged for 2 sessions",
        "  RESTARTED: pod x",
        "kill switch: '1' in the manifest; observed nothing at 2026-11-18",
        "  UNPINNABLE Deployment/execution-engine: at 0 replicas",
        "  a restore needs Secret broker, feed",
        "  not pinned: CronJob/writer w k/k:1",
        "  added, because the cluster had none: ConfigMap/agenttrader-kill-switch",
    ):
        assert words in text, words


def test_captures_are_listed_with_why_each_is_not_good():
    """One a line: its path, its status, its session, its content; or what is wrong with it."""
    reasons = [{"code": "RESTARTED", "detail": "pod x"}, {"code": "NO_READINESS", "detail": ""}]
    listed = {
        "path": "ops/lkg/20261118T210000Z",
        "status": "CANDIDATE",
        "session_date": "2026-11-18",
        "content_digest": "ab" * 32,
        "problem": "",
        "unchanged_for_sessions": 2,
        "same_as": "p",
        "reasons": reasons,
    }
    broken = listed | {"session_date": None, "reasons": [], "problem": "it is not whole"}

    first, second = list_lines([listed, broken])

    for words in ("CANDIDATE", "2026-11-18", "abababab", "unchanged for 2", "(NO_READINESS, RES"):
        assert words in first, words
    assert "it is not whole" in second
    assert ["No last known good was captured."] == list(list_lines([]))


@pytest.mark.parametrize(
    ("sessions", "same_as", "text"),
    [
        (1, "p", "unchanged for 1 session"),
        (30, "p", "unchanged for 30 sessions"),
        (0, "p", "unchanged in this session"),
        (0, None, "no session before is the same"),
        ("many", None, "no session before is the same"),
    ],
)
def test_for_how_long_it_is_unchanged(sessions, same_as, text):
    """In sessions, as operators count."""
    assert text == unchanged_text(sessions, same_as)


@pytest.mark.parametrize(
    "metadata",
    [
        {},
        {"status": "good"},
        {"status": ["GOOD"]},
        {"reasons": 7, "components": 7, "unpinnable": 7, "safety_posture": 7},
        {"unchanged_for_sessions": "x", "same_as": 7},
        {"reasons": [7]},
    ],
    ids=str,
)
def test_odd_metadata_are_a_candidate_at_most(metadata):
    """Whatever they hold, they can be listed, and are not GOOD."""
    listed = listed_capture(RecordedLkg(ENTRY, metadata))

    assert "CANDIDATE" == listed["status"]
    assert next(list_lines([listed])).startswith("CANDIDATE")


def test_a_capture_that_cannot_be_believed_says_only_that():
    """Its status is neither of the two."""
    listed = listed_capture(RecordedLkg(ENTRY, {"status": "GOOD"}, "it was altered"))

    assert "UNREADABLE" == listed["status"]
    assert "it was altered" in next(list_lines([listed]))


@pytest.mark.parametrize(
    ("lkg", "words"),
    [
        ({"changes": None, "problem": "no capture is GOOD"},
         "Nothing is compared with the last known good: no capture is GOOD."),
        ({"changes": []}, "Nothing changed since the last known good of then."),
        ({"changes": [], "gaps": ["half of it"]},
         "Nothing that was seen changed since the last known good of then."),
        ({"changes": [], "gaps": ["half of it"]},
         "Not the whole picture since the last known good: half of it"),
        ({"changes": [{"subject": "s", "what": "replicas", "before": "0", "after": "1"}]},
         "- **s** replicas: 0 -> 1"),
        ({"changes": [], "clusters": "DIFFERENT CLUSTERS: a, then b"},
         "**Since the last known good: DIFFERENT CLUSTERS: a, then b**"),
    ],
    ids=["none", "nothing", "nothing seen", "a gap", "a change", "another cluster"],
)  # fmt: skip
def test_a_deploy_report_says_what_changed_since_the_lkg(lkg, words):
    """For people, before everything else; that there is none is told as such (R12.1)."""
    told = (
        "generated_et",
        "generated_utc",
        "kill_switch",
        "kube_context",
        "kube_user",
        "namespace",
        "session_date",
    )
    meta = {"cluster_access": True, "cluster_identity": None, **dict.fromkeys(told, "")}
    counts = ("workloads_total", "healthy", "degraded", "down", "unknown", "deployments",
              "statefulsets", "daemonsets", "jobs", "jobs_active")  # fmt: skip
    document = {
        "headline": "no workload was found",
        "changes_folded": [],
        "cron_jobs": [],
        "loose_pods": [],
        "meta": meta,
        "summary": dict.fromkeys(counts, 0),
        "changes": None,
        "changes_gaps": [],
        "changes_clusters": "",
        "lkg": {"captured_et": "then", "gaps": [], "clusters": "", **lkg},
        "workloads": [],
        "top_issues": [],
        "recommended_actions": [],
        "errors": [],
    }
    text = deploy_markdown(document)

    assert words in text
    assert text.index(words) < text.index("## Executive summary")


@pytest.mark.parametrize(
    "kind",
    [
        "Secrets",
        "bare ReplicaSets",
        "HorizontalPodAutoscalers",
        "ResourceQuotas",
        "LimitRanges",
        "ClusterRoles",
        "ClusterRoleBindings",
        "Ingresses",
    ],
)
def test_what_is_not_captured_is_named(kind):
    """In the metadata, and on the page that a human restores by."""
    page = (Path(__file__).parents[2] / "runbooks/lkg_restore.md").read_text()

    assert any(kind in each for each in metadata_document(capture())["not_captured"])
    assert kind in page
