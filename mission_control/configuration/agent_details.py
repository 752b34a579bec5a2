"""The parts of a fleet file's entry that are mappings of their own."""

import re
from enum import StrEnum
from pathlib import Path

from mission_control.configuration.yaml_value import Problems, Value, quoted
from mission_control.model.fleet import Owner, Slo, SloWindow, TlsFiles, Unobserved, Workload

KUBERNETES_NAME = re.compile(r"[a-z0-9]([a-z0-9.-]{0,251}[a-z0-9])?")


class WorkloadKind(StrEnum):
    """The Kubernetes objects that run a service's pods."""

    DEPLOYMENT = "Deployment"
    STATEFUL_SET = "StatefulSet"
    DAEMON_SET = "DaemonSet"
    REPLICA_SET = "ReplicaSet"
    JOB = "Job"
    CRON_JOB = "CronJob"


def required(fields: dict[str, Value], key: str, of: Value, problems: Problems) -> Value | None:
    """Give a field that must be there, None after noting that it, or its mapping, is not."""
    if key not in fields and of.kind == "map":
        path = f"{of.path}.{key}" if of.path else key
        problems.add("is missing", where=of.where, key=path, remedy=f"add {key}")
    return fields.get(key)


def read_workload(value: Value, problems: Problems) -> Workload | None:
    """Read which Kubernetes object runs the service."""
    before = len(problems)
    fields = value.fields(("kind", "name", "namespace"), problems)
    kind = required(fields, "kind", value, problems)
    chosen = kind.choice(WorkloadKind, problems) if kind else None
    name = kubernetes_name(required(fields, "name", value, problems), problems)
    namespace = kubernetes_name(required(fields, "namespace", value, problems), problems)
    if chosen is None or len(problems) > before:
        return None
    return Workload(chosen.value, name, namespace)


def read_owner(value: Value, problems: Problems) -> Owner | None:
    """Read who answers for the service."""
    before = len(problems)
    fields = value.fields(("primary", "secondary"), problems)
    primary = required(fields, "primary", value, problems)
    first = primary.text(problems, at_most=128) if primary else ""
    secondary = fields.get("secondary")
    named = secondary is not None and secondary.kind != "null"
    second = secondary.text(problems, at_most=128) if secondary and named else None
    return Owner(first, second) if len(problems) == before else None


def read_unobserved(value: Value, problems: Problems) -> Unobserved | None:
    """Read who watches a service that nothing here can see, and why nothing can."""
    before = len(problems)
    fields = value.fields(("who", "why"), problems)
    found = [required(fields, key, value, problems) for key in ("who", "why")]
    texts = [each.text(problems, at_most=300) if each else "" for each in found]
    return Unobserved(*texts) if len(problems) == before else None


def read_slo(value: Value, problems: Problems) -> Slo | None:
    """Read the service's target, a percentage of its window's time."""
    fields = value.fields(("target", "window"), problems)
    target_value = required(fields, "target", value, problems)
    window_value = required(fields, "window", value, problems)
    target = target_value.number(problems) if target_value else None
    window = window_value.choice(SloWindow, problems) if window_value else None
    if target_value and target is not None and not 1 <= target < 100:  # noqa: PLR2004  (percent)
        target_value.refuse(
            problems,
            f"{target:g} is no usable target",
            "write a percentage from 1 up to but not 100, such as 99.9",
        )
        return None
    return Slo(target, window) if target is not None and window is not None else None


def read_tls(value: Value, folder: Path, problems: Problems) -> TlsFiles | None:
    """Read the PEM files for a service that speaks HTTPS; they are read when it is asked."""
    before = len(problems)
    fields = value.fields(("ca_file", "cert_file", "key_file"), problems)
    paths = {key: read_file_path(field, folder, problems) for key, field in fields.items()}
    if "key_file" in fields and "cert_file" not in fields:
        value.refuse(problems, "key_file is given without cert_file", "add cert_file")
    return TlsFiles(**paths) if len(problems) == before else None


def read_file_path(value: Value, folder: Path, problems: Problems) -> str:
    """Read a file's path; a relative one starts at the folder of the file that names it."""
    text = value.text(problems)
    return str(folder / text) if text else ""


def kubernetes_name(value: Value | None, problems: Problems) -> str:
    """Read a name as Kubernetes allows it; empty after noting a problem."""
    if value is None:
        return ""
    text = value.text(problems, at_most=253)
    if text and KUBERNETES_NAME.fullmatch(text) is None:
        value.refuse(
            problems,
            f"{quoted(text)} is no Kubernetes name",
            "use lower-case letters, digits, '-' and '.'",
        )
    return text
