"""Servers as tests start them: a root, a database, and what one says of the other."""

import time
from contextlib import contextmanager

from mission_control.floor.decide.floor import decide_floor
from mission_control.history.continuity import StartingRoot
from mission_control.history.database import open_engine
from mission_control.history.model import DecisionRecord
from mission_control.history.reader import HistoryReader
from mission_control.history.writer import HistoryWriter
from mission_control.records.artifact_store import ArtifactStore, stamp
from mission_control.records.model import Collection
from tests.floor.floor_of_values import NOW, STRATEGY, FloorOfValues, session_at
from tests.records.runs import facts

PATIENCE_SECONDS = 60


def wait_until(condition):
    """Wait for a condition that threads of their own bring about."""
    ends = time.monotonic() + PATIENCE_SECONDS
    while not condition():
        assert time.monotonic() < ends, "it did not come about"
        time.sleep(0.01)


class Server:
    """What of a server keeps history: a writer that starts on a root."""

    def __init__(self, root, url=None, accepted=""):
        """Connect to a root and a database."""
        self.root, self.store, self.recorded = root, ArtifactStore(root), []
        self.engine = open_engine(root, url)
        starting = StartingRoot(root, lambda: NOW, accepted, self.record)
        self.writer = HistoryWriter(
            self.engine,
            lambda: NOW,
            time.monotonic,
            lambda _now: None,
            starting,
            self.store.known_head,
        )
        self.reader = HistoryReader(self.engine)
        self.floor = FloorOfValues()

    def record(self, lost, head):
        """Record that a history was taken for new."""
        self.recorded.append((lost, head))
        with self.store.writing(Collection.OPS_RUNS) as run:
            run.record(facts(job="history_is_new"), f"{stamp(NOW)}_history_is_new")

    def plan(self):
        """Record a plan of the day, as every server does."""
        self.store.check()
        with self.store.writing(Collection.OPS_RUNS) as run:
            run.record(facts(job="session_plan"), f"{stamp(NOW)}_session_plan")
        self.store.check()

    def raise_alarm(self):
        """See an execution mode; returns what is put for it."""
        self.floor.say(STRATEGY, "agent_identity.agent_mode", "EXECUTE")
        return self.decide()

    def decide(self):
        """Decide, and put that."""
        evidence, before = self.floor.evidence(), self.floor.latched
        snapshot = decide_floor(evidence, before, session_at, NOW)
        self.floor.latched = snapshot.latched
        self.writer.put(DecisionRecord("change", evidence, before, snapshot, (), ()))
        return snapshot.latched

    def start(self):
        """Start, and wait until what was latched is known."""
        self.writer.start()
        wait_until(lambda: self.writer.recalled() is not None)
        return self

    def settle(self):
        """Wait until everything is written."""
        wait_until(self.writer.idle)

    def stop(self):
        """Write what waits, and stop."""
        self.writer.stop(PATIENCE_SECONDS)
        self.engine.dispose()


@contextmanager
def serving(root, url=None, accepted=""):
    """Serve for the time of the block."""
    server = Server(root, url, accepted).start()
    try:
        yield server
    finally:
        server.stop()


def serve_once(root, url=None, accepted=""):
    """Serve, decide and plan once; returns what was lost of the past."""
    with serving(root, url, accepted) as server:
        server.decide()
        server.settle()
        server.plan()
        server.decide()
        server.settle()
        return server.writer.lost()
