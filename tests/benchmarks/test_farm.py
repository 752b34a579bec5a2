"""The farm does what the benchmarks say it does; without that their figures mean nothing."""

import asyncio
from collections import Counter

import farm
import pytest
from processes import farm_targets, running_farm

from mission_control.bootstrap.once import probe_once
from mission_control.model.fleet import Agent, Kind
from mission_control.model.reading import Seen

FLEET = 100


def test_addresses_and_indices_are_each_other_s_inverse():
    """Every target has an address and a name of its own."""
    indices = range(0, 250_000, 997)

    assert list(indices) == [farm.index_of(farm.address_of(i)) for i in indices]
    assert len(indices) == len({farm.name_of(i) for i in indices})


@pytest.mark.parametrize(
    ("mode", "share"),
    [
        pytest.param(farm.Mode.HEALTHY, {"answers": 100}, id="healthy"),
        pytest.param(farm.Mode.HUNG, {"answers": 95, "hangs": 5}, id="hung"),
        pytest.param(farm.Mode.HALF, {"answers": 50, "hangs": 50}, id="half"),
        pytest.param(
            farm.Mode.MIXED,
            {"answers": 87, "hangs": 5, "refuses": 5, "fails": 1, "floods": 1, "drips": 1},
            id="mixed",
        ),
    ],
)
def test_the_shares_are_as_announced(mode, share):
    """Every hundred targets hold each conduct as often as the mode says."""
    conducts = Counter(farm.conduct_of(i, mode).value for i in range(200, 300))

    assert share == conducts


@pytest.mark.anyio
@pytest.mark.allow_hosts(["127.0.0.0/8"])
async def test_each_conduct_is_read_as_what_it_is():
    """A hundred mixed targets, asked over real sockets, are seen or named for what they do."""
    with running_farm(farm.Mode.MIXED) as field:
        asked = [
            Agent(t.name, Kind.STRATEGY, t.url, expected_endpoints=("/ops/status",))
            for t in farm_targets(field.port, FLEET, farm.Mode.MIXED)
        ]
        quick = [Agent(a.agent_name, a.kind, a.service_dns, deadline_seconds=3.0) for a in asked]
        rounds = await asyncio.gather(*(probe_once(agent) for agent in quick))
    outcomes = Counter(
        "SEEN" if isinstance(r, Seen) else r.code
        for round_ in rounds
        for path, r in round_.readings.items()
        if path == "/ops/status"
    )

    expected = {
        "SEEN": 87,
        "TIMEOUT": 6,
        "CONNECTION_REFUSED": 5,
        "HTTP_500": 1,
        "BODY_TOO_LARGE": 1,
    }
    assert expected == outcomes
