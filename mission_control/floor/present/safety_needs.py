"""What the fleet file says is needed of safety, the same words wherever it is shown."""

from typing import TypedDict

from mission_control.floor.model import Verdict
from mission_control.model.fleet import Fleet, Safety, SwitchFile

NOT_JUDGED = "safety not judged"


class UnobservedDocument(TypedDict):
    """A service that nothing here sees: who watches it instead, and why."""

    agent_name: str
    who: str
    why: str


class NeedsDocument(TypedDict):
    """
    What is needed of kill switch, execution and freshness, by the fleet file alone.

    `judged` is false where something of it is not required. `kill_switch_file` is what the file
    says of the switch's own: `authoritative`, `none`, or null for no word.
    """

    judged: bool
    kill_switch_required: bool
    kill_switch_normal: str
    kill_switch_file: str | None
    execution: str
    freshness_required: bool
    unobserved: list[UnobservedDocument]
    text: str


def needs_document(fleet: Fleet) -> NeedsDocument:
    """Return what this fleet needs, with a sentence of it."""
    safety, file = fleet.safety, fleet.switch_file
    return {
        "judged": safety.judged,
        "kill_switch_required": safety.switch_required,
        "kill_switch_normal": safety.switch_normal.value,
        "kill_switch_file": file.value if file else None,
        "execution": safety.execution.value,
        "freshness_required": safety.freshness_required,
        "unobserved": [
            {"agent_name": a.agent_name, "who": a.unobserved.who, "why": a.unobserved.why}
            for a in fleet.agents
            if a.unobserved is not None
        ],
        "text": needs_text(safety, file),
    }


def needs_text(safety: Safety, file: SwitchFile | None) -> str:
    """Say in one line what is needed of kill switch, execution and freshness."""
    switch = "required" if safety.switch_required else "NOT required"
    told = [f"kill switch {switch}, normally {safety.switch_normal}"]
    if file is not None:
        told.append(f"its file here: {file}")
    told.append(f"execution {safety.execution}")
    told.append(f"freshness {'required' if safety.freshness_required else 'NOT required'}")
    if not safety.judged:
        told.append(NOT_JUDGED)
    return "; ".join(told)


def verdict_text(verdict: Verdict, safety: Safety) -> str:
    """Write a verdict as it is read: a calm one says where safety is not judged."""
    word = verdict.value
    calm = verdict is not Verdict.HALTED
    return f"{word} · {NOT_JUDGED}" if calm and not safety.judged else word
