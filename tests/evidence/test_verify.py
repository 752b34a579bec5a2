"""A bundle's verification names every alteration, wherever it is."""

import io
import random
import struct
import zipfile
from types import SimpleNamespace

import pytest

from mission_control.evidence import bag
from mission_control.evidence.verify import NOT_CHECKED, lines, verify_zip
from tests.evidence.small_bundle import PATH, found_in, small_bundle

WHOLE = small_bundle()
ENTRIES = zipfile.ZipFile(io.BytesIO(WHOLE)).infolist()
FOLDER = ENTRIES[0].filename.partition("/")[0]


def content_of(entry):
    """Return where an entry's bytes begin and end."""
    begin = entry.header_offset + 30 + len(entry.filename)
    return begin, begin + entry.file_size


def flipped(content, bit):
    """Return the bytes with one bit changed."""
    changed = bytearray(content)
    changed[bit // 8] ^= 1 << bit % 8
    return bytes(changed)


def rezipped(names, contents=None):
    """Return a bundle of these entries in this order, written as any ZIP tool would."""
    held = {e.filename: zipfile.ZipFile(io.BytesIO(WHOLE)).read(e) for e in ENTRIES}
    made = io.BytesIO()
    with zipfile.ZipFile(made, "w", zipfile.ZIP_STORED) as written:
        for name in names:
            content = (contents or {}).get(name, held.get(name, b"new"))
            written.writestr(zipfile.ZipInfo(name), content)
    return made.getvalue()


def test_a_bundle_is_intact_and_other_tools_read_it():
    """R12.34: What was exported is intact, every ZIP tool reads it, and equal input is equal."""
    assert [] == found_in(WHOLE)
    assert WHOLE == small_bundle()
    assert zipfile.ZipFile(io.BytesIO(WHOLE)).testzip() is None
    assert {zipfile.ZIP_STORED} == {e.compress_type for e in ENTRIES}
    assert {(1980, 1, 1, 0, 0, 0)} == {e.date_time for e in ENTRIES}
    told = lines(verify_zip(io.BytesIO(WHOLE)))
    assert [*NOT_CHECKED, told[-1]] == told
    assert told[-1].endswith(": intact")


def test_every_bit_of_a_small_file_counts():
    """R12.35: Whichever bit of a file is changed, that file is named."""
    entry = next(e for e in ENTRIES if e.filename.endswith(PATH))
    begin, end = content_of(entry)

    for bit in range(begin * 8, end * 8):
        assert (f"data/artifacts/{PATH}", "ALTERED") in found_in(flipped(WHOLE, bit))


@pytest.mark.parametrize("entry", ENTRIES, ids=[e.filename for e in ENTRIES])
def test_one_bit_in_every_file_is_named(entry):
    """R12.35: A changed bit in any file names that file."""
    begin, end = content_of(entry)
    path = entry.filename.partition("/")[2]

    assert (path, "ALTERED") in found_in(flipped(WHOLE, (begin + end) * 4))


def test_five_hundred_flips_anywhere_are_found():
    """R12.35: Every bit of the ZIP counts: one in a header or the directory is found too."""
    chance = random.Random(22)
    outside = ENTRIES[-1].header_offset
    bits = [chance.randrange(len(WHOLE) * 8) for _ in range(250)]
    bits += [chance.randrange(outside * 8, len(WHOLE) * 8) for _ in range(250)]

    missed = [bit for bit in bits if not found_in(flipped(WHOLE, bit))]

    assert [] == missed


def test_every_byte_of_headers_is_found():
    """R12.35: Each byte before an entry, and each of the directory, is covered."""
    heads = [range(e.header_offset, content_of(e)[0]) for e in ENTRIES]
    tail = range(content_of(ENTRIES[-1])[1], len(WHOLE))

    missed = [
        at
        for part in (*heads[2:4], tail)
        for at in part
        if not found_in(flipped(WHOLE, at * 8 + 3))
    ]

    assert [] == missed


def test_a_file_that_was_removed_is_named():
    """R12.35: A removal names the file, however well the ZIP fits."""
    names = [e.filename for e in ENTRIES if not e.filename.endswith("coverage.json")]

    assert ("data/coverage.json", "MISSING") in found_in(rezipped(names))


def test_a_file_that_was_added_is_named():
    """R12.35: An addition names the file, also one beside the folder."""
    names = [e.filename for e in ENTRIES]

    assert ("data/more.json", "ADDED") in found_in(rezipped([*names, f"{FOLDER}/data/more.json"]))
    assert ("elsewhere", "ADDED") in found_in(rezipped([*names, "elsewhere/a.json"]))


def test_a_file_that_is_there_twice_is_named():
    """R12.35: Of two files with one name no reader knows which counts."""
    again = WHOLE[ENTRIES[2].header_offset : ENTRIES[3].header_offset]
    twice = WHOLE[: ENTRIES[3].header_offset] + again + WHOLE[ENTRIES[3].header_offset :]

    assert ("data/bundle.json", "ADDED") in found_in(twice)


def test_a_file_that_was_renamed_is_named():
    """R12.35: Both its names are told."""
    found = found_in(WHOLE.replace(b"/data/coverage.json", b"/data/coveragf.json"))

    assert {("data/coverage.json", "MISSING"), ("data/coveragf.json", "ADDED")} <= set(found)


def test_files_in_another_order_are_named():
    """R12.35: The order is part of the form."""
    names = [e.filename for e in ENTRIES]
    names[2], names[3] = names[3], names[2]

    assert ("data/bundle.json", "MOVED") in found_in(rezipped(names))


@pytest.mark.parametrize("cut", [1, 22, 60, 1_000, len(WHOLE) // 2, len(WHOLE) - 40])
def test_a_bundle_that_was_cut_off_is_named(cut):
    """R12.35: A truncation is found wherever it is."""
    assert ("(the ZIP)", "TRUNCATED") in found_in(WHOLE[:-cut])


def test_bytes_after_the_end_are_named():
    """R12.35: Nothing may follow the end."""
    assert ("(the ZIP)", "ALTERED") in found_in(WHOLE + b"x")


def test_a_manifest_of_another_bundle_is_named():
    """R12.35: A swapped manifest does not list what is there."""
    other = zipfile.ZipFile(io.BytesIO(small_bundle("another incident")))
    name = f"{FOLDER}/manifest-sha256.txt"
    names = [e.filename for e in ENTRIES]

    found = found_in(rezipped(names, {name: other.read(name)}))

    assert ("manifest-sha256.txt", "ALTERED") in found


def test_an_artifact_that_the_ledger_does_not_name_is_found():
    """R12.34: An artifact whose bytes no line names, and a pinned head that is none, are named."""
    more = {"data/artifacts/ops/lkg/x/lkg_manifest.yaml": b"kind: List"}

    assert [("data/artifacts/ops/lkg/x/lkg_manifest.yaml", "ALTERED")] == found_in(
        small_bundle(files=more)
    )
    assert ("data/ledger/lines.jsonl", "TRUNCATED") in found_in(
        small_bundle(files={"data/ledger/lines.jsonl": b""})
    )


@pytest.mark.parametrize(
    ("path", "content"),
    [
        pytest.param("SHA256SUMS", b"", id="sums of nothing"),
        pytest.param("manifest-sha256.txt", b"no line\n", id="no line of a manifest"),
        pytest.param("tagmanifest-sha256.txt", b"", id="an empty list of lists"),
        pytest.param("bag-info.txt", b"Payload-Oxum: 1.1\n", id="another count"),
        pytest.param("bagit.txt", b"BagIt-Version: 0.9\n", id="another version"),
        pytest.param("verify.py", b"print('intact')\n", id="another verifier"),
        pytest.param("data/bundle.json", b"[]", id="no account of itself"),
    ],
)
def test_a_file_that_was_forged_with_the_sums_over_it_is_named(path, content):
    """R12.35: What follows from everything else is compared with that, not with its own sum."""
    assert path in [found for found, _ in found_in(small_bundle(forged={path: content}))]


def test_another_name_of_the_folder_is_named():
    """R12.35: It follows from the time that the bundle is about."""
    assert [("(the folder)", "ALTERED")] == found_in(small_bundle(name="evidence_of_calm"))


def test_checksums_of_the_zip_that_are_wrong_are_named(monkeypatch):
    """R12.35: Though headers and directory agree about them, and the lists are right."""
    monkeypatch.setattr(bag, "zlib", SimpleNamespace(crc32=lambda _: 7))

    assert ("data/bundle.json", "ALTERED") in found_in(small_bundle())


@pytest.mark.parametrize(
    "content",
    [
        pytest.param(b"", id="nothing"),
        pytest.param(b"PK", id="two bytes"),
        pytest.param(b"x" * 100, id="no ZIP"),
        pytest.param(b"PK\x05\x06" + bytes(18), id="a ZIP of nothing"),
        pytest.param(struct.pack("<4s26s", b"PK\x03\x04", b"\xff" * 26), id="a header alone"),
    ],
)
def test_what_is_no_bundle_is_named_and_raises_nothing(content):
    """R12.35: Any other bytes are not intact, and break nothing."""
    assert found_in(content)
