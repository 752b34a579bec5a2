"""A replay of logs that were named, narrowed to the time of the bundle."""

import asyncio
from collections.abc import AsyncGenerator, Iterable
from pathlib import Path

from mission_control.evidence.gathering import EvidenceSources, File, Gathering
from mission_control.evidence.model import Gap, Wanted
from mission_control.replay.model import Narrowing, Replay
from mission_control.replay.present.document import replay_json
from mission_control.replay.present.markdown import replay_markdown
from mission_control.replay.run import replay_logs
from mission_control.replay.sources import TooManyFilesError, find_input

MOST_CHARACTERS = 64 * 1024 * 1024
"""A replay of which more would be shown is a gap: a shorter time, or fewer logs, show it."""


async def gather_replays(sources: EvidenceSources, gathering: Gathering) -> AsyncGenerator[File]:
    """Return what the named logs tell of this time; nothing where none are named."""
    if not sources.replays:
        return
    named = [str(path) for path in sources.replays]
    try:
        made = await asyncio.to_thread(_replay, sources.replays, gathering.wanted)
    except TooManyFilesError as error:
        gathering.unreadable("replay", "logs", str(error))
        return
    gaps = [Gap(s.label, s.broke_off) for s in made.sources if s.broke_off]
    if made.answer.exit_code == 1:
        gaps += [
            Gap("the answer", reason) for reason in (made.answer.headline, *made.answer.reasons)
        ]
    for suffix, texts in (("json", replay_json(made)), ("md", replay_markdown(made))):
        content = await asyncio.to_thread(_joined, texts)
        if content is None:
            gaps.append(Gap(f"replay.{suffix}", f"it has more than {MOST_CHARACTERS} characters"))
        else:
            yield f"replay/replay.{suffix}", content
    broken = sum(bool(s.broke_off) for s in made.sources)
    read = len(made.sources) - broken
    gathering.cover("replay", len(made.sources) or len(named), read, "logs", gaps)
    at = made.first or gathering.wanted.since
    gathering.tell(at, "report", f"replay: {made.answer.headline}", "data/replay/replay.md")


def _replay(paths: Iterable[Path], wanted: Wanted) -> Replay:
    given = find_input([str(path) for path in paths])
    return replay_logs(given, Narrowing(wanted.since, wanted.until))


def _joined(texts: Iterable[str]) -> bytes | None:
    """Return all of it; None where it is too long to be held."""
    held, size = list[str](), 0
    for text in texts:
        held.append(text)
        size += len(text)
        if size > MOST_CHARACTERS:
            return None
    return "".join(held).encode()
