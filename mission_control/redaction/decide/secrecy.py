"""
What gives a secret away: the name it goes by, or the form of its value.

This is the one place that knows. Whatever is stored, logged, shown or exported is masked by it,
and a capture of the last known good is refused by it.
"""

from bisect import bisect_right
from collections.abc import Iterator, Sequence
from functools import lru_cache
from itertools import accumulate

from mission_control.redaction.decide.blocks import find_encoded, find_key_blocks, is_account
from mission_control.redaction.decide.folded_text import ESCAPED_END, fold, is_plain, places
from mission_control.redaction.decide.forms import BLOCKS, FORMS, NAMING, PARTS, WHOLE
from mission_control.redaction.decide.names import is_secret_key
from mission_control.redaction.decide.pairs import MASK, Span, find_pairs

__all__ = ["MASK", "is_secret_key", "looks_harmless", "redact_text", "secret_words"]

_SIGNS = b"\"',()[]<>=&?;|%\t\n\r"
_CONTROLS = bytes(n for n in (*range(32), 127) if n not in b"\t\n\r")
_FOLD = bytes.maketrans(
    b"ABCDEFGHIJKLMNOPQRSTUVWXYZ123456789" + _SIGNS + _CONTROLS,
    b"abcdefghijklmnopqrstuvwxyz000000000" + b" " * len(_SIGNS) + b"\0" * len(_CONTROLS),
)
_LETTERS = b"ghijklmnopqrstuvwxyz+/"
_RUNS = bytes.maketrans(
    bytes(range(256)),
    bytes(104 if n in b"abcdef0" else 122 if n in _LETTERS else 32 for n in range(256)),
)
"""What may be of a hexadecimal number becomes `h`, what else may be of base64 `z`."""
_APART = bytes.maketrans(
    bytes(range(256)),
    bytes(n if bytes((n,)).isalnum() else 32 for n in range(256)),
)
"""What is no letter and no digit becomes a blank."""
_LONG_RUN = 20
"""So long are the shortest keys that only their letters and digits tell."""
_REMEMBERED_BODY = 4_096
"""Longer texts are looked through each time, so that what is remembered stays small."""


def looks_harmless(body: bytes) -> bool:
    """Return whether, cheaply and from the raw text, nothing in it could need redaction."""
    return body.isascii() and not _quick_look(body.translate(_FOLD))


def _quick_look(folded: bytes) -> frozenset[bytes]:
    """
    Return the suspicious words that are in a text; an empty one for a long run of letters.

    Folded are capitals, digits and signs, so that a service's answers are equal but for what
    they say, and are looked through once for all the times and counts that they tell.
    """
    return _remember(folded) if len(folded) <= _REMEMBERED_BODY else _words_in(folded)


def _words_in(folded: bytes) -> frozenset[bytes]:
    line = b" " + folded + b" "
    found = {word for word in PARTS if word in line}
    found.update(b"=" + word for word in WHOLE.intersection(line.translate(_APART).split()))
    runs = line.translate(_RUNS).split()
    if any(len(run) >= _LONG_RUN and b"z" in run for run in runs):
        found.add(b"")
    return frozenset(found)


_remember = lru_cache(maxsize=4_096)(_words_in)


def redact_text(text: str, *, keep_lines: bool = False) -> str:
    """
    Mask every secret in a text: by its name, its form, its block, and within base64 as well.

    With `keep_lines` a secret over several lines leaves as many, so that what is masked can be
    looked through line by line.
    """
    plain = text if is_plain(text) else fold(text)
    spans = _find(plain)
    if not spans:
        return text
    if plain is not text:
        at = places(text)
        spans = [Span(at[s.start], max(at[s.end], at[s.end - 1] + 1), s.shown) for s in spans]
    return _masked(text, spans, keep_lines=keep_lines)


def _masked(text: str, spans: Sequence[Span], *, keep_lines: bool) -> str:
    parts, at = list[str](), 0
    for span in spans:
        lines = text.count("\n", span.start, span.end) if keep_lines else 0
        parts += [text[at : span.start], span.shown, "\n" * lines]
        at = span.end
    return "".join([*parts, text[at:]])


def _find(plain: str, *, within: bool = True) -> list[Span]:
    """Return every secret in a folded text by its place, in order and apart."""
    words = _quick_look(plain.encode(errors="replace").translate(_FOLD))
    if not words:
        return []
    merged = list[Span]()
    for span in sorted(_look(plain, words, within=within)):
        if span.start == span.end:
            continue
        if merged and span.start <= merged[-1].end:
            last = merged[-1]
            outer = last if last.end >= span.end else None
            merged[-1] = outer or Span(last.start, span.end)
        else:
            merged.append(span)
    return merged


def _look(plain: str, words: frozenset[bytes], *, within: bool) -> Iterator[Span]:
    if not words.isdisjoint(NAMING):
        yield from find_pairs(plain)
    lines = plain.replace(ESCAPED_END, "\n")
    for form in FORMS:
        if not words.isdisjoint(form.words) or (not form.words and b"" in words):
            yield from (
                Span(*found.span("s" if "s" in form.pattern.groupindex else 0))
                for found in form.pattern.finditer(lines)
            )
    if not words.isdisjoint(BLOCKS):
        yield from (Span(*block) for block in find_key_blocks(lines))
    if within and b"" in words:
        for place, held in find_encoded(lines):
            if is_account(held) or _find(held, within=False):
                yield Span(*place)


def secret_words(words: Sequence[object]) -> frozenset[int]:
    """
    Return which words of a command line are secret, in part or wholly, by their places.

    They are looked at as one line, so that a program and a flag tell of the words after them.
    """
    texts = [_as_word(word) for word in words]
    if not any(text.startswith("-") for text in texts):
        return frozenset()
    line = fold(" ".join(texts))
    begins = [0, *accumulate(len(fold(text)) + 1 for text in texts)]
    found = (
        range(bisect_right(begins, s.start) - 1, bisect_right(begins, s.end - 1))
        for s in _find(line)
    )
    return frozenset(place for places_of in found for place in places_of)


def _as_word(word: object) -> str:
    """Return a word as a shell would have it: in quotes where it holds blanks."""
    text = str(word) if isinstance(word, str | int) and not isinstance(word, bool) else ""
    return '"' + text.replace('"', "'") + '"' if " " in text else text
