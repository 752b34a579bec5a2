"""What the fleet file says is needed of safety, the same words wherever it is shown."""

from typing import Any

from mission_control.documents.document import document
from mission_control.floor.model import Verdict
from mission_control.model.fleet import Fleet, Safety, SwitchFile

NOT_JUDGED = "safety not judged"


def needs_document(fleet: Fleet) -> dict[str, Any]:
    """
    Return what the fleet file requires of kill switch, execution and freshness, and a sentence.

    `judged` is false where something of it is not required. `kill_switch_file` is what the file
    says of the switch's own file: `authoritative`, `none`, or null where it says nothing.
    """
    safety, file = fleet.safety, fleet.switch_file
    return {
        "judged": safety.judged,
        "kill_switch_required": safety.switch_required,
        "kill_switch_normal": safety.switch_normal.value,
        "kill_switch_file": file.value if file else None,
        "execution": safety.execution.value,
        "freshness_required": safety.freshness_required,
        "unobserved": [
            document(a.unobserved) | {"agent_name": a.agent_name}
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
