"""Asking a server: whatever it answers, the command ends soon, small and in one line."""

import socket
import threading
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager

import pytest

from mission_control.cli import floor_answers as remote

HEAD = b"HTTP/1.1 %s\r\ncontent-type: application/json\r\n"


@contextmanager
def server(answer: bytes) -> Iterator[str]:
    """Answer every connection with these bytes, and then keep silent until the test ends."""

    def serve() -> None:
        with ExitStack() as held:
            while True:
                try:
                    connection, _ = listener.accept()
                except OSError:
                    return
                held.enter_context(connection)
                connection.recv(65536)
                connection.sendall(answer)

    with socket.create_server(("127.0.0.1", 0)) as listener:
        thread = threading.Thread(target=serve, daemon=True)
        thread.start()
        try:
            yield f"http://127.0.0.1:{listener.getsockname()[1]}"
        finally:
            listener.shutdown(socket.SHUT_RDWR)
            thread.join()


def whole(body: bytes, status: bytes = b"200 OK") -> bytes:
    """Write an answer with its length."""
    return HEAD % status + b"content-length: %d\r\n\r\n%s" % (len(body), body)


@pytest.mark.parametrize(
    ("answer", "said"),
    [
        pytest.param(b"", "did not answer within 0.3 s", id="silence"),
        pytest.param(HEAD % b"200 OK", "did not answer within 0.3 s", id="half a head"),
        pytest.param(whole(b"{}")[:-1], "did not answer within 0.3 s", id="half a body"),
        pytest.param(b"SSH-2.0-x\r\n\r\n", "could not be asked: RemoteProtocolError", id="no HTTP"),
        pytest.param(whole(b"x" * 5000), "larger than", id="too large"),
        pytest.param(whole(b"<html>"), "with no JSON", id="HTML"),
        pytest.param(whole(b"[" * 2000), "with no JSON", id="deep"),
        pytest.param(whole(b"[]"), "with no JSON object", id="list"),
        pytest.param(whole(b"{}", b"503 No"), "with status 503", id="503"),
        pytest.param(
            HEAD % b"302 Found" + b"location: http://127.0.0.1:1/\r\ncontent-length: 0\r\n\r\n",
            "with status 302",
            id="redirect",
        ),
        pytest.param(whole(b"{}"), "does not answer as Mission Control does", id="another API"),
        pytest.param(
            whole(b'{"posture": "FINE"}'), "does not answer as Mission Control does", id="verdict"
        ),
    ],
)
def test_a_bad_server_gives_no_verdict(run, monkeypatch, answer, said):
    """
    No answer but Mission Control's own becomes a verdict; everything else is one line.
    """
    waits_in_vain = "did not answer" in said
    monkeypatch.setattr(remote, "DEADLINE_SECONDS", 0.3 if waits_in_vain else 30.0)
    monkeypatch.setattr(remote, "MAX_BYTES", 4096)
    with server(answer) as url:
        result = run("status", "--url", url)

    assert (1, "") == (result.exit_code, result.stdout)
    assert said in result.stderr
    assert 1 == len(result.stderr.splitlines())
