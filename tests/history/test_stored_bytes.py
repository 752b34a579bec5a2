"""History's stored forms: what older versions wrote is read, and today's bytes are the same."""

import zlib
from dataclasses import replace
from datetime import timedelta
from pathlib import Path

import pytest

from mission_control.cluster.model.facts import CapturedWorkloads
from mission_control.contract.model.answer import Answer, Shape
from mission_control.contract.model.claims import Claims
from mission_control.contract.model.shapes import PlainAnswer, ServiceState
from mission_control.floor.model import (
    KILL_SWITCH,
    Alarm,
    Instance,
    Latched,
    ServiceSince,
    SwitchReading,
    Verdict,
)
from mission_control.history import codec
from mission_control.history.decide.loss import HistoryPin
from mission_control.history.notes import Note, newest_of, slot_of
from mission_control.model.kill_switch import SourceKind, SwitchText
from mission_control.model.reading import (
    Addresses,
    Exchange,
    PathPast,
    Seen,
    ServiceRound,
    ToldBuild,
    Unseen,
    UnseenReason,
)
from mission_control.model.session import CalendarDoubt
from tests.floor.cluster_of_values import ClusterFloor
from tests.floor.floor_of_values import FLEET, GAMMA, NOW, STRATEGY

STORED = Path(__file__).parent / "stored"
LATER = NOW + timedelta(seconds=1.25)
SILENT = Unseen(
    UnseenReason.CONTRACT_INVALID,
    LATER,
    0.25,
    "it is broken: é",
    Exchange(503, (("dns", 0.001), ("connect", 0.002)), -1.5, "<html>", "[::1]:8080", "gone"),
    Claims(SwitchText.UNCLEAR, True, "LIVE"),  # noqa: FBT003
    (("status.state", "is none of ours"), ("ts", "is missing")),
    confirmed=False,
)
LATCHED = Latched(
    (
        Alarm(
            "EXECUTION_EVIDENCE",
            "strategy-engine",
            "strategy-engine /ops/status",
            "mode",
            "the agent mode is EXECUTE",
            NOW,
            LATER,
            (Instance("10.0.0.7:80", "a1", ("strategy-0",), True, NOW, 2, NOW, LATER),),  # noqa: FBT003
        ),
        Alarm("KILL_SWITCH_OFF", KILL_SWITCH, "environment", "switch", "it is off", NOW, NOW),
    ),
    Verdict.HALTED,
    NOW,
    (ServiceSince("strategy-engine", ServiceState.OK, True, NOW, ("/healthz",)),),  # noqa: FBT003
    confirmed=False,
)
NOTE = Note(LATCHED.alarms, HistoryPin("ab" * 8, 17, 1_763_478_900_000_000), True, True)  # noqa: FBT003


def evidence():
    """Return evidence in which every field says something."""
    floor = ClusterFloor()
    rounds, facts = floor.evidence().rounds, floor.facts()
    assert facts is not None
    plain = Answer(Shape.PLAIN, 204, PlainAnswer(), Claims(agent_mode="SIM"), b'{"a":"\xc3\xa9"}')
    readings = {
        **rounds[STRATEGY.agent_name].readings,
        "/metrics": Seen(plain, LATER, 0.5, Exchange(204, peer="10.0.0.7:80")),
        "/broken": SILENT,
    }
    told = ServiceRound(
        STRATEGY.agent_name,
        NOW,
        LATER,
        readings,
        Addresses(("a:1", "b:1"), ("b:1",), LATER),
        {"/healthz": PathPast(True, (NOW, LATER), False, NOW, True), "/new": PathPast()},  # noqa: FBT003
        (ToldBuild("10.0.0.7:80", "git_sha 54afffe", NOW, LATER),),
    )
    switches = (
        SwitchReading(SourceKind.FILE, "/etc/switch", Seen("1\n", NOW, 0.125), live_mount=True),
        SwitchReading(SourceKind.CONFIG_MAP, "cluster floor/switch", SILENT, "it has no key"),
    )
    return replace(
        floor.evidence(),
        rounds={**rounds, STRATEGY.agent_name: told},
        switch_readings=switches,
        store=SILENT,
        history=Seen(None, LATER),
        alarms_known=False,
        alarms_lost="a note is damaged",
        record_new_until=LATER,
        cluster=replace(facts, lists=facts.lists[:2], workloads=facts.workloads[:2]),
        captured=CapturedWorkloads(
            frozenset({("ns", "Deployment", "b"), ("ns", "CronJob", "a")}), "ops/lkg/1", "a note"
        ),
        calendar_doubt=CalendarDoubt(NOW, "the closures cannot be read"),
    )


PACKED = {
    "evidence": lambda: codec.pack_evidence(evidence()),
    "bare_evidence": lambda: codec.pack_evidence(
        replace(ClusterFloor().evidence(), rounds={}, switch_readings=(), cluster=None)
    ),
    "fleet": lambda: codec.pack_fleet(ClusterFloor().fleet),
    "latched": lambda: codec.pack_latched(LATCHED),
    "counts": lambda: codec.pack({"strategy-engine": [3, 2], GAMMA.agent_name: [1, 0]}),
    "note": NOTE.as_bytes,
}


@pytest.mark.parametrize("name", PACKED)
def test_todays_bytes_are_those_of_before(name):
    """What is stored has the very bytes that the version before wrote."""
    text = (STORED / f"{name}.json").read_bytes()

    assert text == zlib.decompress(PACKED[name]())
    assert zlib.compress(text, 3) == PACKED[name]()


def test_what_was_stored_is_read_as_it_was():
    """Evidence, inventory and alarms that an older version wrote come back as they were."""

    def stored(name):
        return zlib.compress((STORED / f"{name}.json").read_bytes(), 3)

    fleet = codec.unpack_fleet(stored("fleet"))

    assert ClusterFloor().fleet == fleet
    assert evidence() == codec.unpack_evidence(stored("evidence"), fleet)
    assert LATCHED == codec.unpack_latched(stored("latched"))
    assert codec.unpack_evidence(stored("bare_evidence"), FLEET).rounds == {}


def test_a_slot_of_notes_is_as_it_was():
    """A note of alarms in its slot has the same bytes, and is read again."""
    slot = slot_of(258, NOTE)

    assert (STORED / "slot.hex").read_text().strip() == slot.hex()
    assert (258, NOTE) == newest_of([slot.ljust(32 * 1024, b"\0"), b""])
