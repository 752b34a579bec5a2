"""History: what was read of the cluster as a JSON-ready document and back. Pure."""

from typing import Any

from pydantic import TypeAdapter

from mission_control.model.cluster.facts import ClusterFacts

_FACTS = TypeAdapter(ClusterFacts)


def cluster_document(facts: ClusterFacts) -> Any:  # noqa: ANN401  (a JSON document)
    """Write what was read of the cluster."""
    return _FACTS.dump_python(facts, mode="json")


def read_cluster(document: object) -> ClusterFacts | None:
    """Read what `cluster_document` wrote; raises ValueError for what is not it."""
    return None if document is None else _FACTS.validate_python(document)
