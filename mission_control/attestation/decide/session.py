"""The attestation of one session: what was seen of execution, and the gaps."""

from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime
from itertools import pairwise
from typing import NamedTuple, TypeVar

from mission_control.attestation.decide.observations import is_execution_sign, observe_execution
from mission_control.attestation.model import (
    Conclusion,
    ExecutionSign,
    Fact,
    FactCoverage,
    Matter,
    NoExecution,
    Observation,
    ObservedMatter,
    ObservedSource,
    ObservedSpan,
    UnobservedSpan,
)
from mission_control.cluster.decide.identity import distinct_clusters
from mission_control.cluster.model.facts import identify_cluster
from mission_control.floor.decide.evidence import SessionAt
from mission_control.floor.decide.floor import decide_on_looks
from mission_control.floor.decide.looks import look_at_floor
from mission_control.floor.model import Alarm
from mission_control.history.model import PastDecision, Span, add_up, join_spans, leave_out, share
from mission_control.model.cluster_identity import ClusterIdentity
from mission_control.model.fleet import Safety, SwitchFile
from mission_control.model.session import TradingDay

NOT_WATCHED = "the floor was not watched"

S = TypeVar("S", ObservedSpan, UnobservedSpan)
Lines = Mapping[tuple[Matter, str], Sequence[ObservedSpan]]


def draw_matters(
    lines: Lines, required: Collection[Matter], watched: Sequence[Span], session: TradingDay
) -> tuple[ObservedMatter, ...]:
    """Return every matter with what each source said, sorted by matter and source."""
    by_matter = dict[Matter, list[ObservedSource]]()
    for matter, source in sorted(lines):
        spans = tuple(_draw(lines[matter, source], watched, session))
        by_matter.setdefault(matter, []).append(ObservedSource(source, spans))
    return tuple(
        _matter(matter, tuple(sources), session, required=matter in required)
        for matter, sources in sorted(by_matter.items())
    )


def _draw(
    spans: Sequence[ObservedSpan], watched: Sequence[Span], session: TradingDay
) -> Iterator[ObservedSpan]:
    """Return what a source said while the floor was watched, and gaps elsewhere."""
    unwatched = leave_out(watched, session.open, session.close)
    cut = [
        *(ObservedSpan(b, e, None, NOT_WATCHED) for b, e in unwatched),
        *(
            ObservedSpan(b, e, each.value, each.unobserved)
            for each in spans
            for b, e in share((each.span,), watched)
        ),
    ]
    yield from _join(sorted(cut, key=lambda s: s.since))


def _join(spans: Iterable[S]) -> list[S]:
    """Join neighbours that say the same."""
    joined = list[S]()
    for each in spans:
        last = joined[-1] if joined and joined[-1].until == each.since else None
        if last is not None and replace(last, since=each.since, until=each.until) == each:
            joined[-1] = replace(last, until=each.until)
        else:
            joined.append(each)
    return joined


def _matter(
    matter: Matter, sources: tuple[ObservedSource, ...], session: TradingDay, *, required: bool
) -> ObservedMatter:
    told = [s.span for source in sources for s in source.spans if s.value is not None]
    observed = join_spans(told)
    missing = leave_out(observed, session.open, session.close)
    gaps = tuple(
        ObservedSpan(begin, end, None, each.unobserved)
        for each in sources[0].spans
        for begin, end in share((each.span,), missing)
    )
    return ObservedMatter(matter, required, sources, gaps, add_up(observed))


def find_gaps(matters: Sequence[ObservedMatter], session: TradingDay) -> Iterator[UnobservedSpan]:
    """
    Return every stretch in which something required was not seen, in order, and what it was.

    Nothing required at all leaves the whole session unseen.
    """
    required = [m for m in matters if m.required]
    if not required:
        yield UnobservedSpan(session.open, session.close, (), NOT_WATCHED)
        return
    yield from _join(_missing_at_once(required))


def _missing_at_once(required: Iterable[ObservedMatter]) -> Iterator[UnobservedSpan]:
    """Return each stretch between two turns in which something is missing, and all of that."""
    turns = dict[datetime, list[tuple[Matter, str | None]]]()
    for each in required:
        for gap in each.gaps:
            turns.setdefault(gap.until, []).insert(0, (each.matter, None))
            turns.setdefault(gap.since, []).append((each.matter, gap.unobserved))
    missing = dict[Matter, str]()
    for begin, end in pairwise(sorted(turns)):
        for matter, why in turns[begin]:
            missing.pop(matter, None)
            if why is not None:
                missing[matter] = why
        if missing:
            matters = tuple(sorted(missing))
            yield UnobservedSpan(begin, end, matters, missing[matters[0]])


def measure_facts(matters: Sequence[ObservedMatter], session: TradingDay) -> Iterator[FactCoverage]:
    """Say for each fact for how long all that is required of it was seen at once."""
    for fact in Fact:
        required = [m for m in matters if m.required and m.matter.fact is fact]
        missing = join_spans(g.span for m in required for g in m.gaps)
        whole = session.close - session.open
        yield FactCoverage(fact, len(required), whole - add_up(missing) if required else whole * 0)


ALARMS = Matter(Fact.LATCHED_ALARMS, "history")
_NOT_YET = "not observed yet"
_NO_MORE = "no longer observed"

SignKey = tuple[tuple[str, str, str, str], datetime]
LineKey = tuple[Matter, str]


class DecisionLook(NamedTuple):
    """What one recorded decision, repeated from its inputs, says about execution."""

    at: datetime
    fleet_digest: str
    cluster: str
    identity: ClusterIdentity
    observations: tuple[Observation, ...]
    signs: tuple[Alarm, ...]
    needs: tuple[Safety, SwitchFile | None]


def look_at_decision(decision: PastDecision, session_at: SessionAt) -> DecisionLook:
    """Repeat a recorded decision from its inputs, and return what it says about execution."""
    evidence, at = decision.evidence, decision.at
    looks = look_at_floor(evidence, session_at, at)
    snapshot = decide_on_looks(looks, evidence, decision.latched, at)
    signs = tuple(a for a in snapshot.latched.alarms if is_execution_sign(a))
    known = evidence.alarms_known
    why = "" if known else "the alarms latched before the start were not known yet"
    alarms = Observation(ALARMS, "history", "known" if known else None, why, required=True)
    return DecisionLook(
        at,
        evidence.fleet.digest,
        evidence.fleet.cluster,
        identify_cluster(evidence.fleet, evidence.cluster),
        (alarms, *observe_execution(evidence.fleet, looks, at)),
        signs,
        (evidence.fleet.safety, evidence.fleet.switch_file),
    )


@dataclass(slots=True)
class SessionObservations:
    """
    Gather what the decisions of one session say, oldest first.

    A decision holds until the next one: history keeps every change of what one says about execution
    (`decide.judged_change`). The size grows with changes, not with decisions.
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
        """Take what the next decision says, from its instant or from the open on."""
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

    def _take_signs(self, latched: Sequence[Alarm], at: datetime) -> None:
        open_ = {(a.key, a.since): a for a in latched}
        for key, sign in self.signs.items():
            if key not in open_ and sign.stood_until is None:
                self.signs[key] = replace(sign, stood_until=at)
        for key, each in open_.items():
            held = self.signs.get(key)
            # One that was forgotten over a start and remembered again was open all the time.
            stood_from = held.stood_from if held else at
            self.signs[key] = ExecutionSign(*each.key, each.detail, each.since, stood_from)

    def attest(self, decided: Sequence[Span], now: datetime) -> NoExecution:
        """
        Conclude the session; `decided` are the stretches with decisions (`stall.find_decided`).

        What a source said counts only in these: between them the floor was not watched.
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
