"""Model: the three meanings of a switch written as text (semantics, section 4)."""

from enum import StrEnum

TRUTHY = frozenset({"1", "true", "yes", "on"})
FALSY = frozenset({"0", "false", "no", "off"})


class SwitchText(StrEnum):
    """What a switch's text means; anything that is not exact is UNCLEAR, never a default."""

    TRUTHY = "truthy"
    FALSY = "falsy"
    UNCLEAR = "unclear"


def read_switch_text(text: str) -> SwitchText:
    """
    Read a switch: first line only, trimmed of spaces and tabs, case folded, exact words only.

    A byte-order mark, an empty first line, `HALTED`, `2` or `y` are UNCLEAR: the fleet reads
    each of them as "not halted", which is the very mistake this project exists to prevent.
    """
    first_line = text.split("\n", 1)[0]
    word = first_line.strip(" \t\r").casefold()
    if word in TRUTHY:
        return SwitchText.TRUTHY
    if word in FALSY:
        return SwitchText.FALSY
    return SwitchText.UNCLEAR
