"""API: the past is answered from history, labelled, and never made up."""

from datetime import timedelta

import pytest

from tests.api.paper_floor import PaperCalendar, PaperClock, PaperControl
from tests.floor.floor_of_values import MARKETDATA, NOW, STRATEGY, session_at
from tests.history.conftest import keeping
from tests.history.test_history import RememberedFloor, written

pytestmark = pytest.mark.anyio


def stamp(seconds):
    """Write an instant so many seconds after the floor's now."""
    return (NOW + timedelta(seconds=seconds)).isoformat()


def stamp_z(seconds):
    """Write such an instant as answers do."""
    return stamp(seconds).replace("+00:00", ".000Z")


@pytest.fixture
async def past(tmp_path):
    """Return the API over a floor with ten minutes of history in which a service failed once."""
    with keeping(tmp_path, None) as kept:
        remembered = RememberedFloor(kept)
        floor = remembered.floor
        for number in range(61):
            remembered.beat_until(NOW + timedelta(seconds=10 * number))
            floor.refresh(NOW + timedelta(seconds=10 * number))
            if 20 <= number < 26:
                floor.say(STRATEGY, "status.state", "DEGRADED")
            remembered.decide()
        await written(kept)
        yield PaperControl(
            floor=remembered.board,
            clock=PaperClock(NOW + timedelta(seconds=600)),
            root=tmp_path,
            past=remembered.past,
        )


async def test_the_floor_of_then_is_given_with_its_label(past):
    """`?at=` answers with the state of that instant, says AS OF, and the present is untouched."""
    then = (await past.ask("/api/v1/agents/strategy-engine", params={"at": stamp(215)})).json()
    now = (await past.ask("/api/v1/agents/strategy-engine")).json()
    posture = (await past.ask("/api/v1/posture", params={"at": stamp(215)})).json()

    assert ("DEGRADED", "HALTED") == (then["agent"]["state"], now["agent"]["state"])
    assert "AS OF 2026-11-18 10:18:35 EST" == then["label"] == posture["label"]
    assert "label" not in now
    assert ("OK", False) == (posture["posture"], posture["expected"])


async def test_inside_a_stall_of_ours_nothing_is_claimed(tmp_path):
    """Six seconds in which nothing was decided are a gap with both ends, and no OK."""
    with keeping(tmp_path, None) as kept:
        remembered = RememberedFloor(kept)
        for second in (*range(0, 121, 10), 126.2, *range(130, 190, 10)):
            at = NOW + timedelta(seconds=second)
            if second != 126.2:
                remembered.beat_until(at)
            remembered.floor.refresh(at)
            remembered.decide()
        await written(kept)
        clock = PaperClock(NOW + timedelta(seconds=180))
        control = PaperControl(
            floor=remembered.board, clock=clock, root=tmp_path, past=remembered.past
        )
        asked = (119, 120, 120.5, 123, 126, 126.5)
        answers = [
            await control.ask("/api/v1/posture", params={"at": stamp(second)}) for second in asked
        ]

    assert [200, 200, 404, 404, 404, 200] == [a.status_code for a in answers]
    assert (
        "nothing was decided from 2026-11-18 10:17:00 EST to 2026-11-18 10:17:06 EST (6.2 s):"
        " what happened then was not watched"
    ) == answers[3].json()["detail"]


@pytest.mark.parametrize("path", ["/api/v1/posture", "/api/v1/agents", "/api/v1/safety"])
async def test_the_past_does_not_stay_in_the_cache(past, path):
    """Asking for then and for now in turn returns each its own answer and tag."""
    now = await past.ask(path)
    then = await past.ask(path, params={"at": stamp(215)})
    again = await past.ask(path)

    assert now.headers["etag"] == again.headers["etag"] != then.headers["etag"]


@pytest.mark.parametrize(
    ("path", "params", "status", "code"),
    [
        pytest.param("/api/v1/posture", {"at": stamp(-3600)}, 404, "history_gap", id="before"),
        pytest.param("/api/v1/posture", {"at": stamp(601)}, 422, "at_in_the_future", id="future"),
        pytest.param("/api/v1/posture", {"at": "noon"}, 422, "instant_not_understood", id="noon"),
        pytest.param(
            "/api/v1/posture",
            {"at": "2026-11-18T15:16:00"},
            422,
            "at_in_the_future",
            id="New York's future",
        ),
        pytest.param("/api/v1/runbooks", {"at": stamp(1)}, 400, "at_not_supported", id="runbooks"),
        pytest.param("/api/v1/slo", {"at": stamp(1)}, 400, "at_not_supported", id="slo"),
        pytest.param("/api/v1/timeline", {"agent": "x"}, 404, "agent_not_found", id="no agent"),
        pytest.param(
            "/api/v1/timeline",
            {"from": stamp(10), "to": stamp(10)},
            422,
            "period_not_understood",
            id="no time",
        ),
        pytest.param(
            "/api/v1/timeline", {"from": stamp(-9e6)}, 422, "period_not_understood", id="too long"
        ),
        pytest.param(
            "/api/v1/timeline",
            {"from": stamp(-5e6), "step": "1"},
            422,
            "too_many_steps",
            id="too many steps",
        ),
    ],
)
async def test_what_cannot_be_answered_is_a_problem(past, path, params, status, code):
    """A question about the past that cannot be answered is never answered with something else."""
    answer = await past.ask(path, params=params)

    assert (status, code) == (answer.status_code, answer.json()["code"])


async def test_a_time_without_a_zone_is_new_yorks(past):
    """What the operator's clock showed is the same question as the instant in UTC."""
    shown = await past.ask("/api/v1/posture", params={"at": "2026-11-18T10:18:35"})
    instant = await past.ask("/api/v1/posture", params={"at": stamp(215)})
    line = await past.ask("/api/v1/timeline", params={"from": "2026-11-18T10:16", "step": "60"})
    events = await past.ask("/api/v1/events", params={"until": "2026-11-18T10:16"})

    assert "AS OF 2026-11-18 10:18:35 EST" == shown.json()["label"]
    assert instant.content == shown.content
    assert "2026-11-18T15:16:00.000Z" == line.json()["since"]
    assert 200 == events.status_code
    assert all(e["ts"] < "2026-11-18T15:16" for e in events.json()["events"])


async def test_an_offset_with_an_unescaped_plus_is_understood(past):
    """`+00:00` as people paste it is an offset, not a space."""
    answer = await past.ask(f"/api/v1/posture?at={stamp(215)}")

    assert 200 == answer.status_code


async def test_a_timeline_has_segments_gaps_and_cells(past):
    """Segments fill the time; what lies before the first record is a gap; cells are the worst."""
    params = {"agent": "strategy-engine", "from": stamp(-60), "to": stamp(600), "step": "60"}
    document = (await past.ask("/api/v1/timeline", params=params)).json()

    (line,) = document["agents"]
    assert [("UNKNOWN", False), ("HALTED", True), ("DEGRADED", True), ("HALTED", True)] == [
        (s["state"], s["watched"]) for s in line["segments"]
    ]
    assert [60.0, 200.0, 60.0, 340.0] == [s["seconds"] for s in line["segments"]]
    assert 11 == len(line["cells"])
    assert ["DEGRADED", "DEGRADED"] == [c["state"] for c in line["cells"][4:6]]
    assert {s["session_date"] for s in document["sessions"]} <= {"2026-11-18"}


async def test_events_are_paged(past):
    """Events come newest first, and a cursor leads to the next page."""
    first = (await past.ask("/api/v1/events", params={"limit": "2"})).json()
    second = (
        await past.ask("/api/v1/events", params={"limit": "2", "cursor": first["next_cursor"]})
    ).json()

    identities = [e["id"] for e in (*first["events"], *second["events"])]
    assert identities == sorted(identities, reverse=True)
    assert 4 == len(set(identities))


async def test_an_incident_is_told_with_its_ends_and_its_events(tmp_path):
    """R15.13: a feed that was stale for a minute is one incident; what was apart from it is too."""
    with keeping(tmp_path, None) as kept:
        remembered = RememberedFloor(kept)
        floor = remembered.floor
        for number in range(31):
            remembered.beat_until(NOW + timedelta(seconds=10 * number))
            floor.refresh(NOW + timedelta(seconds=10 * number))
            if 10 <= number < 16:
                floor.say(MARKETDATA, "marketdata.is_fresh", value=False)
            if 20 <= number:
                floor.say(STRATEGY, "status.state", "DEGRADED")
            remembered.decide()
        await written(kept)
        control = PaperControl(
            floor=remembered.board,
            clock=PaperClock(NOW + timedelta(seconds=300)),
            root=tmp_path,
            past=remembered.past,
        )
        document = (await control.ask("/api/v1/incidents")).json()
        params = {"from": stamp(130), "to": stamp(140)}
        within = (await control.ask("/api/v1/incidents", params=params)).json()

    (incident,) = document["incidents"]
    assert (stamp_z(100), stamp_z(160), False, 60.0) == tuple(
        incident[key] for key in ("begin", "end", "open", "halted_seconds")
    )
    assert "P1" == incident["severity"]
    assert incident["sentence"].endswith("; the floor was halted for 1 min 0 s")
    assert incident["event_count"] == len(incident["events"]) > 2
    told = {e["id"] for e in incident["events"]}
    assert told.isdisjoint(e["id"] for e in document["others"])
    assert "strategy-engine became DEGRADED, unexpected" in {
        e["sentence"].partition(":")[0] for e in document["others"]
    }
    (cut,) = within["incidents"]
    assert (stamp_z(100), True) == (cut["begin"], cut["open"])


async def test_targets_are_reckoned_from_the_first_record(past):
    """Time before history counts for no one; the failed minute is bad time."""
    document = (await past.ask("/api/v1/slo")).json()

    mine = next(s for s in document["services"] if s["agent_name"] == "strategy-engine")
    assert document["since"] == NOW.isoformat(timespec="milliseconds").replace("+00:00", "Z")
    assert (60.0, 0.0) == (mine["bad_seconds"], mine["unobserved_seconds"])
    assert mine["asked"] == mine["obtained"] == 60


async def test_without_history_the_past_is_not_available():
    """A process that keeps no history says so."""
    control = PaperControl()
    answers = [await control.ask(p) for p in ("/api/v1/timeline", "/api/v1/events", "/api/v1/slo")]
    answers.append(await control.ask("/api/v1/posture", params={"at": "2026-11-18T15:00:00Z"}))

    assert {(400, "history_not_available")} == {(a.status_code, a.json()["code"]) for a in answers}


async def test_a_history_that_cannot_be_read_is_a_problem(past, tmp_path):
    """A database that fails is 503 with its own code, and no traceback."""
    for file in tmp_path.glob("history.sqlite3*"):
        file.unlink()
    past.past.history._engine.dispose()  # noqa: SLF001  (as a restart would)
    (tmp_path / "history.sqlite3").write_bytes(b"no database at all, " * 100)
    answer = await past.ask("/api/v1/events")

    assert (503, "history_unreadable") == (answer.status_code, answer.json()["code"])


def test_the_paper_calendar_is_that_of_the_floor():
    """The calendar of these tests knows the floor's one session."""
    assert session_at(NOW).phase is PaperCalendar().session_at(NOW).phase


async def test_the_changes_beside_an_instant_lead_from_one_to_the_next(past):
    """R15.20: Each step leads to the floor as it changed, past it in one more."""
    path = "/api/v1/posture/changes"
    now = (await past.ask(path)).json()
    recovered = now["previous"]
    failed = (await past.ask(path, params={"at": recovered["at"]})).json()["previous"]
    beside = (await past.ask(path, params={"at": failed["at"]})).json()
    then = (await past.ask("/api/v1/posture", params={"at": failed["at"]})).json()
    before = (await past.ask("/api/v1/posture", params={"at": stamp(195)})).json()

    assert None is now["next"]
    assert ("10:18:20", "10:19:20") == (failed["at_et"][11:19], recovered["at_et"][11:19])
    assert recovered["at"] == beside["next"]["at"]
    first = (await past.ask(path, params={"at": beside["previous"]["at"]})).json()
    assert (None, failed["at"]) == (first["previous"], first["next"]["at"])
    assert (False, True) == (then["expected"], before["expected"])
    assert 422 == (await past.ask(path, params={"at": "noon"})).status_code


async def test_the_evidence_of_then_is_that_of_the_floor_as_it_is_decided_again(past):
    """R15.19: `?at=` gives the account of then, with the switch's change, and now is untouched."""
    path = "/api/v1/posture/evidence"
    then = (await past.ask(path, params={"at": stamp(215)})).json()
    now = (await past.ask(path)).json()
    rows = [{row["name"]: row for row in each["evidence"]} for each in (then, now)]
    states = [each["service strategy-engine"]["value"] for each in rows]

    assert ["DEGRADED, KILL_SWITCH (unexpected)", "HALTED, KILL_SWITCH"] == states
    assert "AS OF 2026-11-18 10:18:35 EST" == then["label"]
    assert {"2026-11-18 10:15:00 EST"} == {
        each["kill_switch kill-switch"]["since_et"] for each in rows
    }
    assert 404 == (await past.ask(path, params={"at": stamp(-3600)})).status_code
