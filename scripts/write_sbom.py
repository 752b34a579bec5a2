#!/usr/bin/env python3
# pyright: reportCallIssue=false, reportAttributeAccessIssue=false, reportArgumentType=false
# (the library's decorators hide the types of its classes)
"""
Write what is locked as a bill of materials (CycloneDX 1.6, JSON): `write_sbom.py FILE`.

Each package of `requirements/runtime.txt` that is installed anywhere, with its version, the digests
that the lock accepts, its licence and what it wants. Equal locks give equal bytes: there is no time
in it, no name of a machine, and no registry. Run it in the environment of `make setup`, whose
packages say their licences.
"""

import re
import sys
import tomllib
from importlib.metadata import Distribution, distribution
from pathlib import Path
from uuid import NAMESPACE_URL, uuid5

from cyclonedx.contrib.hash.factories import HashTypeFactory
from cyclonedx.contrib.license.factories import LicenseFactory
from cyclonedx.model import ExternalReference, ExternalReferenceType, XsUri
from cyclonedx.model.bom import Bom
from cyclonedx.model.component import Component, ComponentType
from cyclonedx.model.license import License
from cyclonedx.output.json import JsonV1Dot6
from packageurl import PackageURL
from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

PROJECT = Path(__file__).resolve().parents[1]
LOCK = PROJECT / "requirements/runtime.txt"
_ENTRY = re.compile(
    r"^(?P<what>[a-zA-Z0-9].*?) \\\n(?P<hashes>(?: +--hash=\S+(?: \\)?\n?)+)", re.MULTILINE
)
_HASH = re.compile(r"--hash=(sha256:[0-9a-f]{64})")


def read_lock(text: str) -> dict[str, tuple[Requirement, list[str]]]:
    """Return each locked requirement that holds on some platform, and its digests, by name."""
    found = dict[str, tuple[Requirement, list[str]]]()
    for entry in _ENTRY.finditer(text):
        requirement = Requirement(entry["what"])
        if "never" not in str(requirement.marker):  # requirements/left_out.txt
            name = canonicalize_name(requirement.name)
            found[name] = (requirement, _HASH.findall(entry["hashes"]))
    return found


def make_bom(locked: dict[str, tuple[Requirement, list[str]]]) -> Bom:
    """Return the bill of materials of ourselves and of these."""
    project = tomllib.loads((PROJECT / "pyproject.toml").read_text())["project"]
    ours = _component(project["name"], project["version"], ComponentType.APPLICATION)
    ours.licenses.add(LicenseFactory().make_from_string(project["license"]))
    components = dict[str, Component]()
    for name, (requirement, digests) in locked.items():
        (pin,) = requirement.specifier
        components[name] = _component(name, pin.version, ComponentType.LIBRARY)
        components[name].external_references.add(_files(components[name], digests))
        components[name].licenses.update(_licences(distribution(name)))
    bom = Bom(components=components.values())
    bom.serial_number = uuid5(NAMESPACE_URL, LOCK.read_text())
    bom.metadata.timestamp = None
    bom.metadata.component = ours
    bom.register_dependency(ours, _wanted("mission-control", set(), components))
    for name, component in components.items():
        bom.register_dependency(component, _wanted(name, locked[name][0].extras, components))
    return bom


def _component(name: str, version: str, kind: ComponentType) -> Component:
    purl = PackageURL("pypi", name=name, version=version)
    return Component(name=name, version=version, type=kind, purl=purl, bom_ref=str(purl))


def _files(component: Component, digests: list[str]) -> ExternalReference:
    return ExternalReference(
        type=ExternalReferenceType.DISTRIBUTION,
        url=XsUri(str(component.purl)),
        comment="the digests of the files that the lock accepts, one for each platform",
        hashes=[HashTypeFactory().from_composite_str(digest) for digest in digests],
    )


def _licences(of: Distribution) -> list[License]:
    """Return what the package itself says: an SPDX expression, a name, or its classifiers'."""
    make = LicenseFactory()
    said = of.metadata["License-Expression"] or of.metadata["License"] or ""
    if said and len(said.splitlines()) == 1:
        return [make.make_from_string(said)]
    classifiers = of.metadata.get_all("Classifier") or []
    names = [c.rsplit(" :: ", 1)[1] for c in classifiers if c.startswith("License :: ")]
    return [make.make_with_name(name) for name in names]


def _wanted(name: str, extras: set[str], among: dict[str, Component]) -> list[Component]:
    wanted = map(Requirement, distribution(name).requires or ())
    held = {
        canonicalize_name(r.name)
        for r in wanted
        if r.marker is None or any(r.marker.evaluate({"extra": e}) for e in {"", *extras})
    }
    return [component for each, component in among.items() if each in held]


def main(target: Path) -> None:
    """Write the file; its folder is made where it is missing."""
    bom = make_bom(read_lock(LOCK.read_text()))
    target.parent.mkdir(parents=True, exist_ok=True)
    target.write_text(JsonV1Dot6(bom).output_as_string(indent=2) + "\n")


if __name__ == "__main__":
    if len(sys.argv) != 2:  # noqa: PLR2004  (the program's name and the file)
        sys.exit(__doc__)
    main(Path(sys.argv[1]))
