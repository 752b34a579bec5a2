r"""
The marks of lines that may hold an event: looked for in whole blocks, before anything is parsed.

A line without a mark holds no event, however it is escaped or nested: marks have no character that
JSON has to escape, and a line in which a letter is escaped all the same (`\u0061`) is marked.
"""

import re

MARKS = (
    b"agenttrader.replay",
    b"order_intent",
    b"intent_type",
    b"state_transition",
    b"execute_result",
    b"roker_placed",
    b"roker_order_id",
    b"rokerPlaced",
    b"rokerOrderId",
    b"ROKER_",
)
"""Each kind of event has one of these in every form that is read (docs/semantics.md#R12.14)."""
ESCAPED = b"\\u00"
_SHOUTED = MARKS[-1]
_HALF = (b"intent", b"roker", _SHOUTED)
_SOUGHT = (MARKS[0], *MARKS[3:5], *_HALF[:2])
_MOST_CAPITALS = 64
"""What is always searched for in a block: one of `_HALF` stands for several marks at once."""
_STRONG = (b"agenttrader.replay", b"exec_service.execute_result", b"agent.state_transition")
"""Marks that no line bears by chance: with one of these it is an event, or what is left of one."""

_AN_ESCAPE = re.compile(rb"\\+u00([2-7][0-9a-fA-F])")
_CLAIM = re.compile(
    rb"broker[ _-]?placed"
    rb"|broker[ _-]?order[ _-]?id[\\\"']{0,32}+\s{0,8}+[:=]\s{0,8}+"
    rb"(?![\\\"']{0,32}+(?:null|none|nil|undefined|n/?a|false|-)?(?:[\\\"',;}\])\s]|\Z))",
    re.IGNORECASE,
)


def find_marked(block: bytes) -> list[tuple[int, int]]:
    """Return from where to where each marked line of a block goes, in order, without its end."""
    found = dict[int, int]()
    for mark in _sought(block):
        at = block.find(mark)
        while at >= 0:
            end = block.find(b"\n", at)
            end = len(block) if end < 0 else end
            start = block.rfind(b"\n", 0, at) + 1
            if start not in found and (mark not in _HALF or is_marked(block[start:end])):
                found[start] = end
            at = block.find(mark, end)
    return sorted(found.items())


def _sought(block: bytes) -> tuple[bytes, ...]:
    """
    Return what has to be searched for in a block.

    One character is found far quicker than several: most blocks escape nothing, and few have a K.
    """
    shouted = (_SHOUTED,) if _may_shout(block) else ()
    return (*_SOUGHT, *shouted, ESCAPED) if b"\\" in block else (*_SOUGHT, *shouted)


def _may_shout(block: bytes) -> bool:
    at = block.find(b"K")
    for _ in range(_MOST_CAPITALS):
        if at < 0:
            return False
        if block.startswith(_SHOUTED, max(0, at - 2)):
            return True
        at = block.find(b"K", at + 1)
    return True


def is_marked(line: bytes) -> bool:
    """Return whether a line may hold an event."""
    return ESCAPED in line or any(mark in line for mark in MARKS)


def _plain(text: bytes) -> bytes:
    """Return a text without escapes of letters."""
    if ESCAPED not in text:
        return text
    return _AN_ESCAPE.sub(lambda found: bytes((int(found[1], 16),)), text)


def is_rest_of_event(text: bytes) -> bool:
    """Return whether a text that is no JSON, or lost part of it, looks as if it was an event."""
    plain = _plain(text)
    if any(mark in plain for mark in _STRONG):
        return True
    written = b"{" in plain or b'":' in plain
    return written and any(mark in plain for mark in MARKS)


def find_claim(text: bytes) -> int:
    """
    Return where a text tells of execution, whatever is left of its form; -1 where it does not.

    Told is `broker_placed`, and a broker's order id that is not empty. Where letters are escaped,
    the place is that in the text without escapes, which is near enough to show it.
    """
    if b"roker" not in text and b"ROKER" not in text and ESCAPED not in text:
        return -1
    found = _CLAIM.search(_plain(text))
    return found.start() if found else -1
