"""Decide: the attestation of one session: what was seen of execution, and what nobody saw."""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime
from typing import NamedTuple

from mission_control.decide.cluster.identity import distinct_clusters
from mission_control.decide.evidence import SessionAt
from mission_control.decide.execution_observations import is_execution_sign, observe_execution
from mission_control.decide.floor import decide_on_looks
from mission_control.decide.floor_looks import look_again
from mission_control.decide.observed_matters import draw_matters, find_gaps, measure_facts
from mission_control.decide.time_spans import add_up, join_spans
from mission_control.model.cluster.facts import identify_cluster
from mission_control.model.cluster_identity import ClusterIdentity
from mission_control.model.fleet import Safety, SwitchFile
from mission_control.model.history import PastDecision, Span
from mission_control.model.no_execution import (
    Conclusion,
    ExecutionSign,
    Fact,
    Matter,
    NoExecution,
    Observation,
    ObservedMatter,
    ObservedSpan,
    UnobservedSpan,
)
from mission_control.model.session import TradingDay
from mission_control.model.standing import Accusation

STANDING = Matter(Fact.STANDING, "history")
_NOT_YET = "nothing was told of it by then"
_NO_MORE = "nothing is told of it any more"

SignKey = tuple[tuple[str, str, str, str], datetime]
LineKey = tuple[Matter, str]


class DecisionLook(NamedTuple):
    """What one recorded decision, made again from its inputs, tells of execution."""

    at: datetime
    fleet_digest: str
    cluster: str
    identity: ClusterIdentity
    observations: tuple[Observation, ...]
    signs: tuple[Accusation, ...]
    needs: tuple[Safety, SwitchFile | None]


def look_at_decision(decision: PastDecision, session_at: SessionAt) -> DecisionLook:
    """Decide anew what was decided then, and give what it tells of execution."""
    evidence, at = decision.evidence, decision.at
    looks = look_again(evidence, session_at, at)
    snapshot = decide_on_looks(looks, evidence, decision.standing, at)
    signs = tuple(a for a in snapshot.standing.accusations if is_execution_sign(a))
    known = evidence.standing_known
    why = "" if known else "what stood accused before the start was not known yet"
    stood = Observation(STANDING, "history", "known" if known else None, why, required=True)
    return DecisionLook(
        at,
        evidence.fleet.digest,
        evidence.fleet.cluster,
        identify_cluster(evidence.fleet, evidence.cluster),
        (stood, *observe_execution(evidence.fleet, looks, at)),
        signs,
        (evidence.fleet.safety, evidence.fleet.switch_file),
    )


@dataclass(slots=True)
class SessionObservations:
    """
    Gathers what the decisions of one session tell, oldest first, whoever hands them over.

    A decision holds until the next one: whatever changes what one tells of execution is kept in
    history (`decide.judged_change`). What is held grows with changes, not with decisions.
    """

    session: TradingDay
    decisions: int = 0
    fleets: set[str] = field(default_factory=set[str])
    clusters: set[str] = field(default_factory=set[str])
    needs: set[tuple[Safety, SwitchFile | None]] = field(
        default_factory=set[tuple[Safety, SwitchFile | None]]
    )
    identities: set[ClusterIdentity] = field(default_factory=set[ClusterIdentity])
    required: set[Matter] = field(default_factory=set[Matter])
    lines: dict[LineKey, list[ObservedSpan]] = field(
        default_factory=dict[LineKey, list[ObservedSpan]]
    )
    signs: dict[SignKey, ExecutionSign] = field(default_factory=dict[SignKey, ExecutionSign])

    def take(self, look: DecisionLook) -> None:
        """Take what the next decision tells, from its instant or from the open on."""
        self.decisions += 1
        self.fleets.add(look.fleet_digest)
        self.clusters.add(look.cluster)
        self.needs.add(look.needs)
        self.identities.add(look.identity)
        at = max(look.at, self.session.open)
        told = {o.key: o for o in look.observations}
        self.required.update(o.matter for o in look.observations if o.required)
        for key in [k for k in self.lines if k not in told]:
            self._tell(key, at, None, _NO_MORE)
        for key, each in told.items():
            self._tell(key, at, each.value, each.unobserved)
        self._take_signs(look.signs, at)

    def _tell(self, key: LineKey, at: datetime, value: str | None, why: str) -> None:
        spans = self.lines.setdefault(key, [])
        if not spans and at > self.session.open:
            spans.append(ObservedSpan(self.session.open, at, None, _NOT_YET))
        if spans:
            last = spans[-1]
            if (last.value, last.unobserved) == (value, why):
                return
            spans[-1] = replace(last, until=at)
            if last.since == at:
                spans.pop()
        spans.append(ObservedSpan(at, self.session.close, value, why))

    def _take_signs(self, standing: Sequence[Accusation], at: datetime) -> None:
        stands = {(a.key, a.since): a for a in standing}
        for key, sign in self.signs.items():
            if key not in stands and sign.stood_until is None:
                self.signs[key] = replace(sign, stood_until=at)
        for key, each in stands.items():
            held = self.signs.get(key)
            # One that was forgotten over a start and remembered again never ceased to stand.
            stood_from = held.stood_from if held else at
            self.signs[key] = ExecutionSign(*each.key, each.detail, each.since, stood_from)

    def attest(self, decided: Sequence[Span], now: datetime) -> NoExecution:
        """
        Say what the session comes to; `decided` is when somebody decided (`stall.find_decided`).

        What a source told counts only while somebody decided: between, nobody looked.
        """
        session = self.session
        watched = join_spans(_cut(decided, session))
        matters = draw_matters(self.lines, self.required, watched, session)
        gaps = tuple(find_gaps(matters, session))
        signs = tuple(
            sorted(
                self.signs.values(), key=lambda s: (s.since, s.code, s.subject, s.source, s.fact)
            )
        )
        unseen = add_up((g.since, g.until) for g in gaps)
        return NoExecution(
            session=session,
            at=now,
            conclusion=_conclude(signs, matters, gaps),
            signs=signs,
            matters=matters,
            gaps=gaps,
            coverage=tuple(measure_facts(matters, session)),
            observed=session.close - session.open - unseen,
            decisions=self.decisions,
            fleets=tuple(sorted(self.fleets)),
            clusters=tuple(sorted(self.clusters)),
            needs=tuple(sorted(self.needs, key=str)),
            identities=tuple(distinct_clusters(self.identities)),
        )


def _cut(spans: Iterable[Span], session: TradingDay) -> Iterator[Span]:
    for begin, end in spans:
        cut = (max(begin, session.open), min(end, session.close))
        if cut[0] < cut[1]:
            yield cut


def _conclude(
    signs: Sequence[ExecutionSign],
    matters: Sequence[ObservedMatter],
    gaps: Sequence[UnobservedSpan],
) -> Conclusion:
    if signs:
        return Conclusion.EXECUTION_OBSERVED
    if not any(m.observed for m in matters):
        return Conclusion.NOT_OBSERVED
    return Conclusion.NO_EXECUTION_OBSERVED_WITH_GAPS if gaps else Conclusion.NO_EXECUTION_OBSERVED
