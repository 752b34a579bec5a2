"""A session's attestation of no execution as JSON."""

from collections.abc import Mapping, Sequence
from typing import Any, NotRequired, TypedDict

from mission_control.attestation.model import (
    Conclusion,
    ExecutionSign,
    FactCoverage,
    Matter,
    NoExecution,
    ObservedMatter,
    ObservedSpan,
    UnobservedSpan,
)
from mission_control.cluster.present.identity import ClusterDocument, cluster_document
from mission_control.documents.instants import new_york_text, rounded, utc_text, utc_text_or_none
from mission_control.documents.markdown import render
from mission_control.floor.present.posture import needs_text

MOST_NAMED = 20
"""So many matters are named in one gap; each matter's own gaps stand with it."""


class SignDocument(TypedDict):
    """Something that stood accused in the session."""

    code: str
    subject: str
    source: str
    fact: str
    detail: str
    since: str
    stood_from: str
    stood_until: str | None
    stood_at_open: bool


class GapDocument(TypedDict):
    """A stretch in which something required was not seen."""

    since: str
    since_et: str
    until: str
    until_et: str
    seconds: float | None
    why: str
    matters: list[str]
    matters_total: int


class SpanDocument(TypedDict):
    """From when to when a source told this; null is nothing that counts."""

    since: str
    until: str
    value: str | None
    unobserved: str


class SourceDocument(TypedDict):
    """What one source told over the session."""

    source: str
    spans: list[SpanDocument]


class MatterDocument(TypedDict):
    """One fact of one subject over the session."""

    fact: str
    subject: str
    required: bool
    observed_seconds: float | None
    observed_percent: float
    gaps: list[SpanDocument]
    sources: list[SourceDocument]


class FactDocument(TypedDict):
    """For how long all that is required of one fact was seen at once."""

    fact: str
    required: int
    observed_seconds: float | None
    observed_percent: float


class CoverageDocument(TypedDict):
    """For how long all that is required was seen at once."""

    session_seconds: float | None
    observed_seconds: float | None
    observed_percent: float
    facts: list[FactDocument]


class NoExecutionDocument(TypedDict):
    """A session's attestation."""

    session_date: str
    open: str
    open_et: str
    close: str
    close_et: str
    early_close: bool
    generated_utc: str
    generated_et: str
    conclusion: str
    sentence: str
    signs: list[SignDocument]
    coverage: CoverageDocument
    gaps: list[GapDocument]
    matters: list[MatterDocument]
    decisions: int
    fleet_digests: list[str]
    clusters: list[str]
    safety_needs: list[str]
    cluster_identities: list[ClusterDocument]
    label: NotRequired[str]


def no_execution_document(made: NoExecution, label: str = "") -> NoExecutionDocument:
    """Give an attestation; equal ones give equal documents."""
    session = made.session
    document: NoExecutionDocument = {
        "session_date": made.session_date.isoformat(),
        "open": utc_text(session.open),
        "open_et": new_york_text(session.open),
        "close": utc_text(session.close),
        "close_et": new_york_text(session.close),
        "early_close": session.early_close,
        "generated_utc": utc_text(made.at),
        "generated_et": new_york_text(made.at),
        "conclusion": made.conclusion.value,
        "sentence": say(made),
        "signs": [_sign(s, made) for s in made.signs],
        "coverage": {
            "session_seconds": rounded(made.length.total_seconds()),
            "observed_seconds": rounded(made.observed.total_seconds()),
            "observed_percent": made.percent(made.observed),
            "facts": [_fact(c, made) for c in made.coverage],
        },
        "gaps": [_gap(g) for g in made.gaps],
        "matters": [_matter(m, made) for m in made.matters],
        "decisions": made.decisions,
        "fleet_digests": list(made.fleets),
        "clusters": list(made.clusters),
        "safety_needs": [needs_text(*each) for each in made.needs],
        "cluster_identities": [cluster_document(i) for i in made.identities],
    }
    if label:
        document["label"] = label
    return document


def say(made: NoExecution) -> str:
    """Say in one sentence what the session comes to."""
    percent = f"{made.percent(made.observed):.3f} %"
    gaps = f"{len(made.gaps)} gap{'s' if len(made.gaps) != 1 else ''}"
    match made.conclusion:
        case Conclusion.EXECUTION_OBSERVED:
            many = len(made.signs)
            signs = f"{many} sign{'s' if many != 1 else ''}"
            return f"{signs} of execution stood in this session; {percent} of it was seen whole."
        case Conclusion.NO_EXECUTION_OBSERVED:
            return "No sign of execution was seen, and all that is required was seen throughout."
        case Conclusion.NO_EXECUTION_OBSERVED_WITH_GAPS:
            told = f"all that is required was seen for {percent} of the session"
            return f"No sign of execution was seen, and {told}; of its {gaps} nothing is attested."
        case _:
            return "Nothing was observed in this session, so nothing is attested."


def name_matter(matter: Matter) -> str:
    """Name a matter for people: `agent_mode of strategy-engine`."""
    return f"{matter.fact.value} of {matter.subject}"


def _sign(sign: ExecutionSign, made: NoExecution) -> SignDocument:
    return {
        "code": sign.code,
        "subject": sign.subject,
        "source": sign.source,
        "fact": sign.fact,
        "detail": sign.detail,
        "since": utc_text(sign.since),
        "stood_from": utc_text(sign.stood_from),
        "stood_until": utc_text_or_none(sign.stood_until),
        "stood_at_open": sign.stood_from == made.session.open,
    }


def _gap(gap: UnobservedSpan) -> GapDocument:
    return {
        "since": utc_text(gap.since),
        "since_et": new_york_text(gap.since),
        "until": utc_text(gap.until),
        "until_et": new_york_text(gap.until),
        "seconds": rounded((gap.until - gap.since).total_seconds()),
        "why": gap.why,
        "matters": [name_matter(m) for m in gap.matters[:MOST_NAMED]],
        "matters_total": len(gap.matters),
    }


def _fact(coverage: FactCoverage, made: NoExecution) -> FactDocument:
    return {
        "fact": coverage.fact.value,
        "required": coverage.required,
        "observed_seconds": rounded(coverage.observed.total_seconds()),
        "observed_percent": made.percent(coverage.observed),
    }


def _matter(matter: ObservedMatter, made: NoExecution) -> MatterDocument:
    return {
        "fact": matter.matter.fact.value,
        "subject": matter.matter.subject,
        "required": matter.required,
        "observed_seconds": rounded(matter.observed.total_seconds()),
        "observed_percent": made.percent(matter.observed),
        "gaps": _spans(matter.gaps),
        "sources": [{"source": s.source, "spans": _spans(s.spans)} for s in matter.sources],
    }


def _spans(spans: Sequence[ObservedSpan]) -> list[SpanDocument]:
    return [
        {
            "since": utc_text(s.since),
            "until": utc_text(s.until),
            "value": s.value,
            "unobserved": s.unobserved,
        }
        for s in spans
    ]


MOST_SPANS = 40
"""So many stretches of one source are written for people; the JSON beside it holds every one."""
MOST_GAPS = 200

HEADLINES = {
    "EXECUTION_OBSERVED": "EXECUTION OBSERVED",
    "NO_EXECUTION_OBSERVED": "no execution observed",
    "NO_EXECUTION_OBSERVED_WITH_GAPS": "no execution observed, WITH GAPS",
    "NOT_OBSERVED": "NOT OBSERVED",
}

_TEMPLATE = """\
# No-Execution Attestation {{ a.session_date }}: {{ headline }}

{% if a.label is defined %}
**{{ a.label | md }}**

{% endif %}
{{ a.sentence | md }}

| About | This attestation |
|---|---|
| Session | {{ a.open_et | md }} to {{ a.close_et | md }}{{ " (early close)" if a.early_close }} |
| In UTC | {{ a.open }} to {{ a.close }} |
| Seen whole | {{ "%.3f" | format(a.coverage.observed_percent) }} % ({{ a.coverage.observed_seconds }} of {{ a.coverage.session_seconds }} s) |
| Made | {{ a.generated_et | md }} ({{ a.generated_utc }}), from {{ a.decisions }} recorded decisions |
| Cluster | {{ (a.cluster_identities | join("; and ", attribute="text") or "none was watched") | md }} |
| What the fleet needs | {{ (a.safety_needs | join(" / ") or "none was watched") | md }} |
| Inventory (SHA-256) | {{ (a.fleet_digests | join(", ") or "none was watched") | md }} |

## Signs of execution

{% for s in a.signs %}
- **{{ s.code | md }}** {{ s.subject | md }}: {{ s.detail | md }} (said by {{ s.source | md }} since {{ s.since }}; stood from {{ s.stood_from }}{{ ", as the session opened" if s.stood_at_open }} until {{ s.stood_until or "the close, not denied" }})
{% else %}
{{ "None: nothing was observed." if not a.decisions else "None was seen" ~ (" while the floor was seen; the gaps below attest nothing." if a.gaps else ".") }}
{% endfor %}

## What is required, and for how long all of it was seen at once

| Fact | Required | Seen |
|---|---|---|
{% for f in a.coverage.facts if f.required %}
| {{ f.fact | md }} | {{ f.required }} | {{ "%.3f" | format(f.observed_percent) }} % |
{% else %}
| nothing was observed | 0 | 0.000 % |
{% endfor %}

## Gaps

{% for g in a.gaps[:most_gaps] %}
- {{ g.since_et | md }} to {{ g.until_et | md }} ({{ g.seconds }} s): {{ g.why | md }}. Not seen: {{ (g.matters | join(", ") or "anything") | md }}{{ " and %d more" % (g.matters_total - g.matters | length) if g.matters_total > g.matters | length }}
{% else %}
None.
{% endfor %}
{% if a.gaps | length > most_gaps %}
- and {{ a.gaps | length - most_gaps }} more in attestation.json
{% endif %}

## Observed, but not required

{% for m in optional if m.observed_seconds %}
- {{ m.fact | md }} of {{ m.subject | md }}: {{ "%.3f" | format(m.observed_percent) }} % seen
{% else %}
Nothing.
{% endfor %}

## Never seen, and not required

{% for m in optional if not m.observed_seconds %}
- {{ m.fact | md }} of {{ m.subject | md }}: {{ (m.gaps | map(attribute="unobserved") | unique | join("; ")) | md }}
{% else %}
Nothing.
{% endfor %}

## Every observation

{% for m in a.matters %}
### {{ m.fact | md }} of {{ m.subject | md }}

{% for s in m.sources %}
{% for each in s.spans[:most_spans] %}
- {{ s.source | md }}, {{ each.since }} to {{ each.until }}: {% if each.value is none %}not seen: {{ each.unobserved | md }}{% else %}{{ each.value | md }}{% endif %}

{% endfor %}
{% if s.spans | length > most_spans %}
- {{ s.source | md }}: {{ s.spans | length - most_spans }} more in attestation.json
{% endif %}
{% endfor %}

{% endfor %}
"""  # noqa: E501  (a template's lines are the attestation's lines)


def no_execution_markdown(document: Mapping[str, Any]) -> str:
    """Write an attestation's document for people."""
    matters: Sequence[Mapping[str, Any]] = document["matters"]
    return render(
        {"attestation": _TEMPLATE},
        "attestation",
        a=document,
        headline=HEADLINES[document["conclusion"]],
        optional=[m for m in matters if not m["required"]],
        most_spans=MOST_SPANS,
        most_gaps=MOST_GAPS,
    )
