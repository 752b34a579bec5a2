"""Present: readiness and deploy reports, byte for byte, and hostile text in them."""

from dataclasses import replace
from pathlib import Path

import pytest

from mission_control.cluster.model.facts import ServiceFacts
from mission_control.cluster.model.objects import Container, JobCounts, WorkloadFacts
from mission_control.deploy_report.decide.changes import compare_reports
from mission_control.deploy_report.decide.report import make_deploy_report
from mission_control.deploy_report.model import ReportComparison
from mission_control.deploy_report.present import deploy_document, deploy_markdown, pod_summary
from mission_control.documents.canonical_json import encode_json
from mission_control.documents.markdown import escape
from mission_control.floor.model import Verdict
from mission_control.floor.present.posture import verdict_text
from mission_control.model.fleet import (
    Agent,
    ContractKind,
    Kind,
    RepositoryLints,
    Safety,
    SwitchFile,
    Unobserved,
)
from mission_control.model.reading import Seen
from mission_control.readiness.decide.readiness import (
    judge_current,
    judge_readiness,
    refuse_unrecorded,
)
from mission_control.readiness.model import ReadinessVerdict
from mission_control.readiness.present import (
    latest_readiness,
    readiness_document,
    readiness_markdown,
)
from tests.cluster.test_cluster import SE
from tests.floor.cluster_of_values import FLOOR, IDENTITY, ClusterFloor
from tests.floor.floor_of_values import NOW
from tests.readiness.test_readiness import gather, probe

GOLDEN = Path(__file__).parents[1] / "golden"


def judged(**changes):
    """Judge a floor, well but for the changes, whose file has the repository's lints run."""
    floor = ClusterFloor()
    lints = changes.pop("lints", RepositoryLints.RUN)
    floor.fleet = replace(floor.fleet, repository_lints=lints)
    probe(floor)
    return judge_readiness(gather(floor, **changes))


def deployed(label=""):
    """Make a report of a floor with a Job and a Service beside it."""
    floor = ClusterFloor()
    limits = (("limits.memory", "512Mi"), ("requests.cpu", "100m"))
    one = Container("main", "r/x:1", resources=limits, env_names=("A", "B"))
    floor.workloads["job"] = WorkloadFacts(
        "Job", FLOOR, "job", 0, job=JobCounts(1, 0, 0, NOW), containers=(one,)
    )
    floor.workloads[SE] = replace(floor.workloads[SE], ready=0)
    services = Seen((ServiceFacts(FLOOR, "s", "ClusterIP", ports=("80->8080/TCP",)),), NOW)
    snapshot = replace(floor.decide(), label=label)
    return make_deploy_report(snapshot, services, NOW, user="me")


@pytest.mark.parametrize(
    ("name", "content"),
    [
        ("readiness_go.md", lambda: readiness_markdown(judged())),
        ("readiness_no_go.md", lambda: readiness_markdown(judged(store=None, repository=None))),
        ("readiness_go.json", lambda: encode_json(readiness_document(judged())).decode()),
        (
            "deploy_report.md",
            lambda: deploy_markdown(deploy_document(deployed(), ReportComparison((), ()), "then")),
        ),
        (
            "deploy_report.json",
            lambda: encode_json(deploy_document(deployed(), None, None)).decode(),
        ),
    ],
)
def test_equal_input_gives_equal_bytes(name, content, request):
    """Reports are what they were, byte for byte; a change shows here first (R9.5)."""
    assert (GOLDEN / name).read_text() == content()


def test_what_the_fleet_file_leaves_out_is_in_the_headline():
    """A report without the repository's own lints says so with its verdict, GO or NO-GO."""
    first, *_ = readiness_markdown(judged(lints=RepositoryLints.NOT_RUN)).splitlines()
    worse, *_ = readiness_markdown(judged(lints=RepositoryLints.NOT_RUN, store=None)).splitlines()
    run, *_ = readiness_markdown(judged()).splitlines()

    assert "# Readiness: READY (GO), the repository's own lints not run" == first
    assert worse.endswith("the repository's own lints not run")
    assert "# Readiness: READY (GO)" == run
    document = readiness_document(judged(lints=RepositoryLints.NOT_RUN))
    assert "not_run" == document["repository_lints"]


def test_the_predecessor_s_fields_are_kept():
    """A reader of the old reports finds every field where it was."""
    ready = readiness_document(judged())
    report = deploy_document(deployed(), None, None)

    assert {
        "generated_utc", "git_sha", "git_branch", "kubectl_context", "namespace", "ready", "checks",
    } <= set(ready)  # fmt: skip
    assert {"name", "status", "details"} <= set(ready["checks"][0])
    assert {
        "generated_utc", "namespace", "kube_context", "kube_cluster", "kube_user",
        "label_selector", "cluster_access", "cluster_error",
    } <= set(report["meta"])  # fmt: skip
    assert {
        "workload_name", "kind", "namespace", "labels", "replicas_desired", "replicas_ready",
        "pod_status_summary", "images", "observed_image_digests", "service_account", "resources",
        "env_summary", "allowed_to_run", "allowed_reason", "job_status", "health",
    } <= set(report["workloads"][0])  # fmt: skip


def test_what_others_wrote_is_text_in_markdown():
    """Names and details cannot make links, tables, headings or HTML."""
    hostile = "[x](javascript:alert(1)) | <b> # `code`\n## heading"

    assert "\n" not in escape(hostile)
    assert r"\[x\](javascript:alert(1)) \| \<b\>" in escape(hostile)


def test_a_label_marks_the_markdown():
    """What a demo made says so first."""
    ready = replace(judged(), label="DEMO")

    assert "**DEMO**" in deploy_markdown(deploy_document(deployed(), None, None), "DEMO")
    assert "**DEMO**" in readiness_markdown(ready)


def test_changes_stand_before_everything_else():
    """A report opens with what changed, or says that there is nothing to compare with (R12.1)."""
    report = deployed()
    before = deploy_document(report, None, None)
    changed = [{**w, "replicas_desired": 7} for w in before["workloads"]]
    changes = compare_reports({**before, "workloads": changed}, before)
    markdown = deploy_markdown(deploy_document(report, changes, "yesterday"))

    assert markdown.index("Since yesterday") < markdown.index("## Executive summary")
    assert "replicas: 7 -> " in markdown
    assert "There is no earlier report" in deploy_markdown(before)
    assert "none" == pod_summary({})


def test_the_current_verdict_is_shown_with_its_report():
    """The latest readiness says what it is worth now, beside what it said."""
    snapshot = ClusterFloor().decide()
    current = judge_current(None, snapshot.session, NOW, (), "d", cluster=IDENTITY)
    document = latest_readiness(snapshot, current, None, None)

    assert ("NO-GO", "READINESS_MISSING") == (document["verdict"], document["code"])


@pytest.mark.parametrize(
    ("report", "is_current"),
    [
        ({"generated_et": "2026-11-18 08:30:01 EST", "session_date": "2026-11-18"}, True),
        ({"generated_et": "2026-11-17 16:30:03 EST", "session_date": "2026-11-17"}, False),
        ({"generated_et": "2026-11-18 08:30:01 EST", "session_date": None}, False),
        ({"generated_et": "2026-11-17 16:30:03 EST", "session_date": "2026-11-18"}, False),
        ({"session_date": "2026-11-18"}, False),
        (None, False),
    ],
)
def test_a_report_is_current_where_it_is_of_today_and_its_session(report, is_current):
    """Anything else is shown as what was said then."""
    snapshot = ClusterFloor().decide()
    current = judge_current(None, snapshot.session, NOW, (), "d", cluster=IDENTITY)

    assert is_current is latest_readiness(snapshot, current, None, report)["report_is_current"]


def test_a_verdict_says_where_safety_is_not_judged_and_what_is_not_observed():
    """
    The head of a report says what its fleet file leaves out, and who watches what is unseen (R4.6).
    """
    floor = ClusterFloor()
    probe(floor)
    unseen = Agent(
        "cloud", Kind.OPS, None, contract=ContractKind.NONE, unobserved=Unobserved("Ops", "by hand")
    )
    needs = Safety(switch_required=False, freshness_required=False)
    floor.fleet = replace(
        floor.fleet, agents=(*floor.fleet.agents, unseen), safety=needs,
        repository_lints=RepositoryLints.RUN, switch_file=SwitchFile.NONE,
    )  # fmt: skip
    report = judge_readiness(gather(floor))
    text, document = readiness_markdown(report), readiness_document(report)
    line = "kill switch NOT required, normally ENGAGED; its file here: none; execution forbidden;"
    line += " freshness NOT required; safety not judged"

    assert text.startswith("# Readiness: READY (GO), safety not judged\n")
    assert f"| What it needs | {line} |" in text
    assert "| Not observed | cloud, which Ops watches: by hand |" in text
    assert (line, False) == (document["safety"]["text"], document["safety"]["judged"])
    told = [{"agent_name": "cloud", "who": "Ops", "why": "by hand"}]
    assert told == document["safety"]["unobserved"]
    assert "OK · safety not judged" == verdict_text(Verdict.OK, needs)
    assert "HALTED" == verdict_text(Verdict.HALTED, needs)


def test_a_verdict_that_could_not_be_recorded_is_no_go():
    """Whatever the checks say, an unrecorded verdict is NO-GO and names what failed."""
    refused = refuse_unrecorded(judged(), "the disk is full")
    told = [c for c in refused.checks if "the disk is full" in c.detail]

    assert (ReadinessVerdict.NO_GO, False) == (refused.verdict, refused.otherwise_ready)
    assert ["RC-705"] == [c.code for c in told]
