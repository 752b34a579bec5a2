"""What an answer claims about safety, read even where the answer is broken."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import cast

from mission_control.contract.model.modes import ModeText, forbidden_word, read_mode
from mission_control.model.kill_switch import SwitchText, read_switch_text

MAX_MODE = 64
"""Characters of an agent mode that are kept."""

Place = tuple[str, ...]
"""The keys that lead to a value, from the top of a document: `("safety", "kill_switch")`."""

SWITCH: Place = ("safety", "kill_switch")
PERMISSION: Place = ("safety", "safe_to_execute_orders")
MODES: tuple[Place, ...] = (
    ("agent_identity", "agent_mode"),
    ("agent_identity", "mode"),
    ("identity", "agent_mode"),
    ("identity", "mode"),
    ("agent_mode",),
)
"""Every place where the fleet's answers say a mode: the contracts, and `/healthz`'s identity."""

CLAIM_PLACES = frozenset({SWITCH, PERMISSION, *MODES})

_WORST_FIRST = (ModeText.FORBIDDEN, ModeText.UNKNOWN, ModeText.HARMLESS)


@dataclass(frozen=True, slots=True)
class Claims:
    """
    Facts an answer states that can raise or clear an alarm; None means it says nothing.

    Read leniently on purpose: a contract violation makes the *status* unseen, but a claim inside a
    broken document still raises an alarm (docs/semantics.md#3). A blank mode was said, and is not
    known.
    """

    kill_switch: SwitchText | None = None
    safe_to_execute_orders: bool | None = None
    agent_mode: str | None = None

    @property
    def silent(self) -> bool:
        """Return whether nothing at all is claimed."""
        return self == NO_CLAIMS

    @property
    def mode(self) -> ModeText | None:
        """Return what the claimed agent mode means; None where none is claimed."""
        return None if self.agent_mode is None else read_mode(self.agent_mode)

    @property
    def forbidden_mode(self) -> bool:
        """Return whether the claimed agent mode is one that can place orders."""
        return self.mode is ModeText.FORBIDDEN


NO_CLAIMS = Claims()


def read_claims(document: object) -> Claims:
    """
    Read what a JSON document claims, whatever shape it has and however broken it is.

    Anything but a plain no in the place of "may execute orders" raises an alarm, and so does
    `"false"` in that of a kill switch; but only real booleans clear one.
    """
    top = _mapping(document)
    safety = _mapping(top.get("safety"))
    agent, identity = _mapping(top.get("agent_identity")), _mapping(top.get("identity"))
    modes = (  # those of `MODES`, spelled out because every answer of every round is read here
        agent.get("agent_mode"),
        agent.get("mode"),
        identity.get("agent_mode"),
        identity.get("mode"),
        top.get("agent_mode"),
    )
    return Claims(
        kill_switch=_switch(safety.get("kill_switch")),
        safe_to_execute_orders=_permission(safety.get("safe_to_execute_orders")),
        agent_mode=_worst_mode([mode for mode in modes if mode is not None]),
    )


def gather_claims(said: Iterable[tuple[Place, object]]) -> Claims:
    """Put together what was said at the places of claims; said twice, the worse counts."""
    heard = tuple(said)
    switches = {_switch(value) for place, value in heard if place == SWITCH}
    permissions = {_permission(value) for place, value in heard if place == PERMISSION}
    worst_first = (SwitchText.FALSY, SwitchText.UNCLEAR, SwitchText.TRUTHY)
    return Claims(
        kill_switch=next((s for s in worst_first if s in switches), None),
        safe_to_execute_orders=next((p for p in (True, False) if p in permissions), None),
        agent_mode=_worst_mode([v for place, v in heard if place in MODES and v is not None]),
    )


def _mapping(value: object) -> Mapping[str, object]:
    return cast("Mapping[str, object]", value) if isinstance(value, dict) else {}


def _worst_mode(stated: Sequence[object]) -> str | None:
    """Return the worst of the stated modes, without what cannot be seen when it is printed."""
    if len(stated) <= 1:  # as in almost every answer
        return _shown(stated[0]) if stated else None
    return min(map(_shown, stated), key=lambda mode: (_WORST_FIRST.index(read_mode(mode)), mode))


def _shown(value: object) -> str:
    """Return a mode as it may be printed, cut short so that it still means the same."""
    if not isinstance(value, str):
        return f"({_kind_of(value)})"
    if len(value) <= MAX_MODE and value.isprintable():
        return value.strip()
    whole = "".join(c if c.isprintable() else " " if c.isspace() else "" for c in value).strip()
    if len(whole) <= MAX_MODE:
        return whole
    cut, word = whole[:MAX_MODE], forbidden_word(whole)
    return f"… {word} …" if word and read_mode(cut) is not ModeText.FORBIDDEN else cut


def _kind_of(value: object) -> str:
    match value:
        case bool():
            return "true" if value else "false"
        case int() | float():
            return "a number"
        case dict():
            return "an object"
        case _:
            return "a list"


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
