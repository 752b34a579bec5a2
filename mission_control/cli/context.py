"""The context of every command: clock, output, and where its settings come from."""

from __future__ import annotations

import asyncio
from contextlib import nullcontext
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, Mapping
    from contextlib import AbstractContextManager
    from datetime import datetime
    from pathlib import Path

    from rich.console import Console


@dataclass(frozen=True, slots=True)
class CliContext:
    """
    What a command works with; reached by `@click.pass_obj`.

    `clock` says what time it is (UTC, aware). `console`
    writes messages to stderr; data goes to stdout by `click.echo`. A command with flags
    for settings of its own loads them from `environ` and `config_file`. `wait` sleeps for seconds.
    """

    clock: Callable[[], datetime]
    json: bool
    quiet: bool
    console: Console
    no_color: bool = False
    environ: Mapping[str, str] = field(default_factory=dict[str, str])
    config_file: Path | None = None
    wait: Callable[[float], Awaitable[None]] = asyncio.sleep

    def busy(self, doing: str) -> AbstractContextManager[object]:
        """Show on a terminal what takes a while; nothing elsewhere, or when quiet."""
        watched = self.console.is_terminal and not self.quiet
        return self.console.status(doing) if watched else nullcontext()

    def say(self, message: str) -> None:
        """Write a message on stderr, exactly as given; nothing when quiet."""
        if not self.quiet:
            self.console.print(message, markup=False, highlight=False, soft_wrap=True)
