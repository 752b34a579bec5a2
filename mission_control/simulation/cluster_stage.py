"""One state of the cluster, as values that the simulated API acts on."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Any

EVERYTHING = ("*", "*")


class ApiFault(StrEnum):
    """How a list request fails."""

    DENIED = "denied"
    UNAUTHORIZED = "unauthorized"
    THROTTLED = "throttled"
    GONE = "gone"
    UNAVAILABLE = "unavailable"
    HUNG = "hung"
    GARBAGE = "garbage"
    CUT = "cut"
    ENDLESS = "endless"
    MISSING = "missing"
    REFUSED = "refused"
    """The port is closed; only together with `EVERYTHING`."""


@dataclass(frozen=True, slots=True)
class WorkloadTwist:
    """
    How one workload differs from what it normally is.

    `env` gives plain values; `env_refs` takes variables from elsewhere: name to (kind of
    source, its name, key). `waiting` is why the first container does not run, `init_waiting` the
    same of the first init container. The first pod runs `odd_image`, as if edited by hand;
    `updated` pods have the newest specification, where a rollout stopped.
    """

    replicas: int | None = None
    ready: int | None = None
    waiting: str = ""
    init_waiting: str = ""
    restarts: int = 0
    env: Mapping[str, str] = field(default_factory=dict[str, str])
    env_refs: Mapping[str, tuple[str, str, str]] = field(
        default_factory=dict[str, tuple[str, str, str]]
    )
    init_env: Mapping[str, str] = field(default_factory=dict[str, str])
    absent: bool = False
    image: str = ""
    pending: str = ""
    warning: str = ""
    odd_image: str = ""
    updated: int | None = None


AS_ITS_FILE = "\0as the file"
"""The ConfigMap holds what the mounted file does, as in a real cluster."""


@dataclass(frozen=True, slots=True)
class ClusterStage:
    """
    The cluster as a scenario wants it.

    `faults` are by (namespace, resource), both may be `*`. `kill_switch` None means that the
    ConfigMap does not exist. `installed` are the groups of other programs that the API offers
    (`keda.sh`), whose lists go by their whole names (`scaledobjects.keda.sh`). `extra` are raw
    objects by (namespace, resource), served as they are. `of` identifies the cluster.
    """

    faults: Mapping[tuple[str, str], ApiFault] = field(
        default_factory=dict[tuple[str, str], ApiFault]
    )
    kill_switch: str | None = AS_ITS_FILE
    kill_switch_key: str = "EXECUTION_HALTED"
    workloads: Mapping[str, WorkloadTwist] = field(default_factory=dict[str, WorkloadTwist])
    of: str = "the simulated cluster"
    extra: Mapping[tuple[str, str], tuple[Mapping[str, Any], ...]] = field(
        default_factory=dict[tuple[str, str], tuple[Mapping[str, Any], ...]]
    )

    installed: frozenset[str] = frozenset()

    def fault(self, namespace: str, resource: str) -> ApiFault | None:
        """Return how a list request fails, if it does."""
        for key in ((namespace, resource), ("*", resource), (namespace, "*"), EVERYTHING):
            if key in self.faults:
                return self.faults[key]
        return None

    def twist(self, name: str) -> WorkloadTwist:
        """Return how a workload differs."""
        return self.workloads.get(name, NORMAL)


NORMAL = WorkloadTwist()
