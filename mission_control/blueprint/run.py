"""The blueprint: inventory, cluster, answers and repository drawn together and recorded."""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

from mission_control.blueprint.decide import draw_blueprint
from mission_control.blueprint.present import blueprint_document, blueprint_markdown
from mission_control.documents.canonical_json import encode_json
from mission_control.floor.model import FloorSnapshot
from mission_control.model.clock import Clock
from mission_control.records.model import Collection, LedgerEntry, SourceCoverage
from mission_control.records.run_origin import Ground, RunOrigin
from mission_control.schedule.job import READING_SECONDS, JobParts

if TYPE_CHECKING:
    from mission_control.cluster.read.objects import ObjectReader
    from mission_control.repository.files import RepositorySurveyor

JOB = "blueprint"
JSON_NAME, MARKDOWN_NAME = "blueprint.json", "blueprint.md"
_UNKNOWN = "unknown: "


@dataclass(frozen=True, slots=True)
class MadeBlueprint:
    """A blueprint as it will be recorded; `unseen` is what could not be seen for it, and why."""

    document: Mapping[str, Any]
    files: Mapping[str, bytes]
    unseen: SourceCoverage
    label: str


async def run(
    parts: JobParts, origin: RunOrigin, repository: "RepositorySurveyor | None"
) -> tuple[MadeBlueprint, LedgerEntry]:
    """Look, draw and record; raises StorageError."""
    snapshot, _ = await parts.look()
    made = await make_blueprint(snapshot, parts.further, repository, parts.clock)
    facts = origin.facts(JOB, Ground.of(snapshot), parts.clock())
    facts = replace(facts, coverage=(*facts.coverage, made.unseen))
    return made, await parts.writer.record(Collection.BLUEPRINTS, made.files, facts)


async def make_blueprint(
    snapshot: FloorSnapshot,
    further: "ObjectReader | None",
    repository: "RepositorySurveyor | None",
    clock: Clock,
) -> MadeBlueprint:
    """Draw the fleet as a snapshot of the floor shows it; what was not seen is a named gap."""
    services = await further.within(READING_SECONDS).services() if further else None
    survey = await repository.survey() if repository else None
    blueprint = draw_blueprint(snapshot, services, survey, clock())
    document = blueprint_document(blueprint)
    files = {
        JSON_NAME: encode_json(document, snapshot.label),
        MARKDOWN_NAME: blueprint_markdown(document, snapshot.label).encode(),
    }
    gaps = tuple(
        (g.subject, g.gap.removeprefix(_UNKNOWN))
        for g in blueprint.gaps
        if g.gap.startswith(_UNKNOWN)
    )
    subjects = len({c.name for c in blueprint.components} | {subject for subject, _ in gaps})
    seen = subjects - len({subject for subject, _ in gaps})
    coverage = SourceCoverage("blueprint", subjects, seen, gaps)
    return MadeBlueprint(document, files, coverage, snapshot.label)
