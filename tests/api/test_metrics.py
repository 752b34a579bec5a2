"""What a scraper is told of the record, and that every metric is documented."""

import asyncio
import re
from dataclasses import replace
from datetime import timedelta
from pathlib import Path

import pytest
from prometheus_client.parser import text_string_to_metric_families

from mission_control.alerts.model import AlertState
from mission_control.alerts.present import OPEN_PHASES
from mission_control.api import metrics_routes
from mission_control.api.metrics_routes import RecordFacts, record_families
from mission_control.durable_copy.model import CopyStatus
from mission_control.errors import StorageError
from mission_control.floor.model import Freshness, FreshnessState
from mission_control.model.finding import Reason, Severity
from mission_control.readiness.model import ReadinessVerdict
from mission_control.schedule.model import DayView
from tests.alerts_delivery.values import alert, book
from tests.api.paper_floor import HEALTH, PaperAlerts, PaperControl, PaperFloor, healthy_snapshot
from tests.api.test_ops import values
from tests.floor.floor_of_values import NOW

pytestmark = pytest.mark.anyio
ROOT = Path(__file__).parents[2]
INFINITE = float("inf")
FACTS = RecordFacts(
    runs=(("lkg_capture", "MISSED", 1),),
    verdict=ReadinessVerdict.GO,
    verdict_is_current=True,
    copied=CopyStatus.COPIED,
    copy_lag_seconds=None,
)


def told(facts):
    """Return the metrics of these facts by name and labels."""
    return {
        (sample.name.removeprefix("mission_control_"), *sample.labels.values()): sample.value
        for family in record_families(facts)
        for sample in family.samples
    }


def test_a_record_that_was_read_is_told():
    """Runs by job and outcome, the verdict one-hot, the copy's state, and nothing that waits."""
    found = told(FACTS)

    assert 1.0 == found["record_readable",]
    assert 1.0 == found["planned_runs", "lkg_capture", "MISSED"]
    assert (1.0, 0.0) == (found["readiness", "GO"], found["readiness", "NO-GO"])
    assert 1.0 == found["readiness_current",]
    assert (
        1.0 == found["durable_copy", "COPIED"] == sum(found["durable_copy", s] for s in CopyStatus)
    )
    assert 0.0 == found["durable_copy_lag_seconds",]


def test_a_record_that_was_not_read_has_no_other_series():
    """Nothing old is told as if it were now."""
    assert {("record_readable",): 0.0} == told(None)


@pytest.mark.parametrize(
    ("change", "lag"),
    [
        pytest.param({"copy_lag_seconds": 90.0}, 90.0, id="a line waits"),
        pytest.param({"copy_lag_seconds": INFINITE}, INFINITE, id="it is not known since when"),
        pytest.param({"copied": CopyStatus.NOT_CONFIGURED}, None, id="no durable copy"),
    ],
)
def test_the_lag_of_the_copy_is_told_where_there_is_one(change, lag):
    """A copy that is not configured has no lag, and one of unknown age is infinitely late."""
    assert lag == told(replace(FACTS, **change)).get(("durable_copy_lag_seconds",))


async def test_metrics_tell_runs_readiness_and_the_copy(control: PaperControl):
    """From a real root: today's plan, no readiness, no durable copy."""
    found = values((await control.ask("/metrics")).text)

    assert 1.0 == found["mission_control_record_readable",]
    assert 1.0 == found["mission_control_readiness", "NO-GO"]
    assert 0.0 == found["mission_control_readiness_current",]
    assert 1.0 == found["mission_control_durable_copy", "NOT_CONFIGURED"]
    runs = {k: v for k, v in found.items() if k[0] == "mission_control_planned_runs"}
    assert 9 * 9 == len(runs)


async def test_what_waits_for_a_copy_grows_old(tmp_path, control: PaperControl):
    """A line that was never copied lags since it was recorded."""
    control = PaperControl(root=control.root, durable_copy="s3://bucket/floor")
    control.clock.now = NOW + timedelta(days=400)
    found = values((await control.ask("/metrics")).text)

    assert 1.0 == found["mission_control_durable_copy", "NEVER_RUN"]
    assert 300 * 86_400 < found["mission_control_durable_copy_lag_seconds",] < INFINITE


class StuckDay:
    """A day whose record fails, or hangs until it is released."""

    def __init__(self, failure: Exception | None = None) -> None:
        """Fail so, or hang."""
        self.failure = failure
        self.asked = 0
        self.released = asyncio.Event()

    async def view(self) -> DayView:
        """Do not return a day."""
        self.asked += 1
        if self.failure is not None:
            raise self.failure
        await self.released.wait()
        raise StorageError("it came back broken", path="/root")

    def stalled(self) -> str:
        """Say that it is not."""
        return ""


async def test_a_record_that_fails_is_told_and_not_asked_again_at_once():
    """The floor's metrics are there all the same."""
    day = StuckDay(StorageError("gone", path="/root"))
    control = PaperControl(day=day)
    found = [values((await control.ask("/metrics")).text) for _ in range(3)]

    assert [0.0, 0.0, 0.0] == [each["mission_control_record_readable",] for each in found]
    assert 1.0 == found[0]["mission_control_posture", "OK"]
    assert 1 == day.asked


async def test_a_record_that_hangs_delays_no_scrape_and_is_not_joined(monkeypatch):
    """A scrape waits for its deadline and no longer; one read at a time waits for the record."""
    monkeypatch.setattr(metrics_routes, "READ_SECONDS", 0.05)
    day = StuckDay()
    control = PaperControl(day=day)
    answers = await asyncio.gather(*(control.ask("/metrics") for _ in range(5)))

    assert [0.0] * 5 == [values(a.text)["mission_control_record_readable",] for a in answers]
    assert 1 == day.asked
    day.released.set()
    await asyncio.sleep(0)


@pytest.mark.parametrize(
    ("freshness", "age", "limit"),
    [
        pytest.param(
            Freshness(FreshnessState.STALE, 120.0, NOW - timedelta(seconds=259)), 259.0, 120.0,
            id="an old tick",
        ),
        pytest.param(Freshness(FreshnessState.MISSING, 120.0), INFINITE, 120.0, id="no tick"),
        pytest.param(Freshness(FreshnessState.UNVERIFIABLE), INFINITE, None, id="no limit known"),
        pytest.param(Freshness(FreshnessState.NOT_APPLICABLE), None, None, id="no feed"),
    ],
)  # fmt: skip
async def test_the_age_of_the_last_tick_is_told(freshness, age, limit):
    """A tick that was never seen is infinitely old; who has no feed has no age."""
    snapshot = healthy_snapshot()
    services = (replace(snapshot.services[0], freshness=freshness), *snapshot.services[1:])
    found = values(
        (await PaperControl(PaperFloor(replace(snapshot, services=services))).ask("/metrics")).text
    )
    name = services[0].agent.agent_name

    assert age == found.get(("mission_control_marketdata_tick_age_seconds", name))
    assert limit == found.get(("mission_control_marketdata_tick_limit_seconds", name))
    state = found.get(("mission_control_marketdata_freshness", name, freshness.state.value))
    assert (None if age is None else 1.0) == state


@pytest.mark.parametrize(
    ("code", "name"),
    [
        ("HISTORY_FAILING", "history_failing"),
        ("ARTIFACT_STORE_FAILING", "artifact_store_failing"),
        ("STANDING_UNKNOWN", "latched_alarms_unknown"),
    ],
)
async def test_what_is_wrong_with_memory_is_a_metric(code, name):
    """Each is 1 while the posture says so, and else 0."""
    snapshot = healthy_snapshot()
    reason = Reason(code, "history", Severity.P2, "it fails")
    bad = replace(snapshot, posture=replace(snapshot.posture, reasons=(reason,)))
    both = [
        values((await PaperControl(PaperFloor(s)).ask("/metrics")).text) for s in (snapshot, bad)
    ]

    assert [0.0, 1.0] == [found[f"mission_control_{name}",] for found in both]


async def test_alerts_are_counted_by_what_they_do():
    """What pages, is withheld, is pending; and whether all that is still decided."""
    held = alert("strategy-engine", withheld="outside P1 hours", fingerprint="1" * 16)
    waits = alert("gamma-strategy", state=AlertState.PENDING, fingerprint="2" * 16)
    over = alert("whale-strategy", state=AlertState.RESOLVED, fingerprint="3" * 16)
    alerts = PaperAlerts(book(alert(), held, waits, over))
    found = values((await PaperControl(alerts=alerts, channels=(HEALTH,)).ask("/metrics")).text)

    counted = [found["mission_control_alerts", phase, "P1"] for phase in OPEN_PHASES]
    assert [1.0, 1.0, 1.0, 1.0] == [*counted, found["mission_control_alerts_deciding",]]
    assert 3.0 == sum(v for k, v in found.items() if k[0] == "mission_control_alerts")
    named = {k[0].removeprefix("mission_control_alert_channel_"): v for k, v in found.items()}
    assert (1.0, 2.0, 1.0) == (named["failing"], named["waiting"], named["dead_letters"])


async def test_alerts_that_are_not_decided_are_said_to_be_not():
    """Without history none are; the counts are of none."""
    found = values((await PaperControl().ask("/metrics")).text)

    assert 0.0 == found["mission_control_alerts_deciding",]


async def exposed() -> dict[str, frozenset[str]]:
    """Return every exposed sample name with its labels."""
    text = (
        await PaperControl(durable_copy="s3://bucket/floor", channels=(HEALTH,)).ask("/metrics")
    ).text
    families = [*text_string_to_metric_families(text), *record_families(FACTS)]
    return {s.name: frozenset(s.labels) for family in families for s in family.samples}


async def test_every_metric_is_documented_with_its_labels():
    """`docs/metrics.md` names exactly what is exposed."""
    page = (ROOT / "docs/metrics.md").read_text()
    rows = re.findall(r"^\| `(mission_control_\w+)` \| ([^|]*)\|", page, re.MULTILINE)
    documented = {name: frozenset(re.findall(r"`(\w+)`", labels)) for name, labels in rows}

    assert documented == await exposed()


async def test_names_end_in_base_units():
    """No name counts in anything but seconds, days of the calendar, or pieces."""
    wrong = re.compile(r"_(ms|milliseconds|minutes|hours|mb|kb|percent)$")

    assert [] == [name for name in await exposed() if wrong.search(name)]
