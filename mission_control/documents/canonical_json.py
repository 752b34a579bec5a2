"""JSON as bytes, in one form only: equal documents have equal bytes."""

from typing import TYPE_CHECKING, cast

import orjson

if TYPE_CHECKING:
    from pydantic import BaseModel


def encode_json(document: object, label: str = "") -> bytes:
    """
    Write a document as compact JSON with sorted keys.

    A label (`DEMO`, `AS OF ...`) is added to the document here, and nowhere else.
    """
    return orjson.dumps(add_label(document, label), option=orjson.OPT_SORT_KEYS)


def add_label(document: object, label: str) -> object:
    """Return the document with its label; the document itself where there is none to add."""
    return {**cast("dict[str, object]", document), "label": label} if label else document


def embed_model(model: "BaseModel") -> object:
    """
    Return a validated model as a fragment that `encode_json` writes unchanged.

    A service may answer with numbers beyond 64 bits, which pydantic still writes.
    """
    return orjson.Fragment(model.model_dump_json().encode())


def embed_answer(document: bytes) -> object:
    """
    Return a redacted answer as a value of another document; None if it is no JSON.

    It is parsed once more, so that no answer can break ours.
    """
    try:
        return orjson.loads(document)
    except orjson.JSONDecodeError:
        return None
