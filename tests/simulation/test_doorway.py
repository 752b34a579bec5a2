"""A port that is shut hangs up on everybody, also on who was just being let in."""

import asyncio
import socket

import pytest

from mission_control.simulation.loopback import LOOPBACK, Doorway

pytestmark = pytest.mark.anyio


async def app(_scope, _receive, _send):
    """Answer no request."""
    await asyncio.Event().wait()


@pytest.mark.parametrize("steps", range(6))
async def test_no_client_is_left_inside(steps):
    """However far a connection is accepted when the door is shut, it is closed."""
    doorway, loop = Doorway(app, 0), asyncio.get_running_loop()
    await doorway.open()
    with socket.create_connection((LOOPBACK, doorway.port)) as caller:
        caller.setblocking(False)  # noqa: FBT003  (its name there)
        for _ in range(steps):
            await asyncio.sleep(0)
        await doorway.shut()
        try:
            async with asyncio.timeout(20):
                received = await loop.sock_recv(caller, 1)
        except ConnectionResetError:
            received = b""
    doorway.release()

    assert b"" == received
