"""Present: what a run of copying tells the next one, as JSON, and read again."""

from collections.abc import Mapping
from typing import Any, TypedDict, cast

from mission_control.model.durable_copy import (
    CopyMemory,
    CopyProblem,
    CopyProblemKind,
    CopyReport,
)


class DoubtDocument(TypedDict):
    """What is wrong with a file until it is read back equal."""

    kind: str
    path: str
    detail: str


class MemoryDocument(TypedDict):
    """
    What is known of a destination after a run; nothing is cut off here.

    `head_seq` is where the ledger ended when the run began: what was recorded later it did not
    know.
    """

    destination: str
    head_seq: int
    runs: int
    through: int
    proven: list[str]
    doubts: list[DoubtDocument]
    overdue: list[str]
    lost: bool


def memory_document(report: CopyReport) -> MemoryDocument:
    """Give what a run tells the next one."""
    memory = report.memory
    return {
        "destination": report.destination,
        "head_seq": report.head.seq,
        "runs": memory.runs,
        "through": memory.through,
        "proven": sorted(memory.proven),
        "doubts": [
            {"kind": d.kind.value, "path": d.path, "detail": d.detail} for d in memory.doubts
        ],
        "overdue": list(memory.overdue),
        "lost": memory.lost,
    }


def read_memory(document: Mapping[str, Any]) -> CopyMemory | None:
    """Read what a run told; None where anything of it is missing or of another shape."""
    told = [document.get(name) for name in MemoryDocument.__annotations__]
    shapes = [str, int, int, int, list, list, list, bool]
    if [type(value) for value in told] != shapes:
        return None
    _, _, runs, through, proven, doubts, overdue, lost = cast("list[Any]", told)
    read = [_read_doubt(doubt) for doubt in doubts]
    known = [doubt for doubt in read if doubt is not None]
    if len(known) != len(read) or not all(isinstance(p, str) for p in (*proven, *overdue)):
        return None
    return CopyMemory(runs, through, frozenset(proven), tuple(known), tuple(overdue), lost)


def _read_doubt(told: object) -> CopyProblem | None:
    if not isinstance(told, Mapping):
        return None
    doubt = cast("Mapping[str, Any]", told)
    path, kind, detail = (str(doubt.get(name) or "") for name in ("path", "kind", "detail"))
    if not path or kind not in set(CopyProblemKind):
        return None
    return CopyProblem(path, CopyProblemKind(kind), detail)
