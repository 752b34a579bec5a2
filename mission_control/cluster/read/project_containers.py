"""Containers as their specification has them, kept to what is needed. Pure."""

from collections.abc import Collection, Iterable, Iterator

from mission_control.cluster.decide.commands import Started, fold_setting, read_command
from mission_control.cluster.model.objects import (
    WATCHED_ENV,
    Container,
    EnvSource,
    EnvVariable,
    KeyRef,
)
from mission_control.cluster.read.shapes import (
    ContainerShape,
    Env,
    EnvFrom,
    PodSpec,
    Resources,
    ValueFrom,
)
from mission_control.redaction.redact import printable, redact_text

MAX_TEXT = 300


_BEYOND = 2_048
"""So much more is redacted than is kept, so that no cut bares half a secret."""


def clean(text: str | None, most: int = MAX_TEXT) -> str:
    """Return a text that may be stored and shown: redacted, printable and not too long."""
    if not text:
        return ""
    # What is beyond is not even looked through: a text of megabytes would hold up everything else.
    return printable(redact_text(text[: most + _BEYOND]))[:most]


MAX_COMMAND = 32 * 1024
"""A longer command and its arguments (characters) are not understood, which makes a pod odd."""
MAX_STARTED = 1_000
MAX_ACT = 2_000


class OddError(Exception):
    """An object whose fields do not go together, or that holds more than is read; says which."""


def project_containers(
    spec: PodSpec, watched: Collection[str] = WATCHED_ENV
) -> tuple[Container, ...]:
    """
    Return a pod specification's containers: init ones first, as they run.

    `watched` are the variables whose values are kept. Raises OddError for a command that is
    longer or deeper than what is read.
    """
    return (
        *(_project(c, watched, init=True) for c in spec.init_containers or ()),
        *(_project(c, watched, init=False) for c in spec.containers),
        *(_project(c, watched, init=False) for c in spec.ephemeral_containers or ()),
    )


def _project(shape: ContainerShape, watched: Collection[str], *, init: bool) -> Container:
    probes = {
        "liveness": shape.liveness_probe,
        "readiness": shape.readiness_probe,
        "startup": shape.startup_probe,
    }
    started = _read_command(shape)
    settings = ((fold_setting(name), value) for name, value in started.settings)
    return Container(
        name=clean(shape.name),
        image=clean(shape.image),
        init=init,
        pull_policy=clean(shape.image_pull_policy),
        env=tuple(_variable(e) for e in shape.env or () if e.name.upper() in watched),
        env_from=tuple(_sources(shape.env_from or ())),
        env_names=tuple(sorted({clean(e.name) for e in shape.env or ()})),
        probes=tuple(name for name, probe in probes.items() if probe is not None),
        resources=tuple(_resources(shape.resources)),
        runs=tuple(dict.fromkeys(map(clean, started.runs))),
        flags=tuple((n, clean(v)) for n, v in settings if n in watched),
        acts=tuple(clean(a, MAX_ACT) for a in started.acts),
        ports=tuple(clean(p.name) for p in shape.ports or () if p.name),
    )


def _read_command(shape: ContainerShape) -> Started:
    """Read a command before it is redacted: a mask would hide what follows a secret."""
    command, arguments = tuple(shape.command or ()), tuple(shape.args or ())
    name = clean(shape.name)
    if sum(map(len, command)) + sum(map(len, arguments)) > MAX_COMMAND:
        raise OddError(f"container {name}: its command is longer than we read")
    try:
        started = read_command(command, arguments)
    except ValueError as error:
        raise OddError(f"container {name}: {error}") from None
    if max(len(started.runs), len(started.settings)) > MAX_STARTED:
        raise OddError(f"container {name}: its command starts more than we keep")
    return started


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
