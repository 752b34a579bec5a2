"""Command line: `conformance` asks a real service over a real socket and judges what it says."""

import asyncio
import json
import threading
from contextlib import contextmanager

import pytest
from click.testing import CliRunner

from mission_control.cli.conformance import conformance
from mission_control.cli.context import CliContext
from tests.contract.contract_answers import NOW, STRATEGY

ALIVE = {"status": "ok", "service": "strategy-engine"}
KEPT = {"/ops/status": (200, STRATEGY), "/healthz": (200, ALIVE), "/health": (200, ALIVE)}
HANGS = object()


async def serve(answers, asked, announce, stop):
    """Answer each path with its status and JSON; a path without an answer is a 404."""

    async def answer(reader, writer):
        while request := await reader.readline():
            method, path, _ = request.decode().split(" ", 2)
            asked.append(f"{method} {path}")
            while (await reader.readline()).strip():
                pass
            if answers.get(path) is HANGS:
                await stop.wait()
                break
            status, document = answers.get(path, (404, {"detail": "Not Found"}))
            body = document if isinstance(document, bytes) else json.dumps(document).encode()
            head = f"HTTP/1.1 {status} Reason\r\ncontent-length: {len(body)}\r\n\r\n"
            writer.write(head.encode() + body)
            await writer.drain()
        writer.close()

    server = await asyncio.start_server(answer, "127.0.0.1", 0)
    async with server:
        announce(server.sockets[0].getsockname()[1])
        await stop.wait()


@contextmanager
def service(answers):
    """Run a service on a loopback port; yield its address and the requests it got."""
    asked, ready, shown = [], threading.Event(), {}

    async def run():
        stop = asyncio.Event()
        shown["stop"] = (asyncio.get_running_loop(), stop)

        def announce(port):
            shown["port"] = port
            ready.set()

        await serve(answers, asked, announce, stop)

    thread = threading.Thread(target=lambda: asyncio.run(run()))
    thread.start()
    assert ready.wait(10)
    try:
        yield f"http://127.0.0.1:{shown['port']}", asked
    finally:
        loop, stop = shown["stop"]
        loop.call_soon_threadsafe(stop.set)
        thread.join(10)
        assert not thread.is_alive()


def run(*arguments, as_json=False):
    """Run the command as the command line does, at a fixed time."""
    context = CliContext(
        clock=lambda: NOW,
        json=as_json,
        quiet=False,
    )
    return CliRunner().invoke(conformance, arguments, obj=context)


def test_service_that_keeps_the_contract_passes():
    """
    A sound service exits 0 with the verdict first, asked three times and only by GET.
    """
    with service(KEPT) as (url, asked):
        result = run(url)

    assert 0 == result.exit_code, result.output
    assert (
        f"{url}: CONFORMS to the status contract (0 violations, 0 worth putting right)"
        == (result.stdout.splitlines()[0])
    )
    assert ["GET /health", "GET /healthz", "GET /ops/status"] == sorted(asked)


def test_prefix_of_the_address_is_kept():
    """
    The endpoints are asked below the address, prefix included.
    """
    with service({f"/fleet{path}": answer for path, answer in KEPT.items()}) as (url, asked):
        result = run(f"{url}/fleet/")

    assert 0 == result.exit_code, result.output
    assert "GET /fleet/ops/status" in asked


@pytest.mark.parametrize(
    ("arguments", "as_json"),
    [
        pytest.param(["--json"], False, id="on the command"),
        pytest.param([], True, id="globally"),
    ],
)
def test_deviations_are_told_to_programs(arguments, as_json):
    """
    As JSON, each deviation carries field, rule, what was found and a remedy; the exit code is 4.
    """
    broken = STRATEGY | {"safety": STRATEGY["safety"] | {"kill_switch": "true"}}
    with service(KEPT | {"/ops/status": (200, broken)}) as (url, _):
        result = run(url, *arguments, as_json=as_json)
    report = json.loads(result.stdout)

    assert 4 == result.exit_code
    assert report["conforms"] is False
    assert url == report["subject"]
    assert "2026-03-06T15:00:07Z" == report["at"]
    assert ["", "safety.kill_switch"] == [d["field"] for d in report["deviations"]]
    assert "status contract a.1" == report["deviations"][1]["rule"]
    assert "Whether the kill switch halts execution" in report["deviations"][1]["remedy"]


def test_sev0_evidence_is_told_first():
    """
    A service that says it may execute orders fails with the Sev-0 evidence leading.
    """
    armed = STRATEGY | {"safety": STRATEGY["safety"] | {"safe_to_execute_orders": True}}
    with service(KEPT | {"/ops/status": (200, armed)}) as (url, _):
        result = run(url)

    assert 4 == result.exit_code
    assert "SEV-0 VIOLATION  /ops/status safety.safe_to_execute_orders  (status contract a.1)" in (
        result.stdout.splitlines()
    )


@pytest.mark.parametrize(
    ("answers", "said"),
    [
        pytest.param({"/healthz": (200, ALIVE)}, "NOT_OFFERED", id="liveness alone"),
        pytest.param({}, "NOT_OFFERED", id="nothing offered"),
        pytest.param(KEPT | {"/ops/status": (500, b"Traceback")}, "HTTP_500", id="error"),
        pytest.param(KEPT | {"/ops/status": (302, b"")}, "REDIRECTED", id="redirect"),
        pytest.param(KEPT | {"/ops/status": (200, b"<html>")}, "NOT_JSON", id="page"),
        pytest.param(KEPT | {"/ops/status": (200, b"x" * 70_000)}, "BODY_TOO_LARGE", id="flood"),
        pytest.param(KEPT | {"/ops/status": (200, b"[" * 100 + b"]" * 100)}, "TOO_DEEP", id="pit"),
        pytest.param(
            KEPT | {"/ops/status": (200, {"status": "ok"})}, "CONTRACT_INVALID", id="no contract"
        ),
    ],
)
def test_service_without_a_readable_contract_deviates(answers, said):
    """
    Anything other than the contract is named, and never passes.
    """
    with service(answers) as (url, _):
        result = run(url)

    assert 4 == result.exit_code, result.output
    assert said in result.stdout
    assert "remedy: " in result.stdout


def test_hanging_service_is_given_up_at_the_deadline():
    """
    The deadline holds for a service that never answers, and the report says TIMEOUT.
    """
    with service({"/ops/status": HANGS}) as (url, _):
        result = run(url, "--deadline", "0.3")

    assert 4 == result.exit_code
    assert "/ops/status  TIMEOUT" in result.stdout


def test_a_silent_address_deviates():
    """
    An address where nothing listens is explained, not an error of the command.
    """
    with service({}) as (url, _):
        pass
    result = run(url)

    assert 4 == result.exit_code
    assert "CONNECTION_REFUSED" in result.stdout


def test_expected_kind_is_held_against_the_answer():
    """
    `--kind` makes another kind a violation.
    """
    with service(KEPT) as (url, _):
        result = run(url, "--kind", "marketdata")

    assert 4 == result.exit_code
    assert "VIOLATION  /ops/status service_kind  (status contract a.1)" in result.stdout


@pytest.mark.parametrize(
    "arguments",
    [
        pytest.param(["ftp://127.0.0.1/"], id="scheme"),
        pytest.param(["127.0.0.1:8080"], id="no scheme"),
        pytest.param(["http://user:hunter2@127.0.0.1/"], id="password"),
        pytest.param(["http://127.0.0.1/?token=hunter2"], id="query"),
        pytest.param(["http://127.0.0.1/execute"], id="path that acts"),
        pytest.param(["http://127.0.0.1:99999/"], id="port"),
        pytest.param(["http://127.0.0.1/", "--kind", "broker"], id="kind"),
        pytest.param(["http://127.0.0.1/", "--deadline", "0"], id="no time"),
        pytest.param(["http://127.0.0.1/", "--deadline", "31"], id="too much time"),
        pytest.param([], id="no address"),
    ],
)
def test_unusable_arguments_are_usage_errors(arguments):
    """
    A bad address or option exits 2 before anything is asked, and repeats no password.
    """
    result = run(*arguments)

    assert 2 == result.exit_code
    assert "hunter2" not in result.output
