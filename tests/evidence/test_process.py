"""The process that makes a bundle for the API makes the very one that the command makes."""

import asyncio
import hashlib
import json
from dataclasses import replace
from pathlib import Path

import pytest

from mission_control.api.options import ApiOptions
from mission_control.bootstrap.aside import EVIDENCE, EvidenceSetup, ReadersSetup
from mission_control.evidence.model import Wanted
from mission_control.processes.streaming_child import StreamingChild
from tests.evidence.incident import REPLICA, SINCE, UNTIL, exported
from tests.floor.floor_of_values import NOW

pytestmark = pytest.mark.anyio
PROJECT = str(Path(__file__).parents[2])


async def test_its_bundle_is_the_same_and_so_is_what_it_would_hold(recorded):
    """R12.38: Byte for byte, and by the digest that was told before."""
    root, sources = recorded
    options = ApiOptions("0", None, NOW, replica=REPLICA, label="DEMO")
    readers = ReadersSetup(
        sources.fleet, root, sources.runbooks.folder, (), "text", options, sources.config_digest
    )
    wanted = Wanted(SINCE, UNTIL, "feed stale")
    child = StreamingChild(EVIDENCE, {"PYTHONPATH": PROJECT})

    async def made(*, whole):
        setup = EvidenceSetup(readers, wanted, (), whole)
        return b"".join([piece async for piece in child.stream(setup)])

    content, told = await asyncio.gather(made(whole=True), made(whole=False))
    expected, _ = await asyncio.to_thread(exported, replace(sources, label="DEMO"), wanted)

    assert expected == content
    assert hashlib.sha256(content).hexdigest() == json.loads(told)["sha256"]
    assert "DEMO" == json.loads(told)["label"]
