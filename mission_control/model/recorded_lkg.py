"""Model: captures of the last known good as the record has them."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, cast

from mission_control.model.artifact import LedgerEntry
from mission_control.model.deploy_report import ReportChange
from mission_control.model.lkg import MANIFEST_NAME, SESSION_NOT_CLOSED, LkgStatus


@dataclass(frozen=True, slots=True)
class RecordedLkg:
    """
    One recorded capture: the ledger's line of its run, and what it tells of itself.

    `problem` says why its metadata cannot be believed, empty where they can; then they are empty.
    """

    entry: LedgerEntry
    metadata: Mapping[str, Any]
    problem: str = ""

    @property
    def content_digest(self) -> str:
        """Give the SHA-256 in hex of its manifest, by which the ledger knows it."""
        manifest = self.entry.file_named(MANIFEST_NAME)
        return manifest.sha256 if manifest else ""

    @property
    def is_good(self) -> bool:
        """Tell whether it is a last known good; one that cannot be believed never is."""
        return not self.problem and self.metadata.get("status") == LkgStatus.GOOD.value

    @property
    def namespace(self) -> str:
        """Give the captured namespace; empty where it is not told."""
        return str(self.metadata.get("namespace") or "")

    @property
    def closes_a_session(self) -> bool:
        """Tell whether its session was over when it was made; it says where it was not."""
        told = self.metadata.get("reasons")
        reasons = cast("list[object]", told) if isinstance(told, list) else []
        codes = [
            cast("Mapping[str, object]", r).get("code") for r in reasons if isinstance(r, Mapping)
        ]
        return not self.problem and SESSION_NOT_CLOSED not in codes


@dataclass(frozen=True, slots=True)
class FoundGood:
    """
    The newest GOOD capture, None where none is; `doubts` name newer ones that are damaged.

    `of_other_clusters` name those that were passed over for that.
    """

    capture: RecordedLkg | None
    doubts: tuple[str, ...] = ()
    of_other_clusters: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class ComparedCaptures:
    """
    Two captures and every difference between their manifests.

    `gaps` say what makes it doubtful that these are the two that were meant. `clusters` says
    before all else that they are not of one cluster, or not known to be.
    """

    before: RecordedLkg
    after: RecordedLkg
    changes: tuple[ReportChange, ...]
    gaps: tuple[str, ...] = ()
    clusters: str = ""
