"""A snapshot of the configuration in force: cluster, repository, inventory, settings."""

import asyncio
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from mission_control.cluster import present as listings
from mission_control.cluster.decide.lists import check_lists
from mission_control.cluster.model.facts import (
    WORKLOAD_LISTS,
    AccountFacts,
    ClusterFacts,
    KubernetesObject,
    ServiceFacts,
    list_source,
)
from mission_control.cluster.present import cluster_text
from mission_control.config_snapshot.decide import SecretReference, find_secret_references
from mission_control.config_snapshot.present import index_document, meta_text
from mission_control.documents.canonical_json import encode_json
from mission_control.floor.decide.evidence import Moment
from mission_control.floor.model import FloorSnapshot
from mission_control.model.clock import Clock
from mission_control.model.reading import Seen, Unseen, say_unseen
from mission_control.records.model import Collection, LedgerEntry, SourceCoverage
from mission_control.records.run_origin import Ground, RunOrigin
from mission_control.repository.model import CopiedFile, RepositoryCopy, RepositoryHead
from mission_control.schedule.job import READING_SECONDS, JobParts

if TYPE_CHECKING:
    from mission_control.cluster.read.objects import ObjectReader
    from mission_control.repository.files import RepositoryCopier

JOB = "config_snapshot"
WANTED = (
    "config/preflight.yaml",
    "configs/agents/agents.yaml",
    "configs/strategies",
    "docs/ops/status_contract.md",
    "k8s",
    "ops/PRODUCTION_LOCK.md",
)
"""What is copied of the repository."""
REFERRING = (*WORKLOAD_LISTS, "pods", "serviceaccounts")
"""Lists whose objects may refer to Secrets."""
NO_CLUSTER, NO_REPOSITORY = "no cluster is configured", "no repository is configured"

Gap = tuple[str, str]


@dataclass(frozen=True, slots=True)
class InForce:
    """What is configured: the inventory file, redacted, and every setting as it may be shown."""

    inventory: CopiedFile
    settings: Mapping[str, str]


@dataclass(frozen=True, slots=True)
class MadeConfigSnapshot:
    """A config snapshot as it will be recorded; `coverage` names every gap."""

    document: Mapping[str, object]
    files: Mapping[str, bytes]
    coverage: tuple[SourceCoverage, ...]
    label: str


async def run(
    parts: JobParts, origin: RunOrigin, repository: "RepositoryCopier | None", in_force: InForce
) -> tuple[MadeConfigSnapshot, LedgerEntry]:
    """Look, gather and record; raises StorageError."""
    snapshot, _ = await parts.look()
    made = await make_config_snapshot(snapshot, parts.further, repository, in_force, parts.clock)
    facts = origin.facts(JOB, Ground.of(snapshot), parts.clock())
    facts = replace(facts, coverage=made.coverage)
    return made, await parts.writer.record(Collection.CONFIG_SNAPSHOTS, made.files, facts)


async def make_config_snapshot(
    snapshot: FloorSnapshot,
    further: "ObjectReader | None",
    repository: "RepositoryCopier | None",
    in_force: InForce,
    clock: Clock,
) -> MadeConfigSnapshot:
    """
    Gather the configuration in force, all redacted; what cannot be read is a named gap.

    Secrets are never read: only the names that others refer to are listed.
    """
    services, account, referring, lost = await _read_cluster(snapshot, further)
    head = await repository.head() if repository else None
    copied = await repository.copy(WANTED) if repository else RepositoryCopy()
    coverage = (
        _of_cluster(snapshot, services, lost),
        _of_repository(head, copied),
        _of_inventory(in_force.inventory),
    )
    secrets = find_secret_references(referring)
    now = clock()
    meta = meta_text(snapshot, head.value if isinstance(head, Seen) else None, now)
    files = {
        "meta.txt": meta.encode(),
        "settings.json": encode_json(dict(sorted(in_force.settings.items()))),
        **{
            f"k8s_listings/{k}": v for k, v in _listings(snapshot, services, account, secrets, lost)
        },
        **{f"repo_files/{f.path}": f.content for f in copied.files if f.content is not None},
    }
    if in_force.inventory.content is not None:
        files["inventory.yaml"] = in_force.inventory.content
    document = index_document(snapshot, copied, in_force.inventory, secrets, coverage, now)
    files["snapshot.json"] = encode_json(document, snapshot.label)
    return MadeConfigSnapshot(document, files, coverage, snapshot.label)


async def _read_cluster(
    snapshot: FloorSnapshot, further: "ObjectReader | None"
) -> tuple[
    Seen[tuple[ServiceFacts, ...]] | Unseen | None,
    AccountFacts | None,
    Sequence[KubernetesObject],
    Sequence[Gap],
]:
    """
    Read all at once and within one time: the Services, our account, and what refers to Secrets.

    Of what may refer to Secrets the objects are returned, and the lists not seen.
    """
    access = snapshot.fleet.access
    if further is None or access is None:
        return None, None, (), ()
    further = further.within(READING_SECONDS)
    wanted = [(r, n) for n in sorted(access.namespaces) for r in REFERRING]
    services, account, lists = await asyncio.gather(
        further.services(),
        further.account(),
        asyncio.gather(*(further.objects(*each) for each in wanted)),
    )
    found, lost = list[KubernetesObject](), list[Gap]()
    for each, read in zip(wanted, lists, strict=True):
        if isinstance(read, Unseen):
            lost.append((f"{list_source(*each)}, for Secrets", say_unseen(read)))
        else:
            found.extend(read.value)
    return services, account, found, lost


def _listings(
    snapshot: FloorSnapshot,
    services: Seen[tuple[ServiceFacts, ...]] | Unseen | None,
    account: AccountFacts | None,
    secrets: Sequence[SecretReference],
    lost: Sequence[Gap],
) -> Iterator[tuple[str, bytes]]:
    """Yield every listing; where no cluster is read each says so instead of being empty."""
    access, facts = snapshot.fleet.access, snapshot.cluster or ClusterFacts(())
    user = account.who if account else ""
    seen = services.value if isinstance(services, Seen) else ()
    texts = {
        "kubectl.meta": (
            f"context={snapshot.fleet.cluster}\n"
            f"cluster={cluster_text(snapshot.cluster_identity)}\nuser={user}\n"
        ),
        "workloads.txt": listings.workloads_text(facts, seen),
        "pods.txt": listings.pods_text(facts),
        "events.txt": listings.events_text(facts),
        "configmaps.names.txt": listings.config_maps_text(facts),
        "secrets.names.txt": listings.secrets_text(secrets),
    }
    for name, config_map in listings.IN_FULL:
        namespace = access.floor_namespace if access else ""
        held = listings.config_map_yaml(facts, namespace, config_map)
        texts[name] = held or f"# the lists that were read hold no ConfigMap {config_map}\n"
    gaps = [*_list_gaps(snapshot), *lost, *_service_gaps(services)]
    note = "".join(f"{listings.NOT_READ}{what}: {why}\n" for what, why in gaps)
    for name, text in texts.items():
        if access is None and name != "kubectl.meta":
            yield name, f"{listings.NOT_READ}{NO_CLUSTER}\n".encode()
        else:
            yield name, ((note if name != "kubectl.meta" else "") + text).encode()


def _list_gaps(snapshot: FloorSnapshot) -> Iterator[Gap]:
    access = snapshot.fleet.access
    if access is None:
        return
    for read in check_lists(access, snapshot.cluster, Moment(snapshot.at)).lists:
        if isinstance(read.reading, Unseen):
            yield read.source, say_unseen(read.reading)
        for odd in read.odd:
            yield read.source, f"{odd.kind}/{odd.name}: {odd.problem}"


def _service_gaps(services: Seen[tuple[ServiceFacts, ...]] | Unseen | None) -> Iterator[Gap]:
    if isinstance(services, Unseen):
        yield "cluster services", say_unseen(services)


def _of_cluster(
    snapshot: FloorSnapshot,
    services: Seen[tuple[ServiceFacts, ...]] | Unseen | None,
    lost: Sequence[Gap],
) -> SourceCoverage:
    access = snapshot.fleet.access
    if access is None:
        return SourceCoverage("cluster", 0, 0, (("cluster", NO_CLUSTER),))
    checked = check_lists(access, snapshot.cluster, Moment(snapshot.at))
    gaps = (*_list_gaps(snapshot), *_service_gaps(services), *lost)
    asked = len(checked.lists) + len(access.namespaces) * len(REFERRING) + 1
    return SourceCoverage("cluster", asked, max(0, asked - len(gaps)), tuple(gaps))


def _of_repository(
    head: Seen[RepositoryHead] | Unseen | None, copied: RepositoryCopy
) -> SourceCoverage:
    if head is None:
        return SourceCoverage("repository", 0, 0, (("repository", NO_REPOSITORY),))
    kept_out = tuple((f.path, f.why_not) for f in copied.files if f.content is None)
    git = (("git", head.detail or head.code),) if isinstance(head, Unseen) else ()
    gaps = (*git, *copied.missing, *kept_out)
    asked = 1 + len(copied.files) + len(copied.missing)
    return SourceCoverage("repository", asked, asked - len(gaps), gaps)


def _of_inventory(inventory: CopiedFile) -> SourceCoverage:
    gaps = () if inventory.content is not None else ((inventory.path, inventory.why_not),)
    return SourceCoverage("inventory", 1, 1 - len(gaps), gaps)
