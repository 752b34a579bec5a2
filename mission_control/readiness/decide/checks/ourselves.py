"""Whether our own evidence is good enough to judge by (docs/semantics.md#7)."""

from collections.abc import Iterator

from mission_control.model.reading import Unseen
from mission_control.readiness.decide.outcome import (
    FAIL,
    PASS,
    UNKNOWN,
    Subject,
    check,
    not_applicable,
    settle,
)
from mission_control.readiness.model import Check, ReadinessEvidence

HORIZON_DAYS = 90
SNAPSHOT_SECONDS = 30.0
"""A recorded snapshot that is used as evidence is at most this old (docs/semantics.md#7)."""
WANTED_SHARE = 0.95
SERVICE_ACCOUNT = "system:serviceaccount:"


def judge(evidence: ReadinessEvidence) -> Iterator[Check]:
    """Return the checks of our account, the calendar, our polling, the snapshot and the store."""
    yield _account(evidence)
    yield _calendar(evidence)
    yield _coverage(evidence)
    yield _snapshot(evidence)
    yield _store(evidence)


def _account(evidence: ReadinessEvidence) -> Check:
    account = evidence.account
    if evidence.snapshot.fleet.access is None:
        return not_applicable("RC-701", "no cluster is configured")
    if account is None:
        return check("RC-701", UNKNOWN, "our account was not judged")
    detail = f"{account.who}: {account.detail}"
    ours = account.who.startswith(SERVICE_ACCOUNT)
    if account.read_only is None:
        return check("RC-701", UNKNOWN, detail, blocks=ours)
    bindings = [f"{g.role} by {g.binding} in {g.where}" for g in account.grants]
    outcome = PASS if account.read_only else FAIL
    return check("RC-701", outcome, detail, bindings, blocks=ours)


def _calendar(evidence: ReadinessEvidence) -> Check:
    session = evidence.snapshot.session
    if session.phase.gates and session.open is None:
        return check("RC-702", UNKNOWN, f"the session is unknown: {session.note}")
    enough = session.horizon_days >= HORIZON_DAYS
    detail = f"covered for {session.horizon_days} more days"
    return check("RC-702", PASS if enough else FAIL, detail, blocks=False)


def _coverage(evidence: ReadinessEvidence) -> Check:
    coverage = evidence.coverage
    if isinstance(coverage, Unseen):
        return check("RC-703", UNKNOWN, f"not known: {coverage.detail or coverage.code}")
    if coverage.seconds < coverage.wanted_seconds:
        told = f"only {coverage.seconds:.0f} of {coverage.wanted_seconds:.0f} s were watched"
        return check("RC-703", UNKNOWN, told)
    subjects = [
        Subject(
            name,
            PASS if asked and obtained >= WANTED_SHARE * asked else FAIL if asked else UNKNOWN,
            f"{obtained} of {asked} rounds obtained",
        )
        for name, asked, obtained in coverage.agents
    ]
    well = coverage.stands_in or f"asked and obtained over {coverage.seconds / 60:.0f} minutes"
    return settle("RC-703", subjects, well, "no required service is asked")


def _snapshot(evidence: ReadinessEvidence) -> Check:
    age = (evidence.now - evidence.snapshot.at).total_seconds()
    if not 0 <= age <= SNAPSHOT_SECONDS:
        detail = f"the floor was decided at {evidence.snapshot.at:%H:%M:%S} UTC"
        return check("RC-704", UNKNOWN, f"{detail}, not within {SNAPSHOT_SECONDS:.0f} s")
    digest = evidence.snapshot.fleet.digest
    return check("RC-704", PASS, f"decided just now on fleet {digest[:12]}", (digest,))


def _store(evidence: ReadinessEvidence) -> Check:
    store = evidence.store
    if store is None:
        return check("RC-705", UNKNOWN, "whether the verdict can be recorded was not tried")
    if isinstance(store, Unseen):
        return check("RC-705", FAIL, f"the verdict cannot be recorded: {store.detail}")
    return check("RC-705", PASS, "the verdict can be recorded")
