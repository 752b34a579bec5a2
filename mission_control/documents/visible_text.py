"""Characters that change how others are read, made visible."""

_KEPT = frozenset(" \t\n\r")


def visible(text: str) -> str:
    r"""
    Escape characters that change how the text around them is shown, such as `\u202e`.

    Those are characters that turn the direction of text, have no width or are unassigned: they
    can make a value look like another. Spaces of any width, and the ends of lines, stay.
    """
    if text.isprintable():
        return text
    return "".join(c if _is_seen(c) else c.encode("unicode_escape").decode() for c in text)


def _is_seen(character: str) -> bool:
    if character.isprintable() or character in _KEPT:
        return True
    return character.isspace() and character not in "\x0b\x0c\x1c\x1d\x1e\x1f\x85\u2028\u2029"
