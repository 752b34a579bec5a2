"""Decide: the one law on a cluster. Worse evidence never improves an answer."""

from dataclasses import dataclass, field, replace
from datetime import timedelta

from hypothesis import given, settings
from hypothesis import strategies as st

from mission_control.cluster.model.facts import REQUIRED_LISTS, STARTER_LISTS
from mission_control.cluster.model.objects import EnvVariable, KeyRef
from mission_control.floor.decide.floor import decide_floor, decide_on_looks
from mission_control.floor.incremental import FloorCache
from mission_control.floor.model import FloorSnapshot
from mission_control.model.reading import OF_THE_CLUSTER, ServiceRound, UnseenReason
from mission_control.readiness.decide.readiness import judge_readiness
from tests.cluster.test_cluster import COULD_START, SEV0, TROUBLES, UNTOLD, answer_engine
from tests.cluster.test_leftovers import LEFT_OVER
from tests.cluster.test_replicas import EIGHT, ODD, UNDONE, run_eight
from tests.floor.cluster_of_values import ACCESS, ENGINE, ClusterFloor, with_env, workload
from tests.floor.floor_of_values import EVENING, NOW, STRATEGY, rich
from tests.floor.hurts import HALTING
from tests.floor.test_the_law import degradations, degrade
from tests.readiness.test_readiness import gather, probe


def run_odd(odd):
    """Let the strategy engine run eight replicas, one of which is this."""
    return lambda floor: run_eight(floor, odd)


HURTS = [p.values[0] for p in (*HALTING, *SEV0, *TROUBLES, *UNTOLD, *LEFT_OVER, *COULD_START)]
HURTS += [run_odd(p.values[0]) for p in ODD]
LISTS = [(r, n) for n in ACCESS.namespaces for r in (*REQUIRED_LISTS, *STARTER_LISTS)]
REASONS = [*OF_THE_CLUSTER, UnseenReason.TIMEOUT, UnseenReason.HTTP_STATUS]


@st.composite
def cluster_degradations(draw):
    """Choose a way in which what was read of the cluster gets worse."""
    how = draw(st.sampled_from(["lose", "garble", "age", "silence engine", "hide mode", "never"]))
    return how, draw(st.sampled_from(LISTS)), draw(st.sampled_from(REASONS)), draw(st.floats(0, 70))


def degrade_cluster(floor, degradation):
    """Make what was read of the cluster worse, as the world would."""
    how, (resource, namespace), reason, seconds = degradation
    if how == "lose":
        floor.lose_list(resource, namespace, reason)
    elif how == "garble":
        floor.garble(resource, namespace)
    elif how == "age":
        floor.now += timedelta(seconds=seconds)
    elif how == "silence engine":
        floor.lose(ENGINE, "/ops/status", UnseenReason.CONNECTION_REFUSED)
    elif how == "never":
        floor.never_read = True
    elif how == "hide mode" and STRATEGY.agent_name in floor.workloads:
        secret = EnvVariable("AGENT_MODE", ref=KeyRef("Secret", "s", "k"))
        held = floor.workloads[STRATEGY.agent_name]
        main = held.containers[0]
        env = (*(v for v in main.env if v.name != "AGENT_MODE"), secret)
        hidden = replace(held, containers=with_env(*env, env_from=main.env_from))
        floor.workloads[STRATEGY.agent_name] = hidden


@settings(max_examples=260, deadline=None)
@given(
    evening=st.booleans(),
    hurts=st.lists(st.sampled_from([*HURTS, answer_engine]), max_size=3),
    steps=st.lists(st.one_of(cluster_degradations(), degradations()), min_size=1, max_size=5),
)
def test_worse_evidence_of_the_cluster_never_improves_the_posture(evening, hurts, steps):
    """However floor and cluster are hurt, losing, hiding or ageing evidence never helps (R0.1)."""
    floor = ClusterFloor()
    floor.refresh(EVENING if evening else NOW)
    for hurt in hurts:
        hurt(floor)
    answers = [_rank(floor.decide())]

    for step in steps:
        (degrade_cluster if len(step) == 4 else degrade)(floor, step)
        answers.append(_rank(floor.decide()))

    assert sorted(answers) == answers


def passes(floor):
    """Return whether nothing says NO but, at most, the hour."""
    report = judge_readiness(gather(floor))
    return report.ready or report.otherwise_ready


@settings(max_examples=100, deadline=None)
@given(
    evening=st.booleans(),
    hurts=st.lists(st.sampled_from(HURTS), max_size=1),
    steps=st.lists(st.one_of(cluster_degradations(), degradations()), min_size=1, max_size=4),
)
def test_worse_evidence_never_turns_no_go_into_go(evening, hurts, steps):
    """However floor and cluster are hurt, less evidence makes no readiness say GO (R0.2)."""
    floor = ClusterFloor()
    floor.refresh(EVENING if evening else NOW)
    probe(floor)
    for hurt in hurts:
        hurt(floor)
    answers = [passes(floor)]

    for step in steps:
        (degrade_cluster if len(step) == 4 else degrade)(floor, step)
        answers.append(passes(floor))

    assert sorted(answers, reverse=True) == answers
    assert hurts or answers[0]


ODD_REPLICAS = [p.values[0] for p in ODD]
LEFT_OVERS = [p.values[0] for p in LEFT_OVER]
HALF_DONE = [p.values[0] for p in UNDONE]


def drop_pod(floor, number):
    """Show one pod fewer of the workload of eight."""
    names = [name for name in EIGHT if name in floor.pods]
    if names:
        del floor.pods[names[number % len(names)]]


@settings(max_examples=140, deadline=None)
@given(
    odd=st.none() | st.sampled_from(ODD_REPLICAS),
    half_done=st.none() | st.sampled_from(HALF_DONE),
    left_over=st.none() | st.sampled_from(LEFT_OVERS),
    steps=st.lists(st.one_of(cluster_degradations(), st.integers(0, 7)), min_size=1, max_size=4),
)
def test_no_go_by_replicas_and_left_overs_stays_no_go(odd, half_done, left_over, steps):
    """
    Hiding lists, ageing them and losing pods never makes a readiness that says NO say GO (R0.2).
    """
    floor = ClusterFloor()
    run_eight(floor, *([odd] if odd else []), facts=half_done)
    if left_over:
        left_over(floor)
    answers = [judge_readiness(gather(floor)).ready]

    for step in steps:
        (drop_pod if isinstance(step, int) else degrade_cluster)(floor, step)
        answers.append(judge_readiness(gather(floor)).ready)

    assert sorted(answers, reverse=True) == answers
    assert (not any((odd, half_done, left_over))) is answers[0]


def _rank(snapshot: FloorSnapshot) -> tuple[int, bool]:
    """Order answers: OK before closed before halted, and expected before unexpected."""
    return snapshot.posture.verdict.rank, not snapshot.posture.expected


@dataclass
class WatchedCluster:
    """Decides a floor on a cluster as the watch does: what did not change stays the same."""

    floor: ClusterFloor
    cache: FloorCache = field(default_factory=FloorCache)
    before: FloorSnapshot | None = None
    rounds: dict[str, ServiceRound] = field(default_factory=dict)

    def decide_both(self) -> tuple[FloorSnapshot, FloorSnapshot]:
        """Decide once on what is taken over and once from nothing."""
        evidence, now = self.floor.evidence(), self.floor.now
        for name, round_ in evidence.rounds.items():
            held = self.rounds.get(name)
            if held is None or held.readings != round_.readings:
                self.rounds[name] = replace(round_, readings=dict(round_.readings))
        evidence = replace(evidence, rounds=dict(self.rounds))
        latched, session_at = self.floor.latched, self.floor.session_at
        whole = decide_floor(evidence, latched, session_at, now)
        looks = self.cache.look_at_floor(evidence, session_at, now)
        again = decide_on_looks(looks, evidence, latched, now, before=self.before)
        self.before = again
        self.floor.latched = again.latched
        return whole, again


def engine_answers_again(floor, _):
    """Let the execution engine answer, or fall silent again, beside newer lists."""
    floor.answer(ENGINE, "/ops/status", rich(ENGINE, floor.now))
    floor.workloads["execution-engine"] = workload(ENGINE, 0)


STEPS = st.one_of(
    cluster_degradations().map(lambda d: (degrade_cluster, d)),
    degradations().map(lambda d: (degrade, d)),
    st.sampled_from([0.4, 3.0, 44.999, 45.001, 59.999, 60.0, 60.001, 75.0]).map(
        lambda s: (lambda floor, s: setattr(floor, "now", floor.now + timedelta(seconds=s)), s)
    ),
    st.sampled_from(HURTS).map(lambda h: (lambda floor, hurt: hurt(floor), h)),
    st.just((lambda floor, _: floor.read_lists(), None)),
    st.just((engine_answers_again, None)),
    st.just((lambda floor, _: floor.refresh(floor.now), None)),
)


@settings(max_examples=260, deadline=None)
@given(steps=st.lists(STEPS, min_size=1, max_size=8))
def test_what_is_taken_over_of_the_cluster_is_what_would_be_decided_in_full(steps):
    """However the cluster and time move, reusing what holds decides as looking in full does."""
    watched = WatchedCluster(ClusterFloor())
    watched.decide_both()

    for act, what in steps:
        act(watched.floor, what)
        whole, again = watched.decide_both()

        assert whole == again
