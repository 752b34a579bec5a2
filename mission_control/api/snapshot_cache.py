"""API: answers encoded once per snapshot, so that a hot endpoint costs almost nothing."""

from collections.abc import Callable, Hashable

from mission_control.api.answers import Answer, json_answer
from mission_control.model.snapshot import FloorSnapshot


class SnapshotCache:
    """
    Remembers the encoded answers of the newest snapshot, and of no other.

    Keys are routes and names from the inventory, never anything a client wrote, so that it
    cannot be made to grow. `moment` ends what is remembered earlier, for answers that also tell
    of the present second. Used from one event loop; nothing here waits.
    """

    def __init__(self) -> None:
        """Remember nothing."""
        self._snapshot: FloorSnapshot | None = None
        self._moment: Hashable = None
        self._answers: dict[Hashable, Answer] = {}

    def answer(
        self,
        snapshot: FloorSnapshot,
        key: Hashable,
        build: Callable[[FloorSnapshot], Answer],
        *,
        moment: Hashable = None,
    ) -> Answer:
        """
        Give the answer for this snapshot, built when it is first asked for.

        A snapshot of the past is older than the newest one and never takes its place.
        """
        if self._snapshot is not None and snapshot.at < self._snapshot.at:
            return build(snapshot)
        if self._snapshot is not snapshot or self._moment != moment:
            self._snapshot, self._moment, self._answers = snapshot, moment, {}
        known = self._answers.get(key)
        if known is None:
            known = self._answers[key] = build(snapshot)
        return known

    def document(
        self,
        snapshot: FloorSnapshot,
        key: Hashable,
        render: Callable[[FloorSnapshot], object],
        *,
        moment: Hashable = None,
    ) -> Answer:
        """Give the answer that holds this rendering of the snapshot."""
        return self.answer(snapshot, key, lambda s: json_answer(render(s)), moment=moment)
