"""What the pages read of Mission Control's answers about what was recorded. Pure."""

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
    Text,
    below,
)

Shown = Annotated[str, Or("?")]
ListedIfSent = Annotated[List[Item] | None, Or(None)]


class Discrepancy(Part):
    """A file that is not as it was recorded, or a copy that is not as the file."""

    kind: Text
    path: Text
    detail: Text


class Verification(Part):
    """Whether everything is as it was recorded."""

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
    """A line of the ledger."""

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
    next_cursor: Annotated[str | None, Or(None)]
    head_seq: Figure = below("head", "seq")
    head_hash: Text = below("head", "hash")
    verification: Inner[Verification]
    durable_copy: Inner[DurableCopy]
    retention: Inner[Retention]


class Check(Part):
    """A check of readiness."""

    code: Text
    name: Shown
    status: Annotated[str, Or("UNKNOWN")]
    details: Text
    blocks: Flag


class Unobserved(Part):
    """A service that is watched by others."""

    agent_name: Shown
    who: Shown
    why: Shown


class Report(Part):
    """A recorded readiness report."""

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
    """Whether this session may run, and the last report."""

    verdict: Text
    code: Text
    detail: Text
    session_date: Annotated[str | None, Or(None)]
    report_path: Text
    report_is_current: Flag
    report: Maybe[Report]


class ListedReport(Part):
    """A recorded report, or attestation."""

    path: Text
    at: Text
    session_date: Text


class Reports(Labelled):
    """Recorded deploy reports, the newest first."""

    reports: List[ListedReport]


class Side(Part):
    """One of two records that were compared."""

    path: Text
    at: Text
    status: Text


class Change(Part):
    """What differs between two records."""

    subject: Text
    what: Text
    before: Text
    after: Text


class Folded(Part):
    """What was left out of a comparison."""

    what: Shown
    count: Figure


class Comparison(Labelled):
    """Two records compared."""

    before: Inner[Side]
    after: Inner[Side]
    changes: CountedIfSent[Change]
    gaps: Annotated[Annotated[tuple[Shown, ...], Strict(strict=False)] | None, Or(None)]
    folded: Listed[Folded]
    clusters: Annotated[str | None, Or(None)]


class Capture(Part):
    """A capture of the last known good."""

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
    kill_switch_observed: Annotated[str | None, Or(None)]


class Captures(Labelled):
    """All captures, the newest first, and the path of the newest GOOD one."""

    captures: List[Capture]
    good: Text
    good_doubts: Listed[str]


class Sign(Part):
    """A sign of execution."""

    code: Text
    subject: Text
    detail: Text
    source: Text
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
    """How much of a required fact was seen."""

    fact: Shown
    required: Number
    observed_percent: Figure


class Value(Part):
    """What a source said for a time."""

    since: Text
    value: Anything


class Source(Part):
    """All that a source said."""

    spans: Listed[Value]


class Unseen(Part):
    """Why a matter was not seen for a time."""

    unobserved: Text


class Matter(Part):
    """One fact about one subject, over the session."""

    fact: Shown
    subject: Shown
    required: Flag
    observed_percent: Figure
    gaps: Listed[Unseen]
    sources: Listed[Source]


class Attestation(Part):
    """A session's attestation."""

    label: Text
    conclusion: Text
    sentence: Text
    session_date: Text
    open_et: Shown
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
    """The attestation of a session, and which sessions have one."""

    path: Text
    attestation: Maybe[Attestation]
    sessions: Listed[ListedReport]


class Route(Part):
    """A route of the API."""

    path: Text
    methods: Listed[str]
    read_only: Flag


class Sent(Part):
    """How many requests of a method were sent."""

    count: Number
    method: Text


class Refused(Part):
    """What was tried, and whether it was refused."""

    method: Text
    door: Text
    refused: Flag


class Account(Part):
    """What our account may do in the cluster."""

    who: Text
    verified: Flag
    read_only: Flag
    detail: Text
    grants: Listed[str]


class ClusterReader(Part):
    """Proof that the cluster's reader only reads."""

    proven: Flag
    refused: Listed[Refused]
    account: Inner[Account]


class CopyDoor(Part):
    """Where the durable copy is written to; None where there is none."""

    destination: str | None
    does: Text


class Proof(Labelled):
    """Proof that Mission Control only reads."""

    proven: Flag
    at_et: Text
    routes: Listed[Route]
    sent: Listed[Sent] = below("transport", "sent")
    refused: Listed[Refused] = below("transport", "refused")
    cluster: Text
    cluster_reader: Maybe[ClusterReader]
    durable_copy: Maybe[CopyDoor]
