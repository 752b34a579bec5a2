"""Record, durable copy: an S3-compatible store, spoken to over a real server on loopback."""

import asyncio
import hashlib
import os
import subprocess
import sys
import time
from contextlib import asynccontextmanager

import pytest

from mission_control.durable_copy.model import S3Address
from mission_control.durable_copy.s3_store import S3Place, S3Store
from mission_control.errors import StorageError
from mission_control.redaction.redact import redact_text
from tests.s3_server import KEY_ID, SECRET, line_to, store_at

pytestmark = pytest.mark.anyio
NAME = "audit_artifacts/ops_runs/20261120T133000Z_intraday_sample/posture.json"


def digest(content):
    """Return what a store says of these bytes."""
    return hashlib.sha256(content).hexdigest(), len(content)


@pytest.fixture
def bucket(s3_server):
    """Return a bucket of this test's own."""
    return s3_server.bucket()


@pytest.fixture
def store(s3_server, bucket, credentials):
    """Return our store in that bucket."""
    return store_at(s3_server.url, bucket, credentials)


async def test_what_is_created_is_there_once_and_for_all(store, s3_server, bucket):
    """
    An object is created below the prefix; a second time is refused and changes nothing (R12.11).
    """
    assert await store.create(NAME, b"first") is True
    assert await store.create(NAME, b"second") is False

    assert b"first" == s3_server.get(f"{bucket}/floor/copy/{NAME}")
    assert digest(b"first") == await store.digest(NAME)


@pytest.mark.parametrize("size", [0, 1, 11_000_000])
async def test_any_size_is_one_request_and_reads_back_whole(store, size):
    """Nothing, a byte and more than the library would send in parts are all created alike."""
    content = b"x" * size

    assert await store.create(NAME, content) is True
    assert await store.create(NAME, b"other") is False
    assert digest(content) == await store.digest(NAME)


async def test_of_writers_that_race_one_wins(store):
    """Of eight that create the same name at once exactly one does, and its bytes stay."""
    for number in range(10):
        name = f"{NAME}.{number}"
        contents = [bytes([writer]) * 100 for writer in range(8)]
        won = await asyncio.gather(*(store.create(name, c) for c in contents))

        assert 1 == sum(won)
        assert digest(contents[won.index(True)]) == await store.digest(name)


async def test_only_what_is_wanted_is_listed(store, s3_server, bucket):
    """The list holds names and sizes below the prefix, page after page, and nothing unwanted."""
    names = [f"audit_artifacts/ops_runs/{n:04}" for n in range(60)]
    await asyncio.gather(*(store.create(name, b"12345") for name in names))
    await store.create("ledger/1", b"1")
    await store.create("elsewhere/1", b"1")
    s3_server.put(f"{bucket}/audit_artifacts/ops_runs/outside", b"1")

    listed = await store.listing(lambda path: not path.endswith("7"))

    assert {n: 5 for n in names if not n.endswith("7")} | {"ledger/1": 1} == listed


@pytest.mark.parametrize("weather", ["cut", "hang", "broken"])
async def test_whatever_the_store_does_is_a_named_failure_in_time(
    s3_server, bucket, credentials, weather
):
    """A store that hangs up, hangs or answers 500 is a StorageError that names the object."""
    async with line_to(s3_server) as line:
        patient = store_at(line.url, bucket, credentials)
        assert await patient.create("ledger/1", b"1") is True
        line.weather = weather
        store = store_at(line.url, bucket, credentials, seconds=1.0)
        began = time.monotonic()
        for call in (store.create(NAME, b"x"), store.digest("ledger/1"), store.listing(bool)):
            with pytest.raises(StorageError, match="record-") as failed:
                await asyncio.wait_for(call, 30)
            assert SECRET not in str(failed.value)
        assert 15 > time.monotonic() - began

        line.weather = "fair"
        assert await patient.create(NAME, b"x") is True


async def test_a_closed_port_is_a_named_failure(credentials):
    """A port where nothing listens is named in one line, without the library's debug text."""
    store = store_at("http://127.0.0.1:1", "bucket", credentials)

    with pytest.raises(StorageError) as failed:
        await store.create(NAME, b"x")

    assert f"s3://bucket/floor/copy/{NAME}" in str(failed.value)
    assert "\n" not in str(failed.value)
    assert "Debug" not in str(failed.value)


async def test_what_is_not_there_is_a_named_failure(store):
    """Reading back what is not there, and a bucket that is not there, are StorageErrors."""
    with pytest.raises(StorageError, match="read back"):
        await store.digest(NAME)


async def test_a_bucket_that_is_not_there_is_a_named_failure(s3_server, credentials):
    """A bucket that does not exist is named."""
    store = store_at(s3_server.url, "no-such-bucket", credentials)

    with pytest.raises(StorageError, match="no-such-bucket"):
        await store.create(NAME, b"x")


async def test_an_answer_that_holds_the_credentials_is_not_repeated(tmp_path, s3_server):
    """What a store says of us is masked before it is told."""
    file = tmp_path / "credentials"
    file.write_text(f"access_key_id={KEY_ID}\nsecret_access_key={SECRET}\n")
    # A bucket's name is repeated by the server in its answer.
    place = S3Place(S3Address(KEY_ID.lower()), "us-east-1", s3_server.url, file, 5.0, 0)
    store = S3Store(place, redact_text)
    file.write_text(f"access_key_id={KEY_ID.lower()}\nsecret_access_key={SECRET}\n")

    with pytest.raises(StorageError) as failed:
        await store.create(NAME, b"x")

    assert KEY_ID.lower() not in failed.value.problem
    assert SECRET not in failed.value.problem


async def test_credentials_that_cannot_be_read_are_named(s3_server, bucket, tmp_path):
    """A missing credentials file is a failure of the run that names the file."""
    store = store_at(s3_server.url, bucket, tmp_path / "none")

    with pytest.raises(StorageError, match="credentials cannot be read"):
        await store.create(NAME, b"x")


def test_the_library_is_loaded_only_when_a_store_is_spoken_to():
    """Importing our room, and bootstrap's, loads nothing that speaks with stores."""
    script = (
        "import sys, mission_control.bootstrap.keeping\n"
        "print('obstore' in sys.modules, 'mission_control.durable_copy.s3_store'"
        " in sys.modules)"
    )
    done = subprocess.run(
        [sys.executable, "-c", script], capture_output=True, text=True, check=True, env=os.environ
    )

    assert "False True\n" == done.stdout


@pytest.mark.parametrize("name", ["../outside", "ledger/../../outside", "a//b"])
async def test_no_name_leads_out_of_the_prefix(store, s3_server, bucket, name):
    """A name that is none is refused, and no object is made of it."""
    with pytest.raises(StorageError):
        await store.create(name, b"x")

    assert b"<Key>" not in s3_server.get(bucket)


@asynccontextmanager
async def answering(body):
    """Serve the same answer to whatever is asked; returns the address."""
    head = f"HTTP/1.1 400 Bad Request\r\ncontent-length: {len(body)}\r\nconnection: close\r\n\r\n"

    async def answer(reader, writer):
        await reader.readuntil(b"\r\n\r\n")
        writer.write(head.encode() + body)
        await writer.drain()
        writer.close()

    async with await asyncio.start_server(answer, "127.0.0.1", 0) as server:
        yield f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}"


@pytest.mark.parametrize(
    ("body", "told"),
    [
        pytest.param(
            b'<?xml version="1.0"?><Error><Code>ExpiredToken</Code><Message>It has\nexpired.'
            b"</Message><Token-0>of-the-instance</Token-0></Error>",
            "400 Bad Request: ExpiredToken, It has expired.",
            id="an expired token",
        ),
        pytest.param(
            b"<Error><Code>InvalidAccessKeyId</Code><AWSAccessKeyId>of-the-instance"
            b"</AWSAccessKeyId></Error>",
            "400 Bad Request: InvalidAccessKeyId",
            id="a key id",
        ),
        pytest.param(b"<html>of-the-instance</html>", "an answer that is not shown", id="no error"),
    ],
)
async def test_of_an_answer_only_code_and_message_are_told(credentials, body, told):
    """Stores repeat tokens and key ids, also those that no file of ours holds."""
    async with answering(body) as url:
        with pytest.raises(StorageError) as failed:
            await store_at(url, "bucket", credentials).digest(NAME)

    assert failed.value.problem.endswith(told)
    assert "of-the-instance" not in str(failed.value)


async def test_credentials_that_never_come_are_a_named_failure_in_time(tmp_path):
    """A pipe without a writer, as a mount that hangs, blocks no run."""
    os.mkfifo(tmp_path / "pipe")
    store = store_at("http://127.0.0.1:1", "bucket", tmp_path / "pipe", seconds=0.2)
    try:
        with pytest.raises(StorageError, match=r"no answer within 0\.2 s"):
            await asyncio.wait_for(store.create(NAME, b"x"), 10)
    finally:
        os.close(os.open(tmp_path / "pipe", os.O_WRONLY))
