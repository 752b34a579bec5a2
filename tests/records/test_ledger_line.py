"""A line of the ledger is read only where it is, byte for byte, what we write."""

import hashlib
from dataclasses import replace

import orjson
import pytest

from mission_control.records.ledger import Recorded, chain, hash_of, read_line, write_line
from mission_control.records.model import GENESIS, ArtifactFile
from tests.records.runs import NOW

FILE = ArtifactFile(path="audit_artifacts/ops_runs/x/a.json", sha256="0" * 64, size=1)
ENTRY = chain(Recorded(NOW, "a_job", "audit_artifacts/ops_runs/x", None, (FILE,)), GENESIS)


def hashed(fields):
    """Return a line of these fields that bears the hash they have, as a forger could write it."""
    rest = {name: value for name, value in fields.items() if name != "hash"}
    own = hashlib.sha256(orjson.dumps(rest, option=orjson.OPT_SORT_KEYS)).hexdigest()
    return orjson.dumps({**rest, "hash": own}, option=orjson.OPT_SORT_KEYS) + b"\n"


def changed(**fields):
    """Return the line with these fields changed, and its hash with them."""
    return hashed({**orjson.loads(write_line(ENTRY)), **fields})


@pytest.mark.parametrize(
    "line",
    [
        pytest.param(b"", id="nothing"),
        pytest.param(b"\n", id="an empty line"),
        pytest.param(b"\xff\n", id="no text"),
        pytest.param(b'{"at":"\xed\xa0\x80"}\n', id="half a character"),
        pytest.param(b"[" * 100_000 + b"\n", id="too deep"),
        pytest.param(write_line(ENTRY)[:-1], id="without its end"),
        pytest.param(write_line(ENTRY).replace(b",", b", ", 1), id="with a blank"),
        pytest.param(write_line(replace(ENTRY, hash="1" * 64)), id="another hash"),
        pytest.param(write_line(replace(ENTRY, job="another")), id="another job"),
        pytest.param(hashed(orjson.loads(write_line(ENTRY))).replace(b"{", b'{"at":"",', 1),
                     id="a field twice"),
        pytest.param(changed(once=None), id="once, and it names nothing"),
        pytest.param(changed(once=""), id="once, and it is empty"),
        pytest.param(changed(further=1), id="a field that we do not write"),
        pytest.param(changed(recovered=0), id="a number for a yes or no"),
        pytest.param(changed(seq=0), id="a number too low"),
        pytest.param(changed(seq=1.0), id="a number that is not whole"),
        pytest.param(changed(seq=True), id="a yes or no for a number"),
        pytest.param(changed(previous="0" * 64 + "\n"), id="a digest and a line's end"),
        pytest.param(changed(previous="A" * 64), id="a digest in capitals"),
        pytest.param(changed(files=[{"path": "a", "sha256": "0" * 64, "size": -1}]),
                     id="a size below nothing"),
        pytest.param(changed(files=[{"path": "a", "sha256": "0" * 64, "size": 1, "more": 1}]),
                     id="a file's field that we do not write"),
        pytest.param(
            hashed({k: v for k, v in orjson.loads(write_line(ENTRY)).items() if k != "corrects"}),
            id="a field left out",
        ),
    ],
)  # fmt: skip
def test_what_is_not_as_we_write_it_is_no_line(line):
    """Not even where it bears the hash of what it says."""
    assert read_line(line) is None


def test_what_a_forger_could_write_is_what_we_write():
    """The rows above differ from a line of ours by what they change, and by nothing else."""
    assert write_line(ENTRY) == changed()
    assert ENTRY == read_line(changed())


@pytest.mark.parametrize(
    "text", ['"hash":"' + "0" * 64 + '",', '\\"hash\\":\\"', "\u2028 \x7f \x00", "日本 🏛", "a\n"]
)
def test_no_text_in_a_line_is_taken_for_its_hash(text):
    """Whatever a run is called and corrects, its line's hash is that of all its other fields."""
    entry = replace(ENTRY, job=text, corrects=text)
    entry = replace(entry, hash=hash_of(entry))

    assert entry == read_line(write_line(entry))
