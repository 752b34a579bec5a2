"""The only way to the API server. It sends GET on known paths and nothing else."""

import re
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass

import httpx

from mission_control.cluster.model.facts import LIST_OF_STARTER
from mission_control.model.cluster_identity import NAMESPACE
from mission_control.probe.transport import SENT, RefusedRequest

CORE = "/api/v1"
GROUPS = "/apis"
"""Where the API server names every group of resources that it offers."""
APPS = "/apis/apps/v1"
RBAC = "/apis/rbac.authorization.k8s.io/v1"
METRICS = "/apis/metrics.k8s.io/v1beta1"


@dataclass(frozen=True, slots=True)
class Resource:
    """
    A kind of object: its plural name and the API roots it may stand under, newest first.

    Where there are several, which one offers it is found out by asking (`discovery`). An `optional`
    one belongs to a group that a cluster may not have: that it is not there is known from the
    list of groups, which every account may read.
    """

    name: str
    kind: str
    roots: tuple[str, ...]
    namespaced: bool = True
    optional: bool = False


RESOURCES: dict[str, Resource] = {
    r.name: r
    for r in (
        Resource("configmaps", "ConfigMap", (CORE,)),
        Resource("cronjobs", "CronJob", ("/apis/batch/v1", "/apis/batch/v1beta1")),
        Resource("daemonsets", "DaemonSet", (APPS,)),
        Resource("deployments", "Deployment", (APPS,)),
        Resource("events", "Event", (CORE,)),
        Resource("jobs", "Job", ("/apis/batch/v1",)),
        Resource("networkpolicies", "NetworkPolicy", ("/apis/networking.k8s.io/v1",)),
        Resource("pods", "Pod", (CORE,)),
        Resource(
            "poddisruptionbudgets",
            "PodDisruptionBudget",
            ("/apis/policy/v1", "/apis/policy/v1beta1"),
        ),
        Resource("replicasets", "ReplicaSet", (APPS,)),
        Resource("rolebindings", "RoleBinding", (RBAC,)),
        Resource("roles", "Role", (RBAC,)),
        Resource("serviceaccounts", "ServiceAccount", (CORE,)),
        Resource("services", "Service", (CORE,)),
        Resource("statefulsets", "StatefulSet", (APPS,)),
        Resource("clusterrolebindings", "ClusterRoleBinding", (RBAC,), namespaced=False),
        Resource("clusterroles", "ClusterRole", (RBAC,), namespaced=False),
        Resource("namespaces", "Namespace", (CORE,), namespaced=False),
        Resource("nodes", "Node", (CORE,), namespaced=False),
        Resource(
            "priorityclasses",
            "PriorityClass",
            ("/apis/scheduling.k8s.io/v1",),
            namespaced=False,
        ),
    )
}
"""By plural name. Secrets are not among them, and nothing that is not can be asked for."""

_KEDA = ("/apis/keda.sh/v1alpha1",)
_ARGO = ("/apis/argoproj.io/v1alpha1",)
_KNATIVE = ("/apis/serving.knative.dev/v1",)
_SCALERS = (
    "/apis/autoscaling/v2",
    "/apis/autoscaling/v2beta2",
    "/apis/autoscaling/v1",
)
STARTERS: dict[str, Resource] = {
    LIST_OF_STARTER[r.kind]: r
    for r in (
        Resource("applications", "Application", _ARGO, optional=True),
        Resource("configurations", "Configuration", _KNATIVE, optional=True),
        Resource("cronworkflows", "CronWorkflow", _ARGO, optional=True),
        Resource("horizontalpodautoscalers", "HorizontalPodAutoscaler", _SCALERS),
        Resource("replicationcontrollers", "ReplicationController", (CORE,)),
        Resource("revisions", "Revision", _KNATIVE, optional=True),
        Resource("rollouts", "Rollout", _ARGO, optional=True),
        Resource("scaledjobs", "ScaledJob", _KEDA, optional=True),
        Resource("scaledobjects", "ScaledObject", _KEDA, optional=True),
        Resource("sensors", "Sensor", _ARGO, optional=True),
        Resource("services", "Service", _KNATIVE, optional=True),
    )
}
"""By the list's name as a source (`model.cluster.facts`): what starts pods without a human."""


def collection_path(root: str, resource: Resource, namespace: str) -> str:
    """Return the path of a resource's list; `namespace` is empty for what belongs to none."""
    inside = f"/namespaces/{namespace}" if resource.namespaced else ""
    return f"{root}{inside}/{resource.name}"


_NAME = r"[a-z0-9][a-z0-9.:-]{0,252}"
_PARAMETERS = frozenset(
    {"limit", "continue", "fieldSelector", "container", "tailLines", "limitBytes", "previous"}
)
"""`watch` and `follow` are not among them: they never end; nor is `command`: it acts."""


def allowed_paths(namespaces: Sequence[str]) -> tuple[re.Pattern[str], ...]:
    """Return what the paths that may be asked for look like, all others being refused."""
    watched = "|".join(re.escape(n) for n in sorted(namespaces)) or r"(?!)"
    inside = rf"/namespaces/(?:{watched})"
    resources = (*RESOURCES.values(), *STARTERS.values())
    roots = sorted({root for r in resources for root in r.roots})
    patterns = [
        r"/version",
        re.escape(GROUPS),
        *(re.escape(root) for root in roots),
        re.escape(METRICS),
    ]
    for resource in resources:
        root = "|".join(re.escape(root) for root in resource.roots)
        if resource.name == "namespaces":
            patterns.append(rf"{re.escape(CORE)}/namespaces/(?:{watched}|{re.escape(NAMESPACE)})")
        else:
            where = inside if resource.namespaced else ""
            patterns.append(rf"(?:{root}){where}/{resource.name}(?:/{_NAME})?")
    patterns.append(rf"{re.escape(CORE)}{inside}/pods/{_NAME}/log")
    patterns.append(rf"{re.escape(METRICS)}/nodes")
    patterns.append(rf"{re.escape(METRICS)}{inside}/pods")
    return tuple(re.compile(p) for p in patterns)


class ClusterGuard(httpx.AsyncBaseTransport):
    """
    Wraps the transport that reaches the API server and refuses all that is not on the list.

    GET alone is not read-only there: `exec`, `attach`, `portforward` and `proxy` answer to it.
    So each path has to be known, in a watched namespace (kube-system itself may be read, for its
    UID names the cluster, and nothing in it), without escapes, with known parameters
    and without an upgrade (docs/semantics.md#10). `sent` counts what really left.
    """

    def __init__(
        self, inner: httpx.AsyncBaseTransport, namespaces: Sequence[str], prefix: str = ""
    ) -> None:
        """
        Guard this transport, for these namespaces.

        `prefix` is the path below which the API is served, as it is sent and without a slash at
        its end; nothing that does not begin with it is asked for.
        """
        self._inner = inner
        self._prefix = prefix
        self._allowed = allowed_paths(namespaces)
        self.sent: Counter[str] = Counter()

    async def handle_async_request(self, request: httpx.Request) -> httpx.Response:
        """Send a GET; raises RefusedRequest for anything that is not on the list."""
        refused = self._why_refused(request)
        if refused:
            raise RefusedRequest(refused)
        self.sent["GET"] += 1
        request.extensions[SENT] = self.sent
        return await self._inner.handle_async_request(request)

    async def aclose(self) -> None:
        """Close what is guarded."""
        await self._inner.aclose()

    def _why_refused(self, request: httpx.Request) -> str:
        if request.method != "GET":
            return f"{request.method} is refused: Mission Control only reads"
        raw = request.url.raw_path.decode("ascii", errors="replace").partition("?")[0]
        known = raw.startswith(f"{self._prefix}/")
        path = raw[len(self._prefix) :]
        if not known or not any(pattern.fullmatch(path) for pattern in self._allowed):
            return f"{raw} is refused: it is not on the list of what is read"
        unknown = sorted(set(request.url.params) - _PARAMETERS)
        if unknown:
            return f"the parameter {unknown[0]} is refused: it is not on the list"
        upgrades = {"upgrade", "sec-websocket-key"} & {k.lower() for k in request.headers}
        return "an upgrade is refused: it opens a stream" if upgrades else ""
