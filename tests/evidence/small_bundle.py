"""A small bundle of values: everything that verification looks at, and little else."""

import hashlib
import io
import json
from collections.abc import Mapping

from mission_control.evidence.bag import BagWriter, verifier
from mission_control.evidence.verify import bag_name, verify_zip
from mission_control.records.ledger import Recorded, chain, write_line
from mission_control.records.model import GENESIS, ArtifactFile
from tests.floor.floor_of_values import NOW

SINCE, UNTIL = "2026-11-20T14:00:00.000Z", "2026-11-20T15:00:00.000Z"
REPORT = b'{"verdict":"NO-GO"}'
PATH = "audit_artifacts/ops_runs/20261120T141500Z_readiness/readiness_report.json"


class Forger(BagWriter):
    """Writes a bag in which some lists are others than they should be, and all else fits them."""

    forged: Mapping[str, bytes] = {}

    def _put(self, path, content):
        return super()._put(path, self.forged.get(path, content))


def small_bundle(incident="feed stale", *, files=None, forged=None, name=None):
    """
    Return the bytes of a bundle with one artifact, its ledger and one page.

    `forged` are files that were made otherwise, before the sums over them were written.
    """
    file = ArtifactFile(PATH, hashlib.sha256(REPORT).hexdigest(), len(REPORT))
    first = chain(Recorded(NOW, "readiness", PATH.rpartition("/")[0], None, (file,)), GENESIS)
    last = chain(Recorded(NOW, "other", "audit_artifacts/ops_runs/x", None, ()), first.head)
    about = {
        "from": SINCE,
        "to": UNTIL,
        "incident": incident,
        "verify_py_sha256": hashlib.sha256(verifier()).hexdigest(),
        "ledger_head": {"seq": last.seq, "hash": last.hash},
    }
    held = {
        "data/bundle.json": json.dumps(about).encode(),
        "data/ledger/lines.jsonl": write_line(first) + write_line(last),
        f"data/artifacts/{PATH}": REPORT,
        "data/coverage.json": b"{}",
    } | (files or {})
    bag = Forger(name or bag_name(SINCE, UNTIL))
    bag.forged = forged or {}
    pieces = [*bag.begin()]
    for path, content in held.items():
        pieces += bag.add(path, content)
    pieces += bag.finish(b"<!doctype html><title>x</title>\n", [("Bag-Software-Agent", "test")])
    return b"".join(pieces)


def found_in(content):
    """Return what verification names in these bytes, as (path, kind) pairs."""
    return [(d.path, d.kind) for d in verify_zip(io.BytesIO(content)).found]
