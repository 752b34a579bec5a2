"""
What changed between two deploy reports.

A change of what is deployed is listed. What differs in any two reports of one floor (a heartbeat's
time, the runs of a CronJob, the wording of the kill switch's sources) is only counted. A field that
may be either is listed.
"""

import re
from collections import Counter
from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from typing import Any, NamedTuple

from mission_control.cluster.decide.identity import compare_clusters, read_identity
from mission_control.cluster.model.facts import LIST_OF_KIND
from mission_control.deploy_report.model import ReportChange, ReportComparison
from mission_control.documents.raw import elements, mapping, mappings
from mission_control.model.cluster_identity import ClusterIdentity
from mission_control.model.kill_switch import KILL_SWITCH_KEY, KILL_SWITCH_MAP

_THERE = "there"
WORKLOADS, CONFIG_MAPS, SERVICES = "workloads", "config_maps", "services"
CRON_JOBS, MAP_KEYS, ACCESS = "cron_jobs", "config_map_keys", "specifications"
LOOSE_PODS = "loose_pods"
EVERYTHING = (WORKLOADS, CONFIG_MAPS, SERVICES, CRON_JOBS, LOOSE_PODS, MAP_KEYS, ACCESS)
"""The parts of a report, by the key that holds them."""
_HEARTBEAT, _BEAT = "agenttrader-heartbeat-", ["last_seen"]
"""ConfigMaps whose only key is when their service last wrote it (docs/status_contract.md)."""
_RUN_NUMBER = re.compile(r"-\d{6,12}\Z")
"""What a CronJob appends to its own name for each Job; a Job made by hand has another name."""
_ASKED_FOR = ("images", "env_names", "service_account")
_ONLY_BY_DIGEST = ("NetworkPolicy/", "PodDisruptionBudget/", "Role/", "RoleBinding/",
                   "ServiceAccount/")  # fmt: skip
"""Objects of which a report tells no more than a digest."""
_PREDECESSORS_ENV = ("AGENT_MODE", "AGENT_NAME", "AGENT_ROLE", "KILL_SWITCH", "REPO_ID")
_MOST_GAPS, _MOST_NAMES = 8, 8
BEATS, RUNS, WORDING = "heartbeats", "runs of CronJobs", "wording of the kill switch's sources"

Document = Mapping[str, Any]
Told = tuple[str, str]
"""What is compared of a field, and how it is shown."""
Aspects = Callable[[Document], Iterator[tuple[str, str]]]
"""What is compared of an object: names and values."""
ABSENT = "(absent)"


class Side(NamedTuple):
    """One of the two reports; `unread` is None where it does not say what it did not read."""

    which: str
    report: Document
    whole: bool
    unread: frozenset[tuple[str, str]] | None

    @classmethod
    def of(cls, which: str, report: Document) -> "Side":
        """Find what a report says that it did not read."""
        access = mapping(report.get("meta")).get("cluster_access") is True
        whole = access and report.get("errors") == []
        lists = mappings(report.get("unread"))
        if "unread" not in report or (not access and not lists):
            return cls(which, report, whole, None)
        named = ((text(u.get("list")), text(u.get("namespace"))) for u in lists)
        return cls(which, report, whole, frozenset(named))

    def lost(self, resource: str, namespace: str) -> bool:
        """Return whether what is missing of a list may have been there and was not seen."""
        if self.unread is None:
            return not self.whole
        return not self.unread.isdisjoint({(resource, namespace), (resource, "")})

    def holds(self, part: str) -> bool:
        """Return whether it has a part at all; reports of older versions have fewer."""
        return part in self.report


class Pair(NamedTuple):
    """Both reports, and what was counted of them so far."""

    before: Side
    after: Side
    folded: Counter[str]
    passed_over: Counter[str]

    def misses(self, where: tuple[str, str], was: object, now: object) -> bool:
        """Return whether one report may have missed it; count it then."""
        absent = self.before if was is None else self.after
        missed = None in (was, now) and absent.lost(*where)
        self.passed_over[where[0]] += missed
        return missed


def find_specification_gaps(which: str, document: Document) -> Iterator[str]:
    """Say which specifications a report or a capture does not hold."""
    if not isinstance(document.get("specifications"), Mapping):
        yield f"{which} holds no specifications, so only workloads and ConfigMaps are compared"
    for gap in elements(document.get("specification_gaps")):
        yield f"{which} is without specifications: {gap}"
    for title, digest in sorted(mapping(document.get("specifications")).items()):
        if not isinstance(digest, str):
            yield f"{which} is without the specification of {title}"


def compare_specifications(
    namespace: str, before: Document, after: Document
) -> Iterator[ReportChange]:
    """Return the objects whose specification differs; none where a side holds no specifications."""
    if not all(isinstance(d.get("specifications"), Mapping) for d in (before, after)):
        return
    old, new = mapping(before.get("specifications")), mapping(after.get("specifications"))
    for title in sorted(old.keys() | new.keys()):
        was, now = old.get(title), new.get(title)
        if was != now:
            shown = (str(d)[:12] if isinstance(d, str) else ABSENT for d in (was, now))
            yield ReportChange(f"{namespace}/{title}", "specification digest", *shown)


def listed(value: object) -> str:
    """Write a list, sorted; nothing for anything else."""
    return ", ".join(sorted(map(str, elements(value))))


def text(value: object) -> str:
    """Write a value; None is absent."""
    return ABSENT if value is None else str(value)


def compare_reports(
    before: Document, after: Document, parts: Collection[str] = EVERYTHING
) -> ReportComparison:
    """
    Return every difference that matters between two recorded reports, sorted by subject.

    The reports are documents as recorded, also by older versions. What one of them did not see or
    does not hold is a gap, never a change. `parts` are the keys of what is compared.
    """
    sides = Side.of("before", before), Side.of("after", after)
    pair = Pair(*sides, Counter(), Counter())
    held = {p for p in parts if pair.before.holds(p) and pair.after.holds(p)}
    changes = [*_compare_workloads(pair), *_compare_meta(pair)]
    if CONFIG_MAPS in held:
        changes += _compare_maps(pair)
    for part, kind, aspects in _LISTED:
        if part in held:
            changes += _compare_listed(pair, part, kind, aspects)
    if ACCESS in held:
        changes += _compare_access(pair)
    changes.sort(key=lambda c: (c.subject, c.what))
    gaps = (*_find_gaps(sides[0], parts), *_find_gaps(sides[1], parts), *_passed_over(pair))
    folded = tuple(sorted((what, n) for what, n in pair.folded.items() if n))
    clusters = compare_clusters(*map(reported_cluster, (before, after))).warning
    return ReportComparison(tuple(changes), gaps, folded, clusters)


def reported_cluster(report: Document) -> ClusterIdentity | None:
    """Return the cluster of a recorded deploy report; None where it names none."""
    return read_identity(mapping(report.get("meta")).get("cluster_identity"))


def _find_gaps(side: Side, parts: Collection[str]) -> Iterator[str]:
    meta, named = mapping(side.report.get("meta")), f"the report {side.which}"
    if meta.get("cluster_access") is not True:
        why = meta.get("cluster_error") or "it does not say that it did"
        yield f"{named} did not see the whole cluster: {why}"
    elif not side.whole:
        yield f"{named} names objects or lists that it could not read"
    unread = [
        each
        for each in mappings(side.report.get("unread"))
        if each.get("list") != SERVICES or SERVICES in parts
    ]
    for each in unread[:_MOST_GAPS]:
        where = "/".join(filter(None, (text(each.get("namespace")), text(each.get("list")))))
        yield f"{named} did not read {where} whole: {text(each.get('why'))}"
    if len(unread) > _MOST_GAPS:
        yield f"{named} did not read {len(unread) - _MOST_GAPS} more lists whole"
    untold = [p.replace("_", " ") for p in parts if p != ACCESS and not side.holds(p)]
    if untold:
        yield f"{named} says nothing of {', '.join(untold)}"
    if ACCESS in parts and side.holds(ACCESS):
        yield from find_specification_gaps(named, side.report)


def _passed_over(pair: Pair) -> Iterator[str]:
    told = [f"{n} of {what}" for what, n in sorted(pair.passed_over.items()) if n]
    if told:
        yield f"not compared, because one of the two did not see them: {', '.join(told)}"


def _compare_workloads(pair: Pair) -> Iterator[ReportChange]:
    old, old_runs, old_open = _workloads_of(pair.before, pair.after)
    new, new_runs, new_open = _workloads_of(pair.after, pair.before)
    pair.passed_over["runs of CronJobs"] += len(old_open | new_open)
    pair.folded[RUNS] += 0 if old_open | new_open else len(old_runs ^ new_runs)
    watched = (_watched(pair.before) & _watched(pair.after)) - {*_told_by_the_switch(pair)}
    trade = pair.before.whole and pair.after.whole and len(set(_switch_states(pair))) == 1
    for title in sorted(old.keys() | new.keys()):
        namespace, kind, _ = title.split("/", 2)
        was, now = old.get(title), new.get(title)
        if pair.misses((LIST_OF_KIND.get(kind, kind), namespace), was, now):
            continue
        if was is None or now is None:
            yield _came_or_went(title, "workload", was)
            continue
        known = _pods_known(pair, was, now)
        pair.passed_over["what pods of workloads run"] += not known
        aspects = (dict(_aspects(w, watched, trade=trade)) for w in (was, now))
        yield from _differences(title, *aspects, pods_known=known)


def _came_or_went(title: str, what: str, was: object) -> ReportChange:
    return ReportChange(title, what, *((ABSENT, _THERE) if was is None else (_THERE, ABSENT)))


def _workloads_of(
    side: Side, other: Side
) -> tuple[Mapping[str, Document], frozenset[str], frozenset[str]]:
    """
    Return the workloads that are there, by title, and the titles of two kinds of Jobs.

    These are the runs of CronJobs, and Jobs that may be such runs: the list of CronJobs was not
    seen.
    """
    held, runs, open_ = dict[str, Document](), set[str](), set[str]()
    crons = _crons(side if side.holds(CRON_JOBS) else other)
    for each in mappings(side.report.get(WORKLOADS)):
        namespace, name = text(each.get("namespace")), text(each.get("workload_name"))
        title = f"{namespace}/{text(each.get('kind'))}/{name}"
        if each.get("present") is False:
            continue
        cron = crons.get((namespace, _RUN_NUMBER.sub("", name))) if _is_job(each) else None
        if cron is not None and _is_run_of(each, cron):
            runs.add(title)
        elif _is_job(each) and _RUN_NUMBER.search(name) and side.lost("cronjobs", namespace):
            open_.add(title)
        else:
            held[title] = each
    return held, frozenset(runs), frozenset(open_)


def _crons(side: Side) -> Mapping[tuple[str, str], Document]:
    listed = mappings(side.report.get(CRON_JOBS))
    return {(text(c.get("namespace")), text(c.get("name"))): c for c in listed}


def _is_job(workload: Document) -> bool:
    return workload.get("kind") == "Job"


def _is_run_of(job: Document, cron: Document) -> bool:
    """Return whether a CronJob made this Job, by the Job's owner and what both ask for."""
    maker = f"CronJob/{text(cron.get('name'))}"
    made = job.get("made_by", maker) == maker  # reports of older versions do not say
    return made and all(job.get(k) == cron.get(k) for k in _ASKED_FOR)


def _told_by_the_switch(pair: Pair) -> Collection[str]:
    """Return the variables whose change is already listed with their ConfigMap."""
    reports = (pair.before.report, pair.after.report)
    maps = [mapping(r.get(CONFIG_MAPS)) for r in reports]
    names = {n for m in maps for n in m if n.rpartition("/")[2] == KILL_SWITCH_MAP}
    changed = any(maps[0].get(n) != maps[1].get(n) for n in names)
    return {KILL_SWITCH_KEY} if changed else ()


def _watched(side: Side) -> frozenset[str]:
    meta = mapping(side.report.get("meta"))
    told = isinstance(meta.get("env_watched"), list)
    return frozenset(map(str, elements(meta["env_watched"]) if told else _PREDECESSORS_ENV))


def _pods_known(pair: Pair, *workloads: Document) -> bool:
    """Return whether both reports saw the pods of a workload, or say that they did not."""
    told = all("unseen" in w for w in workloads)
    whole = pair.before.whole and pair.after.whole
    return (told or whole) and not any(w.get("unseen") for w in workloads)


def _differences(
    title: str, old: Mapping[str, Told], new: Mapping[str, Told], *, pods_known: bool = True
) -> Iterator[ReportChange]:
    for what in old.keys() | new.keys():
        was, now = old.get(what), new.get(what)
        lost = what.startswith("digest ") and not pods_known
        if (was is None or now is None) and (lost or what in _UNTOLD_BY_OLDER):
            continue
        (is_, shown), (is_now, shown_now) = was or (ABSENT,) * 2, now or (ABSENT,) * 2
        if is_ != is_now and what.startswith(_NAMES):
            yield ReportChange(title, what, *_show_names(is_, is_now))
        elif is_ != is_now:
            yield ReportChange(title, what, shown, shown_now)


def _show_names(was: str, now: str) -> tuple[str, str]:
    """Show two lists of names; of long ones the count, and which the other does not have."""
    lists = [[] if told == ABSENT else told.split(", ") for told in (was, now)]
    if max(map(len, lists)) <= _MOST_NAMES:
        return was or "(none)", now or "(none)"
    shown = list[str]()
    for mine, others in (lists, lists[::-1]):
        own = [name for name in mine if name not in others]
        among = f", among them {', '.join(own[:_MOST_NAMES])}" if own else ""
        more = f" and {len(own) - _MOST_NAMES} more" if len(own) > _MOST_NAMES else ""
        shown.append(f"{len(mine)} names{among}{more}")
    return shown[0], shown[1]


_NAMES = ("env names ", "keys")
_UNTOLD_BY_OLDER = frozenset({"health", "may trade", "restarts"})


def _aspects(
    workload: Document, watched: Collection[str], *, trade: bool
) -> Iterator[tuple[str, Told]]:
    """Return what of a workload is compared, each value with how it is shown."""
    yield from ((what, (told, told)) for what, told in _plain_aspects(workload))
    for name, held in sorted(mapping(workload.get("env_summary")).items()):
        told = mapping(held)
        if name in watched and told.get("present") is not False:
            value = text(told.get("value"))
            yield f"env {name}", (value, value)
    if "may_trade" in workload and trade:
        answer, why = text(workload.get("may_trade")), text(workload.get("may_trade_because"))
        yield "may trade", (answer, f"{answer} ({why})")
    health = mapping(workload.get("health"))
    if health.get("state") not in {None, "unknown"}:  # what was not seen is no change
        state, because = text(health.get("state")), listed(health.get("because"))
        yield "health", (state, f"{state} ({because})" if because else state)


def _plain_aspects(workload: Document) -> Iterator[tuple[str, str]]:
    if workload.get("kind") == "Job":
        job = mapping(workload.get("job_status"))
        yield "job", " ".join(f"{k}={text(job.get(k))}" for k in ("succeeded", "failed"))
    else:
        yield "replicas", text(workload.get("replicas_desired"))
        yield "ready", text(workload.get("replicas_ready"))
        yield "specification", text(workload.get("generation"))
    if workload.get("restarts") is not None:
        yield "restarts", text(workload.get("restarts"))
    yield from _of_containers(workload)
    for name, values in sorted(mapping(workload.get("observed_image_digests")).items()):
        yield f"digest {name}", listed(values) or ABSENT


def _of_containers(thing: Document) -> Iterator[tuple[str, str]]:
    """Return what a workload or a CronJob asks for: account, images, names of variables."""
    yield "service account", text(thing.get("service_account"))
    for image in mappings(thing.get("images")):
        yield f"image {text(image.get('container_name'))}", text(image.get("image"))
    for container, names in sorted(mapping(thing.get("env_names")).items()):
        yield f"env names {container}", listed(names)


def _compare_maps(pair: Pair) -> Iterator[ReportChange]:
    old, new = (mapping(s.report.get(CONFIG_MAPS)) for s in (pair.before, pair.after))
    known = [mapping(s.report.get(MAP_KEYS)) for s in (pair.before, pair.after)]
    for name in sorted(old.keys() | new.keys()):
        was, now = old.get(name), new.get(name)
        if was == now or pair.misses(("configmaps", name.partition("/")[0]), was, now):
            continue
        keys = [each.get(name) for each in known]
        if _is_beat(name, keys):
            pair.folded[BEATS] += 1
            continue
        shown = (ABSENT if d is None else str(d)[:12] for d in (was, now))
        yield ReportChange(f"ConfigMap {name}", "data", *shown)
        if None not in keys and keys[0] != keys[1]:
            yield ReportChange(f"ConfigMap {name}", "keys", *_show_names(*map(listed, keys)))


def _is_beat(name: str, keys: Sequence[object]) -> bool:
    """Return whether only a heartbeat's time differs, by its name and its only key."""
    return name.rpartition("/")[2].startswith(_HEARTBEAT) and all(k == _BEAT for k in keys)


def _of_service(service: Document) -> Iterator[tuple[str, str]]:
    yield "type", text(service.get("type"))
    yield "ports", listed(service.get("ports"))
    yield "cluster IP", text(service.get("cluster_ip"))
    selector = mapping(service.get("selector"))
    yield "selector", ", ".join(f"{k}={v}" for k, v in sorted(selector.items())) or "(none)"


def _of_cron_job(cron: Document) -> Iterator[tuple[str, str]]:
    yield "schedule", text(cron.get("schedule"))
    yield "suspended", text(cron.get("suspended"))
    yield from _of_containers(cron)


_LISTED: tuple[tuple[str, str, Aspects], ...] = (
    (SERVICES, "Service", _of_service),
    (CRON_JOBS, "CronJob", _of_cron_job),
    (LOOSE_PODS, "Pod", _of_containers),
)
"""The parts that list objects, with their kind and what is compared of each."""


def _compare_listed(pair: Pair, part: str, kind: str, aspects: Aspects) -> Iterator[ReportChange]:
    held = [
        {
            f"{text(d.get('namespace'))}/{kind}/{text(d.get('name'))}": d
            for d in mappings(side.report.get(part))
        }
        for side in (pair.before, pair.after)
    ]
    resource = {**LIST_OF_KIND, "Pod": "pods"}.get(kind, SERVICES)
    for title in sorted(held[0].keys() | held[1].keys()):
        was, now = held[0].get(title), held[1].get(title)
        if pair.misses((resource, title.partition("/")[0]), was, now):
            continue
        if was is None or now is None:
            yield _came_or_went(title, kind, was)
            continue
        old, new = ({w: (t, t) for w, t in aspects(d)} for d in (was, now))
        yield from _differences(title, old, new)


def _compare_access(pair: Pair) -> Iterator[ReportChange]:
    """Compare the objects of which a report holds only a digest."""
    reports = pair.before.report, pair.after.report
    namespace = text(mapping(reports[1].get("meta")).get("namespace"))
    partial = any(r.get("specification_gaps") for r in reports)
    for change in compare_specifications(namespace, *reports):
        named = change.subject.removeprefix(f"{namespace}/").startswith(_ONLY_BY_DIGEST)
        if named and not (partial and ABSENT in (change.before, change.after)):
            yield change


def _compare_meta(pair: Pair) -> Iterator[ReportChange]:
    old, new = (mapping(s.report.get("meta")) for s in (pair.before, pair.after))
    for key in ("namespace", "kube_context"):
        was, now = text(old.get(key)), text(new.get(key))
        if was != now:
            yield ReportChange("report", key, was, now)
    told = text(old.get("kill_switch")), text(new.get("kill_switch"))
    was, now = _switch_states(pair)
    if was != now:
        yield ReportChange("kill switch", "state", was, now)
    elif told[0] != told[1] and was.startswith("UNKNOWN"):
        yield ReportChange("kill switch", "why it is not known", *told)
    elif told[0] != told[1]:
        pair.folded[WORDING] += 1


def _switch_states(pair: Pair) -> tuple[str, str]:
    """Return the two states of the kill switch, without the wording of its sources."""
    metas = (mapping(s.report.get("meta")) for s in (pair.before, pair.after))
    was, now = (text(meta.get("kill_switch")).partition(":")[0] for meta in metas)
    return was, now
