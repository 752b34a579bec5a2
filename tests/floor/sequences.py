"""What may happen to an alarm over time: answers, silences, other replicas, restarts, lists."""

from collections.abc import Iterator
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from typing import NamedTuple

from hypothesis import strategies as st

from mission_control.floor.decide.instances import DENIALS_IN_A_ROW, DENIED_FOR_SECONDS
from mission_control.floor.model import FloorSnapshot
from mission_control.history.codec import pack_latched, unpack_latched
from mission_control.model.reading import UnseenReason
from tests.floor.cluster_of_values import AGENTS, ClusterFloor, pod
from tests.floor.floor_of_values import NOW, STRATEGY, changed, rich

OPS = "/ops/status"
RAISER = "10.0.0.7:8080"
OTHERS = ("10.0.0.8:8080", "[fd00::8]:8080", "10.96.0.1:80")
"""Addresses: of the process that raises the alarm first, and of its replicas."""
NAMES = (STRATEGY.agent_name, "another-service")
CLAIMS = (
    ("safety.safe_to_execute_orders", True, False),
    ("safety.kill_switch", False, True),
    ("agent_identity.agent_mode", "LIVE", "OBSERVE"),
)
"""A field, what it says that raises a Sev-0, and what it says that denies it."""
WORKLOAD = next(a for a in AGENTS if a.agent_name == STRATEGY.agent_name)
MINIMAL = {
    "uptime": 5,
    "last_heartbeat": None,
    "data_freshness_seconds": 4,
    "build_sha": "unknown",
    "agent_mode": "",
}


class Step(NamedTuple):
    """
    One thing that happens so many seconds after the one before.

    `how` is `raise`, `deny`, `drop` (the fact is no longer told), `break` (the answer breaks its
    contract and tells nothing), `silent`, `restart` (what is latched is written and read), `lists`
    (the cluster's lists are read) or `lose` (one of them is lost). `peer` answers and calls itself
    `name`, over a new connection where `connects`. `pods` are the replicas that lists show beside
    the one that raised the alarm.
    """

    how: str
    seconds: float
    peer: str = RAISER
    name: str = NAMES[0]
    connects: bool = True
    reason: UnseenReason = UnseenReason.TIMEOUT
    pods: int = 0


_HOW = ("raise", "deny", "deny", "deny", "drop", "break", "silent", "restart", "lists", "lose")


@st.composite
def steps(draw, *, own_denials: bool = True) -> Step:
    """Draw one step; without own denials the process that raised the alarm never denies it."""
    how = draw(st.sampled_from(_HOW))
    peer = draw(st.sampled_from((RAISER, *OTHERS)))
    name = draw(st.sampled_from((*NAMES[:1] * 3, NAMES[1])))
    if how == "deny" and not own_denials and (peer, name) == (RAISER, NAMES[0]):
        peer = OTHERS[0]
    return Step(
        how,
        draw(st.sampled_from((0.5, 2.0, 10.0, 44.9, 50.0, 60.0, 200.0))),
        peer,
        name,
        draw(st.booleans()),
        draw(st.sampled_from([r for r in UnseenReason if r is not UnseenReason.NOT_YET_ASKED])),
        draw(st.integers(0, 2)),
    )


@st.composite
def sequences(draw, *, own_denials: bool = True, most: int = 40) -> list[Step]:
    """Draw what happens after the alarm was raised; rows of denials come in runs of one replica."""
    runs = st.tuples(steps(own_denials=own_denials), st.sampled_from((1, 1, 1, 3, 9, 12)))
    drawn = draw(st.lists(runs, min_size=1, max_size=12))
    return [step for run in drawn for step in _repeated(*run)][:most]


def _repeated(step: Step, times: int) -> list[Step]:
    """Return a run of one step; a longer one is paced as a row of denials has to be."""
    if times == 1:
        return [step]
    return [step._replace(connects=True, seconds=max(step.seconds, 50.0))] * times


@dataclass
class AlarmOverTime:
    """
    A floor on a cluster on which one process raised a Sev-0, played step by step.

    `said` is what every process said of it, oldest first: when, its address and name, whether it
    raised it, and whether over a new connection. It is kept apart from what is decided.
    """

    claim: tuple[str, object, object]
    floor: ClusterFloor = field(default_factory=ClusterFloor)
    said: list[tuple[datetime, tuple[str, str], bool, bool]] = field(default_factory=list)

    def play(self, step: Step) -> FloorSnapshot:
        """Let a step happen and decide."""
        floor, field_, (raises, denies) = self.floor, self.claim[0], self.claim[1:]
        floor.now += timedelta(seconds=step.seconds)
        floor.peers[STRATEGY.agent_name], floor.connects = step.peer, step.connects
        who = changed(rich(STRATEGY, floor.now), "service_name", step.name)
        match step.how:
            case "raise" | "deny":
                value = raises if step.how == "raise" else denies
                floor.answer(STRATEGY, OPS, changed(who, field_, value))
                told = (step.peer, step.name)
                self.said.append((floor.now, told, step.how == "raise", step.connects))
            case "drop":
                floor.answer(STRATEGY, OPS, MINIMAL)
            case "break":
                floor.answer(STRATEGY, OPS, {"service_kind": "strategy"})
            case "silent":
                floor.lose(STRATEGY, OPS, step.reason, 404)
            case "restart":
                floor.latched = unpack_latched(pack_latched(floor.latched))
            case "lists":
                self.read_lists(step.pods)
            case _:
                floor.lose_list("pods", "trading-floor", step.reason)
        return floor.decide()

    def read_lists(self, others: int) -> None:
        """Let whole lists show the pod that raised the alarm first, and others."""
        floor = self.floor
        for name in [n for n, p in floor.pods.items() if p.name.startswith(STRATEGY.agent_name)]:
            del floor.pods[name]
        for number, peer in enumerate((RAISER, *OTHERS)[: others + 1]):
            made = pod(WORKLOAD, name=f"{STRATEGY.agent_name}-{number}", uid=f"uid-{number}")
            ip = peer.rpartition(":")[0].strip("[]")
            floor.pods[made.name] = replace(made, ip=ip, started=NOW - timedelta(hours=1))
        floor.read_lists()

    @property
    def latched(self) -> bool:
        """Return whether the alarm is latched, as decided last."""
        source = f"{STRATEGY.agent_name} {OPS}"
        alarms = self.floor.latched.alarms
        return any(a.code == "EXECUTION_EVIDENCE" and a.source == source for a in alarms)

    def undenied(self) -> Iterator[tuple[str, str]]:
        """Return the processes that raised it and never denied it since it was last raised."""
        last = max(i for i, (_, _, raises, _) in enumerate(self.said) if raises)
        denying = {who for _, who, _, _ in self.said[last + 1 :]}
        raising = self._raising(last)
        yield from sorted(raising - denying)

    def without_row(self) -> Iterator[tuple[str, str]]:
        """Return the processes that raised it and have not denied it in a row long enough."""
        last = max(i for i, (_, _, raises, _) in enumerate(self.said) if raises)
        for who in sorted(self._raising(last)):
            denied = [at for at, by, _, new in self.said[last + 1 :] if by == who and new]
            lasted = (denied[-1] - denied[0]).total_seconds() if denied else 0.0
            if len(denied) < DENIALS_IN_A_ROW or lasted < DENIED_FOR_SECONDS:
                yield who

    def _raising(self, last: int) -> set[tuple[str, str]]:
        """Return which process raised the latched alarm, from its beginning on."""
        return {who for _, who, raises, _ in self.said[: last + 1] if raises}
