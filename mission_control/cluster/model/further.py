"""What jobs read of the cluster beyond what every round reads."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from mission_control.cluster.model.facts import EventFacts, OddObject


@dataclass(frozen=True, slots=True)
class ServiceFacts:
    """A Service: how it is reached, and which pods it selects."""

    namespace: str
    name: str
    type: str
    cluster_ip: str = ""
    ports: tuple[str, ...] = ()
    selector: Mapping[str, str] = field(default_factory=dict[str, str])
    labels: Mapping[str, str] = field(default_factory=dict[str, str])


@dataclass(frozen=True, slots=True)
class NodeFacts:
    """A node; `troubles` are its conditions that are not as they should be, in words."""

    name: str
    ready: bool
    schedulable: bool
    troubles: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class ListedEvents:
    """The events of one namespace; `odd` are those that could not be understood."""

    events: tuple[EventFacts, ...]
    odd: tuple[OddObject, ...] = ()


@dataclass(frozen=True, slots=True)
class PodUsage:
    """What one container uses, in Kubernetes' own units: `35m` of a core, `180Mi` of memory."""

    namespace: str
    pod: str
    container: str
    cpu: str
    memory: str


@dataclass(frozen=True, slots=True)
class Rule:
    """One rule of a role: these verbs on these resources, or on these URLs."""

    verbs: tuple[str, ...]
    groups: tuple[str, ...] = ()
    resources: tuple[str, ...] = ()
    names: tuple[str, ...] = ()
    urls: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class RoleFacts:
    """A Role, or a ClusterRole where `namespace` is empty."""

    namespace: str
    name: str
    rules: tuple[Rule, ...]


@dataclass(frozen=True, slots=True)
class SubjectRef:
    """A subject of a binding: a ServiceAccount (with its namespace), User or Group."""

    kind: str
    name: str
    namespace: str = ""


@dataclass(frozen=True, slots=True)
class BindingFacts:
    """A RoleBinding, or a ClusterRoleBinding where `namespace` is empty."""

    namespace: str
    name: str
    role_kind: str
    role_name: str
    subjects: tuple[SubjectRef, ...]


@dataclass(frozen=True, slots=True)
class Grant:
    """What one binding grants our account, and what of it is more than reading."""

    where: str
    role: str
    binding: str
    rules: tuple[Rule, ...]
    violations: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class AccountFacts:
    """
    What our own account may do.

    `who` is the name in our credentials, unverified unless `verified`: then the API server itself
    said it. `read_only` is None where that is not known, and `detail` says why.
    """

    who: str
    verified: bool
    read_only: bool | None
    grants: tuple[Grant, ...] = ()
    detail: str = ""


KubernetesObject = Mapping[str, Any]
"""With its kind and API version, which lists leave out. Nothing of it is redacted."""
