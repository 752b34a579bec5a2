"""The verdict: its word, its severity, why in one sentence, since when, and who is called. Pure."""

from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass
from urllib.parse import quote

from ops_ui.alerts import AlertRow, AlertsView
from ops_ui.answers import Opening, Posture, Reason
from ops_ui.floor_answers import RunbookEntry, Runbooks
from ops_ui.formats import GLYPHS, clock_short, clock_time, duration, instant_of
from ops_ui.incidents import evidence_href
from ops_ui.mission_control_client import Failure, Missed

FAILURES = {
    Failure.DOWN: ("OFFLINE", "Mission Control does not answer"),
    Failure.SLOW: ("SLOW", "Mission Control takes too long to answer"),
    Failure.RESTARTING: ("RESTARTING", "Mission Control is starting, stopping or stalled"),
    Failure.GARBAGE: ("UNREADABLE", "Mission Control answers something that cannot be read"),
    Failure.REFUSED: ("REFUSED", "Mission Control refuses our token"),
}
_LOOKS = {"OK": "ok", "MARKET_CLOSED": "closed", "HALTED": "halted"}
_NO_REASON = Reason.model_validate({})
_MOST_WORDS = 400


@dataclass(frozen=True, slots=True)
class Banner:
    """
    The first pixel: glyph, word, what is beside it, and the look (CSS classes).

    `alarm` is what leads where it is P0, in words; empty where nothing is.
    """

    look: str
    glyph: str
    word: str
    beside: tuple[str, ...] = ()
    alarm: str = ""

    @property
    def title(self) -> str:
        """Return the banner as a window's title."""
        return f"{self.glyph} {self.alarm + ' · ' if self.alarm else ''}{self.word}"


@dataclass(frozen=True, slots=True)
class Step:
    """What to do now: the runbook's first step, and where the rest stands."""

    text: str
    title: str
    href: str


@dataclass(frozen=True, slots=True)
class Verdict:
    """
    The card below the bar; `lasts` are seconds, None where it is not known since when.

    `market` says that they are those of the closed market, and not of a verdict that was watched.
    """

    banner: Banner
    sentence: str
    root: str = ""
    owners: tuple[str, ...] = ()
    waiting: str = ""
    oldest: str = ""
    oldest_age: float | None = None
    lasts: float | None = None
    since: str = ""
    since_day: str = ""
    market: bool = False
    next: str = ""
    step: Step | None = None
    evidence: str = ""


def failed_banner(missed: Missed) -> Banner:
    """Return the banner of a Mission Control that gave no posture."""
    word, sentence = FAILURES[missed.failure]
    return Banner(f"failure-{missed.failure.value.lower()}", "✕", word, (sentence,))


def see_verdict(
    posture: Posture,
    runbooks: Runbooks | Missed,
    alerts: AlertsView | None,
    last_session: Opening | None = None,
    services: Collection[str] = (),
) -> Verdict:
    """
    Turn a posture into its card; without a reason there is nothing to do.

    A runbook about one of `services` is filled in with what is known of it.
    """
    lead = posture.reasons[0] if posture.reasons else _NO_REASON
    since = _since(posture, last_session)
    begun, now = instant_of(since), instant_of(posture.at)
    lasts = None if begun is None or now is None else max(0.0, (now - begun).total_seconds())
    cause = posture.root_cause
    root = (cause.subject if cause else "") or lead.subject
    alert = alerts.paging[0] if alerts is not None and alerts.paging and not lead.code else None
    return Verdict(
        banner=_banner(posture, lead),
        sentence=_alerting(alert, alerts) if alert and alerts else posture.sentence or lead.told,
        root=root,
        owners=cause.owners if cause else (),
        waiting=_waiting(cause.waiting, cause.waiting_total) if cause else "",
        oldest=posture.oldest_evidence_source or posture.oldest_evidence,
        oldest_age=posture.evidence_age_seconds,
        lasts=lasts,
        since=clock_time(since),
        since_day=clock_short(since, posture.at),
        market=since != posture.since,
        next=_next(posture),
        step=_step_of_alert(alert) if alert else _step(lead, runbooks, alerts, services),
        evidence=_evidence_href(since, posture, lead),
    )


def _since(posture: Posture, last_session: Opening | None) -> str:
    """Return since when it is so: the market is closed since its close, not a server's start."""
    if posture.verdict == "MARKET_CLOSED" and last_session is not None:
        return last_session.close or posture.since
    return posture.since


def _banner(posture: Posture, lead: Reason) -> Banner:
    verdict, expected = posture.verdict, posture.expected
    odd = not expected and verdict != "HALTED"
    word = verdict.replace("_", " ") + (" (unexpected)" if odd else "")
    if verdict != "HALTED" and posture.safety_judged is not True:
        word += " · safety not judged"
    beside = (
        lead.severity,
        "" if posture.confirmed else "not confirmed yet: asked again in a second",
        "as expected" if expected else "unexpected",
    )
    alarm = lead.code.replace("_", " ") if lead.severity == "P0" else ""
    look = _LOOKS[verdict] + (" unexpected" if odd else "") + (" alarm" if alarm else "")
    return Banner(look, GLYPHS[verdict], word, tuple(b for b in beside if b), alarm)


def _waiting(names: Iterable[str], total: int | None) -> str:
    known = list(names)
    if not known or total is None:
        return ""
    more = total - len(known[:6])
    return ", ".join(known[:6]) + (f" and {more} more" if more > 0 else "")


def _next(posture: Posture) -> str:
    """Say what comes next in the market's day, and how long until then."""
    verb, at = boundary_of(posture)
    then, now = instant_of(at), instant_of(posture.at)
    if then is None or now is None:
        return ""
    left = duration(max(0.0, (then - now).total_seconds()))
    return f"{verb} in {left}, {clock_short(at, posture.at)}"


def boundary_of(posture: Posture) -> tuple[str, str]:
    """Return what is waited for: the close of an open market, else the next open."""
    session = posture.session
    if session.next_phase == "POST_MARKET":
        return "closes", session.next_boundary
    return "opens", session.next_open or session.next_boundary


def _alert_of(lead: Reason, alerts: AlertsView | None) -> AlertRow | None:
    rows = (*alerts.paging, *alerts.withheld, *alerts.pending) if alerts is not None else ()
    same = (r for r in rows if (r.alert.code, r.alert.subject) == (lead.code, lead.subject))
    return next(same, None)


def _page_of(code: str) -> str:
    return "HTTP_STATUS" if code.startswith("HTTP_") else code


def _runbook_href(lead: Reason, alerts: AlertsView | None, services: Collection[str]) -> str:
    alert = _alert_of(lead, alerts)
    if alert is not None and alert.runbook:
        return alert.runbook
    plain = "".join(c for c in _page_of(lead.code) if c.isalnum() or c == "_")
    filled = f"?agent={quote(lead.subject, safe='')}" if lead.subject in services else ""
    return f"/runbooks/{plain}{filled}" if plain else ""


def _step(
    lead: Reason,
    runbooks: Runbooks | Missed,
    alerts: AlertsView | None,
    services: Collection[str],
) -> Step | None:
    if not lead.code:
        return None
    alert = _alert_of(lead, alerts)
    page = _entries(runbooks).get(_page_of(lead.code))
    title = page.title if page and page.title else lead.code.replace("_", " ").lower()
    text = (page.first_step if page else "") or (alert.alert.first_step if alert else "")
    short = text if len(text) <= _MOST_WORDS else f"{text[:_MOST_WORDS]}…"
    return Step(short, title, _runbook_href(lead, alerts, services))


def _alerting(row: AlertRow, alerts: AlertsView) -> str:
    """Say what is open although nothing halts; "all is seen" is never said beside it."""
    open_ = len(alerts.paging)
    count = "1 alert is open" if open_ == 1 else f"{open_} alerts are open"
    told = row.alert.summary or row.alert.code.replace("_", " ").lower()
    return f"Nothing halts now, and {count}: {told}."


def _step_of_alert(row: AlertRow) -> Step:
    title = row.alert.code.replace("_", " ").lower()
    return Step(row.alert.first_step[:_MOST_WORDS], title, row.runbook)


def _entries(runbooks: Runbooks | Missed) -> Mapping[str, RunbookEntry]:
    return {} if isinstance(runbooks, Missed) else {r.code: r for r in runbooks.runbooks}


def _evidence_href(since: str, posture: Posture, lead: Reason) -> str:
    """Return the address of the evidence of this incident: from its beginning until now."""
    named = f"{posture.verdict}: {lead.code} {lead.subject}".strip()
    return evidence_href(since, posture.at, named) if posture.reasons else ""
