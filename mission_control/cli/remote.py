"""Command line: asks a Mission Control that is already serving; GET only, and within limits."""

import json
import time
from dataclasses import dataclass
from typing import cast

import click
import httpx

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
    ends = time.monotonic() + DEADLINE_SECONDS
    headers = {"accept": accept, "accept-encoding": "identity"}
    try:
        with (
            httpx.Client(trust_env=False, timeout=DEADLINE_SECONDS, headers=headers) as client,
            client.stream("GET", base + path) as response,
        ):
            body = _read_body(response, ends)
            return RemoteAnswer(response.status_code, body)
    except httpx.HTTPError as error:
        reason = type(error).__name__
        raise click.ClickException(f"{base} could not be asked: {reason}") from error


def _read_body(response: httpx.Response, ends: float) -> bytes:
    body = bytearray()
    for chunk in response.iter_raw():
        body += chunk
        if len(body) > MAX_BYTES:
            raise click.ClickException("the answer is larger than 16 MiB")
        if time.monotonic() > ends:
            raise click.ClickException(f"the answer took more than {DEADLINE_SECONDS:g} s")
    return bytes(body)


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
