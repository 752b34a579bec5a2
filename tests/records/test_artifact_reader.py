"""Reading the ledger back costs what was appended since, however long it has become."""

from collections import Counter
from datetime import date, timedelta
from typing import ClassVar

import pytest

from mission_control.records import artifact_reader
from mission_control.records.artifact_reader import ArtifactReader
from mission_control.records.ledger import Recorded, chain, write_line
from mission_control.records.model import GENESIS, ArtifactQuery
from tests.records.runs import NOW

pytestmark = pytest.mark.anyio
JOBS = ("intraday_sample", "readiness")


def lengthen(root, lines, head=GENESIS):
    """Append so many lines to a ledger at once; returns its head."""
    folder = root / "audit_artifacts"
    folder.mkdir(exist_ok=True)
    with (folder / "ledger.jsonl").open("ab") as file:
        for number in range(head.seq, head.seq + lines):
            job, at = JOBS[number % 2], NOW + timedelta(minutes=number)
            path = f"audit_artifacts/ops_runs/{number}"
            entry = chain(Recorded(at, job, path, date(2026, 11, 20), (), None), head)
            file.write(write_line(entry))
            head = entry.head
    return head


class CountedTuple(tuple):
    """Positions of lines, which count how often they are gone through."""

    __slots__ = ()
    steps: ClassVar = Counter()

    def __iter__(self):
        """Go through them."""
        for each in super().__iter__():
            self.steps["known"] += 1
            yield each


@pytest.fixture
def steps(monkeypatch):
    """Count every line that is parsed, and every position that is gone through to add more."""
    counted = CountedTuple.steps
    counted.clear()
    read, more = artifact_reader.read_line, artifact_reader._more  # noqa: SLF001

    def read_line(line):
        counted["parsed"] += 1
        return read(line)

    def counted_more(known, first, keys):
        found = more({k: CountedTuple(v) for k, v in known.items()}, first, keys)
        counted["joined"] += 1
        return found

    monkeypatch.setattr(artifact_reader, "read_line", read_line)
    monkeypatch.setattr(artifact_reader, "_more", counted_more)
    return counted


async def listed(root, lines):
    """Read a ledger of so many lines for the first time; returns what its page holds."""
    lengthen(root, lines)
    page = await ArtifactReader(root, lambda: NOW).page(ArtifactQuery(50, job=JOBS[0]))
    assert (lines, 50) == (page.total, len(page.entries))


@pytest.mark.parametrize("lines", [500, 1000, 2000])
async def test_a_ledger_is_read_in_one_pass(tmp_path, steps, lines):
    """Each line is parsed once, and nothing is joined again for each of them."""
    await listed(tmp_path, lines)

    assert {"parsed": lines, "joined": 2} == dict(steps)


async def test_what_was_read_is_not_read_again(tmp_path, steps):
    """A page after some more lines costs those; each known position is gone through once."""
    head = lengthen(tmp_path, 1000)
    reader = ArtifactReader(tmp_path, lambda: NOW)
    await reader.page(ArtifactQuery(50))
    await reader.page(ArtifactQuery(50))
    steps.clear()
    lengthen(tmp_path, 10, head)
    page = await reader.page(ArtifactQuery(50))

    assert 1010 == page.total
    assert {"parsed": 10, "joined": 2, "known": 2000} == dict(steps)
