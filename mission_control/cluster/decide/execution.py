"""
Which workloads execute orders, what could start one, and whether all are proven off.

Execution is recognised by what the inventory says, by names (of workload, pod, owner, container,
service account and port), by the values of labels, by the repository of an image and by what a
container's command starts. Registry, tag and digest of an image, keys of labels, annotations, the
names of variables and what is merely passed to a program say nothing of what it is.
"""

import re
import unicodedata
from collections.abc import Iterator
from functools import lru_cache

from mission_control.cluster.decide.ownership import Owners
from mission_control.cluster.model.facts import ClusterFacts
from mission_control.cluster.model.objects import Container, PodFacts, StarterFacts, WorkloadFacts
from mission_control.model.execution_rules import PATTERNS, Exemption, repository_of
from mission_control.model.fleet import Fleet, Kind

OURS = "mission-control"
"""The repository of our own image: whatever we are called, we execute nothing."""
_BORDER = r"(?<!b)"  # a border router routes no orders
_DENIED = re.compile(r"(?:no|non|not|without|never|anti)-.*|.*-(?:disabled|forbidden|off|denied)")
"""A label such as `safety: no-execution` says that something is not execution."""
_NAMING = frozenset(
    {
        "app",
        "app.kubernetes.io/component",
        "app.kubernetes.io/instance",
        "app.kubernetes.io/name",
        "component",
    }
)
"""Labels that name what something is, whatever word they use for it."""
_BETWEEN = re.compile(r"[^a-z0-9]+")
_NEVER_CHANGES = re.compile(r"--replicas[= ]0(?!\d)")
Thing = WorkloadFacts | PodFacts | StarterFacts


@lru_cache(maxsize=64)
def compile_patterns(added: tuple[str, ...]) -> "re.Pattern[str]":
    """
    Compile the patterns with those that are added; a hyphen in one may be missing in a name.

    They hold no repetition (`configuration.execution_rules` refuses it), so that a search takes
    time in proportion to the text.
    """
    words = [p.replace("-", "-?") for p in (*PATTERNS, *added)]
    words[PATTERNS.index("order-router")] = _BORDER + "order-?router"
    return re.compile("|".join(f"(?:{word})" for word in words))


@lru_cache(maxsize=8192)
def names_execution(text: str, added: tuple[str, ...] = ()) -> bool:
    """
    Return whether a text names execution, however it is spelled.

    `ExecutionEngine`, `exec_engine`, `orderrouter` and full-width letters all match.
    """
    return compile_patterns(added).search(_fold(text)) is not None


def _fold(text: str) -> str:
    """Return a name in lower case, with hyphens between its words."""
    plain = unicodedata.normalize("NFKC", text)
    spaced = re.sub(r"(?<=[a-z0-9])(?=[A-Z])", "-", plain)
    return _BETWEEN.sub("-", spaced.casefold()).strip("-")


def is_execution_workload(workload: WorkloadFacts, owners: Owners) -> bool:
    """Return whether a workload executes orders, or belongs to one that does."""
    return bool(why_execution(workload, owners))


def is_execution_pod(pod: PodFacts, owners: Owners) -> bool:
    """Return whether a pod executes orders, or belongs to a workload that does."""
    return bool(why_execution(pod, owners))


def why_execution(thing: Thing, owners: Owners) -> str:
    """Return by what something is recognised as execution; empty where it is not."""
    above = owners.above(thing)
    named = [thing, *above] if above else [thing]
    agents = [owners.agent_of(w) for w in named if isinstance(w, WorkloadFacts)]
    if any(agent is not None and agent.kind is Kind.EXECUTION for agent in agents):
        return "the inventory says so"
    exemption = _find_exemption(named[-1], owners)
    return next((sign for each in named if (sign := _find_sign(each, exemption, owners))), "")


def _find_exemption(root: Thing, owners: Owners) -> Exemption | None:
    kind = "Pod" if isinstance(root, PodFacts) else root.kind
    key = (root.namespace, kind, root.name)
    rules = owners.rules.exemptions
    return next((e for e in rules if (e.namespace, e.kind, e.name) == key), None)


def _find_sign(thing: Thing, exemption: Exemption | None, owners: Owners) -> str:
    """
    Return what of one object names execution.

    The containers that are known (our own image, or the one of the exemption) are passed over.
    Its names are as well, where all its containers are ours, or one is what the exemption means.
    """
    added = owners.rules.patterns
    ours = [repository_of(c.image).rpartition("/")[2] == OURS for c in thing.containers]
    meant = [_is_meant(c, exemption) for c in thing.containers]
    for container, known in zip(thing.containers, zip(ours, meant, strict=True), strict=True):
        if not any(known) and (sign := _find_container_sign(container, added)):
            return sign
    if any(meant) or (ours and all(ours)) or _goes_by_its_owner(thing, owners, exemption):
        return ""
    texts = [("its name", thing.name), ("its service account", thing.service_account)]
    if thing.owner is not None:
        texts.append(("its owner", thing.owner.name))
    texts.extend(("its label", v) for v in _telling_labels(thing))
    return next((f"{what}: {t}" for what, t in texts if names_execution(t, added)), "")


def _goes_by_its_owner(thing: Thing, owners: Owners, exemption: Exemption | None) -> bool:
    """Return whether an object without containers has its name and labels from its owner."""
    if thing.containers or not isinstance(thing, WorkloadFacts) or thing.owner is None:
        return False
    root = owners.root(thing)
    if root is None:
        return False
    known = [repository_of(c.image).rpartition("/")[2] == OURS for c in root.containers]
    return any(_is_meant(c, exemption) for c in root.containers) or (bool(known) and all(known))


def _is_meant(container: Container, exemption: Exemption | None) -> bool:
    return exemption is not None and exemption.means(container.image)


def _telling_labels(thing: Thing) -> Iterator[str]:
    more = (thing.pod_labels,) if isinstance(thing, WorkloadFacts) else ()
    for labels in (thing.labels, *more):
        for key, value in labels.items():
            if key in _NAMING or not _DENIED.fullmatch(_fold(value)):
                yield value


def _find_container_sign(container: Container, added: tuple[str, ...]) -> str:
    texts: list[tuple[str, str, str]] = [
        ("image", repository_of(container.image), container.image),
        ("name", container.name, container.name),
        *(("port", p, p) for p in container.ports),
        *(("command", r, r) for r in container.runs),
    ]
    for what, text, shown in texts:
        if names_execution(text, added):
            return f"the {what} of container {container.name or 'without a name'} says {shown}"
    return ""


def why_running(workload: WorkloadFacts) -> str:
    """Return why an execution workload is not off; empty where nothing of it runs or is wanted."""
    if workload.kind == "CronJob":
        return "" if workload.desired == 0 and workload.actual == 0 else "it is not suspended"
    if workload.desired == 0 and workload.actual == 0:
        return ""
    paused = ", and its rollout is paused" if workload.paused else ""
    return f"{workload.desired} pods are wanted and {workload.actual} are there{paused}"


def is_execution_settled(fleet: Fleet, facts: ClusterFacts, owners: Owners) -> bool:
    """
    Return whether whole lists show of everything that executes orders whether it runs.

    Nothing is shown of an execution agent whose workload is in a namespace that is not watched,
    nor of a workload whose newest specification its controller has not taken up.
    """
    hidden = any(
        a.kind is Kind.EXECUTION
        and a.workload is not None
        and a.workload.namespace not in facts.namespaces
        for a in fleet.agents
    )
    unsettled = any(not w.observed for w in facts.workloads if is_execution_workload(w, owners))
    return not (hidden or unsettled)


def find_running(facts: ClusterFacts, owners: Owners) -> Iterator[tuple[Thing, str]]:
    """Yield every execution workload and pod that is not off, and why."""
    for workload in facts.workloads:
        if (why := why_running(workload)) and (sign := why_execution(workload, owners)):
            yield workload, f"{why} ({sign}{_dry_run(workload)})"
    for pod in facts.pods:
        if pod.live and (sign := why_execution(pod, owners)):
            phase = pod.phase or "its phase is unknown"
            yield pod, f"the pod is live: {phase} ({sign})"
    for starter in facts.starters:
        if starter.wanted and (what := _find_target(starter, facts, owners)):
            yield starter, f"{starter.wanted} pods are wanted of {what}"


def _dry_run(workload: WorkloadFacts) -> str:
    told = any("EXEC_DRY_RUN" in c.env_names or c.env_from for c in workload.containers)
    return "" if told or not workload.containers else "; EXEC_DRY_RUN is not set"


def find_starters(facts: ClusterFacts, owners: Owners) -> Iterator[tuple[Thing, str]]:
    """
    Yield everything that could start execution without a human, and how.

    What a scaler or a trigger names may not exist yet: its name alone says what it is.
    """
    added = owners.rules.patterns
    for starter in facts.starters:
        if starter.how and (what := _find_target(starter, facts, owners)):
            yield starter, f"{starter.how}: {what}"
    for thing in (*facts.workloads, *facts.pods):
        for text in _acts(thing):
            if names_execution(text, added) and not _NEVER_CHANGES.search(text):
                yield thing, f"it runs {text}"
    for workload in facts.workloads:
        queued = workload.suspended and "kueue.x-k8s.io/queue-name" in workload.labels
        if queued and (sign := why_execution(workload, owners)):
            yield workload, f"a queue may resume it ({sign})"


def _find_target(starter: StarterFacts, facts: ClusterFacts, owners: Owners) -> str:
    """Say which execution it would start: itself, or what it names; empty where it is none."""
    if sign := why_execution(starter, owners):
        return f"{starter.name} ({sign})"
    others = {s.key: s for s in facts.starters}
    for target in starter.targets:
        key = (starter.namespace, target.kind, target.name)
        held = owners.workloads.get(key) or others.get(key)
        agent = owners.agent_named(starter.namespace, target)
        by_agent = agent is not None and agent.kind is Kind.EXECUTION
        sign = why_execution(held, owners) if held is not None else ""
        if (
            by_agent
            or sign
            or (held is None and names_execution(target.name, owners.rules.patterns))
        ):
            return f"{target} ({sign or 'its name says so'})"
    return ""


def _acts(thing: WorkloadFacts | PodFacts) -> Iterator[str]:
    """Yield the commands that change the cluster, of what may run now."""
    runs = thing.live if isinstance(thing, PodFacts) else bool(thing.desired or thing.actual)
    for container in thing.containers if runs else ():
        yield from container.acts
