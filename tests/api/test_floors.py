"""API: the floors of other Mission Controls, as they are known."""

import pytest

from tests.api.paper_floor import PaperControl

pytestmark = pytest.mark.anyio


async def test_a_floor_that_was_not_asked_yet_is_unknown(control: PaperControl):
    """Each listed floor is there, with why nothing is known of it, and is counted (R17.2)."""
    document = (await control.ask("/api/v1/floors")).json()

    assert (document["total"], document["counts"]["UNKNOWN"], document["counts"]["OK"]) == (1, 1, 0)
    floor = document["floors"][0]
    assert (floor["name"], floor["state"], floor["expected"]) == ("east", "UNKNOWN", False)
    assert floor["reason"]["code"] == "NOT_YET_ASKED"
    assert floor["last_said"] is None


async def test_a_status_without_the_list_of_services_is_short(control: PaperControl):
    """All else is the same, so that another Mission Control can read it of any floor (R17.7)."""
    whole = (await control.ask("/ops/status")).json()
    short = (await control.ask("/ops/status?agents=none")).json()

    assert whole.keys() - short.keys() == {"agents"}
    assert short["floor_posture"] == whole["floor_posture"]
    assert short["floor_posture"]["posture"] == whole["fleet"]["posture"]
