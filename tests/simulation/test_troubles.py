"""What an unwell floor says of itself, scenario by scenario, over real sockets."""

import pytest

from mission_control.simulation.catalogue import SCENARIOS

MARKETDATA = "marketdata-mcp-server"
SLOW = {"critical-hung", "critical-drip"}
"""Here strategy-engine takes two seconds to answer."""


@pytest.fixture
def ask(served, client):
    """Stage a scenario at its own instant and ask a service for a document."""

    def ask(scenario_name, agent_name, path="/ops/status"):
        served.floor.switch(scenario_name, set_clock=True)
        return client.get(served.base_url(agent_name) + path)

    return ask


@pytest.mark.parametrize(
    ("scenario_name", "agent_name", "last_tick", "is_fresh", "gating"),
    [
        ("calm", MARKETDATA, "2026-11-18T15:14:59Z", True, []),
        ("closed", MARKETDATA, "2026-11-18T21:00:00Z", False, []),
        ("holiday", MARKETDATA, "2026-11-25T21:00:00Z", False, ["MARKETDATA_STALE"]),
        ("early-close", "strategy-engine", "2026-11-27T18:00:00Z", False, ["MARKETDATA_STALE"]),
        ("stale-tick", MARKETDATA, "2026-11-18T15:10:00Z", False, ["MARKETDATA_STALE"]),
        ("stale-tick", "strategy-engine", "2026-11-18T15:10:00Z", False, ["MARKETDATA_STALE"]),
        ("is-fresh-null", MARKETDATA, "2026-11-18T15:14:59Z", None, []),
        ("is-fresh-null", "strategy-engine", "2026-11-18T15:14:59Z", None, []),
        ("future-tick", MARKETDATA, "2026-11-18T15:16:30Z", True, []),
        ("no-tick", MARKETDATA, None, None, []),
        ("no-tick", "strategy-engine", None, None, []),
        ("fresh-claim-on-old-tick", MARKETDATA, "2026-11-18T15:05:00Z", True, []),
        (
            "fresh-claim-on-old-tick",
            "strategy-engine",
            "2026-11-18T15:05:00Z",
            False,
            ["MARKETDATA_STALE"],
        ),
        ("critical-refused", "strategy-engine", None, None, []),
        ("critical-503", "strategy-engine", None, None, []),
    ],
)
def test_the_feed_as_a_service_reports_it(
    ask, scenario_name, agent_name, last_tick, is_fresh, gating
):
    """Each scenario shows its tick, its verdict and its gating, with the kill switch above all."""
    document = ask(scenario_name, agent_name).json()

    assert last_tick == document["marketdata"]["last_tick_utc"]
    assert is_fresh is document["marketdata"]["is_fresh"]
    assert ["KILL_SWITCH", *gating] == document["safety"]["gating_reasons"]
    assert ["KILL_SWITCH"] == document["status"]["reason_codes"]


def test_stale_ticks_grow_older(ask, served, client):
    """The stale tick stays where it is while the clock goes on."""
    first = ask("stale-tick", MARKETDATA).json()["marketdata"]["last_tick_utc"]
    served.floor.clock.set(served.floor.clock().replace(minute=45))
    later = client.get(served.base_url(MARKETDATA) + "/ops/status").json()

    assert first == later["marketdata"]["last_tick_utc"]


def test_healthz_can_refuse_while_the_status_looks_fresh(ask):
    """In healthz-503 the contract form says ok false with 503; the status still claims fresh."""
    health = ask("healthz-503", MARKETDATA, "/healthz")

    assert 503 == health.status_code
    assert {
        "service": MARKETDATA,
        "last_tick_epoch_seconds": 1795014899,
        "age_seconds": 1.0,
        "max_age_seconds": 60,
        "ok": False,
        "forced_stale": True,
    } == health.json()
    assert ask("healthz-503", MARKETDATA).json()["marketdata"]["is_fresh"]


@pytest.mark.parametrize(
    ("scenario_name", "agent_name", "state", "kill_switch"),
    [
        ("kill-switch-off", MARKETDATA, "OK", False),
        ("kill-switch-off", "strategy-engine", "OK", False),
        ("kill-switch-off", "market-ingest", "OK", False),
        ("kill-switch-unreadable", MARKETDATA, "HALTED", True),
        ("kill-switch-missing", "strategy-engine", "HALTED", True),
        ("kill-switch-contradicted", "strategy-engine", "OK", False),
        ("kill-switch-contradicted", MARKETDATA, "HALTED", True),
    ],
)
def test_what_services_believe_of_the_kill_switch(
    ask, scenario_name, agent_name, state, kill_switch
):
    """Services believe their own copy of the switch, and it decides their state."""
    document = ask(scenario_name, agent_name).json()

    assert state == document["status"]["state"]
    assert kill_switch is document["safety"]["kill_switch"]
    assert kill_switch is not document["safety"]["safe_to_run_strategies"]


@pytest.mark.parametrize(
    ("scenario_name", "content"),
    [
        ("calm", "1\n"),
        ("kill-switch-off", "0\n"),
        ("kill-switch-unreadable", "HALTED\n"),
        ("kill-switch-missing", None),
        ("kill-switch-contradicted", "1\n"),
    ],
)
def test_what_the_file_of_the_kill_switch_holds(served, switch_file, scenario_name, content):
    """The mounted file follows the scenario before the switch returns, and comes back after."""
    served.floor.switch(scenario_name)

    assert content == (switch_file.read_text() if switch_file.exists() else None)
    assert content == served.floor.kill_switch_text()

    served.floor.switch("calm")

    assert "1\n" == switch_file.read_text()
    assert [switch_file] == list(switch_file.parent.iterdir())


def test_a_service_can_admit_to_execute_mode(ask):
    """In agent-mode-execute the strategy-engine reports the mode that must never be."""
    document = ask("agent-mode-execute", "strategy-engine").json()

    assert "EXECUTE" == document["agent_identity"]["agent_mode"]


def test_a_service_can_be_in_an_unknown_mode(ask):
    """In agent-mode-unknown the strategy-engine reports a mode of no vocabulary."""
    document = ask("agent-mode-unknown", "strategy-engine").json()

    assert "TURBO" == document["agent_identity"]["agent_mode"]


def test_a_service_that_only_lives_can_say_that_it_does_not(ask):
    """In liveness-503 the gamma-strategy refuses with a body that looks like an answer."""
    answer = ask("liveness-503", "gamma-strategy", "/healthz")

    assert (503, {"ok": False}) == (answer.status_code, answer.json())


def test_a_service_may_execute_orders_in_one_scenario_alone(ask):
    """The constant false of the contract is true in safe-to-execute, and nowhere else."""
    allowed = [
        scenario.name
        for scenario in SCENARIOS
        if scenario.name not in SLOW
        and ask(scenario.name, "strategy-engine").json()["safety"]["safe_to_execute_orders"]
    ]

    assert ["safe-to-execute"] == allowed


def test_a_frozen_service_repeats_an_old_answer_under_a_fresh_date(ask, served, client):
    """In frozen-status the answer is five minutes old and grows older; its Date does not."""
    response = ask("frozen-status", "market-ingest")

    assert "2026-11-18T15:10:00Z" == response.json()["status"]["last_updated_utc"]
    assert "Wed, 18 Nov 2026 15:15:00 GMT" == response.headers["date"]

    served.floor.clock.set(served.floor.clock().replace(minute=20))
    later = client.get(served.base_url("market-ingest") + "/ops/status")

    assert response.json() == later.json()


def test_a_skewed_service_is_ahead_in_its_answer_and_its_date(ask):
    """In clock-skew the strategy-engine's clock is 45 s ahead wherever it shows."""
    response = ask("clock-skew", "strategy-engine")

    assert "2026-11-18T15:15:45Z" == response.json()["status"]["last_updated_utc"]
    assert "Wed, 18 Nov 2026 15:15:45 GMT" == response.headers["date"]
    assert "Wed, 18 Nov 2026 15:15:00 GMT" == ask("clock-skew", "market-ingest").headers["date"]


def test_a_service_can_call_itself_by_another_name(ask):
    """In identity-mismatch another name answers at the strategy-engine's address."""
    document = ask("identity-mismatch", "strategy-engine").json()

    assert "strategy-engine-canary" == document["service_name"]
    assert "strategy-engine-canary" == document["agent_identity"]["agent_name"]
