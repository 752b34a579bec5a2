"""The catalogue of scenarios."""

import re

import pytest

from mission_control.errors import ConfigurationError
from mission_control.market_calendar.calendar import MarketCalendar
from mission_control.simulation.catalogue import SCENARIOS, find_scenario
from mission_control.simulation.roster import NAMES_WITH_HTTP

NAMES = [
    "calm",
    "closed",
    "holiday",
    "early-close",
    "stale-tick",
    "is-fresh-null",
    "future-tick",
    "healthz-503",
    "no-tick",
    "fresh-claim-on-old-tick",
    "kill-switch-off",
    "kill-switch-unreadable",
    "kill-switch-missing",
    "kill-switch-contradicted",
    "agent-mode-execute",
    "agent-mode-unknown",
    "safe-to-execute",
    "execution-running",
    "critical-refused",
    "critical-hung",
    "critical-drip",
    "critical-50mb",
    "critical-gzip-bomb",
    "critical-depth-1000",
    "critical-html",
    "critical-truncated",
    "critical-nan",
    "critical-said-twice",
    "critical-redirect",
    "critical-503",
    "offers-nothing",
    "frozen-status",
    "clock-skew",
    "liveness-503",
    "identity-mismatch",
    "execution-scaled-up",
    "execute-in-pod-spec",
    "execute-in-init-container",
    "mode-in-a-secret",
    "bypass-toggle",
    "crash-loop",
    "image-pull",
    "below-desired",
    "answers-from-nowhere",
    "odd-replica",
    "half-done-rollout",
    "left-over",
    "config-map-off",
    "pods-denied",
    "odd-pod",
    "cluster-lost",
    "cluster-hung",
]

PHASES = {
    "closed": "POST_MARKET",
    "holiday": "CLOSED_HOLIDAY",
    "early-close": "POST_MARKET",
}

each_scenario = pytest.mark.parametrize("scenario", SCENARIOS, ids=lambda s: s.name)


def test_every_way_to_hurt_the_floor_has_a_name():
    """The catalogue holds exactly the named scenarios, each once."""
    assert NAMES == [scenario.name for scenario in SCENARIOS]


@each_scenario
def test_a_scenario_is_described_in_one_sentence(scenario):
    """Each name is kebab-case and each description one sentence."""
    assert re.fullmatch(r"[a-z0-9]+(-[a-z0-9]+)*", scenario.name)
    assert re.fullmatch(r"[A-Z][^\n]*[^. ]\.", scenario.description)
    assert ". " not in scenario.description


@each_scenario
def test_a_scenario_is_shown_in_the_part_of_the_day_it_needs(scenario):
    """All scenarios are shown in an open session but those that are about a closed market."""
    phase = MarketCalendar().session_at(scenario.at).phase

    assert PHASES.get(scenario.name, "OPEN") == phase


@each_scenario
def test_a_scenario_hurts_services_that_exist(scenario):
    """Faults and twists name services of the roster."""
    assert set(NAMES_WITH_HTTP) >= {*scenario.faults, *scenario.twists, *scenario.switch.denied_by}


def test_the_execution_port_answers_in_one_scenario_only():
    """The execution-engine runs in `execution-running` and nowhere else."""
    running = [s.name for s in SCENARIOS if not s.refuses("execution-engine")]

    assert ["execution-running"] == running


def test_an_unknown_name_is_answered_with_the_known_ones():
    """A name that does not exist is a configuration error that lists those that do."""
    with pytest.raises(ConfigurationError, match=r"'calme'.*calm, closed"):
        find_scenario("calme")
