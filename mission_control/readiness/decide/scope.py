"""Which agent owns a workload or pod, and whether a check over it blocks."""

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import NamedTuple

from mission_control.cluster.decide.execution import is_execution_pod, is_execution_workload
from mission_control.cluster.decide.lists import CheckedLists, check_lists
from mission_control.cluster.decide.ownership import (
    Owners,
    WorkloadKey,
    find_owners,
    pods_by_workload,
)
from mission_control.cluster.model.facts import ClusterFacts
from mission_control.cluster.model.objects import PodFacts, WorkloadFacts
from mission_control.floor.decide.evidence import Moment
from mission_control.floor.model import FloorSnapshot
from mission_control.readiness.decide.outcome import UNKNOWN, Subject, check, settle
from mission_control.readiness.model import Check

PART_OF = "app.kubernetes.io/part-of"
SPELLINGS = frozenset({"agenttrader-v2", "agent-trader-v2"})
"""The fleet's manifests use one spelling of the label and its scripts the other."""


class ClusterScope(NamedTuple):
    """What was read of the cluster, with the owner of each object."""

    facts: ClusterFacts
    checked: CheckedLists
    owners: Owners
    pods: Mapping[WorkloadKey, Sequence[PodFacts]]

    @classmethod
    def of(cls, snapshot: FloorSnapshot, now: datetime) -> "ClusterScope | None":
        """Return the cluster as a snapshot saw it; None where none is configured."""
        fleet = snapshot.fleet
        if fleet.access is None:
            return None
        facts = snapshot.cluster or ClusterFacts(fleet.access.namespaces)
        checked = check_lists(fleet.access, snapshot.cluster, Moment(now))
        owners = find_owners(fleet, facts)
        return cls(facts, checked, owners, pods_by_workload(facts, owners))

    def belongs(self, workload: WorkloadFacts) -> bool:
        """Return whether a workload is of the fleet: by either label, or by the inventory."""
        labels = {workload.labels.get(PART_OF), workload.pod_labels.get(PART_OF)}
        return not SPELLINGS.isdisjoint(labels) or self.owners.agent_of(workload) is not None

    def blocks_workload(self, workload: WorkloadFacts) -> bool:
        """Return whether trouble with it blocks: it runs what the floor needs, or executes."""
        if is_execution_workload(workload, self.owners):
            return True
        agent = self.owners.agent_of(workload)
        if agent is None:
            return self.owners.unplaced and self.belongs(workload)
        return agent.required

    def blocks_pod(self, pod: PodFacts) -> bool:
        """Return whether trouble with a pod blocks; pods of Jobs and CronJobs only warn."""
        if is_execution_pod(pod, self.owners):
            return True
        workload = self.owners.workload_of(pod)
        if workload is None or workload.kind in {"Job", "CronJob"}:
            return False
        return self.blocks_workload(workload)

    def sees(self, resources: Sequence[str]) -> bool:
        """Return whether these lists of every watched namespace are whole."""
        return all(self.checked.is_whole(r, n) for r in resources for n in self.facts.namespaces)

    def settle(
        self, code: str, needed: Sequence[str], subjects: Sequence[Subject], well: str, nothing: str
    ) -> Check:
        """Settle a check over the contents of lists; one that is not whole leaves it UNKNOWN."""
        settled = settle(code, subjects, well, nothing, (f"cluster lists {', '.join(needed)}",))
        if self.sees(needed) or settled.stops:
            return settled
        return check(code, UNKNOWN, f"not seen whole: {', '.join(needed)}; {settled.detail}")
