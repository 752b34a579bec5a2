"""Whether our own account can only read, by the roles that are bound to it."""

from collections.abc import Iterable, Iterator, Mapping, Sequence

from mission_control.cluster.model.facts import (
    AccountFacts,
    BindingFacts,
    Grant,
    RoleFacts,
    Rule,
    SubjectRef,
)

READING = frozenset({"get", "list", "watch"})
SERVICE_ACCOUNT = "system:serviceaccount:"
_STREAMS = frozenset({"exec", "attach", "portforward", "proxy"})
_ABOUT_ONESELF = frozenset(
    {"selfsubjectaccessreviews", "selfsubjectrulesreviews", "selfsubjectreviews"}
)
"""Every account may ask who it is and what it may do: such a review changes nothing."""


def judge_account(
    who: str,
    roles: Iterable[RoleFacts],
    bindings: Iterable[BindingFacts],
    *,
    verified: bool,
    namespaces: Sequence[str] = (),
) -> AccountFacts:
    """
    Return whether a service account can only read (docs/semantics.md#7, #10).

    `bindings` are those of the whole cluster and those in `namespaces`; that no others were
    looked at is said.

    Only a service account is judged: what a person or an outside identity may do is not shown by
    bindings to them alone. An account without a binding cannot be judged either.
    """
    if not who.startswith(SERVICE_ACCOUNT):
        detail = "only a service account can be judged by its bindings"
        return AccountFacts(who, verified, None, detail=detail)
    by_name = {(r.namespace, r.name): r for r in roles}
    mine = _identities(who)
    held = [b for b in bindings if any(_means(s, mine) for s in b.subjects)]
    grants = tuple(_grant(b, by_name) for b in sorted(held, key=lambda b: (b.namespace, b.name)))
    if not grants:
        detail = "no binding names this account, and yet it may read"
        return AccountFacts(who, verified, None, detail=detail)
    told = [v for g in grants for v in g.violations]
    detail = "; ".join(told[:5]) if told else f"{len(grants)} bindings grant reading only"
    if namespaces:
        inside = ", ".join(sorted(namespaces))
        detail += f" (looked at: bindings of the whole cluster, and those in {inside}; no others)"
    return AccountFacts(who, verified, not told, grants, detail)


def _identities(who: str) -> frozenset[tuple[str, str]]:
    namespace = who.removeprefix(SERVICE_ACCOUNT).partition(":")[0]
    groups = ("system:serviceaccounts", f"system:serviceaccounts:{namespace}")
    return frozenset(
        {("User", who), ("Group", "system:authenticated"), *(("Group", g) for g in groups)}
    )


def _means(subject: SubjectRef, mine: frozenset[tuple[str, str]]) -> bool:
    if subject.kind == "ServiceAccount":
        return ("User", f"{SERVICE_ACCOUNT}{subject.namespace}:{subject.name}") in mine
    return (subject.kind, subject.name) in mine


def _grant(binding: BindingFacts, roles: Mapping[tuple[str, str], RoleFacts]) -> Grant:
    at = "" if binding.role_kind == "ClusterRole" else binding.namespace
    role = roles.get((at, binding.role_name))
    where = f"namespace {binding.namespace}" if binding.namespace else "the whole cluster"
    named = f"{binding.role_kind} {binding.role_name}"
    if role is None:
        return Grant(where, named, binding.name, (), (f"{named} could not be read",))
    violations = tuple(f"{named} in {where}: {v}" for r in role.rules for v in _find(r))
    return Grant(where, named, binding.name, role.rules, violations)


def _find(rule: Rule) -> Iterator[str]:
    """Yield what a rule grants beyond reading named resources."""
    about_oneself = bool(rule.resources) and set(rule.resources) <= _ABOUT_ONESELF
    if about_oneself and set(rule.verbs) <= {"create"}:
        return
    on = ", ".join(rule.resources or rule.urls) or "nothing"
    for verb in sorted(set(rule.verbs) - READING):
        yield f"{verb} on {on}"
    for resource in sorted(rule.resources):
        base, _, part = resource.partition("/")
        if "*" in resource:
            yield f"a wildcard: {resource}"
        elif base == "secrets":
            yield f"reading secrets: {resource}"
        elif part in _STREAMS:
            yield f"a stream or a door: {resource}"
    if "*" in rule.groups and rule.resources:
        yield f"every API group, on {on}"
