"""Settings of access: what is doubtful, or would leave open what it was to close, is refused."""

import ipaddress

import pytest

from ops_ui.access.secret_file import SecretFile, SecretUnusable
from ops_ui.access.settings import OF_OIDC, Mode
from ops_ui.setting_texts import BadSetting
from ops_ui.settings import KNOWN, load_settings

UI = "MISSION_CONTROL_UI_"
OIDC = {"AUTH": "oidc", "OIDC_ISSUER": "https://id.example", "OIDC_CLIENT_ID": "pages"}
PROXY = {"AUTH": "proxy", "TRUSTED_PROXIES": "10.0.0.7"}
ANY = {"HOST": "0.0.0.0"}  # noqa: S104  (what is refused, or allowed with sign-in)
HTTPS = "https://ops.example"


def loaded(told, public=""):
    """Load settings: the pages' own by what follows their prefix, and where they are reached."""
    environ = {UI + name: str(value) for name, value in told.items()}
    return load_settings({**environ, "MISSION_CONTROL_PUBLIC_URL": public})


def with_tls(folder, name="good", key=None):
    """Return the settings of a certificate."""
    return {
        "TLS_CERTIFICATE": folder / f"{name}.pem",
        "TLS_KEY": folder / f"{key or name}.key",
    }


@pytest.mark.parametrize(
    ("told", "public", "names", "remedy"),
    [
        (ANY, HTTPS, "HOST", "set MISSION_CONTROL_UI_AUTH to oidc or proxy"),
        ({**OIDC, **ANY}, HTTPS, "HOST", "MISSION_CONTROL_UI_TLS_CERTIFICATE"),
        ({**OIDC, **ANY, "TRUSTED_PROXIES": "10.0.0.7"}, "http://localhost", "HOST", "https://"),
        ({**PROXY, **ANY}, "", "HOST", "MISSION_CONTROL_PUBLIC_URL"),
        ({"AUTH": "basic"}, "", "AUTH", "use none, oidc or proxy"),
        ({"AUTH": "proxy"}, "", "TRUSTED_PROXIES", "whose word"),
        ({**PROXY, "TRUSTED_PROXIES": "0.0.0.0/0"}, "", "TRUSTED_PROXIES", "everyone"),
        ({**PROXY, "TRUSTED_PROXIES": "proxy.example"}, "", "TRUSTED_PROXIES", "10.0.0.0/24"),
        ({**PROXY, "TRUSTED_PROXIES": "10.0.0.7/24"}, "", "TRUSTED_PROXIES", "10.0.0.0/24"),
        ({**PROXY, "IDENTITY_HEADER": "X User"}, "", "IDENTITY_HEADER", "X-Forwarded-User"),
        ({"AUTH": "oidc", "OIDC_CLIENT_ID": "x"}, "", "OIDC_ISSUER", "address"),
        ({"AUTH": "oidc", "OIDC_ISSUER": "https://id.example"}, "", "OIDC_CLIENT_ID", "needs it"),
        ({**OIDC, "OIDC_ISSUER": "http://id.example"}, "", "OIDC_ISSUER", "https"),
        ({**OIDC, "OIDC_ISSUER": "https://u:p@id.example"}, "", "OIDC_ISSUER", "plain"),
        ({**OIDC, "OIDC_ISSUER": "https://id.example:0"}, "", "OIDC_ISSUER", "plain"),
        ({**OIDC, "OIDC_ISSUER": "https://id.example:x"}, "", "OIDC_ISSUER", "plain"),
        ({**OIDC, "OIDC_SCOPES": "profile"}, "", "OIDC_SCOPES", "openid"),
        ({**OIDC, "OIDC_NAME_CLAIM": "a b"}, "", "OIDC_NAME_CLAIM", "claim"),
        ({**OIDC, "OIDC_CLIENT_SECRET_FILE": "/nowhere"}, "", "OIDC_CLIENT_SECRET_FILE", "read"),
        (OIDC, "http://ops.example", "MISSION_CONTROL_PUBLIC_URL", "https"),
        (OIDC, "https://ops.example/pages", "MISSION_CONTROL_PUBLIC_URL", "path"),
        ({"OIDC_ISSUER": "https://id.example"}, "", "OIDC_ISSUER", "AUTH is oidc"),
        ({**PROXY, "COOKIE_KEY_FILE": "x"}, "", "COOKIE_KEY_FILE", "AUTH is oidc"),
        ({**OIDC, "IDENTITY_HEADER": "X-User"}, "", "IDENTITY_HEADER", "AUTH is proxy"),
        ({"OUTH": "oidc"}, "", "OUTH", "did you mean MISSION_CONTROL_UI_AUTH?"),
        ({"ZZZZZZZZZZZZZZZZZZZZZ": "1"}, "", "ZZZZ", "docs/settings.md"),
        ({"API_TOKEN_FILE": "/nowhere"}, "", "API_TOKEN_FILE", "No such file"),
        ({"API_TOKEN_FILE": "\0"}, "", "API_TOKEN_FILE", "no path"),
        ({"CA_FILE": "/nowhere"}, "", "CA_FILE", "No such file"),
    ],
)
def test_what_is_doubtful_is_refused(told, public, names, remedy):
    """R16.20: off loopback without sign-in or TLS, and what means nothing, exits 78 by its name."""
    with pytest.raises(BadSetting) as refused:
        loaded(told, public)

    assert names in str(refused.value).partition(": ")[0]
    assert remedy in str(refused.value)


def test_what_is_safe_is_taken(certificates, tmp_path):
    """R16.20: off loopback with sign-in, and with TLS of our own or of a proxy."""
    (tmp_path / "key").write_text("k" * 40)
    (tmp_path / "token").write_text("t")
    own = loaded(
        {**OIDC, **ANY, **with_tls(certificates), "PORT": 8443}, "https://ops.example:8443"
    )
    assert ("https://ops.example:8443", True, False) == (
        own.access.public,
        own.access.secure,
        own.access.only_proxies,
    )
    assert "ops.example" in own.allowed_hosts
    behind = loaded({**OIDC, **ANY, "TRUSTED_PROXIES": "10.0.0.7"}, HTTPS)
    assert (True, True) == (behind.access.secure, behind.access.only_proxies)
    proxy = loaded({**PROXY, **ANY}, HTTPS)
    assert (Mode.PROXY, (ipaddress.ip_network("10.0.0.7"),)) == (
        proxy.access.mode,
        proxy.access.proxies,
    )
    kept = loaded(
        {
            **OIDC,
            "HOST": "::1",
            "COOKIE_KEY_FILE": tmp_path / "key",
            "API_TOKEN_FILE": tmp_path / "token",
            "CA_FILE": certificates / "good.pem",
            "OIDC_CLIENT_SECRET_FILE": tmp_path / "token",
            "OIDC_GROUPS": "ops, floor ",
        }
    )
    assert ("http://[::1]:8090", "k" * 40) == (kept.access.public, kept.access.cookie_key)
    assert kept.access.oidc is not None
    assert {"ops", "floor"} == kept.access.oidc.groups
    near = loaded({**with_tls(certificates), "HOST": "localhost"})
    assert "https://localhost:8090" == near.access.public
    assert "kkkk" not in repr(kept)


@pytest.mark.parametrize(
    ("name", "key", "said"),
    [
        ("old", None, "it expired on "),
        ("future", None, "it is not valid before "),
        ("good", "newer", "it cannot be used with"),
    ],
)
def test_a_certificate_that_cannot_be_served_is_named(certificates, name, key, said):
    """R16.20: expired, of the future, or of another key: the file is named, before the start."""
    with pytest.raises(BadSetting, match=rf"UI_TLS_CERTIFICATE: .*{name}\.pem: {said}"):
        loaded(with_tls(certificates, name, key))


def test_a_certificate_needs_its_key(certificates, tmp_path):
    """R16.20: a certificate without a key, and what is no certificate, are refused by name."""
    with pytest.raises(BadSetting, match="UI_TLS_KEY"):
        loaded({"TLS_CERTIFICATE": certificates / "good.pem"})
    with pytest.raises(BadSetting, match="UI_TLS_CERTIFICATE"):
        loaded({"TLS_KEY": certificates / "good.key"})
    (tmp_path / "x.pem").write_text("no certificate")
    with pytest.raises(BadSetting, match="UI_TLS_CERTIFICATE"):
        loaded({"TLS_CERTIFICATE": tmp_path / "x.pem", "TLS_KEY": certificates / "good.key"})


@pytest.mark.parametrize(
    ("content", "said"),
    [(b"", "0 characters"), (b"a\nb", "one line"), (b"\xc3\xa9", "ASCII"), (b"x" * 20000, "16385")],
)
def test_a_secret_is_one_line(tmp_path, content, said):
    """R16.16: what is no secret is refused by its file, and never repeated."""
    path = tmp_path / "secret"
    path.write_bytes(content)
    with pytest.raises(SecretUnusable, match=said) as refused:
        SecretFile(path).read()

    assert str(path) in str(refused.value)
    assert len(str(refused.value)) < 300


def test_the_pages_variables_are_known_to_both():
    """`serve --with-ui` passes on what the pages read, and takes none of it for a mistyped one."""
    from mission_control.configuration.settings import PAGES_VARIABLES  # noqa: PLC0415

    of_both = {f"{UI}PORT"}
    assert KNOWN == {v for v in PAGES_VARIABLES if v.startswith(UI)} | of_both
    assert 6 == len(OF_OIDC)
