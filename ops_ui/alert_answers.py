"""What the pages read of the answers about alerts, as typed values. Pure."""

# ruff: noqa: D101  (most classes are named as what they hold, and say no more)

from ops_ui.answers import (
    Count,
    CountedIfSent,
    Each,
    Flag,
    Labelled,
    List,
    Listed,
    Maybe,
    Part,
    Text,
    TextIfSent,
)


class Cause(Part):
    fingerprint: Text
    code: Text
    subject: Text


class OpenAlert(Part):
    """An alert; one whose state is not said is taken to fire, and `pages` to do so."""

    fingerprint: Text
    rule: Text
    code: Text
    subject: Text
    severity: Text
    state: Text
    pages: Flag
    summary: Text
    detail: Text
    since: Text
    since_et: Text
    resolved_at: Text
    owner: Text
    runbook: Text
    withheld: Text
    suppressed_by: Maybe[Cause]
    dependents: Listed[str]
    first_step: Text


class Channel(Part):
    channel: Text
    kind: Text
    address: Text
    delivered_at: Text
    failing_since: Text
    failures: Count
    answer: Text
    waiting: Count
    dead_letters: Listed[str]


class Waiver(Part):
    code: Text
    subject: Text
    until: Text
    who: Text
    why: Text


class NotObserved(Part):
    rule: Text
    severity: Text
    about: Text
    why: Text


class Alerts(Labelled):
    """The alerts of this moment; they are not known where they are not `current`."""

    alerts: Each[OpenAlert]
    current: Flag
    ts: Text
    decided_at_et: Text
    channels: CountedIfSent[Channel]
    waivers: Listed[Waiver]
    not_observed: Listed[NotObserved]


class Transition(Part):
    at: Text
    fingerprint: Text
    code: Text
    subject: Text
    severity: Text
    from_state: Text
    to_state: Text
    pages: Flag
    reason: Text


class Attempt(Part):
    """An attempt to deliver."""

    at: Text
    channel: Text
    fingerprint: Text
    state: Text
    answer: Text
    delivered: Flag
    attempt: Count


class AlertHistory(Labelled):
    transitions: List[Transition]
    deliveries: List[Attempt]
    next_cursor: TextIfSent
    next_delivery_cursor: TextIfSent
