"""Writes objects as a cluster stores them: workloads, scalers and triggers of a few lines each."""

from typing import Any

FLOOR, ELSEWHERE = "trading-floor", "agenttrader"
REGISTRY = "us-east4-docker.pkg.dev/agenttrader-prod/trader-repo"
ENGINE, TOOLS = f"{REGISTRY}/execution-engine:54afffe", f"{REGISTRY}/tools:1"
ROOTS = {
    "Application": ("/apis/argoproj.io/v1alpha1", "applications"),
    "Configuration": ("/apis/serving.knative.dev/v1", "configurations"),
    "ConfigMap": ("/api/v1", "configmaps"),
    "CronJob": ("/apis/batch/v1beta1", "cronjobs"),
    "CronWorkflow": ("/apis/argoproj.io/v1alpha1", "cronworkflows"),
    "DaemonSet": ("/apis/apps/v1", "daemonsets"),
    "Deployment": ("/apis/apps/v1", "deployments"),
    "HorizontalPodAutoscaler": ("/apis/autoscaling/v1", "horizontalpodautoscalers"),
    "Job": ("/apis/batch/v1", "jobs"),
    "Pod": ("/api/v1", "pods"),
    "ReplicationController": ("/api/v1", "replicationcontrollers"),
    "Revision": ("/apis/serving.knative.dev/v1", "revisions"),
    "Rollout": ("/apis/argoproj.io/v1alpha1", "rollouts"),
    "ScaledJob": ("/apis/keda.sh/v1alpha1", "scaledjobs"),
    "ScaledObject": ("/apis/keda.sh/v1alpha1", "scaledobjects"),
    "Sensor": ("/apis/argoproj.io/v1alpha1", "sensors"),
    "Service": ("/apis/serving.knative.dev/v1", "services"),
    "StatefulSet": ("/apis/apps/v1", "statefulsets"),
}
CUSTOM = [k for k, (root, _) in ROOTS.items() if "." in root.removeprefix("/apis")]
"""The kinds that come with other programs: KEDA, Knative and Argo."""


def made(kind: str, name: str, spec: Any = None, **more: Any):
    """Write an object of the floor's namespace."""
    root, _ = ROOTS[kind]
    meta = {"name": name, "namespace": more.pop("namespace", FLOOR)}
    meta |= {k: more.pop(k) for k in ("labels", "annotations") if k in more}
    version = root.removeprefix("/apis/").removeprefix("/api/")
    whole = {"apiVersion": version, "kind": kind, "metadata": meta, **more}
    return whole if spec is None else {**whole, "spec": spec}


def box(name="main", image=TOOLS, **more: Any):
    """Write a container."""
    return {"name": name, "image": image, **more}


def pods(*containers: Any, labels: Any = None, **more: Any):
    """Write a pod template."""
    meta = {"labels": {"app": "x", **(labels or {})}}
    return {"metadata": meta, "spec": {"containers": list(containers or [box()]), **more}}


def deployment(
    name="tools", *containers: Any, replicas=1, paused=False, namespace=FLOOR, **more: Any
):
    """Write a Deployment of a name that says nothing, with these containers."""
    labels = more.pop("on_workload", {})
    settled = {"observedGeneration": 1}
    spec = {
        "replicas": replicas,
        "paused": paused,
        "selector": {"matchLabels": {"app": "x"}},
        "template": pods(*containers, **more),
    }
    return made("Deployment", name, spec, namespace=namespace, labels=labels, status=settled)


def env(**values: Any):
    """Write variables, each with its value or where that comes from."""
    return [
        {"name": k, "valueFrom": v} if isinstance(v, dict) else {"name": k, "value": v}
        for k, v in values.items()
    ]


def told(*command: str, args: Any = (), **more: Any):
    """Write a Deployment whose container is told to run something."""
    return deployment("tools", box(command=list(command), args=list(args), **more))


def cron(name="nightly", *command: str, suspend=False, image=TOOLS):
    """Write a CronJob."""
    template = {"spec": {"template": pods(box(image=image, command=list(command)))}}
    template["spec"]["template"]["spec"]["restartPolicy"] = "Never"
    spec = {"schedule": "0 3 * * *", "suspend": suspend, "jobTemplate": template}
    return made("CronJob", name, spec)


def job(name="once", image=TOOLS):
    """Write a Job."""
    return made("Job", name, {"template": pods(box(image=image), restartPolicy="Never")})


def pod(name, *containers: Any, **more: Any):
    """Write a bare pod."""
    return made("Pod", name, {"containers": list(containers or [box()]), **more})


def scaler(target, least=1, kind="Deployment"):
    """Write an autoscaler."""
    ref = {"apiVersion": "apps/v1", "kind": kind, "name": target}
    return made(
        "HorizontalPodAutoscaler",
        "scaler",
        {"scaleTargetRef": ref, "minReplicas": least, "maxReplicas": 3},
    )


OFF = deployment("quiet-engine", box(image=ENGINE), replicas=0)
"""The engine under another name, scaled to zero."""
