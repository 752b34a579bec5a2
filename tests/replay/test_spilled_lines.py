"""Lines are sorted in bounded memory, in files that nothing is left of."""

import os
import random
import stat
import tempfile

import pytest

from mission_control.errors import StorageError
from mission_control.replay.spill import SortedLines


@pytest.mark.parametrize("most_held", [1 << 20, 4_000, 300], ids=["memory", "runs", "many runs"])
def test_lines_come_sorted_as_often_as_asked(tmp_path, most_held):
    """However many runs they were spilled in."""
    chance = random.Random(1)
    given = [b"%06d" % chance.randrange(1_000) + b"x" * chance.randrange(90) for _ in range(3_000)]
    lines = SortedLines(most_held, str(tmp_path))
    for line in given:
        lines.add(line)

    assert sorted(given) == [*lines] == [*lines]
    one, other = iter(lines), iter(lines)
    assert [next(one), next(other)] == [next(iter(lines))] * 2
    assert [] == list(tmp_path.iterdir())


def test_a_spill_file_has_no_name_and_is_private(tmp_path, monkeypatch):
    """
    Nothing is left behind however the process ends, and nothing can be read meanwhile (R12.20).
    """
    made = []
    open_one = tempfile.TemporaryFile

    def watched(**kwargs):
        made.append(open_one(**kwargs))
        return made[-1]

    monkeypatch.setattr(tempfile, "TemporaryFile", watched)
    lines = SortedLines(100, str(tmp_path))
    for n in range(20):
        lines.add(b"%d" % n)
    about = os.fstat(made[0].fileno())

    assert (0o600, 0) == (stat.S_IMODE(about.st_mode), about.st_nlink)
    assert [] == list(tmp_path.iterdir())


def test_no_room_to_sort_in_is_said(tmp_path):
    """With what to do about it."""
    lines = SortedLines(1, str(tmp_path / "none"))

    with pytest.raises(StorageError, match="TMPDIR"):
        lines.add(b"1")
