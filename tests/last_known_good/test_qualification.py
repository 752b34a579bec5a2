"""Qualification: GOOD is only what is known to be; any single doubt keeps a CANDIDATE."""

import copy
from dataclasses import replace
from datetime import date, timedelta
from typing import Any

import pytest

from mission_control.cluster.present import cluster_document
from mission_control.floor.model import Verdict
from mission_control.last_known_good.decide.qualification import judge_pods, qualify, within_opening
from mission_control.last_known_good.model import (
    AgentCoverage,
    LkgStatus,
    NotKnown,
    ObservedSwitch,
    SessionEvidence,
    SessionHalt,
    WatchedSession,
)
from mission_control.last_known_good.present import components_document
from mission_control.model.session import MarketSession, Phase
from mission_control.readiness.model import ReadinessVerdict, RecordedVerdict
from tests.floor.cluster_of_values import ANOTHER, IDENTITY
from tests.last_known_good.raw_namespace import (
    AT,
    CLOSE,
    ENGINE,
    FLOOR,
    GAMMA,
    OPEN,
    B,
    RawNamespace,
    plain,
)

SESSION = MarketSession(AT, Phase.POST_MARKET, date(2026, 11, 18), OPEN, CLOSE)
FLEET = "f" * 64
MINUTES = timedelta(minutes=1)
UNKNOWN = NotKnown("it is not known")


def verdict(minutes, *, go=True, fleet=FLEET, session="2026-11-18", cluster: Any = IDENTITY):
    """Return a readiness that was recorded so many minutes after the open."""
    said = ReadinessVerdict.GO if go else ReadinessVerdict.NO_GO
    code = "" if go else "NOT_READY"
    return RecordedVerdict(OPEN + minutes * MINUTES, session, said, code, fleet, cluster)


PLANNED = (verdict(-60), verdict(-15), verdict(5))
WATCHED = WatchedSession(23_400, (), (AgentCoverage("marketdata", 23_300, 2340, 2330),), ())


def opening_of(metadata):
    """Write the deploy report that a capture opened with."""
    workloads = [
        {
            "workload_name": c["name"],
            "kind": c["kind"],
            "namespace": c["namespace"],
            "classification": "halted",
            "generation": c["generation"],
            "replicas_desired": c["replicas"],
            "service_account": c["service_account"],
            "images": [
                {"container_name": i["container"], "image": i["specified"]} for i in c["containers"]
            ],
            "observed_image_digests": {
                i["container"]: i["running"] for i in c["containers"] if i["running"]
            },
            "env_names": c["env_names"],
            "env_summary": {"AGENT_MODE": {"present": True, "value": "OBSERVE"}},
        }
        for c in metadata["components"]
    ]
    return {
        "meta": {
            "cluster_access": True,
            "namespace": FLOOR,
            "kill_switch": "ENGAGED",
            "cluster_identity": cluster_document(IDENTITY),
        },
        "errors": [],
        "workloads": [*workloads, {"workload_name": "j", "kind": "Job", "namespace": FLOOR}],
        "config_maps": {**metadata["config_maps"], f"{FLOOR}/heartbeat": "9" * 64},
        "specifications": dict(metadata["specifications"]),
        "specification_gaps": [],
    }


class Judged:
    """A capture after a clean session, which tests soil."""

    def __init__(self) -> None:
        """Make everything clean."""
        self.raw = RawNamespace()
        manifest = self.raw.capture()
        self.metadata = components_document(manifest)
        self.opening = opening_of(self.metadata)
        self.evidence = SessionEvidence(
            AT,
            SESSION,
            FLEET,
            Verdict.MARKET_CLOSED,
            (),
            WATCHED,
            PLANNED,
            self.opening,
            IDENTITY,
        )
        self.switch = manifest.switch

    def judge(self):
        """Judge it: the status, and the codes of its reasons."""
        manifest = self.raw.capture()
        pods = tuple(
            judge_pods(
                manifest.components,
                self.raw.lists["pods"],
                self.raw.lists["replicasets"],
                OPEN,
            )
        )
        status, reasons = qualify(self.evidence, self.metadata, self.switch, pods)
        assert (status is LkgStatus.GOOD) is (reasons == ())
        return status, [r.code for r in reasons], "; ".join(r.detail for r in reasons)


@pytest.fixture
def judged():
    """Return a capture after a clean session."""
    return Judged()


def test_a_clean_session_makes_it_good(judged):
    """All is known, and all was well (R12.4)."""
    assert (LkgStatus.GOOD, [], "") == judged.judge()


def soil(**changes):
    """Return a way to change the evidence."""

    def hurt(judged):
        judged.evidence = replace(judged.evidence, **changes)

    return hurt


def session(**changes):
    """Return a way to change the session."""
    return soil(session=replace(SESSION, **changes))


def readiness(*verdicts):
    """Return a way to change what is recorded of readiness."""
    return soil(readiness=verdicts)


def watched(**changes):
    """Return a way to change how the session was watched."""
    return soil(watched=replace(WATCHED, **changes))


def coverage(seconds=23_300, asked=2340, obtained=2330):
    """Return a way to change how a service was watched."""
    return watched(agents=(AgentCoverage("marketdata", seconds, asked, obtained),))


def opening(*path, value):
    """Return a way to change something in the report at the open."""

    def hurt(judged):
        changed = copy.deepcopy(judged.opening)
        here = changed
        for key in path[:-1]:
            here = here[key]
        here[path[-1]] = value
        judged.evidence = replace(judged.evidence, opening=changed)

    return hurt


def no_workload_then(judged):
    """Have a workload that was not there when the session opened."""
    changed = copy.deepcopy(judged.opening)
    changed["workloads"] = changed["workloads"][1:]
    judged.evidence = replace(judged.evidence, opening=changed)


def switch(value):
    """Return a way to observe another switch."""

    def hurt(judged):
        judged.switch = ObservedSwitch(value, AT, "x")

    return hurt


def first_pod(judged):
    """Return the first pod of the engine."""
    return judged.raw.lists["pods"][0]


def main_of(judged):
    """Return the main container's status of the first pod."""
    return first_pod(judged)["status"]["containerStatuses"][0]


def made_after(judged):
    """Have a pod that was made in the session."""
    first_pod(judged)["metadata"]["creationTimestamp"] = "2026-11-18T15:00:00Z"


def made_when(judged):
    """Have a pod that does not report when it was made."""
    del first_pod(judged)["metadata"]["creationTimestamp"]


def began_after(judged):
    """Have a container that began in the session."""
    main_of(judged)["state"] = {"running": {"startedAt": "2026-11-18T15:00:00Z"}}


def began_when(judged):
    """Have a container that does not report since when it runs."""
    main_of(judged)["state"] = {"waiting": {"reason": "CrashLoopBackOff"}}


def restarted(judged):
    """Have a container that was started again in the session."""
    main_of(judged)["restartCount"] = 1
    main_of(judged)["lastState"] = {"terminated": {"finishedAt": "2026-11-18T15:00:00Z"}}


def restarted_into_it(judged):
    """Have a container that ended before the open, and began again after it."""
    main_of(judged)["restartCount"] = 1
    main_of(judged)["lastState"] = {"terminated": {"finishedAt": "2026-11-18T14:29:50Z"}}
    main_of(judged)["state"] = {"running": {"startedAt": "2026-11-18T14:34:50Z"}}


def restarted_and_waits(judged):
    """Have a container that ended before the open, and does not report since when it runs."""
    restarted_into_it(judged)
    main_of(judged)["state"] = {"waiting": {"reason": "CrashLoopBackOff"}}


def restarted_when(judged):
    """Have a container that was started again at an unknown time."""
    main_of(judged)["restartCount"] = 1


def uncounted(judged):
    """Have a container that does not count its restarts."""
    del main_of(judged)["restartCount"]


def untold(judged):
    """Have a container at a digest whose state is not reported."""
    judged.raw.container()["image"] = f"r/x@{B}"
    first_pod(judged)["status"]["containerStatuses"] = []


def init_again(judged):
    """Have an init container that ran in the session."""
    status = first_pod(judged)["status"]["initContainerStatuses"][0]
    status["state"] = {"terminated": {"finishedAt": "2026-11-18T15:00:00Z"}}


def unready(judged):
    """Have a pod that is not ready."""
    first_pod(judged)["status"]["conditions"] = [{"type": "Ready", "status": "False"}]


def one_pod(judged):
    """Have a pod less than wanted."""
    judged.raw.lists["pods"].pop(0)


def without_map(judged, name):
    """Capture again without a ConfigMap that was there at the open."""
    held = judged.raw.lists["configmaps"]
    judged.raw.lists["configmaps"] = [m for m in held if m["metadata"]["name"] != name]
    judged.metadata = components_document(judged.raw.capture())


def safety_gone(judged):
    """Have the safety settings deleted in the session."""
    without_map(judged, "agenttrader-safety")


def referred_map_gone(judged):
    """Have a ConfigMap deleted in the session that a workload may do without."""
    source = {"configMapRef": {"name": "strategy-config", "optional": True}}
    judged.raw.container()["envFrom"] = [source]
    without_map(judged, "strategy-config")
    judged.opening = opening_of(judged.metadata)
    opening("config_maps", f"{FLOOR}/strategy-config", value="1" * 64)(judged)


def another(change):
    """Return a way to capture again after something changed in the session."""

    def hurt(judged):
        change(judged.raw)
        judged.metadata = components_document(judged.raw.capture())

    return hurt


def schedule(raw):
    """Run a CronJob at another time."""
    raw.one("cronjobs", "writer")["spec"]["schedule"] = "0 0 * * *"


def port(raw):
    """Have a Service listen on another port."""
    raw.one("services", ENGINE)["spec"]["ports"][0]["port"] = 81


def no_service(raw):
    """Have a Service less."""
    raw.lists["services"] = []


def new_role(raw):
    """Have a Role more."""
    raw.lists["roles"] = [plain("Role", "r", rules=[])]


def unspecified(judged):
    """Have a report from before there were specifications."""
    told = {k: v for k, v in judged.opening.items() if not k.startswith("specification")}
    judged.evidence = replace(judged.evidence, opening=told)


WORKLOADS = ("workloads", 0)
SOILED = [
    pytest.param(session(phase=Phase.OPEN), "SESSION_NOT_CLOSED", id="still open"),
    pytest.param(session(phase=Phase.UNKNOWN), "SESSION_NOT_CLOSED", id="calendar unknown"),
    pytest.param(session(phase=Phase.PRE_MARKET), "SESSION_NOT_CLOSED", id="before the open"),
    pytest.param(session(close=None), "SESSION_NOT_CLOSED", id="no close"),
    pytest.param(soil(posture=Verdict.HALTED, posture_codes=("X",)), "POSTURE_HALTED",
                 id="halted now"),
    pytest.param(watched(halted=(SessionHalt(OPEN, None, "OK -> HALTED"),)), "POSTURE_HALTED",
                 id="halted in the session"),
    pytest.param(soil(watched=UNKNOWN), "POSTURE_NOT_KNOWN", id="history lost: posture"),
    pytest.param(watched(undecided=((OPEN, OPEN + MINUTES),)), "POSTURE_NOT_KNOWN",
                 id="a minute without a decision"),
    pytest.param(soil(watched=UNKNOWN), "COVERAGE_NOT_KNOWN", id="history lost: coverage"),
    pytest.param(watched(agents=()), "COVERAGE_NOT_KNOWN", id="no required service"),
    pytest.param(watched(seconds=0.0), "COVERAGE_LOW", id="a session of no time"),
    pytest.param(coverage(seconds=23_100), "COVERAGE_LOW", id="not watched for long enough"),
    pytest.param(coverage(obtained=2316), "COVERAGE_LOW", id="not seen often enough"),
    pytest.param(coverage(asked=0, obtained=0), "COVERAGE_LOW", id="never asked"),
    pytest.param(soil(readiness=UNKNOWN), "READINESS_NOT_KNOWN", id="readiness lost"),
    pytest.param(readiness(verdict(-60, cluster=ANOTHER), *PLANNED[1:]), "CLUSTER_CHANGED",
                 id="another cluster was judged"),
    pytest.param(readiness(verdict(-60, cluster=None), *PLANNED[1:]), "CLUSTER_CHANGED",
                 id="which cluster was judged is not recorded"),
    pytest.param(soil(cluster=ANOTHER), "OPEN_NOT_KNOWN", id="another cluster opened"),
    pytest.param(readiness(*PLANNED[1:]), "READINESS_MISSING", id="no T-60"),
    pytest.param(readiness(PLANNED[0], PLANNED[2]), "READINESS_MISSING", id="no T-15"),
    pytest.param(readiness(*PLANNED[:2]), "READINESS_MISSING", id="no T+5"),
    pytest.param(readiness(*PLANNED[:2], verdict(20)), "READINESS_MISSING", id="T+5 too late"),
    pytest.param(readiness(*PLANNED[:2], verdict(4.9)), "READINESS_MISSING", id="T+5 too early"),
    pytest.param(readiness(verdict(-61), *PLANNED[1:]), "READINESS_MISSING", id="T-60 too early"),
    pytest.param(readiness(verdict(-60, session="2026-11-17"), *PLANNED[1:]),
                 "READINESS_MISSING", id="of another session"),
    pytest.param(session(session_date=None), "READINESS_MISSING", id="of no session"),
    pytest.param(readiness(*PLANNED, verdict(-50, go=False)), "READINESS_NO_GO",
                 id="NO-GO beside a GO"),
    pytest.param(readiness(verdict(-60, fleet="g"), *PLANNED[1:]), "FLEET_CHANGED",
                 id="another inventory"),
    pytest.param(soil(opening=UNKNOWN), "OPEN_NOT_KNOWN", id="no report at the open"),
    pytest.param(opening("meta", "namespace", value="other"), "OPEN_NOT_KNOWN",
                 id="a report of elsewhere"),
    pytest.param(opening("meta", "cluster_access", value=False), "OPEN_NOT_KNOWN",
                 id="a report that saw nothing"),
    pytest.param(opening("errors", value=["x"]), "OPEN_NOT_KNOWN", id="a report with gaps"),
    pytest.param(opening("workloads", 0, "replicas_desired", value=9), "CHANGED_SINCE_OPEN",
                 id="replicas"),
    pytest.param(opening("workloads", 0, "generation", value=2), "CHANGED_SINCE_OPEN",
                 id="a specification"),
    pytest.param(opening("workloads", 0, "generation", value=None), "CHANGED_SINCE_OPEN",
                 id="a report without specifications"),
    pytest.param(opening("workloads", 1, "observed_image_digests", "main", value=[B]),
                 "CHANGED_SINCE_OPEN", id="a digest"),
    pytest.param(opening("workloads", 0, "env_names", "main", value=["X"]),
                 "CHANGED_SINCE_OPEN", id="names of variables"),
    pytest.param(opening("workloads", 0, "service_account", value="x"), "CHANGED_SINCE_OPEN",
                 id="a service account"),
    pytest.param(opening("config_maps", f"{FLOOR}/agenttrader-safety", value="x"),
                 "CHANGED_SINCE_OPEN", id="a ConfigMap"),
    pytest.param(safety_gone, "CHANGED_SINCE_OPEN", id="the safety settings are gone"),
    pytest.param(referred_map_gone, "CHANGED_SINCE_OPEN", id="a referred ConfigMap is gone"),
    pytest.param(another(schedule), "CHANGED_SINCE_OPEN", id="a CronJob's schedule"),
    pytest.param(another(port), "CHANGED_SINCE_OPEN", id="a Service's port"),
    pytest.param(another(no_service), "CHANGED_SINCE_OPEN", id="a Service is gone"),
    pytest.param(another(new_role), "CHANGED_SINCE_OPEN", id="a new Role"),
    pytest.param(unspecified, "OPEN_NOT_KNOWN", id="a report without specifications"),
    pytest.param(opening("specification_gaps", value=["roles"]), "OPEN_NOT_KNOWN",
                 id="a report without Roles"),
    pytest.param(opening("specifications", "CronJob/writer", value=None), "OPEN_NOT_KNOWN",
                 id="an object that could not be written"),
    pytest.param(no_workload_then, "CHANGED_SINCE_OPEN", id="a new workload"),
    pytest.param(switch("0"), "KILL_SWITCH_NOT_ENGAGED", id="switch off"),
    pytest.param(switch(None), "KILL_SWITCH_NOT_ENGAGED", id="no switch"),
    pytest.param(switch("true"), "KILL_SWITCH_NOT_ENGAGED", id="not exactly 1"),
    pytest.param(made_after, "RESTARTED", id="a new pod"),
    pytest.param(made_when, "RESTARTS_NOT_KNOWN", id="a pod of unknown age"),
    pytest.param(began_after, "RESTARTED", id="a container that began"),
    pytest.param(began_when, "RESTARTS_NOT_KNOWN", id="a container that does not run"),
    pytest.param(restarted, "RESTARTED", id="a restart"),
    pytest.param(restarted_into_it, "RESTARTED", id="a restart that began in the session"),
    pytest.param(restarted_and_waits, "RESTARTS_NOT_KNOWN", id="a restart that waits"),
    pytest.param(restarted_when, "RESTARTS_NOT_KNOWN", id="a restart at an unknown time"),
    pytest.param(uncounted, "RESTARTS_NOT_KNOWN", id="restarts are not counted"),
    pytest.param(untold, "RESTARTS_NOT_KNOWN", id="a state that is not reported"),
    pytest.param(init_again, "RESTARTED", id="an init container ran again"),
    pytest.param(unready, "NOT_READY", id="not ready"),
    pytest.param(one_pod, "NOT_READY", id="a pod less"),
]  # fmt: skip


@pytest.mark.parametrize(("hurt", "code"), SOILED)
def test_any_single_doubt_keeps_it_a_candidate(judged, hurt, code):
    """Each of them alone is a reason, by name (R12.4)."""
    hurt(judged)
    status, codes, _ = judged.judge()

    assert LkgStatus.CANDIDATE is status
    assert code in codes


@pytest.mark.parametrize(
    ("changes", "told"),
    [
        ({"halted": (SessionHalt(OPEN, OPEN + MINUTES, "X"),)},
         "from 09:30:00 to 09:31:00 EST (14:30:00 to 14:31:00 UTC): X"),
        ({"halted": (SessionHalt(OPEN, None, "X"),)},
         "from 09:30:00 EST (14:30:00 UTC) on, without an end in the session: X"),
        ({"halted": (SessionHalt(None, OPEN, "X"),)},
         "until 09:30:00 EST (14:30:00 UTC), from when on is not recorded: X"),
        ({"halted": (SessionHalt(None, None, "X"),)},
         "for a while, from when on is not recorded: X"),
        ({"undecided": ((OPEN, OPEN + MINUTES),)},
         "from 09:30:00 to 09:31:00 EST (14:30:00 to 14:31:00 UTC): no decision, 60 s"),
    ],
)  # fmt: skip
def test_a_stretch_is_told_in_both_times(judged, changes, told):
    """With its beginning, its end and the zone: who reads it next year was not there."""
    watched(**changes)(judged)

    assert told == judged.judge()[2]


def test_a_no_go_is_told_in_both_times(judged):
    """As the morning's people read it, and in UTC."""
    readiness(verdict(-60, go=False), *PLANNED[1:])(judged)

    assert "T-60 at 08:30:00 EST (13:30:00 UTC) was NO-GO NOT_READY" == judged.judge()[2]


def test_no_session_at_all_is_a_candidate(judged):
    """On a Sunday nothing can be good."""
    sunday = MarketSession(AT, Phase.CLOSED_WEEKEND)
    judged.evidence = replace(judged.evidence, session=sunday, watched=UNKNOWN, opening=UNKNOWN)

    assert ["COVERAGE_NOT_KNOWN", "OPEN_NOT_KNOWN", "POSTURE_NOT_KNOWN", "SESSION_NOT_CLOSED"] == (
        judged.judge()[1]
    )


def test_a_restart_before_the_open_is_none_of_this_session(judged):
    """What happened the day before was judged then."""
    main_of(judged)["restartCount"] = 4
    main_of(judged)["lastState"] = {"terminated": {"finishedAt": "2026-11-18T14:30:00Z"}}

    assert LkgStatus.GOOD is judged.judge()[0]


def test_what_changes_every_minute_is_no_change(judged):
    """A heartbeat, a Job, a class and the switch's sentence are not what is captured."""
    opening("config_maps", f"{FLOOR}/heartbeat", value="x")(judged)
    opening("workloads", 0, "classification", value="ok")(judged)

    assert LkgStatus.GOOD is judged.judge()[0]


def test_a_map_that_was_never_there_is_no_change(judged):
    """What a workload may do without was absent at the open as it is now."""
    source = {"configMapRef": {"name": "strategy-config", "optional": True}}
    judged.raw.container()["envFrom"] = [source]
    judged.metadata = components_document(judged.raw.capture())
    held = {k: v for k, v in judged.metadata["config_maps"].items() if v is not None}
    opened = {**opening_of(judged.metadata), "config_maps": held}
    judged.evidence = replace(judged.evidence, opening=opened)

    assert None is judged.metadata["config_maps"][f"{FLOOR}/strategy-config"]
    assert LkgStatus.GOOD is judged.judge()[0]


def test_a_change_is_told_with_before_and_after(judged):
    """A human reads what changed in the reason itself."""
    opening("workloads", 2, "replicas_desired", value=9)(judged)

    assert f"{FLOOR}/StatefulSet/{GAMMA} replicas: 9 -> 1" in judged.judge()[2]
    assert ENGINE not in judged.judge()[2]


@pytest.mark.parametrize(("minutes", "within"), [(-1, False), (0, True), (19.9, True), (20, False)])
def test_the_opening_report_has_its_time(minutes, within):
    """It is made after the open, and within twenty minutes."""
    assert within is within_opening(OPEN + minutes * MINUTES, OPEN)
