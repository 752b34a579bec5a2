"""JSON as bytes, in one form only: equal documents give equal bytes."""

from typing import cast

import orjson
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


def embed_model(model: BaseModel) -> object:
    """
    Give a validated model as something that `encode_json` writes as it is.

    A service may answer with numbers that no 64 bits hold; its own library still writes them.
    """
    return orjson.Fragment(model.model_dump_json().encode())


def embed_answer(document: bytes) -> object:
    """
    Give a redacted answer as a value to be written into another document; None if it cannot be.

    It is read once more, so that no answer, whatever it holds, can break ours.
    """
    try:
        return orjson.loads(document)
    except orjson.JSONDecodeError:
        return None
