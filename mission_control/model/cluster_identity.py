"""Which cluster something was read of, for everything that is recorded of it."""

from dataclasses import dataclass

NONE_READ = "none"
"""The context of who is configured to read no cluster."""
IN_CLUSTER, CURRENT_CONTEXT = "in-cluster", "current context"
NAMESPACE = "kube-system"
"""Its UID is the cluster's own: it is there from the first minute and is never made again."""


@dataclass(frozen=True, slots=True)
class ClusterIdentity:
    """
    Which cluster it was, as far as that was told; what is empty was not.

    `context` is the kubeconfig's, `in-cluster`, or `none`. `server` is the API server's URL
    without anything that gives access. `uid` is that of the namespace kube-system, and `unknown`
    says why there is none: `denied`, `timeout` and the like.
    """

    context: str = ""
    server: str = ""
    uid: str = ""
    unknown: str = ""

    @property
    def reads(self) -> bool:
        """Return whether a cluster was to be read at all."""
        return self.context != NONE_READ
