"""Observe: no secret passes, and nothing else is lost."""

import time

import orjson
import pytest
from hypothesis import given
from hypothesis import strategies as st

from mission_control.redaction.redact import (
    MASK,
    excerpt,
    is_secret_key,
    looks_harmless,
    redact_document,
    redact_text,
)
from tests.floor.floor_of_values import NOW, STRATEGY, rich

JWT = "eyJhbGciOiJIUzI1NiJ9.eyJzdWIiOiJjYW5hcnkifQ.c2lnbmF0dXJlY2FuYXJ5"
PEM = "-----BEGIN RSA PRIVATE KEY-----\nCANARYCANARY\n-----END RSA PRIVATE KEY-----"
BY_FORM = {
    "bearer": ("Authorization: Bearer canaryCANARY12345", "canaryCANARY12345"),
    "basic": ("basic Y2FuYXJ5OmNhbmFyeQ==", "Y2FuYXJ5OmNhbmFyeQ=="),
    "jwt": (f"got {JWT} from", JWT),
    "url": ("postgresql://ops:canary@db/x", "canary"),
    "pem": (PEM, "CANARYCANARY"),
    "cut pem": (PEM[:45], "CANARY"),
    "end of a pem": ("CANARYCANARYCANARYCA\n-----END EC PRIVATE KEY-----", "CANARYCANARY"),
    "aws": ("id AKIACANARYCANARYCANA", "AKIACANARYCANARYCANA"),
    "google": ("AIza" + "C" * 35, "C" * 35),
    "github": ("ghp_" + "c" * 36, "c" * 36),
    "cookie": ("Cookie: session=canary; a=b", "canary"),
    "query": ("GET /x?api_key=canary&b=1", "canary"),
    "odd url": ("redis://ops:p@canary@db/0", "canary"),
    "aws assignment": ("aws_secret_access_key=canary1234", "canary"),
    "password": ("password=canary, retrying", "canary"),
    "slack": ("https://hooks.slack.com/services/T0/B0/canaryCANARY", "canaryCANARY"),
    "key in a URL": ("https://canary0canary@o1.ingest.example/1", "canary0canary"),
    "encoded pem": ("LS0tLS1CRUdJTiBFQyBQUklWQVRFcanary", "canary"),
    "encoded pem over lines": (f"LS0tLS1CRUdJTi\n  {'canary' * 8}\n", "canary"),
    "named key": ("SIGNING_KEY=canary, retrying", "canary"),
}
KEYS = [
    "api_key", "apiKey", "API-KEY", "secret", "client_secret", "token", "accessToken",
    "authorization", "password", "passwd", "private_key", "privateKey", "private-key",
    "firebase_key", "cookie", "bearer", "key_id",
    "ENCRYPTION_KEY", "SIGNING_KEY", "MASTER_KEY", "ALPACA_KEY", "PRIVATE", "tls.key", "signingKey",
    "db_pass", "x-auth", "APCA_API_KEY_ID", "credential", "credentials",
]  # fmt: skip


@pytest.mark.parametrize(("text", "canary"), BY_FORM.values(), ids=BY_FORM)
def test_a_secret_is_known_by_its_form(text, canary):
    """A secret is masked by its form in any place, and its surroundings do not hide it (R10.4)."""
    document = {"note": text, "list": [{"deep": text}], text[:60]: 1}

    assert canary not in redact_text(text)
    assert canary not in orjson.dumps(redact_document(document["list"])).decode()
    assert canary not in excerpt(text.encode())
    assert not looks_harmless(orjson.dumps({"note": text}))


@pytest.mark.parametrize("key", KEYS)
def test_a_secret_is_known_by_its_key(key):
    """
    A secret is masked by its key, however that is spelled, in documents and in excerpts (R10.4).
    """
    document = {key: "canary", "inner": {key: ["canary"], "x": {key: {"y": "canary"}}}}

    shown = orjson.dumps(redact_document(document)).decode()

    assert "canary" not in shown
    assert shown.count(MASK) == 3
    assert "canary" not in excerpt(orjson.dumps(document))
    assert not looks_harmless(orjson.dumps(document))


def test_a_cut_does_not_bare_half_a_secret():
    """An excerpt is redacted before it is cut."""
    body = b"x" * 190 + b" password=canarycanarycanary"

    assert "canary" not in excerpt(body)


@pytest.mark.parametrize("key", ["max_tokens", "token_count", "status", "repo_id", "monkeys"])
def test_harmless_keys_are_kept(key):
    """Keys that only sound like secrets keep their values."""
    assert not is_secret_key(key) or key == "monkeys"


def test_a_healthy_answer_is_untouched():
    """A rich answer holds nothing to redact, and one pass over its bytes knows that."""
    document = rich(STRATEGY, NOW)

    assert document == redact_document(document)
    assert looks_harmless(orjson.dumps(document))


@pytest.mark.parametrize(
    "key",
    [
        "primary_key", "public_key", "publicKey", "topologyKey", "configMapKeyRef", "key_levels",
        "cache_key", "partitionKey", "private_ip", "privateSubnets", "key_file", "keys", "hockey",
    ],
)  # fmt: skip
def test_a_key_that_opens_nothing_is_none(key):
    """A word that is secret elsewhere is not, in names that are known to hold no secret."""
    assert not is_secret_key(key)


@pytest.mark.parametrize(
    "key",
    ["public_key_signing_key", "key_id", "private_key_file", "SERVICE_PRIVATE", "ALPACA_KEY_2"],
)
def test_a_harmless_part_excuses_nothing_else(key):
    """What is left of a name beside its harmless part counts."""
    assert is_secret_key(key)


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(), inner, max_size=4),
    max_leaves=12,
)


@given(JSON)
def test_redaction_is_total_and_settles(document):
    """Redaction accepts any document, and redacting again changes nothing."""
    once = redact_document(document)

    assert once == redact_document(once)


@given(st.binary(max_size=4000))
def test_excerpts_are_always_short_and_printable(body):
    """Whatever the bytes, an excerpt is at most 200 printable characters."""
    shown = excerpt(body)

    assert len(shown) <= 200
    assert shown.isprintable()


def test_no_text_makes_redaction_slow():
    """A text made to be slow costs no more than ten times a harmless one of its size."""
    harmless = "the quick brown fox " * 3200
    costs = []
    for text in (
        harmless,
        "eyJaaaaaaaaa-" * 4900,
        "api_key-" * 8000,
        "://a:" * 12800,
        "https://" + "a" * 64000,
        "LS0tLS1CRUdJTi\n" * 4200,
        "key_private_" * 5300,
        "QUJDREVGR0hJSktM\n" * 3700,
    ):
        began = time.process_time()
        redact_text(text)
        costs.append(time.process_time() - began)

    assert max(costs) < 10 * costs[0] + 0.2
