"""What a replay answers: was anything executed (docs/semantics.md#R12.16)."""

from collections.abc import Iterator, Mapping, Sequence

from mission_control.replay.model import Answer, Counts, Skip, Source, Verdict

FOUND_EXIT, INCOMPLETE_EXIT = 3, 1

WHY_SKIPPED: Mapping[Skip, str] = {
    Skip.NO_EVENT: "hold no event",
    Skip.HEADING: "are headings of log tails",
    Skip.OVERLAP: "stand in an earlier tail of the same log",
    Skip.JOINED: "are parts of lines that were joined",
    Skip.OTHER_SCHEMA: "name a replay schema that is not v1",
    Skip.MALFORMED: "look like events and are no readable JSON",
    Skip.TOO_DEEP: "are nested too deep",
    Skip.TOO_LONG: "are too long",
}
_MOST_NAMED = 20


def decide_answer(
    counts: Counts, sources: Sequence[Source], modes: Mapping[str, int], unopened: int = 0
) -> Answer:
    """
    Say whether the input holds evidence of execution: worse evidence never makes it better.

    Evidence that was read is FOUND. A line that tells of execution and cannot be read as an event
    is SUSPECTED, and exits like it. Where a source broke off, a line that may have been an event
    could not be read, or nothing at all was read, it is INCOMPLETE, and never "none found".
    `unopened` counts files of our own record that are no log tails.
    """
    reasons = (*_reasons(counts, sources, modes, unopened),)
    if counts.evidence:
        headline = f"Execution evidence: {_many(counts.evidence, 'piece')} in {_read(counts)}"
        return Answer(Verdict.FOUND, headline, reasons, FOUND_EXIT)
    if counts.suspicions:
        told = "line tells" if counts.suspicions == 1 else "lines tell"
        headline = f"Execution evidence: suspected, {counts.suspicions:,} {told} of execution, and"
        return Answer(Verdict.SUSPECTED, f"{headline} {_read(counts)}", reasons, FOUND_EXIT)
    lacking = (*_lacking(counts, sources),)
    if lacking:
        headline = f"Execution evidence: cannot be excluded, because {'; '.join(lacking)}"
        return Answer(Verdict.INCOMPLETE, f"{headline} ({_read(counts)})", reasons, INCOMPLETE_EXIT)
    headline = f"Execution evidence: none found in {_many(counts.events, 'event')}"
    return Answer(Verdict.NONE_FOUND, headline + _skipped(counts), reasons)


def _many(number: int, what: str) -> str:
    return f"{number:,} {what}" + ("" if number == 1 else "s")


def _read(counts: Counts) -> str:
    return f"{_many(counts.events, 'event')} of {_many(counts.lines, 'line')} read"


def _skipped(counts: Counts) -> str:
    """Say how many lines were skipped, and why."""
    told = {why: counts.skipped.get(skip, 0) for skip, why in WHY_SKIPPED.items()}
    number = sum(told.values())
    if not number:
        return ", no line skipped"
    why = ", ".join(f"{many:,} {reason}" for reason, many in told.items() if many)
    return f", {_many(number, 'line')} skipped because {why}"


def _lacking(counts: Counts, sources: Sequence[Source]) -> Iterator[str]:
    """Name what keeps an answer from being whole."""
    broken = sum(1 for source in sources if source.broke_off)
    if broken:
        yield f"{broken:,} of {_many(len(sources), 'source')} could not be read to the end"
    if counts.unread:
        yield f"{_many(counts.unread, 'line')} of events could not be read"
    if not counts.lines and not broken:
        yield "there was nothing to read"


def _reasons(
    counts: Counts, sources: Sequence[Source], modes: Mapping[str, int], unopened: int
) -> Iterator[str]:
    yield from _broken(sources)
    if counts.suspicions:
        yield f"{_many(counts.suspicions, 'suspicion')}: told, but not by an event that can be read"
    for skip in (Skip.MALFORMED, Skip.OTHER_SCHEMA, Skip.TOO_DEEP, Skip.TOO_LONG):
        if number := counts.skipped.get(skip, 0):
            yield f"{_many(number, 'line')}: {WHY_SKIPPED[skip]}"
    yield from _tails(sources)
    for mode in sorted(modes):
        yield f"agent mode {mode} is named {_many(modes[mode], 'time')}"
    if unopened:
        yield f"{_many(unopened, 'file')} of our own record hold no logs, and were not opened"
    if counts.hidden:
        yield f"{_many(counts.hidden, 'event')} are hidden by what was asked for; evidence is not"


def _broken(sources: Sequence[Source]) -> Iterator[str]:
    broken = [source for source in sources if source.broke_off]
    for source in broken[:_MOST_NAMED]:
        yield f"{source.label}: {source.broke_off}"
    if len(broken) > _MOST_NAMED:
        yield f"{len(broken) - _MOST_NAMED:,} further sources could not be read to the end"


def _tails(sources: Sequence[Source]) -> Iterator[str]:
    tails = sum(1 for source in sources if source.tail)
    gaps = sum(1 for source in sources if source.gap_before)
    if tails:
        told = f", with lines missing before {gaps:,} of them" if gaps else ""
        yield f"{_many(tails, 'log tail')}: what stood before a tail was not seen{told}"
