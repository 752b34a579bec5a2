"""Whole days of the simulated floor, as values: what happens when, and what has to be said."""

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from datetime import date, time

from mission_control.simulation.catalogue import find_scenario
from mission_control.simulation.roster import REGISTRY
from mission_control.simulation.scenario import (
    CALM_CLUSTER,
    STRATEGY_ENGINE,
    Feed,
    Scenario,
    Ticks,
    WorkloadTwist,
)

CALM = find_scenario("calm")
EARLIER_BUILD = "4d1c0aa"

DEMO_DAY = date(2026, 12, 2)
"""The day on which the demo begins, where nothing else is asked for: a Wednesday."""
DEMO_BEGINS = time(10, 14, 57)

BEFORE_DEPLOY = replace(
    CALM,
    name="before-deploy",
    description="As calm; strategy-engine runs the build before the newest.",
    cluster=replace(
        CALM_CLUSTER,
        workloads={
            STRATEGY_ENGINE: WorkloadTwist(
                image=f"{REGISTRY}/strategy-runtime:{EARLIER_BUILD}",
                env={"GIT_SHA": EARLIER_BUILD},
            )
        },
    ),
)
"""Until the deploy between the recorded sessions."""

TRADING_HALT = replace(
    CALM,
    name="market-halt",
    description="Trading is halted market-wide: no service fails, and no tick comes.",
    feed=Feed(Ticks.STOPPED, seconds=1.0),
)


def _before_deploy(scenario: Scenario) -> Scenario:
    return replace(scenario, cluster=BEFORE_DEPLOY.cluster)


@dataclass(frozen=True, slots=True)
class Turn:
    """From this time of the day in New York on the floor is so; `why` is said when it is."""

    at: time
    scenario: Scenario
    why: str


@dataclass(frozen=True, slots=True)
class PlayedDay:
    """
    One day of the floor, from `begins` to `ends` in New York's time.

    `turns` are what happens to the floor, in order. `closure` is an entry of the closures file that
    is in force. `says` are pieces of what Mission Control has to say on such a day, in this order;
    `runs` how many planned runs of each job end well, where that is to be checked.
    """

    name: str
    on: date
    description: str
    begins: time = time(8)
    ends: time = time(18, 2)
    first: Scenario = CALM
    turns: tuple[Turn, ...] = ()
    closure: Mapping[str, str] = field(default_factory=dict[str, str])
    says: tuple[str, ...] = ()


_FEED_LOST = _before_deploy(find_scenario("stale-tick"))

RECORDED = (
    PlayedDay("calm", date(2026, 11, 24), "A calm session.", first=BEFORE_DEPLOY),
    PlayedDay(
        "incident",
        date(2026, 11, 25),
        "The market data feed is lost for nine minutes.",
        first=BEFORE_DEPLOY,
        turns=(
            Turn(time(10, 42), _FEED_LOST, "the feed of market data is lost"),
            Turn(time(10, 51), BEFORE_DEPLOY, "the feed is back"),
        ),
        says=(
            "posture OK -> HALTED: MARKETDATA_STALE marketdata-mcp-server",
            "posture HALTED -> OK",
        ),
    ),
    PlayedDay(
        "holiday",
        date(2026, 11, 26),
        "Thanksgiving: nothing trades, and no run is due.",
        first=BEFORE_DEPLOY,
        says=("skipped: ",),
    ),
    PlayedDay(
        "early-close",
        date(2026, 11, 27),
        "The Friday after Thanksgiving: the market closes at 13:00.",
        first=BEFORE_DEPLOY,
    ),
    PlayedDay("deploy", date(2026, 11, 30), "strategy-engine runs a new build."),
    PlayedDay("calm", date(2026, 12, 1), "A calm session, whose capture is the last known good."),
    PlayedDay("this-morning", DEMO_DAY, "Until the demo begins.", ends=DEMO_BEGINS),
    PlayedDay("this-day", DEMO_DAY, "The rest of the demo's day.", begins=DEMO_BEGINS),
)
"""What the demo starts with, each on the record of those before (scripts/record_demo.py)."""

DAYS = (
    PlayedDay(
        "thanksgiving-friday",
        date(2026, 11, 27),
        "An early close at 13:00, which the services do not know: they expect ticks until 16:00, "
        "and the floor is MARKET_CLOSED.",
        ends=time(14, 21),
        says=(
            "pre_market_readiness: SUCCEEDED: GO",
            "pre_open_readiness: SUCCEEDED: GO",
            "posture MARKET_CLOSED -> OK",
            "open_verification: SUCCEEDED: GO",
            "posture OK -> MARKET_CLOSED",
            "post_market_capture: SUCCEEDED",
            "lkg_capture: SUCCEEDED",
            "no_execution_attestation: SUCCEEDED",
        ),
    ),
    PlayedDay(
        "dst-monday",
        date(2027, 3, 15),
        "The first session of summer time: 08:30 in New York is 12:30 UTC, an hour earlier than "
        "on Friday.",
        ends=time(10, 16),
        says=(
            "pre_market_readiness: SUCCEEDED: GO",
            "posture MARKET_CLOSED -> OK",
            "open_verification: SUCCEEDED: GO",
        ),
    ),
    PlayedDay(
        "dst-monday-autumn",
        date(2026, 11, 2),
        "The first session of winter time: 08:30 in New York is 13:30 UTC.",
        ends=time(10, 16),
        says=(
            "pre_market_readiness: SUCCEEDED: GO",
            "posture MARKET_CLOSED -> OK",
            "open_verification: SUCCEEDED: GO",
        ),
    ),
    PlayedDay(
        "ad-hoc-closure",
        date(2026, 12, 9),
        "The exchange has announced a day of mourning, which the closures file knows: no run is "
        "due, and the services' complaints about missing ticks halt nothing.",
        ends=time(9, 41),
        closure={
            "date": "2026-12-09",
            "kind": "closed",
            "source": "announcement of the exchange (simulated)",
            "announced": "2026-12-07",
            "entered_by": "the rehearsal",
        },
        says=("posture MARKET_CLOSED", "planned: 0 runs", "skipped: "),
    ),
    PlayedDay(
        "market-halt",
        date(2026, 12, 2),
        "Trading is halted market-wide at 10:12 for 15 minutes: stale market data, said as that, "
        "and never excused.",
        ends=time(10, 46),
        turns=(
            Turn(time(10, 12), TRADING_HALT, "trading is halted market-wide; no tick comes"),
            Turn(time(10, 27), CALM, "trading resumes"),
        ),
        says=(
            "open_verification: SUCCEEDED: GO",
            "posture OK -> HALTED: MARKETDATA_STALE marketdata-mcp-server",
            "alert pages: P1 MARKETDATA_STALE",
            "posture HALTED -> OK",
        ),
    ),
)
"""The days that `mission-control rehearse` plays."""
