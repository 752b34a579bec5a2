"""Canonical JSON: one form for equal documents, and the label that is added to it."""

from pydantic import BaseModel

from mission_control.documents.canonical_json import embed_answer, embed_model, encode_json


class Answer(BaseModel):
    """A model with a number beyond 64 bits."""

    ticks: int


def test_keys_are_sorted():
    """Equal documents have equal bytes, however their keys were written."""
    assert b'{"a":{"c":1,"d":2},"b":3}' == encode_json({"b": 3, "a": {"d": 2, "c": 1}})


def test_a_label_is_added_once():
    """A label is in the document that is written, also where it was there already; else none."""
    document = {"z": 1}

    assert b'{"label":"DEMO","z":1}' == encode_json(document, "DEMO")
    assert b'{"label":"DEMO","z":1}' == encode_json({**document, "label": "DEMO"}, "DEMO")
    assert {"z": 1} == document
    assert b"[1]" == encode_json([1])


def test_answers_are_embedded_where_they_are_json():
    """An answer of any numbers is embedded; what is no JSON is None."""
    assert b'{"a":{"ticks":100000000000000000000}}' == encode_json(
        {"a": embed_model(Answer(ticks=10**20))}
    )
    assert {"a": 1} == embed_answer(b'{"a":1}')
    assert embed_answer(b"{") is None
