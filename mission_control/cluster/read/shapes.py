"""The fields of Kubernetes objects that are read, all others being passed over."""

from datetime import datetime
from typing import Annotated, Any

import msgspec

Count = Annotated[int, msgspec.Meta(ge=0, le=2**31)]
Labels = dict[str, str]
UNDECODABLE = (msgspec.MsgspecError, UnicodeDecodeError, RecursionError)
"""What decoding raises for bytes that are not such an object."""


class Loose(msgspec.Struct, rename="camel"):
    """An object of which only the named fields are read; all may be missing or null."""


class OwnerReference(Loose):
    """Who owns an object; one of several controls it."""

    kind: str = ""
    name: str = ""
    controller: bool | None = None


class Metadata(Loose):
    """What every object tells of itself."""

    name: str = ""
    namespace: str | None = None
    uid: str | None = None
    labels: Labels | None = None
    annotations: Labels | None = None
    generation: int | None = None
    creation_timestamp: datetime | None = None
    deletion_timestamp: datetime | None = None
    owner_references: list[OwnerReference] | None = None


class Named(Loose):
    """Any object, of which only who it is is read."""

    metadata: Metadata = msgspec.field(default_factory=Metadata)


class Ref(Loose):
    """A reference to a ConfigMap, a Secret or one key of it."""

    name: str | None = None
    key: str | None = None
    optional: bool | None = None


class FieldRef(Loose):
    """A reference to a field of the pod itself."""

    field_path: str | None = None
    resource: str | None = None


class ValueFrom(Loose):
    """Where a variable's value comes from."""

    config_map_key_ref: Ref | None = None
    secret_key_ref: Ref | None = None
    field_ref: FieldRef | None = None
    resource_field_ref: FieldRef | None = None


class Env(Loose):
    """One variable."""

    name: str = ""
    value: str | None = None
    value_from: ValueFrom | None = None


class EnvFrom(Loose):
    """A ConfigMap or Secret all of whose keys become variables."""

    prefix: str | None = None
    config_map_ref: Ref | None = None
    secret_ref: Ref | None = None


class Resources(Loose):
    """What a container asks for and may have."""

    requests: dict[str, str | int | float] | None = None
    limits: dict[str, str | int | float] | None = None


class ContainerPort(Loose):
    """One port of a container."""

    name: str | None = None


class ContainerShape(Loose):
    """One container of a pod's specification."""

    name: str = ""
    image: str | None = None
    image_pull_policy: str | None = None
    command: list[str] | None = None
    args: list[str] | None = None
    ports: list[ContainerPort] | None = None
    env: list[Env] | None = None
    env_from: list[EnvFrom] | None = None
    resources: Resources | None = None
    readiness_probe: Any = None
    liveness_probe: Any = None
    startup_probe: Any = None


class PodSpec(Loose):
    """A pod's specification."""

    containers: list[ContainerShape]
    init_containers: list[ContainerShape] | None = None
    ephemeral_containers: list[ContainerShape] | None = None
    service_account_name: str | None = None
    node_name: str | None = None


class Template(Loose):
    """A pod template."""

    spec: PodSpec
    metadata: Metadata | None = None


class JobTemplateSpec(Loose):
    """The part of a CronJob's job template that holds the pod template."""

    template: Template


class JobTemplate(Loose):
    """A CronJob's job template."""

    spec: JobTemplateSpec


class RollingUpdate(Loose):
    """How far pods are replaced; a StatefulSet's alone has a partition."""

    partition: Count | None = None


class Strategy(Loose):
    """How pods are replaced when their specification changes."""

    type: str | None = None
    rolling_update: RollingUpdate | None = None


class WorkloadSpec(Loose):
    """The specification of any workload."""

    paused: bool | None = None
    strategy: Strategy | None = None
    update_strategy: Strategy | None = None

    replicas: Count | None = None
    parallelism: Count | None = None
    suspend: bool | None = None
    schedule: str | None = None
    template: Template | None = None
    job_template: JobTemplate | None = None


class Condition(Loose):
    """One condition of an object."""

    type: str = ""
    status: str = ""
    reason: str | None = None
    message: str | None = None
    last_update_time: datetime | None = None


class WorkloadStatus(Loose):
    """The status of any workload."""

    conditions: list[Condition] | None = None

    updated_replicas: Count | None = None
    available_replicas: Count | None = None
    current_revision: str | None = None
    update_revision: str | None = None
    updated_number_scheduled: Count | None = None
    number_available: Count | None = None
    replicas: Count | None = None
    ready_replicas: Count | None = None
    current_number_scheduled: Count | None = None
    desired_number_scheduled: Count | None = None
    number_ready: Count | None = None
    observed_generation: int | None = None
    active: Count | list[Any] | None = None
    succeeded: Count | None = None
    failed: Count | None = None
    start_time: datetime | None = None
    completion_time: datetime | None = None


class WorkloadShape(Named, kw_only=True):
    """Any workload."""

    spec: WorkloadSpec
    status: WorkloadStatus


class Terminated(Loose):
    """How a container ended."""

    reason: str | None = None
    exit_code: int | None = None
    finished_at: datetime | None = None


class Waiting(Loose):
    """Why a container does not run."""

    reason: str | None = None


class StateShape(Loose):
    """What a container does, or did last."""

    waiting: Waiting | None = None
    terminated: Terminated | None = None
    running: Any = None


class ContainerStatusShape(Loose):
    """How a container fares."""

    name: str = ""
    image: str | None = None
    image_id: str | None = msgspec.field(default=None, name="imageID")
    ready: bool | None = None
    restart_count: Count | None = None
    state: StateShape | None = None
    last_state: StateShape | None = None


class PodStatus(Loose):
    """A pod's status."""

    phase: str | None = None
    reason: str | None = None
    pod_ip: str | None = msgspec.field(default=None, name="podIP")
    pod_ips: list[dict[str, str]] | None = msgspec.field(default=None, name="podIPs")
    start_time: datetime | None = None
    conditions: list[Condition] | None = None
    container_statuses: list[ContainerStatusShape] | None = None
    init_container_statuses: list[ContainerStatusShape] | None = None
    ephemeral_container_statuses: list[ContainerStatusShape] | None = None


class PodShape(Named, kw_only=True):
    """A pod."""

    spec: PodSpec
    status: PodStatus = msgspec.field(default_factory=PodStatus)


class ConfigMapShape(Named):
    """A ConfigMap."""

    data: dict[str, str] | None = None
    binary_data: dict[str, str] | None = None


class Involved(Loose):
    """What an event is about."""

    kind: str | None = None
    name: str | None = None


class EventSeries(Loose):
    """How an event that happens again and again goes on."""

    count: int | None = None
    last_observed_time: datetime | None = None


class EventShape(Named):
    """An event, as `v1` writes it and as `events.k8s.io` does."""

    involved_object: Involved | None = None
    regarding: Involved | None = None
    type: str | None = None
    reason: str | None = None
    message: str | None = None
    note: str | None = None
    count: int | None = None
    deprecated_count: int | None = None
    first_timestamp: datetime | None = None
    deprecated_first_timestamp: datetime | None = None
    last_timestamp: datetime | None = None
    deprecated_last_timestamp: datetime | None = None
    event_time: datetime | None = None
    series: EventSeries | None = None
