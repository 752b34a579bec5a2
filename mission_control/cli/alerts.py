"""Command line: `alerts`, why a page went out or did not, and what other rules would do."""

import asyncio
from collections.abc import Iterator, Sequence
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import click

from mission_control.alerts.decide.compare import Found, Page, compare_pages, withheld_of
from mission_control.alerts.decide.replay import Replayed
from mission_control.alerts.load import load_alert_rules
from mission_control.alerts.model import AlertQuery, AlertRules, AlertState, AlertTransition
from mission_control.bootstrap.alerting import PastAlerts, past_alerts
from mission_control.cli.alerts_send import send_test
from mission_control.cli.context import CliContext
from mission_control.cli.exit_codes import NOTHING_TO_DO
from mission_control.cli.flags import json_flag, read_at, setting_flags, settings_with
from mission_control.cli.output import emit, printable
from mission_control.documents.document import document
from mission_control.documents.instants import new_york_text
from mission_control.processes import own_process as process

LONGEST = timedelta(days=31)
MOST_CHANGES = 20_000
LATELY = timedelta(hours=1)
NO_HISTORY = "No history is kept below this root: no server has watched from here."
_MARKS = {Found.BOTH: "=", Found.ONLY_REPLAYED: "+", Found.ONLY_RECORDED: "-"}


@click.group()
def alerts() -> None:
    """Explain alerts, try rules on the recorded past, and test the channels."""


alerts.add_command(send_test)


@alerts.command()
@click.option(
    "--at", "asked", callback=read_at, metavar="ISO", help="As of then; without it, as of now."
)
@setting_flags("fleet_file", "root", "namespace")
@json_flag
@click.pass_context
def explain(
    ctx: click.Context, *, asked: datetime | None, as_json: bool, **flags: str | None
) -> None:
    """
    Say which alerts paged at an instant, which would have, and why those did not.

    From what was recorded when it was decided; where the server kept no alerts then, from its
    recorded decisions by the rules in force now, which the answer says.
    """
    context = ctx.ensure_object(CliContext)
    settings = settings_with(context, flags)
    rules = load_alert_rules(settings.alert_rules_file, settings.alert_waivers_file)
    at = min(asked or context.clock(), context.clock())
    with past_alerts(settings, context.clock) as past, context.busy("Reading history"):
        if past is None:
            context.say(NO_HISTORY)
            ctx.exit(NOTHING_TO_DO)
        explained = process.run(_explain(past, rules, at))
    if as_json:
        emit(explained | {"not_observed": _not_observed(rules)})
        return
    for line in _explanation(explained, rules):
        click.echo(printable(line))


async def _explain(past: PastAlerts, rules: AlertRules, at: datetime) -> dict[str, Any]:
    query = AlertQuery(MOST_CHANGES, since=at - LATELY, until=at + timedelta(microseconds=1))
    page = await asyncio.to_thread(past.rows.transitions, query)
    known = await asyncio.to_thread(past.rows.in_force, at)
    recorded = bool(known or page.transitions)
    changes: Sequence[AlertTransition] = page.transitions[::-1]
    if not recorded:
        replayed = await past.history.replay(rules, at - LATELY, at)
        changes, known = replayed.transitions, _in_force(replayed)
    return {
        "at": document(at),
        "at_et": new_york_text(at),
        "recorded": recorded,
        "alerts": [_told(t) for t in sorted(known, key=_pages_first)],
        "changes": [_told(t) for t in changes],
    }


def _pages_first(each: AlertTransition) -> tuple[bool, int, datetime, str]:
    return (not each.pages, each.severity.rank, each.at, each.subject)


def _told(each: AlertTransition) -> dict[str, Any]:
    return document(each) | {"at_et": new_york_text(each.at)}


def _in_force(replayed: Replayed) -> tuple[AlertTransition, ...]:
    """Return the alerts at the end of a replay as the changes that led to them."""
    return tuple(
        AlertTransition(
            a.fired_at or a.since,
            a.fingerprint,
            a.rule,
            a.code,
            a.subject,
            a.severity,
            None,
            a.state,
            pages=a.pages,
            reason=a.withheld or a.summary,
        )
        for a in replayed.book.alerts
        if a.state is not AlertState.RESOLVED
    )


def _not_observed(rules: AlertRules) -> list[dict[str, str]]:
    return [{"rule": r.name, "why": r.not_observed} for r in rules.rules if r.not_observed]


def _explanation(explained: dict[str, Any], rules: AlertRules) -> Iterator[str]:
    by = "as recorded then" if explained["recorded"] else "decided again by the rules of now"
    yield f"Alerts as of {explained['at_et']}, {by}."
    found = explained["alerts"]
    pending = AlertState.PENDING.value
    yield from _part("Pages", [a for a in found if a["pages"]])
    yield from _part(
        "Fires, and does not page",
        [a for a in found if not a["pages"] and a["to_state"] != pending],
    )
    yield from _part("Does not fire yet", [a for a in found if a["to_state"] == pending])
    yield from _part("Changes of the hour before", explained["changes"], dated=True)
    for rule in rules.rules:
        if rule.not_observed:
            yield f"NOT_OBSERVED {rule.name}: {rule.not_observed}."


def _part(title: str, rows: Sequence[dict[str, Any]], *, dated: bool = False) -> Iterator[str]:
    if not rows:
        if not dated:
            yield f"{title}: none."
        return
    yield f"{title}:"
    for row in rows:
        state = f" is {row['to_state'] or 'over'}" if dated else ""
        named = f"{row['severity']} {row['code']} {row['subject']} ({row['rule']})"
        yield f"  {row['at_et']}  {named}{state}: {row['reason']}"


@alerts.command("test")
@click.argument("rules_file", metavar="RULES", type=click.Path(path_type=Path))
@click.option("--from", "since", required=True, callback=read_at, metavar="ISO", help="The start.")
@click.option("--to", "until", callback=read_at, metavar="ISO", help="The end; else now.")
@setting_flags("fleet_file", "root", "namespace")
@json_flag
@click.pass_context
def try_rules(
    ctx: click.Context,
    *,
    rules_file: Path,
    since: datetime,
    until: datetime | None,
    as_json: bool,
    **flags: str | None,
) -> None:
    """
    Run the rules of a file over the recorded past, and show which pages would have gone out.

    `=` went out then and would again, `+` only by these rules, `-` only then. Nothing is sent.
    Rules that cannot be used exit with 78, as they would at a start.
    """
    context = ctx.ensure_object(CliContext)
    settings = settings_with(context, flags)
    rules = load_alert_rules(rules_file, settings.alert_waivers_file)
    end = min(until or context.clock(), context.clock())
    if not timedelta() < end - since <= LONGEST:
        problem = f"--from must lie before --to and now, at most {LONGEST.days} days"
        raise click.UsageError(problem)
    with past_alerts(settings, context.clock) as past, context.busy("Deciding the past again"):
        if past is None:
            context.say(NO_HISTORY)
            ctx.exit(NOTHING_TO_DO)
        recorded, replayed = process.run(_try(past, rules, since, end))
    pages, withheld = compare_pages(recorded, replayed), withheld_of(replayed)
    if as_json:
        shown = {"from": document(since), "to": document(end)}
        emit(shown | {"pages": document(pages), "withheld": document(withheld)})
        return
    for line in _comparison(pages, withheld):
        click.echo(printable(line))


async def _try(
    past: PastAlerts, rules: AlertRules, since: datetime, until: datetime
) -> tuple[Sequence[AlertTransition], Sequence[AlertTransition]]:
    query = AlertQuery(MOST_CHANGES, since=since, until=until)
    page = await asyncio.to_thread(past.rows.transitions, query)
    ending = (t for t in page.transitions[::-1] if t.pages or t.from_state is not None)
    replayed = await past.history.replay(rules, since, until)
    return tuple(ending), replayed.transitions


def _comparison(pages: Sequence[Page], withheld: Sequence[AlertTransition]) -> Iterator[str]:
    counts = {found: sum(p.found is found for p in pages) for found in Found}
    would = counts[Found.BOTH] + counts[Found.ONLY_REPLAYED]
    yield (
        f"{would} pages would have gone out: {counts[Found.BOTH]} of them did,"
        f" {counts[Found.ONLY_REPLAYED]} are new; {counts[Found.ONLY_RECORDED]} would not have."
    )
    for page in pages:
        named = f"{page.severity} {page.code} {page.subject} ({page.rule})"
        yield f"{_MARKS[page.found]} {new_york_text(page.at)}  {named}"
    if withheld:
        yield f"{len(withheld)} fired and paged for nothing:"
    for each in withheld:
        named = f"{each.severity} {each.code} {each.subject} ({each.rule})"
        yield f"  {new_york_text(each.at)}  {named}: {each.reason}"
