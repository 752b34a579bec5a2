"""Model: what stays true from one decision to the next, because silence never acquits."""

from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum

from mission_control.model.status_contract.rich import ServiceState


class Verdict(StrEnum):
    """The floor's posture (semantics, section 6)."""

    OK = "OK"
    MARKET_CLOSED = "MARKET_CLOSED"
    HALTED = "HALTED"

    @property
    def rank(self) -> int:
        """Give 0 for the best, so that a larger rank is a worse answer."""
        return ("OK", "MARKET_CLOSED", "HALTED").index(self.value)


@dataclass(frozen=True, slots=True)
class Accusation:
    """
    Something that a source said against the floor, standing until that source denies it.

    `source` is who said it and where (`strategy-engine /ops/status`, `file /etc/...`), and
    `fact` which fact of theirs it was. Code, subject, source and fact together are the key.
    """

    code: str
    subject: str
    source: str
    fact: str
    detail: str
    since: datetime
    last_seen: datetime

    @property
    def key(self) -> tuple[str, str, str, str]:
        """Identify the accusation across rounds."""
        return (self.code, self.subject, self.source, self.fact)


@dataclass(frozen=True, slots=True)
class ServiceSince:
    """
    Since when a service has been in its present state (UTC).

    `answered` are its paths that ever answered anything but 404, 405 or 501, sorted.
    """

    agent_name: str
    state: ServiceState
    expected: bool
    since: datetime
    answered: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Standing:
    """
    The memory a decision starts from: open accusations and since when things are so.

    A halt is `confirmed` once anything that halted in it was.
    """

    accusations: tuple[Accusation, ...] = ()
    verdict: Verdict | None = None
    verdict_since: datetime | None = None
    services: tuple[ServiceSince, ...] = ()
    confirmed: bool = True

    def service(self, agent_name: str) -> ServiceSince | None:
        """Find what is held of a service; None when nothing is."""
        return next((s for s in self.services if s.agent_name == agent_name), None)


NOTHING_STANDS = Standing()
