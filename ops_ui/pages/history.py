"""One service over time, past events, and what was attained. Pure."""

from collections.abc import Mapping, Sequence
from typing import cast
from urllib.parse import urlencode

import orjson

from ops_ui.mission_control_client import Document, Missed

MAX_FILTER = 128
EVENT_FILTERS = ("agent", "since", "until", "cursor", "limit")


def events_path(asked: Mapping[str, str]) -> str:
    """Give the API's path for the filters in a page's address."""
    kept = _kept(asked)
    return f"/api/v1/events?{urlencode(kept)}" if kept else "/api/v1/events"


def older_events(asked: Mapping[str, str], document: Document) -> str | None:
    """Give the address of the page with older events; None on the last one."""
    cursor = document.get("next_cursor")
    if not isinstance(cursor, str):
        return None
    return f"/events?{urlencode({**_kept(asked), 'cursor': cursor})}"


def asked_filters(asked: Mapping[str, str]) -> list[tuple[str, str]]:
    """Give the filters that are in force, sorted, without the cursor."""
    return sorted((k, v) for k, v in _kept(asked).items() if k not in {"cursor", "limit"})


def _kept(asked: Mapping[str, str]) -> dict[str, str]:
    return {k: asked[k][:MAX_FILTER] for k in EVENT_FILTERS if asked.get(k)}


def mappings(value: object) -> Sequence[Document]:
    """Give a list of objects; what is none is left out."""
    if not isinstance(value, list):
        return ()
    return [cast("Document", v) for v in cast("list[object]", value) if isinstance(v, Mapping)]


def attained_of(slo: Document | Missed, agent_name: str) -> Document | None:
    """Find what one service attained."""
    if isinstance(slo, Missed):
        return None
    found = (s for s in mappings(slo.get("services")) if s.get("agent_name") == agent_name)
    return next(found, None)


def worst_first(services: Sequence[Document]) -> list[Document]:
    """Sort what services attained: those that missed their target first, then by name."""
    rank = {False: 0, None: 1, True: 2}
    return sorted(services, key=lambda s: (rank.get(_met(s), 1), str(s.get("agent_name"))))


def _met(service: Document) -> bool | None:
    met = service.get("met")
    return met if isinstance(met, bool) else None


def duration(seconds: object) -> str:
    """Write seconds for people: `2 d 3 h`, `14 min`, `9 s`; minus where it is overspent."""
    if not isinstance(seconds, int | float):
        return "none"
    sign, left = ("-" if seconds < 0 else ""), abs(round(seconds))
    parts = list[str]()
    for size, unit in ((86_400, "d"), (3_600, "h"), (60, "min"), (1, "s")):
        count, left = divmod(left, size)
        if count:
            parts.append(f"{count} {unit}")
        if len(parts) == 2:  # noqa: PLR2004  (two units are enough for anybody)
            break
    return sign + " ".join(parts) if parts else "0 s"


def percent(share: object) -> str:
    """Write a percentage with as many places as a target has."""
    return f"{share:.3f} %" if isinstance(share, int | float) else "nothing yet"


def set_out(document: object) -> str:
    """Write a document in lines, as text."""
    return orjson.dumps(document, option=orjson.OPT_INDENT_2 | orjson.OPT_SORT_KEYS).decode()
