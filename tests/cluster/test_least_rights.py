"""Decide: the least that an account needs to read a fleet's cluster."""

import re

from mission_control.cluster.decide.account import judge_account
from mission_control.cluster.decide.least_rights import least_rights
from mission_control.cluster.model.facts import Rule, SubjectRef
from mission_control.cluster.model.resources import RESOURCES, STARTERS
from mission_control.cluster.present import rights_documents
from mission_control.cluster.read.guard import allowed_paths
from mission_control.model.fleet import ClusterAccess

ACCOUNT = SubjectRef("ServiceAccount", "watcher", "ops")


def rights(*namespaces, floor="floor"):
    """Return what an account needs that watches these namespaces."""
    return least_rights(ClusterAccess(namespaces, floor), ACCOUNT)


def granted(rules):
    """Return every verb on every resource of every group, with the names it is bound to."""
    return {
        (verb, group, resource, rule.names)
        for rule in rules
        for verb in rule.verbs
        for group in rule.groups
        for resource in rule.resources
    }


def test_each_watched_namespace_has_a_role_and_its_binding():
    """A namespace named twice has one; last comes what belongs to no namespace (R10.5)."""
    made = rights("floor", "engine", "floor")

    assert ["engine", "floor", ""] == [r.namespace for r in made.roles]
    assert [("engine", "Role"), ("floor", "Role"), ("", "ClusterRole")] == [
        (b.namespace, b.role_kind) for b in made.bindings
    ]
    assert {(ACCOUNT,)} == {b.subjects for b in made.bindings}
    assert {"mission-control-reader"} == {b.role_name for b in made.bindings}


def test_all_that_is_listed_may_be_listed_and_nothing_else():
    """Inside, list is granted on exactly the lists that there are to read (R10.5)."""
    role = rights("floor").roles[0]
    known = (*RESOURCES.values(), *STARTERS.values())
    wanted = {
        (re.sub(r"^/api/v1$|^/apis/|/v[^/]*$", "", root), r.name)
        for r in known
        if r.namespaced
        for root in r.roots
    }

    assert wanted | {("metrics.k8s.io", "pods")} == {
        (group, resource) for verb, group, resource, _ in granted(role.rules) if verb == "list"
    }


def test_what_is_got_by_name_is_logs_and_the_kill_switch():
    """The kill switch's ConfigMap may be got in the floor's own namespace alone, by its name."""
    elsewhere, floor = rights("engine", "floor").roles[:2]
    log = ("get", "", "pods/log", ())

    assert {log} == {g for g in granted(elsewhere.rules) if g[0] != "list"}
    assert {log, ("get", "", "configmaps", ("agenttrader-kill-switch",))} == {
        g for g in granted(floor.rules) if g[0] != "list"
    }


def test_the_cluster_role_holds_what_belongs_to_no_namespace():
    """Namespaces by their names, and what has none: nothing of a namespace is in it (R10.5)."""
    rules = rights("floor", "engine").roles[-1].rules

    assert granted(rules) == {
        ("get", "", "namespaces", ("engine", "floor", "kube-system")),
        ("list", "", "nodes", ()),
        ("list", "metrics.k8s.io", "nodes", ()),
        ("list", "rbac.authorization.k8s.io", "clusterrolebindings", ()),
        ("list", "rbac.authorization.k8s.io", "clusterroles", ()),
        ("list", "scheduling.k8s.io", "priorityclasses", ()),
    }


def test_nothing_is_granted_that_the_guard_refuses():
    """Each list that a role grants is a path which the guard lets through (R10.5)."""
    allowed = allowed_paths(("floor",))
    roots = {
        (root.rpartition("/")[0].removeprefix("/apis/") if root != "/api/v1" else "", r.name): root
        for r in (*RESOURCES.values(), *STARTERS.values())
        for root in r.roots
    }
    roots |= {("metrics.k8s.io", n): "/apis/metrics.k8s.io/v1beta1" for n in ("pods", "nodes")}
    for role in rights("floor").roles:
        inside = "/namespaces/floor" if role.namespace else ""
        for verb, group, resource, _ in granted(role.rules):
            if verb == "list":
                path = f"{roots[group, resource]}{inside}/{resource}"
                assert any(p.fullmatch(path) for p in allowed), path


def test_the_account_that_has_them_is_judged_to_be_a_reader():
    """What we ask for passes our own judgement, and grants no watch."""
    made = rights("floor", "engine")
    who = "system:serviceaccount:ops:watcher"
    account = judge_account(who, made.roles, made.bindings, verified=True)

    assert (True, 3) == (account.read_only, len(account.grants))
    assert {"get", "list"} == {v for r in made.roles for rule in r.rules for v in rule.verbs}


def test_they_are_written_as_kubernetes_takes_them():
    """The account mounts no token by itself; a rule has names only where it is bound to some."""
    account, role, binding, cluster_role, of_all = rights_documents(rights("floor"))

    assert False is account["automountServiceAccountToken"]
    assert ("ops", "watcher") == (account["metadata"]["namespace"], account["metadata"]["name"])
    assert ("Role", "floor") == (role["kind"], role["metadata"]["namespace"])
    assert {"apiGroups": [""], "resources": ["pods/log"], "verbs": ["get"]} == role["rules"][0]
    assert ["agenttrader-kill-switch"] == role["rules"][1]["resourceNames"]
    assert [{"kind": "ServiceAccount", "name": "watcher", "namespace": "ops"}] == (
        binding["subjects"]
    )
    assert ("RoleBinding", "Role") == (binding["kind"], binding["roleRef"]["kind"])
    assert ("ClusterRole", False) == (
        cluster_role["kind"],
        "namespace" in cluster_role["metadata"],
    )
    assert ("ClusterRoleBinding", "ClusterRole") == (of_all["kind"], of_all["roleRef"]["kind"])


def test_a_rule_for_each_group_names_its_resources_once():
    """A group with several versions has one rule."""
    rules = rights("floor").roles[0].rules
    listing = [r.groups for r in rules if r.verbs == ("list",)]

    assert sorted(set(listing)) == listing
    assert Rule(("list",), ("batch",), ("cronjobs", "jobs")) in rules
