"""Observe: the kill switch is heard, and what cannot be heard says nothing."""

import pytest

from mission_control.model.kill_switch import WitnessKind
from mission_control.model.reading import Seen, Unseen
from mission_control.observe.kill_switch_witnesses import SwitchWitnesses
from tests.observe.conftest import NOW

pytestmark = pytest.mark.anyio


async def heard(path, environment=None):
    """Hear the witnesses once."""
    return await SwitchWitnesses(path, environment or {}, lambda: NOW).read()


async def test_the_file_is_heard_as_it_is(tmp_path):
    """A readable file is heard word for word."""
    path = tmp_path / "EXECUTION_HALTED"
    path.write_text("1\n")

    (witness,) = await heard(path)

    assert (WitnessKind.FILE, str(path)) == (witness.kind, witness.source)
    assert Seen("1\n", NOW) == witness.reading


def missing(path):
    """Leave the file out."""


def directory(path):
    """Put a folder in its place."""
    path.mkdir()


def not_text(path):
    """Write bytes that are no text."""
    path.write_bytes(b"\xff\xfe1")


def dangling(path):
    """Link to nowhere, as a mount does whose ConfigMap is gone."""
    path.symlink_to(path.parent / "..data")


@pytest.mark.parametrize("hurt", [missing, directory, not_text, dangling])
async def test_what_cannot_be_read_is_unreadable(tmp_path, hurt):
    """A file that cannot be read is UNREADABLE, never "not halted"."""
    path = tmp_path / "EXECUTION_HALTED"
    hurt(path)

    (witness,) = await heard(path)

    assert isinstance(witness.reading, Unseen)
    assert "UNREADABLE" == witness.reading.code
    assert witness.reading.detail


async def test_only_the_first_bytes_are_read(tmp_path):
    """A huge file is read no further than its first 4 KiB."""
    path = tmp_path / "EXECUTION_HALTED"
    path.write_text("1" * 100_000)

    (witness,) = await heard(path)

    assert isinstance(witness.reading, Seen)
    assert 4096 == len(witness.reading.value)


async def test_a_file_that_comes_back_is_heard_again(tmp_path):
    """An unreadable file is read anew each time."""
    path = tmp_path / "EXECUTION_HALTED"
    witnesses = SwitchWitnesses(path, {}, lambda: NOW)
    first = (await witnesses.read())[0].reading
    path.write_text("1")

    assert (Unseen, Seen) == (type(first), type((await witnesses.read())[0].reading))


async def test_the_environment_is_heard(tmp_path):
    """Variables are heard as they are set; what is not configured abstains."""
    told = await heard(None, {"EXECUTION_HALTED": "0"})

    assert [(WitnessKind.ENVIRONMENT, "EXECUTION_HALTED")] == [(w.kind, w.source) for w in told]
    assert () == await heard(None)
