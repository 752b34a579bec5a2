"""The page of a bundle for a reader: what happened, minute by minute, and what was not known."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, NotRequired, TypedDict

from jinja2 import DictLoader, Environment, StrictUndefined

from mission_control.documents.document import document
from mission_control.documents.instants import new_york_text, utc_text
from mission_control.documents.visible_text import visible
from mission_control.evidence.model import (
    Exported,
    PartCoverage,
    PostureSegment,
    Story,
    Told,
    Wanted,
)
from mission_control.market_calendar.days import in_new_york
from mission_control.model.catalogue import explain, runbook_code

_MINUTE = timedelta(minutes=1)
_REPORTS = "report"


class PreviewDocument(TypedDict):
    """
    What a bundle would hold and lack, without the bundle.

    `sha256` is that of the whole ZIP, as it is while the ledger ends where it does now.
    """

    name: str
    since: str
    since_et: str
    until: str
    until_et: str
    incident: str
    size: int
    sha256: str
    ledger_head: dict[str, Any] | None
    whole: bool
    first: str
    sources: list[dict[str, Any]]
    label: NotRequired[str]


def part_document(part: PartCoverage) -> dict[str, Any]:
    """Return what was expected and obtained of a source, and every gap."""
    return document(part) | {"whole": part.whole}


def preview_document(wanted: Wanted, exported: Exported, size: int, sha256: str) -> PreviewDocument:
    """Return what a bundle would hold and lack."""
    return {
        "name": f"{wanted.name}.zip",
        "since": utc_text(wanted.since),
        "since_et": new_york_text(wanted.since),
        "until": utc_text(wanted.until),
        "until_et": new_york_text(wanted.until),
        "incident": exported.about["incident"],
        "size": size,
        "sha256": sha256,
        "ledger_head": exported.about["ledger_head"],
        "whole": exported.whole,
        "first": exported.first,
        "sources": [part_document(part) for part in exported.coverage],
    }


@dataclass(frozen=True, slots=True)
class Row:
    """One row of the story: a minute and what happened in it, or a stretch without anything."""

    begin: datetime
    lines: tuple[Told, ...]
    quiet: str = ""


def story_rows(story: Story) -> Iterator[Row]:
    """Return the story minute by minute; what lies between two minutes is one row."""
    minute, lines = None, list[Told]()
    for told in story.told:
        begin = told.at.replace(second=0, microsecond=0)
        if begin != minute:
            if minute is not None:
                yield Row(minute, tuple(lines))
                if begin - minute > _MINUTE:
                    yield _quiet(minute + _MINUTE, begin, story.segments)
            minute, lines = begin, []
        lines.append(told)
    if minute is not None:
        yield Row(minute, tuple(lines))


def _quiet(begin: datetime, end: datetime, segments: Sequence[PostureSegment]) -> Row:
    within = (s.posture for s in segments if s.begin < end and s.end > begin)
    postures = ", ".join(dict.fromkeys(within)) or "nothing is known of the posture"
    minutes = (end - begin) // _MINUTE
    return Row(begin, (), f"nothing new for {minutes} min; {postures}")


def index_page(exported: Exported, story: Story) -> bytes:
    """Return the whole page, which needs nothing beside it; equal bundles have equal pages."""
    environment = Environment(
        loader=DictLoader({"index.html": _PAGE}),
        undefined=StrictUndefined,
        autoescape=True,
        trim_blocks=True,
        lstrip_blocks=True,
        keep_trailing_newline=True,
    )
    environment.filters |= {  # pyright: ignore[reportUnknownMemberType]
        "et": _clock,
        "utc": _utc_clock,
        "visible": visible,
    }
    page = environment.get_template("index.html").render(
        about=exported.about,
        spans=_spans(exported.about),
        first=exported.first,
        whole=exported.whole,
        coverage=exported.coverage,
        segments=story.segments,
        rows=story_rows(story),
        untold=story.untold,
        codes=_codes(story),
        reports=[t for t in story.told if t.kind == _REPORTS],
        utc_text=utc_text,
        new_york_text=new_york_text,
    )
    return page.encode()


def _codes(story: Story) -> list[tuple[str, str, str]]:
    """Return every code of the posture with its title, and the runbook that explains it."""
    codes = sorted({code for s in story.segments for code in s.codes})
    return [(code, explain(code).title, runbook_code(code)) for code in codes]


def _spans(about: Mapping[str, Any]) -> Mapping[str, str]:
    return {key: new_york_text(datetime.fromisoformat(about[key])) for key in ("from", "to")}


def _clock(at: datetime) -> str:
    return f"{in_new_york(at):%m-%d %H:%M}"


def _utc_clock(at: datetime) -> str:
    return utc_text(at)[11:16]


_PAGE = """\
<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta http-equiv="Content-Security-Policy" content="default-src 'none'; style-src 'unsafe-inline'">
<meta name="viewport" content="width=device-width, initial-scale=1">
<title>Evidence {{ about.from }} to {{ about.to }}</title>
<style>
:root { color-scheme: light dark; }
body { font: 16px/1.5 system-ui, sans-serif; max-width: 72rem; margin: 2rem auto; padding: 0 1rem; }
h1 { font-size: 1.6rem; } h2 { font-size: 1.2rem; margin-top: 2.5rem; }
table { border-collapse: collapse; width: 100%; }
th, td { text-align: left; vertical-align: top; padding: .3rem .6rem .3rem 0; border-top: 1px solid #8886; }
td.time { white-space: nowrap; font-variant-numeric: tabular-nums; }
.kind { display: inline-block; min-width: 5.5rem; font-weight: 600; }
.quiet { font-style: italic; opacity: .75; }
.first { border: 3px solid; padding: .8rem 1rem; font-weight: 600; }
code { overflow-wrap: anywhere; } ul { margin: 0; padding-left: 1.1rem; } dt { font-weight: 600; }
@media print { body { margin: 0; max-width: none; } tr { break-inside: avoid; } }
</style>
</head>
<body>
<h1>Evidence{% if about.incident %}: {{ about.incident | visible }}{% endif %}</h1>
{% if about.label %}
<p class="first">{{ about.label }}</p>
{% endif %}
<p class="first" id="first">{{ first | visible }}</p>
<dl>
<dt>Time</dt><dd>{{ spans.from }} to {{ spans.to }} (New York); {{ about.from }} to {{ about.to }} (UTC)</dd>
<dt>Sessions</dt><dd>{{ about.sessions | join(", ") or "none: the market was closed" }}</dd>
<dt>Fleet</dt><dd>{{ about.fleet.source | visible }}, {{ about.fleet.agents }} services, digest <code>{{ about.fleet.digest }}</code></dd>
<dt>Made by</dt><dd>Mission Control {{ about.mission_control }}, decisions <code>{{ about.decision_version }}</code></dd>
<dt>Made from</dt><dd>{% if about.ledger_head %}the ledger up to line {{ about.ledger_head.seq }}, <code>{{ about.ledger_head.hash }}</code>{% else %}no ledger: it could not be read{% endif %}</dd>
</dl>
<p>Mission Control only watches: nothing in it can trade, or change what it watches. Everything here was recorded when it
happened. What was not watched is called a gap, and nothing is made up for it.</p>

<h2 id="posture">The posture</h2>
<p>HALTED: nothing may run. OK: what observes may run. MARKET_CLOSED: the market is closed, and nothing forbids it.
NOT_WATCHED: nothing was decided, so nothing is known.</p>
<table>
<thead><tr><th>From (New York)</th><th>To</th><th>Posture</th><th>Why</th></tr></thead>
<tbody>
{% for s in segments %}
<tr><td class="time">{{ new_york_text(s.begin) }}</td><td class="time">{{ new_york_text(s.end) }}</td><td>{% if s.path %}<a href="{{ s.path }}">{{ s.posture }}</a>{% else %}{{ s.posture }}{% endif %}</td><td>{{ s.codes | join(", ") }}{% if not s.equal %} (decided again, it differs from what was said then){% endif %}</td></tr>
{% else %}
<tr><td colspan="4">Nothing is known of the posture.</td></tr>
{% endfor %}
</tbody>
</table>

{% if codes %}
<h3>What the codes mean</h3>
<dl>
{% for code, title, page in codes %}
<dt>{{ code }}</dt><dd>{{ title }}; <a href="data/runbooks/{{ page }}.md">what to do</a></dd>
{% endfor %}
</dl>
{% endif %}

<h2 id="reports">Reports</h2>
<ul>
{% for t in reports %}
<li>{{ t.at | et }}: <a href="{{ t.path }}">{{ t.text | visible }}</a></li>
{% else %}
<li>No report was recorded.</li>
{% endfor %}
</ul>
<p>What changed in what is deployed: <a href="data/deploy/diff.json">data/deploy/diff.json</a>. How far it was from the
last known good: <a href="data/lkg/distance.json">data/lkg/distance.json</a>.</p>

<h2 id="minutes">Minute by minute</h2>
{% if untold %}
<p class="first">{{ untold }} more lines are in the documents alone.</p>
{% endif %}
<table>
<thead><tr><th>New York</th><th>UTC</th><th>What happened</th></tr></thead>
<tbody>
{% for row in rows %}
<tr><td class="time">{{ row.begin | et }}</td><td class="time">{{ row.begin | utc }}</td><td>{% if row.quiet %}<span class="quiet">{{ row.quiet }}</span>{% else %}<ul>
{% for t in row.lines %}
<li><span class="kind">{{ t.kind }}</span> {{ t.text | visible }}{% if t.path.startswith("data/") %} <a href="{{ t.path }}">source</a>{% endif %}</li>
{% endfor %}
</ul>{% endif %}</td></tr>
{% else %}
<tr><td colspan="3">Nothing was recorded in this time.</td></tr>
{% endfor %}
</tbody>
</table>

<h2 id="coverage">What was known, and what was not</h2>
<table>
<thead><tr><th>Source</th><th>Expected</th><th>Obtained</th><th>Gaps</th></tr></thead>
<tbody>
{% for part in coverage %}
<tr><td>{{ part.source }}</td><td>{{ "not known" if part.expected is none else part.expected }} {{ part.unit }}</td><td>{{ part.obtained }}</td><td>{% if part.gaps %}<ul>
{% for gap in part.gaps[:50] %}
<li>{{ gap.what | visible }}: {{ gap.reason | visible }}</li>
{% endfor %}
{% if part.gaps | length > 50 %}
<li>{{ part.gaps | length - 50 }} more are in <a href="data/coverage.json">data/coverage.json</a></li>
{% endif %}
</ul>{% elif part.whole %}none{% else %}<strong>not all of it</strong>{% endif %}</td></tr>
{% endfor %}
</tbody>
</table>
<p>Secrets are masked before anything is stored: <a href="data/redaction.json">data/redaction.json</a> counts them.</p>

<h2 id="check">How to check this</h2>
<p><code>python3 verify.py BUNDLE.zip</code> (or without a name, here) compares every file with the lists, and needs no
network. <code>sha256sum -c SHA256SUMS</code> and any BagIt tool do so as well. Who alters all of it can make the
lists fit: compare the digest of the ZIP with its signature or time stamp, and the pinned line of the ledger with the record.</p>
</body>
</html>
"""  # noqa: E501  (markup)
