"""What a fleet file adds to how execution is recognised, and the watched switches."""

from dataclasses import dataclass
from enum import StrEnum
from functools import lru_cache

PATTERNS = ("execution", "executor", "exec-engine", "order-router")
"""Names that execution goes by (docs/semantics.md#3); a fleet file adds to them."""


@lru_cache(maxsize=4096)
def repository_of(image: str) -> str:
    """Return the path of an image without registry, tag and digest, in lower case."""
    path = without_tag(image)
    registry, _, rest = path.partition("/")
    if rest and ("." in registry or ":" in registry or registry == "localhost"):
        path = rest
    return path.casefold()


def without_tag(image: str) -> str:
    """Return an image without its tag and digest."""
    head, slash, last = image.partition("@")[0].rpartition("/")
    return f"{head}{slash}{last.partition(':')[0]}"


class SwitchEvidence(StrEnum):
    """
    Which value of a switch is evidence of execution (docs/semantics.md#3).

    `mode` is an agent's mode (EXECUTE, LIVE), `not_paper` any trading mode but paper, `truthy` a
    toggle that is on, `falsy` a protection that is off. `kill_switch` is a protection as well,
    which has sources of its own: where it is not known, those decide.
    """

    MODE = "mode"
    NOT_PAPER = "not_paper"
    TRUTHY = "truthy"
    FALSY = "falsy"
    KILL_SWITCH = "kill_switch"


@dataclass(frozen=True, slots=True)
class Switch:
    """A setting of a container, as variable or as flag of its command; the name in upper case."""

    name: str
    evidence: SwitchEvidence


BYPASSES = frozenset({"MARKETDATA_FORCE_STALE", "MARKETDATA_HEALTH_CHECK_DISABLED"})
"""The switches that bypass the freshness gate."""
DEFAULT_SWITCHES = (
    Switch("AGENT_MODE", SwitchEvidence.MODE),
    Switch("EXECUTION_MODE", SwitchEvidence.MODE),
    Switch("TRADING_MODE", SwitchEvidence.NOT_PAPER),
    Switch("EXECUTION_ENABLED", SwitchEvidence.TRUTHY),
    Switch("BROKER_EXECUTION_ENABLED", SwitchEvidence.TRUTHY),
    *(Switch(name, SwitchEvidence.TRUTHY) for name in sorted(BYPASSES)),
    Switch("EXEC_DRY_RUN", SwitchEvidence.FALSY),
    Switch("EXECUTION_HALTED", SwitchEvidence.KILL_SWITCH),
    Switch("EXEC_KILL_SWITCH", SwitchEvidence.KILL_SWITCH),
    Switch("KILL_SWITCH", SwitchEvidence.KILL_SWITCH),
)
"""The fleet's own switches; a fleet file adds to them and takes none away."""


@dataclass(frozen=True, slots=True)
class Exemption:
    """
    One workload that only looks like execution, while it runs this image: who says so, and why.

    `image` is a repository, in lower case; with a registry, a tag or a digest it means that alone.
    """

    namespace: str
    kind: str
    name: str
    image: str
    who: str
    why: str

    def means(self, image: str) -> bool:
        """Return whether this is the image that the exemption was given for."""
        forms = (image, without_tag(image), repository_of(image))
        return self.image in {form.casefold() for form in forms}


@dataclass(frozen=True, slots=True)
class ExecutionRules:
    """What the fleet file adds: patterns as written, switches and exemptions, in its order."""

    patterns: tuple[str, ...] = ()
    switches: tuple[Switch, ...] = ()
    exemptions: tuple[Exemption, ...] = ()

    @property
    def all_switches(self) -> tuple[Switch, ...]:
        """Return every switch that is watched: the fleet's own, and those added."""
        return (*DEFAULT_SWITCHES, *self.switches)


NOTHING_ADDED = ExecutionRules()
"""What a fleet file that says nothing of execution adds."""
