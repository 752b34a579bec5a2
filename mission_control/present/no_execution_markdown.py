"""Present: a session's attestation of no execution for people; signs of execution stand first."""

from collections.abc import Mapping, Sequence
from typing import Any

from mission_control.present.markdown import render

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
