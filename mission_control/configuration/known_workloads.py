"""What runs beside the inventory and is known in the fleet file (section 7)."""

import re
from collections.abc import Iterable
from enum import StrEnum

from mission_control.configuration.agent_details import kubernetes_name, required
from mission_control.configuration.yaml_value import Problems, Value, quoted
from mission_control.model.execution_rules import PATTERNS
from mission_control.model.fleet import Agent, KnownWorkload

KEYS = ("kind", "name", "namespace", "who", "why")
MAX_KNOWN = 1_000
MAX_TEXT = 300
_EXECUTION = re.compile("|".join(PATTERNS))


class KnownKind(StrEnum):
    """What can run without being an agent's: a workload, or a pod that nothing owns."""

    CRON_JOB = "CronJob"
    DAEMON_SET = "DaemonSet"
    DEPLOYMENT = "Deployment"
    JOB = "Job"
    POD = "Pod"
    REPLICA_SET = "ReplicaSet"
    STATEFUL_SET = "StatefulSet"


def read_known_workloads(
    value: Value | None, agents: Iterable[Agent], problems: Problems
) -> tuple[KnownWorkload, ...]:
    """
    Read what else may run in the watched namespaces, sorted, noting every problem.

    What the inventory names is known already, and nobody vouches for execution here.
    """
    if value is None:
        return ()
    known_already = list(agents)
    first = dict[tuple[str, str, str], Value]()
    found = list[KnownWorkload]()
    for item in value.items(problems, at_most=MAX_KNOWN):
        known = _read_entry(item, problems)
        if known is None:
            continue
        before = first.setdefault(known.key, item)
        _refuse_known(known, item, known_already, problems)
        if before is not item:
            told = f"{quoted('/'.join(known.key))} is listed twice, first on line {before.line}"
            item.refuse(problems, told, "take one of them out")
        found.append(known)
    return tuple(sorted(found, key=lambda known: known.key))


def _read_entry(value: Value, problems: Problems) -> KnownWorkload | None:
    before = len(problems)
    fields = value.fields(KEYS, problems)
    found = {key: required(fields, key, value, problems) for key in KEYS}
    kind = found["kind"].choice(KnownKind, problems) if found["kind"] else None
    name = kubernetes_name(found["name"], problems)
    namespace = kubernetes_name(found["namespace"], problems)
    who, why = (
        told.text(problems, at_most=MAX_TEXT) if (told := found[key]) else ""
        for key in ("who", "why")
    )
    if kind is None or len(problems) > before:
        return None
    return KnownWorkload(kind.value, name, namespace, who, why)


def _refuse_known(
    known: KnownWorkload, item: Value, agents: Iterable[Agent], problems: Problems
) -> None:
    told = quoted("/".join(known.key))
    agent = next((a for a in agents if _runs(a, known)), None)
    if agent is not None:
        problem = f"{told} runs the agent {quoted(agent.agent_name)}, which makes it known"
        item.refuse(problems, problem, "take it out")
    elif _EXECUTION.search(known.name.casefold()):
        problem = f"{told} goes by a name of execution, which has to be an agent of kind execution"
        item.refuse(problems, problem, "list it below agents, with kind: execution")


def _runs(agent: Agent, known: KnownWorkload) -> bool:
    """Tell whether it is an agent's own: the one named for it, else any of the agent's name."""
    if agent.workload is None:
        return agent.agent_name == known.name
    return (agent.workload.namespace, agent.workload.kind, agent.workload.name) == known.key
