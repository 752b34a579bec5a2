"""Decide: what clears a latched alarm: the process that raised it, never another one."""

import zlib
from dataclasses import replace
from datetime import datetime, timedelta
from typing import Any

import orjson
import pytest

from mission_control.floor.decide.instances import MOST_INSTANCES, MOST_PODS
from mission_control.floor.model import Verdict
from mission_control.history.codec import pack_latched, unpack_latched
from mission_control.model.fleet import EndedAlarm
from mission_control.model.reading import UnseenReason
from tests.floor.cluster_of_values import AGENTS, FLOOR, ClusterFloor, pod, workload
from tests.floor.floor_of_values import GAMMA, INGEST, MARKETDATA, NOW, STRATEGY, changed, rich

OPS = "/ops/status"
SE, MD = STRATEGY.agent_name, MARKETDATA.agent_name
HERE, THERE = "10.0.0.7:8080", "10.0.0.8:8080"
RUN_SE = next(a for a in AGENTS if a.agent_name == SE)


@pytest.fixture
def cluster():
    """Return a floor on a cluster on which all is well."""
    return ClusterFloor()


def is_latched(floor, code="EXECUTION_EVIDENCE", subject=SE):
    """Decide, and return whether an alarm is latched."""
    return (code, subject) in {(a.code, a.subject) for a in floor.decide().latched.alarms}


def raise_sev0(floor, peer=HERE, **changes):
    """Let the strategy say at an address that orders may be executed, and decide."""
    floor.peers[SE] = peer
    document = changed(rich(STRATEGY, floor.now), "safety.safe_to_execute_orders", value=True)
    for path, value in changes.items():
        document = changed(document, path.replace("__", "."), value)
    floor.answer(STRATEGY, OPS, document)
    assert is_latched(floor)


def deny(floor, peer=HERE, times=11, apart=50.0, **changes: Any):
    """Let it deny so often over new connections, seconds apart; return whether it is latched."""
    floor.peers[SE] = peer

    def answer(floor):
        for path, value in changes.items():
            floor.say(STRATEGY, path.replace("__", "."), value)

    floor.deny_in_a_row(times, apart, answer)
    return is_latched(floor)


@pytest.mark.parametrize(
    ("times", "apart", "expected"),
    [
        pytest.param(1, 50, True, id="one denial"),
        pytest.param(9, 100, True, id="nine over a long time"),
        pytest.param(10, 50, True, id="ten over less than 8 minutes"),
        pytest.param(10, 53.4, False, id="ten over 8 minutes"),
        pytest.param(20, 10, True, id="many in a short time"),
        pytest.param(50, 10, False, id="many over 8 minutes"),
    ],
)
def test_one_address_denies_ten_times_over_eight_minutes(floor, times, apart, expected):
    """
    Behind one address may be several replicas: ten denials in a row, in at least 8 minutes (R6.2).
    """
    raise_sev0(floor)

    assert expected == deny(floor, times=times, apart=apart)


def test_how_it_was_cleared_is_told(floor):
    """The snapshot that no longer holds an alarm says how it ended."""
    raise_sev0(floor)
    floor.connects = True
    cleared = [floor.deny_in_a_row(1, 54).cleared for _ in range(10)]

    assert [()] * 9 == cleared[:9]
    ((_, how),) = cleared[9]
    assert "denied 10 times in a row over new connections, for 486 s" == how


def test_how_far_it_is_denied_is_told(floor):
    """While it is latched, the reason says how often it was denied since when."""
    raise_sev0(floor)
    floor.deny_in_a_row(3)
    (reason,) = [r for r in floor.decide().posture.reasons if r.code == "EXECUTION_EVIDENCE"]

    assert "denied 3 times over new connections since 2026-11-18T15:15:50Z" in reason.detail


def test_another_address_never_denies(floor):
    """Another replica's denials clear nothing, however many and for however long."""
    raise_sev0(floor)

    assert deny(floor, THERE, times=60)
    assert not deny(floor, HERE)


def test_each_replica_that_said_it_has_to_deny_it(floor):
    """Two addresses raised it: the denials of one leave what the other said."""
    raise_sev0(floor, HERE)
    raise_sev0(floor, THERE)

    assert deny(floor, THERE, times=30)
    assert not deny(floor, HERE)


@pytest.mark.parametrize(
    "name", ["service_name", "agent_identity__agent_name"], ids=["service", "agent"]
)
def test_who_calls_itself_otherwise_never_denies(floor, name):
    """Another service at the same address is another process; another build may be the mended."""
    raise_sev0(floor)

    changes: dict[str, Any] = {name: "another"}

    assert deny(floor, times=30, **changes)
    assert not deny(floor, git_sha="fedcba9", build_id="8")


def test_an_answer_too_broken_to_tell_its_name_is_denied_at_its_address(floor):
    """Nothing but the address tells who said it."""
    raise_sev0(floor, safety__safe_to_execute_orders="yes")

    assert deny(floor, THERE, times=20)
    assert not deny(floor)


def test_a_denial_over_a_held_connection_counts_nothing(floor):
    """It is the same replica again; the same reading decided twice is one denial as well."""
    raise_sev0(floor)
    for _ in range(40):
        floor.refresh(floor.now + timedelta(seconds=50))
        assert is_latched(floor)
    floor.deny_in_a_row(9, 60)
    for _ in range(5):
        floor.now += timedelta(seconds=1)
        assert is_latched(floor)
    floor.connects = False
    floor.deny_in_a_row(1, 60)


def test_saying_it_again_starts_the_row_over(floor):
    """Nine denials, the claim once more, nine denials: it stays latched."""
    raise_sev0(floor)
    assert deny(floor, times=9, apart=60)
    floor.now += timedelta(seconds=60)
    raise_sev0(floor, THERE)
    raise_sev0(floor, HERE)
    assert deny(floor, times=9, apart=60)
    (alarm,) = floor.latched.alarms
    assert [(THERE, 0), (HERE, 9)] == sorted((i.peer, i.denials) for i in alarm.instances)[::-1]


def test_silence_neither_counts_nor_breaks_the_row(floor):
    """What could not be heard between two denials changes nothing."""
    raise_sev0(floor)
    assert deny(floor, times=5, apart=60)
    for reason in (UnseenReason.TIMEOUT, UnseenReason.CONNECTION_REFUSED):
        floor.now += timedelta(seconds=60)
        floor.lose(STRATEGY, OPS, reason)
        assert is_latched(floor)
    assert not deny(floor, times=5, apart=60)


def test_a_restart_goes_on_with_the_row(floor):
    """What was counted and who said it is stored with the alarm."""
    raise_sev0(floor)
    assert deny(floor, times=6, apart=60)
    (alarm,) = floor.latched.alarms
    (instance,) = alarm.instances

    assert (HERE, 6, NOW) == (instance.peer, instance.denials, instance.heard_at)
    assert NOW + timedelta(seconds=60) == instance.denied_from
    assert NOW + timedelta(seconds=360) == instance.denied_at


def test_an_alarm_of_before_instances_were_kept_is_one_that_nothing_tells_apart(floor):
    """It clears by ten denials at any address, and stays when it is raised once more."""
    raise_sev0(floor)
    old = tuple(replace(a, instances=()) for a in floor.latched.alarms)
    floor.latched = replace(floor.latched, alarms=old)
    assert not deny(floor, THERE)
    raise_sev0(floor)
    old = tuple(replace(a, instances=()) for a in floor.latched.alarms)
    floor.latched = replace(floor.latched, alarms=old)
    floor.now += timedelta(seconds=10)
    raise_sev0(floor)

    assert ["", HERE] == [i.peer for a in floor.latched.alarms for i in a.instances]
    assert not deny(floor)


def test_what_is_said_by_an_answer_that_is_over_names_no_process(floor):
    """An expired answer that is all there is of an alarm tells no address any more, ever again."""
    floor.answer(STRATEGY, OPS, {"safety": {"safe_to_execute_orders": True}})
    floor.now += timedelta(seconds=60)

    assert is_latched(floor)
    once = floor.latched.alarms
    assert [("", "", floor.now)] == [
        (i.peer, i.told, i.heard_at) for a in once for i in a.instances
    ]
    assert is_latched(floor)
    assert once == floor.latched.alarms


def test_more_replicas_than_are_kept_are_never_forgotten(floor):
    """Past the most that are kept, the others are one that no answer can be of."""
    for number in range(MOST_INSTANCES + 3):
        raise_sev0(floor, f"10.0.1.{number}:80")
    assert MOST_INSTANCES + 1 == len(floor.latched.alarms[0].instances)
    kept = list(floor.latched.alarms[0].instances)
    only = tuple(i for i in kept if not i.peer.startswith("10.0.1."))
    floor.latched = replace(
        floor.latched, alarms=(replace(floor.latched.alarms[0], instances=only),)
    )

    assert deny(floor, f"10.0.1.{MOST_INSTANCES + 1}:80", times=20)


# What whole lists of the cluster tell.


def on_cluster(floor, *pods, read=True):
    """Let whole lists, read now, show these pods of the strategy."""
    for name in [n for n, p in floor.pods.items() if p.name.startswith(SE)]:
        del floor.pods[name]
    for each in pods:
        floor.pods[each.name] = each
    if read:
        floor.read_lists()


def replica(name, ip="", started: datetime | None = NOW - timedelta(hours=1), **changes: Any):
    """Return a pod of the strategy."""
    return pod(RUN_SE, name=f"{SE}-{name}", ip=ip, started=started, uid=f"uid-{name}", **changes)


def deny_once(floor, peer=HERE, seconds=10):
    """Let the strategy deny once over a held connection, and lists be read after that."""
    floor.now += timedelta(seconds=seconds)
    floor.peers[SE] = peer
    floor.answer(STRATEGY, OPS, rich(STRATEGY, floor.now))
    floor.read_lists()
    return is_latched(floor)


def test_the_only_pod_denies_at_once(cluster):
    """Whole lists, read after its denial, show that nothing else can have said or denied it."""
    on_cluster(cluster, replica("a"))
    raise_sev0(cluster)

    assert not deny_once(cluster)


def test_an_older_list_proves_no_only_pod(cluster):
    """A second pod may have come between the list and the denial."""
    on_cluster(cluster, replica("a"))
    raise_sev0(cluster)
    cluster.now += timedelta(seconds=5)
    cluster.read_lists()
    cluster.now += timedelta(seconds=5)
    cluster.answer(STRATEGY, OPS, rich(STRATEGY, cluster.now))

    assert is_latched(cluster)


def test_one_of_two_pods_behind_one_address_does_not_deny_at_once(cluster):
    """Whose denial it was nothing tells; the row of ten does."""
    on_cluster(cluster, replica("a"), replica("b"))
    raise_sev0(cluster)

    assert deny_once(cluster)
    assert not deny_with_two_pods(cluster)


def deny_with_two_pods(cluster):
    """Let ten denials come in a row while whole lists show two pods."""
    cluster.connects, latched = True, True
    for _ in range(11):
        on_cluster(cluster, replica("a"), replica("b"))
        latched = deny_once(cluster, seconds=50)
    return latched


@pytest.mark.parametrize("family", ["ip", "ips"])
def test_a_pods_own_address_denies_at_once(cluster, family):
    """The address is that of one live pod: it tells replicas apart; another's denies nothing."""
    second = {"ip": {"ip": "10.0.0.7"}, "ips": {"ip": "10.9.9.9", "ips": ("10.9.9.9", "10.0.0.7")}}
    on_cluster(cluster, replica("a", **second[family]), replica("b", "10.0.0.8"))
    raise_sev0(cluster, HERE)

    assert deny_once(cluster, THERE)
    assert not deny_once(cluster, HERE)


def test_an_address_that_several_pods_have_tells_no_process(cluster):
    """Pods on their node's network share its address."""
    on_cluster(cluster, replica("a", "10.0.0.7"), replica("b", "10.0.0.7"))
    raise_sev0(cluster)
    (instance,) = cluster.latched.alarms[0].instances

    assert (2, False) == (len(instance.pods), instance.own_address)
    assert deny_once(cluster)


def fall_silent(floor, *pods, seconds=20):
    """Silence the strategy, then let whole lists show these pods; return whether it is latched."""
    floor.now += timedelta(seconds=seconds)
    floor.lose(STRATEGY, OPS, UnseenReason.CONNECTION_REFUSED)
    on_cluster(floor, *pods)
    return is_latched(floor)


@pytest.mark.parametrize(
    ("pods", "expected"),
    [
        pytest.param((), False, id="no pod is left"),
        pytest.param((replica("c", started=NOW + timedelta(seconds=9)),), False, id="a new one"),
        pytest.param((replica("b"),), True, id="the other that was there"),
        pytest.param((replica("c"),), True, id="one that may have been there unlisted"),
        pytest.param((replica("c", started=NOW + timedelta(seconds=4)),), True, id="by clocks"),
        pytest.param((replica("c", started=None),), True, id="one of unknown age"),
        pytest.param(
            (replica("a", started=NOW + timedelta(seconds=9)),), True, id="its node's clock is off"
        ),
    ],
)
def test_a_pod_that_is_gone_takes_what_it_said_with_it(cluster, pods, expected):
    """One address and two pods: gone is what said it only when neither can be there any more."""
    on_cluster(cluster, replica("a"), replica("b"))
    raise_sev0(cluster)

    assert expected == fall_silent(cluster, *pods)


def test_a_pod_of_a_known_address_is_gone_when_lists_do_not_show_it(cluster):
    """The other replica stays, and proves nothing about the one that is gone (R6.2)."""
    on_cluster(cluster, replica("a", "10.0.0.7"), replica("b", "10.0.0.8"))
    raise_sev0(cluster)

    assert fall_silent(cluster, replica("a", "10.0.0.7"))
    assert fall_silent(cluster, replica("c", "10.0.0.7"), replica("b", "10.0.0.8"))
    assert not fall_silent(cluster, replica("b", "10.0.0.8"))


@pytest.mark.parametrize("hidden", ["lists", "a list", "an object", "old lists"])
def test_lists_that_are_not_whole_show_nothing_gone(cluster, hidden):
    """Absence means nothing while any list is lost, odd, or read before it was last said."""
    on_cluster(cluster, replica("a"))
    raise_sev0(cluster)
    cluster.now += timedelta(seconds=20)
    cluster.lose(STRATEGY, OPS, UnseenReason.CONNECTION_REFUSED)
    on_cluster(cluster, read=hidden != "old lists")
    if hidden == "lists":
        cluster.never_read = True
    elif hidden == "a list":
        cluster.lose_list("jobs", FLOOR, UnseenReason.TIMEOUT)
    elif hidden == "an object":
        cluster.garble("jobs", FLOOR)

    assert is_latched(cluster)


def test_a_process_that_no_list_showed_is_never_gone(cluster):
    """Where the lists were lost when it was heard, their later silence is not about it."""
    cluster.lose_list("pods", FLOOR, UnseenReason.TIMEOUT)
    raise_sev0(cluster)

    assert fall_silent(cluster)
    raise_sev0(cluster)
    assert [()] == [i.pods for a in cluster.latched.alarms for i in a.instances]


def test_what_is_heard_again_keeps_the_pods_it_may_have_been(cluster):
    """A later answer through the same address may be of another pod: neither is forgotten."""
    on_cluster(cluster, replica("a"))
    raise_sev0(cluster)
    on_cluster(cluster, replica("b"))
    raise_sev0(cluster)
    cluster.lose_list("jobs", FLOOR, UnseenReason.TIMEOUT)
    raise_sev0(cluster)
    (instance,) = cluster.latched.alarms[0].instances

    assert [f"{FLOOR}/{SE}-{n} uid-{n}" for n in "ab"] == list(instance.pods)


def test_of_more_pods_than_are_kept_none_is_known_to_be_gone(cluster):
    """A workload too large to keep its pods is one of which nothing is known."""
    on_cluster(cluster, *(replica(f"n{i}") for i in range(MOST_PODS + 1)))
    raise_sev0(cluster)
    assert fall_silent(cluster)
    for half in (range(40), range(40, 80)):
        on_cluster(cluster, *(replica(f"n{i}") for i in half))
        raise_sev0(cluster)

    assert fall_silent(cluster)


def test_a_workload_that_is_not_named_tells_nothing_of_its_pods(cluster):
    """Without it in the inventory the row alone clears."""
    bare = tuple(
        replace(a, workload=None) if a.agent_name == SE else a for a in cluster.fleet.agents
    )
    on_cluster(cluster, replica("a"))
    raise_sev0(cluster)
    cluster.fleet = replace(cluster.fleet, agents=bare)

    assert deny_once(cluster)
    assert fall_silent(cluster)


# A source that is no longer listed.


def rename(floor, name):
    """Return the strategy another name in the inventory; it is asked under that one."""
    renamed = replace(STRATEGY, agent_name=name)
    agents = tuple(a for a in floor.fleet.agents if a.agent_name != SE)
    floor.fleet = replace(floor.fleet, agents=(*agents, renamed), digest="1" * 64)
    floor.answers.pop(SE)
    return renamed


def test_renaming_an_agent_does_not_end_its_p0(floor):
    """It ends by the same process denying it: the same address, and the names it gives itself."""
    raise_sev0(floor)
    renamed = rename(floor, "engine-of-strategies")
    floor.connects = True
    for address in (THERE, HERE):
        floor.peers[renamed.agent_name], latched = address, True
        for _ in range(11):
            floor.now += timedelta(seconds=50)
            floor.answer(renamed, OPS, rich(STRATEGY, floor.now))
            latched = is_latched(floor)
        assert (address == THERE) == latched


def test_a_renamed_service_that_never_told_its_names_is_not_known_again(floor):
    """At the same address may answer another one by now: only its names would tell."""
    raise_sev0(floor, safety__safe_to_execute_orders="yes")
    renamed = rename(floor, "engine-of-strategies")
    floor.peers[renamed.agent_name], floor.connects = HERE, True
    for _ in range(20):
        floor.now += timedelta(seconds=50)
        floor.answer(renamed, OPS, rich(STRATEGY, floor.now))

        assert is_latched(floor)


def test_who_is_renamed_and_says_it_again_has_not_denied_it(floor):
    """Under its new name it raises an alarm of its own, beside the old one."""
    raise_sev0(floor)
    renamed = rename(floor, "engine-of-strategies")
    floor.peers[renamed.agent_name] = HERE
    floor.answer(
        renamed, OPS, changed(rich(STRATEGY, NOW), "safety.safe_to_execute_orders", value=True)
    )

    assert is_latched(floor)
    assert is_latched(floor, subject=renamed.agent_name)


def test_a_removed_agent_keeps_its_p0(floor):
    """It is asked no more, so nothing denies it (R6.5)."""
    raise_sev0(floor)
    rename(floor, "x")

    assert is_latched(floor)


def test_an_agent_that_left_takes_its_lesser_alarms_with_it(floor):
    """
    The recorded change of the inventory clears them; the floor judges by the services left (R6.5).
    """
    floor.say(STRATEGY, "marketdata.is_fresh", value=False)
    assert is_latched(floor, "CONTRADICTION")
    rename(floor, "x")
    snapshot = floor.decide()

    assert () == snapshot.latched.alarms
    ((key, how),) = snapshot.cleared
    assert ("CONTRADICTION", f"{SE} {OPS} left the inventory") == (key[0], how)


def test_a_removed_switch_file_keeps_its_p0(floor):
    """A source that is no longer configured has not said that the switch is on."""
    floor.switch = "0"
    assert is_latched(floor, subject="kill-switch")
    whole = floor.evidence()
    floor.evidence = lambda: replace(whole, switch_readings=())

    assert is_latched(floor, subject="kill-switch")


# A path that is not the primary one.


STALE = {"ok": False, "last_tick_epoch_seconds": 1795014897, "max_age_seconds": 60}
LIVE = {"status": "ok", "service": MD}


def stale_path(floor):
    """Let /healthz say stale; it is rolled back to plain liveness later."""
    floor.answer(MARKETDATA, "/healthz", STALE)
    assert is_latched(floor, "MARKETDATA_STALE", MD)
    assert is_latched(floor, "CONTRADICTION", MD)
    floor.now += timedelta(seconds=5)


def test_a_lesser_path_that_changed_its_shape_for_good_no_longer_raises(floor):
    """Seen, whole, and without a word of freshness, while the primary reading is fresh (R6.3)."""
    stale_path(floor)
    floor.answer(MARKETDATA, "/healthz", LIVE)
    snapshot = floor.decide()

    assert (Verdict.OK, ()) == (snapshot.posture.verdict, snapshot.latched.alarms)


@pytest.mark.parametrize(
    "worse",
    [
        pytest.param(lambda f: f.lose(MARKETDATA, "/healthz", UnseenReason.TIMEOUT), id="silent"),
        pytest.param(
            lambda f: f.lose(MARKETDATA, "/healthz", UnseenReason.NOT_OFFERED, 404), id="404"
        ),
        pytest.param(lambda f: f.answer(MARKETDATA, "/healthz", LIVE, 503), id="refuses"),
        pytest.param(lambda f: f.answer(MARKETDATA, "/healthz", STALE), id="tells it"),
        pytest.param(
            lambda f: (
                f.answer(MARKETDATA, "/healthz", LIVE),
                f.answer(MARKETDATA, OPS, rich(MARKETDATA, f.now, 130)),
            ),
            id="primary is stale",
        ),
        pytest.param(
            lambda f: (
                f.answer(MARKETDATA, "/healthz", LIVE),
                f.lose(MARKETDATA, OPS, UnseenReason.TIMEOUT),
            ),
            id="primary is silent",
        ),
        pytest.param(
            lambda f: (
                f.answer(MARKETDATA, "/healthz", LIVE),
                f.answers[MD].pop(OPS),
            ),
            id="primary was not asked",
        ),
        pytest.param(
            lambda f: (
                f.answer(MARKETDATA, "/healthz", LIVE),
                f.say(MARKETDATA, "status.last_updated_utc", "2026-11-18T15:00:00Z"),
            ),
            id="primary is frozen",
        ),
    ],
)
def test_a_lesser_path_stays_latched_while_it_tells_it_or_is_unseen_or_the_primary_is_not_well(
    floor, worse
):
    """
    Only the path itself without the fact, beside a fresh primary reading, ends its claim (R6.3).
    """
    stale_path(floor)
    worse(floor)

    assert is_latched(floor, "MARKETDATA_STALE", MD)


MINIMAL = {
    "uptime": 5,
    "last_heartbeat": None,
    "data_freshness_seconds": 4,
    "build_sha": "unknown",
    "agent_mode": "",
}


def plain_health(floor):
    """Let /healthz be plain liveness."""
    floor.answer(MARKETDATA, "/healthz", LIVE)


LESSER = [
    pytest.param({"agent_mode": "LIVE"}, "EXECUTION_EVIDENCE", id="mode"),
    pytest.param(
        {"safety": {"safe_to_execute_orders": True}}, "EXECUTION_EVIDENCE", id="permission"
    ),
    pytest.param({"safety": {"kill_switch": False}}, "EXECUTION_EVIDENCE", id="switch"),
    pytest.param({"ok": True}, "FRESHNESS_GATE_FALSE_POSITIVE", id="gate"),
]


@pytest.mark.parametrize(("said", "code"), LESSER)
def test_a_lesser_paths_sev0_takes_its_own_row(floor, said, code):
    """No longer telling it is one denial of this process, and counts as one."""
    floor.answer(MARKETDATA, "/healthz", LIVE | said)
    assert is_latched(floor, code, MD)
    floor.deny_in_a_row(9, 60, plain_health)

    assert is_latched(floor, code, MD)
    floor.deny_in_a_row(1, 60, plain_health)
    assert () == floor.decide().latched.alarms


@pytest.mark.parametrize(("said", "code"), LESSER[:3])
def test_a_lesser_paths_sev0_stays_where_the_primary_says_nothing_of_it(floor, said, code):
    """A primary reading in which the fact does not occur states nothing well."""
    floor.answer(MARKETDATA, "/healthz", LIVE | said)
    assert is_latched(floor, code, MD)

    def answer(floor):
        plain_health(floor)
        floor.answer(MARKETDATA, OPS, MINIMAL)

    floor.deny_in_a_row(20, 60, answer)

    assert is_latched(floor, code, MD)


def test_a_lesser_path_without_its_kind_is_not_denied_by_a_primary_that_tells_none(floor):
    """A liveness service that called itself execution elsewhere never says what it is instead."""
    floor.answer(GAMMA, OPS, changed(rich(GAMMA, floor.now), "service_kind", "execution"))
    assert is_latched(floor, subject=GAMMA.agent_name)
    floor.deny_in_a_row(20, 60, lambda f: f.answer(GAMMA, OPS, MINIMAL))

    assert is_latched(floor, subject=GAMMA.agent_name)


def test_a_fact_that_no_rule_knows_never_counts_as_dropped(floor):
    """What is not known to be absent stays, for a path and for a human's hand."""
    stale_path(floor)
    odd = tuple(replace(a, fact="not known") for a in floor.latched.alarms)
    floor.latched = replace(floor.latched, alarms=odd)
    floor.answer(MARKETDATA, "/healthz", LIVE)
    end(floor, source=f"{MD} /healthz")

    assert is_latched(floor, "MARKETDATA_STALE", MD)


# What a human ended in the fleet file.


def end(floor, code="MARKETDATA_STALE", source=f"{MD} {OPS}", since=NOW, subject=MD):
    """End one alarm in the fleet file."""
    entry = EndedAlarm(code, subject, source, since, "A. Operator", "rolled back for good")
    floor.fleet = replace(floor.fleet, ended_alarms=(entry,), digest="2" * 64)


def without_the_fact(floor):
    """Let the primary path that said stale be of a shape that tells no freshness."""
    floor.now += timedelta(seconds=5)
    floor.answer(MARKETDATA, OPS, rich(INGEST, floor.now))


@pytest.fixture
def stuck(floor):
    """Return a floor on which the primary path raised an alarm and then dropped the fact."""
    floor.say(MARKETDATA, "marketdata.is_fresh", value=False)
    assert is_latched(floor, "MARKETDATA_STALE", MD)
    without_the_fact(floor)
    assert is_latched(floor, "MARKETDATA_STALE", MD)
    return floor


def test_a_human_ends_an_alarm_that_nothing_can_clear(stuck):
    """The fleet file's entry ends it, and who did it and why is told (R6.4)."""
    end(stuck, since=NOW + timedelta(seconds=0.4))
    snapshot = stuck.decide()

    told = {key[0]: how for key, how in snapshot.cleared}
    assert (
        "ended by A. Operator in the fleet file: rolled back for good" == told["MARKETDATA_STALE"]
    )
    assert not is_latched(stuck, "MARKETDATA_STALE", MD)


@pytest.mark.parametrize(
    "entry",
    [
        pytest.param({"since": NOW - timedelta(days=1)}, id="an older one"),
        pytest.param({"since": NOW + timedelta(seconds=1)}, id="a later one"),
        pytest.param({"code": "MARKETDATA_MISSING"}, id="another code"),
        pytest.param({"source": f"{MD} /healthz"}, id="another source"),
        pytest.param({"subject": SE}, id="another subject"),
    ],
)
def test_a_human_ends_that_one_alarm_only(stuck, entry):
    """Any other alarm, or the same one raised at another time, is not meant."""
    end(stuck, **entry)

    assert is_latched(stuck, "MARKETDATA_STALE", MD)


@pytest.mark.parametrize(
    "unseen_or_told",
    [
        pytest.param(lambda f: f.lose(MARKETDATA, OPS, UnseenReason.TIMEOUT), id="silent"),
        pytest.param(lambda f: f.answers[MD].pop(OPS), id="not asked"),
        pytest.param(lambda f: f.answers.pop(MD), id="never asked"),
        pytest.param(lambda f: f.answer(MARKETDATA, OPS, rich(INGEST, NOW), 503), id="refuses"),
        pytest.param(
            lambda f: f.say(MARKETDATA, "marketdata.last_tick_utc", "2026-11-18T15:15:59Z"),
            id="tells a tick that cannot be believed",
        ),
        pytest.param(
            lambda f: f.answer(MARKETDATA, OPS, rich(INGEST, f.now - timedelta(minutes=2))),
            id="frozen",
        ),
    ],
)
def test_no_human_ends_what_is_unseen_or_still_told(stuck, unseen_or_told):
    """The source has to be seen, whole, and without the fact, while the entry is applied (R6.4)."""
    end(stuck)
    unseen_or_told(stuck)

    assert is_latched(stuck, "MARKETDATA_STALE", MD)


def test_no_human_ends_a_p0(floor):
    """An entry that means one ends nothing (R6.4)."""
    raise_sev0(floor)
    end(floor, "EXECUTION_EVIDENCE", f"{SE} {OPS}", subject=SE)
    floor.refresh(floor.now + timedelta(seconds=10))
    floor.answer(STRATEGY, OPS, MINIMAL)

    assert is_latched(floor)


def test_no_human_ends_what_no_service_said(floor):
    """Our own clock is no service that could be seen without it."""
    for agent in (MARKETDATA, STRATEGY, INGEST):
        read = floor.answers[agent.agent_name][OPS]
        skewed = replace(read, exchange=replace(read.exchange, date_skew=60.0))
        floor.answers[agent.agent_name][OPS] = skewed
    assert is_latched(floor, "OWN_CLOCK_SUSPECT", "own-clock")
    end(floor, "OWN_CLOCK_SUSPECT", "own-clock", subject="own-clock")
    for name, readings in floor.answers.items():
        silent = {
            p: replace(r, exchange=replace(r.exchange, date_skew=None)) for p, r in readings.items()
        }
        floor.answers[name] = silent

    assert is_latched(floor, "OWN_CLOCK_SUSPECT", "own-clock")


def test_a_contradiction_with_a_cluster_that_is_no_longer_read_can_be_ended(cluster):
    """Without lists nothing contradicts; the service has to be seen all the same."""
    cluster.workloads[SE] = workload(RUN_SE, 0)
    del cluster.pods[SE]
    assert is_latched(cluster, "CONTRADICTION")
    end(cluster, "CONTRADICTION", SE, subject=SE)
    assert is_latched(cluster, "CONTRADICTION")
    cluster.fleet = replace(cluster.fleet, access=None)
    cluster.lose(STRATEGY, OPS, UnseenReason.TIMEOUT)
    assert is_latched(cluster, "CONTRADICTION")
    cluster.answer(STRATEGY, OPS, rich(STRATEGY, cluster.now))

    assert not is_latched(cluster, "CONTRADICTION")


def test_older_lists_do_not_take_a_contradiction_back(cluster):
    """Lists that show a pod were read before the service was last heard without one."""
    cluster.workloads[SE] = workload(RUN_SE, 0)
    del cluster.pods[SE]
    lists = dict(cluster.lists)
    cluster.now += timedelta(seconds=10)
    cluster.answer(STRATEGY, OPS, rich(STRATEGY, cluster.now))
    assert is_latched(cluster, "CONTRADICTION")
    cluster.run(RUN_SE)
    cluster.lists = lists
    assert is_latched(cluster, "CONTRADICTION")
    cluster.now += timedelta(seconds=1)
    cluster.read_lists()

    assert not is_latched(cluster, "CONTRADICTION")


def test_stored_alarms_keep_their_names(floor):
    """What is latched is written under the names that every record has, and read back by them."""
    raise_sev0(floor)
    latched = floor.latched
    stored = orjson.loads(zlib.decompress(pack_latched(latched)))
    (alarm,) = stored["accusations"]

    assert latched == unpack_latched(pack_latched(latched))
    assert {"accusations", "verdict", "verdict_since", "services", "confirmed"} == stored.keys()
    assert alarm.keys() == {
        *("code", "subject", "source", "fact", "detail", "since", "last_seen", "instances")
    }
    assert alarm["instances"][0].keys() == {
        *("peer", "told", "pods", "own_address", "heard_at"),
        *("denials", "denied_from", "denied_at"),
    }
    assert stored["services"][0].keys() == {"agent_name", "state", "expected", "since", "answered"}
