"""
What gives a secret away: the name it goes by, or the form of its value.

This is the one place that knows. Whatever is stored, logged, shown or exported is masked by it,
and a capture of the last known good is refused by it.
"""

import re
from bisect import bisect_right
from collections.abc import Iterator, Sequence
from enum import Enum, auto
from functools import lru_cache
from itertools import accumulate
from typing import NamedTuple

from mission_control.redaction.decide.forms import (
    BLOCKS,
    FORMS,
    NAMING,
    PARTS,
    WHOLE,
    find_encoded,
    find_key_blocks,
    is_account,
)
from mission_control.redaction.decide.names import (
    ESCAPED_END,
    fold,
    is_harmless,
    is_plain,
    is_secret_key,
    places,
)

MASK = "[REDACTED]"


class Span(NamedTuple):
    """Where something secret is in a text, and what is shown instead."""

    start: int
    end: int
    shown: str = MASK


class _Kind(Enum):
    """What a name says of the value after it."""

    PLAIN = auto()
    SECRET = auto()
    HEADER = auto()
    COOKIE = auto()
    WEAK = auto()
    """Secret only in a query or as a phrase (`api key: x`): else it is the key of anything."""


_PAIR = re.compile(
    r"(?<![A-Za-z0-9_.-])[.-]*+(?P<name>[A-Za-z0-9_][A-Za-z0-9_.-]*+)"
    r"(?P<close>(?:[\\\"'`\]]|%22|%27){0,24}+)"
    r"(?:\s{0,20}+(?P<sign>=>|:(?!:|//)=?|==?|%3[ADad])\s*+(?:%22|%27)?|(?P<xml>>))"
)
_FLAG = re.compile(
    r"(?<![\w-])--?(?P<name>[A-Za-z][\w.-]*+)(?:[\\\"']{0,4}+[ \t]*+,\s*+|[ \t]++)(?!-)"
)
_SENTENCE = re.compile(
    r"(?<![A-Za-z0-9])(?P<name>pass(?:word|phrase|code|wd)|pwd|pin|otp|(?:bot |access )?token"
    r"|secret|credential|(?:api|access|secret|private|signing|encryption|master)[ _-]?key)s?"
    r"(?:\s(?:for|of|on)\s[^\s\"']{1,60}(?:\s[^\s\"']{1,60})?)?"
    r"\s(?:(?:is|was|are|reads|becomes)(?:\snow|\sset\sto|\sstill)?|changed\sto|(?:re)?set\sto)"
    r":?\s++",
    re.IGNORECASE,
)
_USED = re.compile(
    r"(?<![A-Za-z0-9])(?:with|using|use|try|tried|for|the|a|wrong|bad|invalid)\s(?P<name>password"
    r"|passphrase|passcode|token|pin|otp|secret|api[ -]key)\s++(?=[\"'`]|\S{0,60}\d)",
    re.IGNORECASE,
)
_TUPLE = re.compile(
    r"(?:\(|\[\s*+\[|,\s*+\[)\s*+b?[\"'](?P<name>[A-Za-z0-9_][A-Za-z0-9_.-]*+)[\"']\s*+,\s*+"
)
_SIBLING = re.compile(
    r"(?<![A-Za-z0-9_])(?:name|key|variable|header|field)[\\\"']{0,4}+\s*+[:=]\s*+[\\\"']{0,4}+"
    r"(?P<name>[A-Za-z0-9_][A-Za-z0-9_./-]*+)[\\\"']{0,4}+\s*+,?\s*+[\\\"']{0,4}+"
    r"(?:value|val|default|content)[\\\"']{0,4}+\s*+[:=]\s*+",
    re.IGNORECASE,
)
_VALUE_FIRST = re.compile(
    r"[\"']value\\{0,4}+[\"']\s*+:\s*+(?P<s>\\{0,4}\"[^\"\n]*+\"|'[^'\n]*+')\s*+,\s*+"
    r"\\{0,4}[\"'](?:name|key)\\{0,4}[\"']\s*+:\s*+\\{0,4}[\"'](?P<name>[\w./-]++)"
)
_VALUE = re.compile(
    r"(?:[bBrRuUfF]{1,2}(?=[\"']))?(?:"
    r"(?P<slashes>\\{1,32})(?P<mark>[\"'])"
    r"(?P<escaped>(?:(?!(?<!\\)(?P=slashes)(?P=mark))[^\r\n])*+)"
    r"|\"(?P<double>(?:[^\"\\]|\\[\s\S]|\"(?=\w))*+)\"|\"(?P<open>[^\r\n]*+)"
    r"|'(?P<single>(?:[^'\\\r\n]|\\.|'(?=\w))*+)'?|`(?P<tick>[^`\r\n]*+)"
    r"|(?P<group>[\[({][^\[\](){}\n]*+[\])}]?[^\s,;&\"'`<>(){}\[\]]*+)"
    r"|(?P<bare>(?:[^\s,;&\"'`<>(){}\[\]]|[,;&)\]}\[({](?![\s,;&\"'`)\]}]|[\w.-]*+[=:]|\Z)"
    r"|[\"'`](?=\w))++))"
)
_HEADER = re.compile(
    r"[\"']?(?:(?i:(?P<scheme>bearer|basic|token|negotiate|apikey|bot|key)[ \t]+)"
    r"(?P<known>[^\s,;\"'&]++)|(?P<rest>[^\r\n\"']++))"
)
_COOKIE = re.compile(r"[\"']?(?P<rest>[^\r\n\"]++)")
_BODIES = ("escaped", "double", "open", "single", "tick", "group", "bare")

_QUERY = re.compile(r"(?:[?&]|%3F|%26)\Z", re.IGNORECASE)
_PHRASE = re.compile(
    r"(?:api|access|private|secret|signing|encryption|master|client|shared|account|session|ssh"
    r"|license|pass) \Z",
    re.IGNORECASE,
)
_LONGEST_NAME = 100
"""Longer names are looked at each time, so that what is remembered stays small."""
_FAINT = frozenset(
    (
        *("auth", "private", "pass", "pwd", "pin", "otp", "totp", "mfa", "salt", "pepper", "sig"),
        *("signature", "credential", "credentials", "webhook", "cookie"),
    )
)
"""Names that are words of prose as well: there the value has to look like a secret, too."""
_STATE = re.compile(
    r"(?:true|false|null|nil|none|yes|no|on|off|ok|undefined|unset|missing|required|optional|empty"
    r"|expired|invalid|valid|wrong|incorrect|correct|rejected|accepted|refused|denied|revoked"
    r"|not|too|the|an?|to|for|from|in|of|and|or|is|was|are|be|being|been|by|at|as|it|its|this|that"
    r"|set|given|needed|used|stored|kept|read|found|known|unknown|rotated|refreshed|changed|masked"
    r"|hidden|redacted|never|always|only|now|here|there|ready|enabled|disabled|failed|provided"
    r"|protected|configured|present|absent|encrypted|hashed|shorter|longer|about|with|without"
    r"|str|string|bytes|int|float|optional\[str\]|basic|bearer|digest|oauth2?|ntlm|value|name|flag"
    r"|option|argument|parameter|file|mount|rotation|expiry|bucket)[.!?:]{0,2}",
    re.IGNORECASE,
)
_REFERENCE = re.compile(
    r"\$[A-Z_][A-Z0-9_]*|\$\{[A-Za-z_][A-Za-z0-9_.:-]*\}?|\$\(.*|\{\{.*|%[A-Z_]+%|<[a-z _-]+>",
    re.DOTALL,
)
_BLOCK = re.compile(r"[|>][+-]?\d?[+-]?")
_LIKE_A_SECRET = re.compile(r"(?=\S*\d)(?=\S*[^\d.,:%/+-])\S{4,}|\d{4,12}|\S{16,}")
_PLAIN_NUMBER = re.compile(r"\d{1,5}(?:\.\d+)?%?")
_OF_A_SECRET = re.compile(r"\w*(?:secretref|keyref)|imagepullsecrets|secrets?", re.IGNORECASE)
_NEXT_PAIR = re.compile(r"-\s|[|>][+-]?\s|[\"']?[\w./-]{1,253}[\"']?[ \t]?(?::\s|=[^\s=])")
"""What begins on the line after a name: an item, a block or a pair of its own."""
_NAMES_ONLY = re.compile(
    r"[\[{]*+(?:\s*+[\\\"']{0,4}+(?:name|key|namespace|optional|secretName|defaultMode|items|path"
    r"|mode)[\\\"']{0,4}+\s*+:\s*+[\\\"']{0,4}+[A-Za-z0-9._/-]{0,253}[\\\"']{0,4}+\s*+,?)*+[\[\]}]*+"
)


def find_pairs(text: str) -> Iterator[Span]:
    """Yield every value in a text that its name says to be secret, without its quotes."""
    at = 0
    while found := _PAIR.search(text, at):
        at = found.end()
        span = _of_pair(text, found)
        if span is not None:
            yield span
            at = max(at, span.end)
    for lead in (_FLAG, _SENTENCE, _USED, _TUPLE, _SIBLING):
        yield from _find_after(lead, text)
    for found in _VALUE_FIRST.finditer(text):
        if is_secret_key(found["name"]):
            start, end = found.span("s")
            yield Span(start + 1, end - 1)


def _find_after(lead: re.Pattern[str], text: str) -> Iterator[Span]:
    at = 0
    while found := lead.search(text, at):
        at = found.end()
        span = _after(lead, text, found)
        if span is not None:
            yield span
            at = max(at, span.end)


def _after(lead: re.Pattern[str], text: str, found: re.Match[str]) -> Span | None:
    name = found["name"]
    if not is_secret_key(name):
        return None
    value = _VALUE.match(text, found.end())
    if value is None or _is_plain(name, value):
        return None
    prose = lead in {_SENTENCE, _USED} and not name.casefold().startswith(("pass", "pwd"))
    if prose and not _LIKE_A_SECRET.fullmatch(_body(value)[1]):
        return None
    return _span(value)


def _of_pair(text: str, found: re.Match[str]) -> Span | None:
    name = found["name"]
    kind = _remember_kind(name) if len(name) <= _LONGEST_NAME else _kind_of(name)
    if kind is _Kind.PLAIN:
        return None
    start = found.start("name")
    if found["xml"] and text[start - 1 : start] not in {"<", ":"}:
        return None
    if kind is _Kind.HEADER:
        return _of_header(text, found, _HEADER)
    if kind is _Kind.COOKIE and found["sign"]:
        return _of_header(text, found, _COOKIE)
    if kind is _Kind.WEAK:
        before = text[max(0, start - 12) : start]
        if not (_PHRASE.search(before) or _QUERY.search(before)):
            return None
    value = _VALUE.match(text, found.end())
    return None if value is None else _judge(text, found, value)


def _kind_of(name: str) -> _Kind:
    folded = name.casefold().strip("._-")
    if folded in {"authorization", "proxy-authorization"}:
        return _Kind.HEADER
    if folded in {"cookie", "set-cookie"}:
        return _Kind.COOKIE
    if folded in {"key", "keys", "phrase", "id"}:
        return _Kind.WEAK
    return _Kind.SECRET if is_secret_key(name) else _Kind.PLAIN


_remember_kind = lru_cache(maxsize=4_096)(_kind_of)


def _judge(text: str, found: re.Match[str], value: re.Match[str]) -> Span | None:
    name, (kind, body) = found["name"], _body(value)
    goes_on = "\n" in text[found.end("name") : found.end()]
    if (goes_on and _NEXT_PAIR.match(text, found.end())) or _is_plain(name, value):
        return None
    if kind == "group" and _OF_A_SECRET.fullmatch(name) and _NAMES_ONLY.fullmatch(body):
        return None
    faint = name.casefold().strip("._-") in _FAINT and kind == "bare" and not found["close"]
    if faint and not _looks_like_one(name, body):
        return None
    quoted = '"' in found["close"] and "\\" not in found["close"] and kind in {"bare", "group"}
    return _span(value, f'"{MASK}"' if quoted and not found["xml"] else MASK)


def _looks_like_one(name: str, body: str) -> bool:
    counts = name.casefold() == "pass" and _PLAIN_NUMBER.fullmatch(body)
    return not counts and bool(_LIKE_A_SECRET.fullmatch(body))


def _of_header(text: str, found: re.Match[str], form: re.Pattern[str]) -> Span | None:
    if any(mark in found["close"] for mark in "\"'"):
        value = _VALUE.match(text, found.end())
        return None if value is None or _is_plain(found["name"], value) else _span(value)
    value = form.match(text, found.end())
    if value is None:
        return None
    part = "known" if form is _HEADER and value["known"] else "rest"
    return None if _STATE.fullmatch(value[part].strip()) else Span(*value.span(part))


def _body(value: re.Match[str]) -> tuple[str, str]:
    kind = next(each for each in _BODIES if value[each] is not None)
    return kind, value[kind]


def _is_plain(name: str, value: re.Match[str]) -> bool:
    """Return whether a value is no secret: nothing, a state, a reference, a place."""
    kind, body = _body(value)
    if not body or body == MASK or _REFERENCE.fullmatch(body):
        return True
    if kind == "bare" and (
        _BLOCK.fullmatch(body) or _STATE.fullmatch(body) or body.startswith("-")
    ):
        return True
    return is_harmless(name, body)


def _span(value: re.Match[str], shown: str = MASK) -> Span:
    kind, _ = _body(value)
    start, end = value.span(kind)
    return Span(start, end, shown)


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
