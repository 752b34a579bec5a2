"""When files of the fleet expire: authorities and bearer tokens. No secret leaves this module."""

import asyncio
import ssl
from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from datetime import UTC, datetime
from functools import partial
from pathlib import Path
from typing import NamedTuple
from urllib.parse import quote

from mission_control.brief.model import Expiry
from mission_control.cluster.read.credentials import expiry_of_token
from mission_control.model.fleet import Agent, Fleet
from mission_control.processes.own_process import DaemonWork
from mission_control.processes.plain_file import read_regular

SECONDS = 3.0
"""All files together are read within this, or are not read."""
MOST_BYTES = 1024 * 1024
MOST_FILES = 500


class Found(NamedTuple):
    """What expires when, and what may expire and was not read."""

    expiring: tuple[Expiry, ...]
    unread: tuple[str, ...]


class ExpiryReader:
    """Reads files of the inventory in a thread of its own: one that hangs holds up nothing."""

    def __init__(self) -> None:
        """Read nothing yet."""
        self._work = DaemonWork[str, Found]("expiry-files", 1)

    async def read(self, fleet: Fleet) -> Found:
        """Return what the files say; what takes too long is not read."""
        asked = self._work.ask(fleet.digest, partial(find_expiring, fleet))
        try:
            async with asyncio.timeout(SECONDS):
                return await asyncio.shield(asked)
        except TimeoutError:
            why = f"the files of certificates and tokens: reading them takes over {SECONDS:g} s"
            return Found((), (why, *_out_of_sight(fleet)))


def find_expiring(fleet: Fleet) -> Found:
    """Read each file of the inventory once."""
    authorities, tokens = defaultdict[str, list[Agent]](list), defaultdict[str, list[Agent]](list)
    for agent in fleet.agents:
        if agent.tls is not None and agent.tls.ca_file is not None:
            authorities[agent.tls.ca_file].append(agent)
        if agent.bearer_token_file is not None:
            tokens[agent.bearer_token_file].append(agent)
    found, unread = list[Expiry](), list[str]()
    for what, files, read in (
        ("authority", authorities, _first_end),
        ("bearer token", tokens, _token_end),
    ):
        for file, agents in sorted(files.items())[:MOST_FILES]:
            name = f"the {what} in {Path(file).name} ({_named(agents)})"
            try:
                at = read(read_regular(Path(file), MOST_BYTES))
            except (OSError, ssl.SSLError, ValueError) as error:
                unread.append(f"{name}: {type(error).__name__}")
                continue
            if at is None:
                unread.append(f"{name}: it does not say")
            else:
                page = quote(agents[0].agent_name, safe="")
                found.append(
                    Expiry(
                        name[0].upper() + name[1:], at, f"/service/{page}", f"/api/v1/agents/{page}"
                    )
                )
    return Found(tuple(found), (*unread, *_out_of_sight(fleet)))


def _out_of_sight(fleet: Fleet) -> Iterator[str]:
    """Name what may expire and is read nowhere here."""
    counts: Mapping[str, int] = {
        "the certificates that https services show": sum(
            (a.service_dns or "").startswith("https://") for a in fleet.agents
        ),
        "our client certificates": sum(
            a.tls is not None and a.tls.cert_file is not None for a in fleet.agents
        ),
    }
    yield from (f"{what} ({count})" for what, count in counts.items() if count)
    if fleet.access is not None:
        yield "the cluster's credentials"


def _named(agents: Sequence[Agent]) -> str:
    more = f" and {len(agents) - 1} more" if len(agents) > 1 else ""
    return f"{agents[0].agent_name}{more}"


def _first_end(content: bytes) -> datetime | None:
    """Return when the first of a file's authorities ends."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    context.load_verify_locations(cadata=content.decode("ascii"))
    ends = [str(each.get("notAfter", "")) for each in context.get_ca_certs()]
    return min((_instant(end) for end in ends), default=None)


def _instant(not_after: str) -> datetime:
    return datetime.fromtimestamp(ssl.cert_time_to_seconds(not_after), UTC)


def _token_end(content: bytes) -> datetime | None:
    return expiry_of_token(content.decode("ascii"))
