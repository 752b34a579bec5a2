"""What a config snapshot holds, and what it could not read."""

from collections.abc import Mapping, Sequence
from datetime import datetime

from mission_control.cluster.model.facts import ClusterFacts
from mission_control.cluster.present import cluster_document, cluster_text
from mission_control.config_snapshot.decide import SecretReference
from mission_control.documents.document import document
from mission_control.documents.instants import new_york_text, utc_text
from mission_control.floor.model import FloorSnapshot
from mission_control.records.model import SourceCoverage
from mission_control.repository.model import CopiedFile, RepositoryCopy, RepositoryHead

UNKNOWN = "unknown"


def meta_text(snapshot: FloorSnapshot, head: RepositoryHead | None, now: datetime) -> str:
    """Write `meta.txt`: the predecessor's lines, then ours."""
    access, session = snapshot.fleet.access, snapshot.session
    pairs = {
        "agenttrader_v2_config_snapshot": "1",
        "generated_utc": utc_text(now),
        "git_sha": head.git_sha if head else UNKNOWN,
        "git_branch": head.git_branch if head else UNKNOWN,
        "namespace": access.floor_namespace if access else "",
        "kubectl_context": snapshot.fleet.cluster,
        "cluster": cluster_text(snapshot.cluster_identity),
        "generated_et": new_york_text(now),
        "session_date": document(session.session_date) or "",
        "repo_id": (head.repo_id if head else None) or UNKNOWN,
        "fleet_file": snapshot.fleet.source,
        "fleet_digest": snapshot.fleet.digest,
        **({"label": snapshot.label} if snapshot.label else {}),
    }
    return "".join(f"{name}={' '.join(value.split())}\n" for name, value in pairs.items())


def index_document(
    snapshot: FloorSnapshot,
    copied: RepositoryCopy,
    inventory: CopiedFile,
    secrets: Sequence[SecretReference],
    coverage: Sequence[SourceCoverage],
    now: datetime,
) -> Mapping[str, object]:
    """Return what a snapshot holds, by name and digest, with every gap."""
    facts = snapshot.cluster or ClusterFacts(())
    return {
        "generated_utc": utc_text(now),
        "generated_et": new_york_text(now),
        "cluster": snapshot.fleet.cluster,
        "cluster_identity": cluster_document(snapshot.cluster_identity),
        "namespaces": list(facts.namespaces),
        "fleet_digest": snapshot.fleet.digest,
        "inventory": _file(inventory),
        "repository_files": [_file(f) for f in copied.files],
        "config_maps": [
            {"namespace": m.namespace, "name": m.name, "sha256": m.digest, "keys": list(m.keys)}
            for m in facts.config_maps
        ],
        "secrets_read": False,
        "secrets_referred_to": document(secrets),
        "coverage": [
            document(c) | {"gaps": [{"what": what, "reason": why} for what, why in sorted(c.gaps)]}
            for c in coverage
        ],
    }


def _file(file: CopiedFile) -> Mapping[str, object]:
    """Return a file; the digest is its copy's: an original's could reveal a secret."""
    return {
        "path": file.path,
        "why_not": file.why_not,
        "copied": file.content is not None,
        "sha256_of_copy": file.sha256,
        "size_of_copy": file.size,
    }
