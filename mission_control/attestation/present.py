"""A session's attestation of no execution, as JSON and as Markdown."""

from collections.abc import Mapping, Sequence
from typing import Any

from mission_control.attestation.model import (
    Conclusion,
    FactCoverage,
    Matter,
    NoExecution,
    ObservedMatter,
    UnobservedSpan,
)
from mission_control.cluster.present import cluster_document
from mission_control.documents.document import document
from mission_control.documents.instants import new_york_text
from mission_control.documents.markdown import render
from mission_control.floor.present.posture import needs_text

Document = dict[str, Any]
MOST_NAMED = 20
"""So many matters are named in one gap; each matter lists its own gaps."""


def no_execution_document(made: NoExecution) -> Document:
    """Return an attestation; equal ones give equal documents."""
    session = made.session
    return {
        "session_date": document(made.session_date),
        "open": document(session.open),
        "open_et": new_york_text(session.open),
        "close": document(session.close),
        "close_et": new_york_text(session.close),
        "early_close": session.early_close,
        "generated_utc": document(made.at),
        "generated_et": new_york_text(made.at),
        "conclusion": made.conclusion.value,
        "sentence": say(made),
        "signs": [
            document(s) | {"stood_at_open": s.stood_from == session.open} for s in made.signs
        ],
        "coverage": {
            "session_seconds": document(made.length),
            **_observed(made, made),
            "facts": [document(c, "observed") | _observed(c, made) for c in made.coverage],
        },
        "gaps": [_gap(g) for g in made.gaps],
        "matters": [_matter(m, made) for m in made.matters],
        "decisions": made.decisions,
        "fleet_digests": list(made.fleets),
        "clusters": list(made.clusters),
        "safety_needs": [needs_text(*each) for each in made.needs],
        "cluster_identities": [cluster_document(i) for i in made.identities],
    }


def _observed(part: NoExecution | FactCoverage | ObservedMatter, made: NoExecution) -> Document:
    """Return for how long a part was observed, and its share of the session."""
    return {
        "observed_seconds": document(part.observed),
        "observed_percent": made.percent(part.observed),
    }


def _gap(gap: UnobservedSpan) -> Document:
    return document(gap, "matters") | {
        "since_et": new_york_text(gap.since),
        "until_et": new_york_text(gap.until),
        "seconds": document(gap.until - gap.since),
        "matters": [name_matter(m) for m in gap.matters[:MOST_NAMED]],
        "matters_total": len(gap.matters),
    }


def _matter(matter: ObservedMatter, made: NoExecution) -> Document:
    held = document(matter, "matter", "observed")
    return document(matter.matter) | held | _observed(matter, made)


def say(made: NoExecution) -> str:
    """Say in one sentence what the session comes to."""
    percent = f"{made.percent(made.observed):.3f} %"
    gaps = f"{len(made.gaps)} gap{'s' if len(made.gaps) != 1 else ''}"
    match made.conclusion:
        case Conclusion.EXECUTION_OBSERVED:
            many = len(made.signs)
            signs = f"{many} sign{'s' if many != 1 else ''}"
            return f"{signs} of execution in this session; {percent} of it was seen whole."
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


MOST_SPANS = 40
"""So many stretches of one source are in the Markdown; the JSON holds every one."""
MOST_GAPS = 200

HEADLINES = {
    "EXECUTION_OBSERVED": "EXECUTION OBSERVED",
    "NO_EXECUTION_OBSERVED": "no execution observed",
    "NO_EXECUTION_OBSERVED_WITH_GAPS": "no execution observed, WITH GAPS",
    "NOT_OBSERVED": "NOT OBSERVED",
}

_TEMPLATE = """\
# No-Execution Attestation {{ a.session_date }}: {{ headline }}

{% if label %}
**{{ label | md }}**

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
- **{{ s.code | md }}** {{ s.subject | md }}: {{ s.detail | md }} (said by {{ s.source | md }} since {{ s.since }}; open from {{ s.stood_from }}{{ ", as the session opened" if s.stood_at_open }} until {{ s.stood_until or "the close, not cleared" }})
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


def no_execution_markdown(document: Mapping[str, Any], label: str = "") -> str:
    """Write an attestation's document for people."""
    matters: Sequence[Mapping[str, Any]] = document["matters"]
    return render(
        {"attestation": _TEMPLATE},
        "attestation",
        a=document,
        label=label,
        headline=HEADLINES[document["conclusion"]],
        optional=[m for m in matters if not m["required"]],
        most_spans=MOST_SPANS,
        most_gaps=MOST_GAPS,
    )
