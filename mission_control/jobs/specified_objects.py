"""Jobs: what the objects of the floor's namespace ask for, read for a report."""

import asyncio
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from mission_control.decide.lkg.specifications import SPECIFIED_LISTS, digest_specifications
from mission_control.jobs.ports import FurtherReader
from mission_control.model.cluster.facts import list_source
from mission_control.model.cluster.raw import KubernetesObject
from mission_control.model.reading import Seen, say_unseen


@dataclass(frozen=True, slots=True)
class SpecifiedObjects:
    """The digest of each object's specification by its title, and every list that was not seen."""

    digests: Mapping[str, str | None] = field(default_factory=dict[str, str | None])
    gaps: tuple[str, ...] = ()


async def read_specifications(further: FurtherReader, namespace: str) -> SpecifiedObjects:
    """Read every list at once; what was not seen is a gap, and no empty list."""
    read = await asyncio.gather(*(further.objects(each, namespace) for each in SPECIFIED_LISTS))
    seen, gaps = dict[str, Sequence[KubernetesObject]](), list[str]()
    for resource, reading in zip(SPECIFIED_LISTS, read, strict=True):
        if isinstance(reading, Seen):
            seen[resource] = reading.value
        else:
            gaps.append(f"{list_source(resource, namespace)} was not seen: {say_unseen(reading)}")
    return SpecifiedObjects(digest_specifications(seen), tuple(gaps))
