"""Recorded replays as the API tells of them: a list, one, and two compared."""

from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, NotRequired, TypedDict, cast

from mission_control.documents.document import document
from mission_control.replay.model import Verdict
from mission_control.replay.present.read_back import (
    ReadAccount,
    ReadEvent,
    ReadGroup,
    ReadReplay,
)

MOST_EVIDENCE, MOST_SOURCES, MOST_GROUPS = 200, 200, 100
MOST_EVENTS, MOST_EVENTS_IN_ALL = 100, 1_000
MOST_APART = 20
"""So many events of one group that only one of two replays has."""
NOT_KNOWN = "not_known"
"""The verdict of a replay whose record cannot be read."""

Document = dict[str, Any]
Key = tuple[str, str]


class ListedReplay(TypedDict):
    """One recorded replay with its answer; `problem` says why that cannot be told."""

    path: str
    at: str
    at_et: str
    session_date: str | None
    files: list[Document]
    verdict: str
    headline: str
    events: int | None
    evidence: int | None
    suspicions: int | None
    lines: int | None
    skipped: int | None
    sources: int | None
    first: str | None
    first_et: str | None
    last: str | None
    last_et: str | None
    problem: str


class ReplaysDocument(TypedDict):
    """A page of recorded replays, newest first; `next_cursor` asks for the page after."""

    next_cursor: str | None
    replays: list[ListedReplay]
    label: NotRequired[str]


class ReplayDocument(TypedDict):
    """One recorded replay; what has no room in one answer is counted as `more_...`."""

    listed: ListedReplay
    reasons: list[str]
    counts: Document
    modes: Document
    narrowing: Document
    sources: list[Document]
    more_sources: int
    evidence: list[Document]
    more_evidence: int
    timeline: Document | None
    groups: list[Document]
    more_groups: int
    label: NotRequired[str]


class ReplayDiffDocument(TypedDict):
    """Two recorded replays compared; `groups` are those that differ."""

    before: ListedReplay
    after: ListedReplay
    counts: list[Document]
    groups: list[Document]
    more_groups: int
    same_groups: int
    label: NotRequired[str]


@dataclass(frozen=True, slots=True)
class RecordedFiles:
    """Where a recorded replay lies, when it was recorded, and its files as the API has them."""

    path: str
    at: str
    at_et: str
    session_date: str | None
    files: tuple[Document, ...]


def listed_replay(files: RecordedFiles, account: ReadAccount | None, problem: str) -> ListedReplay:
    """Return one of a list; without its account nothing is known of it, and least the best."""
    notes: Mapping[str, str] = account.notes if account else {}
    verdict = notes.get("verdict", "")
    known = verdict in {v.value for v in Verdict}
    return {
        "path": files.path,
        "at": files.at,
        "at_et": files.at_et,
        "session_date": files.session_date,
        "files": list(files.files),
        "verdict": verdict if known else NOT_KNOWN,
        "headline": notes.get("headline", ""),
        "events": _number(notes, "events"),
        "evidence": _number(notes, "evidence"),
        "suspicions": _number(notes, "suspicions"),
        "lines": _number(notes, "lines"),
        "skipped": _number(notes, "skipped"),
        "sources": _number(notes, "sources"),
        "first": notes.get("first") or None,
        "first_et": notes.get("first_et") or None,
        "last": notes.get("last") or None,
        "last_et": notes.get("last_et") or None,
        "problem": problem or ("" if known else "its account does not tell its answer"),
    }


def _number(notes: Mapping[str, str], name: str) -> int | None:
    said = notes.get(name, "")
    return int(said) if said.isascii() and said.isdigit() else None


def replay_document(listed: ListedReplay, read: ReadReplay) -> ReplayDocument:
    """Return one replay, with as many of its events as an answer has room for."""
    groups, room = list[Document](), MOST_EVENTS_IN_ALL
    for group in read.groups[:MOST_GROUPS]:
        shown = group.replayed[: min(MOST_EVENTS, room)]
        room -= len(shown)
        groups.append(_group(group, shown))
    return {
        "listed": listed,
        "reasons": list(read.answer.get("reasons", ())),
        "counts": read.counts,
        "modes": read.modes,
        "narrowing": read.narrowing,
        "sources": read.sources[:MOST_SOURCES],
        "more_sources": max(0, len(read.sources) - MOST_SOURCES),
        "evidence": read.evidence[:MOST_EVIDENCE],
        "more_evidence": max(0, len(read.evidence) - MOST_EVIDENCE),
        "timeline": read.timeline,
        "groups": groups,
        "more_groups": max(0, len(read.groups) - MOST_GROUPS),
    }


def _group(group: ReadGroup, shown: Sequence[ReadEvent]) -> Document:
    return document(group, "replayed") | {
        "replayed": [document(event, "data") for event in shown],
        "more": len(group.replayed) - len(shown),
    }


def replay_diff_document(
    before: tuple[ListedReplay, ReadReplay], after: tuple[ListedReplay, ReadReplay]
) -> ReplayDiffDocument:
    """
    Return what differs between two replays, group by group.

    An event is the same in both where its time, its name and its data are; where it stands is
    not compared, as the same log may be read from elsewhere. Counts are compared as they are.
    """
    old, new = by_key(before[1].groups), by_key(after[1].groups)
    apart = list[Document]()
    same = differing = 0
    for key in sorted({*old, *new}, key=lambda k: (k == ("", ""), k)):
        told = _compared(key, old.get(key, ()), new.get(key, ()))
        if told is None:
            same += 1
            continue
        differing += 1
        if differing <= MOST_GROUPS:
            apart.append(told)
    return {
        "before": before[0],
        "after": after[0],
        "counts": list(_counts(before[1], after[1])),
        "groups": apart,
        "more_groups": max(0, differing - MOST_GROUPS),
        "same_groups": same,
    }


def by_key(groups: Iterable[ReadGroup]) -> Mapping[Key, tuple[ReadEvent, ...]]:
    """Return each group's events by its agent and trace."""
    return {(g.agent, g.trace_id): g.replayed for g in groups}


def _counts(before: ReadReplay, after: ReadReplay) -> Iterator[Document]:
    """Yield the counts of both side by side, those of kinds and skips as well."""
    old, new = dict(_flat(before.counts)), dict(_flat(after.counts))
    for name in sorted({*old, *new}):
        yield {"what": name, "before": old.get(name, 0), "after": new.get(name, 0)}


def _flat(counts: Mapping[str, Any], above: str = "") -> Iterator[tuple[str, object]]:
    for name, count in counts.items():
        if isinstance(count, dict):
            yield from _flat(cast("Mapping[str, Any]", count), f"{name} ")
        else:
            yield f"{above}{name}", count


def _compared(key: Key, old: Sequence[ReadEvent], new: Sequence[ReadEvent]) -> Document | None:
    """Return how a group differs; None where it does not."""
    had, has = _counted(old), _counted(new)
    gone, come = had - has, has - had
    if not gone and not come:
        return None
    return {
        "agent": key[0],
        "trace_id": key[1],
        "before": had.total(),
        "after": has.total(),
        "only_before": _rows(old, gone),
        "more_before": max(0, len(gone) - MOST_APART),
        "only_after": _rows(new, come),
        "more_after": max(0, len(come) - MOST_APART),
    }


_Same = tuple[str | None, str, bytes]


def _key_of(event: ReadEvent) -> _Same:
    return event.at, event.event, bytes(event.data)


def _counted(events: Iterable[ReadEvent]) -> Counter[_Same]:
    counted = Counter[_Same]()
    for event in events:
        counted[_key_of(event)] += event.repeated
    return counted


def _rows(events: Iterable[ReadEvent], apart: Counter[_Same]) -> list[Document]:
    """Return the first of those that only this side has; `repeated` is how many more it has."""
    rows, seen = list[Document](), set[_Same]()
    for event in events:
        key = _key_of(event)
        if key in apart and key not in seen and len(rows) < MOST_APART:
            seen.add(key)
            rows.append(document(event, "data", "repeated") | {"repeated": apart[key]})
    return rows
