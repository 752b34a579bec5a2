"""Abuse: the API keeps to its own description, whatever is asked (schemathesis)."""

import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import suppress
from datetime import datetime
from pathlib import Path

import httpx
import pytest
import requests
import schemathesis
from hypothesis import HealthCheck, Phase, given, seed, settings
from hypothesis.errors import Unsatisfiable
from schemathesis import Case, GenerationMode
from schemathesis.core.failures import Failure, FailureGroup
from schemathesis.core.transport import Response
from schemathesis.specs.openapi.schemas import OpenApiSchema

from tests.ports import free_ports, wait_for_port

RECORDED = "/api/v1/reports/deploy/latest"
PATIENCE = 120.0
ENDLESS = "/api/v1/stream"
MEANING = frozenset({"bad_url", "at_in_the_future", "period_not_understood", "too_many_steps"})
"""Codes of refusals that no schema can tell: control characters, and how instants lie."""
EVERY_HEALTH_CHECK: list[HealthCheck] = list(HealthCheck)  # pyright: ignore[reportAssignmentType]
INSTANTS = ("at", "from", "to", "since", "until")


@pytest.fixture(scope="module")
def url() -> Iterator[str]:
    """Give the address of a demo's API, once it has a record."""
    first = free_ports(40)
    command = [str(Path(sys.executable).with_name("mission-control")), "demo", "--no-past"]
    command += ["--no-ui", "--interval", "0.5", "--port", str(first), "--ui-port", str(first + 1)]
    command += ["--floor-port", str(first + 2), "--at", "2026-11-18T10:15"]
    quiet = subprocess.DEVNULL
    with subprocess.Popen(command, stdout=quiet, stderr=quiet) as process:
        try:
            wait_for_port(process, first)
            address = f"http://127.0.0.1:{first}"
            wait_until_recorded(address)
            yield address
        finally:
            process.terminate()


def wait_until_recorded(address: str) -> None:
    """Wait for the run that the demo records last at its start."""
    ends = time.monotonic() + PATIENCE
    with httpx.Client(base_url=address, timeout=60.0, trust_env=False) as client:
        while time.monotonic() < ends:
            if client.get(RECORDED).status_code == httpx.codes.OK:
                return
            time.sleep(0.2)
    pytest.fail("the demo has recorded nothing")


@pytest.fixture(scope="module")
def described(url: str) -> OpenApiSchema:
    """Give the API's own description; a demo on loopback asks no one who they are."""
    document = httpx.get(f"{url}/schema.json", trust_env=False).json()
    for item in document["paths"].values():
        del item["get"]["security"]
    return schemathesis.openapi.from_dict(document)


def faults(case: Case, session: requests.Session, url: str) -> list[str]:
    """Ask, and return in which ways the answer is not as it is described."""
    answer = case.call(base_url=url, session=session, timeout=60)
    try:
        case.validate_response(answer)
    except (Failure, FailureGroup) as failed:
        told = failed.exceptions if isinstance(failed, FailureGroup) else [failed]
        kept = [f for f in told if not is_about_meaning(f, case, answer)]
        return [f"{type(f).__name__}: {answer.request.url}: {f!s:.300}" for f in kept]
    return []


def is_about_meaning(failure: Exception, case: Case, answer: Response) -> bool:
    """Return whether a value that has its form was refused for what it means, by name."""
    if type(failure).__name__ != "RejectedPositiveData":
        return False
    code = answer.json()["code"]
    if code == "instant_not_understood":  # as the 31st of February
        return any(
            not is_date(str(case.query[name])[:10]) for name in INSTANTS if name in case.query
        )
    return code in MEANING


def is_date(text: str) -> bool:
    """Return whether such a day exists."""
    try:
        datetime.fromisoformat(text)
    except ValueError:
        return False
    return True


@pytest.mark.timeout(300)
@pytest.mark.parametrize("mode", list(GenerationMode), ids=lambda mode: mode.value)
def test_every_answer_is_as_it_is_described(url, described, mode):
    """
    No undocumented status, 5xx, media type or shape; nothing accepted or refused against it.

    Each operation is asked a few questions, the same ones in each run.
    """
    found, asked = dict[str, str](), set[str]()
    with requests.Session() as session:
        for result in described.get_all_operations():
            operation = result.ok()
            if operation.path == ENDLESS:
                continue

            @seed(24)
            @settings(
                max_examples=6 if "evidence" not in operation.path else 2,
                deadline=None,
                database=None,
                phases=[Phase.generate],
                suppress_health_check=EVERY_HEALTH_CHECK,
            )
            @given(case=operation.as_strategy(generation_mode=mode))
            def ask(case):
                asked.add(case.operation.path)
                for told in faults(case, session, url):
                    found.setdefault(f"{told.split(': ')[0]} {case.operation.path}", told)

            with suppress(Unsatisfiable):  # nothing can be wrong where nothing is asked
                ask()

    assert {} == found
    assert len(asked) > (40 if mode is GenerationMode.POSITIVE else 20)


def test_the_stream_is_as_it_is_described(url, described):
    """The stream, which has no end, begins with the status and the media type described."""
    answers = described[ENDLESS]["GET"].definition.raw["responses"]
    with httpx.stream("GET", url + ENDLESS, timeout=60.0, trust_env=False) as answer:
        begun = next(answer.iter_raw())

    assert answer.headers["content-type"].split(";")[0] in answers["200"]["content"]
    assert begun.startswith(b"retry: ")
