"""The Kubernetes API as an ASGI app: lists and objects by GET, nothing else."""

import base64
import binascii
import re
from collections import Counter
from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from threading import Lock
from urllib.parse import parse_qsl

import orjson

from mission_control.simulation.answers import (
    Answer,
    Receive,
    Scope,
    Send,
    client_left,
    send_answer,
)
from mission_control.simulation.cluster_objects import Object, other_objects, workload_objects
from mission_control.simulation.scenario import AS_ITS_FILE, ApiFault, ClusterStage

_KINDS = """
    ClusterRole ClusterRoleBinding ConfigMap CronJob DaemonSet Deployment Event
    HorizontalPodAutoscaler Job Namespace NetworkPolicy Node Pod PodDisruptionBudget PriorityClass
    ReplicaSet ReplicationController Role RoleBinding Service ServiceAccount StatefulSet
"""


def _by_plural(*kinds: str) -> dict[str, str]:
    endings = {"y": "ies", "s": "ses"}
    names = [kind.lower() for kind in kinds]
    return {
        name[:-1] + endings.get(name[-1], f"{name[-1]}s"): kind
        for name, kind in zip(names, kinds, strict=True)
    }


CUSTOM = {
    "argoproj.io": ("v1alpha1", _by_plural("Application", "CronWorkflow", "Rollout", "Sensor")),
    "keda.sh": ("v1alpha1", _by_plural("ScaledJob", "ScaledObject")),
    "serving.knative.dev": ("v1", _by_plural("Configuration", "Revision", "Service")),
}
"""Groups of other programs, offered where a stage has them installed."""
KINDS = _by_plural(*_KINDS.split()) | {
    f"{plural}.{group}": kind
    for group, (_, kinds) in CUSTOM.items()
    for plural, kind in kinds.items()
}
GROUPS = "/apis"
METRICS = "metrics.k8s.io/v1beta1"
_CORE = """
    configmaps events namespaces nodes pods replicationcontrollers serviceaccounts services
"""


def _roots(*, old: bool, installed: Collection[str] = ()) -> dict[str, tuple[str, ...]]:
    custom = {f"/apis/{g}/{CUSTOM[g][0]}": tuple(CUSTOM[g][1]) for g in installed}
    common: dict[str, tuple[str, ...]] = {
        **custom,
        "/api/v1": tuple(_CORE.split()),
        "/apis/apps/v1": ("daemonsets", "deployments", "replicasets", "statefulsets"),
        "/apis/networking.k8s.io/v1": ("networkpolicies",),
        "/apis/rbac.authorization.k8s.io/v1": (
            "clusterrolebindings",
            "clusterroles",
            "rolebindings",
            "roles",
        ),
        "/apis/scheduling.k8s.io/v1": ("priorityclasses",),
    }
    if old:
        return {
            **common,
            "/apis/autoscaling/v2beta2": ("horizontalpodautoscalers",),
            "/apis/batch/v1": ("jobs",),
            "/apis/batch/v1beta1": ("cronjobs",),
            "/apis/policy/v1beta1": ("poddisruptionbudgets",),
        }
    return {
        **common,
        "/apis/autoscaling/v2": ("horizontalpodautoscalers",),
        "/apis/batch/v1": ("jobs", "cronjobs"),
        "/apis/policy/v1": ("poddisruptionbudgets",),
        f"/apis/{METRICS}": ("nodes", "pods"),
    }


@dataclass(frozen=True, slots=True)
class Place:
    """What a path addresses: a list, one object of it, or a part of that object."""

    version: str
    namespace: str
    resource: str
    name: str = ""
    part: str = ""


_PATH = re.compile(
    r"(?P<root>/api/v1|/apis/[a-z0-9.]+/[a-z0-9]+)(?:/namespaces/(?P<namespace>[^/]+))?"
    r"/(?P<resource>[a-z]+)(?:/(?P<name>[^/]+))?(?:/(?P<part>log))?"
)


def find_place(path: str, *, old: bool, installed: Collection[str] = ()) -> Place | None:
    """Return what a path addresses; None where there is nothing, or nothing we may see."""
    if re.fullmatch(r"/api/v1/namespaces/[^/]+", path):
        return Place("v1", "", "namespaces", path.rsplit("/", 1)[1])
    match = _PATH.fullmatch(path)
    offered = _roots(old=old, installed=installed)
    if match is None or match["resource"] not in offered.get(match["root"], ()):
        return None
    resource, group = match["resource"], match["root"].split("/")[2]
    version = match["root"].removeprefix("/apis/").removeprefix("/api/")
    namespace, name, part = match["namespace"] or "", match["name"] or "", match["part"] or ""
    listed = f"{resource}.{group}" if group in CUSTOM else resource
    return Place(version, namespace, listed, name, part)


def discover(path: str, *, old: bool, installed: Collection[str] = ()) -> Answer | None:
    """Answer discovery: version, groups and resources; None for any other path."""
    if path == "/version":
        return Answer(200, orjson.dumps({"gitVersion": "v1.20.2" if old else "v1.29.4"}))
    if path == GROUPS:
        roots = [r for r in _roots(old=old, installed=installed) if r.startswith("/apis/")]
        names = sorted({root.split("/")[2] for root in roots})
        groups = [{"name": name} for name in names]
        whole = {"kind": "APIGroupList", "apiVersion": "v1", "groups": groups}
        return Answer(200, orjson.dumps(whole))
    offered = _roots(old=old, installed=installed).get(path)
    if offered is None:
        return None
    group = path.split("/")[2]
    known = CUSTOM[group][1] if group in CUSTOM else KINDS
    version = path.removeprefix("/apis/").removeprefix("/api/")
    resources = [{"name": name, "kind": known[name], "verbs": ["get", "list"]} for name in offered]
    whole = {"kind": "APIResourceList", "groupVersion": version, "resources": resources}
    return Answer(200, orjson.dumps(whole))


def status(code: int, reason: str, message: str) -> Answer:
    """Answer with the API server's Status of a refusal."""
    whole: dict[str, object] = {
        "kind": "Status",
        "apiVersion": "v1",
        "metadata": {},
        "status": "Failure",
        "message": message,
        "reason": reason,
        "code": code,
    }
    return Answer(code, orjson.dumps(whole))


ACCOUNT = "system:serviceaccount:trading-floor:mission-control"
Objects = Mapping[tuple[str, str], Sequence[Object]]


@dataclass(frozen=True, slots=True)
class Staging:
    """The cluster at this moment; `switch` is what the mounted file holds."""

    now: datetime
    stage: ClusterStage
    switch: str | None


class SimulatedCluster:
    """Answers as a kube-apiserver does; counts every request by method and path."""

    def __init__(self, staged: Callable[[], Staging], *, old: bool = False) -> None:
        """Call `staged` for the state at each request; `old` offers the versions of 1.20."""
        self._staged = staged
        self._old = old
        self._lock = Lock()
        self._requests = Counter[tuple[str, str]]()
        self._newest: tuple[Staging, Objects] | None = None

    @property
    def requests(self) -> Counter[tuple[str, str]]:
        """How often each (method, path) was requested."""
        with self._lock:
            return Counter(self._requests)

    async def app(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer one request."""
        if scope["type"] != "http":
            raise ValueError("the simulated API speaks HTTP only")
        with self._lock:
            self._requests[scope["method"], scope["path"]] += 1
        staged = self._staged()
        query = dict(parse_qsl(scope["query_string"].decode("latin-1")))
        place = find_place(scope["path"], old=self._old, installed=staged.stage.installed)
        fault = staged.stage.fault(place.namespace, place.resource) if place else None
        if scope["path"] == GROUPS:
            place = Place("v1", "", "apis")
            fault = staged.stage.fault("", "apis")
        if fault is ApiFault.HUNG:
            await client_left(receive, within=None)
            return
        answer = self._answer(scope, staged, place, fault, query)
        await send_answer(send, answer, staged.now)

    def _answer(
        self,
        scope: Scope,
        staged: Staging,
        place: Place | None,
        fault: ApiFault | None,
        query: Mapping[str, str],
    ) -> Answer:
        if scope["method"] != "GET":
            return status(405, "MethodNotAllowed", "the server does not allow this method")
        refused = _refuse(fault, place) if place else None
        found = discover(scope["path"], old=self._old, installed=staged.stage.installed)
        if refused is not None and scope["path"] == GROUPS:
            return refused
        if found is not None:
            return found
        if place is None:
            return _nowhere(scope["path"])
        if place.part == "log" or place.version == METRICS:
            objects = self._objects(staged)
            return _log(place, query, objects) if place.part else _usage(place, objects)
        refused = _refuse(fault, place)
        return refused or _give(place, self._objects(staged), query, fault)

    def _objects(self, staged: Staging) -> Objects:
        """Return every object; those of one instant are made once."""
        newest = self._newest
        if newest is None or newest[0] != staged:
            self._newest = newest = (staged, objects_of(staged))
        return newest[1]


def _nowhere(path: str) -> Answer:
    if "secrets" in path or path.endswith(("/exec", "/attach", "/portforward", "/proxy")):
        return status(403, "Forbidden", f'User "{ACCOUNT}" cannot get path {path}')
    return _REFUSALS[ApiFault.MISSING]


def objects_of(staged: Staging) -> Objects:
    """Return every object of the cluster, by namespace and resource, sorted by name."""
    stage, switch = staged.stage, staged.stage.kill_switch
    if switch == AS_ITS_FILE:
        switch = staged.switch
    found = dict[tuple[str, str], list[Object]]()
    for source in (workload_objects(staged.now, stage), other_objects(staged.now, stage, switch)):
        for namespace, resource, made in source:
            found.setdefault((namespace, resource), []).append(made)
    for objects in found.values():
        objects.sort(key=lambda o: str(o["metadata"]["name"]))
    for key, extra in stage.extra.items():
        found.setdefault(key, []).extend(dict(e) for e in extra)
    return found


_REFUSALS = {
    ApiFault.UNAUTHORIZED: status(401, "Unauthorized", "Unauthorized"),
    ApiFault.THROTTLED: status(429, "TooManyRequests", "please try again later"),
    ApiFault.UNAVAILABLE: status(503, "ServiceUnavailable", "the server is currently unable"),
    ApiFault.MISSING: status(404, "NotFound", "the server could not find the requested resource"),
    ApiFault.GARBAGE: Answer(200, b"<!doctype html><title>Sign in</title>", "text/html"),
    ApiFault.CUT: Answer(200, b'{"kind":"PodList","apiVersion":"v1","items":[{"metadata":{"na'),
}


def _refuse(fault: ApiFault | None, place: Place) -> Answer | None:
    if fault is ApiFault.DENIED:
        where = f' in the namespace "{place.namespace}"' if place.namespace else ""
        problem = f'User "{ACCOUNT}" cannot list resource "{place.resource}"{where}'
        return status(403, "Forbidden", f"{place.resource} is forbidden: {problem}")
    return None if fault is None else _REFUSALS.get(fault)


def _give(
    place: Place, objects: Objects, query: Mapping[str, str], fault: ApiFault | None
) -> Answer:
    held = objects.get((place.namespace, place.resource), ())
    if place.name:
        return _one(place, held)
    if "fieldSelector" in query:
        held = [e for e in held if e.get("type") == query["fieldSelector"].partition("=")[2]]
    return _page(place, held, query, fault)


def _one(place: Place, held: Sequence[Object]) -> Answer:
    for each in held:
        if each["metadata"]["name"] == place.name:
            kind = KINDS[place.resource]
            whole = {"kind": kind, "apiVersion": place.version, **each}
            return Answer(200, orjson.dumps(whole))
    return status(404, "NotFound", f'{place.resource} "{place.name}" not found')


def _page(
    place: Place, held: Sequence[Object], query: Mapping[str, str], fault: ApiFault | None
) -> Answer:
    if fault is ApiFault.GONE and query.get("continue"):
        return status(410, "Expired", "The provided continue parameter is too old")
    first = _offset(query.get("continue", ""))
    limit = int(query.get("limit", "0") or 0) or len(held)
    if fault in {ApiFault.GONE, ApiFault.ENDLESS}:
        limit = 1
    page, rest = held[first : first + limit], len(held) - first - limit
    meta: Object = {"resourceVersion": "1042"}
    if rest > 0 or fault in {ApiFault.GONE, ApiFault.ENDLESS}:
        token = base64.urlsafe_b64encode(str(first + limit).encode()).decode()
        meta |= {"continue": token, "remainingItemCount": max(rest, 1)}
    kind = f"{KINDS[place.resource]}List"
    whole = {"kind": kind, "apiVersion": place.version, "metadata": meta, "items": page}
    return Answer(200, orjson.dumps(whole))


def _offset(token: str) -> int:
    try:
        return int(base64.urlsafe_b64decode(token)) if token else 0
    except (binascii.Error, ValueError):
        return 0


def _usage(place: Place, objects: Objects) -> Answer:
    def used(each: Object) -> Object:
        spent = {"cpu": "35m", "memory": "180Mi"}
        meta = {"name": each["metadata"]["name"], "namespace": place.namespace}
        if place.resource == "nodes":
            return {"metadata": meta, "usage": {"cpu": "900m", "memory": "6Gi"}}
        names = [c["name"] for c in each["spec"]["containers"]]
        return {"metadata": meta, "containers": [{"name": n, "usage": spent} for n in names]}

    items = [used(o) for o in objects.get((place.namespace, place.resource), ())]
    kind = "NodeMetricsList" if place.resource == "nodes" else "PodMetricsList"
    whole: Object = {"kind": kind, "apiVersion": METRICS, "metadata": {}, "items": items}
    return Answer(200, orjson.dumps(whole))


def _log(place: Place, query: Mapping[str, str], objects: Objects) -> Answer:
    pods = {p["metadata"]["name"]: p for p in objects.get((place.namespace, "pods"), ())}
    pod = pods.get(place.name)
    if pod is None:
        return status(404, "NotFound", f'pods "{place.name}" not found')
    names = [c["name"] for c in pod["spec"]["containers"]]
    container = query.get("container") or names[0]
    states = {s["name"]: s for s in pod["status"].get("containerStatuses", ())}
    if container not in names:
        return status(400, "BadRequest", f"container {container} is not valid for pod")
    again = states.get(container, {}).get("restartCount", 0)
    if query.get("previous") == "true" and not again:
        return status(400, "BadRequest", f'previous terminated container "{container}" not found')
    env = {e["name"]: e.get("value", "") for e in pod["spec"]["containers"][0]["env"]}
    mode = env.get("AGENT_MODE", "OBSERVE")
    lines = [
        f"AGENT_STARTUP: mode={mode} execution_enabled=false service={container} env=prod",
        "kill_switch_active enabled=true source=env:EXECUTION_HALTED",
        *(f'{{"severity":"INFO","message":"cycle {n}","service":"{container}"}}' for n in range(5)),
    ]
    kept = lines[-int(query.get("tailLines", "200")) :]
    return Answer(200, ("\n".join(kept) + "\n").encode(), "text/plain")
