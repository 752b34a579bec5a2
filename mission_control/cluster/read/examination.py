"""Tries everything that is ever read, once, to show what works."""

import asyncio
from dataclasses import dataclass, replace

from mission_control.cluster.model.facts import AccountFacts, ListReading
from mission_control.cluster.model.resources import RESOURCES
from mission_control.cluster.read.api_server import BadAnswerError
from mission_control.cluster.read.lister import ClusterLister
from mission_control.cluster.read.objects import ObjectReader
from mission_control.model.reading import Seen, Unseen, UnseenReason

REACH_SECONDS = 10.0


@dataclass(frozen=True, slots=True)
class Examination:
    """
    What can be read of a cluster from here.

    `address` is empty where the API server was not found at all. `unreachable` says why it was not
    found, did not answer, or does not know us, and `reason` which of these; then nothing else was
    tried. `verified` tells whether its certificate is. `namespaces` holds those that exist, those
    that do not as `Unseen`.
    """

    address: str
    verified: bool
    account: AccountFacts
    lists: tuple[ListReading, ...] = ()
    metrics: Seen[int] | Unseen | None = None
    namespaces: tuple[tuple[str, Seen[bytes] | Unseen], ...] = ()
    unreachable: str = ""
    reason: UnseenReason | None = None


async def _reach(lister: ClusterLister) -> Unseen | None:
    """
    Ask the API server for its version; None where it answered for itself.

    A refusal is an answer; that it does not know us (401), or something before it that answers
    in its place (3xx, 5xx), is none.
    """
    loop = asyncio.get_running_loop()
    try:
        await lister.server.prepare()
    except BadAnswerError as bad:
        return Unseen(bad.reason, lister.clock(), detail=bad.detail)
    seen = await lister.get_text("/version", loop.time() + REACH_SECONDS)
    if not isinstance(seen, Unseen):
        return None
    status = seen.exchange.status
    if status == 401:  # noqa: PLR2004
        detail = f"the API server does not accept our credentials: {seen.detail}"
        return replace(seen, reason=UnseenReason.UNREADABLE, detail=detail)
    answered = status is not None and 400 <= status < 500  # noqa: PLR2004
    return None if answered else seen


async def examine_cluster(lister: ClusterLister) -> Examination:
    """Read every list there is to read, who we are, and which namespaces exist."""
    server = lister.server
    unseen = await _reach(lister)
    if unseen is not None:
        unknown = AccountFacts("unknown", verified=False, read_only=None, detail=unseen.detail)
        found = server.endpoint
        return Examination(
            found.host if found else "",
            verified=found is not None and found.verified,
            account=unknown,
            unreachable=unseen.detail or unseen.code,
            reason=unseen.reason,
        )
    objects = ObjectReader(lister)
    account = await objects.account()
    wanted = [
        (r.name, n)
        for r in RESOURCES.values()
        if r.name != "namespaces"
        for n in (objects.namespaces if r.namespaced else ("",))
    ]
    raw = await asyncio.gather(*(objects.raw(*each) for each in wanted))
    started = await objects.starters()
    named = await asyncio.gather(*(objects.raw_namespace(n) for n in objects.namespaces))
    usage = await objects.metrics()
    endpoint = server.endpoint
    return Examination(
        address=endpoint.host if endpoint else "",
        verified=endpoint is not None and endpoint.verified,
        account=account,
        lists=tuple(
            ListReading(*each, r if isinstance(r, Unseen) else Seen(len(r.value), r.at, r.took))
            for each, r in sorted(
                (*zip(wanted, raw, strict=True), *started), key=lambda p: (p[0][1], p[0][0])
            )
        ),
        metrics=usage if isinstance(usage, Unseen) else Seen(len(usage.value), usage.at),
        namespaces=tuple(zip(objects.namespaces, named, strict=True)),
    )
