"""
The families that may be raised on purpose.

Anything else that is raised is a bug of ours. Not seeing something is never an error: it is the
value `Unseen`.
"""

from collections.abc import Sequence

SHOWN_PROBLEMS = 20
"""How many problems one message spells out; the rest are counted."""


class MissionControlError(Exception):
    """The base of every error raised on purpose."""


class ConfigurationError(MissionControlError):
    """
    A setting, a fleet file or a closures file that cannot be used.

    `where` names the variable, the flag or `file:line`; `key` the path of the offending key
    (`agents[2].kind`), and `remedy` what a person can do about it. The process exits with 78.
    """

    def __init__(self, problem: str, *, where: str, key: str = "", remedy: str = "") -> None:
        """Keep each part, so that it can be shown as text and as JSON."""
        self.problem = problem
        self.where = where
        self.key = key
        self.remedy = remedy
        subject = f"{where}: {key}: " if key else f"{where}: "
        super().__init__(subject + problem + (f" ({remedy})" if remedy else ""))

    @property
    def problems(self) -> tuple["ConfigurationError", ...]:
        """List every problem of this error, itself when it is only one."""
        return (self,)


class ConfigurationErrors(ConfigurationError):  # noqa: N818  (plural: it holds several)
    """
    Everything that is wrong with the configuration, shown at once so that it is fixed in one go.

    Its own `problem`, `where`, `key` and `remedy` are those of the first.
    """

    def __init__(self, problems: Sequence[ConfigurationError]) -> None:
        """Spell out the first problems, one a line, and count those that are left."""
        first = problems[0]
        super().__init__(first.problem, where=first.where, key=first.key, remedy=first.remedy)
        self._problems = tuple(problems)

    @property
    def problems(self) -> tuple[ConfigurationError, ...]:
        """List every problem, in the order in which they were found."""
        return self._problems

    def __str__(self) -> str:
        """Write one problem a line."""
        lines = [str(problem) for problem in self._problems[:SHOWN_PROBLEMS]]
        left = len(self._problems) - len(lines)
        return "\n".join([*lines, f"and {left} more"] if left else lines)


class ContractViolation(MissionControlError):  # noqa: N818  (the name of this family)
    """
    An answer that is not what its contract says.

    Never leaves the edge that read the answer: there it becomes
    `Unseen(CONTRACT_INVALID, ...)` or another named reason. `problems` are the broken fields,
    as (path, what is wrong) pairs; they never repeat a field's value.
    """

    def __init__(self, message: str, *, problems: tuple[tuple[str, str], ...] = ()) -> None:
        """Keep the broken fields apart, so that each can be explained."""
        self.problems = problems
        super().__init__(message)


class StorageError(MissionControlError):
    """
    Something that could not be recorded, or read from the record.

    `path` is what could not be written or read, and `remedy` what a person can do about it. The
    job that meets it fails loudly; nothing that exists was touched.
    """

    def __init__(self, problem: str, *, path: str, remedy: str = "") -> None:
        """Keep each part, so that it can be shown as text and as JSON."""
        self.problem = problem
        self.path = path
        self.remedy = remedy
        super().__init__(f"{path}: {problem}" + (f" ({remedy})" if remedy else ""))


class AlreadyRecordedError(StorageError):
    """What may be recorded only once, as a planned run, is recorded already."""

    def __init__(self, once: str) -> None:
        """Name what it is."""
        super().__init__("it is recorded already, and only once", path=once)
