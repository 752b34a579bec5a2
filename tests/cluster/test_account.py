"""Decide: whether our own account can only read."""

from pathlib import Path

import pytest
import yaml

from mission_control.cluster.decide.account import judge_account
from mission_control.cluster.model.facts import BindingFacts, RoleFacts, Rule, SubjectRef

SHIPPED = Path(__file__).parents[2] / "deploy" / "kubernetes" / "rbac" / "rbac.yaml"
OURS = "system:serviceaccount:trading-floor:mission-control"
SUBJECT = SubjectRef("ServiceAccount", "mission-control", "trading-floor")
READING = Rule(("get", "list", "watch"), ("",), ("pods", "pods/log"))


def judge(*rules, subject=SUBJECT, who=OURS, role="reader", bound="reader"):
    """Judge an account to which one role with these rules is bound."""
    roles = [RoleFacts("", role, rules)]
    binding = BindingFacts("", "b", "ClusterRole", bound, (subject,))
    return judge_account(who, roles, [binding], verified=True)


def test_reading_named_resources_is_reading():
    """get, list and watch on named resources, and non-resource URLs, are no more than reading."""
    account = judge(READING, Rule(("get",), urls=("/healthz",)))

    assert (True, "1 bindings grant reading only") == (account.read_only, account.detail)


@pytest.mark.parametrize(
    ("rule", "said"),
    [
        (Rule(("get", "create"), ("",), ("pods",)), "create on pods"),
        (Rule(("*",), ("",), ("pods",)), "* on pods"),
        (Rule(("patch",), urls=("/x",)), "patch on /x"),
        (Rule(("get",), ("",), ("*",)), "a wildcard: *"),
        (Rule(("get",), ("",), ("*/proxy",)), "a wildcard: */proxy"),
        (Rule(("get",), ("",), ("secrets",)), "reading secrets: secrets"),
        (Rule(("get",), ("",), ("pods/exec",)), "a stream or a door: pods/exec"),
        (Rule(("get",), ("",), ("services/proxy",)), "a stream or a door: services/proxy"),
        (Rule(("get",), ("*",), ("pods",)), "every API group, on pods"),
    ],
    ids=lambda v: v if isinstance(v, str) else "",
)
def test_more_than_reading_is_named(rule, said):
    """Each right beyond reading named resources makes the account more than a reader (R7.8)."""
    account = judge(READING, rule)

    assert False is account.read_only
    assert f"ClusterRole reader in the whole cluster: {said}" == account.detail


def test_asking_about_oneself_is_no_writing():
    """Asking what oneself may do is posted, changes nothing, and is granted to every account."""
    asking = ("selfsubjectaccessreviews", "selfsubjectrulesreviews")
    everyone = SubjectRef("Group", "system:authenticated")

    for own in (
        Rule(("create",), ("authorization.k8s.io",), asking),
        Rule(("create",), ("authentication.k8s.io",), ("selfsubjectreviews",)),
    ):
        assert True is judge(own, subject=everyone).read_only
    others = Rule(("create",), ("authorization.k8s.io",), ("subjectaccessreviews",))
    assert False is judge(others, subject=everyone).read_only


@pytest.mark.parametrize(
    "subject",
    [
        SubjectRef("User", OURS),
        SubjectRef("Group", "system:serviceaccounts"),
        SubjectRef("Group", "system:serviceaccounts:trading-floor"),
    ],
    ids=str,
)
def test_a_right_of_any_of_our_names_is_ours(subject):
    """Groups and the account's full user name grant as much as its own name does."""
    assert False is judge(Rule(("delete",), ("",), ("pods",)), subject=subject).read_only


def test_what_others_may_do_is_not_ours():
    """Bindings to others say nothing about us; without any of our own nothing is known."""
    other = SubjectRef("ServiceAccount", "mission-control", "elsewhere")
    account = judge(Rule(("*",), ("*",), ("*",)), subject=other)

    assert (None, ()) == (account.read_only, account.grants)


def test_a_role_that_cannot_be_found_is_no_reading():
    """A binding to a role that was not seen may grant anything."""
    assert False is judge(READING, bound="unknown").read_only


def test_only_a_service_account_is_judged():
    """What a person may do is not told by bindings alone."""
    account = judge(READING, who="alice")

    assert (None, "alice") == (account.read_only, account.who)


def test_where_was_looked_is_told():
    """Bindings of namespaces that are not watched are not read, so nothing is claimed of them."""
    role = RoleFacts("", "reader", (READING,))
    binding = BindingFacts("", "b", "ClusterRole", "reader", (SUBJECT,))
    judged = judge_account(OURS, [role], [binding], verified=True, namespaces=("n2", "n1"))

    assert True is judged.read_only
    assert judged.detail.endswith(
        "(looked at: bindings of the whole cluster, and those in n1, n2; no others)"
    )


def test_what_we_ship_grants_reading_of_named_resources_alone():
    """Each shipped role grants get and list: no watch, secret, proxy or wildcard (R10.3)."""
    shipped = [d for d in yaml.safe_load_all(SHIPPED.read_text()) if "rules" in d]
    keys = ("verbs", "apiGroups", "resources", "resourceNames", "nonResourceURLs")

    assert {"Role", "ClusterRole"} == {d["kind"] for d in shipped}
    for role in shipped:
        account = judge(*(Rule(*(tuple(r.get(k, ())) for k in keys)) for r in role["rules"]))

        assert True is account.read_only, account.detail
