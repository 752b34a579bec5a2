"""Text from outside, made harmless for a terminal."""

LONGEST = 400


def printable(text: str, at_most: int = LONGEST) -> str:
    """Return the text on one line, cut to length, with control characters escaped."""
    shown = "".join(c if c.isprintable() else c.encode("unicode_escape").decode() for c in text)
    return shown if len(shown) <= at_most else shown[: at_most - 1] + "…"
