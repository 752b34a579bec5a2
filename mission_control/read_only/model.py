"""What the reading edges proved of themselves."""

from dataclasses import dataclass

from mission_control.cluster.model.facts import AccountFacts


@dataclass(frozen=True, slots=True)
class AttestationFacts:
    """
    What the reading edges can prove of themselves at this moment.

    `requests_by_method` counts what was really sent since start; `refused` is the outcome of
    really trying each forbidden method on the guarded transport just now (method, refused).
    `cluster_refused` is the same for what must never be asked of the API server, and `account`
    what our account there may do; both are empty where no cluster is read.
    """

    requests_by_method: tuple[tuple[str, int], ...]
    refused: tuple[tuple[str, bool], ...]
    cluster: str
    cluster_refused: tuple[tuple[str, bool], ...] = ()
    account: AccountFacts | None = None
