"""What stands in few words beside a name. Pure. What is missing is never green."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import cast

from ops_ui.mission_control_client import Document, Missed


def pods_text(workload: object) -> str:
    """Say how many pods are ready, and how often they restarted: `1/1`, `0/1, 7 restarts`."""
    if not isinstance(workload, Mapping):
        return ""
    told = cast("Document", workload)
    if told.get("unseen") != "":
        return "not seen"
    ready, desired, restarts = told.get("ready"), told.get("desired"), told.get("restarts")
    if not isinstance(ready, int) or not isinstance(desired, int):
        return "not found"
    again = f", {restarts} restarts" if isinstance(restarts, int) and restarts else ""
    return f"{ready}/{desired}{again}"


def no_digest_text(workload: object, pods: object) -> str:
    """
    Say why no digest is shown of a workload.

    That nothing of it runs is only said where its pods were seen and none is there.
    """
    told: Document = cast("Document", workload) if isinstance(workload, Mapping) else {}
    if told.get("unseen") != "" or not isinstance(pods, list):
        return "not seen"
    return "no node tells the digest of what runs" if pods else "none: nothing of it runs"


def cluster_name(posture: Document) -> str:
    """Name the cluster in short: its context, and how its UID begins."""
    identity = posture.get("cluster_identity")
    told = cast("Document", identity).get("short") if isinstance(identity, Mapping) else None
    return str(told or posture.get("cluster") or "unknown")


def cluster_note(posture: Document) -> str:
    """Say how much of the cluster was seen."""
    if posture.get("cluster") == "none":
        return "not read"
    coverage = posture.get("coverage")
    gaps = cast("Document", coverage).get("gaps") if isinstance(coverage, Mapping) else None
    if not isinstance(gaps, list):
        return "not known how much was seen"
    subjects = [str(g.get("subject", "")) for g in _documents(cast("list[object]", gaps))]
    lost = sum(s.startswith("cluster ") for s in subjects)
    noun = "list" if lost == 1 else "lists"
    return f"{lost} {noun} NOT seen whole" if lost else "every list seen"


@dataclass(frozen=True, slots=True)
class ReadinessNote:
    """The readiness verdict in few words; `look` is the end of a CSS class."""

    look: str
    glyph: str
    word: str
    note: str


def readiness_note(document: Document | Missed) -> ReadinessNote:
    """Give the verdict and what stands beside it, for the Floor; only GO looks like GO."""
    if isinstance(document, Missed):
        return ReadinessNote("bad", "?", "not known", document.detail)
    date = document.get("session_date")
    session = f"session {date}" if isinstance(date, str) else "no session"
    if document.get("verdict") == "GO":
        return ReadinessNote("fine", "●", "GO", session)
    code = document.get("code")
    note = f"{code}, {session}" if isinstance(code, str) and code else session
    if code == "SESSION_CLOSED":
        return ReadinessNote("closed", "◐", "NO-GO", note)
    return ReadinessNote("bad", "■", "NO-GO", note)


def _documents(values: list[object]) -> list[Document]:
    return [cast("Document", v) for v in values if isinstance(v, Mapping)]
