"""The restricted profile of Kubernetes' Pod Security Standards, as far as our pods can break it."""

from collections.abc import Iterator
from typing import Any

ALLOWED_VOLUMES = frozenset(
    {
        "configMap", "csi", "downwardAPI", "emptyDir", "ephemeral", "persistentVolumeClaim",
        "projected", "secret",
    }
)  # fmt: skip
PROFILES = frozenset({"RuntimeDefault", "Localhost"})


def breaches(spec: dict[str, Any]) -> Iterator[str]:
    """Yield everything in a pod's specification that the profile `restricted` refuses."""
    of_pod = spec.get("securityContext", {})
    yield from (
        f"{key} is shared" for key in ("hostNetwork", "hostPID", "hostIPC") if spec.get(key)
    )
    for volume in spec.get("volumes", ()):
        kinds = set(volume) - {"name"}
        yield from (f"a volume of kind {kind}" for kind in kinds - ALLOWED_VOLUMES)
    if of_pod.get("sysctls"):
        yield "sysctls are set"
    if of_pod.get("runAsUser") == 0:
        yield "the pod runs as root"
    for box in (*spec.get("initContainers", ()), *spec["containers"]):
        own = box.get("securityContext", {})
        yield from (f"{box['name']}: {breach}" for breach in _of_container(own, of_pod))
        if any("hostPort" in port for port in box.get("ports", ())):
            yield f"{box['name']}: a port of the host"


def _of_container(own: dict[str, Any], of_pod: dict[str, Any]) -> Iterator[str]:
    capabilities = own.get("capabilities", {})
    yield from _of_privileges(own)
    if "ALL" not in capabilities.get("drop", ()):
        yield "capabilities are kept"
    if set(capabilities.get("add", ())) - {"NET_BIND_SERVICE"}:
        yield "capabilities are added"
    if own.get("runAsNonRoot", of_pod.get("runAsNonRoot")) is not True:
        yield "it may run as root"
    if own.get("runAsUser") == 0:
        yield "it runs as root"
    if own.get("seccompProfile", of_pod.get("seccompProfile", {})).get("type") not in PROFILES:
        yield "no seccomp profile"


def _of_privileges(own: dict[str, Any]) -> Iterator[str]:
    if own.get("privileged"):
        yield "privileged"
    if own.get("allowPrivilegeEscalation") is not False:
        yield "privileges may grow"
    if own.get("procMount", "Default") != "Default":
        yield "another procMount"
