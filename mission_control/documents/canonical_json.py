"""JSON as bytes, in one form only: equal documents give equal bytes (house rule 14)."""

from typing import TypeVar

import orjson
from pydantic import BaseModel

T = TypeVar("T")


def encode_json(document: object) -> bytes:
    """Write a document as compact JSON with sorted keys."""
    return orjson.dumps(document, option=orjson.OPT_SORT_KEYS)


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
