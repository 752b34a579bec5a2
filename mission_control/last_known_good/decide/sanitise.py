"""An object without what binds it to the cluster that it was read from."""

import hashlib
import json
import re
from collections.abc import Iterator, Mapping, Sequence
from typing import Any, cast

from mission_control.cluster.model.facts import KubernetesObject
from mission_control.documents.raw import mapping, mappings, text
from mission_control.last_known_good.decide.parts import find_oddity, title_of
from mission_control.redaction.decide.names import is_harmless
from mission_control.redaction.decide.secrecy import is_secret_key, redact_text, secret_words

Fields = dict[str, Any]

_IDENTITY = ("apiVersion", "kind", "metadata")
_KEPT_METADATA = ("annotations", "labels", "name", "namespace")
"""All else in metadata is set by the server."""
_SERVERS_ANNOTATIONS = (
    "autoscaling.alpha.kubernetes.io/",
    "cloud.google.com/neg-status",
    "control-plane.alpha.kubernetes.io/",
    "deployment.kubernetes.io/",
    "deprecated.daemonset.template.generation",
    "kubectl.kubernetes.io/last-applied-configuration",
    "pv.kubernetes.io/",
)
"""Annotations, or beginnings of such, that controllers and kubectl write."""
_SERVICE_BOUND = ("clusterIPs", "healthCheckNodePort", "ipFamilies")
_HEADLESS, _SINGLE_STACK = "None", "SingleStack"


def sanitise(item: KubernetesObject) -> Fields:
    """
    Return a copy of an object that any cluster can take: its specification without its status.

    A headless Service stays headless: that its address is `None` was asked for.
    """
    kept = {k: v for k, v in item.items() if k != "status"}
    kept["metadata"] = _metadata(mapping(item, "metadata"))
    match item.get("kind"):
        case "Namespace":
            return {k: kept[k] for k in _IDENTITY if k in kept}
        case "ServiceAccount":
            kept.pop("secrets", None)
        case "Service":
            kept["spec"] = _service(mapping(item, "spec"))
        case "CronJob":
            kept["spec"] = _cron_job(mapping(item, "spec"))
        case "Deployment" | "StatefulSet" | "DaemonSet":
            kept["spec"] = _workload(mapping(item, "spec"))
        case _:
            pass
    return kept


def _metadata(metadata: Mapping[str, Any]) -> Fields:
    kept = {k: metadata[k] for k in _KEPT_METADATA if metadata.get(k)}
    annotations = {
        k: v
        for k, v in mapping(metadata, "annotations").items()
        if not k.startswith(_SERVERS_ANNOTATIONS)
    }
    if annotations:
        kept["annotations"] = annotations
    else:
        kept.pop("annotations", None)
    return kept


def _service(spec: Mapping[str, Any]) -> Fields:
    kept = {k: v for k, v in spec.items() if k not in _SERVICE_BOUND}
    if kept.get("clusterIP") != _HEADLESS:
        kept.pop("clusterIP", None)
    if kept.get("ipFamilyPolicy") == _SINGLE_STACK:
        del kept["ipFamilyPolicy"]
    if "ports" in spec:
        kept["ports"] = [
            {k: v for k, v in port.items() if k != "nodePort"} for port in mappings(spec["ports"])
        ]
    return kept


def _workload(spec: Mapping[str, Any]) -> Fields:
    kept = {**spec, "template": _template(mapping(spec, "template"))}
    if "volumeClaimTemplates" in spec:
        kept["volumeClaimTemplates"] = [
            {k: v for k, v in _template(claim).items() if k != "status"}
            for claim in mappings(spec["volumeClaimTemplates"])
        ]
    return kept


def _cron_job(spec: Mapping[str, Any]) -> Fields:
    job_template = _template(mapping(spec, "jobTemplate"))
    job = mapping(job_template, "spec")
    template = {**job, "template": _template(mapping(job, "template"))}
    return {**spec, "jobTemplate": {**job_template, "spec": template}}


def _template(template: Mapping[str, Any]) -> Fields:
    kept = dict(template)
    metadata = _metadata(mapping(template, "metadata"))
    if metadata:
        kept["metadata"] = metadata
    else:
        kept.pop("metadata", None)
    return kept


_EXPANDED = re.compile(r"\$\([A-Za-z0-9_.-]+\)")
"""A variable that Kubernetes puts in: a reference, not a value."""
_EXPANDED_ACCOUNT = re.compile(rf"(?<=://)(?:{_EXPANDED.pattern}|[^\s/:@]*):{_EXPANDED.pattern}@")
_FLAG = re.compile(r"--?([A-Za-z0-9][A-Za-z0-9_.-]*)=(.*)", re.DOTALL)
_FREE_TEXT = frozenset({"annotations", "labels"})
"""Free text in metadata, where only keys say what is secret."""


def find_secrets(item: KubernetesObject) -> Iterator[str]:
    """
    Name every literal of an object that looks like a secret: which object, and where in it.

    A manifest is applied as it was captured, so nothing in it can be masked: one secret refuses
    the whole capture (docs/semantics.md#10). What is secret is known to redaction alone.
    """
    title = title_of(item)
    for where in _look(item, ()):
        yield f"{title}: {where}"


def _look(value: object, path: tuple[str, ...]) -> Iterator[str]:
    if isinstance(value, str):
        if _shows(value):
            yield _say(path)
    elif isinstance(value, Mapping):
        yield from _look_in_mapping(cast("Mapping[str, object]", value), path)
    elif isinstance(value, list):
        yield from _look_in_list(cast("list[object]", value), path)


def _look_in_list(held: Sequence[object], path: tuple[str, ...]) -> Iterator[str]:
    """Look at each entry; in a command line the words before it say what it is."""
    secret = secret_words([_plain(each) for each in held])
    for number, each in enumerate(held):
        known = text(mapping(each).get("name")) or str(number)
        found = list(_look(each, (*path, known)))
        if not found and number in secret and not _is_harmless_flag(each):
            found = [_say((*path, known))]
        yield from found


def _look_in_mapping(held: Mapping[str, object], path: tuple[str, ...]) -> Iterator[str]:
    name, literal = held.get("name"), held.get("value")
    if isinstance(name, str) and isinstance(literal, str) and _is_secret(name, literal):
        yield _say(path)
        return
    command, arguments = held.get("command"), held.get("args")
    if isinstance(command, list) and isinstance(arguments, list):
        yield from _across(cast("list[object]", command), cast("list[object]", arguments), path)
    told = path == ("data",) or (path[-1:] and path[-1] in _FREE_TEXT and "metadata" in path[-2:])
    for key, value in held.items():
        if told and isinstance(value, str) and _is_secret(key, value):
            yield _say((*path, key))
        else:
            yield from _look(value, (*path, key))


def _across(
    command: Sequence[object], arguments: Sequence[object], path: tuple[str, ...]
) -> Iterator[str]:
    """Name the arguments that are secret only behind their command."""
    words = [_plain(each) for each in (*command, *arguments)]
    alone = secret_words(words[len(command) :])
    for place in sorted(secret_words(words)):
        number = place - len(command)
        if number >= 0 and number not in alone and not _is_harmless_flag(arguments[number]):
            yield _say((*path, "args", str(number)))


def _is_secret(name: str, value: str) -> bool:
    """Return whether a name says that its value is secret, and the value is not harmless."""
    return is_secret_key(name) and not is_harmless(name, value) and not _EXPANDED.fullmatch(value)


def _is_harmless_flag(word: object) -> bool:
    flag = _FLAG.fullmatch(word) if isinstance(word, str) else None
    return flag is not None and not _shows_in_flag(flag)


def _shows(value: str) -> bool:
    """Return whether a text shows a secret; a flag's name counts as a name."""
    flag = _FLAG.fullmatch(value)
    if flag is not None:
        return _shows_in_flag(flag)
    plain = _plain(value)
    return redact_text(plain) != plain


def _shows_in_flag(flag: re.Match[str]) -> bool:
    return _is_secret(flag[1], flag[2]) or _shows(flag[2])


def _plain(value: object) -> str:
    """Return a text without the variables that Kubernetes puts in."""
    if not isinstance(value, str):
        return ""
    return _EXPANDED.sub("", _EXPANDED_ACCOUNT.sub("", value))


def _say(path: tuple[str, ...]) -> str:
    # A key in a path comes from outside and may itself be a secret.
    return redact_text(".".join(path))[:200]


SPECIFIED_LISTS = (
    "cronjobs",
    "daemonsets",
    "deployments",
    "networkpolicies",
    "poddisruptionbudgets",
    "rolebindings",
    "roles",
    "serviceaccounts",
    "services",
    "statefulsets",
)
"""The lists whose objects get a digest here; ConfigMaps have their own."""


def digest_specifications(
    lists: Mapping[str, Sequence[KubernetesObject]],
) -> Mapping[str, str | None]:
    """
    Return the SHA-256 in hex of each object without what binds it to its cluster, by its title.

    None for an object that is too deep or odd.
    """
    held = [item for resource in SPECIFIED_LISTS for item in lists.get(resource, ())]
    return {title_of(item): _digest(item) for item in sorted(held, key=title_of)}


def _digest(item: KubernetesObject) -> str | None:
    if find_oddity(item):
        return None
    written = json.dumps(sanitise(item), sort_keys=True, separators=(",", ":"))
    return hashlib.sha256(written.encode()).hexdigest()
