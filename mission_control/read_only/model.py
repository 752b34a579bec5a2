"""What the reading edges proved of themselves."""

from dataclasses import dataclass

from mission_control.cluster.model.facts import AccountFacts


@dataclass(frozen=True, slots=True)
class DeliveryFacts:
    """
    What a channel that alerts go to was sent, by method, and what its guard refused just now.

    `refused` is empty where it is not guarded by us: apprise speaks with its services itself.
    """

    channel: str
    kind: str
    address: str
    method: str
    sent: tuple[tuple[str, int], ...]
    refused: tuple[tuple[str, bool], ...]

    @property
    def proven(self) -> bool:
        """Return whether nothing but its one method left, and everything else was refused."""
        only = all(method == self.method for method, _ in self.sent)
        return only and all(refused for _, refused in self.refused)


@dataclass(frozen=True, slots=True)
class AttestationFacts:
    """
    What the reading edges can prove of themselves at this moment.

    `requests_by_method` counts what was really sent since start; `refused` is the outcome of
    really trying each forbidden method on the guarded transport just now (method, refused).
    `cluster_refused` is the same for what must never be asked of the API server, and `account` what
    our account there may do; both are empty where no cluster is read. `deliveries` are the channels
    that alerts go to.
    """

    requests_by_method: tuple[tuple[str, int], ...]
    refused: tuple[tuple[str, bool], ...]
    cluster: str
    cluster_refused: tuple[tuple[str, bool], ...] = ()
    account: AccountFacts | None = None
    deliveries: tuple[DeliveryFacts, ...] = ()
