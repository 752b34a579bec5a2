"""Claims in bodies that are no sound JSON, and keys that are said twice."""

import json
import re
from collections.abc import Iterator
from typing import NamedTuple

import orjson

from mission_control.contract.model.claims import (
    CLAIM_PLACES,
    MODES,
    NO_CLAIMS,
    PERMISSION,
    SWITCH,
    Claims,
    Place,
    gather_claims,
    read_claims,
)

_TOKEN = re.compile(
    r"""
      "(?:[^"\\\n]|\\.)*+"?       # text; cut off, it ends with its line
    | '(?:[^'\\\n]|\\.)*+'        # text as Python writes it
    | [{}\[\]:,]
    | [^\s"{}\[\]:,]++            # a number, a word, NaN
    """,
    re.DOTALL | re.VERBOSE,
)
_CLOSING = re.compile(rb'"\s*:')
_LOOSE = re.compile(
    r"""
    (?<![\\\w]) (["']?) (agent_mode|kill_switch|safe_to_execute_orders) \1 \s*+ : \s*+
    ("(?:[^"\\\n]|\\.)*+"? | '(?:[^'\\\n]|\\.)*+' | [{\[] | [^\s"{}\[\]:,]++)
    """,
    re.DOTALL | re.VERBOSE,
)
_LOOSE_PLACES = {
    "agent_mode": MODES[-1],
    "kill_switch": SWITCH,
    "safe_to_execute_orders": PERMISSION,
}
_WORDS = {"true": True, "false": False, "null": None, "True": True, "False": False, "None": None}
_EMPTY: dict[str, object] = {"{": {}, "[": []}  # of a container its kind is all that matters
_SPOKEN_OF = tuple(sorted({place[-1] for place in CLAIM_PLACES}))
_LONGEST_NUMBER = 400

# What a container expects next. In an array: a value or a comma. In an object, in this order:
# a key, a colon, a value, a comma.
_ITEM, _NEXT_ITEM, _NAME, _COLON, _VALUE, _NEXT_NAME = range(6)
_AFTER_VALUE = {_ITEM: _NEXT_ITEM, _VALUE: _NEXT_NAME}
_AFTER_COMMA = {_ITEM: _ITEM, _NEXT_ITEM: _ITEM}
_DEPTH_OF_CLAIMS = 2


class Heard(NamedTuple):
    """What a body claims, and the places of which it speaks twice, in order, each once."""

    claims: Claims
    doubled: tuple[Place, ...] = ()


def hear_body(body: bytes, document: object) -> Heard:
    """
    Return what a body claims, sound or not; `document` is what it holds, None where it is no JSON.

    Most bodies are sound and say nothing twice: they are not gone through again.
    """
    if document is not None and _says_all_once(body, document):
        return Heard(read_claims(document))
    return scan_claims(body, sound=document is not None)


def _says_all_once(body: bytes, document: object) -> bool:
    """
    Return whether a body surely says nothing twice; a parsed document no longer shows it.

    What is written again just as it was does not. Else the keys are counted: each ends in a
    quote and a colon, so that as many of them as the document has keys are all of them.
    """
    try:
        again = orjson.dumps(document)
    except TypeError:  # too deep to be written
        return False
    if again == body or again == body.replace(b'": ', b'":').replace(b', "', b',"'):
        return True  # as most libraries write it, and as Python's own does
    # Without a backslash no text holds a quote, so that in `again` nothing but keys ends so.
    return b"\\" not in body and again.count(b'":') == _count_closings(body)


def _count_closings(body: bytes) -> int:
    """Count quotes that a colon follows: at least as many as there are keys."""
    if b" :" in body or b"\n:" in body or b"\r:" in body or b"\t:" in body:
        return len(_CLOSING.findall(body))
    return body.count(b'":')


def scan_claims(body: bytes, *, sound: bool = False) -> Heard:
    """
    Return what a body claims, by going through it token by token, in time linear to its length.

    Read as claims are values at their places and outside texts, as far as places are known: up
    to the first break of JSON's grammar. Beyond it nesting is not known, and a claim's key counts
    wherever it is. NaN, a cut-off end, further documents behind the first,
    any depth, and whatever is before the first bracket break nothing. A page of HTML says
    nothing. Places said twice are looked for only in what is `sound` JSON.
    """
    text = _decode(body)
    speaks = sound or "\\u" in text or any(key in text for key in _SPOKEN_OF)
    if not speaks or text.lstrip()[:1] == "<":
        return Heard(NO_CLAIMS)
    reader = _Reader(text)
    reader.read()
    return Heard(gather_claims(reader.said), tuple(reader.doubled))


def _decode(body: bytes) -> str:
    """Return a body's text: UTF-8 where that shows a claim's key, else as its null bytes tell."""
    plain = any(key.encode() in body for key in _SPOKEN_OF)
    text = body.decode("utf-8" if plain else json.detect_encoding(body), "replace")
    return text.replace("\0", "").removeprefix("\ufeff")


class _Reader:
    """Goes through one text; `said` are the values at places of claims, in order."""

    def __init__(self, text: str) -> None:
        self.said: list[tuple[Place, object]] = []
        self.doubled: dict[Place, None] = {}
        self._text = text
        self._places = set[Place]()
        self._expects, self._keys = list[int](), list[str]()
        self._mark = 0
        self._begun = False

    def read(self) -> None:
        for token in _TOKEN.finditer(self._text):
            if not self._take(token):
                self.said.extend(_search_loosely(self._text, self._mark))
                return

    def _take(self, token: re.Match[str]) -> bool:
        """Take a token in; False where it breaks the grammar."""
        word = token[0]
        match word:
            case "{" | "[":
                return self._open(word)
            case "}" | "]":
                return self._close(word)
            case ":":
                return self._expect(_COLON, _VALUE)
            case ",":
                return self._pass_comma()
            case _:
                return self._take_word(token)

    def _open(self, word: str) -> bool:
        if self._expects and not self._take_value(_EMPTY[word]):
            return False
        if not self._expects:
            self._places.clear()
        self._begun = True
        self._expects.append(_NAME if word == "{" else _ITEM)
        return True

    def _close(self, word: str) -> bool:
        if not self._expects:
            return True
        is_array = self._expects.pop() in {_ITEM, _NEXT_ITEM}
        del self._keys[len(self._expects) :]
        return is_array is (word == "]")

    def _expect(self, expected: int, following: int) -> bool:
        if not self._expects:
            return not self._begun
        if self._expects[-1] != expected:
            return False
        self._expects[-1] = following
        return True

    def _pass_comma(self) -> bool:
        if self._expects:
            self._expects[-1] = _AFTER_COMMA.get(self._expects[-1], _NAME)
        return True

    def _take_word(self, token: re.Match[str]) -> bool:
        if not self._expects:
            self._mark = token.start()
            return True
        if self._expects[-1] == _NAME:
            self._mark = token.start()
            self._name(token[0])
            return self._expect(_NAME, _COLON)
        if not self._is_at_place():
            return self._take_value(None)
        ends = token.end() == len(self._text)
        return self._take_value(_value_of(token[0], ends=ends))

    def _name(self, word: str) -> None:
        depth = len(self._expects)
        if depth > _DEPTH_OF_CLAIMS or len(self._keys) < depth - 1:  # too deep, or in a list
            return
        del self._keys[depth - 1 :]
        self._keys.append(str(_value_of(word, ends=False)))

    def _take_value(self, value: object) -> bool:
        following = _AFTER_VALUE.get(self._expects[-1])
        if following is None:
            return False
        if self._is_at_place():
            self._say(tuple(self._keys), value)
        self._expects[-1] = following
        return True

    def _is_at_place(self) -> bool:
        """Return whether a value comes now to which nothing but keys leads, and few of them."""
        return self._expects[-1] == _VALUE and len(self._keys) == len(self._expects)

    def _say(self, place: Place, value: object) -> None:
        if place in self._places:
            self.doubled[place] = None
        self._places.add(place)
        if place in CLAIM_PLACES:
            self.said.append((place, value))


def _value_of(word: str, *, ends: bool) -> object:
    """Return the value of a text, a number or a word; at the end of the body, its whole form."""
    if word[0] in "\"'":
        return _text_of(word)
    if ends:
        word = next((whole for whole in ("true", "false", "null") if whole.startswith(word)), word)
    if word in _WORDS:
        return _WORDS[word]
    try:
        return float(word) if len(word) <= _LONGEST_NUMBER else 1.0
    except ValueError:
        return word


def _text_of(word: str) -> str:
    quote = word[0]
    inner = word[1:-1] if len(word) > 1 and word[-1] == quote else word[1:]
    if "\\" not in inner:
        return inner
    try:
        return str(json.loads(f'"{inner}"', strict=False))
    except ValueError:
        return inner


def _search_loosely(text: str, start: int) -> Iterator[tuple[Place, object]]:
    """Return the values of every claim's key behind a break of the grammar."""
    for found in _LOOSE.finditer(text, start):
        word = found[3]
        ends = found.end() == len(text)
        value = _EMPTY[word] if word in _EMPTY else _value_of(word, ends=ends)
        yield _LOOSE_PLACES[found[2]], value
