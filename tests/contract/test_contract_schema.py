"""Present: the contract's JSON Schema says what the reader of answers really does."""

import copy
import json
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mission_control.contract.model.answer import read_answer
from mission_control.contract.model.shapes import RichStatus
from mission_control.contract.present import ops_status_schema
from mission_control.errors import ContractViolation
from tests.contract.schema_reader import satisfies

GOLDEN = Path(__file__).parents[1] / "golden" / "ops-status.schema.json"
SCHEMA = json.loads(json.dumps(ops_status_schema()))
EXAMPLE = SCHEMA["examples"][0]


def readable(document):
    """Return whether the reader of answers takes a document for the rich contract."""
    body = json.dumps(document).encode()
    try:
        answer = read_answer(body, document, path="/ops/status", http_status=200, shown=body)
    except ContractViolation:
        return False
    return isinstance(answer.status, RichStatus)


def changed(field, value):
    """Return the example with one field changed."""
    copied = copy.deepcopy(EXAMPLE)
    *parents, last = field.split(".")
    place = copied
    for parent in parents:
        place = place[parent]
    place[last] = value
    return copied


def test_schema_is_the_one_that_was_published():
    """
    The schema equals its golden copy: a change of the contract is seen before it is made.
    """
    text = json.dumps(SCHEMA, indent=2, sort_keys=True, ensure_ascii=False) + "\n"

    assert GOLDEN.read_text(encoding="utf-8") == text


def test_schema_names_itself_and_its_dialect():
    """
    The schema carries its identity, dialect, title and description.
    """
    assert "https://json-schema.org/draft/2020-12/schema" == SCHEMA["$schema"]
    assert "urn:mission-control:ops-status:1" == SCHEMA["$id"]
    assert SCHEMA["title"]
    assert SCHEMA["description"]


def test_schema_lists_what_is_required_and_allowed():
    """
    Required parts, kinds and states are in the schema as the contract lists them.
    """
    assert {
        "service_name",
        "service_kind",
        "repo_id",
        "agent_identity",
        "status",
        "heartbeat",
        "marketdata",
        "safety",
    } == set(SCHEMA["required"])
    assert ["marketdata", "strategy", "execution", "ingest", "ops"] == (
        SCHEMA["$defs"]["Kind"]["enum"]
    )
    assert ["OK", "DEGRADED", "HALTED", "MARKET_CLOSED", "OFFLINE", "UNKNOWN"] == (
        SCHEMA["$defs"]["ServiceState"]["enum"]
    )
    assert "boolean" == SCHEMA["$defs"]["Safety"]["properties"]["kill_switch"]["type"]


def test_every_field_of_the_contract_is_described():
    """
    No field of the contract is left without a sentence that says what it holds.
    """
    parts = [SCHEMA, *(part for part in SCHEMA["$defs"].values() if "properties" in part)]
    for part in parts:
        assert part["description"]
        for name, field in part["properties"].items():
            assert "description" in field or "$ref" in field, name


def test_example_satisfies_schema_and_reader():
    """
    The example that the schema shows is a valid answer.
    """
    assert satisfies(EXAMPLE, SCHEMA, SCHEMA)
    assert readable(EXAMPLE)


@pytest.mark.parametrize(
    ("field", "value"),
    [
        pytest.param("service_kind", "broker", id="unknown kind"),
        pytest.param("marketdata", None, id="strategy without marketdata"),
        pytest.param("status.state", "Ok", id="state in another case"),
        pytest.param("status.last_updated_utc", "1772809207", id="epoch text"),
        pytest.param("status.last_updated_utc", "2026-03-06T15:00:07", id="naive instant"),
        pytest.param("safety.kill_switch", "true", id="text for a bool"),
        pytest.param("safety.gating_reasons", None, id="null for a list"),
        pytest.param("heartbeat.age_seconds", -1, id="negative age"),
        pytest.param("heartbeat.ttl_seconds", True, id="bool for an int"),
    ],
)
def test_schema_refuses_broken_answers(field, value):
    """
    What breaks the contract does not satisfy the schema.
    """
    assert not satisfies(changed(field, value), SCHEMA, SCHEMA)


def test_ingest_satisfies_the_schema_without_marketdata():
    """
    Only the kinds that are fed must report marketdata.
    """
    document = changed("marketdata", None) | {"service_kind": "ingest"}

    assert satisfies(document, SCHEMA, SCHEMA)


leaves = [
    f"{part}.{field}"
    for part, inner in EXAMPLE.items()
    if isinstance(inner, dict)
    for field in inner
] + list(EXAMPLE)
plain_values = [None, True, False, 0, 7, -1, 0.5, -0.5, "", "x", "OK", "strategy", "x" * 513]
instants = ["2026-03-06T15:00:07Z", "2026-03-06T15:00:07+01:00", "2026-03-06 15:00:07Z"]
lists = [[], ["A"], [1], ["A"] * 65]
objects = [{}, {"state": "OK"}, {"healthz": "/healthz"}, {"healthz": 1}]
values = st.sampled_from([*plain_values, *instants, *lists, *objects])


@given(st.sampled_from(leaves), values)
def test_schema_and_reader_agree(field, value):
    """
    The reader takes exactly what the schema allows, but for the rule that only judges kinds.
    """
    document = changed(field, value)
    schema = {name: content for name, content in SCHEMA.items() if name != "allOf"}

    assert readable(document) is satisfies(document, schema, SCHEMA)
