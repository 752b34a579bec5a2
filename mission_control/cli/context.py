"""The context of every command: clock, output, and where its settings come from."""

from __future__ import annotations

import sys
from contextlib import nullcontext
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, Mapping
    from contextlib import AbstractContextManager
    from datetime import datetime
    from pathlib import Path

    from rich.console import Console


async def let_pass(seconds: float) -> None:
    """Let so many seconds pass."""
    from asyncio import sleep  # noqa: PLC0415  (help needs no event loop)

    await sleep(seconds)


@dataclass(frozen=True, slots=True)
class CliContext:
    """
    What a command works with; reached by `@click.pass_obj`.

    `clock` says what time it is (UTC, aware). Messages go to stderr by `say`, data to stdout by
    `click.echo`. A command with flags for settings of its own loads them from `environ` and
    `config_file`. `wait` sleeps for seconds.
    """

    clock: Callable[[], datetime]
    json: bool
    quiet: bool
    no_color: bool = False
    environ: Mapping[str, str] = field(default_factory=dict[str, str])
    config_file: Path | None = None
    wait: Callable[[float], Awaitable[None]] = let_pass

    def busy(self, doing: str) -> AbstractContextManager[object]:
        """Show on a terminal what takes a while; nothing elsewhere, or when quiet."""
        if self.quiet or not getattr(sys.stderr, "isatty", bool)():
            return nullcontext()
        return self._console().status(doing)

    def say(self, message: str) -> None:
        """Write a message on stderr, exactly as given; nothing when quiet."""
        if not self.quiet:
            self._console().print(message, markup=False, highlight=False, soft_wrap=True)

    def _console(self) -> Console:
        # Imported here: most commands say nothing, and it takes as long as Python itself.
        from rich.console import Console  # noqa: PLC0415

        return Console(stderr=True, no_color=self.no_color or None)
