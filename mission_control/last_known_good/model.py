"""The last known good (LKG): a namespace as it ran, and whether its session was clean."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum
from typing import Any

from mission_control.cluster.model.facts import KubernetesObject
from mission_control.deploy_report.model import ReportChange
from mission_control.documents.raw import mappings
from mission_control.floor.model import Verdict
from mission_control.history.model import Span
from mission_control.model.cluster_identity import ClusterIdentity
from mission_control.model.session import MarketSession
from mission_control.readiness.model import RecordedVerdict
from mission_control.records.model import LedgerEntry

MANIFEST_NAME, METADATA_NAME = "lkg_manifest.yaml", "lkg_metadata.json"
"""The two files of a capture, and of the latest views."""
LKG_LISTS = (
    "configmaps",
    "cronjobs",
    "daemonsets",
    "deployments",
    "networkpolicies",
    "poddisruptionbudgets",
    "pods",
    "replicasets",
    "rolebindings",
    "roles",
    "serviceaccounts",
    "services",
    "statefulsets",
)
"""The lists of a namespace that a capture needs, every one of them whole."""
PRIORITY_CLASSES = "priorityclasses"
"""The one further list, which belongs to no namespace."""
SESSION_NOT_CLOSED = "SESSION_NOT_CLOSED"
"""The reason of a capture that was made while no session of its day was over."""
NOT_COMPARED = ("Namespace", "PriorityClasses")
"""What is captured, and compared with nothing that was seen at the open."""
WORKLOAD_KINDS = ("Deployment", "StatefulSet", "DaemonSet")
"""What is pinned to digests, in the order of a manifest."""


class LkgStatus(StrEnum):
    """What a capture is worth: only GOOD is a last known good."""

    CANDIDATE = "CANDIDATE"
    GOOD = "GOOD"


@dataclass(frozen=True, slots=True, order=True)
class LkgReason:
    """Why a capture stays CANDIDATE: a stable code, and a sentence for people."""

    code: str
    detail: str


@dataclass(frozen=True, slots=True)
class LkgRefused:
    """Nothing was captured and nothing was changed; `reasons` say why, and are never empty."""

    reasons: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class ContainerPin:
    """
    One container of a captured workload.

    `specified` is the image as its specification has it and `image` as the manifest has it.
    `running` are the digests that nodes report, sorted; empty for what does not run. One that is
    not `pinned` belongs to a workload that does not run, and has no digest anywhere.
    """

    container: str
    init: bool
    specified: str
    image: str
    pinned: bool
    running: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Component:
    """One captured workload; `env_names` are those of each container, sorted."""

    kind: str
    name: str
    namespace: str
    replicas: int
    generation: int
    service_account: str
    containers: tuple[ContainerPin, ...]
    env_names: Mapping[str, tuple[str, ...]] = field(default_factory=dict[str, tuple[str, ...]])

    @property
    def title(self) -> str:
        """Name it as reports do: `Deployment/strategy-engine`."""
        return f"{self.kind}/{self.name}"

    @property
    def unpinnable(self) -> bool:
        """Return whether some image of it has no digest: then it is kept at 0 replicas."""
        return any(not c.pinned for c in self.containers)


@dataclass(frozen=True, slots=True)
class ObservedSwitch:
    """
    What the kill switch's ConfigMap held when it was captured, whatever the manifest says.

    `value` is None where there was none; `source` names the list it was read from, `at` when.
    """

    value: str | None
    at: datetime
    source: str

    @property
    def engaged(self) -> bool:
        """Return whether it held exactly `1`; a file's last newline does not count."""
        return self.value is not None and self.value.removesuffix("\n") == "1"


@dataclass(frozen=True, slots=True)
class LkgManifest:
    """
    A namespace as it can be put back: objects in the order in which they are applied.

    `loose_images` are (owner, container, image) of CronJobs that no digest pins. `config_maps`
    are the digests of the fleet's ConfigMaps and of those that workloads refer to, captured or
    not, by `namespace/name`; None for one that is not there. `needs` names what workloads refer
    to and no capture holds, by kind. `modes` are the values that are set for the fleet's mode
    variables. `specifications` are the digests of what each object asks for, by its title.
    """

    namespace: str
    items: tuple[KubernetesObject, ...]
    components: tuple[Component, ...]
    switch: ObservedSwitch
    loose_images: tuple[tuple[str, str, str], ...] = ()
    config_maps: Mapping[str, str | None] = field(default_factory=dict[str, str | None])
    needs: Mapping[str, tuple[str, ...]] = field(default_factory=dict[str, tuple[str, ...]])
    modes: Mapping[str, tuple[str, ...]] = field(default_factory=dict[str, tuple[str, ...]])
    synthesised: tuple[str, ...] = ()
    specifications: Mapping[str, str | None] = field(default_factory=dict[str, str | None])


@dataclass(frozen=True, slots=True)
class NotKnown:
    """Something that a judgement needs and that is not known, with the reason."""

    detail: str


@dataclass(frozen=True, slots=True)
class AgentCoverage:
    """How one required service was watched in a session: seconds, rounds asked and obtained."""

    agent_name: str
    watched_seconds: float
    asked: int
    obtained: int


@dataclass(frozen=True, slots=True)
class SessionHalt:
    """
    A stretch of a session in which the posture was HALTED, with the sentence that told it.

    `began` is None where its beginning is not recorded, `ended` where its end is not.
    """

    began: datetime | None
    ended: datetime | None
    told: str


@dataclass(frozen=True, slots=True)
class WatchedSession:
    """
    A session as history tells it.

    `halted` are its halts, each once, oldest first; `undecided` the stretches without a decision.
    """

    seconds: float
    halted: tuple[SessionHalt, ...]
    agents: tuple[AgentCoverage, ...]
    undecided: tuple[Span, ...]


@dataclass(frozen=True, slots=True)
class SessionEvidence:
    """
    What decides whether the session that a capture closes was clean.

    `posture` is that of the capture's own look. `opening` is the document of the first deploy
    report after the open. `cluster` is the captured one: records of another are no evidence.
    """

    now: datetime
    session: MarketSession
    fleet_digest: str
    posture: Verdict
    posture_codes: tuple[str, ...]
    """Each with its subject: `TIMEOUT of cluster trading-floor/pods`."""
    watched: WatchedSession | NotKnown
    readiness: tuple[RecordedVerdict, ...] | NotKnown
    opening: Mapping[str, Any] | NotKnown
    cluster: ClusterIdentity | None = None


@dataclass(frozen=True, slots=True)
class LkgCapture:
    """
    A capture as it will be recorded.

    `content` are the manifest's bytes and `content_digest` their SHA-256 in hex: the address of
    what was captured, whenever that was. `unchanged_for_sessions` counts the earlier sessions
    whose captures are the same, one after the other up to this one; `same_as` is the path of the
    newest of them. `build_id` and `git_sha` are empty where they are not known.
    """

    at: datetime
    manifest: LkgManifest
    content: bytes
    content_digest: str
    status: LkgStatus
    reasons: tuple[LkgReason, ...]
    session: MarketSession
    cluster: str
    fleet_digest: str
    unchanged_for_sessions: int = 0
    same_as: str | None = None
    git_sha: str = ""
    build_id: str = ""
    label: str = ""
    identity: ClusterIdentity | None = None


@dataclass(frozen=True, slots=True)
class RecordedLkg:
    """
    One recorded capture: the ledger's line of its run, and what it tells of itself.

    `problem` says why its metadata cannot be trusted, and then they are empty.
    """

    entry: LedgerEntry
    metadata: Mapping[str, Any]
    problem: str = ""

    @property
    def content_digest(self) -> str:
        """Return the SHA-256 in hex of its manifest, by which the ledger knows it."""
        manifest = self.entry.file_named(MANIFEST_NAME)
        return manifest.sha256 if manifest else ""

    @property
    def is_good(self) -> bool:
        """Return whether it is a last known good; an unreadable one never is."""
        return not self.problem and self.metadata.get("status") == LkgStatus.GOOD.value

    @property
    def namespace(self) -> str:
        """Return the captured namespace; empty where the metadata names none."""
        return str(self.metadata.get("namespace") or "")

    @property
    def closes_a_session(self) -> bool:
        """Return whether its session was over when it was captured."""
        codes = [reason.get("code") for reason in mappings(self.metadata.get("reasons"))]
        return not self.problem and SESSION_NOT_CLOSED not in codes


@dataclass(frozen=True, slots=True)
class FoundGood:
    """
    The newest GOOD capture, or None; `doubts` name newer ones that are damaged.

    `of_other_clusters` name those that were passed over as captures of another cluster.
    """

    capture: RecordedLkg | None
    doubts: tuple[str, ...] = ()
    of_other_clusters: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class ComparedCaptures:
    """
    Two captures and every difference between their manifests.

    `gaps` say why these may not be the two that were meant. `clusters` warns that they are not of
    one cluster, or not known to be.
    """

    before: RecordedLkg
    after: RecordedLkg
    changes: tuple[ReportChange, ...]
    gaps: tuple[str, ...] = ()
    clusters: str = ""
