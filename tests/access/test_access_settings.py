"""Settings of access: what is read, and what does not fit together (R16.1)."""

import pytest

from mission_control.access.model import Auth, Scope
from mission_control.configuration.settings import load_settings
from mission_control.errors import ConfigurationError

PREFIX = "MISSION_CONTROL_"
TOKENS = {"AUTH": "tokens", "TOKENS_FILE": "/etc/tokens.yaml"}
OIDC = {"AUTH": "oidc", "OIDC_ISSUER": "https://login.example.com", "OIDC_AUDIENCE": "mc"}
TLS = {"TLS_CERTIFICATE": "/etc/tls.crt", "TLS_KEY": "/etc/tls.key"}
EVERYWHERE = {"HOST": "0.0.0.0"}  # noqa: S104
PROXY = {"BEHIND_PROXY": "10.1.2.3, 10.4.0.0/16"}


@pytest.fixture
def load(tmp_path):
    """Load settings with these variables, named without their prefix."""
    fleet = tmp_path / "fleet.yaml"
    fleet.write_text(
        "agents:\n- {agent_name: a, kind: strategy, service_dns: 'http://127.0.0.1:9'}\n"
    )

    def loaded(**given: str):
        return load_settings(
            {f"{PREFIX}{k}": v for k, v in {"FLEET_FILE": str(fleet), **given}.items()}
        )

    return loaded


@pytest.mark.parametrize(
    "given",
    [
        pytest.param({}, id="nothing, on loopback"),
        pytest.param({**TOKENS}, id="tokens on loopback"),
        pytest.param({**TOKENS, **TLS, **EVERYWHERE}, id="tokens over TLS"),
        pytest.param({**TOKENS, **PROXY, **EVERYWHERE}, id="tokens behind a proxy"),
        pytest.param({**OIDC, **TLS, **EVERYWHERE}, id="an issuer"),
        pytest.param({**OIDC, **TOKENS, "AUTH": "tokens+oidc", **TLS, **EVERYWHERE}, id="both"),
        pytest.param({**OIDC, "OIDC_ISSUER": "http://127.0.0.1:8000/realm"}, id="a local issuer"),
    ],
)
def test_what_fits_together_is_taken(load, given):
    """Off loopback readers are known, and no one reads what they send (R16.1)."""
    settings = load(**given)

    assert Auth(given.get("AUTH", "none")) is settings.auth
    assert given.get("HOST", "127.0.0.1") == settings.host
    assert "0.0.0.0" not in settings.allowed_hosts  # noqa: S104


@pytest.mark.parametrize(
    ("given", "where", "problem"),
    [
        pytest.param({**EVERYWHERE}, "HOST", "no reader would be asked", id="open"),
        pytest.param({**EVERYWHERE, **TLS}, "HOST", "no reader would be asked", id="open over TLS"),
        pytest.param(
            {**EVERYWHERE, **PROXY}, "HOST", "no reader would be asked", id="open by proxy"
        ),
        pytest.param({**EVERYWHERE, **TOKENS}, "HOST", "in plain text", id="plain text"),
        pytest.param({"AUTH": "tokens"}, "AUTH", "needs tokens_file", id="no file"),
        pytest.param({"TOKENS_FILE": "x"}, "TOKENS_FILE", "is not used", id="an unused file"),
        pytest.param(
            {"AUTH": "oidc", "OIDC_ISSUER": "https://a"}, "AUTH", "needs oidc_audience", id="aud"
        ),
        pytest.param({"OIDC_AUDIENCE": "x"}, "OIDC_AUDIENCE", "is not used", id="unused audience"),
        pytest.param({"TLS_CERTIFICATE": "x"}, "TLS_CERTIFICATE", "belong together", id="no key"),
        pytest.param({"TLS_KEY": "x"}, "TLS_KEY", "belong together", id="no certificate"),
        pytest.param({"AUTH": "token"}, "AUTH", "no way to know readers", id="auth"),
        pytest.param(
            {**OIDC, "OIDC_ISSUER": "http://login.example.com"},
            "OIDC_ISSUER",
            "is no issuer",
            id="http",
        ),
        pytest.param(
            {**OIDC, "OIDC_ISSUER": "https://me:x@a.example"},
            "OIDC_ISSUER",
            "is no issuer",
            id="user",
        ),
        pytest.param(
            {**OIDC, "OIDC_ISSUER": "https://[x"}, "OIDC_ISSUER", "is no issuer", id="host"
        ),
        pytest.param(
            {**OIDC, "OIDC_ALGORITHMS": "RS256,HS256"}, "OIDC_ALGORITHMS", "'HS256'", id="a secret"
        ),
        pytest.param({**OIDC, "OIDC_ALGORITHMS": "none"}, "OIDC_ALGORITHMS", "'none'", id="none"),
        pytest.param(
            {**OIDC, "OIDC_SCOPES": "reader"}, "OIDC_SCOPES", "gives no scope", id="words"
        ),
        pytest.param(
            {**OIDC, "OIDC_SCOPES": "x=root"}, "OIDC_SCOPES", "gives no scope", id="scope"
        ),
        pytest.param(
            {**OIDC, "OIDC_SCOPES": "x=reader,x=twin"}, "OIDC_SCOPES", "a word twice", id="twice"
        ),
        pytest.param({"BEHIND_PROXY": "proxy.local"}, "BEHIND_PROXY", "is no address", id="name"),
        pytest.param({"BEHIND_PROXY": "10.0.0.1/8"}, "BEHIND_PROXY", "is no address", id="bits"),
        pytest.param({"BEHIND_PROXY": "0.0.0.0/0"}, "BEHIND_PROXY", "believes everyone", id="all"),
        pytest.param({"RATE_LIMIT": "5"}, "RATE_LIMIT", "is no number of requests", id="rate"),
        pytest.param({"MAX_CONNECTIONS": "7"}, "MAX_CONNECTIONS", "is no number of", id="few"),
    ],
)
def test_what_protects_nothing_is_refused(load, given, where, problem):
    """One fault is one problem, which names its variable and a remedy (R16.1)."""
    with pytest.raises(ConfigurationError) as raised:
        load(**given)

    assert 1 == len(raised.value.problems)
    assert PREFIX + where == raised.value.where
    assert problem in raised.value.problem
    assert raised.value.remedy


def test_lists_are_read_in_their_order(load):
    """Proxies, algorithms and scopes are lists; each is shown as it was written."""
    settings = load(
        **OIDC, **PROXY, OIDC_ALGORITHMS="ES256, EdDSA", OIDC_SCOPES="ops=operator,all=reader"
    )

    assert ("10.1.2.3", "10.4.0.0/16") == settings.behind_proxy
    assert ("ES256", "EdDSA") == settings.oidc_algorithms
    assert (("ops", Scope.OPERATOR), ("all", Scope.READER)) == settings.oidc_scopes
    shown = settings.shown()
    assert ["10.1.2.3,10.4.0.0/16", "ES256,EdDSA", "ops=operator,all=reader", "oidc"] == [
        shown[name] for name in ("behind_proxy", "oidc_algorithms", "oidc_scopes", "auth")
    ]
