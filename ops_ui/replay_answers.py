"""What the pages read of Mission Control's answers about recorded replays. Pure."""

# ruff: noqa: D101  (most classes are named as what they hold, and say no more)

from typing import Annotated

from ops_ui.answers import (
    Count,
    Counted,
    CountedIfSent,
    Figure,
    Flag,
    Inner,
    Labelled,
    List,
    Listed,
    Maybe,
    Number,
    Or,
    Part,
    Shown,
    Text,
    TextIfSent,
)
from ops_ui.record_answers import File

Share = Annotated[int | float, Or(0.0)]


class ListedReplay(Part):
    """A recorded replay with its answer; counts that were not sent are not zero."""

    path: Text
    at: Text
    at_et: Shown
    session_date: Text
    files: Listed[File]
    verdict: Text
    headline: Text
    problem: Text
    events: Count
    evidence: Count
    suspicions: Count
    lines: Figure
    skipped: Figure
    sources: Figure
    first: Text
    first_et: Text
    last: Text
    last_et: Text


class Replays(Labelled):
    replays: List[ListedReplay]
    next_cursor: TextIfSent


class Evidence(Part):
    kind: Shown
    why: Text
    at: Text
    at_et: Text
    agent: Text
    trace_id: Text
    event: Text
    source: Text
    line: Figure
    detail: Text
    repeated: Number


class Skew(Part):
    seconds: Number
    samples: Figure
    against: Text


class Source(Part):
    label: Shown
    lines: Figure
    events: Figure
    first: Text
    last: Text
    broke_off: Text
    tail: Flag
    gap_before: Flag
    skews: Listed[Skew]


class Event(Part):
    at: Text
    at_et: Text
    event: Shown
    kind: Text
    summary: Text
    source: Text
    line: Figure
    repeated: Number
    evidence: Text
    gate: Text
    allowed: Flag
    stage: Text


class Group(Part):
    agent: Text
    trace_id: Text
    attributed: Flag
    events: Figure
    rows: Figure
    undated: Number
    evidence: Number
    first: Text
    first_et: Text
    last: Text
    last_et: Text
    replayed: Listed[Event]
    more: Number


class Mark(Part):
    column: Share
    kind: Text
    count: Figure
    at: Text
    words: Text


class Lane(Part):
    name: Shown
    marks: Listed[Mark]
    more: Number


class Stretch(Part):
    begin: Text
    end: Text
    name: TextIfSent
    from_share: Share
    to_share: Share


class Tick(Part):
    share: Share
    new_york: Text
    utc: Text


class Timeline(Part):
    """The timeline of a replay; places are shares of its width, from 0 to 1."""

    since_et: Text
    until_et: Text
    columns: Annotated[int, Or(1)]
    ticks: Listed[Tick]
    lanes: Listed[Lane]
    more_lanes: Number
    undated: Number
    phases: Listed[Stretch]
    postures: Annotated[List[Stretch] | None, Or(None)]
    note: Text


class Narrowing(Part):
    since: Text
    until: Text
    trace_id: Text
    agent: Text


class Replay(Labelled):
    """One recorded replay; a list of evidence that was not sent is no empty one."""

    listed: Inner[ListedReplay]
    reasons: Listed[str]
    narrowing: Inner[Narrowing]
    sources: Counted[Source]
    more_sources: Number
    evidence: CountedIfSent[Evidence]
    more_evidence: Number
    timeline: Maybe[Timeline]
    groups: Counted[Group]
    more_groups: Number


class SideBySide(Part):
    what: Shown
    before: Figure
    after: Figure


class GroupApart(Part):
    agent: Text
    trace_id: Text
    before: Figure
    after: Figure
    only_before: Listed[Event]
    more_before: Number
    only_after: Listed[Event]
    more_after: Number


class ReplayDiff(Labelled):
    before: Inner[ListedReplay]
    after: Inner[ListedReplay]
    counts: Listed[SideBySide]
    groups: CountedIfSent[GroupApart]
    more_groups: Number
    same_groups: Count
