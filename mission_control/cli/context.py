"""Command line: what every command is handed, so that none reaches for the world itself."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable
    from datetime import datetime

    from rich.console import Console

    from mission_control.configuration.settings import Settings


@dataclass(frozen=True, slots=True)
class CliContext:
    """
    What a command works with; reached by `@click.pass_obj`.

    `settings_source` loads the settings when it is called, and not before, so that a command
    that needs none works without any. `clock` says what time it is (UTC, aware). `console`
    writes to stderr, which is talk; data goes to stdout by `click.echo`.
    """

    settings_source: Callable[[], Settings]
    clock: Callable[[], datetime]
    json: bool
    quiet: bool
    console: Console
    no_color: bool = False

    def say(self, message: str) -> None:
        """Tell a person something on stderr, exactly as written; silent when asked to be."""
        if not self.quiet:
            self.console.print(message, markup=False, highlight=False, soft_wrap=True)
