"""The operator that a request is answered for, and what is asked for no one in particular."""

import unicodedata
from contextvars import Context, ContextVar, copy_context
from dataclasses import dataclass
from urllib.parse import quote

MAX_NAME = 128
"""Characters of a name that are kept."""


@dataclass(frozen=True, slots=True)
class Operator:
    """
    Who is signed in.

    `name` is what people and logs call them, `subject` the issuer's own identifier (empty from a
    proxy). `may_sign_out` says that these pages keep the session, and can end it.
    """

    name: str
    subject: str = ""
    may_sign_out: bool = False


SIGNED_IN: ContextVar[Operator | None] = ContextVar("SIGNED_IN", default=None)
"""Whom the present request is answered for; None where no one signs in."""


def for_all() -> Context:
    """Return a context for what one asks and many are shown: it is asked in no one's name."""
    context = copy_context()
    context.run(SIGNED_IN.set, None)
    return context


def clean_name(text: str) -> str:
    """
    Return a name as it may be shown, logged and sent on; empty where nothing is left.

    Line ends, control characters and those that reorder text are taken out: none can begin a
    header, a line of a log or another name.
    """
    plain = "".join(" " if unicodedata.category(c)[0] in "CZ" else c for c in text)
    return " ".join(plain.split())[:MAX_NAME].strip()


def name_in_header(name: str) -> str:
    """Return a name as a header can hold it: UTF-8, percent-encoded."""
    return quote(name, safe="")
