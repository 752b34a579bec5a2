"""Golden: the keys of every document that a client or an auditor reads."""

import json
import re
from collections import defaultdict
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.golden.answers import all_answers

pytestmark = pytest.mark.anyio
PINNED = Path(__file__).with_name("document_keys.json")
_FIELD = re.compile(r"[a-z][a-z0-9_]*")


def key_paths(value: object, at: str = "") -> Iterator[str]:
    """Yield the path of every key; keys that are data (names, codes) are `*`."""
    if isinstance(value, dict):
        for key, held in value.items():
            here = f"{at}.{key}" if _FIELD.fullmatch(key) else f"{at}.*"
            yield here
            yield from key_paths(held, here)
    elif isinstance(value, list):
        for held in value:
            yield from key_paths(held, f"{at}[]")


def keys_by_document(answers: dict[str, bytes]) -> dict[str, list[str]]:
    """Collect, over all scenarios, the keys of each document by its path."""
    found = defaultdict[str, set[str]](set)
    for name, body in answers.items():
        content = body.split(b"\n", 1)[-1] if body[:1].isdigit() else body
        if content[:1] in b"{[" and content:
            found[name.rsplit(" ", 1)[-1]].update(key_paths(json.loads(content)))
    return {name: sorted(paths) for name, paths in sorted(found.items())}


async def test_documents_keep_their_keys():
    """No document gains or loses a key unseen: clients and records read them by name."""
    pinned = json.loads(PINNED.read_text())

    assert pinned == keys_by_document(dict(await all_answers()))
