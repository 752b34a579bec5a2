"""What each reason code means, and which runbook explains it."""

import re
from collections.abc import Mapping
from dataclasses import dataclass

from mission_control.model import codes
from mission_control.model.finding import Severity

ENTRIES: tuple[tuple[str, str, str, str], ...] = (
    (codes.TIMEOUT, "P1", "No whole answer in time",
     "The service did not finish its answer within its total deadline."),
    (codes.CONNECTION_REFUSED, "P1", "Nothing listens",
     "The address is reachable, but nothing accepts connections on the port."),
    (codes.DNS_FAILURE, "P1", "The name does not resolve",
     "The service's host name could not be resolved to an address."),
    (codes.TLS_FAILURE, "P1", "The encrypted connection failed",
     "The certificate or the TLS handshake could not be verified."),
    (codes.CONNECTION_LOST, "P1", "The connection broke",
     "The connection was closed, reset or spoke no HTTP before an answer was complete."),
    (codes.HTTP_STATUS, "P1", "The service refused by status",
     "The service answered with an HTTP status that is no success."),
    (codes.REDIRECTED, "P1", "The service sent us elsewhere",
     "The service answered with a redirect, which is never followed."),
    (codes.NOT_OFFERED, "P1", "The endpoint is not offered",
     "The service answers 404, 405 or 501 for an endpoint that it is expected to offer."),
    (codes.NO_LONGER_OFFERED, "P1", "The endpoint is no longer offered",
     "An endpoint that answered before now answers 404, 405 or 501."),
    (codes.BODY_TOO_LARGE, "P1", "The answer is too large",
     "The answer's body is larger than 64 KiB, or its framing is, and the rest was not read."),
    (codes.ENCODED, "P1", "The answer is compressed",
     "The answer bears a content-encoding that was not asked for, and was not decoded."),
    (codes.NOT_JSON, "P1", "The answer is not JSON",
     "The answer's body cannot be read as JSON."),
    (codes.TOO_DEEP, "P1", "The answer is nested too deeply",
     "The answer's JSON is nested deeper than 32 levels."),
    (codes.CONTRACT_INVALID, "P1", "The answer breaks its contract",
     "The answer is JSON, but a field is missing or of the wrong type."),
    (codes.EXPIRED, "P1", "The newest reading is too old",
     "The newest reading is older than 45 seconds and is no evidence any more."),
    (codes.NOT_YET_ASKED, "P1", "Nothing was asked yet",
     "The service has not been read since Mission Control started."),
    (codes.UNREADABLE, "P1", "A file could not be read",
     "The kill switch's file, or a token or certificate that a request needs, is unreadable."),
    (codes.DENIED, "P1", "The cluster refuses to tell",
     "The Kubernetes API answered 401 or 403: our account may not read what it has to."),
    (codes.LIST_EXPIRED, "P1", "A list expired while it was read",
     "The Kubernetes API answered 410 between the pages of a list, twice in a row."),
    (codes.THROTTLED, "P1", "The cluster asks us to wait",
     "The Kubernetes API answered 429: it is overloaded, or limits our account."),
    (codes.PARTIAL, "P1", "A list is not whole",
     "Pages of a list are missing, or it holds more than Mission Control reads."),
    (codes.OWN_STALL, "P1", "Mission Control was held up while it asked",
     "Our own event loop was held up during the round, so how the service answers is not known."),
    (codes.CONTRACT_NOT_OFFERED, "P2", "Only liveness is offered",
     "The service answers, but does not offer the status contract."),
    (codes.CONTRACT_MINIMAL, "P2", "Only the minimal contract is offered",
     "The service answers in the minimal contract, which has no state and no kill switch."),
    (codes.UNOBSERVED, "P2", "Not observed over HTTP",
     "The service has no HTTP by configuration, and nothing else observes it."),
    (codes.STATUS_FROZEN, "P1", "The status is frozen",
     "The status was last updated more than 60 seconds ago: a cached or stopped responder."),
    (codes.CLOCK_SKEW, "P1", "The service's clock runs ahead",
     "The status bears a time more than 5 seconds ahead of our clock."),
    (codes.IDENTITY_MISMATCH, "INFO", "The service calls itself otherwise",
     "The name or kind that the service reports differs from the inventory."),
    (codes.MARKET_CLOSED_DURING_SESSION, "P1", "The service believes the market is closed",
     "The service reports MARKET_CLOSED while our calendar says that the session is open."),
    (codes.RELOAD_FAILED, "INFO", "Changed files could not be read again",
     "Certificates or the closures file changed and cannot be used; what was read before stays."),
    (codes.NOT_READY, "P1", "A readiness or liveness probe fails",
     "A service under the liveness contract fails `/readyz` or `/livez`."),
    (codes.EXECUTION_NOT_PROVEN_OFF, "P2", "Execution is silent, but not proven off",
     "An execution service does not answer, and no cluster proves that it is scaled to zero."),
    (codes.EXECUTION_PROVEN_OFF, "INFO", "Execution is proven off",
     "An execution service does not answer, and whole lists of the cluster show nothing of it."),
    (codes.CRASH_LOOPING, "P1", "A container keeps crashing",
     "A container of the service's pods is started again and again."),
    (codes.IMAGE_PULL_FAILING, "P1", "An image cannot be pulled",
     "A container of the service's pods cannot get its image."),
    (codes.REPLICAS_BELOW_DESIRED, "P1", "Fewer pods are ready than wanted",
     "The service's workload has fewer ready pods than it wants."),
    (codes.WORKLOAD_NOT_FOUND, "P1", "The workload does not exist",
     "The inventory names a workload for the service, and the cluster has none such."),
    (codes.WORKLOAD_UNSEEN, "P1", "The workload was not seen",
     "The lists that hold the service's workload or its pods were not read whole."),
    (codes.CLUSTER_OBJECT_INVALID, "P1", "An object cannot be understood",
     "An object of a list has fields of the wrong shape, so nothing is known of it."),
    (codes.MODE_UNRESOLVED, "P1", "A mode cannot be told",
     "A container's mode comes from where it cannot be read, such as a Secret."),
    (codes.MODE_UNKNOWN, "P1", "An unknown mode",
     "A service or its workload says a mode that is neither harmless nor known to be forbidden."),
    (codes.REPLICA_SKEW, "P2", "One replica is not as the others",
     "Replicas of one workload differ in image, mode, safety environment, specification or build."),
    (codes.LEFTOVER_WORKLOAD, "P2", "Something runs that is not listed",
     "A watched namespace runs what neither the inventory, the fleet file nor the LKG knows."),
    (codes.EXECUTION_COULD_START, "P1", "Something could start execution",
     "A scaler, a trigger, a route or a job could start execution without a human."),
    (codes.STATE_UNEXPLAINED, "P1", "A state without a reason",
     "The service reports a state other than OK and gives no reason code."),
    (codes.UNLISTED_REASON, "P2", "An unknown reason code",
     "The service reports a reason code that is in no contract known to Mission Control."),
    (codes.KILL_SWITCH, "INFO", "Halted by the kill switch",
     "The service reports HALTED because the kill switch is engaged: the normal posture."),
    (codes.MARKET_CLOSED, "INFO", "The market is closed",
     "The service reports that the market is closed."),
    (codes.MARKETDATA_STALE, "P1", "Marketdata is stale",
     "The newest tick is older than its threshold, or a source says that it is not fresh."),
    (codes.MARKETDATA_MISSING, "P1", "No tick is known",
     "No tick was ever known to the source, or it reports none."),
    (codes.EXECUTION_DISABLED, "INFO", "Execution is disabled",
     "An execution service reports itself disabled; that it answers is evidence all the same."),
    (codes.HEARTBEAT_STALE, "P1", "The service's heartbeat is stale",
     "The service reports that its own heartbeat is older than its time to live."),
    (codes.REQUIRED_FIELDS_MISSING, "P1", "The service does not know itself",
     "The service reports that its name, kind, repository or agent name is not configured."),
    (codes.PROCESS_DOWN, "P1", "The service reports its process down",
     "The service's own contract says that the process behind it is not up."),
    (codes.EXECUTION_ORDERS_DISABLED_CONTRACT, "INFO", "Orders are disabled by contract",
     "An execution service states that orders are disabled by the production lock."),
    (codes.MARKETDATA_UNVERIFIABLE, "P1", "Freshness cannot be verified",
     "Nothing that can be believed speaks of the marketdata's freshness."),
    (codes.FRESHNESS_GATE_FALSE_POSITIVE, "P0", "A freshness gate says fresh on old data",
     "A source claims freshness on a missing tick, or on one older than 125 seconds."),
    (codes.EXECUTION_EVIDENCE, "P0", "Evidence that execution may happen",
     "Some source shows that orders could be executed; any single source is enough."),
    (codes.CONTRADICTION, "P0", "Two sources contradict each other",
     "Two sources state the same fact differently; the worse side is taken."),
    (codes.KILL_SWITCH_UNCONFIRMED, "P0", "The kill switch is not confirmed",
     "No source that can confirm it says that the kill switch is engaged."),
    (codes.OWN_CLOCK_SUSPECT, "P1", "Our own clock is suspect",
     "The services' clocks differ from ours by more than 5 seconds in the median."),
    (codes.CALENDAR_UNKNOWN, "P1", "The market calendar does not know",
     "The session cannot be told, and gates as if the market were open."),
    (codes.CALENDAR_HORIZON, "P2", "The market calendar ends soon",
     "The calendar covers fewer than 90 more days."),
    (codes.STANDING_UNKNOWN, "P1", "Earlier alarms are not known",
     "History is unread, lost, older or another's, so alarms from before the start are not known."),
    (codes.RECORD_NEW, "P2", "This root began a new record",
     "No record was found below the root, so nothing from before this start is known here."),
    (codes.HISTORY_FAILING, "P2", "History cannot be written",
     "What happens is not being kept: the disk is full, or the database is dead or hangs."),
    (codes.DELIVERY_FAILING, "P2", "Pages are not delivered",
     "A channel that alerts go to does not answer, or refuses what it is sent."),
    (codes.TWIN_SILENT, "P1", "The twin is silent",
     "The other one that watches this floor does not answer, or is not well."),
    (codes.TWIN_DISAGREES, "P1", "The twin disagrees",
     "The other one has another posture or leading reason, or watches another floor."),
    (codes.TWIN_RECORD_LOST, "P1", "The twin's record was lost or rewritten",
     "The ledger of the other one no longer holds the line that was its head when we noted it."),
    (codes.ARTIFACT_STORE_FAILING, "P1", "Nothing can be recorded",
     "Artifacts cannot be written: the disk is full, read-only or gone, or the ledger is damaged."),
    (codes.POLL_LOOP_STALLED, "P1", "Mission Control itself has stalled",
     "The deciding loop has missed three beats; what is shown is no longer being renewed."),
    (codes.SCHEDULER_STALLED, "P1", "The day's runs are no longer being begun",
     "The scheduler has missed three beats; planned runs are not begun by this process."),
    (codes.RUN_MISSED, "P2", "A planned run was missed",
     "A run of the day's plan was not begun before its evidence deadline."),
    (codes.RUN_FAILED, "P2", "A planned run failed",
     "A run of the day's plan ended without the evidence that it is for."),
    (codes.READINESS_NO_GO, "P1", "Readiness says NO-GO",
     "The newest readiness of today's session has a required check that does not pass."),
    (codes.SESSION_CHANGED, "P1", "Changed closures moved the session",
     "A closures file that was read again closed a running session, or opened one."),
)  # fmt: skip
"""Sorted by where a code comes from: readings, one service, the fleet's own codes, the floor."""

_HTTP_CODE = re.compile(r"HTTP_[0-9]{3}")


@dataclass(frozen=True, slots=True)
class CatalogueEntry:
    """One code: a plain title, one sentence of meaning, and how bad it usually is."""

    code: str
    title: str
    meaning: str
    usual_severity: Severity


CATALOGUE: Mapping[str, CatalogueEntry] = {
    code: CatalogueEntry(code, title, meaning, Severity(severity))
    for code, severity, title, meaning in ENTRIES
}


def runbook_code(code: str) -> str:
    """
    Name the runbook that explains a code.

    `HTTP_503` and its like share one page; an unknown code is explained as such.
    """
    if _HTTP_CODE.fullmatch(code):
        return codes.HTTP_STATUS
    return code if code in CATALOGUE else codes.UNLISTED_REASON


def explain(code: str) -> CatalogueEntry:
    """Return the catalogue's entry for a code, any code."""
    return CATALOGUE[runbook_code(code)]


PROCEDURES = "Procedures of the day"
"""The subject of a runbook that explains no code."""
_SUBJECTS: tuple[tuple[str, frozenset[str]], ...] = (
    ("Execution and the kill switch", frozenset({
        codes.EXECUTION_EVIDENCE, codes.EXECUTION_COULD_START, codes.EXECUTION_DISABLED,
        codes.EXECUTION_NOT_PROVEN_OFF, codes.EXECUTION_ORDERS_DISABLED_CONTRACT,
        codes.EXECUTION_PROVEN_OFF, codes.KILL_SWITCH, codes.KILL_SWITCH_UNCONFIRMED,
        codes.CONTRADICTION, codes.MODE_UNKNOWN, codes.MODE_UNRESOLVED,
    })),
    ("Market data and the session", frozenset({
        codes.MARKETDATA_STALE, codes.MARKETDATA_MISSING, codes.MARKETDATA_UNVERIFIABLE,
        codes.FRESHNESS_GATE_FALSE_POSITIVE, codes.MARKET_CLOSED,
        codes.MARKET_CLOSED_DURING_SESSION, codes.CALENDAR_UNKNOWN, codes.CALENDAR_HORIZON,
        codes.SESSION_CHANGED,
    })),
    ("A service does not answer", frozenset({
        codes.TIMEOUT, codes.CONNECTION_REFUSED, codes.CONNECTION_LOST, codes.DNS_FAILURE,
        codes.TLS_FAILURE, codes.HTTP_STATUS, codes.REDIRECTED, codes.NOT_OFFERED,
        codes.NO_LONGER_OFFERED, codes.EXPIRED, codes.NOT_YET_ASKED, codes.NOT_READY,
        codes.PROCESS_DOWN, codes.UNOBSERVED,
    })),
    ("What a service answers", frozenset({
        codes.BODY_TOO_LARGE, codes.ENCODED, codes.NOT_JSON, codes.TOO_DEEP,
        codes.CONTRACT_INVALID, codes.CONTRACT_NOT_OFFERED, codes.CONTRACT_MINIMAL,
        codes.STATUS_FROZEN, codes.CLOCK_SKEW, codes.IDENTITY_MISMATCH, codes.STATE_UNEXPLAINED,
        codes.UNLISTED_REASON, codes.HEARTBEAT_STALE, codes.REQUIRED_FIELDS_MISSING,
    })),
    ("Cluster and workloads", frozenset({
        codes.CRASH_LOOPING, codes.IMAGE_PULL_FAILING, codes.REPLICAS_BELOW_DESIRED,
        codes.REPLICA_SKEW, codes.WORKLOAD_NOT_FOUND, codes.WORKLOAD_UNSEEN,
        codes.LEFTOVER_WORKLOAD, codes.CLUSTER_OBJECT_INVALID, codes.DENIED, codes.LIST_EXPIRED,
        codes.THROTTLED, codes.PARTIAL,
    })),
    ("Runs, records and pages", frozenset({
        codes.READINESS_NO_GO, codes.RUN_FAILED, codes.RUN_MISSED, codes.SCHEDULER_STALLED,
        codes.ARTIFACT_STORE_FAILING, codes.HISTORY_FAILING, codes.RECORD_NEW,
        codes.STANDING_UNKNOWN, codes.DELIVERY_FAILING,
    })),
    ("Mission Control itself", frozenset({
        codes.OWN_CLOCK_SUSPECT, codes.OWN_STALL, codes.POLL_LOOP_STALLED, codes.RELOAD_FAILED,
        codes.TWIN_DISAGREES, codes.TWIN_RECORD_LOST, codes.TWIN_SILENT, codes.UNREADABLE,
    })),
)  # fmt: skip
SUBJECTS: tuple[str, ...] = (PROCEDURES, *(title for title, _ in _SUBJECTS))
"""What runbooks are about, in the order in which an index lists them."""


def subject_of(code: str) -> str:
    """Return what a code's runbook is about."""
    return next((title for title, named in _SUBJECTS if code in named), PROCEDURES)
