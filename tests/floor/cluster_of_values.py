"""A floor of values on a cluster of values: what its lists held, as decisions see it."""

from dataclasses import dataclass, field, replace
from typing import Any

from mission_control.cluster.model.facts import (
    LIST_OF_KIND,
    LIST_OF_STARTER,
    REQUIRED_LISTS,
    STARTER_LISTS,
    ClusterFacts,
    ConfigMapFacts,
    ListReading,
    OddObject,
)
from mission_control.cluster.model.objects import (
    Container,
    ContainerState,
    EnvVariable,
    ObjectRef,
    PodFacts,
    Rollout,
    StarterFacts,
    WorkloadFacts,
)
from mission_control.floor.model import FloorEvidence, SwitchReading
from mission_control.model.cluster_identity import ClusterIdentity
from mission_control.model.fleet import (
    Agent,
    ClusterAccess,
    ContractKind,
    Criticality,
    Fleet,
    Kind,
    RepositoryLints,
    Workload,
)
from mission_control.model.kill_switch import SourceKind
from mission_control.model.reading import Seen, Unseen, UnseenReason
from tests.floor.floor_of_values import GAMMA, INGEST, MARKETDATA, STRATEGY, FloorOfValues

FLOOR, ELSEWHERE = "trading-floor", "agenttrader"
ACCESS = ClusterAccess((ELSEWHERE, FLOOR), FLOOR)
IDENTITY = ClusterIdentity(
    "test", "https://cluster.test:6443", "0f1e2d3c-0000-4000-8000-000000000001"
)
ANOTHER = replace(IDENTITY, uid="0f1e2d3c-0000-4000-8000-000000000002")
"""Spoken to at the same address, and yet not the same cluster."""
CONFIG_MAP = "configmap trading-floor/agenttrader-kill-switch"
ENGINE = Agent(
    "execution-engine",
    Kind.EXECUTION,
    "http://execution",
    Criticality.OPTIONAL,
    workload=Workload("Deployment", "execution-engine", FLOOR),
)
QUIET = Agent(
    "congressional-ingest",
    Kind.INGEST,
    criticality=Criticality.IMPORTANT,
    contract=ContractKind.NONE,
    workload=Workload("Deployment", "congressional-ingest", FLOOR),
)
RUN = {MARKETDATA: "Deployment", STRATEGY: "Deployment", INGEST: "Deployment", GAMMA: "StatefulSet"}
AGENTS = tuple(replace(a, workload=Workload(k, a.agent_name, FLOOR)) for a, k in RUN.items())
FLEET = Fleet(
    tuple(sorted((*AGENTS, ENGINE, QUIET), key=lambda a: a.agent_name)),
    digest="0" * 64,
    source="fleet.yaml",
    repository_lints=RepositoryLints.RUN,
    cluster="context test",
    access=ACCESS,
)
PAPER = (EnvVariable("AGENT_MODE", "OBSERVE"), EnvVariable("TRADING_MODE", "paper"))


def ref_of(agent: Agent) -> Workload:
    """Return the workload that the inventory names for an agent."""
    assert agent.workload is not None
    return agent.workload


def workload(agent: Agent, replicas: int = 1, **changes: Any) -> WorkloadFacts:
    """Return the workload of an agent with so many pods wanted, there and ready."""
    made = WorkloadFacts(
        ref_of(agent).kind,
        ref_of(agent).namespace,
        ref_of(agent).name,
        desired=replicas,
        actual=replicas,
        ready=replicas,
        containers=(Container("main", "r/x:1", env=PAPER),),
        rollout=Rollout(replicas, None if ref_of(agent).kind == "StatefulSet" else replicas),
    )
    return replace(made, **changes)


def pod(agent: Agent, **changes: Any) -> PodFacts:
    """Return the pod of an agent's workload."""
    ref = ref_of(agent)
    owner = ObjectRef(ref.kind, ref.name)
    if ref.kind == "Deployment":
        owner = ObjectRef("ReplicaSet", f"{ref.name}-1")
    state = ContainerState("main", image="r/x:1", digest=f"sha256:{'a' * 64}", ready=True)
    made = PodFacts(
        ref.namespace,
        f"{ref.name}-1-a",
        "Running",
        ready=True,
        owner=owner,
        containers=(Container("main", "r/x:1", env=PAPER),),
        states=(state,),
    )
    return replace(made, **changes)


def with_env(*variables: EnvVariable, **more: Any) -> tuple[Container, ...]:
    """Return one container with these variables."""
    return (Container("main", "r/x:1", env=variables, **more),)


@dataclass
class ClusterFloor(FloorOfValues):
    """A floor on a cluster; tests replace `workloads`, `pods`, `maps` and `lists` by hand."""

    fleet: Fleet = FLEET
    config_map: str | None = "1"
    workloads: dict[str, WorkloadFacts] = field(default_factory=dict)
    pods: dict[str, PodFacts] = field(default_factory=dict)
    maps: dict[str, ConfigMapFacts] = field(default_factory=dict)
    starters: dict[str, StarterFacts] = field(default_factory=dict)
    lists: dict[tuple[str, str], ListReading] = field(default_factory=dict)
    never_read: bool = False
    identity: ClusterIdentity = IDENTITY
    _made: ClusterFacts | None = None

    def refresh(self, at=None) -> None:
        """Let every service answer well, and the cluster show that all is well, at an instant."""
        super().refresh(at)
        self.workloads, self.pods, self.maps, self.starters = {}, {}, {}, {}
        for agent in (*AGENTS, QUIET):
            self.run(agent)
        self.workloads["execution-engine"] = workload(ENGINE, 0)
        self.answers["execution-engine"] = {}
        self.lose(ENGINE, "/ops/status", UnseenReason.CONNECTION_REFUSED)
        self.read_lists()

    def run(self, agent: Agent, **changes: Any) -> None:
        """Let an agent's workload run one pod, changed like this."""
        name = ref_of(agent).name
        self.workloads[name] = workload(agent)
        if ref_of(agent).kind == "Deployment":
            owner = ObjectRef("Deployment", name)
            owned = workload(agent, owner=owner, containers=(), kind="ReplicaSet", name=f"{name}-1")
            self.workloads[f"{name}-1"] = owned
        self.pods[name] = pod(agent, **changes)

    def read_lists(self) -> None:
        """Read every list again, now."""
        wanted = [(r, n) for n in ACCESS.namespaces for r in (*REQUIRED_LISTS, *STARTER_LISTS)]
        self.lists = {k: ListReading(*k, Seen(3, self.now)) for k in wanted}

    def lose_list(self, resource: str, namespace: str, reason: UnseenReason) -> None:
        """Fail to read a list; nothing of what it held is known any more."""
        unseen = Unseen(reason, self.now, detail="lost")
        self.lists[(resource, namespace)] = ListReading(resource, namespace, unseen)
        self._forget(lambda r, n: (r, n) == (resource, namespace))

    def garble(self, resource: str, namespace: str) -> None:
        """Let the first object of a list be odd: it is named, and nothing more is known of it."""
        held = self.lists[(resource, namespace)]
        if isinstance(held.reading, Unseen):
            return
        odd = OddObject("Pod", "odd", "spec: expected an object")
        self.lists[(resource, namespace)] = replace(held, odd=(odd,))
        gone = []
        self._forget(
            lambda r, n: (r, n) == (resource, namespace) and not gone and not gone.append(1)
        )

    def _forget(self, forgotten) -> None:
        self.workloads = {
            k: w
            for k, w in self.workloads.items()
            if not forgotten(LIST_OF_KIND[w.kind], w.namespace)
        }
        self.pods = {k: p for k, p in self.pods.items() if not forgotten("pods", p.namespace)}
        self.maps = {k: m for k, m in self.maps.items() if not forgotten("configmaps", m.namespace)}
        self.starters = {
            k: s
            for k, s in self.starters.items()
            if not forgotten(LIST_OF_STARTER[s.kind], s.namespace)
        }

    def facts(self) -> ClusterFacts | None:
        """Return what was read; the very same value while nothing changed, as from the reader."""
        if self.never_read:
            return None
        made = ClusterFacts(
            ACCESS.namespaces,
            tuple(self.lists[k] for k in sorted(self.lists)),
            tuple(sorted(self.workloads.values(), key=lambda w: w.key)),
            tuple(sorted(self.pods.values(), key=lambda p: p.key)),
            tuple(self.maps.values()),
            starters=tuple(sorted(self.starters.values(), key=lambda s: s.key)),
            identity=self.identity,
        )
        if self._made != made:
            self._made = made
        return self._made

    def evidence(self) -> FloorEvidence:
        """Return the evidence as the watch would."""
        whole = super().evidence()
        told = SwitchReading(
            SourceKind.CONFIG_MAP, CONFIG_MAP, Seen(self.config_map or "", self.now)
        )
        if self.config_map is None:
            told = replace(told, absent="the ConfigMap does not exist")
        switch_readings = (told, *whole.switch_readings)
        return replace(whole, switch_readings=switch_readings, cluster=self.facts())
