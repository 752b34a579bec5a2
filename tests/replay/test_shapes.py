"""Events read by their shape: whatever is read so is what would be read in full."""

import itertools
import json
from hashlib import sha256

import pytest

from mission_control.replay import read_sources
from mission_control.replay.decide.line import read_plain
from mission_control.replay.decide.shape import Shapes
from mission_control.replay.model import Verdict
from mission_control.replay.present.markdown import replay_markdown
from mission_control.replay.run import replay_logs
from mission_control.replay.sources import find_input
from tests.replay.logs import EVERYTHING, adds_up, event, lines, order, read, shown, write

COMPACT, WITH_BLANKS = (",", ":"), (", ", ": ")
FORMS = pytest.mark.parametrize("form", [COMPACT, WITH_BLANKS], ids=["compact", "with blanks"])


def compact(record):
    """Return a record as JSON without blanks."""
    return json.dumps(record, separators=COMPACT)


def told(path):
    """Return all that is told of a log."""
    replay = read(path)
    by_time = [(e.at, e.data, e.repeated, e.sources, e.line) for e in replay.events()]
    return replay.counts, "".join(replay_markdown(replay, raw=True)), by_time, shown(replay)


def usual(second, **more):
    """Return an event of which a log has many, that differ in digits and ids."""
    told = {
        "stage": "received",
        "intent": {"symbol": "SPY", "qty": 10 + second, "limit_price": 431.25, "side": "buy"},
    }
    ids = {"trace_id": f"{second:032x}", "mono": 1000 + second, "tags": ["a", 12, None, True]}
    return event("order_intent", second, **{"data": told, **ids, **more})


ODD = {
    "another schema": usual(8, replay_schema="agenttrader.replay.v2"),
    "a leading zero": compact(usual(8)).replace(":1008", ":0108"),
    "a needless zero": compact(usual(8)).replace("431.25", "431.20"),
    "no time": usual(8, ts="2026-11-18T15:00:99.000000+00:00"),
    "a short time": usual(8, ts="2026-11-18T15:00:08Z"),
    "a placed order": usual(8, data={"stage": "executed", "intent": {"symbol": "SPY"}}),
    "an order id": usual(8, broker_order_id="123"),
    "a secret": usual(8, password="hunter2"),  # noqa: S106  (none)
    "a secret in a text": usual(8, tags=["token=hunter2xyz", 12, None, True]),
    "a flag": usual(8, tags=["-", 12, None, True]),
    "below zero": usual(8, mono=-108),
    "a large number": usual(8, mono=10**25),
    "a small number": usual(8, mono=0.00001),
    "other text": usual(8, trace_id="f" * 31 + "g"),
    "an escape": compact(usual(8)).replace("received", "\\u0072eceived"),
    "more than ASCII": usual(8, service="café"),
    "a key with digits": usual(8, k8=1),
    "a key like an id": usual(8, deadbeef=1),
    "allowed as a number": usual(8, data={"stage": "gated", "allowed": 1}),
    "a stage with digits": usual(8, data={"stage": "stage 2"}),
    "long": usual(8, service="long " * 1_000),
    "deep": usual(8, data=json.loads("[" * 20 + "]" * 20)),
    "a long reason": usual(8, data={"stage": "gated", "reason": "because 1 " * 40}),
    "percents": usual(8, data={"stage": "gated", "reason": "50 % of 1 %s"}),
    "tells nothing": event("order_intent", 8),
    "nothing that varies is shown": usual(8, data={"stage": "gated"}),
    "a time without its zone": usual(8, ts="2026-11-18 15:00:08.5"),
    "very many numbers": usual(8, tags=[1] * 1_100),
    "as deep as can be": usual(8, data=json.loads('{"a":' * 20 + "1" + "}" * 20)),
    "time as a number": usual(8, ts=1_795_100_000),
}


@FORMS
@pytest.mark.parametrize("odd", ODD.values(), ids=ODD)
def test_shapes_change_no_answer(tmp_path, monkeypatch, form, odd):
    """Not for what has no shape, nor for what only looks like what has one (R12.14, R12.16)."""
    usuals = [usual(n) for n in range(6)]
    odder = [odd if isinstance(odd, str) else json.dumps(odd, separators=form)] * 5
    others = [] if isinstance(odd, str) else [json.dumps({**odd, "mono": 1009}, separators=form)]
    log = tmp_path / "a.log"
    log.write_bytes(lines(*(json.dumps(u, separators=form) for u in usuals), *odder, *others))
    by_shape = told(log)
    monkeypatch.setattr(Shapes, "find", lambda *_: None)

    assert told(log) == by_shape
    assert adds_up(by_shape[0])


@FORMS
def test_lines_of_one_shape_are_read_by_place(tmp_path, monkeypatch, form):
    """From the third on none of them is parsed, and all of them are shown."""
    log = tmp_path / "a.log"
    log.write_bytes(lines(*(json.dumps(usual(n), separators=form) for n in range(40))))
    parsed = itertools.count()
    monkeypatch.setattr(read_sources, "read_plain", lambda *of: (next(parsed), read_plain(*of))[1])
    replay = read(log)

    assert (40, 2) == (replay.counts.events, next(parsed))
    assert 40 == "".join(replay_markdown(replay)).count("SPY at 431.25")


def test_evidence_after_many_of_one_shape_is_found(tmp_path):
    """However alike it is to them (R12.16)."""
    log = tmp_path / "a.log"
    log.write_bytes(lines(*(order("received", n) for n in range(9)), order("broker_placed", 9)))

    assert Verdict.FOUND is read(log).answer.verdict


def test_shapes_are_bounded(tmp_path, monkeypatch):
    """What has no room is read in full."""
    records = [usual(n, **{"x" * (n // 4 + 1): 1}) for n in range(40)]
    log = tmp_path / "a.log"
    log.write_bytes(lines(*(json.dumps(r, separators=COMPACT) for r in records)))
    free = told(log)
    monkeypatch.setattr("mission_control.replay.decide.shape._MOST_SHAPES", 2)
    monkeypatch.setattr("mission_control.replay.decide.shape._MOST_SEEN", 1)

    assert free == told(log)


def test_each_file_is_named_by_what_it_was(tmp_path):
    """By the bytes of the file as it is, packed or broken off; only where asked (R9.3)."""
    packed = write(tmp_path, "b.log.gz", *(event(second=n) for n in range(9)))
    whole, broken = packed.read_bytes(), tmp_path / "c.log.gz"
    broken.write_bytes(whole[:40] + b"broken" + bytes(1 << 17))
    paths = [str(broken), str(packed), str(tmp_path / "none.log")]
    found = replay_logs(find_input(paths), EVERYTHING, digests=True).inputs
    kept = {
        str(p): (sha256(p.read_bytes()).hexdigest(), p.stat().st_size) for p in (packed, broken)
    }

    assert kept == {file.path: (file.sha256, file.size) for file in found}
    assert () == replay_logs(find_input(paths), EVERYTHING).inputs
