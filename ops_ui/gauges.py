"""Six gauges of what keeps the floor safe; what is not known never looks well. Pure."""

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass

from ops_ui.answers import Agent, Agents, KillSwitch, Posture
from ops_ui.floor_answers import Safety
from ops_ui.formats import clock_time, duration
from ops_ui.mission_control_client import Missed

_SPARK_SECONDS = 900.0
_SPARK_WIDTH, _SPARK_HEIGHT = 200.0, 34.0
_FORBIDDEN = frozenset({"EXECUTE", "LIVE"})
_PROVEN = "EXECUTION_PROVEN_OFF"
_WORST_FEED = ("STALE", "MISSING", "UNVERIFIABLE", "?", "FRESH")


@dataclass(frozen=True, slots=True)
class Spark:
    """The age of the last tick against its limit, as places in a box of 200 by 34."""

    line: str
    limit: float
    words: str


@dataclass(frozen=True, slots=True)
class Gauge:
    """
    One gauge; `look` is the end of a CSS class: fine, bad, warn, calm.

    `sources` are what it rests on, as state and source; `age` is in seconds.
    """

    name: str
    look: str
    glyph: str
    word: str
    note: str
    href: str = ""
    spark: Spark | None = None
    switch: KillSwitch | None = None


def see_gauges(
    posture: Posture, agents: Agents | Missed, safety: Safety | Missed | None
) -> Sequence[Gauge]:
    """Return the gauges in their order, without readiness, which has a verdict of its own."""
    known = () if isinstance(agents, Missed) else agents.agents
    told = safety if isinstance(safety, Safety) else None
    return (
        _switch_gauge(posture),
        _execution_gauge(posture, told),
        _modes_gauge(known, told),
        _feed_gauge(known, missed=isinstance(agents, Missed)),
        _cluster_gauge(posture, known),
    )


def _switch_gauge(posture: Posture) -> Gauge:
    switch = posture.kill_switch
    fine = switch.confirmed is True and switch.state == "ENGAGED"
    same = sum(s.state == switch.state for s in switch.sources)
    count = f"{same} of {len(switch.sources)} sources agree"
    word = "confirmed" if switch.confirmed is True else "NOT CONFIRMED"
    look, glyph = ("fine", "■") if fine else ("bad", "✕")
    return Gauge("Kill switch", look, glyph, switch.state, f"{word} · {count}", switch=switch)


def _execution_gauge(posture: Posture, safety: Safety | None) -> Gauge:
    name = "Execution"
    if safety is None or safety.evidence is None or safety.services is None:
        return Gauge(name, "bad", "?", "NOT KNOWN", "what is known of it could not be read")
    if safety.evidence:
        count = len(safety.evidence)
        alarms = "1 alarm of it is" if count == 1 else f"{count} alarms of it are"
        return Gauge(name, "bad", "✕", "EVIDENCE", f"it may be running: {alarms} not cleared")
    running = [s.agent_name for s in safety.services if s.expected is not True]
    if running:
        return Gauge(name, "bad", "?", "NOT PROVEN OFF", ", ".join(running[:3]))
    if safety.execution != "forbidden":
        return Gauge(
            name, "calm", "◐", safety.execution.upper() or "NOT KNOWN", "by the fleet file"
        )
    lists = posture.cluster_seen
    if lists is None or lists.lists is None or lists.whole != lists.lists:
        return Gauge(name, "warn", "◐", "NOT SEEN", "no sign of it, and no cluster proves it off")
    proven = sum(s.reason_code == _PROVEN for s in safety.services)
    off = f"{proven} proven off" if proven else "no service of it is listed"
    return Gauge(name, "fine", "○", "OFF", f"{off}: whole lists show no pod of it")


def _modes_gauge(agents: Sequence[Agent], safety: Safety | None) -> Gauge:
    name = "Agent modes"
    if safety is None or safety.claims is None:
        return Gauge(name, "bad", "?", "NOT KNOWN", "what services say could not be read")
    said = {c.agent_name: c.agent_mode.upper() for c in safety.claims if c.agent_mode}
    modes = Counter(said.values())
    rich = [a.agent_name for a in agents if a.contract == "rich"]
    silent = [n for n in rich if n not in said]
    bad = sorted(m for m in modes if m in _FORBIDDEN)
    read = f"{len(said)} of {max(len(rich), len(said))} read"
    if bad:
        who = ", ".join(sorted(n for n, m in said.items() if m in _FORBIDDEN)[:3])
        return Gauge(name, "bad", "✕", " · ".join(bad), f"{who} · {read}")
    if not modes:
        return Gauge(name, "warn", "?", "NONE TOLD", read)
    common = modes.most_common(1)[0][0]
    others = ", ".join(f"{n} {m}" for m, n in sorted(modes.items()) if m != common)
    note = f"{read}, none EXECUTE or LIVE" + (f"; {others}" if others else "")
    return Gauge(name, "warn" if silent and not said else "fine", "●", common, note)


def _feed_gauge(agents: Sequence[Agent], *, missed: bool) -> Gauge:
    name = "Market data"
    feeds = [a for a in agents if a.kind == "marketdata"]
    if missed or not feeds:
        why = "the services could not be read" if missed else "no service of it is listed"
        return Gauge(name, "bad" if missed else "warn", "?", "NOT KNOWN", why)
    feed = min(feeds, key=_feed_rank)
    found, age = feed.freshness, feed.freshness.age_seconds
    href = "/events"
    if age is None:
        look = "calm" if feed.expected is True else "bad"
        return Gauge(name, look, "?", found.state.replace("_", " "), found.detail, href)
    limit = found.threshold_seconds
    fresh = found.state == "FRESH"
    bad = not fresh and feed.expected is not True
    look, glyph = ("fine", "●") if fresh else ("bad", "■") if bad else ("calm", "◐")
    told = "last tick" if fresh or limit is None or age > limit else "its source says not fresh"
    until = f", limit {duration(limit)}" if limit is not None else ""
    note = f"{told} {clock_time(found.last_tick)}{until}"
    return Gauge(name, look, glyph, duration(age), note, href, _spark(age, limit))


def _feed_rank(agent: Agent) -> tuple[bool, int, float]:
    state = agent.freshness.state
    rank = _WORST_FEED.index(state) if state in _WORST_FEED else 0
    return (agent.expected is True, rank, -(agent.freshness.age_seconds or 0.0))


def _spark(age: float, limit: float | None) -> Spark | None:
    """Draw how the last tick grew older in the last 15 minutes; before it nothing is drawn."""
    if limit is None:
        return None
    top = max(age, limit) * 1.25 or 1.0
    begin = max(0.0, age - _SPARK_SECONDS)
    left = _SPARK_WIDTH * (1 - min(age, _SPARK_SECONDS) / _SPARK_SECONDS)

    def height(seconds: float) -> float:
        return round(_SPARK_HEIGHT - 2 - (_SPARK_HEIGHT - 4) * seconds / top, 1)

    line = f"{left:.1f},{height(begin)} {_SPARK_WIDTH:.0f},{height(age)}"
    words = f"The last tick is {duration(age)} old; the limit is {duration(limit)}"
    return Spark(line, height(limit), words)


def _cluster_gauge(posture: Posture, agents: Sequence[Agent]) -> Gauge:
    name, who = "Cluster", posture.cluster_short or posture.cluster or "unknown"
    if posture.cluster == "none":
        return Gauge(name, "calm", "○", "none", "not read")
    seen = posture.cluster_seen
    if seen is None or seen.lists is None or seen.whole is None:
        return _by_gaps(posture, name, who)
    whole = bool(seen.lists) and seen.whole == seen.lists
    age = "" if seen.age_seconds is None else f", {seen.age_seconds:.0f} s old"
    ready = sum(a.workload.ready or 0 for a in agents if a.workload is not None)
    pods = f"{ready} pods ready" if seen.whole else "no pod seen"
    note = f"lists whole{age} · {pods} · {who}"
    look, glyph = ("fine", "●") if whole else ("bad", "✕")
    return Gauge(name, look, glyph, f"{seen.whole} of {seen.lists}", note)


def _by_gaps(posture: Posture, name: str, who: str) -> Gauge:
    """Return what an older server tells of the cluster: the lists that were not seen whole."""
    if posture.gaps is None:
        return Gauge(name, "bad", "?", who, "not known how much was seen")
    lost = sum(g.subject.startswith("cluster ") for g in posture.gaps)
    if not lost:
        return Gauge(name, "fine", "●", who, "every list seen")
    noun = "list" if lost == 1 else "lists"
    return Gauge(name, "bad", "?", who, f"{lost} {noun} NOT seen whole")
