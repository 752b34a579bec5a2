"""How a check is written down; the catalogue of all checks."""

from collections.abc import Iterable, Sequence
from typing import NamedTuple

from mission_control.readiness.model import Check, CheckOutcome

PASS, FAIL, UNKNOWN = CheckOutcome.PASS, CheckOutcome.FAIL, CheckOutcome.UNKNOWN
MOST_TOLD = 5

NAMES = {
    "RC-101": "change_control.git_available",
    "RC-102": "change_control.clean_working_tree",
    "RC-103": "change_control.lkg_tag_present",
    "RC-104": "change_control.repo_id",
    "RC-105": "change_control.origin_remote",
    "RC-201": "build.repo_preflight",
    "RC-202": "safety.ci_safety_lint",
    "RC-203": "build.no_latest_tags",
    "RC-204": "build.fingerprints_present",
    "RC-205": "build.images_exist",
    "RC-206": "build.live_image_tags",
    "RC-301": "cluster.connectivity",
    "RC-302": "cluster.health",
    "RC-303": "cluster.v2_workloads",
    "RC-304": "cluster.replicas_ready",
    "RC-305": "cluster.no_crash_or_pull_backoff",
    "RC-306": "cluster.recent_restarts",
    "RC-307": "cluster.pending_pods",
    "RC-308": "health.probes_configured",
    "RC-309": "cluster.replicas_alike",
    "RC-310": "cluster.no_leftover_workloads",
    "RC-401": "safety.agent_mode_not_execute",
    "RC-402": "safety.kill_switch",
    "RC-403": "safety.kill_switch_witnesses_agree",
    "RC-404": "safety.marketdata_fresh",
    "RC-405": "safety.marketdata_bypass_disabled",
    "RC-406": "safety.execution_agents_disabled",
    "RC-407": "safety.nothing_stands_accused",
    "RC-408": "safety.posture",
    "RC-501": "health.ops_status",
    "RC-502": "health.services_as_expected",
    "RC-503": "health.deploy_report_generator",
    "RC-601": "infra.service_discovery",
    "RC-602": "infra.capacity_headroom",
    "RC-603": "infra.node_pressure",
    "RC-701": "access.own_rbac_read_only",
    "RC-702": "calendar.horizon",
    "RC-703": "evidence.poll_coverage",
    "RC-704": "evidence.snapshot",
    "RC-705": "evidence.artifact_store",
}
"""Every check by its stable code: the fleet's own names where it has one."""


class Subject(NamedTuple):
    """What one subject of a check came to; one that does not block only warns."""

    name: str
    outcome: CheckOutcome
    detail: str = ""
    blocks: bool = True


def check(
    code: str,
    outcome: CheckOutcome,
    detail: str,
    evidence: Iterable[str] = (),
    *,
    blocks: bool = True,
) -> Check:
    """Write down a check by its code."""
    return Check(code, NAMES[code], outcome, detail, tuple(evidence), blocks)


def not_applicable(code: str, why: str) -> Check:
    """Write down that configuration leaves a check out, and say so."""
    return check(code, CheckOutcome.NOT_APPLICABLE, f"not applicable: {why}", blocks=False)


def settle(
    code: str, subjects: Sequence[Subject], well: str, nothing: str, evidence: Iterable[str] = ()
) -> Check:
    """
    Settle a check over its subjects: the worst of those that block counts, then of the others.

    A check on zero subjects is UNKNOWN, never PASS.
    """
    if not subjects:
        return check(code, UNKNOWN, nothing, evidence)
    for blocks in (True, False):
        for outcome in (FAIL, UNKNOWN):
            found = [s for s in subjects if s.blocks is blocks and s.outcome is outcome]
            if found:
                worse = [s for s in subjects if s.outcome in {FAIL, UNKNOWN}]
                detail = _tell([*found, *(s for s in worse if s not in found)])
                return check(code, outcome, detail, evidence, blocks=blocks)
    return check(code, PASS, f"{well} ({len(subjects)})", evidence)


def _tell(subjects: Sequence[Subject]) -> str:
    told = [f"{s.name}: {s.detail or s.outcome.value}" for s in subjects[:MOST_TOLD]]
    more = len(subjects) - MOST_TOLD
    return "; ".join(told) + (f"; and {more} more" if more > 0 else "")
