"""What the fleet needs of its kill switch, of execution and of freshness."""

from enum import StrEnum

from mission_control.configuration.yaml_value import Problems, Value, quoted
from mission_control.model.fleet import Agent, ContractKind, Execution, Kind, Safety, SwitchFile
from mission_control.model.kill_switch import KillSwitchState

SEEN_MODES = (
    "make it critical or important, with contract: rich, so that its mode is always seen;"
    " or take this line out"
)


class _Normal(StrEnum):
    ENGAGED = "ENGAGED"
    DISENGAGED = "DISENGAGED"


class _Freshness(StrEnum):
    REQUIRED = "required"
    NONE = "none"


def read_switch_file(value: Value | None, problems: Problems) -> SwitchFile | None:
    """Read the fleet file's `kill_switch`: what the switch's file is worth; None for no word."""
    if value is None:
        return None
    file = value.fields(("file",), problems).get("file")
    if file is None and value.kind == "map":
        value.refuse(problems, "says nothing of the file", "write file: authoritative or none")
    return file.choice(SwitchFile, problems) if file else None


def read_safety(value: Value | None, agents: list[Agent], problems: Problems) -> Safety:
    """
    Read the fleet file's `safety`; what is left out is as strict as it can be.

    A switch that is normally off, or execution on paper, leaves a service's mode to tell whether
    it may trade. So each is allowed only where that mode is required evidence.
    """
    if value is None:
        return Safety()
    fields = value.fields(("kill_switch", "execution", "freshness"), problems)
    switch = fields.get("kill_switch")
    told = switch.fields(("required", "normal"), problems) if switch else {}
    required, normal = told.get("required"), told.get("normal")
    execution, freshness = fields.get("execution"), fields.get("freshness")
    needed = freshness.choice(_Freshness, problems) if freshness else None
    state = normal.choice(_Normal, problems) if normal else None
    ways = execution.choice(Execution, problems) if execution else None
    if normal and state is _Normal.DISENGAGED:
        _refuse_unseen_modes(normal, agents, problems)
    if execution and ways is Execution.PAPER:
        executing = [a for a in agents if a.kind is Kind.EXECUTION]
        _refuse_unseen_modes(execution, executing, problems)
    return Safety(
        switch_required=required is None or _is_required(required, problems),
        switch_normal=KillSwitchState((state or _Normal.ENGAGED).value),
        execution=ways or Execution.FORBIDDEN,
        freshness_required=needed is not _Freshness.NONE,
    )


def _is_required(value: Value, problems: Problems) -> bool:
    """Read `true` or `none`; nobody may take `false` for one of them."""
    word = value.scalar if value.kind in {"bool", "str"} else ""
    if word not in {"true", "none"}:
        shown = quoted(value.scalar) if value.scalar else "it"
        value.refuse(problems, f"{shown} is none of true, none", "write true or none")
    return word != "none"


def _refuse_unseen_modes(value: Value, agents: list[Agent], problems: Problems) -> None:
    for agent in agents:
        if not (agent.required and agent.contract is ContractKind.RICH):
            value.refuse(
                problems,
                f"the mode of {quoted(agent.agent_name)} is not required evidence",
                SEEN_MODES,
            )
            return
