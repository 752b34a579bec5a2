"""Command line: asks a Mission Control that is already serving; GET only, and within limits."""

import asyncio
import json
from dataclasses import dataclass
from typing import cast

import click
import httpx

from mission_control import process
from mission_control.configuration.service_address import UnusableAddress, read_base_url

DEADLINE_SECONDS = 20.0
MAX_BYTES = 16 * 1024 * 1024


@dataclass(frozen=True, slots=True)
class RemoteAnswer:
    """A server's answer: its status and its body, whole."""

    status: int
    body: bytes


def ask_server(url: str, path: str, accept: str = "*/*") -> RemoteAnswer:
    """
    Ask a server for a path once, or say in one line why it could not be asked.

    Redirects are not followed and proxies of the environment are ignored: what answers is what
    was named. The whole answer must arrive within the deadline and the size that are allowed.
    """
    try:
        base = read_base_url(url)
    except UnusableAddress as error:
        raise click.BadParameter(f"{error.problem} ({error.remedy})", param_hint="--url") from error
    try:
        return process.run(_ask(base + path, accept))
    except (httpx.HTTPError, TimeoutError) as error:
        reason = type(error).__name__
        raise click.ClickException(f"{base} could not be asked: {reason}") from error


async def _ask(address: str, accept: str) -> RemoteAnswer:
    headers = {"accept": accept, "accept-encoding": "identity"}
    body = bytearray()
    async with (
        asyncio.timeout(DEADLINE_SECONDS),
        httpx.AsyncClient(trust_env=False, timeout=DEADLINE_SECONDS, headers=headers) as client,
        client.stream("GET", address) as response,
    ):
        async for chunk in response.aiter_raw():
            body += chunk
            if len(body) > MAX_BYTES:
                raise click.ClickException("the answer is larger than 16 MiB")
        return RemoteAnswer(response.status_code, bytes(body))


def ask_for_document(url: str, path: str) -> dict[str, object]:
    """Ask a server for a JSON object, or say in one line what it answered instead."""
    answer = ask_server(url, path, "application/json")
    if not httpx.codes.is_success(answer.status):
        raise click.ClickException(f"{url} answered {path} with status {answer.status}")
    try:
        document: object = json.loads(answer.body)
    except (ValueError, RecursionError) as error:
        raise click.ClickException(f"{url} answered {path} with no JSON") from error
    if not isinstance(document, dict):
        raise click.ClickException(f"{url} answered {path} with no JSON object")
    return cast("dict[str, object]", document)
