"""Golden: the keys of recorded documents that are derived from values."""

import json
from pathlib import Path

import orjson
import pytest

from mission_control.blueprint.present import blueprint_document
from mission_control.last_known_good.present import metadata_document
from mission_control.replay.present.document import replay_json
from tests.blueprint.test_blueprint import draw, well
from tests.config_snapshot.test_snapshot_config import PaperFurther, PaperRepository, make
from tests.golden.test_document_keys import key_paths
from tests.last_known_good.test_present import capture
from tests.replay.replay_of_values import replay

pytestmark = pytest.mark.anyio
PINNED = Path(__file__).with_name("record_keys.json")


async def recorded():
    """Return each recorded document by its file's name."""
    made = await make(PaperFurther("pods"), PaperRepository())
    return {
        "blueprint.json": orjson.loads(orjson.dumps(blueprint_document(draw(well())))),
        "replay.json": orjson.loads("".join(replay_json(replay()))),
        "lkg_metadata.json": orjson.loads(orjson.dumps(metadata_document(capture()))),
        "snapshot.json": orjson.loads(made.files["snapshot.json"]),
    }


async def test_recorded_documents_keep_their_keys():
    """A field that a value gains is written down here before it is recorded for years."""
    held = {name: sorted(set(key_paths(each))) for name, each in (await recorded()).items()}

    assert json.loads(PINNED.read_text()) == held
