"""Cluster reader: tries everything that is ever read, once, for who wants to know what works."""

import asyncio
from dataclasses import dataclass

from mission_control.model.cluster.access import AccountFacts
from mission_control.model.cluster.facts import ListReading
from mission_control.model.reading import Seen, Unseen
from mission_control.observe.cluster_reader.account_reader import AccountReader
from mission_control.observe.cluster_reader.api_answers import BadAnswerError
from mission_control.observe.cluster_reader.lister import ClusterLister
from mission_control.observe.cluster_reader.object_reader import ObjectReader
from mission_control.observe.cluster_reader.resources import RESOURCES

REACH_SECONDS = 10.0


@dataclass(frozen=True, slots=True)
class Examination:
    """
    What can be read of a cluster from here.

    `address` is empty and `unreachable` says why where the API server was not found at all;
    `encrypted` tells whether its certificate is verified. `namespaces` holds those that exist,
    those that do not as `Unseen`.
    """

    address: str
    verified: bool
    account: AccountFacts
    lists: tuple[ListReading, ...] = ()
    metrics: Seen[int] | Unseen | None = None
    namespaces: tuple[tuple[str, Seen[bytes] | Unseen], ...] = ()
    unreachable: str = ""


async def examine_cluster(lister: ClusterLister) -> Examination:
    """Read every list there is to read, who we are, and which namespaces exist."""
    server = lister.server
    try:
        async with asyncio.timeout(REACH_SECONDS):
            await server.prepare()
    except (BadAnswerError, TimeoutError) as error:
        why = error.detail if isinstance(error, BadAnswerError) else "it does not answer"
        nobody = AccountFacts("nobody", verified=False, read_only=None, detail=why)
        return Examination("", verified=False, account=nobody, unreachable=why)
    objects = ObjectReader(lister)
    account = await AccountReader(server, objects, lister.clock).read()
    wanted = [
        (r.name, n)
        for r in RESOURCES.values()
        if r.name != "namespaces"
        for n in (objects.namespaces if r.namespaced else ("",))
    ]
    raw = await asyncio.gather(*(objects.raw(*each) for each in wanted))
    started = await objects.starters()
    named = await asyncio.gather(*(objects.namespace(n) for n in objects.namespaces))
    usage = await objects.usage()
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
