"""The verdict card: severity, sentence, duration, who is called and what to do now."""

import pytest

from ops_ui.alert_answers import Alerts
from ops_ui.alerts import see_alerts
from ops_ui.answers import Opening, Posture
from ops_ui.floor_answers import Runbooks
from ops_ui.formats import figures
from ops_ui.mission_control_client import Failure, Missed
from ops_ui.verdict import see_verdict
from tests.ops_ui.conftest import ALERT, POSTURE

MISSED = Missed(Failure.DOWN, "nothing answers")
REASON = {
    "code": "MARKETDATA_STALE",
    "subject": "marketdata-mcp-server",
    "severity": "P1",
    "detail": "the last tick is older than 120 s",
    "sentence": "Market data is stale. The last tick is 4 min 19 s old, the limit is 2 min.",
    "halts": True,
}
CAUSE = {
    "subject": "marketdata-mcp-server",
    "owners": ["Ops On-Call", "Marketdata Owner"],
    "waiting": ["gamma-strategy", "strategy-engine"],
    "waiting_total": 9,
}
HALTED = {
    "posture": "HALTED",
    "expected": False,
    "reasons": [REASON],
    "sentence": "Market data is stale; 9 services wait for it.",
    "root_cause": CAUSE,
    "oldest_evidence_source": "whale-strategy /readyz",
    "since": "2026-11-18T15:10:52.000Z",
}
BOOKS = Runbooks.model_validate(
    {
        "runbooks": [
            {"code": "MARKETDATA_STALE", "title": "Marketdata is stale", "first_step": "Call."}
        ]
    }
)


def card(runbooks=BOOKS, alerts=None, last=None, **told):
    """Return the card of a posture."""
    posture = Posture.model_validate({**POSTURE, **told})
    return see_verdict(posture, runbooks, alerts, last)


def test_a_halt_is_told_whole():
    """Severity, for how long, why with figures, root cause, owners, oldest evidence, first step."""
    seen = card(**HALTED)

    assert ("P1", "unexpected") == seen.banner.beside
    assert (261.0, "10:10:52 ET") == (seen.lasts, seen.since)
    assert "Market data is stale; 9 services wait for it." == seen.sentence
    assert "marketdata-mcp-server" == seen.root
    assert ("Ops On-Call", "Marketdata Owner") == seen.owners
    assert "gamma-strategy, strategy-engine and 7 more" == seen.waiting
    assert ("whale-strategy /readyz", 4.2) == (seen.oldest, seen.oldest_age)
    assert seen.step is not None
    assert ("Call.", "/runbooks/MARKETDATA_STALE") == (seen.step.text, seen.step.href)
    assert (
        seen.evidence == "/evidence?from=2026-11-18T15%3A00%3A52Z&to=2026-11-18T15%3A25%3A13Z"
        "&incident=HALTED%3A+MARKETDATA_STALE+marketdata-mcp-server"
    )


def test_an_alert_of_it_leads_to_the_runbook_that_is_filled_in():
    """The page of this incident, not the general one."""
    alerts = see_alerts(Alerts.model_validate({"alerts": [ALERT], "current": True}))
    step = card(alerts=alerts, **HALTED).step

    assert step is not None
    assert step.href.endswith("?alert=8bb84073c1f0bb9f")


@pytest.mark.parametrize("runbooks", [MISSED, Runbooks.model_validate({})])
def test_without_runbooks_the_page_is_still_linked(runbooks):
    """What cannot be read is left out; the way to it stays. Refusals share one page."""
    step = card(runbooks, **HALTED).step
    refused = card(runbooks, **{**HALTED, "reasons": [REASON | {"code": "HTTP_503"}]}).step

    assert step is not None
    assert ("", "/runbooks/MARKETDATA_STALE") == (step.text, step.href)
    assert refused is not None
    assert "/runbooks/HTTP_STATUS" == refused.href


def test_an_older_server_is_told_by_its_detail():
    """Without sentence and cause the leading reason speaks."""
    bare = {k: v for k, v in REASON.items() if k != "sentence"}
    seen = card(posture="HALTED", expected=False, reasons=[bare])

    assert ("the last tick is older than 120 s", "marketdata-mcp-server", ()) == (
        seen.sentence, seen.root, seen.owners
    )  # fmt: skip


def test_p0_leads_in_words_title_and_look():
    """EXECUTION EVIDENCE is the first thing told, and the card is solid (R15.12)."""
    seen = card(
        **{**HALTED, "reasons": [REASON | {"code": "EXECUTION_EVIDENCE", "severity": "P0"}]}
    )

    assert ("EXECUTION EVIDENCE", "halted alarm") == (seen.banner.alarm, seen.banner.look)
    assert "■ EXECUTION EVIDENCE · HALTED" == seen.banner.title


def test_a_closed_market_is_closed_since_its_close():
    """Not since a server's start; what comes next is the open, with the time until then."""
    last = Opening.model_validate({"close": "2026-11-17T21:00:00.000Z"})
    told = {
        "posture": "MARKET_CLOSED",
        "session": {**POSTURE["session"], "next_phase": "OPEN",
                    "next_boundary": "2026-11-18T15:45:13.000Z"},
    }  # fmt: skip
    seen = card(last=last, **told)

    assert (True, "Tue 16:00 EST", "opens in 30 min, 10:45 EST") == (
        seen.market, seen.since_day, seen.next
    )  # fmt: skip
    assert "closes in 5 h 44 min, 16:00 EST" == card().next
    assert "" == card(session={}).next


def test_what_cannot_be_read_is_left_out():
    """No duration without an instant, no evidence without a reason."""
    seen = card(since="soon")

    assert (None, "", None) == (seen.lasts, seen.evidence, seen.step)


@pytest.mark.parametrize(
    ("sentence", "bold"),
    [
        ("The last tick is 4 min 19 s old, the limit is 2 min; 3 strategies wait.",
         ["4 min 19 s", "2 min"]),
        ("none of 16 lists was seen: 6 of 6 agree", ["6 of 6"]),
        ("nothing", []),
    ],
)  # fmt: skip
def test_figures_are_seen_at_once(sentence, bold):
    """Durations and shares are set off; the sentence stays as it was written."""
    parts = figures(sentence)

    assert bold == [text for text, set_off in parts if set_off]
    assert sentence == "".join(text for text, _ in parts)
