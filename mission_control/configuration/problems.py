"""Configuration: gathers what is wrong, so that an operator mends a file in one go."""

import difflib
from collections.abc import Generator, Iterable
from contextlib import contextmanager

from mission_control.errors import ConfigurationError, ConfigurationErrors

SHOWN_TEXT = 60
"""No more of an offending text than this is repeated in a message."""


class Problems:
    """What has been found wrong so far, in the order of finding."""

    def __init__(self) -> None:
        """Start with nothing wrong."""
        self._found: list[ConfigurationError] = []

    def __len__(self) -> int:
        """Count the problems found so far."""
        return len(self._found)

    def add(self, problem: str, *, where: str, key: str = "", remedy: str = "") -> None:
        """Note one problem."""
        self.take(ConfigurationError(problem, where=where, key=key, remedy=remedy))

    def take(self, error: ConfigurationError) -> None:
        """Note every problem that an error stands for."""
        self._found.extend(error.problems)

    @contextmanager
    def gathering(self) -> Generator[None]:
        """Note the configuration errors of a part, and go on with what comes after it."""
        try:
            yield
        except ConfigurationError as error:
            self.take(error)

    def raise_if_any(self) -> None:
        """Raise what was found, if anything was: as found, but a file's problems by line."""
        if len(self._found) == 1:
            raise self._found[0]
        if self._found:
            sources = list(dict.fromkeys(_source_and_line(p.where)[0] for p in self._found))

            def order(problem: ConfigurationError) -> tuple[int, int]:
                source, line = _source_and_line(problem.where)
                return sources.index(source), line

            raise ConfigurationErrors(sorted(self._found, key=order))


def _source_and_line(where: str) -> tuple[str, int]:
    source, _, line = where.rpartition(":")
    return (source, int(line)) if source and line.isdecimal() else (where, 0)


def quoted(text: str) -> str:
    """Repeat an offending text safely: on one line, escaped, and not at length."""
    return repr(text if len(text) <= SHOWN_TEXT else text[: SHOWN_TEXT - 3] + "...")


def did_you_mean(word: str, choices: Iterable[str]) -> str:
    """Name the choice that was probably meant; otherwise name all, when there are few."""
    known = sorted(choices)
    close = difflib.get_close_matches(word, known, n=3, cutoff=0.6)
    if close:
        # Two letters changed places is the likeliest slip, and difflib does not know that.
        swapped = [choice for choice in close if sorted(choice) == sorted(word)]
        return f"did you mean {[*swapped, *close][0]!r}?"
    few = 20
    return f"known are: {', '.join(known)}" if known and len(known) <= few else ""
