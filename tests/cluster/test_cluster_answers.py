"""What the API server answers and what becomes of it: odd pages, odd objects, too much of them."""

from datetime import UTC, datetime
from functools import partial
from typing import Any

import msgspec
import orjson
import pytest

from mission_control.cluster.model.facts import OddObject
from mission_control.cluster.model.objects import ObjectRef
from mission_control.cluster.read import lister as lister_module
from mission_control.cluster.read import projection as projection_module
from mission_control.cluster.read.api_server import BadAnswerError, read_page
from mission_control.cluster.read.observer import (
    CONFIG_MAP,
    ConfigMapSwitch,
    Wanted,
    project_config_map,
)
from mission_control.cluster.read.projection import (
    EVENT,
    POD,
    WORKLOAD,
    clean,
    project_all,
    project_event,
    project_pod,
    project_workload,
)
from mission_control.model.kill_switch import KILL_SWITCH_MAP
from mission_control.model.reading import Unseen, UnseenReason
from mission_control.redaction.redact import redact_text
from tests.cluster.test_cluster_reader import FLOOR, Cluster, code

pytestmark = pytest.mark.anyio
TEMPLATE = {"spec": {"containers": [{"name": "main"}]}}
META = {"name": "x", "namespace": FLOOR}
NOTHING_WANTED = Wanted((), ())


@pytest.mark.parametrize(
    ("body", "reason"),
    [
        ({"kind": "PodList"}, UnseenReason.CONTRACT_INVALID),
        ({"kind": "PodList", "items": None}, UnseenReason.CONTRACT_INVALID),
        ({"kind": "EventList", "items": []}, UnseenReason.CONTRACT_INVALID),
        ({"kind": "List", "items": []}, UnseenReason.CONTRACT_INVALID),
        ({"items": []}, UnseenReason.CONTRACT_INVALID),
        (
            {"kind": "PodList", "metadata": {"remainingItemCount": 7}, "items": []},
            UnseenReason.PARTIAL,
        ),
    ],
    ids=str,
)
def test_a_page_that_is_no_whole_list_is_no_empty_one(body, reason):
    """An empty list proves that nothing runs, so it has to be one."""
    with pytest.raises(BadAnswerError) as refused:
        read_page(orjson.dumps(body), "Pod")

    assert reason is refused.value.reason


def test_an_empty_list_is_a_list():
    """Nothing is there, and more is said to come only with the way to it."""
    more = {"remainingItemCount": 7, "continue": "c"}

    assert [] == read_page(b'{"kind": "PodList", "items": []}', "Pod").items
    body = orjson.dumps({"kind": "PodList", "metadata": more, "items": []})
    assert "c" == read_page(body, "Pod").metadata.continue_


EVENT_HOUR = datetime(2026, 11, 18, 15, tzinfo=UTC)


def project(kind, document) -> tuple[list[Any], tuple[OddObject, ...]]:
    """Project one object of a list."""
    raw = (msgspec.Raw(orjson.dumps(document)),)
    match kind:
        case "Pod":
            return project_all(raw, kind, POD, project_pod)
        case "Event":
            return project_all(raw, kind, EVENT, project_event)
        case "ConfigMap":
            make = partial(project_config_map, wanted=NOTHING_WANTED)
            return project_all(raw, kind, CONFIG_MAP, make)
        case _:
            return project_all(raw, kind, WORKLOAD, partial(project_workload, kind))


@pytest.mark.parametrize(
    ("kind", "fields", "said"),
    [
        ("Job", {"status": {"active": "3"}}, "active"),
        ("Job", {"status": {"active": [{}]}}, "lists pods where it should count"),
        ("Job", {"status": {"active": -1}}, "active"),
        ("CronJob", {"status": {"active": {"a": 1}}}, "active"),
        ("CronJob", {"status": {"active": 2}}, "counts jobs where it should list"),
        ("DaemonSet", {"status": {}}, "does not count its pods"),
        ("DaemonSet", {"status": {"desiredNumberScheduled": 0}}, "does not count its pods"),
        ("ConfigMap", {"metadata": {"namespace": FLOOR}}, "it has no name"),
        ("ConfigMap", {"metadata": {"name": "x"}}, "it has no namespace"),
        ("Event", {"lastTimestamp": "0001-01-01T00:00:00+05:00"}, "not an instant in UTC"),
        ("Pod", {"status": {"startTime": "9999-12-31T23:59:59-05:00"}}, "not an instant in UTC"),
    ],
    ids=str,
)
def test_an_object_that_does_not_add_up_is_odd(kind, fields, said):
    """It is named, and nothing is concluded from it: a count that is none is not zero."""
    spec = {"template": TEMPLATE, "containers": [], "suspend": True}
    if kind == "CronJob":
        spec = {"suspend": True, "jobTemplate": {"spec": {"template": TEMPLATE}}}
    facts, odd = project(kind, {"metadata": META, "spec": spec, "status": {}, **fields})

    assert ([], 1) == (facts, len(odd))
    assert said in odd[0].problem


def test_an_object_that_is_listed_twice_is_odd_and_both_are_heard():
    """It cannot be two things at once; what either says against the floor counts."""
    objects = [{"metadata": META, "data": {"AGENT_MODE": m}} for m in ("LIVE", "OBSERVE")]
    raw = [msgspec.Raw(orjson.dumps(o)) for o in objects]
    wanted = Wanted({(FLOOR, "x", "AGENT_MODE")}, ())
    make = partial(project_config_map, wanted=wanted)
    facts, odd = project_all(raw, "ConfigMap", CONFIG_MAP, make)

    assert ["LIVE", "OBSERVE"] == [f.values["AGENT_MODE"] for f in facts]
    assert [("ConfigMap", "x", "it is listed twice")] == [(o.kind, o.name, o.problem) for o in odd]


def test_values_with_a_secret_name_are_masked():
    """The safety map is kept whole, but for what its keys say is secret."""
    data = {"API_TOKEN": "canary-plain", "db-password": "canary-plain", "KILL_SWITCH": "true"}
    document = {"metadata": {"name": "agenttrader-safety", "namespace": FLOOR}, "data": data}
    (held,), odd = project("ConfigMap", document)

    assert ((), "true") == (odd, held.values["KILL_SWITCH"])
    assert "canary" not in str(held)


def test_a_text_of_megabytes_is_not_looked_through(monkeypatch):
    """What is kept of it is redacted as ever; what is not kept costs nothing."""
    looked_through = []

    def redact(text):
        looked_through.append(len(text))
        return redact_text(text)

    monkeypatch.setattr(projection_module, "redact_text", redact)
    shown = clean("token=abcdefgh12345678 " + "a " * 2_000_000)

    assert "abcdefgh" not in shown
    assert max(looked_through) < 10_000


async def test_a_list_of_too_many_bytes_is_given_up(monkeypatch):
    """Pages that are small enough one by one add up."""
    monkeypatch.setattr(lister_module, "PAGE_LIMIT", 2)
    monkeypatch.setattr(lister_module, "MAX_LIST_BYTES", 6_000)
    read = await Cluster().listing("pods")

    assert "BODY_TOO_LARGE" == code(read)


async def test_a_single_page_of_too_many_objects_is_given_up(monkeypatch):
    """A server that does not mind our limit is not believed to be small."""
    monkeypatch.setattr(lister_module, "MAX_OBJECTS", 2)
    read = await Cluster().listing("pods")

    assert "BODY_TOO_LARGE" == code(read)


@pytest.mark.parametrize(
    "metadata",
    [
        {},
        {"name": "something-else", "namespace": FLOOR},
        {"name": KILL_SWITCH_MAP, "namespace": "staging"},
        {"name": KILL_SWITCH_MAP},
    ],
    ids=str,
)
async def test_another_object_is_no_source_of_the_switch(monkeypatch, metadata):
    """An answer to another question confirms nothing."""
    document = {"kind": "ConfigMap", "metadata": metadata, "data": {"EXECUTION_HALTED": "1"}}
    cluster = Cluster()

    async def other(*_asked):
        return orjson.dumps(document)

    monkeypatch.setattr(type(cluster.server), "get", other)
    switch_readings = await ConfigMapSwitch(cluster.lister, FLOOR).read()

    assert isinstance(switch_readings.reading, Unseen)
    assert "it is another object" in switch_readings.reading.detail


@pytest.mark.parametrize(
    ("status", "expected"),
    [
        ({}, ("", ())),
        ({"podIP": "10.0.0.7"}, ("10.0.0.7", ())),
        (
            {"podIP": "10.0.0.7", "podIPs": [{"ip": "10.0.0.7"}, {"ip": "fd00::7"}, {}]},
            ("10.0.0.7", ("10.0.0.7", "fd00::7")),
        ),
        ({"podIPs": None}, ("", ())),
    ],
    ids=str,
)
def test_a_pod_tells_its_number_and_all_its_addresses(status, expected):
    """What tells it from a later pod of its name, and by which address it answers."""
    uid = "6f1d3a52-7a0e-4f0c-9f5e-2c1b7f1f0a11"
    raw = {"metadata": {**META, "uid": uid}, "spec": TEMPLATE["spec"], "status": status}
    (pod,), odd = project_all([msgspec.Raw(orjson.dumps(raw))], "Pod", POD, project_pod)

    assert (uid, expected, ()) == (pod.uid, (pod.ip, pod.ips), odd)
    assert f"{FLOOR}/x {uid}" == pod.identity


EVENT_TIMES = [
    pytest.param({"lastTimestamp": "2026-11-18T15:00:00Z"}, 1, 0, id="v1"),
    pytest.param(
        {"lastTimestamp": None, "firstTimestamp": None, "eventTime": None, "count": None,
         "series": {"count": 9, "lastObservedTime": "2026-11-18T15:03:00.123456Z"}},
        9, 3, id="a series alone",
    ),
    pytest.param(
        {"eventTime": "2026-11-18T15:01:00.000000Z", "count": 2,
         "series": {"count": 7, "lastObservedTime": "2026-11-18T15:05:00.000000Z"}},
        7, 5, id="a series that goes on",
    ),
    pytest.param({"eventTime": "2026-11-18T15:02:00.000000Z", "series": None}, 1, 2, id="once"),
    pytest.param(
        {"eventTime": "2026-11-18T15:01:00.000000Z", "deprecatedCount": 4,
         "deprecatedLastTimestamp": "2026-11-18T15:06:00Z",
         "deprecatedFirstTimestamp": "2026-11-18T15:00:00Z"},
        4, 6, id="written by an older version",
    ),
    pytest.param({"firstTimestamp": "2026-11-18T15:04:00Z"}, 1, 4, id="first alone"),
    pytest.param({}, 1, -60, id="creation alone"),
]  # fmt: skip


@pytest.mark.parametrize(("times", "count", "minute"), EVENT_TIMES)
@pytest.mark.parametrize("modern", [False, True], ids=["v1", "events.k8s.io"])
def test_an_event_was_last_seen_when_any_of_its_times_last_says_so(modern, times, count, minute):
    """Whichever version wrote an event, its newest time, its count, what it is about are read."""
    about, said = ("regarding", "note") if modern else ("involvedObject", "message")
    meta = {"name": "e", "namespace": "n", "creationTimestamp": "2026-11-18T14:00:00Z"}
    told = {about: {"kind": "Pod", "name": "p"}, said: "it failed", "type": "Warning"}
    found, odd = project("Event", {"metadata": meta, **told, **times})
    seen = found[0].last_seen.replace(second=0, microsecond=0)

    assert () == odd
    assert (ObjectRef("Pod", "p"), "it failed") == (found[0].about, found[0].message)
    assert (count, minute) == (found[0].count, (seen - EVENT_HOUR).total_seconds() / 60)
