"""The bill of materials: valid, whole, the same each time, and nothing of this machine in it."""

import json
import subprocess
import sys
from pathlib import Path

import pytest
from cyclonedx.schema import SchemaVersion
from cyclonedx.validation.json import JsonStrictValidator
from packaging.requirements import Requirement

ROOT = Path(__file__).parents[2]
SCRIPT = ROOT / "scripts/write_sbom.py"


def locked() -> dict[str, str]:
    """Return the packages that the lock installs somewhere, with their versions."""
    lines = (ROOT / "requirements/runtime.txt").read_text().splitlines()
    wanted = [Requirement(line.removesuffix(" \\")) for line in lines if line[0] not in " #"]
    held = [r for r in wanted if r.marker is None or "never" not in str(r.marker)]
    return {r.name: str(r.specifier).removeprefix("==") for r in held}


@pytest.fixture(scope="module")
def written(tmp_path_factory) -> str:
    """Write it from another folder, as `make sbom` does."""
    target = tmp_path_factory.mktemp("sbom") / "dist/it.json"
    command = [sys.executable, "-W", "error", SCRIPT, target]
    subprocess.run(command, cwd=target.parents[1], check=True)
    first = target.read_text()
    subprocess.run(command, cwd=target.parents[1], check=True)
    assert first == target.read_text()
    return first


@pytest.fixture(scope="module")
def bom(written) -> dict:
    """Return the document."""
    return json.loads(written)


def test_it_is_valid(written, bom):
    """The schema's own validator, at its strictest, has nothing to say, and finds a broken one."""
    validator = JsonStrictValidator(SchemaVersion.V1_6)
    bom["components"][0] |= {"type": "of some kind"}

    assert validator.validate_str(written) is None
    assert validator.validate_str(json.dumps(bom)) is not None


def test_it_lists_exactly_what_is_locked(written):
    """Every package with its version, purl, licence and at least one of its files' digests."""
    bom = json.loads(written)

    assert locked() == {c["name"]: c["version"] for c in bom["components"]}
    assert "mission-control" == bom["metadata"]["component"]["name"]
    for component in bom["components"]:
        assert f"pkg:pypi/{component['name']}@{component['version']}" == component["purl"]
        assert component["licenses"], component["name"]
        (files,) = component["externalReferences"]
        assert {"SHA-256"} == {h["alg"] for h in files["hashes"]}


def test_digests_are_the_locks(written):
    """All digests of the lock's entries, and no others."""
    text = (ROOT / "requirements/runtime.txt").read_text()
    entries = [e for e in text.split("\n") if e]
    expected, held = set[str](), True
    for line in entries:
        if line[0] != " ":
            held = "'never'" not in line
        elif held:
            expected.add(line.strip().removesuffix(" \\").removeprefix("--hash=sha256:"))

    references = [c["externalReferences"][0] for c in json.loads(written)["components"]]

    assert expected == {h["content"] for r in references for h in r["hashes"]}


def test_it_says_what_wants_what(written):
    """Each package is wanted by another or by us, and what is left out is wanted by none."""
    graph = {d["ref"]: d.get("dependsOn", []) for d in json.loads(written)["dependencies"]}
    (ours,) = [ref for ref in graph if ref.startswith("pkg:pypi/mission-control@")]
    reached, waiting = set[str](), [ours]
    while waiting:
        ref = waiting.pop()
        reached.add(ref)
        waiting += [each for each in graph[ref] if each not in reached]

    assert set(graph) == reached
    assert not [ref for ref in reached if "polyfactory" in ref]


def test_nothing_of_this_machine_is_in_it(written):
    """No address but the schema's, no path, no time."""
    addresses = [word for word in written.split('"') if "://" in word]

    assert ["http://cyclonedx.org/schema/bom-1.6.schema.json"] == addresses
    assert str(ROOT) not in written
    assert str(Path.home()) not in written
    assert "timestamp" not in written
