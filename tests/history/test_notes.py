"""History: an alarm that no database holds yet survives any end, or its loss is said."""

import logging
import os
import subprocess
import sys
from contextlib import ExitStack, contextmanager
from dataclasses import replace
from pathlib import Path

import pytest
from sqlalchemy import event

from mission_control.errors import StorageError
from mission_control.floor.model import NOTHING_LATCHED
from mission_control.history import notes, postgresql, writer
from mission_control.history.continuity import recall_latched
from mission_control.history.decide.loss import HistoryPin
from mission_control.history.notes import SLOT_BYTES, Note, NotesFile, carry, own_notes, read_notes
from mission_control.records.verification import verify
from tests.floor.floor_of_values import STRATEGY, FloorOfValues
from tests.history.starting import Server, serve_once, serving, wait_until
from tests.history.test_silent_database import proxied
from tests.records.test_crash_safety import small_disk

PROCESS = Path(__file__).with_name("alarm_process.py")
PIN = HistoryPin("here", 7, 70)


def alarms():
    """Return the alarms of a floor on which one is raised."""
    floor = FloorOfValues()
    floor.say(STRATEGY, "agent_identity.agent_mode", "EXECUTE")
    return floor.decide().latched.alarms


def keys(latched):
    """Return which alarms are latched."""
    return {a.key for a in latched.alarms}


def noted(root):
    """Return which alarms are noted below a root."""
    return {a.key for note in read_notes(root) for a in note.alarms}


ALARMS = {a.key for a in alarms()}


@contextmanager
def alarming_process(root):
    """Run a process that keeps history below a root; returns a way to have it raise an alarm."""
    command, pipe = [sys.executable, str(PROCESS), str(root)], subprocess.PIPE
    with subprocess.Popen(command, stdin=pipe, stdout=pipe, text=True, bufsize=1) as process:
        try:
            assert process.stdout is not None
            assert "ready\n" == process.stdout.readline()
            yield process, process.stdout
        finally:
            process.kill()


def fill(disk):
    """Fill a file system to its last byte; returns the file that does."""
    filler = disk / "filler"
    with filler.open("wb", buffering=0) as file:
        try:
            while file.write(b"x" * 4096):
                pass
        except OSError:
            return filler
    raise AssertionError("it has no end")


def test_an_alarm_on_a_full_disk_survives_kill_9(tmp_path):
    """A full disk, an alarm, a kill, room again: the alarm is latched."""
    disk = tmp_path / "disk"
    with small_disk(disk, "2m"):
        with alarming_process(disk) as (process, said):
            filler = fill(disk)
            print("alarm", file=process.stdin, flush=True)
            assert "raised\n" == said.readline()
            wait_until(lambda: noted(disk) == ALARMS)
            process.kill()
            process.wait()
        filler.unlink()
        with serving(disk) as server:
            lost, latched = server.writer.lost(), keys(server.writer.recalled())

    assert ("", ALARMS) == (lost, latched)


def test_what_was_written_is_noted_no_more(tmp_path, database_url):
    """An alarm that is written needs no note: what history holds is enough for a start."""
    with serving(tmp_path, database_url) as server:
        server.raise_alarm()
        server.settle()
        wait_until(lambda: not noted(tmp_path))
        pins = [note.pin for note in read_notes(tmp_path)]
    with serving(tmp_path, database_url) as again:
        latched = keys(again.writer.recalled())

    assert ALARMS == latched
    assert [1] == [pin.decision for pin in pins if pin]
    assert verify(tmp_path).intact


def test_a_noted_alarm_is_told_to_every_server_that_starts(tmp_path, database_url):
    """The next start writes it as opened, so that no other server's decision hides it."""
    with serving(tmp_path, database_url) as calm:
        calm.decide()
        calm.settle()
        with ExitStack() as stack:
            stack.enter_context(own_notes(tmp_path))[0].write(Note(alarms()))
        read_only = recall_latched(tmp_path, calm.engine)
        with serving(tmp_path, database_url) as server:
            latched = keys(server.writer.recalled())
            server.floor.latched = server.writer.recalled() or NOTHING_LATCHED
            server.floor.answers.pop(STRATEGY.agent_name)  # silent since
            server.decide()
            server.settle()
            wait_until(lambda: not noted(tmp_path))
            calm.decide()
            calm.settle()
    with serving(tmp_path, database_url) as third:
        after = keys(third.writer.recalled())

    assert ALARMS == latched == after
    assert (ALARMS, "") == (keys(read_only[0]), read_only[1])


def test_what_a_silent_server_did_not_take_is_loud_and_stands(
    postgres, tmp_path, monkeypatch, caplog
):
    """A P0 comes while PostgreSQL is silent, we stop: the log says so, and the P0 is latched."""
    monkeypatch.setattr(postgresql, "ANSWER_SECONDS", 1.0)
    monkeypatch.setattr(postgresql, "CONNECT_SECONDS", 1)
    monkeypatch.setattr(writer, "RETRY_SECONDS", (0.1,))
    url = postgres.new_database("taken")
    with proxied(postgres) as proxy:
        server = Server(tmp_path, url.replace(f":{postgres.port}/", f":{proxy.port}/")).start()
        server.decide()
        server.settle()
        proxy.fall_silent()
        proxy.to = 1  # and whatever is new is refused
        with caplog.at_level(logging.ERROR):
            server.raise_alarm()
            server.stop()
    with serving(tmp_path, url) as again:
        lost, latched = again.writer.lost(), keys(again.writer.recalled())

    assert ("", ALARMS) == (lost, latched)
    assert "not everything was written at the stop" in caplog.text
    assert "an alarm was not written at the stop, noted below the root: " in caplog.text


def test_a_database_that_hangs_keeps_no_alarm_from_being_noted(tmp_path):
    """What writes to the database hangs, and the alarm is noted all the same."""
    server = Server(tmp_path).start()
    server.decide()
    server.settle()
    with ExitStack() as stack:
        other = stack.enter_context(server.engine.connect())
        other.exec_driver_sql("COMMIT")
        other.exec_driver_sql("BEGIN IMMEDIATE")
        server.raise_alarm()
        wait_until(lambda: noted(tmp_path) == ALARMS)
        other.exec_driver_sql("COMMIT")
    server.stop()


def test_an_alarm_of_before_the_database_was_there_is_noted(tmp_path):
    """No database, an alarm, an end; then a database, and the alarm is latched."""
    away = tmp_path / "database"
    url = f"sqlite:///{away}/history.db"
    server = Server(tmp_path, url)
    server.writer.start()
    server.raise_alarm()
    wait_until(lambda: noted(tmp_path) == ALARMS)
    server.stop()
    away.mkdir()
    with serving(tmp_path, url) as again:
        latched = keys(again.writer.recalled())

    assert ALARMS == latched


@pytest.mark.parametrize("at", [0, SLOT_BYTES])
def test_a_torn_note_is_a_loss(tmp_path, at):
    """A slot that is not whole may have held an alarm: that is said until a human was there."""
    serve_once(tmp_path)
    (file,) = (tmp_path / "audit_artifacts").glob("history_notes-*")
    with file.open("r+b") as opened:
        opened.seek(at + 100)
        opened.write(b"torn")

    assert ["damaged" in serve_once(tmp_path) for _ in range(2)] == [True] * 2


def test_alarms_that_do_not_fit_are_a_loss(tmp_path):
    """As many as fit are noted, and that there were more."""
    many = [replace(a, fact=os.urandom(500).hex()) for a in alarms() * 200]
    serve_once(tmp_path)
    with ExitStack() as stack:
        stack.enter_context(own_notes(tmp_path))[0].write(Note(tuple(many)))
    with serving(tmp_path) as server:
        lost, latched = server.writer.lost(), keys(server.writer.recalled())

    assert "damaged" in lost
    assert 0 < len(latched) < len(many)
    assert latched <= {a.key for a in many}


def test_a_note_is_what_was_noted_last(tmp_path):
    """Notes take turns in two slots; what is read is the newest, by any process."""
    with own_notes(tmp_path) as (own, dead):
        for number in range(5):
            own.write(Note(alarms(), HistoryPin("here", number, 70), server_ran=True))
            assert (Note(alarms(), HistoryPin("here", number, 70), server_ran=True),) == (
                read_notes(tmp_path)
            )
    with own_notes(tmp_path) as (_, dead):
        left = [file.read() for file in dead]

    assert [HistoryPin("here", 4, 70)] == [note.pin for note in left]


def test_several_notes_are_carried_as_one():
    """Nothing of any is left out, and the newest pin is kept."""
    latched = alarms()
    told = carry(
        (
            Note(latched, PIN),
            Note((), HistoryPin("here", 9, 90), server_ran=True),
            Note(latched, damaged=True),
        )
    )

    assert Note(latched, HistoryPin("here", 9, 90), server_ran=True, cut=True) == told
    assert Note() == carry(())


def test_notes_of_the_living_are_their_own(tmp_path):
    """A file that a server holds is taken by none that starts beside it."""
    with own_notes(tmp_path) as (first, none), own_notes(tmp_path) as (second, neither):
        assert [] == none == neither
        assert first.path != second.path
    with own_notes(tmp_path) as (_, dead):
        assert {first.path, second.path} == {file.path for file in dead}


def test_notes_that_are_gone_are_not_written_to(tmp_path):
    """A note that would not be found is none, and that is said."""
    with own_notes(tmp_path) as (own, _):
        own.path.unlink()
        with pytest.raises(StorageError, match=r"history_notes-1: .*No such file"):
            own.write(Note())
        own.path.write_bytes(b"")
        with pytest.raises(StorageError, match="others are in their place"):
            own.write(Note())


def test_there_is_an_end_to_files_of_notes(tmp_path, monkeypatch):
    """So many servers are none: something else makes them."""
    monkeypatch.setattr(notes, "_MOST_FILES", 1)
    with own_notes(tmp_path), pytest.raises(StorageError, match="too many"), own_notes(tmp_path):
        pass


def test_a_root_that_can_only_be_read_keeps_a_history_elsewhere(postgres, tmp_path, caplog):
    """What was noted there counts, what is new cannot be noted, and that is loud."""
    url, disk = postgres.new_database("elsewhere"), tmp_path / "disk"
    with small_disk(disk, "2m") as remount:
        serve_once(disk, url)
        with ExitStack() as stack:
            stack.enter_context(own_notes(disk))[0].write(Note(alarms()))
        remount("ro")
        with serving(disk, url) as server:
            lost, latched = server.writer.lost(), keys(server.writer.recalled())
            server.raise_alarm()
            server.settle()

    assert ("", ALARMS) == (lost, latched)
    assert "alarms cannot be noted below the root" in caplog.text


def test_a_note_that_cannot_be_written_is_tried_again(tmp_path, monkeypatch, caplog):
    """It is said once, and noted as soon as that is possible."""
    server = Server(tmp_path).start()
    server.decide()
    server.settle()
    broken, real = [True], NotesFile.write

    def write(file, note):
        if broken[0]:
            raise StorageError("No space left on device", path=str(file.path))
        real(file, note)

    def refuse(_connection, _cursor, statement, *_more):
        if statement.startswith("INSERT INTO decisions"):
            raise OSError(28, "No space left on device")

    event.listen(server.engine, "before_cursor_execute", refuse)
    monkeypatch.setattr(NotesFile, "write", write)
    server.raise_alarm()
    wait_until(lambda: "alarms cannot be noted" in caplog.text)
    broken[0] = False
    wait_until(lambda: noted(tmp_path) == ALARMS)
    server.stop()

    assert 1 == caplog.text.count("alarms cannot be noted")
