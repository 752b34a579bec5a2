"""Observe: hears the kill switch from its ConfigMap, its mounted file and the environment."""

import asyncio
from collections.abc import Mapping
from pathlib import Path

from mission_control.jobs.ports import Clock
from mission_control.model.kill_switch import WitnessKind
from mission_control.model.reading import Seen, Unseen, UnseenReason
from mission_control.model.snapshot import Witnessed
from mission_control.observe.cluster_reader.config_map_witness import ConfigMapWitness

MAX_BYTES = 4 * 1024
DEADLINE_SECONDS = 2.0
"""A mounted file is read within this time, or not at all: a mount can hang."""


class SwitchWitnesses:
    """
    The configured witnesses outside the services; satisfies `SwitchReader`.

    What cannot be read is `Unseen(UNREADABLE)`. The predecessor read every error as "not
    halted"; here no error has a meaning of its own.
    """

    def __init__(
        self,
        file: Path | None,
        environment: Mapping[str, str],
        clock: Clock,
        config_map: ConfigMapWitness | None = None,
    ) -> None:
        """
        Hear this file, None where there is none, and these variables as they were at start.

        `config_map` is None where no cluster is read.
        """
        self._config_map = config_map
        self._file = file
        self._environment = dict(environment)
        self._clock = clock
        self._reading: asyncio.Task[str] | None = None

    async def read(self) -> tuple[Witnessed, ...]:
        """Hear each configured witness once."""
        told = asyncio.ensure_future(self._config_map.read()) if self._config_map else None
        heard = [
            Witnessed(WitnessKind.ENVIRONMENT, name, Seen(value, self._clock()))
            for name, value in sorted(self._environment.items())
        ]
        if self._file is not None:
            reading = await self._read_file(self._file)
            heard.append(Witnessed(WitnessKind.FILE, str(self._file), reading))
        if told is not None:
            heard.append(await told)
        return tuple(heard)

    async def _read_file(self, path: Path) -> Seen[str] | Unseen:
        """
        Read in a thread; while one read hangs no second is started.

        What a read that hung brings at last is old, and is thrown away.
        """
        if self._reading is not None:
            if not self._reading.done():
                return self._unseen("a read of it still hangs")
            self._reading.exception()  # looked at, so that nobody complains that nobody did
            self._reading = None
        if self._reading is None:
            self._reading = asyncio.create_task(asyncio.to_thread(_first_bytes, path))
        try:
            async with asyncio.timeout(DEADLINE_SECONDS):
                text = await asyncio.shield(self._reading)
        except TimeoutError:
            return self._unseen(f"not read within {DEADLINE_SECONDS:.0f} s")
        except UnicodeDecodeError:
            self._reading = None
            return self._unseen("not UTF-8 text")
        except OSError as error:
            self._reading = None
            return self._unseen(error.strerror or type(error).__name__)
        self._reading = None
        return Seen(text, self._clock())

    def _unseen(self, detail: str) -> Unseen:
        return Unseen(UnseenReason.UNREADABLE, self._clock(), detail=detail)


def _first_bytes(path: Path) -> str:
    with path.open("rb") as file:
        return file.read(MAX_BYTES).decode("utf-8")
