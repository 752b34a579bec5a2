"""Status contract: what an answer claims about safety, read even where the answer is broken."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import cast

from mission_control.model.switch_text import SwitchText, read_switch_text

FORBIDDEN_MODES = frozenset({"EXECUTE", "LIVE"})
"""Agent modes that are Sev-0 evidence, compared after trimming and upper-casing (facts, a.6)."""

MAX_MODE = 64
"""Characters of an agent mode that are kept."""


@dataclass(frozen=True, slots=True)
class Claims:
    """
    Facts an answer states that can accuse or acquit; None or empty means it says nothing.

    Read leniently on purpose. A contract violation makes the *status* unseen, but an
    accusation inside a broken document still counts (semantics, section 3, "from any single
    source").
    """

    kill_switch: SwitchText | None = None
    safe_to_execute_orders: bool | None = None
    agent_mode: str | None = None

    @property
    def silent(self) -> bool:
        """Tell whether nothing at all is claimed."""
        return self == NO_CLAIMS

    @property
    def forbidden_mode(self) -> bool:
        """Tell whether the claimed agent mode is one that can place orders."""
        return self.agent_mode is not None and self.agent_mode.strip().upper() in FORBIDDEN_MODES


NO_CLAIMS = Claims()


def read_claims(document: object) -> Claims:
    """
    Read what a JSON document claims, whatever shape it has and however broken it is.

    Anything but a plain no accuses when it stands where "may execute orders" is asked, and
    `"false"` accuses where a kill switch should be; but only real booleans acquit.
    """
    top = _mapping(document)
    safety = _mapping(top.get("safety"))
    identity = _mapping(top.get("agent_identity"))
    return Claims(
        kill_switch=_switch(safety.get("kill_switch")),
        safe_to_execute_orders=_permission(safety.get("safe_to_execute_orders")),
        agent_mode=_mode(identity.get("agent_mode"), top.get("agent_mode")),
    )


def _mapping(value: object) -> Mapping[str, object]:
    return cast("Mapping[str, object]", value) if isinstance(value, dict) else {}


def _mode(*stated: object) -> str | None:
    """Give the worst of the stated modes, without what cannot be seen when it is printed."""
    modes = ["".join(filter(str.isprintable, m)).strip() for m in stated if isinstance(m, str)]
    forbidden = [mode for mode in modes if mode.upper() in FORBIDDEN_MODES]
    return next((mode[:MAX_MODE] for mode in forbidden + modes), None)


def _switch(value: object) -> SwitchText | None:
    match value:
        case None:
            return None
        case bool():
            return SwitchText.TRUTHY if value else SwitchText.FALSY
        case _:
            return SwitchText.FALSY if _says_no(value) else SwitchText.UNCLEAR


def _permission(value: object) -> bool | None:
    match value:
        case None:
            return None
        case bool():
            return value
        case _:
            return None if _says_no(value) else True


def _says_no(value: object) -> bool:
    if isinstance(value, str):
        return read_switch_text(value) is SwitchText.FALSY
    return isinstance(value, int | float) and value == 0
