"""Logs that are named are replayed into the bundle, narrowed to its time."""

import json
from dataclasses import replace

import pytest

from mission_control.evidence import replayed
from mission_control.evidence.model import PartCoverage
from tests.evidence.incident import HURT_AT, exported, unpacked
from tests.replay.logs import event

NOTHING = PartCoverage("", None, 0, "")
WHEN = HURT_AT.isoformat()


@pytest.fixture
def log(tmp_path):
    """Write a log with one event within the time, one outside, and a secret."""
    path = tmp_path / "orders.log"
    told = [
        event("startup", ts=WHEN, data={"password": "hunter2hunter2"}),
        event("shutdown", ts="2026-11-18T20:00:00+00:00"),
    ]
    path.write_text("".join(f"{json.dumps(t)}\n" for t in told))
    return path


def covered(ended):
    """Return what is said of the replay."""
    parts = [p for p in ended.coverage if p.source == "replay"]
    return parts[0] if parts else NOTHING


def test_a_log_is_replayed_for_the_time_of_the_bundle(recorded, log):
    """R12.29: Its answer is a line of the story; what lies outside the time is hidden."""
    content, ended = exported(replace(recorded[1], replays=(log,)))
    files = unpacked(content)
    told = json.loads(files["data/replay/replay.json"])

    assert covered(ended).whole
    assert (2, 1) == (told["counts"]["events"], told["counts"]["hidden"])
    assert b"hunter2" not in content
    assert "replay: " in files["index.html"].decode()
    assert files["data/replay/replay.md"].startswith(b"# ")


def test_without_a_log_nothing_is_said_of_a_replay(bundle):
    """R12.29: What was not asked for is no gap."""
    assert covered(bundle[1]) is NOTHING


def test_a_log_that_breaks_off_is_a_gap(recorded, tmp_path):
    """R12.32: What could not be read of it is named, and so is an answer that cannot be given."""
    path = tmp_path / "orders.log.gz"
    path.write_bytes(b"\x1f\x8b\x08\x00broken")
    _, ended = exported(replace(recorded[1], replays=(path,)))
    part = covered(ended)

    assert not part.whole
    assert (part.expected or 0) > part.obtained
    assert "the answer" in [gap.what for gap in part.gaps]


def test_a_replay_that_is_too_long_is_a_gap(recorded, log, monkeypatch):
    """R12.32: No half of it is taken for the whole."""
    monkeypatch.setattr(replayed, "MOST_CHARACTERS", 10)
    content, ended = exported(replace(recorded[1], replays=(log,)))

    assert ["replay.json", "replay.md"] == [gap.what for gap in covered(ended).gaps]
    assert not [n for n in unpacked(content) if n.startswith("data/replay/")]
