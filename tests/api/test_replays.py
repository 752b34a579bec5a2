"""API: recorded replays, one of them, and what differs between two."""

from dataclasses import replace

import pytest

from mission_control.api.readers_aside import is_asked_aside
from mission_control.records.artifact_store import ArtifactStore
from mission_control.records.model import Collection
from mission_control.replay import recorded as reading
from tests.api.paper_floor import PaperControl
from tests.records.runs import facts
from tests.replay.replay_of_values import (
    AGENT,
    CALM,
    EVENTS,
    HOSTILE,
    event,
    hostile,
    replay,
)
from tests.replay.test_record_replay import STEM, recorded

pytestmark = pytest.mark.anyio
REPLAYS = "/api/v1/replays"


@pytest.fixture
def control(tmp_path):
    """Return the API over an empty root."""
    return PaperControl(root=tmp_path)


async def test_without_a_replay_the_list_is_empty(control):
    """Nothing recorded is no error; nor can two of them be compared."""
    diff = await control.ask(f"{REPLAYS}/diff")
    one = await control.ask(f"{REPLAYS}/{STEM}.md")

    assert {"next_cursor": None, "replays": []} == (await control.ask(REPLAYS)).json()
    assert [(404, "replay_not_found")] * 2 == [
        (a.status_code, a.json()["code"]) for a in (diff, one)
    ]
    assert is_asked_aside(REPLAYS, b"", ())


async def test_replays_are_listed_with_their_answer(control):
    """The newest first, page by page: evidence or none, events, sources, and the time (R12.27)."""
    entries = await recorded(control.root, replay(), CALM)
    first = (await control.ask(f"{REPLAYS}?limit=1")).json()
    second = (await control.ask(f"{REPLAYS}?limit=1&cursor={first['next_cursor']}")).json()
    (calm,), (found,) = first["replays"], second["replays"]

    assert [entries[1].path, entries[0].path] == [calm["path"], found["path"]]
    assert ("none_found", 0, "found", 1) == (
        calm["verdict"],
        calm["evidence"],
        found["verdict"],
        found["evidence"],
    )
    assert (10, 28, 4, 19) == tuple(found[k] for k in ("events", "lines", "sources", "skipped"))
    assert ("2026-11-18T15:00:00.000Z", "2026-11-18 10:00:06 EST") == (
        found["first"],
        found["last_et"],
    )
    assert None is second["next_cursor"]
    names = [f["name"] for f in found["files"]]
    assert [f"20261118T151500Z_replay{e}" for e in (".html", ".json", ".md", ".run.json")] == names
    assert 422 == (await control.ask(f"{REPLAYS}?limit=0")).status_code


async def test_a_replay_is_shown_by_the_path_of_any_of_its_files(control):
    """Its answer, sources, evidence, timeline, groups and the first of their events."""
    (entry,) = await recorded(control.root, replay())
    answers = [
        await control.ask(f"{REPLAYS}/{path}")
        for path in (entry.path, f"{STEM}.json", "20261118T151500Z_replay.md", "latest")
    ]
    one = answers[0].json()

    assert [200] * 4 == [a.status_code for a in answers]
    assert 1 == len({a.content for a in answers})
    assert ["execution-engine", "strategy-engine", ""] == [g["agent"] for g in one["groups"]]
    assert [1, 6, 1] == [len(g["replayed"]) for g in one["groups"]]
    assert "data" not in one["groups"][0]["replayed"][0]
    assert ["c.gz broke off."] == one["reasons"]
    assert ["broker_order_id", "suspected"] == [e["kind"] for e in one["evidence"]]
    assert ["a.log", "b.log", "c.gz", "bundle/logs/x.log"] == [s["label"] for s in one["sources"]]
    assert ["(unattributed)", "execution-engine", "strategy-engine"] == [
        lane["name"] for lane in one["timeline"]["lanes"]
    ]
    assert (0, 0, 0) == (one["more_groups"], one["more_evidence"], one["more_sources"])
    assert 404 == (await control.ask(f"{REPLAYS}/previous")).status_code
    assert 404 == (await control.ask(f"{REPLAYS}/replay.md")).status_code


async def test_what_has_no_room_is_counted(control):
    """A hundred events of a group and a thousand in all; the files hold every one."""
    groups = [event(n, trace_id=f"t-{group:03}", line=n) for group in range(120) for n in range(12)]
    long = [event(n, "tick", agent="a", trace_id="long") for n in range(150)]
    await recorded(control.root, replay([*long, *groups], ()))
    one = (await control.ask(f"{REPLAYS}/latest")).json()
    shown = [len(g["replayed"]) for g in one["groups"]]

    assert (100, 21, 1_000) == (len(shown), one["more_groups"], sum(shown))
    assert (100, 50) == (shown[0], one["groups"][0]["more"])
    assert [12] * 75 == shown[1:76]
    assert (0, 12) == (shown[-1], one["groups"][-1]["more"])


async def test_long_texts_are_cut(control):
    """No name of hundreds of characters takes an answer; the recorded JSON holds it whole."""
    long = event(1, "e" * 999, agent="a" * 999, trace_id="t" * 999, data={"n": 1})
    await recorded(control.root, replay([long], ()), replay((), ()))
    (one,) = (await control.ask(f"{REPLAYS}/{STEM}.md")).json()["groups"]
    (apart,) = (await control.ask(f"{REPLAYS}/diff")).json()["groups"]

    for text in (one["agent"], one["replayed"][0]["event"], apart["trace_id"]):
        assert (300, "…") == (len(text), text[-1])
    assert b"e" * 999 in (control.root / f"{STEM}.json").read_bytes()


async def test_two_replays_are_compared_by_group(control):
    """Counts side by side; of each group that differs what only one of the two has."""
    changed = [replace(e, source="elsewhere.log", line=3) for e in EVENTS[:5]]
    changed[4] = replace(changed[4], repeated=1)
    changed.append(event(9, "shutdown", data={"event": "shutdown"}))
    await recorded(control.root, replay(), replay(changed, ()))
    diff = (await control.ask(f"{REPLAYS}/diff")).json()
    asked = await control.ask(f"{REPLAYS}/diff?from={STEM}.md&to=latest")
    same = (await control.ask(f"{REPLAYS}/diff?from=latest&to=latest")).json()
    groups = {g["agent"]: g for g in diff["groups"]}
    own = groups[AGENT]

    assert asked.json() == diff
    assert {"what": "lines", "before": 28, "after": 28} in diff["counts"]
    assert {"what": "skipped no_event", "before": 18, "after": 18} in diff["counts"]
    assert {AGENT, "execution-engine", ""} == set(groups)
    assert (8, 6) == (own["before"], own["after"])
    assert [("order_intent", 2), ("startup", 1)] == [
        (e["event"], e["repeated"]) for e in own["only_before"]
    ]
    assert [("shutdown", 1)] == [(e["event"], e["repeated"]) for e in own["only_after"]]
    assert [] == groups["execution-engine"]["only_after"]
    assert ([], 1) == (same["groups"], same["same_groups"])


async def test_many_differences_are_counted(control):
    """Twenty events of a group, a hundred groups."""
    many = [event(n, trace_id=f"t-{n:03}", data={"n": n}) for n in range(130)]
    more = [event(n, "tick", agent="b", trace_id="b", data={"n": n}) for n in range(30)]
    await recorded(control.root, replay((), ()), replay([*many, *more], ()))
    diff = (await control.ask(f"{REPLAYS}/diff")).json()
    (last,) = (g for g in diff["groups"] if g["agent"] == "b")

    assert (100, 31) == (len(diff["groups"]), diff["more_groups"])
    assert (20, 10, 30) == (len(last["only_after"]), last["more_after"], last["after"])


@pytest.mark.parametrize("ending", [".json", ".run.json"])
async def test_an_altered_replay_is_not_believed(control, ending):
    """Without its account its answer is not known; without its JSON it is not shown."""
    await recorded(control.root, CALM)
    file = control.root / f"{STEM}{ending}"
    file.chmod(0o644)
    file.write_bytes(file.read_bytes().replace(b"none_found", b"none-found"))
    (listed,) = (await control.ask(REPLAYS)).json()["replays"]
    one = await control.ask(f"{REPLAYS}/latest")

    if ending == ".json":
        assert ("none_found", 503) == (listed["verdict"], one.status_code)
        file.unlink()
        assert 410 == (await control.ask(f"{REPLAYS}/latest")).status_code
    else:
        assert ("not_known", 200) == (listed["verdict"], one.status_code)
        assert "not as it was recorded" in listed["problem"]
        assert None is listed["evidence"]


async def test_a_line_without_its_files_is_not_believed(control):
    """A replay of which only the Markdown was recorded tells nothing that counts."""
    ArtifactStore(control.root).write_files(
        Collection.REPLAYS, "x_replay", {".md": (b"# none found",)}, facts(job="replay")
    )
    (listed,) = (await control.ask(REPLAYS)).json()["replays"]

    assert "not_known" == listed["verdict"]
    assert "does not tell its answer" in listed["problem"]
    assert 503 == (await control.ask(f"{REPLAYS}/latest")).status_code


async def test_a_replay_that_is_too_large_is_said(control, monkeypatch):
    """Its files are there to be read, and are named."""
    await recorded(control.root, replay(), CALM)
    monkeypatch.setattr(reading, "MAX_JSON_BYTES", 100)
    answers = [await control.ask(f"{REPLAYS}/{path}") for path in ("latest", "diff")]

    assert [(413, "replay_too_large")] * 2 == [(a.status_code, a.json()["code"]) for a in answers]
    assert f"{STEM}.md" in answers[1].json()["detail"]


@pytest.mark.parametrize("text", HOSTILE)
async def test_hostile_text_is_data(control, text):
    """It comes back as it was written, and breaks nothing."""
    await recorded(control.root, hostile(text), hostile(text))
    one = await control.ask(f"{REPLAYS}/latest")

    assert 200 == one.status_code
    assert text in {g["agent"] for g in one.json()["groups"]}
    assert [] == (await control.ask(f"{REPLAYS}/diff")).json()["groups"]
