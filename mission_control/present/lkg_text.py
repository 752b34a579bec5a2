"""Present: captures of the last known good for a terminal."""

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

Document = Mapping[str, Any]


def unchanged_text(sessions: object, same_as: object) -> str:
    """Say for how long what was captured is the same."""
    if isinstance(sessions, int) and sessions > 0:
        return f"unchanged for {sessions} session{'s' if sessions > 1 else ''}"
    return "unchanged in this session" if same_as else "no session before is the same"


def capture_lines(metadata: Document) -> Iterator[str]:
    """Write one capture: what it is worth first, then why, then what to know before a restore."""
    told = unchanged_text(metadata["unchanged_for_sessions"], metadata["same_as"])
    yield f"{metadata['status']}: {metadata['namespace']}, {told}"
    for reason in metadata["reasons"]:
        yield f"  {reason['code']}: {reason['detail']}"
    yield f"content {metadata['content_digest']}"
    observed = metadata["safety_posture"]["kill_switch"]["observed"]
    value = "nothing" if observed["value"] is None else repr(observed["value"])
    yield f"kill switch: '1' in the manifest; observed {value} at {observed['at']}"
    yield f"workloads: {len(metadata['components'])}"
    for title in metadata["unpinnable"]:
        yield f"  UNPINNABLE {title}: at 0 replicas, no digest is known"
    for loose in metadata["loose_images"]:
        yield f"  not pinned: {loose['owner']} {loose['container']} {loose['image']}"
    for title in metadata["synthesised"]:
        yield f"  made up, for the cluster had none: {title}"
    for kind, names in metadata["needs"].items():
        yield f"  a restore needs {kind} {', '.join(names)}"


def list_lines(captures: Sequence[Document]) -> Iterator[str]:
    """Write captures one a line, with why each is not GOOD."""
    if not captures:
        yield "No last known good was captured."
    for each in captures:
        told = each["problem"] or unchanged_text(each["unchanged_for_sessions"], each["same_as"])
        codes = ", ".join(sorted({r["code"] for r in each["reasons"]}))
        why = f" ({codes})" if codes else ""
        session = each["session_date"] or "-"
        digest = each["content_digest"][:16]
        yield f"{each['status']:<10} {session:<10}  {digest}  {each['path']}  {told}{why}"
