"""Present: what runs a service, as documents."""

from dataclasses import replace
from datetime import UTC, datetime

from mission_control.cluster.model.facts import AgentWorkload, EventFacts
from mission_control.cluster.model.objects import ContainerState, ObjectRef
from mission_control.cluster.present import (
    pod_documents,
    warning_documents,
    workload_summary,
)
from mission_control.model.fleet import Workload
from tests.floor.cluster_of_values import AGENTS, pod, workload

AT = datetime(2026, 11, 18, 15, 15, tzinfo=UTC)
AGENT = AGENTS[1]


def whole() -> AgentWorkload:
    """Return a workload with one pod that ended once, and a warning about it."""
    state = ContainerState("main", restarts=2, ended="OOMKilled", exit_code=137, ended_at=AT)
    warning = EventFacts("f", ObjectRef("Pod", "p"), "Warning", "BackOff", "again", 3, AT)
    held = replace(pod(AGENT), states=(state,), deleting=True)
    ref = Workload("Deployment", "strategy-engine", "trading-floor")
    return AgentWorkload(ref, "", workload(AGENT), (held,), (warning,), AT)


def test_numbers_pods_and_warnings_are_told():
    """Counts, each container's fate and each warning stand in the documents, in UTC."""
    summary = workload_summary(whole())
    (told,) = pod_documents(whole())
    (warning,) = warning_documents(whole())

    assert summary is not None
    assert (1, 1, 1, 2) == (
        summary["desired"],
        summary["actual"],
        summary["ready"],
        summary["restarts"],
    )
    assert ("Terminating", 137, "2026-11-18T15:15:00.000Z") == (
        told["phase"],
        told["containers"][0]["exit_code"],
        told["containers"][0]["ended_at"],
    )
    assert ("Pod/p", 3) == (warning["about"], warning["count"])


def test_nothing_is_made_up_where_nothing_is_known():
    """Without a workload there is no document; one that was not found has no numbers."""
    lost = workload_summary(replace(whole(), found=None, unseen="not seen"))

    assert (None, [], []) == (workload_summary(None), pod_documents(None), warning_documents(None))
    assert lost is not None
    assert (None, "not seen", None) == (lost["desired"], lost["unseen"], lost["restarts"])
