"""Characters that change how others are read, made visible."""

_KEPT = frozenset(" \t\n\r")


def visible(text: str) -> str:
    r"""
    Write what steers a reader's eye or terminal as an escape, such as `\u202e`.

    That is what turns the direction of a text, has no width or is no character: with it a value
    can be shown as another than it is. Spaces of any width, and the ends of lines, stay.
    """
    if text.isprintable():
        return text
    return "".join(c if _is_seen(c) else c.encode("unicode_escape").decode() for c in text)


def _is_seen(character: str) -> bool:
    if character.isprintable() or character in _KEPT:
        return True
    return character.isspace() and character not in "\x0b\x0c\x1c\x1d\x1e\x1f\x85\u2028\u2029"
