"""The keys of every document of a bundle of evidence; a changed pin is a new format."""

import json
import re
from pathlib import Path

from tests.evidence.incident import unpacked
from tests.golden.test_document_keys import key_paths

PINNED = Path(__file__).parents[1] / "golden" / "evidence_keys.json"
_ELSEWHERE = ("inputs.", "latched.", "decided_again.posture.", "safety.")
"""What other pins hold: decisions' inputs, the posture, what a fleet needs."""


def keys_of(files):
    """Return the keys of each document of a bundle, by its path without numbers."""
    found = dict[str, set[str]]()
    for path, content in files.items():
        if path.endswith(".json") and not path.startswith(
            ("data/artifacts/", "data/posture/fleets")
        ):
            name = re.sub(r"\d+(?:T\d+Z?)?(?:_\d+T\d+Z)?", "N", path)
            paths = (p.lstrip(".") for p in key_paths(json.loads(content)))
            kept = {p for p in paths if not p.startswith(_ELSEWHERE)}
            found.setdefault(name, set()).update(kept)
    return {name: sorted(paths) for name, paths in sorted(found.items())}


def test_documents_of_a_bundle_keep_their_keys(bundle):
    """R12.29: No document gains or loses a key unseen: auditors read them years later."""
    assert json.loads(PINNED.read_text()) == keys_of(unpacked(bundle[0]))
