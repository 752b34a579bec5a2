"""Bundles are read back, and what is none is named."""

import io
import json
import zipfile
from dataclasses import replace
from datetime import date, time

import pytest

from mission_control.errors import StorageError
from mission_control.evidence.read_bundle import open_bundle
from mission_control.market_calendar.closures import Closure, ClosureKind
from tests.evidence.incident import exported

CLOSURES = (
    Closure(date(2026, 11, 30), ClosureKind.EARLY_CLOSE, time(13), "nyse", date(2026, 11, 1), "me"),
    Closure(date(2026, 12, 1), ClosureKind.CLOSED, None, "nyse", date(2026, 11, 1), "me"),
)


def changed(content, path, change):
    """Return a bundle in which one document is changed, as any ZIP tool writes it."""
    made = io.BytesIO()
    with zipfile.ZipFile(io.BytesIO(content)) as old, zipfile.ZipFile(made, "w") as new:
        for info in old.infolist():
            held = old.read(info)
            if path in info.filename:
                document = json.loads(held)
                change(document)
                held = json.dumps(document).encode()
            new.writestr(zipfile.ZipInfo(info.filename), held)
    return made.getvalue()


def read(path):
    """Read all of a bundle."""
    with open_bundle(path) as opened:
        return opened.closures, list(opened.changes())


def test_the_closures_in_force_come_back(recorded, tmp_path):
    """R12.30: What decides again has the calendar of the export."""
    content, _ = exported(replace(recorded[1], closures=CLOSURES))
    (tmp_path / "b.zip").write_bytes(content)

    assert CLOSURES == read(tmp_path / "b.zip")[0]


@pytest.mark.parametrize(
    "spoil",
    [
        pytest.param(lambda _: b"", id="nothing"),
        pytest.param(lambda c: c[:-30], id="cut off"),
        pytest.param(lambda _: b"PK\x05\x06" + bytes(18), id="an empty ZIP"),
        pytest.param(
            lambda c: changed(c, "data/bundle.json", lambda d: d.update(format="x/9")), id="format"
        ),
        pytest.param(
            lambda c: changed(c, "data/posture/changes.json", lambda d: d.clear()), id="no changes"
        ),
        pytest.param(
            lambda c: changed(c, "/changes/000001", lambda d: d.update(format="x")), id="a change"
        ),
        pytest.param(
            lambda c: changed(c, "/changes/000001", lambda d: d["inputs"].clear()), id="inputs"
        ),
        pytest.param(
            lambda c: changed(c, "/changes/000001", lambda d: d.update(fleet_digest="0")),
            id="fleet",
        ),
    ],
)
def test_what_is_no_bundle_of_ours_is_named(bundle, tmp_path, spoil):
    """R12.35: An error that names the file, and none of a library's own."""
    path = tmp_path / "b.zip"
    path.write_bytes(spoil(bundle[0]))

    with pytest.raises(StorageError, match="cannot be read as a bundle"):
        read(path)


def test_a_bundle_that_is_not_there_is_named(tmp_path):
    """R12.35: The same for a file that cannot be opened."""
    with pytest.raises(StorageError):
        read(tmp_path / "nothing.zip")
