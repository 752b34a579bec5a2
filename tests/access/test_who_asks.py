"""Who asks: tokens of the file, claims of an issuer, and for whom a token asks."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest

from mission_control.access.decide import (
    NO_CREDENTIAL,
    allowed,
    credential_of,
    digest_of,
    is_evidence,
    judge_claims,
    judge_static,
    operator_of,
    scopes_for,
)
from mission_control.access.model import (
    Auth,
    IssuerRules,
    Reader,
    Refusal,
    Scope,
    StaticToken,
)

NOW = datetime(2026, 11, 30, 15, tzinfo=UTC)
AT = NOW.timestamp()
READER = frozenset({Scope.READER})
PROMETHEUS = StaticToken("prometheus", digest_of("mctl_one"), frozenset({Scope.METRICS}))
DESK = StaticToken("desk", digest_of("mctl_two"), READER, NOW + timedelta(hours=1))
KNOWN = (PROMETHEUS, DESK)
RULES = IssuerRules(
    "https://login.example.com",
    "mission-control",
    ("RS256",),
    "scope",
    {"mc.reader": Scope.READER, "mc.twin": Scope.TWIN},
)
CLAIMS = {
    "iss": "https://login.example.com",
    "aud": "mission-control",
    "sub": "u-4711",
    "exp": AT + 60,
    "iat": AT,
    "scope": "openid mc.reader",
}


def code_of(judged) -> str:
    """Return the code of a refusal; empty for a reader."""
    return judged.code if isinstance(judged, Refusal) else ""


def test_a_token_is_known_by_its_hash():
    """The token of an entry is its reader, with its scopes and its end (R16.2)."""
    assert Reader("prometheus", "token", frozenset({Scope.METRICS})) == judge_static(
        "mctl_one", KNOWN, NOW
    )
    assert Reader("desk", "token", READER, until=NOW + timedelta(hours=1)) == judge_static(
        "mctl_two", KNOWN, NOW
    )


@pytest.mark.parametrize(
    ("token", "known", "now", "code"),
    [
        pytest.param("mctl_three", KNOWN, NOW, "unknown_token", id="unknown"),
        pytest.param(PROMETHEUS.digest, KNOWN, NOW, "unknown_token", id="the hash itself"),
        pytest.param("", (), NOW, "unknown_token", id="nothing known"),
        pytest.param("mctl_two", KNOWN, NOW + timedelta(hours=1), "token_expired", id="expired"),
        pytest.param("mctl_two", (replace(DESK, revoked=True),), NOW, "token_revoked", id="gone"),
    ],
)
def test_any_other_token_is_refused(token, known, now, code):
    """One that is unknown, expired at its instant, or revoked is 401 (R16.2)."""
    judged = judge_static(token, known, now)

    assert (401, code) == (getattr(judged, "status", 0), code_of(judged))
    assert 'error="invalid_token"' in getattr(judged, "headers", {})["www-authenticate"]


@pytest.mark.parametrize(
    ("values", "told"),
    [
        pytest.param([b"Bearer abc"], "abc", id="a token"),
        pytest.param([b"bearer  abc "], "abc", id="spaces and case"),
        pytest.param([], "no_credential", id="none"),
        pytest.param([b"Basic abc"], "bad_credential", id="another scheme"),
        pytest.param([b"Bearer"], "bad_credential", id="no token"),
        pytest.param([b"Bearer \xe9"], "bad_credential", id="not ASCII"),
        pytest.param([b"Bearer a", b"Bearer b"], "bad_credential", id="two headers"),
        pytest.param([b"Bearer " + b"a" * 8193], "bad_credential", id="too long"),
    ],
)
def test_a_credential_is_one_bearer_token(values, told):
    """One Authorization header with one token is read; nothing else is guessed."""
    read = credential_of(values)

    assert told == (read.code if isinstance(read, Refusal) else read)


def test_who_sends_nothing_is_told_how():
    """Without a credential the challenge names no error (RFC 6750)."""
    assert {"www-authenticate": 'Bearer realm="mission-control"'} == NO_CREDENTIAL.headers


def test_claims_make_a_reader():
    """Who asks is the subject, and may what the words of the claim give."""
    until = NOW + timedelta(seconds=120)

    assert Reader("u-4711", "oidc", READER, until=until) == judge_claims(CLAIMS, RULES, NOW)
    named = {**CLAIMS, "preferred_username": "ada\n", "email": "a@b", "aud": ["x", RULES.audience]}
    assert Reader("u-4711", "oidc", READER, "ada\N{REPLACEMENT CHARACTER}", until=until) == (
        judge_claims(named, RULES, NOW)
    )


@pytest.mark.parametrize(
    ("changed", "code"),
    [
        pytest.param({"iss": "https://login.example.com/"}, "wrong_issuer", id="issuer"),
        pytest.param({"iss": None}, "wrong_issuer", id="no issuer"),
        pytest.param({"aud": "other"}, "wrong_audience", id="audience"),
        pytest.param({"aud": ["other"]}, "wrong_audience", id="audiences"),
        pytest.param({"aud": None}, "wrong_audience", id="no audience"),
        pytest.param({"sub": ""}, "bad_token", id="empty subject"),
        pytest.param({"sub": 7}, "bad_token", id="a number for a subject"),
        pytest.param({"exp": None}, "bad_token", id="no end"),
        pytest.param({"exp": True}, "bad_token", id="a boolean end"),
        pytest.param({"exp": 1e300}, "bad_token", id="an end beyond time"),
        pytest.param({"exp": float("nan")}, "bad_token", id="an end that is no number"),
        pytest.param({"exp": AT - 60}, "token_expired", id="expired beyond the skew"),
        pytest.param({"exp": AT - 59.9}, "", id="expired within the skew"),
        pytest.param({"nbf": AT + 60.1}, "token_not_yet_valid", id="not yet"),
        pytest.param({"nbf": AT + 60}, "", id="not yet, within the skew"),
        pytest.param({"iat": AT + 61}, "token_not_yet_valid", id="issued in the future"),
        pytest.param({"nbf": "now"}, "bad_token", id="no instant"),
    ],
)
def test_claims_are_judged_by_our_clock(changed, code):
    """Issuer, audience, subject and times must be right, the times give or take 60 s (R16.4)."""
    claims = {key: value for key, value in {**CLAIMS, **changed}.items() if value is not None}

    assert code == code_of(judge_claims(claims, RULES, NOW))


@pytest.mark.parametrize(
    ("claim", "claims", "scopes"),
    [
        pytest.param("scope", {"scope": "mc.twin  mc.reader"}, {"reader", "twin"}, id="words"),
        pytest.param("roles", {"roles": ["mc.twin", 7, "x"]}, {"twin"}, id="a list"),
        pytest.param("realm.roles", {"realm": {"roles": ["mc.twin"]}}, {"twin"}, id="below"),
        pytest.param("realm.roles", {"realm.roles": "mc.twin"}, {"twin"}, id="a dotted name"),
        pytest.param("realm.roles", {"realm": "mc.twin"}, set(), id="no part"),
        pytest.param("scope", {"scope": {"mc.twin": 1}}, set(), id="no words"),
        pytest.param("scope", {"scope": "MC.TWIN"}, set(), id="case"),
    ],
)
def test_words_of_the_claim_give_scopes(claim, claims, scopes):
    """What cannot be read gives nothing."""
    judged = judge_claims({**CLAIMS, "scope": "", **claims}, replace(RULES, scope_claim=claim), NOW)

    assert isinstance(judged, Reader)
    assert scopes == set(judged.scopes)


@pytest.mark.parametrize(
    ("path", "enough"),
    [
        ("/healthz", set()),
        ("/health", set()),
        ("/livez", set()),
        ("/ops/health", {"reader"}),
        ("/metrics", {"reader", "metrics"}),
        ("/ops/metrics", {"reader", "metrics"}),
        ("/ops/status", {"reader", "twin"}),
        ("/api/v1/posture", {"reader", "twin"}),
        ("/api/v1/posture/changes", {"reader"}),
        ("/api/v1/evidence", {"reader"}),
        ("/no/such/path", {"reader"}),
    ],
)
def test_each_path_needs_a_scope(path, enough):
    """Health is open; a path that is not listed needs the reader's scope (R16.3)."""
    assert enough == set(scopes_for(path))
    for scope in Scope:
        refusal = allowed(Reader("x", "token", frozenset({scope})), path)
        assert (refusal is None) == (not enough or scope in enough)


def test_a_refusal_says_which_scope_is_needed():
    """The 403 and its challenge name the scopes of which one suffices."""
    refusal = allowed(Reader("x", "token", frozenset({Scope.OPERATOR})), "/metrics")

    assert refusal is not None
    assert (403, "it needs the scope metrics or reader") == (refusal.status, refusal.detail)
    assert (
        'error="insufficient_scope", scope="metrics reader"' in refusal.headers["www-authenticate"]
    )


@pytest.mark.parametrize(
    ("values", "scopes", "told"),
    [
        pytest.param([b"Ada%20%C3%81lvarez"], {Scope.OPERATOR}, "Ada Álvarez", id="a name"),
        pytest.param([], {Scope.OPERATOR}, "", id="no one"),
        pytest.param([b"Eve"], {Scope.READER}, "", id="a token that may not say"),
        pytest.param([b"%FF"], {Scope.OPERATOR}, "bad_operator", id="not UTF-8"),
        pytest.param([b"a%0Ab"], {Scope.OPERATOR}, "bad_operator", id="a line break"),
        pytest.param([b" "], {Scope.OPERATOR}, "bad_operator", id="empty"),
        pytest.param([b"a" * 129], {Scope.OPERATOR}, "bad_operator", id="long"),
        pytest.param([b"a" * 1537], {Scope.OPERATOR}, "bad_operator", id="too long to decode"),
        pytest.param([b"a", b"b"], {Scope.OPERATOR}, "bad_operator", id="two"),
    ],
)
def test_the_operator_is_believed_of_those_who_may_say_it(values, scopes, told):
    """The header of a token without the scope changes nothing; an unreadable one is 400 (R16.9)."""
    read = operator_of(values, Reader("ui", "token", frozenset(scopes)))

    assert told == (read.code if isinstance(read, Refusal) else read)


@pytest.mark.parametrize(
    ("path", "is_one"),
    [
        ("/api/v1/evidence", True),
        ("/api/v1/artifacts/2026/x.md", True),
        ("/api/v1/readiness.json", True),
        ("/api/v1/replays", True),
        ("/api/v1/posture", False),
        ("/api/v1/evidences", False),
    ],
)
def test_what_was_recorded_is_evidence(path, is_one):
    """Reading what was recorded is reading evidence; the present is not (R16.8)."""
    assert is_one is is_evidence(path)


def test_each_way_of_knowing_says_what_it_accepts():
    """`tokens+oidc` accepts both, `none` neither."""
    assert [(False, False), (True, False), (False, True), (True, True)] == [
        (auth.has_tokens, auth.has_oidc) for auth in Auth
    ]
