"""The law over time: whatever is lost of our own memory, an alarm does not end by it."""

import shutil
import tempfile
from dataclasses import dataclass, field, replace
from datetime import timedelta
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from mission_control.floor.decide.floor import decide_floor
from mission_control.floor.model import NOTHING_LATCHED, FloorSnapshot, Verdict
from mission_control.history.database import SQLITE_NAME
from mission_control.history.model import DecisionRecord
from mission_control.history.remember import FloorMemory
from mission_control.model.reading import UnseenReason
from tests.floor.floor_of_values import STRATEGY, FloorOfValues, session_at
from tests.history.starting import Server

RAISER, OTHER = "10.0.0.7:8080", "10.0.0.8:8080"
LEDGER = "audit_artifacts/ledger.jsonl"


@dataclass
class Life:
    """One root over several lives of its server; every life watches the same floor."""

    root: Path
    server: Server = field(init=False)
    memory: FloorMemory = field(init=False)
    floor: FloorOfValues = field(default_factory=FloorOfValues)
    kept: Path | None = None
    url: str | None = None

    def start(self) -> None:
        """Begin a life: what the process before knew is known only from the disk."""
        self.server = Server(self.root, self.url).start()
        self.memory = FloorMemory(self.server.writer)
        self.floor.latched = NOTHING_LATCHED

    def stop(self) -> None:
        """End a life; what was put is written."""
        self.server.settle()
        self.server.stop()

    def decide(self) -> FloorSnapshot:
        """Decide as the watch does, on what is remembered, and remember it."""
        latched, known = self.memory.recall(self.floor.latched)
        evidence = replace(self.floor.evidence(), alarms_known=known)
        snapshot = decide_floor(evidence, latched, session_at, self.floor.now)
        self.floor.latched = snapshot.latched
        self.server.writer.put(DecisionRecord("change", evidence, latched, snapshot, (), ()))
        return snapshot

    def raise_alarm(self) -> FloorSnapshot:
        """Let one instance say that it executes."""
        self.floor.peers[STRATEGY.agent_name] = RAISER
        self.floor.say(STRATEGY, "agent_identity.agent_mode", "EXECUTE")
        return self.decide()

    def play(self, step: str) -> FloorSnapshot:
        """Let a step happen, and ask another replica, which is well."""
        getattr(self, f"_{step}")()
        self.floor.now += timedelta(seconds=1)
        if step != "silence":
            self.floor.peers[STRATEGY.agent_name] = OTHER
            self.floor.refresh()
        return self.decide()

    def _silence(self) -> None:
        self.floor.lose(STRATEGY, "/ops/status", UnseenReason.TIMEOUT)

    def _ask(self) -> None:
        """Hear another replica."""

    def _plan(self) -> None:
        self.server.plan()

    def _restart(self) -> None:
        self.stop()
        self.start()

    def _keep(self) -> None:
        """Keep a copy of the database, to be put back later."""
        self.stop()
        if (self.root / SQLITE_NAME).exists():
            self.kept = self.root / "kept"
            shutil.copy(self.root / SQLITE_NAME, self.kept)
        self.start()

    def _older(self) -> None:
        self.stop()
        self._remove_database()
        if self.kept is not None:
            shutil.copy(self.kept, self.root / SQLITE_NAME)
        self.start()

    def _lose(self) -> None:
        self.stop()
        self._remove_database()
        self.start()

    def _elsewhere(self) -> None:
        """Start with another database, or with the root's own again."""
        self.stop()
        self.url = f"sqlite:///{self.root}/other.db" if self.url is None else None
        self.start()

    def _cut(self) -> None:
        """Lose the newest lines of the ledger."""
        self.stop()
        ledger = self.root / LEDGER
        if ledger.exists():
            ledger.write_bytes(b"".join(ledger.read_bytes().splitlines(keepends=True)[:1]))
        self.start()

    def _remove_database(self) -> None:
        for file in self.root.glob(f"{SQLITE_NAME}*"):
            file.unlink()


STEPS = ("silence", "ask", "plan", "restart", "keep", "older", "lose", "elsewhere", "cut")


@pytest.mark.slow
@settings(max_examples=20, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(
    before=st.lists(st.sampled_from(("ask", "plan", "keep", "restart")), max_size=3),
    after=st.lists(st.sampled_from(STEPS), min_size=1, max_size=6),
)
def test_no_loss_of_memory_makes_a_floor_better_than_it_was(before, after):
    """
    Whatever is lost of database, ledger and notes in whatever order, a P0 is never OK again.

    Either it is latched, or what was latched is said to be unknown: HALTED both ways.
    """
    with tempfile.TemporaryDirectory() as folder:
        life = Life(Path(folder))
        life.start()
        try:
            calm = {life.play(step).posture.verdict for step in before}
            verdicts = [life.raise_alarm().posture.verdict]
            verdicts += [life.play(step).posture.verdict for step in after]
        finally:
            life.stop()

    assert calm <= {Verdict.OK}
    assert [Verdict.HALTED] * len(verdicts) == verdicts
