"""Cluster reader: containers as their specification has them, kept to what is needed. Pure."""

from collections.abc import Iterable, Iterator

from mission_control.model.cluster.containers import (
    WATCHED_ENV,
    Container,
    EnvSource,
    EnvVariable,
    KeyRef,
)
from mission_control.observe.cluster_reader.shapes import (
    ContainerShape,
    Env,
    EnvFrom,
    PodSpec,
    Resources,
    ValueFrom,
)
from mission_control.observe.redaction import printable, redact_text

MAX_TEXT = 300


_BEYOND = 2_048
"""So much more is redacted than is kept, so that no cut bares half a secret."""


def clean(text: str | None, most: int = MAX_TEXT) -> str:
    """Give a text that may be stored and shown: redacted, printable and not too long."""
    if not text:
        return ""
    # What is beyond is not even looked through: a text of megabytes would hold everybody up.
    return printable(redact_text(text[: most + _BEYOND]))[:most]


def project_containers(spec: PodSpec) -> tuple[Container, ...]:
    """Give a pod specification's containers: init ones first, as they run."""
    return (
        *(_project(c, init=True) for c in spec.init_containers or ()),
        *(_project(c, init=False) for c in spec.containers),
        *(_project(c, init=False) for c in spec.ephemeral_containers or ()),
    )


def _project(shape: ContainerShape, *, init: bool) -> Container:
    probes = {
        "liveness": shape.liveness_probe,
        "readiness": shape.readiness_probe,
        "startup": shape.startup_probe,
    }
    return Container(
        name=clean(shape.name),
        image=clean(shape.image),
        init=init,
        pull_policy=clean(shape.image_pull_policy),
        env=tuple(_variable(e) for e in shape.env or () if e.name in WATCHED_ENV),
        env_from=tuple(_sources(shape.env_from or ())),
        env_names=tuple(sorted({clean(e.name) for e in shape.env or ()})),
        probes=tuple(name for name, probe in probes.items() if probe is not None),
        resources=tuple(_resources(shape.resources)),
    )


def _variable(env: Env) -> EnvVariable:
    ref = _ref(env.value_from) if env.value_from is not None else None
    value = None if env.value is None else clean(env.value)
    return EnvVariable(env.name, value, ref)


def _ref(given: ValueFrom) -> KeyRef:
    for kind, ref in (("ConfigMap", given.config_map_key_ref), ("Secret", given.secret_key_ref)):
        if ref is not None:
            return KeyRef(kind, clean(ref.name), clean(ref.key), optional=bool(ref.optional))
    field = given.field_ref or given.resource_field_ref
    path = (field.field_path or field.resource) if field is not None else None
    return KeyRef("field of the pod", clean(path), "")


def _sources(given: Iterable[EnvFrom]) -> Iterator[EnvSource]:
    for source in given:
        for kind, ref in (("ConfigMap", source.config_map_ref), ("Secret", source.secret_ref)):
            if ref is not None:
                prefix = clean(source.prefix)
                yield EnvSource(kind, clean(ref.name), prefix, optional=bool(ref.optional))


def _resources(given: Resources | None) -> Iterator[tuple[str, str]]:
    if given is None:
        return
    for group, amounts in (("limits", given.limits), ("requests", given.requests)):
        for name, amount in sorted((amounts or {}).items()):
            yield f"{group}.{clean(name, 60)}", clean(str(amount), 60)
