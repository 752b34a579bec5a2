"""The blueprint: what is seen is told, what is not is unknown, and every gap rule bites."""

from dataclasses import replace
from typing import Any

import pytest

from mission_control.blueprint.decide import draw_blueprint
from mission_control.blueprint.present import (
    MOST_DRAWN,
    blueprint_document,
    blueprint_markdown,
    dependency_diagram,
    label,
)
from mission_control.cluster.model.facts import ConfigMapFacts, ServiceFacts
from mission_control.cluster.model.objects import (
    Container,
    EnvSource,
    EnvVariable,
    KeyRef,
    WorkloadFacts,
)
from mission_control.model.fleet import Owner
from mission_control.model.reading import Seen, Unseen, UnseenReason
from mission_control.repository.model import BuildPipeline, RepositoryHead, RepositorySurvey
from tests.floor.cluster_of_values import FLEET, FLOOR, PAPER, QUIET, ClusterFloor, pod
from tests.floor.floor_of_values import NOW, STRATEGY, FloorOfValues

SE = "strategy-engine"
PROBES = ("readiness", "liveness")
WELL = Container(
    "main",
    "r/x:1",
    env=(*PAPER, EnvVariable("AGENT_ROLE", "strategy")),
    env_names=("AGENT_MODE", "AGENT_ROLE", "EXECUTION_HALTED"),
    probes=PROBES,
)
SERVICE = ServiceFacts(FLOOR, SE, "ClusterIP", ports=("80->8080/TCP",), selector={"app": SE})
SURVEY = RepositorySurvey(
    RepositoryHead("abc", "main", "agent-trader-v2"),
    (BuildPipeline("cloudbuild.yaml", ("r/x:1",)),),
    ("docs/ops/status_contract.md", "ops/PRODUCTION_LOCK.md"),
)
SEEN_SERVICES: Any = Seen((SERVICE,), NOW)
SEEN_SURVEY: Any = Seen(SURVEY, NOW)


def well():
    """Return a floor without gaps."""
    floor = ClusterFloor()
    for name, each in floor.workloads.items():
        if each.owner is None:
            floor.workloads[name] = replace(each, containers=(WELL,), pod_labels={"app": name})
    return floor


def draw(floor, services=SEEN_SERVICES, repository=SEEN_SURVEY):
    """Draw a floor's blueprint."""
    return draw_blueprint(floor.decide(), services, repository, NOW)


def gaps_of(floor, **seen):
    """Return a blueprint's gaps as (subject, gap)."""
    return [(g.subject, g.gap) for g in draw(floor, **seen).gaps]


def component(blueprint, name):
    """Find a component."""
    return next(c for c in blueprint.components if c.name == name)


def test_a_fleet_of_which_all_is_seen_has_no_gaps():
    """What runs each agent, with modes, images, digests, probes, answers and Services."""
    floor = well()
    found = component(draw(floor), SE)

    assert [] == gaps_of(floor)
    assert ("OBSERVE", "strategy", (1, 1), ((FLOOR, SE),)) == (
        found.mode,
        found.role,
        found.replicas,
        found.services,
    )
    (container,) = found.containers
    assert ("r/x:1", (f"sha256:{'a' * 64}",), PROBES) == (
        container.image,
        container.digests,
        container.probes,
    )
    assert (("/ops/status", "200"),) == found.endpoints


def change(name, **changes):
    """Return a hurt that changes one workload's container."""

    def hurt(floor):
        made = replace(WELL, **changes)
        floor.workloads[name] = replace(floor.workloads[name], containers=(made,))

    return hurt


RULES: list[Any] = [
    pytest.param(change(SE, probes=("readiness",)), SE, "container main: no liveness", id="probe"),
    pytest.param(
        change(SE, probes=()), SE, "container main: no readiness and no liveness", id="probes"
    ),
    pytest.param(
        change(SE, image="r/x"), SE, "container main: its image has no tag: r/x", id="tag"
    ),
    pytest.param(
        change(SE, image="r:5000/x:latest"),
        SE,
        "container main: its image is :latest: r:5000/x:latest",
        id="latest",
    ),
    pytest.param(
        change(SE, env=()), SE, "neither AGENT_ROLE nor AGENT_MODE is set", id="neither is set"
    ),
    pytest.param(
        change(SE, env=(EnvVariable("AGENT_MODE", ref=KeyRef("Secret", "s", "k")),)),
        SE,
        "unknown: AGENT_MODE cannot be resolved",
        id="a mode from a Secret",
    ),
    pytest.param(
        change(SE, env_names=()), SE, "no container has a variable EXECUTION_HALTED", id="switch"
    ),
    pytest.param(
        lambda f: f.lose_list("configmaps", FLOOR, UnseenReason.DENIED),
        SE,
        "unknown: AGENT_ROLE and AGENT_MODE cannot be resolved",
        id="no list of maps",
    ),
    pytest.param(
        lambda f: f.lose_list("pods", FLOOR, UnseenReason.DENIED),
        "cluster trading-floor/pods",
        "unknown: not seen: DENIED",
        id="no list of pods",
    ),
    pytest.param(
        lambda f: f.garble("pods", FLOOR),
        "cluster trading-floor/pods",
        "unknown: Pod/odd: spec: expected an object",
        id="an odd pod",
    ),
    pytest.param(
        lambda f: f.workloads.pop(SE) and f.pods.pop(SE),
        SE,
        "unknown: what runs it was not seen: the cluster has none",
        id="no such workload",
    ),
    pytest.param(
        lambda f: f.lose_list("deployments", FLOOR, UnseenReason.TIMEOUT),
        SE,
        "unknown: what runs it was not seen: "
        "cluster trading-floor/deployments was not seen: TIMEOUT",
        id="workloads lost",
    ),
    pytest.param(
        lambda f: f.workloads.update(
            {"x": WorkloadFacts("Deployment", FLOOR, "x", 1, containers=(WELL,))}
        ),
        "x",
        "Deployment trading-floor/x is not in the inventory",
        id="not in the inventory",
    ),
]


@pytest.mark.parametrize(("hurt", "subject", "gap"), RULES)
def test_each_gap_is_named(hurt, subject, gap):
    """Everything that is missing or was not seen is among the gaps, with its subject."""
    floor = well()
    hurt(floor)

    assert (subject, gap) in gaps_of(floor)


def test_what_may_bring_the_switch_or_need_no_probe_is_no_gap():
    """A whole map may hold the switch; a Job is not probed; a digest needs no tag."""
    floor = well()
    change(SE, env_names=(), env_from=(EnvSource("ConfigMap", "m"),))(floor)
    job = replace(WELL, probes=(), image=f"r/x@sha256:{'b' * 64}")
    floor.workloads["congressional-ingest"] = WorkloadFacts(
        "Job", FLOOR, "congressional-ingest", 0, containers=(job,)
    )
    agents = [
        replace(a, workload=None) if a.agent_name == QUIET.agent_name else a for a in FLEET.agents
    ]
    floor.fleet = replace(FLEET, agents=tuple(agents))

    assert [] == gaps_of(floor)


def test_services_are_matched_both_ways():
    """One that selects nothing seen, and an address that names one that is not there, are gaps."""
    floor = well()
    names = {
        SE: f"http://strategy-engine.{FLOOR}.svc.cluster.local",
        "gamma-strategy": f"http://gamma-strategy.{FLOOR}.svc.cluster.local",
        "market-ingest": "http://market-ingest.svc:8080",
    }
    agents = [replace(a, service_dns=names.get(a.agent_name, a.service_dns)) for a in FLEET.agents]
    floor.fleet = replace(FLEET, agents=tuple(agents))
    lost = replace(SERVICE, name="lost", selector={"app": "nothing"})
    elsewhere = replace(SERVICE, namespace="agenttrader", name="elsewhere")
    headless = replace(SERVICE, name="external", selector={})
    found = gaps_of(floor, services=Seen((SERVICE, lost, elsewhere, headless), NOW))

    assert [
        ("Service agenttrader/elsewhere", "it selects no workload that was seen"),
        ("Service trading-floor/lost", "it selects no workload that was seen"),
        (
            "gamma-strategy",
            "its address names the Service trading-floor/gamma-strategy, which was not seen",
        ),
        (
            "market-ingest",
            "its address names the Service trading-floor/market-ingest, which was not seen",
        ),
    ] == found


@pytest.mark.parametrize(
    ("services", "gap"),
    [
        (None, "unknown: not seen: not asked"),
        (Unseen(UnseenReason.DENIED, NOW), "unknown: not seen: DENIED"),
    ],
)
def test_services_that_were_not_seen_are_unknown(services, gap):
    """Then no Service is said to be missing, either (R12.8)."""
    blueprint = draw(well(), services=services)

    assert [("cluster services", gap)] == [(g.subject, g.gap) for g in blueprint.gaps]
    assert "unknown" == blueprint_document(blueprint)["services"]


@pytest.mark.parametrize(
    ("repository", "gaps"),
    [
        pytest.param(None, [("repository", "unknown: no repository is configured")], id="none"),
        pytest.param(
            Unseen(UnseenReason.UNREADABLE, NOW, detail="git: no repository"),
            [("repository", "unknown: git: no repository")],
            id="unreadable",
        ),
        pytest.param(
            Unseen(UnseenReason.TIMEOUT, NOW), [("repository", "unknown: TIMEOUT")], id="slow"
        ),
        pytest.param(
            Seen(
                RepositorySurvey(
                    SURVEY.head,
                    (
                        BuildPipeline("a.yaml", problem="no YAML"),
                        BuildPipeline("b.yaml", ("r/x:latest", "r/y")),
                    ),
                ),
                NOW,
            ),
            [
                ("a.yaml", "unknown: no YAML"),
                ("b.yaml", "it builds :latest: r/x:latest"),
                ("repository", "the document docs/ops/status_contract.md is missing"),
                ("repository", "the document ops/PRODUCTION_LOCK.md is missing"),
            ],
            id="missing",
        ),
    ],
)
def test_what_a_repository_lacks_is_named(repository, gaps):
    """Its pipelines and documents, or that there is none."""
    assert gaps == gaps_of(well(), repository=repository)


def test_without_a_cluster_everything_that_runs_is_unknown():
    """The inventory and the answers remain (R12.8)."""
    floor = FloorOfValues()
    blueprint = draw(floor, services=None)
    document = blueprint_document(blueprint)
    named = replace(STRATEGY, workload=replace(workload_ref(), name=SE), owner=Owner("Ops"))
    floor.fleet = replace(floor.fleet, agents=(named,))
    only = component(draw(floor, services=None), SE)

    assert ("cluster", "unknown: no cluster is configured") in gaps_of(floor, services=None)
    assert {"unknown"} == {c["workload"] for c in document["components"]}
    assert "unknown" == document["safety"]["safety_config_map"]
    assert ("no cluster is read", f"Deployment {FLOOR}/{SE}") == (only.unseen, only.workload)
    assert [200, 200, 200] == [
        int(e["answer"])
        for c in document["components"]
        if c["name"] == "gamma-strategy"
        for e in c["endpoints"]
    ]


def workload_ref():
    """Return a workload of the inventory."""
    assert QUIET.workload is not None
    return QUIET.workload


def test_answers_are_told_as_they_were():
    """A reading that was not seen is told by its reason."""
    floor = well()
    floor.lose(STRATEGY, "/ops/status", UnseenReason.TIMEOUT)

    assert (("/ops/status", "TIMEOUT"),) == component(draw(floor), SE).endpoints


HOSTILE = 'x"] --> evil["<script>alert(1)</script>`|#quot;\n```\nend %% \\'


def test_nothing_breaks_out_of_the_diagram():
    """Names of others are entity codes: no quote, bracket, tag or fence is left."""
    floor = well()
    floor.workloads["h"] = WorkloadFacts("Deployment", FLOOR, HOSTILE, 1, containers=(WELL,))
    blueprint = draw(floor)
    lines = dependency_diagram(blueprint).splitlines()
    drawn = [line for line in lines if "evil" in line]
    markdown = blueprint_markdown(blueprint_document(blueprint))

    assert 1 == len(drawn)
    assert 2 == drawn[0].count('"')
    assert "<script>" not in markdown
    assert "`" not in "".join(lines)
    assert 2 == sum(1 for line in markdown.splitlines() if line.startswith("```"))
    assert "#34;" == label('"')
    assert "a b" == label("a\n b")


def test_the_diagram_shows_what_depends_on_what():
    """Solid lines between agents, dotted ones from Services; what was not seen is dashed."""
    floor = well()
    del floor.workloads["gamma-strategy"]
    agents = [
        replace(a, depends_on=("marketdata-mcp-server",)) if a.agent_name == SE else a
        for a in FLEET.agents
    ]
    floor.fleet = replace(FLEET, agents=tuple(agents))
    lines = dependency_diagram(draw(floor)).splitlines()
    nodes = {
        line.split('"')[1].split("<br/>")[0]: line.strip().split("[")[0]
        for line in lines
        if "<br/>" in line
    }

    assert "flowchart LR" == lines[0]
    assert f"  {nodes[SE]} --> {nodes['marketdata-mcp-server']}" in lines
    assert f"  s0 -.-> {nodes[SE]}" in lines
    assert any(":::unknown" in line and "gamma-strategy" in line for line in lines)


def test_a_diagram_that_is_too_large_says_so():
    """Two hundred components are drawn, those of the inventory first."""
    floor = well()
    for number in range(MOST_DRAWN):
        name = f"extra-{number:03}"
        floor.workloads[name] = WorkloadFacts("Deployment", FLOOR, name, 1, containers=(WELL,))
    drawn = dependency_diagram(draw(floor))

    assert 'more["and 6 more#44; not drawn"]' in drawn
    assert '"strategy-engine<br/>' in drawn
    assert ":::unlisted" in drawn


def test_equal_floors_give_equal_blueprints():
    """The same bytes, in whatever order the cluster told it; a label is shown."""
    one, other = well(), well()
    other.workloads = dict(reversed(other.workloads.items()))
    documents = [blueprint_document(draw(f)) for f in (one, other)]

    assert documents[0] == documents[1]
    assert blueprint_markdown(documents[0]) == blueprint_markdown(documents[1])
    assert "**DEMO**" in blueprint_markdown(documents[0], "DEMO")


def test_pods_and_maps_are_told_where_they_are_seen():
    """Only live pods tell what runs; the safety map is told whole."""
    floor = well()
    floor.pods[SE] = pod(
        next(a for a in FLEET.agents if a.agent_name == SE),
        phase="Succeeded",
        ready=False,
        states=(),
    )
    floor.maps["s"] = ConfigMapFacts(
        FLOOR, "agenttrader-safety", "d", values={"KILL_SWITCH": "true"}
    )
    blueprint = draw(floor)
    document = blueprint_document(blueprint)
    markdown = blueprint_markdown(document)

    assert () == component(blueprint, SE).containers[0].digests
    assert {"KILL_SWITCH": "true"} == document["safety"]["safety_config_map"]
    assert "Safety ConfigMap: KILL\\_SWITCH = true" in markdown


def test_a_service_that_leads_to_several_is_drawn_once():
    """One node with a line to each."""
    floor = well()
    for name in (SE, "market-ingest"):
        floor.workloads[name] = replace(floor.workloads[name], pod_labels={"app": SE})
    lines = dependency_diagram(draw(floor)).splitlines()

    assert 1 == sum(f"Service {FLOOR}/strategy-engine" in line for line in lines)
    assert 2 == sum("s0 -.->" in line for line in lines)


def test_services_of_one_name_in_two_namespaces_are_two():
    """One that selects nothing is a gap though its namesake selects; each is drawn for itself."""
    floor = well()
    namesake = replace(SERVICE, namespace="agenttrader")
    gap = ("Service agenttrader/strategy-engine", "it selects no workload that was seen")
    lonely = gaps_of(floor, services=Seen((SERVICE, namesake), NOW))
    floor.workloads["other"] = replace(
        floor.workloads[SE], namespace="agenttrader", name="other", owner=None
    )
    both = draw(floor, services=Seen((SERVICE, namesake), NOW))
    nodes = [line for line in dependency_diagram(both).splitlines() if "Service " in line]

    assert [gap] == lonely
    assert gap not in [(g.subject, g.gap) for g in both.gaps]
    assert [f"Service {n}/strategy-engine" for n in ("agenttrader", FLOOR)] == sorted(
        line.split('"')[1] for line in nodes
    )
