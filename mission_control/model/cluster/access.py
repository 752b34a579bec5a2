"""Model: who may do what in the cluster, as roles and their bindings say."""

from dataclasses import dataclass


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
    """Whom a binding grants a role: a ServiceAccount (with its namespace), User or Group."""

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

    `who` is whom our credentials name, which nobody verified unless `verified`: then the API
    server itself said it. `read_only` is None where that cannot be told, and `detail` says why.
    """

    who: str
    verified: bool
    read_only: bool | None
    grants: tuple[Grant, ...] = ()
    detail: str = ""
