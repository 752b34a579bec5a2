"""The token of the pages: of a file, sent to Mission Control alone, and shown to no one."""

import logging
import os

import httpx
import orjson
import pytest

from ops_ui.access.secret_file import SecretFile
from ops_ui.access.settings import Access

pytestmark = pytest.mark.anyio
TOKEN = "mct_0123456789abcdef"  # noqa: S105  (made up)
PATHS = ["/", "/wall", "/alerts", "/read-only", "/events", "/evidence/download", "/ops/status"]


@pytest.fixture
def token(tmp_path):
    """Write a token into a file."""
    path = tmp_path / "token"
    path.write_text(f"{TOKEN}\n")
    return path


def bearers(upstream):
    """List what was sent as `Authorization`, each once."""
    return {r.headers.get("authorization") for r in upstream.requests}


async def test_each_question_bears_the_token_of_now(open_pages, upstream, token):
    """R16.16: the file is read again when it changes; the stream bears it as well."""
    pages = open_pages(Access(), api_token=SecretFile(token)).pages
    for path in ("/", "/pulse", "/read-only", "/evidence/download"):
        await pages.get(path)
    assert {f"Bearer {TOKEN}"} == bearers(upstream)
    token.with_suffix(".new").write_text("another")
    os.replace(token.with_suffix(".new"), token)  # noqa: PTH105  (as Kubernetes does)
    upstream.requests.clear()
    await pages.get("/read-only")
    assert {"Bearer another"} == bearers(upstream)


async def test_without_a_token_none_is_sent(pages, upstream):
    """R16.16: a Mission Control on loopback is asked as before."""
    await pages.get("/")

    assert {None} == bearers(upstream)


@pytest.mark.parametrize("status", [401, 403])
@pytest.mark.parametrize("path", PATHS)
async def test_a_refused_token_is_told_and_never_offline(
    open_pages, upstream, token, caplog, status, path
):
    """R16.21: 401 and 403 say that our token is refused, and what helps; never the token."""
    caplog.set_level(logging.DEBUG)
    problem = orjson.dumps({"detail": f"the token {TOKEN} was revoked", "code": "x"})
    for known in [*upstream.answers, "/api/v1/evidence", "/api/v1/readiness/latest"]:
        upstream.answers[known] = httpx.Response(status, content=problem)
    answer = await open_pages(Access(), api_token=SecretFile(token)).pages.get(path)

    assert answer.status_code in {200, 502}
    assert "OFFLINE" not in answer.text
    if path == "/ops/status":
        assert "MISSION_CONTROL_UNREACHABLE" in answer.text
    elif path != "/alerts":
        assert "Mission Control refuses our token" in answer.text
        assert f"it answers {status} to the token of {token}" in answer.text
        assert "mission-control token new" in answer.text
    assert TOKEN not in answer.text + caplog.text


async def test_a_missing_token_is_told_with_its_remedy(open_pages, upstream):
    """R16.21: pages without a token say which setting names one."""
    upstream.answers["/api/v1/posture"] = httpx.Response(401, content=b"{}")
    answer = await open_pages(Access()).pages.get("/")

    assert "REFUSED" in answer.text
    assert "MISSION_CONTROL_UI_API_TOKEN_FILE" in answer.text


@pytest.mark.parametrize("path", ["/", "/read-only", "/evidence/download"])
async def test_a_token_that_is_gone_is_told_by_its_file(open_pages, upstream, token, path):
    """R16.21: a file that cannot be read any more is named, and nothing is asked without it."""
    pages = open_pages(Access(), api_token=SecretFile(token)).pages
    token.unlink()
    answer = await pages.get(path)

    assert f"{token} cannot be read: No such file or directory" in answer.text
    assert [] == upstream.requests
