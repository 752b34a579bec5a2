"""Secrets: a literal that looks like one refuses the capture, is named, and is never repeated."""

import pytest

from mission_control.decide.lkg.secret_literals import find_secrets
from tests.decide.lkg.raw_namespace import ENGINE, RawNamespace

CANARY = "hunter2-Zx81"


@pytest.fixture
def raw():
    """Give a namespace in which all is well."""
    return RawNamespace()


def variable(name, value):
    """Give a way to set a variable."""

    def hurt(raw):
        raw.container()["env"].append({"name": name, "value": value})

    return hurt


def argument(text):
    """Give a way to start a container with an argument."""

    def hurt(raw):
        raw.container()["args"] = [text]

    return hurt


def annotation(text):
    """Give a way to annotate a Service."""

    def hurt(raw):
        raw.lists["services"][0]["metadata"]["annotations"] = {"note": text}

    return hurt


def safety(raw):
    """Put a password into the safety map."""
    raw.one("configmaps", "agenttrader-safety")["data"]["DB_PASSWORD"] = CANARY


def header(raw):
    """Put a key into a probe's headers."""
    headers = [{"name": "X-Api-Key", "value": CANARY}]
    raw.container()["livenessProbe"] = {"httpGet": {"path": "/", "httpHeaders": headers}}


def init(raw):
    """Put a token into what runs first."""
    spec = raw.one("deployments", ENGINE)["spec"]["template"]["spec"]
    spec["initContainers"][0]["env"] = [{"name": "TOKEN", "value": CANARY}]


DEPLOYED = f"Deployment/{ENGINE}: spec.template.spec."
SECRETS = [
    pytest.param(variable("DB_PASSWORD", CANARY), f"{DEPLOYED}containers.main.env.DB_PASSWORD",
                 id="a variable by its name"),
    pytest.param(variable("TOKEN_URL", f"https://x:{CANARY}@host/"),
                 f"{DEPLOYED}containers.main.env.TOKEN_URL", id="a password in an address"),
    pytest.param(variable("PLAIN", "AKIAIOSFODNN7EXAMPLE"),
                 f"{DEPLOYED}containers.main.env.PLAIN.value", id="a variable by its value"),
    pytest.param(variable("API_KEY", "/x"), f"{DEPLOYED}containers.main.env.API_KEY",
                 id="too short for a path"),
    pytest.param(init, f"{DEPLOYED}initContainers.check.env.TOKEN", id="in an init container"),
    pytest.param(argument(f"--api-key={CANARY}"), f"{DEPLOYED}containers.main.args.0",
                 id="a flag by its name"),
    pytest.param(argument(f"export API_KEY={CANARY}"), f"{DEPLOYED}containers.main.args.0",
                 id="a command"),
    pytest.param(argument(f"--url=postgres://u:{CANARY}@h/d"), f"{DEPLOYED}containers.main.args.0",
                 id="a flag by its value"),
    pytest.param(header, f"{DEPLOYED}containers.main.livenessProbe.httpGet.httpHeaders.X-Api-Key",
                 id="a header"),
    pytest.param(annotation(f'{{"password":"{CANARY}"}}'),
                 f"Service/{ENGINE}: metadata.annotations.note", id="an annotation"),
    pytest.param(safety, "ConfigMap/agenttrader-safety: data.DB_PASSWORD", id="a captured map"),
]  # fmt: skip


@pytest.mark.parametrize(("hurt", "where"), SECRETS)
def test_a_secret_refuses_the_capture_and_is_not_repeated(raw, hurt, where):
    """It is told where it stands, and what to do; never what it is."""
    hurt(raw)
    told = raw.refusal()

    assert f"{where} looks like a secret" in told
    assert CANARY not in told
    assert "AKIA" not in told


@pytest.mark.parametrize(
    "hurt",
    [
        variable("GOOGLE_APPLICATION_CREDENTIALS", "/var/secrets/google/key.json"),
        variable("TOKEN_FILE", "token"),
        variable("SECRET_NAME", "trader-secrets"),
        variable("TOKEN_TTL_SECONDS", "3600"),
        variable("AUTH_ENABLED", "yes"),
        variable("AUTH", "true"),
        variable("API_KEY", ""),
        variable("API_KEY", "$(FROM_ELSEWHERE)"),
        variable("URL", "postgres://$(DB_USER):$(DB_PASSWORD)@host/db"),
        argument("--password=$(DB_PASSWORD)"),
        argument("--service-account-token-path=/var/run/token"),
        annotation("checksum/secret is not here"),
    ],
)
def test_what_only_tells_of_a_secret_is_harmless(raw, hurt):
    """Paths, names, references and switches are not the secret itself."""
    hurt(raw)

    assert raw.capture()


def test_a_secret_reference_is_no_literal(raw):
    """Where a variable comes from may be captured: a name and a key."""
    ref = {"secretKeyRef": {"name": "trader-secrets", "key": "APCA_API_KEY_ID"}}
    raw.container()["env"].append({"name": "APCA_API_KEY_ID", "valueFrom": ref})

    assert raw.capture()


def test_a_key_that_is_a_secret_is_not_repeated_either():
    """What is said of the place is redacted as everything else is."""
    item = {"kind": "ConfigMap", "metadata": {"name": "x"},
            "data": {"token=abcdefghij": "AKIAIOSFODNN7EXAMPLE"}}  # fmt: skip

    assert ["ConfigMap/x: data.[REDACTED]"] == list(find_secrets(item))
