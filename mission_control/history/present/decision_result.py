"""What a decision said, as a digest, so that it can be compared with one made again."""

import hashlib

from mission_control.documents.canonical_json import encode_json
from mission_control.floor.model import FloorSnapshot
from mission_control.floor.present.agents import agents_document
from mission_control.floor.present.posture import posture_document
from mission_control.floor.present.safety import safety_document


def decision_result(snapshot: FloorSnapshot) -> str:
    """Give the SHA-256 in hex of posture, services and safety; number and label do not count."""
    documents = [posture_document(snapshot), agents_document(snapshot), safety_document(snapshot)]
    bare = [
        {k: v for k, v in document.items() if k not in {"sequence", "label"}}
        for document in documents
    ]
    return hashlib.sha256(encode_json(bare)).hexdigest()
