"""What runs beside the inventory: read as written, or refused with the place."""

import pytest

from mission_control.configuration.fleet_file import MAX_KNOWN, load_fleet
from mission_control.errors import ConfigurationError, ConfigurationErrors
from mission_control.model.fleet import KnownWorkload

AGENTS = """\
agents:
  - agent_name: strategy-engine
    service_dns: http://strategy-engine
    kind: strategy
    workload: {kind: Deployment, name: strategy, namespace: trading-floor}
  - agent_name: congressional-ingest
    kind: ingest
    contract: none
"""
GOOD = {
    "kind": "CronJob",
    "name": "ops-heartbeat-writer",
    "namespace": "trading-floor",
    "who": "Ops On-Call",
    "why": "patches a ConfigMap every minute",
}


def entries(*given):
    """Write a fleet file that lists these as known; a key is left out as None."""
    written = []
    for each in given:
        lines = [f"    {k}: {v}" for k, v in (GOOD | each).items() if v is not None]
        written.append("\n".join(lines).replace("    ", "  - ", 1))
    return AGENTS + "known_workloads:\n" + "\n".join(written) + "\n"


def load(path):
    """Load a fleet file."""
    return load_fleet(path, default_interval=10, default_deadline=3)


def problems_of(path):
    """Load a file that is refused, and return its problems."""
    with pytest.raises((ConfigurationError, ConfigurationErrors)) as raised:
        load(path)
    return raised.value.problems


def test_what_is_known_is_read_as_written_and_sorted(write):
    """Kind, name and namespace, who knows it and why; the digest of the file covers it."""
    fleet = load(write(entries({}, {"kind": "Pod", "name": "a-pod", "namespace": "agenttrader"})))
    without = load(write(AGENTS))

    assert (
        KnownWorkload("Pod", "a-pod", "agenttrader", GOOD["who"], GOOD["why"]),
        KnownWorkload(**GOOD),
    ) == fleet.known_workloads
    assert () == without.known_workloads
    assert without.digest != fleet.digest


@pytest.mark.parametrize("key", sorted(GOOD))
def test_every_key_is_needed(write, key):
    """Nothing is known without a person's name and a reason."""
    (problem,) = problems_of(write(entries({key: None})))

    assert ("is missing", f"known_workloads[0].{key}") == (problem.problem, problem.key)
    assert problem.where.endswith(":10")


@pytest.mark.parametrize(
    ("given", "said", "line"),
    [
        ({"kind": "Deploymnt"}, "'Deploymnt' is none of CronJob", 10),
        ({"kind": "Service"}, "'Service' is none of CronJob", 10),
        ({"name": "Not_A_Name"}, "is no Kubernetes name", 11),
        ({"namespace": "trading floor"}, "is no Kubernetes name", 12),
        ({"who": "''"}, "is no usable text", 13),
        ({"why": "[a, b]"}, "must be text, and is a list", 14),
        ({"since": "yesterday"}, "unknown key 'since'", 15),
        ({"kind": "Deployment", "name": "strategy"}, "runs the agent 'strategy-engine'", 10),
        ({"name": "congressional-ingest"}, "runs the agent 'congressional-ingest'", 10),
        ({"name": "execution-engine"}, "has a name of execution", 10),
        ({"name": "my-order-router-2"}, "has a name of execution", 10),
    ],
    ids=lambda v: next(iter(v)) + " " + next(iter(v.values())) if isinstance(v, dict) else "",
)
def test_what_is_wrong_is_refused_with_its_place(write, given, said, line):
    """File, line and key of every entry that could not mean what it says."""
    (problem,) = problems_of(write(entries(given)))

    assert said in problem.problem
    assert problem.where.endswith(f":{line}")
    assert problem.key.startswith("known_workloads[0]")


def test_one_that_is_listed_twice_is_refused(write):
    """Two reasons for one thing: one of them is old."""
    (problem,) = problems_of(write(entries({}, {"who": "Another"})))

    assert "'trading-floor/CronJob/ops-heartbeat-writer' is listed twice" in problem.problem
    assert problem.where.endswith(":15")


def test_a_list_without_end_is_refused(write):
    """More than a thousand known workloads are no inventory."""
    many = entries(*({"name": f"n-{n}"} for n in range(MAX_KNOWN + 1)))
    (problem,) = problems_of(write(many))

    assert f"at most {MAX_KNOWN} are allowed" in problem.problem


def test_what_is_no_list_is_refused(write):
    """A mapping, or nothing at all."""
    (problem,) = problems_of(write(AGENTS + "known_workloads: {}\n"))

    assert "must be a list" in problem.problem
