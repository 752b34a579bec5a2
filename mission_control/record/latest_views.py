"""Record: latest views, for who looks; they are nobody's evidence (semantics, section 9)."""

import logging
from collections.abc import Mapping

from mission_control.errors import StorageError
from mission_control.model.artifact import Collection, latest_view
from mission_control.record.folder import Folder

log = logging.getLogger(__name__)


def show_latest(root: Folder, collection: Collection, files: Mapping[str, bytes]) -> None:
    """
    Show those of a run's files that are latest views; called while the ledger's lock is held.

    So the views are those of the newest line that has any, and of one run, whoever records at the
    same time. They are replaced in the order given, and none after one that was not: what tells
    of another file comes first. One that cannot be written is logged: what was recorded stays
    recorded.
    """
    for name, content in files.items():
        path = latest_view(collection, name)
        if path is None:
            continue
        try:
            with root.descend(path.rpartition("/")[0], create=True) as within:
                within.replace(name, content)
        except StorageError as error:
            log.warning("the latest view %s still shows an older run: %s", path, error)
            return
