"""Observe: nothing but a harmless GET leaves, and that is proven by trying."""

import httpx
import pytest

from mission_control.probe.transport import GuardedTransport, RefusedRequest
from mission_control.read_only.proof import FORBIDDEN_METHODS, Attestation

pytestmark = pytest.mark.anyio


@pytest.fixture
def reached():
    """Collect what gets past the guard."""
    return []


@pytest.fixture
def guarded(reached):
    """Return a guard with nothing but a list behind it."""

    def answer(request):
        reached.append(request)
        return httpx.Response(200)

    return GuardedTransport(httpx.MockTransport(answer))


@pytest.mark.parametrize("method", [*FORBIDDEN_METHODS, "get", "PURGE"])
async def test_other_methods_are_refused(guarded, reached, method):
    """Any method but GET is refused before anything is sent (R2.9)."""
    request = httpx.Request("GET", "http://x/healthz")
    request.method = method

    with pytest.raises(RefusedRequest):
        await guarded.handle_async_request(request)

    assert [] == reached


@pytest.mark.parametrize(
    "path",
    [
        "/state",
        "/recover",
        "/execute",
        "/STATE/",
        "/state?x=1",
        "/v1/state",
        "/state;x",
        "/x/%2e%2e/state",
    ],
)
async def test_paths_that_act_are_refused(guarded, reached, path):
    """Paths that act although they are asked with GET are refused (R2.9)."""
    with pytest.raises(RefusedRequest):
        await guarded.handle_async_request(httpx.Request("GET", f"http://x{path}"))

    assert [] == reached


async def test_the_attestation_counts_and_tries(guarded):
    """The attestation reports what was sent and that all other methods are refused (R10.1)."""
    await guarded.handle_async_request(httpx.Request("GET", "http://x/healthz"))

    facts = await Attestation(lambda: (guarded,), "none").facts()

    assert (("GET", 1),) == facts.requests_by_method
    assert {(m, True) for m in FORBIDDEN_METHODS} == set(facts.refused)
