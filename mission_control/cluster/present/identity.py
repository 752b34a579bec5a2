"""Which cluster a record is of, for programs and in short for people."""

from typing import TypedDict

from mission_control.model.cluster_identity import ClusterIdentity

_SHORT_UID = 8


class ClusterDocument(TypedDict):
    """
    Which cluster: the context, the API server's URL without credentials, kube-system's UID.

    What was not told is null; `unknown` says why there is no UID, as `denied`. `text` and `short`
    say the same for people.
    """

    context: str
    server: str | None
    uid: str | None
    unknown: str | None
    text: str
    short: str


def cluster_document(identity: ClusterIdentity) -> ClusterDocument:
    """Return a cluster's identity as every record has it."""
    return {
        "context": identity.context,
        "server": identity.server or None,
        "uid": identity.uid or None,
        "unknown": identity.unknown or None,
        "text": cluster_text(identity),
        "short": short_cluster_text(identity),
    }


def cluster_text(identity: ClusterIdentity) -> str:
    """Write it whole, on one line."""
    if not identity.reads:
        return "none is read"
    uid = f"UID {identity.uid}" if identity.uid else f"UID unknown: {identity.unknown}"
    return f"{identity.context} at {identity.server or 'an unknown server'}, {uid}"


def short_cluster_text(identity: ClusterIdentity) -> str:
    """Write it for a page: the context and the UID's beginning."""
    if not identity.reads:
        return "none is read"
    uid = identity.uid[:_SHORT_UID] or f"UID unknown: {identity.unknown}"
    return f"{identity.context} ({uid})"
