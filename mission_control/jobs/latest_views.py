"""Jobs: latest views, for who looks; they are nobody's evidence (semantics, section 9)."""

import logging
from collections.abc import Mapping

from mission_control.errors import StorageError
from mission_control.jobs.artifact_ports import ArtifactWriter

log = logging.getLogger(__name__)


async def publish_latest(
    writer: ArtifactWriter, files: Mapping[str, bytes], folder: str = "audit_artifacts"
) -> None:
    """
    Show these files as the latest; one that cannot be written is logged, and costs nothing else.

    They are replaced in the order given, and none after one that was not: what tells of another
    file comes first, so that nobody takes two runs for one. What was recorded stays recorded: a
    run is not undone by its copy.
    """
    for name, content in files.items():
        path = f"{folder}/{name}"
        try:
            await writer.publish(path, content)
        except StorageError as error:
            log.warning("the latest view %s still shows an older run: %s", path, error)
            return
