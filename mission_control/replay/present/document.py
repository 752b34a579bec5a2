"""A replay as one JSON document, in pieces: canonical, so that equal replays have equal bytes."""

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import fields
from functools import partial
from typing import Any

from mission_control.documents.canonical_json import add_label, encode_json
from mission_control.documents.document import document
from mission_control.documents.instants import new_york_text_or_none
from mission_control.replay.model import Evidence, Group, Replay, ReplayedEvent
from mission_control.replay.present.picture import (
    Backdrop,
    Picture,
    PictureDrawing,
    picture_document,
)
from mission_control.replay.present.words import RowClock, kind_of, summary_of

NOTHING_BEHIND = Backdrop()
MOST_MARK_WORDS = 160

Document = dict[str, Any]


def replay_json(
    replay: Replay, label: str = "", backdrop: Backdrop = NOTHING_BEHIND
) -> Iterator[str]:
    """Yield a replay as JSON, in pieces; `groups` and `evidence` hold every one."""
    picture = draw_picture(replay, backdrop)
    known = add_label(head_document(replay), label)
    listed = {
        "evidence": (encode_json(evidence_document(e)).decode() for e in replay.evidence()),
        "groups": (_group(group, events) for group, events in replay.groups()),
    }
    timeline = {"timeline": picture and picture_document(picture)}
    yield from _object({**document(known), **timeline}, listed)
    yield "\n"


def head_document(replay: Replay) -> Document:
    """Return all of a replay that fits into memory."""
    return {
        "answer": document(replay.answer),
        "counts": {
            **document(replay.counts, "skipped", "kinds"),
            "shown": replay.counts.shown,
            "skipped": {s.value: n for s, n in replay.counts.skipped.items()},
            "kinds": {k.value: n for k, n in replay.counts.kinds.items()},
        },
        "modes": dict(replay.modes),
        "narrowing": document(replay.narrowing),
        "first": document(replay.first),
        "first_et": new_york_text_or_none(replay.first),
        "last": document(replay.last),
        "last_et": new_york_text_or_none(replay.last),
        "sources": [document(source) for source in replay.sources],
    }


def draw_picture(replay: Replay, backdrop: Backdrop) -> Picture | None:
    """Draw what is shown over time; None where no event has a time."""
    if replay.first is None or replay.last is None:
        return None
    drawing = PictureDrawing(replay.first, replay.last)
    for _, events in replay.groups():  # in the order of time they would be sorted once more
        for event in events:
            drawing.take(event.agent, event.at, kind_of(event), partial(mark_words, event))
    return drawing.finish(backdrop)


def mark_words(event: ReplayedEvent) -> str:
    """Say what a mark stands for, where it stands for one event."""
    return f"{event.event}: {summary_of(event)}"[:MOST_MARK_WORDS]


_SAID = tuple(f.name for f in fields(ReplayedEvent) if f.name not in {"at", "placed_at", "intent"})


def event_document(event: ReplayedEvent, clock: RowClock) -> Document:
    """Return one event, with what is shown of it."""
    told: Document = {name: getattr(event, name) for name in _SAID}
    told["at"] = document(event.at)
    told["at_et"] = clock.tell_new_york(event.at)
    told["placed_at"] = document(event.placed_at)
    told["intent"] = event.intent and document(event.intent)
    told["kind"] = event.kind.value
    told["summary"] = summary_of(event)
    return told


def evidence_document(found: Evidence) -> Document:
    """Return one piece of evidence."""
    return document(found) | {"at_et": new_york_text_or_none(found.at)}


def _group(group: Group, events: Iterator[ReplayedEvent]) -> Iterator[str]:
    facts = document(group) | {
        "attributed": group.attributed,
        "first_et": new_york_text_or_none(group.first),
        "last_et": new_york_text_or_none(group.last),
    }
    clock = RowClock()
    replayed = (encode_json(event_document(event, clock)).decode() for event in events)
    yield from _object(facts, {"replayed": replayed})


def _object(
    known: Mapping[str, object], listed: Mapping[str, Iterable[str | Iterator[str]]]
) -> Iterator[str]:
    """Yield an object with its keys sorted; those of `listed` are lists, written piece by piece."""
    before = "{"
    for key in sorted({*known, *listed}):
        if key in listed:
            yield f'{before}"{key}":['
            yield from _elements(listed[key])
            yield "]"
        else:
            yield f'{before}"{key}":{encode_json(known[key]).decode()}'
        before = ","
    yield "}"


def _elements(elements: Iterable[str | Iterator[str]]) -> Iterator[str]:
    before = ""
    for element in elements:
        yield before
        yield from [element] if isinstance(element, str) else element
        before = ","
