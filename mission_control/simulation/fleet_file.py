"""The fleet file of the simulated floor, as `deploy/fleets` would hold it."""

from collections.abc import Mapping
from dataclasses import asdict

import yaml

from mission_control.model.fleet import Agent, SwitchFile
from mission_control.simulation.roster import KNOWN, NAMES_WITH_HTTP, ROSTER


def fleet_document(base_urls: Mapping[str, str], kubeconfig: str | None = None) -> str:
    """
    Write the YAML fleet file of the roster, with each service at its given base URL.

    Every service of the roster that has HTTP must be given an address. Without a kubeconfig no
    cluster is read.
    """
    cluster: object = "none"
    if kubeconfig is not None:
        cluster = {"access": "kubeconfig", "context": "simulated", "kubeconfig": kubeconfig}
    known = [asdict(each) for each in KNOWN]
    agents = [_entry(agent, base_urls) for agent in ROSTER]
    # Nothing mounts a ConfigMap here: the simulated services read the very file that we read.
    switch = {"file": SwitchFile.AUTHORITATIVE.value}
    return yaml.safe_dump(
        {"cluster": cluster, "kill_switch": switch, "known_workloads": known, "agents": agents},
        sort_keys=False,
        allow_unicode=True,
    )


def _entry(agent: Agent, base_urls: Mapping[str, str]) -> dict[str, object]:
    entry: dict[str, object] = {"agent_name": agent.agent_name}
    if agent.agent_name in NAMES_WITH_HTTP:
        entry["service_dns"] = base_urls[agent.agent_name]
    entry["kind"] = agent.kind.value
    entry["expected_endpoints"] = list(agent.expected_endpoints)
    entry["criticality"] = agent.criticality.value
    entry["contract"] = agent.contract.value
    if agent.workload:
        ref = agent.workload
        entry["workload"] = {"kind": ref.kind, "name": ref.name, "namespace": ref.namespace}
    if agent.owner:
        entry["owner"] = {"primary": agent.owner.primary, "secondary": agent.owner.secondary}
    if agent.slo:
        entry["slo"] = {"target": agent.slo.target, "window": agent.slo.window.value}
    return entry
