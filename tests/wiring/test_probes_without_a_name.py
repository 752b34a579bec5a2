"""Probes of load balancers: HTTP/1.0 without any Host, over real sockets, to both servers."""

import asyncio

import httpx
import pytest

from mission_control.api import connection_limits as of_the_api
from ops_ui import limits as of_the_pages
from ops_ui.application import create_application
from ops_ui.settings import Settings
from tests.api.paper_floor import PaperControl
from tests.ops_ui.conftest import streamed
from tests.wiring.test_connection_limits import PATIENCE, served

pytestmark = pytest.mark.anyio


def pages():
    """Give the pages over nothing at all."""
    missing = httpx.MockTransport(lambda _: httpx.Response(404, content=streamed(b"")))
    behind = httpx.AsyncClient(transport=missing, base_url="http://localhost")
    return create_application(Settings(), behind)


@pytest.fixture(params=["the API", "the pages"])
def serving(request):
    """Serve each application through its own protocol."""
    if request.param == "the API":
        return served(of_the_api.LimitedHttpProtocol, PaperControl().application)
    return served(of_the_pages.LimitedHttpProtocol, pages())


async def status_of(port, head):
    """Send a head as it is; gives the status of the answer."""
    reader, writer = await asyncio.open_connection("127.0.0.1", port)
    writer.write(head + b"\r\n\r\n")
    line = await reader.readline()
    writer.close()
    return int(line.split()[1])


@pytest.mark.parametrize(
    ("head", "status"),
    [
        pytest.param(b"GET /healthz HTTP/1.0", 200, id="a probe"),
        pytest.param(b"GET /livez HTTP/1.0", 200, id="another probe"),
        pytest.param(b"GET /ops/status HTTP/1.0", 200, id="another path"),
        pytest.param(b"GET /healthz HTTP/1.0\r\nhost: 10.0.0.7", 200, id="health by address"),
        pytest.param(b"GET /ops/status HTTP/1.0\r\nhost: evil.example", 421, id="1.0, not ours"),
        pytest.param(b"GET /ops/status HTTP/1.1\r\nhost: evil.example", 421, id="not ours"),
        pytest.param(b"GET /healthz HTTP/1.1", 400, id="1.1 without a name"),
        pytest.param(b"GET /healthz HTTP/1.0\r\nhost: a\r\nhost: b", 400, id="two names"),
    ],
)
async def test_who_speaks_1_0_needs_no_name(serving, head, status):
    """Without a Host HTTP/1.0 is answered; a name that is given has to be ours, as ever."""
    async with serving as port, asyncio.timeout(PATIENCE):
        assert status == await status_of(port, head)
