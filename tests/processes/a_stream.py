"""A child that makes the stream that it is asked for: whole, endless, broken, silent."""

import asyncio
import os

from mission_control.processes.streaming_child import run_streaming


async def make(setup):
    """Return pieces; its own number first."""
    yield str(os.getpid()).encode()
    match setup:
        case "endless":
            while True:
                yield b"x" * 100_000
        case "dies":
            os._exit(9)
        case "fails":
            raise ValueError("a bug")
        case "prints":
            print("something between")
        case "hangs":
            await asyncio.sleep(600)
        case _:
            yield b"y" * 1_000_000


if __name__ == "__main__":
    run_streaming(make)
