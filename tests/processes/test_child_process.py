"""Child process: whatever becomes of the child, who asks has an answer or a reason, in time."""

import asyncio
import contextlib
import os
import subprocess
import sys
from pathlib import Path

import pytest

from mission_control.processes.child_process import ChildProcess, environment_of
from mission_control.processes.model import Answered, Unanswered
from tests.ports import PATIENCE_SECONDS as PATIENCE
from tests.processes.conftest import ROOT

pytestmark = pytest.mark.anyio
CANNOT_START = Unanswered("the process that answers cannot be started")


def is_there(pid):
    """Return whether a process is there and no zombie."""
    try:
        state = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0]
    except FileNotFoundError:
        return False
    return state != "Z"


async def until(condition):
    """Wait until something is so."""
    async with asyncio.timeout(PATIENCE):
        while not condition():  # noqa: ASYNC110  (a process has no event)
            await asyncio.sleep(0.01)


async def test_a_child_answers_with_its_setup(child):
    """Values go there and come back, and so do bytes beside them, in pieces."""
    kept = await child("setup")

    assert Answered((["a", 1], "setup")) == await kept.ask(("echo", "a", 1), PATIENCE)
    many = await kept.ask(("bytes", 3_000_000), PATIENCE)
    assert b"x" * 3_000_000 + b"y" == b"".join(many.body)
    assert max(map(len, many.body)) <= 256 * 1024


async def test_questions_are_answered_side_by_side(child):
    """A question that takes long holds up no other, as long as there is room."""
    kept = await child(at_once=2)
    slow = asyncio.create_task(kept.ask(("wait", PATIENCE), PATIENCE))

    assert Answered("quick") == await kept.ask(("quick",), PATIENCE)
    assert not slow.done()
    slow.cancel()


@pytest.mark.parametrize("hang", ["spin", "stop"])
async def test_a_child_that_hangs_is_killed_at_the_deadline(child, hang):
    """The caller is told why; the next question is answered by another process."""
    kept = await child()
    assert Answered("first") == await kept.ask(("first",), PATIENCE)
    before = kept.pid

    assert Unanswered("there was no answer in 0.3 s") == await kept.ask((hang,), 0.3)
    assert Answered("again") == await kept.ask(("again",), PATIENCE)
    assert before != kept.pid
    assert not is_there(before)


async def test_a_child_that_dies_is_begun_again(child):
    """Every question that it had is told at once, and later ones are answered."""
    kept = await child()
    await kept.ask(("first",), PATIENCE)
    waiting = asyncio.create_task(kept.ask(("wait", PATIENCE), PATIENCE))

    answers = await asyncio.gather(kept.ask(("die",), PATIENCE), waiting)

    assert [Unanswered("the process that answers has ended", 1)] * 2 == answers
    assert Answered("again") == await kept.ask(("again",), PATIENCE)


async def test_no_more_wait_than_may(child):
    """Beyond the cap a question is refused at once, however long the others take."""
    kept = await child(at_once=1, waiting=2)
    await kept.ask(("first",), PATIENCE)
    asked = [asyncio.create_task(kept.ask(("wait", PATIENCE), PATIENCE)) for _ in range(3)]
    await until(lambda: kept.wait_now == 2)

    assert Unanswered("too many questions wait already") == await kept.ask(("more",), PATIENCE)
    for task in asked:
        task.cancel()


async def test_a_question_waits_for_room_no_longer_than_its_deadline(child):
    """Others that take all the time do not have the child killed by one that never got in."""
    kept = await child(at_once=1)
    await kept.ask(("first",), PATIENCE)
    pid = kept.pid
    slow = asyncio.create_task(kept.ask(("wait", PATIENCE), PATIENCE))
    await asyncio.sleep(0)

    answer = await kept.ask(("late",), 0.2)

    assert Unanswered("other questions have taken all of 0.2 s") == answer
    assert pid == kept.pid
    slow.cancel()


@pytest.mark.parametrize("how", ["it dies", "it is no module"])
async def test_a_child_that_cannot_start_is_said_at_once(how):
    """Without a child no question waits in vain, and nothing is raised."""
    module = "tests.processes.a_child" if how == "it dies" else "tests.nowhere"
    process = ChildProcess(module, "stillborn", {"PYTHONPATH": ROOT})
    async with process.kept() as kept:
        async with asyncio.timeout(PATIENCE):
            while (await kept.ask(("echo",), 0.1)) != CANNOT_START:
                pass
        answer = await kept.ask(("echo",), PATIENCE)

    assert CANNOT_START == answer


async def test_without_a_python_to_start_nothing_is_raised(monkeypatch):
    """An interpreter that is gone is told like any child that cannot start."""
    monkeypatch.setattr(sys, "executable", "/nowhere/python")
    async with ChildProcess("nothing", None, {}).kept() as kept:
        async with asyncio.timeout(PATIENCE):
            while (await kept.ask("anything", 0.1)) != CANNOT_START:
                pass


async def test_what_a_child_prints_is_no_answer(child):
    """Printed text does not end up between messages."""
    kept = await child()

    assert Answered("print") == await kept.ask(("print",), PATIENCE)
    assert Answered("after") == await kept.ask(("after",), PATIENCE)


async def test_a_failure_is_told_without_its_words(child):
    """A bug is logged there and told here as no answer; the child goes on."""
    kept = await child()
    await kept.ask(("first",), PATIENCE)
    pid = kept.pid

    answer = await kept.ask(("fail",), PATIENCE)

    assert isinstance(answer, Unanswered)
    assert "a bug" not in answer.detail
    assert Answered("after") == await kept.ask(("after",), PATIENCE)
    assert pid == kept.pid


async def test_a_child_inherits_no_secret(child, monkeypatch):
    """Only named variables reach it; it is nicer than we are, and in no terminal's group."""
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "canary-7f3a")
    monkeypatch.setenv("PGPASSFILE", "/run/pgpass")
    kept = await child(environ=environment_of(os.environ))

    environ, nice, pid = (await kept.ask(("environment",), PATIENCE)).value

    assert "canary-7f3a" not in "".join(environ.values())
    assert "PGPASSFILE" not in environ
    assert os.nice(0) + 3 == nice
    assert os.getpgid(pid) != os.getpgid(0)
    assert "/run/pgpass" == environment_of(os.environ, "PG")["PGPASSFILE"]


async def test_a_child_ends_with_the_block():
    """Nothing is left running, also where it was in the middle of an answer that never ends."""
    process = ChildProcess("tests.processes.a_child", "well", {"PYTHONPATH": ROOT})
    async with process.kept() as kept:
        await kept.ask(("first",), PATIENCE)
        pid = kept.pid
        spinning = asyncio.create_task(kept.ask(("spin",), PATIENCE))
        await asyncio.sleep(0.05)

    assert not is_there(pid)
    assert isinstance(await spinning, Unanswered)


async def test_a_child_ends_with_its_parent():
    """When its parent is killed with -9 the child ends by itself, in the middle of an answer."""
    script = (
        "import asyncio\n"
        "from mission_control.processes.child_process import ChildProcess\n"
        "async def main():\n"
        f"    environ = {{'PYTHONPATH': {ROOT!r}}}\n"
        "    child = ChildProcess('tests.processes.a_child', 'well', environ)\n"
        "    async with child.kept():\n"
        "        await child.ask(('first',), 60)\n"
        "        asking = asyncio.create_task(child.ask(('spin',), 60))\n"
        "        await asyncio.sleep(0.1)\n"
        "        print(child.pid, flush=True)\n"
        "        await asking\n"
        "asyncio.run(main())\n"
    )
    command = [sys.executable, "-c", script]
    with subprocess.Popen(command, cwd=ROOT, stdout=subprocess.PIPE, text=True) as parent:  # noqa: ASYNC220
        assert parent.stdout is not None
        pid = int(await asyncio.to_thread(parent.stdout.readline))
        parent.kill()

    with contextlib.suppress(ProcessLookupError):
        await until(lambda: not is_there(pid))
    assert not is_there(pid)
