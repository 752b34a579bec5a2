"""Pages: the time machine leads to an instant and to the changes beside it, by a GET form."""

from typing import Any, cast

import httpx
import pytest

from ops_ui.mission_control_client import MissionControlClient
from ops_ui.rendering import templates
from ops_ui.time_machine import Step, TimeMachine, ask_time_machine
from tests.ops_ui.conftest import AT

pytestmark = pytest.mark.anyio
CHANGES = {
    "at": AT,
    "previous": {"at": "2026-11-18T15:10:00.000001+00:00", "after": "HALTED"},
    "next": {"at": "2026-11-17T21:00:00+00:00", "after": "MARKET_CLOSED"},
}
WAYS = TimeMachine(
    "",
    "2026-11-18T10:15:13",
    Step("2026-11-18T15:10:00.000001+00:00", "■ HALTED 10:10 EST"),
    Step("2026-11-17T21:00:00+00:00", "◐ MARKET CLOSED Tue 16:00 EST"),
)


async def asked(upstream, at=""):
    """Ask for the ways that lead from an instant."""
    transport = httpx.MockTransport(upstream)
    async with httpx.AsyncClient(transport=transport, base_url="http://mc") as client:
        return await ask_time_machine(MissionControlClient(client, 1.0), at)


def shown(machine):
    """Render the control by itself."""
    module = cast("Any", templates().get_template("time_machine.html").module)
    return str(module.time_machine(machine, "/evidence-now"))


async def test_the_steps_are_those_of_the_api(upstream):
    """Each step has the API's exact instant, and says in New York's time what it leads to."""
    upstream.answers["/api/v1/posture/changes"] = CHANGES

    assert WAYS == await asked(upstream)
    await asked(upstream, "2026-11-18T10:17")
    assert "2026-11-18T10:17" == upstream.asked("/api/v1/posture/changes").params["at"]


@pytest.mark.parametrize(
    "change", [None, 7, {"after": "OK"}, {"at": ""}], ids=["none", "number", "no at", "empty"]
)
async def test_a_step_that_cannot_be_read_is_no_step(upstream, change):
    """Nothing leads to an instant that was not told."""
    upstream.answers["/api/v1/posture/changes"] = {**CHANGES, "previous": change}

    assert None is (await asked(upstream)).previous


async def test_a_state_without_a_glyph_is_unknown(upstream):
    """What the posture became is never shown as well when it was not told."""
    upstream.answers["/api/v1/posture/changes"] = {**CHANGES, "previous": {"at": AT}}

    assert Step(AT, "? UNKNOWN 10:15 EST") == (await asked(upstream)).previous


async def test_without_history_the_form_is_still_there_and_says_why(upstream):
    """Changes that are not known are not "none"."""
    machine = await asked(upstream, "2026-11-18T10:17")
    page = shown(machine)

    assert ("", None, None) == (machine.shown, machine.previous, machine.next)
    assert "answered 404" in page
    assert "Changes are not known" in page
    assert "no change before" not in page
    assert 'href="/evidence-now">Back to now' in page


def test_the_form_asks_with_get_and_the_links_are_escaped():
    """R15.20: One GET form with one field; an instant's `+` survives as an address."""
    page = shown(WAYS)

    assert 'method="get" action="/evidence-now"' in page
    assert 'type="datetime-local" name="at" step="1" required value="2026-11-18T10:15:13"' in page
    assert 'rel="prev" href="/evidence-now?at=2026-11-18T15%3A10%3A00.000001%2B00%3A00"' in page
    assert 'rel="next"' in page
    assert "Back to now" not in page


def test_where_nothing_changed_before_it_says_so():
    """The first moment of the record is told as that."""
    assert "no change before" in shown(TimeMachine("", "2026-11-18T10:15:13"))
