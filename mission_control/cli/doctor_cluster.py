"""Command line: what `doctor` learns of the cluster, the store and history."""

from collections.abc import Iterator

from mission_control.cli.doctor_report import Check, failed, passed, warned
from mission_control.configuration.settings import Settings
from mission_control.model.cluster.facts import REQUIRED_LISTS, STARTER_LISTS, ListReading
from mission_control.model.reading import Seen, Unseen, UnseenReason, say_unseen
from mission_control.observe.cluster_reader.examination import Examination

RBAC = "apply deploy/kubernetes/rbac.yaml, or ask the Platform Owner"
_BUSY = "see whether the API server is overloaded, and whether it can be reached from here"
_WHERE = "see whether the kubeconfig's server is right, and whether it runs"
REMEDIES = {
    UnseenReason.DENIED: RBAC,
    UnseenReason.UNREADABLE: "mend the kubeconfig, its files or its plugin, or `cluster` in the"
    " fleet file; try the same with kubectl",
    UnseenReason.TIMEOUT: _BUSY,
    UnseenReason.THROTTLED: _BUSY,
    UnseenReason.LIST_EXPIRED: _BUSY,
    UnseenReason.OWN_STALL: "this machine is too busy: run it again when it is less so",
    UnseenReason.CONNECTION_REFUSED: _WHERE,
    UnseenReason.CONNECTION_LOST: _WHERE,
    UnseenReason.DNS_FAILURE: _WHERE,
    UnseenReason.TLS_FAILURE: "see whether the kubeconfig's certificate-authority signed what the"
    " server shows, and whether the certificate is made out to its name",
    UnseenReason.NOT_OFFERED: "see which versions of its API this cluster offers",
}
OTHERWISE = "see what answers at the kubeconfig's server, and its log"


def look_at_records(store: Seen[None] | Unseen, history: Seen[str] | Unseen) -> Iterator[Check]:
    """Say whether artifacts could be recorded and history kept."""
    if isinstance(store, Unseen):
        yield failed("store", f"nothing could be recorded: {store.detail}", "mend the root")
    else:
        yield passed("store", "artifacts can be recorded")
    if isinstance(history, Unseen):
        remedy = "mend the database, or MISSION_CONTROL_DATABASE_URL"
        yield failed("history", f"it cannot be opened: {history.detail or history.code}", remedy)
    else:
        yield passed("history", history.value)


def look_at_cluster(settings: Settings, seen: Examination | None) -> Iterator[Check]:
    """Say whether the API server is reached, as whom, and what may be read."""
    if seen is None:
        yield passed("cluster", "none is configured, so none is read")
        return
    name = settings.fleet.cluster
    if seen.unreachable:
        at = f" at {seen.address}" if seen.address else ""
        detail = f"{name}: not reached{at}: {seen.unreachable}"
        yield failed("cluster", detail, _remedy(seen.reason))
        return
    yield _address(name, seen)
    yield _account(seen)
    yield from (_namespace(n, read, settings) for n, read in seen.namespaces)
    yield from (_list(read) for read in seen.lists)
    if isinstance(seen.metrics, Unseen):
        yield passed("metrics", f"not offered ({seen.metrics.code}), and nothing needs them")
    elif seen.metrics is not None:
        yield passed("metrics", "offered")


def _remedy(reason: UnseenReason | None) -> str:
    """Say what to do about a reason; rights are the remedy of a refusal alone."""
    return REMEDIES.get(reason, OTHERWISE) if reason is not None else OTHERWISE


def _address(name: str, seen: Examination) -> Check:
    detail = f"{name}: reached at {seen.address}"
    if seen.verified or seen.address.startswith("http://"):
        return passed("cluster", detail)
    remedy = "take insecure-skip-tls-verify out of the kubeconfig, and name its authority"
    return warned("cluster", f"{detail}, whose certificate is not verified", remedy)


def _account(seen: Examination) -> Check:
    account = seen.account
    how = "says the API server" if account.verified else "unverified: only our credentials say so"
    detail = f"{account.who} ({how}): {account.detail}"
    if account.read_only is False:
        return failed("account", f"can do more than read: {detail}", RBAC)
    if account.read_only:
        return passed("account", f"can only read: {detail}")
    return warned("account", f"not known to be read-only: {detail}", RBAC)


def _namespace(name: str, read: Seen[bytes] | Unseen, settings: Settings) -> Check:
    subject = f"namespace {name}"
    if isinstance(read, Seen):
        return passed(subject, "exists")
    remedy = "correct the namespaces below `cluster` in the fleet file"
    if read.reason is not UnseenReason.NOT_OFFERED:
        return warned(subject, f"not known to exist: {say_unseen(read)}", _remedy(read.reason))
    if name == settings.namespace:
        return failed(subject, "does not exist", remedy)
    return warned(subject, "does not exist, so nothing is found in it", remedy)


def _list(read: ListReading) -> Check:
    subject = f"{read.namespace}/{read.resource}" if read.namespace else read.resource
    if isinstance(read.reading, Seen):
        return passed(subject, f"{read.reading.value} objects in {read.reading.took * 1000:.0f} ms")
    judge = failed if read.resource in {*REQUIRED_LISTS, *STARTER_LISTS} else warned
    return judge(subject, say_unseen(read.reading), _remedy(read.reading.reason))
