"""What the pages read of Mission Control's answers about what was recorded. Pure."""

# ruff: noqa: D101  (most classes are named as what they hold, and say no more)

from typing import Annotated

from pydantic import Strict

from ops_ui.answers import (
    Anything,
    Count,
    Counted,
    CountedIfSent,
    Figure,
    Flag,
    Inner,
    Item,
    Labelled,
    List,
    Listed,
    Maybe,
    Number,
    Or,
    Part,
    Reason,
    Shown,
    Text,
    TextIfSent,
    below,
)

ListedIfSent = Annotated[List[Item] | None, Or(None)]


class Discrepancy(Part):
    kind: Text
    path: Text
    detail: Text


class Verification(Part):
    intact: Flag
    at_et: Text
    runs: Figure
    files: Figure
    discrepancies_found: Figure
    discrepancies: Counted[Discrepancy]


class DurableCopy(Part):
    """The copy elsewhere; `standing` is its state."""

    state: Text = below("standing")
    fine: Flag
    detail: Text
    destination: Text
    runs_copied: Count
    bytes_copied: Figure
    verified_through: Count
    head_seq: Figure
    lags_since_et: Text
    last_run: Text
    last_run_at_et: Text
    problems: Listed[Discrepancy]


class Retention(Part):
    """How much is kept, as the newest report says."""

    fine: Flag
    detail: Text
    last_run: Text


class File(Part):
    """A recorded file; `size` is in bytes."""

    path: Text
    name: Shown
    size: Figure
    sha256: Text


class RecordedRun(Part):
    seq: Figure
    at: Text
    at_et: Shown
    job: Text
    session_date: Text
    recovered: Flag
    corrects: Anything
    files: Listed[File]


class Artifacts(Labelled):
    """A page of the ledger, the newest run first; `next_cursor` leads to older ones."""

    runs: List[RecordedRun]
    next_cursor: TextIfSent
    head_seq: Figure = below("head", "seq")
    head_hash: Text = below("head", "hash")
    verification: Inner[Verification]
    durable_copy: Inner[DurableCopy]
    retention: Inner[Retention]


class Check(Part):
    code: Text
    name: Shown
    status: Annotated[str, Or("UNKNOWN")]
    details: Text
    blocks: Flag


class Unobserved(Part):
    agent_name: Shown
    who: Shown
    why: Shown


class Report(Part):
    verdict: Shown
    code: Text
    generated_et: Shown
    generated_utc: Text
    session_date: Text
    session_phase: Shown
    kubectl_context: Shown
    namespace: Text
    otherwise_ready: Flag
    repository_lints: Text
    safety_judged: Flag = below("safety", "judged")
    safety_text: Text = below("safety", "text")
    unobserved: Listed[Unobserved] = below("safety", "unobserved")
    checks: Listed[Check]


class Readiness(Labelled):
    verdict: Text
    code: Text
    detail: Text
    session_date: TextIfSent
    report_path: Text
    report_is_current: Flag
    report: Maybe[Report]


class ListedReport(Part):
    """A recorded report, or attestation."""

    path: Text
    at: Text
    session_date: Text


class Reports(Labelled):
    reports: List[ListedReport]


class Side(Part):
    """One of two records that were compared."""

    path: Text
    at: Text
    status: Text


class Change(Part):
    subject: Text
    what: Text
    before: Text
    after: Text


class Folded(Part):
    what: Shown
    count: Figure


class Comparison(Labelled):
    before: Inner[Side]
    after: Inner[Side]
    changes: CountedIfSent[Change]
    gaps: Annotated[Annotated[tuple[Shown, ...], Strict(strict=False)] | None, Or(None)]
    folded: Listed[Folded]
    clusters: TextIfSent


class Capture(Part):
    path: Text
    at: Text
    session_date: Text
    status: Text
    reasons: CountedIfSent[Reason]
    problem: Text
    content_digest: Text
    unchanged_for_sessions: Count
    same_as: Text
    unpinnable: Listed[str]
    kill_switch_observed: TextIfSent


class Captures(Labelled):
    captures: List[Capture]
    good: Text
    good_doubts: Listed[str]


class Sign(Part):
    code: Text
    subject: Text
    detail: Text
    source: Text
    fact: Text
    opened: Text = below("stood_from")
    closed: Text = below("stood_until")
    open_at_start: Flag = below("stood_at_open")


class Unattested(Part):
    """A period for which nothing is attested."""

    since_et: Shown
    until_et: Shown
    seconds: Figure
    why: Text
    matters: Listed[str]
    matters_total: Number


class Fact(Part):
    fact: Shown
    required: Figure
    observed_percent: Figure


class Value(Part):
    since: Text
    value: Anything


class Source(Part):
    spans: Listed[Value]


class Unseen(Part):
    since: Text
    until: Text
    unobserved: Text


class Matter(Part):
    fact: Shown
    subject: Shown
    required: Flag
    observed_percent: Figure
    gaps: Listed[Unseen]
    sources: Listed[Source]


class Attestation(Part):
    label: Text
    conclusion: Text
    sentence: Text
    session_date: Text
    open: Text
    open_et: Shown
    close: Text
    close_et: Shown
    early_close: Flag
    generated_et: Shown
    generated_utc: Text
    decisions: Figure
    observed_percent: Figure = below("coverage", "observed_percent")
    session_seconds: Figure = below("coverage", "session_seconds")
    facts: Listed[Fact] = below("coverage", "facts")
    signs: CountedIfSent[Sign]
    gaps: CountedIfSent[Unattested]
    matters: Listed[Matter]


class NoExecution(Labelled):
    path: Text
    attestation: Maybe[Attestation]
    sessions: Listed[ListedReport]


class Route(Part):
    path: Text
    methods: Listed[str]
    read_only: Flag


class Sent(Part):
    count: Number
    method: Text


class Refused(Part):
    method: Text
    door: Text
    refused: Flag


class Account(Part):
    who: Text
    verified: Flag
    read_only: Flag
    detail: Text
    grants: Listed[str]


class ClusterReader(Part):
    proven: Flag
    refused: Listed[Refused]
    account: Inner[Account]


class CopyDoor(Part):
    """Where the durable copy is written to; None where there is none."""

    destination: str | None
    does: Text


class Proof(Labelled):
    proven: Flag
    at_et: Text
    routes: Listed[Route]
    sent: Listed[Sent] = below("transport", "sent")
    refused: Listed[Refused] = below("transport", "refused")
    cluster: Text
    cluster_reader: Maybe[ClusterReader]
    durable_copy: Maybe[CopyDoor]
