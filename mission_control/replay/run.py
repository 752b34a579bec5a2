"""Read logs, keep what is shown and all evidence aside, and answer: was anything executed."""

from mission_control.replay.decide.answer import decide_answer
from mission_control.replay.decide.event import instant
from mission_control.replay.kept import KeptEvents, KeptEvidence
from mission_control.replay.model import Narrowing, Replay
from mission_control.replay.read_sources import Advance, SourceReader
from mission_control.replay.sources import Input


def replay_logs(
    given: Input,
    narrowing: Narrowing,
    advance: Advance = lambda _taken: None,
    *,
    digests: bool = False,
) -> Replay:
    """
    Read every file to its end, and return what happened.

    `advance` is told of the bytes that are read; with `digests` the replay names what each file
    was, by the SHA-256 of its bytes. Raises StorageError where there is no room to
    sort in. The same input gives the same replay, whatever order its files were named in.
    """
    reader = SourceReader(narrowing, advance, digests=digests)
    for file in given.files:
        reader.read(file)
    counts = reader.counts()
    sources = tuple(sorted(reader.sources, key=lambda source: source.label))
    labels = tuple(source.label for source in reader.sources)
    events = KeptEvents(reader.events, labels, reader.shapes.all)
    return Replay(
        answer=decide_answer(counts, sources, reader.modes.forbidden, given.unopened),
        counts=counts,
        sources=sources,
        open_groups=events.groups,
        open_events=events.by_time,
        open_evidence=KeptEvidence(reader.evidence, labels).by_time,
        narrowing=narrowing,
        first=instant(reader.first),
        last=instant(reader.last),
        modes=dict(sorted(reader.modes.forbidden.items())),
        open_told=events.told,
        inputs=tuple(sorted(reader.inputs, key=lambda file: file.path)),
    )
