"""
Errors: the families that may be raised on purpose.

Anything else that is raised is a bug of ours. Not seeing something is never an error: it is the
value `Unseen` (house rules 3 and 4).
"""


class MissionControlError(Exception):
    """What every error raised on purpose descends from."""


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


class ContractViolation(MissionControlError):  # noqa: N818  (the house's name for this family)
    """
    An answer that is not what its contract says.

    Never leaves the edge that read the answer: there it becomes
    `Unseen(CONTRACT_INVALID, ...)` or another named reason.
    """
