"""Model: the contract's types are strict, and a broken answer is always a named violation."""

import copy
import json
from contextlib import suppress
from datetime import UTC, datetime, timedelta, timezone

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mission_control.contract.model.answer import MAX_PROBLEMS, Answer, read_answer
from mission_control.contract.model.shapes import RichStatus, clean_text, read_instant
from mission_control.errors import ContractViolation

RICH = {
    "service_name": "marketdata-mcp-server",
    "service_kind": "marketdata",
    "repo_id": "owner/agent-trader-v2",
    "git_sha": "54afffe",
    "build_id": None,
    "agent_identity": {"agent_name": "m", "agent_role": "marketdata", "agent_mode": "OBSERVE"},
    "status": {
        "state": "HALTED",
        "summary": "Halted",
        "reason_codes": ["KILL_SWITCH"],
        "last_updated_utc": "2026-03-06T15:00:07Z",
    },
    "heartbeat": {"last_heartbeat_utc": None, "age_seconds": None, "ttl_seconds": 60},
    "marketdata": {
        "last_tick_utc": "2026-03-06T15:00:01Z",
        "last_bar_utc": None,
        "stale_threshold_seconds": 120,
        "is_fresh": True,
    },
    "safety": {
        "kill_switch": True,
        "safe_to_run_strategies": False,
        "safe_to_execute_orders": False,
        "gating_reasons": ["KILL_SWITCH"],
    },
    "endpoints": None,
}

MINIMAL = {
    "uptime": 1,
    "last_heartbeat": None,
    "data_freshness_seconds": 0.5,
    "build_sha": "54afffe",
    "agent_mode": "OBSERVE",
}

HEALTH = {"ok": True, "last_tick_epoch_seconds": 1_772_809_204, "max_age_seconds": 60}
LEGACY = {"ok": True, "last_tick_epoch_seconds": 1.5, "last_tick_age_seconds": -0.5}

GONE = object()


def changed(document, field, value):
    """Return a copy of a document with one field changed, or gone."""
    copied = copy.deepcopy(document)
    *parents, last = field.split(".")
    place = copied
    for parent in parents:
        place = place[parent]
    if value is GONE:
        del place[last]
    else:
        place[last] = value
    return copied


def read(document, path="/ops/status"):
    """Read a document as the probe hands it over; NaN and Infinity are written as such."""
    body = json.dumps(document).encode()
    return read_answer(body, document, path=path, http_status=200, shown=body)


@pytest.mark.parametrize(
    ("field", "value"),
    [
        pytest.param("service_kind", "broker", id="unknown kind"),
        pytest.param("service_kind", "MARKETDATA", id="kind in capitals"),
        pytest.param("service_name", 7, id="number for a name"),
        pytest.param("service_name", None, id="null for a name"),
        pytest.param("service_name", "x" * 513, id="name without end"),
        pytest.param("git_sha", 54, id="number for a sha"),
        pytest.param("agent_identity", None, id="null for the identity"),
        pytest.param("agent_identity.agent_mode", ["OBSERVE"], id="list for a mode"),
        pytest.param("status.state", "Ok", id="state in another case"),
        pytest.param("status.state", None, id="null for a state"),
        pytest.param("status.reason_codes", "KILL_SWITCH", id="text for a list"),
        pytest.param("status.reason_codes", {"KILL_SWITCH": 1}, id="object for a list"),
        pytest.param("status.reason_codes", None, id="null for a list"),
        pytest.param("status.reason_codes", [7], id="number for a code"),
        pytest.param("status.reason_codes", ["X"] * 65, id="codes without end"),
        pytest.param("status.last_updated_utc", None, id="null for an instant"),
        pytest.param("status.last_updated_utc", 1_772_809_207, id="epoch for an instant"),
        pytest.param("status.last_updated_utc", "1772809207", id="epoch text for an instant"),
        pytest.param("status.last_updated_utc", "2026-03-06T15:00:07", id="naive instant"),
        pytest.param("status.last_updated_utc", "", id="empty instant"),
        pytest.param("heartbeat.age_seconds", -0.1, id="negative age"),
        pytest.param("heartbeat.age_seconds", float("nan"), id="age is NaN"),
        pytest.param("heartbeat.age_seconds", float("inf"), id="age is Infinity"),
        pytest.param("heartbeat.age_seconds", 10**400, id="age past every float"),
        pytest.param("heartbeat.age_seconds", "0.0", id="text for an age"),
        pytest.param("heartbeat.ttl_seconds", True, id="bool for an int"),
        pytest.param("heartbeat.ttl_seconds", 60.5, id="fraction for an int"),
        pytest.param("heartbeat.ttl_seconds", "60", id="text for an int"),
        pytest.param("heartbeat.ttl_seconds", None, id="null for an int"),
        pytest.param("marketdata", {}, id="empty marketdata"),
        pytest.param("marketdata", [], id="list for marketdata"),
        pytest.param("marketdata.is_fresh", "false", id="text for a bool"),
        pytest.param("marketdata.is_fresh", 1, id="one for a bool"),
        pytest.param("marketdata.is_fresh", 0, id="zero for a bool"),
        pytest.param("marketdata.stale_threshold_seconds", -1, id="negative threshold"),
        pytest.param("marketdata.last_tick_utc", 0, id="zero for a tick"),
        pytest.param("safety.kill_switch", "true", id="text for the kill switch"),
        pytest.param("safety.kill_switch", None, id="null for the kill switch"),
        pytest.param("safety.safe_to_execute_orders", "false", id="text for safe to execute"),
        pytest.param("safety.safe_to_execute_orders", 0, id="zero for safe to execute"),
        pytest.param("endpoints", "/healthz", id="text for endpoints"),
        pytest.param("endpoints", {"healthz": 80}, id="number for a path"),
    ],
)
def test_rich_contract_refuses_the_wrong_type(field, value):
    """
    A value of the wrong type is refused, and the violation names its field (R2.11).
    """
    with pytest.raises(ContractViolation) as caught:
        read(changed(RICH, field, value))

    assert {True} == {named.startswith(field) for named, _ in caught.value.problems}


@pytest.mark.parametrize(
    "field",
    [
        "service_name",
        "service_kind",
        "repo_id",
        "agent_identity.agent_name",
        "agent_identity.agent_role",
        "agent_identity.agent_mode",
        "status.state",
        "status.summary",
        "status.reason_codes",
        "status.last_updated_utc",
        "heartbeat.last_heartbeat_utc",
        "heartbeat.age_seconds",
        "heartbeat.ttl_seconds",
        "marketdata",
        "marketdata.last_tick_utc",
        "marketdata.stale_threshold_seconds",
        "marketdata.is_fresh",
        "safety",
        "safety.kill_switch",
        "safety.safe_to_run_strategies",
        "safety.safe_to_execute_orders",
        "safety.gating_reasons",
    ],
)
def test_rich_contract_needs_what_decisions_stand_on(field):
    """
    A required field that is absent is a violation, also where null would have been allowed.
    """
    with pytest.raises(ContractViolation) as caught:
        read(changed(RICH, field, GONE))

    assert ((field, "is missing"),) == caught.value.problems


@pytest.mark.parametrize("field", ["git_sha", "build_id", "endpoints", "marketdata.last_bar_utc"])
def test_rich_contract_does_not_need_what_decides_nothing(field):
    """
    Fields that may be null and that no decision reads may as well be absent.
    """
    assert isinstance(read(changed(RICH, field, GONE)), Answer)


@pytest.mark.parametrize(
    ("field", "value"),
    [
        pytest.param("heartbeat.age_seconds", 0, id="whole number of seconds"),
        pytest.param("heartbeat.ttl_seconds", 0, id="ttl of nothing"),
        pytest.param("marketdata", None, id="no marketdata"),
        pytest.param("marketdata.is_fresh", None, id="no tick ever"),
        pytest.param("status.reason_codes", [], id="no reasons"),
        pytest.param("git_sha", "", id="a build that is not known"),
        pytest.param("safety.safe_to_execute_orders", True, id="safe to execute"),
        pytest.param("status.last_updated_utc", "2026-03-06T10:00:07.5-05:00", id="offset"),
    ],
)
def test_rich_contract_is_no_stricter_than_the_field(field, value):
    """
    What services really answer is accepted, the dangerous included, so that it can be judged.
    """
    assert isinstance(read(changed(RICH, field, value)), Answer)


@pytest.mark.parametrize(
    ("path", "document", "field", "value"),
    [
        pytest.param("/ops/status", MINIMAL, "uptime", True, id="bool for an uptime"),
        pytest.param("/ops/status", MINIMAL, "uptime", None, id="null for an uptime"),
        pytest.param("/ops/status", MINIMAL, "uptime", -1, id="negative uptime"),
        pytest.param("/ops/status", MINIMAL, "last_heartbeat", GONE, id="no heartbeat key"),
        pytest.param("/ops/status", MINIMAL, "last_heartbeat", 1.5, id="epoch heartbeat"),
        pytest.param("/ops/status", MINIMAL, "data_freshness_seconds", GONE, id="no freshness key"),
        pytest.param("/ops/status", MINIMAL, "data_freshness_seconds", "1", id="text freshness"),
        pytest.param("/ops/status", MINIMAL, "build_sha", None, id="null sha"),
        pytest.param("/ops/status", MINIMAL, "agent_mode", GONE, id="no mode key"),
        pytest.param("/healthz", HEALTH, "ok", "false", id="text for ok"),
        pytest.param("/healthz", HEALTH, "ok", 0, id="zero for ok"),
        pytest.param("/healthz", HEALTH, "ok", None, id="null for ok"),
        pytest.param("/healthz", HEALTH, "last_tick_epoch_seconds", "1", id="text for a tick"),
        pytest.param("/healthz", HEALTH, "last_tick_epoch_seconds", False, id="bool for a tick"),
        pytest.param("/healthz", HEALTH, "last_tick_epoch_seconds", 10**400, id="endless tick"),
        pytest.param("/healthz", HEALTH, "last_tick_epoch_seconds", float("inf"), id="infinite"),
        pytest.param("/healthz", HEALTH, "max_age_seconds", float("nan"), id="limit is NaN"),
        pytest.param("/healthz", HEALTH, "forced_stale", "no", id="text for forced stale"),
        pytest.param("/healthz", LEGACY, "ok", 1, id="one for ok"),
        pytest.param("/healthz", LEGACY, "last_tick_epoch_seconds", GONE, id="no tick key"),
        pytest.param("/healthz", LEGACY, "last_tick_age_seconds", "3", id="text for an age"),
        pytest.param("/healthz", {"status": "ok"}, "status", True, id="bool for liveness"),
        pytest.param("/healthz", {"status": "ok"}, "status", {"state": "OK"}, id="object"),
        pytest.param("/healthz", {"status": "ok", "service": "a"}, "service", 1, id="service"),
    ],
)
def test_smaller_shapes_refuse_the_wrong_type(path, document, field, value):
    """
    The smaller shapes are as strict about their types as the rich one (R2.11).
    """
    with pytest.raises(ContractViolation) as caught:
        read(changed(document, field, value), path)

    assert [field] == [named for named, _ in caught.value.problems]


@pytest.mark.parametrize(
    ("text", "instant"),
    [
        pytest.param("2026-03-06T15:00:07Z", (15, 0, 7, 0), id="as the fleet writes it"),
        pytest.param("2026-03-06T15:00:07+00:00", (15, 0, 7, 0), id="offset nought"),
        pytest.param("2026-03-06T10:00:07-05:00", (15, 0, 7, 0), id="New York"),
        pytest.param("2026-03-06T15:00:07.25Z", (15, 0, 7, 250_000), id="fraction"),
        pytest.param("2026-03-06T15:00:07.123456789Z", (15, 0, 7, 123_456), id="nanoseconds"),
        pytest.param("2026-03-06t15:00:07z", (15, 0, 7, 0), id="small letters"),
    ],
)
def test_instants_are_read_as_utc(text, instant):
    """
    An RFC 3339 instant is read whatever its offset, and is UTC from then on.
    """
    read_at = read_instant(text)

    assert datetime(2026, 3, 6, *instant, tzinfo=UTC) == read_at
    assert UTC is read_at.tzinfo


@pytest.mark.parametrize(
    "text",
    [
        pytest.param("2026-03-06 15:00:07Z", id="space for the T"),
        pytest.param("2026-03-06T15:00Z", id="no seconds"),
        pytest.param("2026-03-06", id="date alone"),
        pytest.param("20260306T150007Z", id="basic form"),
        pytest.param("2026-03-06T15:00:07", id="naive"),
        pytest.param("2026-03-06T15:00:07+0100", id="offset without colon"),
        pytest.param("2026-03-06T15:00:07Z\n", id="line break"),
        pytest.param(" 2026-03-06T15:00:07Z", id="blank before"),
        pytest.param("2026-02-30T15:00:07Z", id="no such day"),
        pytest.param("2026-03-06T15:00:60Z", id="leap second"),
        pytest.param("0001-01-01T00:00:00+23:59", id="before the first year"),
        pytest.param("9999-12-31T23:59:59-23:59", id="after the last year"),
        pytest.param("٢٠٢٦-03-06T15:00:07Z", id="other digits"),
        pytest.param("1772809207", id="epoch"),
        pytest.param(datetime(2026, 3, 6, 15, 0, 7), id="naive datetime"),  # noqa: DTZ001
        pytest.param(1_772_809_207, id="number"),
        pytest.param(True, id="bool"),
    ],
)
def test_what_is_no_rfc_3339_instant_is_refused(text):
    """
    Anything that has to be guessed at is no instant.
    """
    with pytest.raises(ValueError, match="instant"):
        read_instant(text)


@given(
    st.datetimes(
        min_value=datetime(2, 1, 1),  # noqa: DTZ001  (Hypothesis wants naive bounds)
        max_value=datetime(9998, 1, 1),  # noqa: DTZ001
        timezones=st.integers(-1439, 1439).map(lambda m: timezone(timedelta(minutes=m))),
    )
)
def test_every_instant_written_by_python_is_read_back(instant):
    """
    Any aware time in ISO format is read as the same instant, as text and as itself.
    """
    assert instant == read_instant(instant.isoformat())
    assert instant == read_instant(instant)


def test_text_cannot_act_on_a_terminal_or_reorder_a_page():
    """
    Control and bidi characters in names, summaries and codes are replaced.
    """
    status = read(changed(RICH, "status.summary", "Ha\x1b[2Jlted\u202e")).status

    assert isinstance(status, RichStatus)
    assert "Ha\N{REPLACEMENT CHARACTER}[2Jlted\N{REPLACEMENT CHARACTER}" == status.status.summary
    assert "Älter, 価格" == clean_text("Älter, 価格")


def test_violation_names_fields_but_never_values():
    """
    A value that breaks the contract may be a secret, so the violation does not repeat it.
    """
    document = changed(RICH, "status.state", "hunter2")
    document = changed(document, "safety.kill_switch", "hunter2")

    with pytest.raises(ContractViolation) as caught:
        read(document)

    assert ["status.state", "safety.kill_switch"] == [field for field, _ in caught.value.problems]
    assert "hunter2" not in str(caught.value)
    assert "hunter2" not in str(caught.value.problems)
    assert str(caught.value).startswith("not a valid rich answer: status.state: ")


@pytest.mark.parametrize(
    ("value", "found"),
    [
        pytest.param(None, "found null", id="null"),
        pytest.param(True, "found true", id="true"),
        pytest.param(False, "found false", id="false"),
        pytest.param(1.5, "found a number", id="number"),
        pytest.param("ok", "found text", id="text"),
        pytest.param("", "found empty text", id="empty text"),
        pytest.param({"a": 1}, "found an object", id="object"),
        pytest.param(["a"], "found a list", id="list"),
    ],
)
def test_violation_says_what_kind_of_value_it_found(value, found):
    """
    The kind of the offending value is told, so that the remedy is plain.
    """
    with pytest.raises(ContractViolation) as caught:
        read(changed(RICH, "status.state", value))

    assert caught.value.problems[0][1].endswith(found)


def test_number_of_named_problems_is_capped():
    """
    A hostile answer cannot make the list of its own problems endless.
    """
    with pytest.raises(ContractViolation) as caught:
        read(changed(RICH, "status.reason_codes", [7] * 60))

    assert MAX_PROBLEMS == len(caught.value.problems)
    assert str(caught.value).endswith("; and 55 more")


json_values = st.recursive(
    st.none()
    | st.booleans()
    | st.integers()
    | st.integers(min_value=2**64, max_value=10**400)
    | st.floats()
    | st.text()
    | st.sampled_from(["2026-03-06T15:00:07Z", "0001-01-01T00:00:00+23:59", "OK", "1e5"]),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(), inner, max_size=4),
    max_leaves=12,
)

paths = st.sampled_from(["/ops/status", "/healthz", "/health", "/readyz"])


def reads_or_refuses(body, document, path):
    """Read an answer; anything but an answer or a violation escapes."""
    with suppress(ContractViolation):
        answer = read_answer(body, document, path=path, http_status=200, shown=b"{}")
        assert isinstance(answer, Answer)


@given(json_values, paths)
def test_any_json_is_an_answer_or_a_violation(document, path):
    """
    No JSON value makes the reader raise anything but a violation.
    """
    reads_or_refuses(json.dumps(document).encode(), document, path)


@given(
    st.sampled_from([RICH, MINIMAL, HEALTH, LEGACY]),
    st.dictionaries(st.sampled_from([*RICH, *MINIMAL, *HEALTH, *LEGACY]), json_values, max_size=3),
    paths,
)
def test_any_half_right_answer_is_an_answer_or_a_violation(document, changes, path):
    """
    No mixture of right and wrong fields makes the reader raise anything but a violation.
    """
    mixed = document | changes
    reads_or_refuses(json.dumps(mixed).encode(), mixed, path)


@given(st.sampled_from(["status", "heartbeat", "marketdata", "safety"]), st.data())
def test_any_half_right_part_is_an_answer_or_a_violation(part, data):
    """
    The same holds within the parts of the rich contract.
    """
    field = data.draw(st.sampled_from(sorted(RICH[part])))
    document = changed(RICH, f"{part}.{field}", data.draw(json_values))
    reads_or_refuses(json.dumps(document).encode(), document, "/ops/status")


@given(st.binary(max_size=64))
def test_any_bytes_are_an_answer_or_a_violation(body):
    """
    Bytes that are no JSON at all, handed over by mistake, are a violation too.
    """
    reads_or_refuses(body, {"status": "ok"}, "/healthz")


@pytest.mark.parametrize(
    "blank",
    [
        pytest.param("", id="empty"),
        pytest.param(" \t\n\u00a0\u3000", id="blanks of all sorts"),
        pytest.param("\u200b\ufeff\u2060\u202e", id="zero width"),
        pytest.param("\x00\x1b", id="controls"),
        pytest.param("\u3164\u115f\u2800\ufe0f", id="letters without a shape"),
    ],
)
@pytest.mark.parametrize(
    "field",
    [
        "service_name",
        "repo_id",
        "agent_identity.agent_name",
        "agent_identity.agent_role",
        "agent_identity.agent_mode",
        "status.summary",
    ],
)
def test_a_required_text_that_is_blank_breaks_the_contract(field, blank):
    """
    What is required and shows nothing is missing, whatever it is made of.
    """
    with pytest.raises(ContractViolation) as caught:
        read(changed(RICH, field, blank))

    assert [field] == [name for name, _ in caught.value.problems]


@pytest.mark.parametrize("name", ["-", "価", "\N{GRINNING FACE}", "a\u200b"])
def test_a_text_that_shows_something_is_not_blank(name):
    """
    Any letter, figure or sign is enough.
    """
    assert read(changed(RICH, "service_name", name)).status


def test_a_field_that_is_there_twice_breaks_the_contract():
    """
    Which of two values holds is not known; keys that the contract does not have are free.
    """
    body = json.dumps(RICH).encode()
    extra = [("status", "colour"), ("safety", "x", "y"), ("colour",)]
    twice = [*extra, ("status", "state"), ("identity", "agent_mode")]

    answer = read_answer(body, RICH, path="/ops/status", http_status=200, shown=b"", doubled=extra)
    with pytest.raises(ContractViolation) as caught:
        read_answer(body, RICH, path="/ops/status", http_status=200, shown=b"", doubled=twice)

    assert answer.status
    assert ["status.state", "identity.agent_mode"] == [f for f, _ in caught.value.problems]
    assert "status.state: is there more than once" in str(caught.value)
