"""Model: what stays true from one decision to the next, because silence never acquits."""

from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum

from mission_control.model import codes
from mission_control.model.fleet import EndedAlarm
from mission_control.model.status_contract.rich import ServiceState

KILL_SWITCH = "kill-switch"
"""The subject of everything that is stated about the kill switch itself."""
EXECUTION = "execution"
"""The fact of a contradiction between a service and the cluster that is about execution."""
SEV0_CODES = frozenset({codes.EXECUTION_EVIDENCE, codes.FRESHNESS_GATE_FALSE_POSITIVE})
"""Alarms with these codes are Sev-0 (P0 in every phase), whatever they are about."""


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
class Instance:
    """
    One process that raised a Sev-0 alarm, as far as its answers tell it from others.

    `peer` is the address that answered, empty where it is not known; `told` a digest of the names
    that the answer gave itself, empty where it gave none. `pods` are those it may be, as whole
    lists showed them when it was heard: the one pod that has its address (`own_address`), else
    every live pod of the workload. `heard_at` is when its newest answer that raised the alarm was
    read (UTC). `denials` counts its denials over new connections since then, in a row, and
    `denied_from` and `denied_at` are when the first and the newest of them were read (UTC).
    """

    peer: str = ""
    told: str = ""
    pods: tuple[str, ...] = ()
    own_address: bool = False
    heard_at: datetime | None = None
    denials: int = 0
    denied_from: datetime | None = None
    denied_at: datetime | None = None


@dataclass(frozen=True, slots=True)
class Accusation:
    """
    Something that a source said against the floor, standing until that source denies it.

    `source` is who said it and where (`strategy-engine /ops/status`, `file /etc/...`), and
    `fact` which fact of theirs it was. Code, subject, source and fact together are the key.
    `instances` are the processes that said it, of a service's Sev-0 alone: each has to be cleared.
    """

    code: str
    subject: str
    source: str
    fact: str
    detail: str
    since: datetime
    last_seen: datetime
    instances: tuple[Instance, ...] = ()

    @property
    def key(self) -> tuple[str, str, str, str]:
        """Identify the accusation across rounds."""
        return (self.code, self.subject, self.source, self.fact)

    @property
    def sev0(self) -> bool:
        """Tell whether it is Sev-0: execution, a freshness bypass, or a contradiction about one."""
        about = self.subject == KILL_SWITCH or self.fact == EXECUTION
        return self.code in SEV0_CODES or (self.code == codes.CONTRADICTION and about)


def is_meant(entry: EndedAlarm, alarm: Accusation) -> bool:
    """Tell whether an entry of the fleet file means this alarm; its `since` may be cut short."""
    same = (entry.code, entry.subject, entry.source) == (alarm.code, alarm.subject, alarm.source)
    return same and abs((entry.since - alarm.since).total_seconds()) < 1


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
