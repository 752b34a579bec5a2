"""Secrets: a literal that looks like one refuses the capture, is named, and is never repeated."""

import pytest

from mission_control.last_known_good.decide.sanitise import find_secrets
from tests.last_known_good.raw_namespace import ENGINE, RawNamespace

CANARY = "hunter2-Zx81"


@pytest.fixture
def raw():
    """Return a namespace in which all is well."""
    return RawNamespace()


def variable(name, value):
    """Return a way to set a variable."""

    def hurt(raw):
        raw.container()["env"].append({"name": name, "value": value})

    return hurt


def argument(text):
    """Return a way to start a container with an argument."""

    def hurt(raw):
        raw.container()["args"] = [text]

    return hurt


def annotation(text):
    """Return a way to annotate a Service."""

    def hurt(raw):
        raw.lists["services"][0]["metadata"]["annotations"] = {"note": text}

    return hurt


def arguments(*words, command=None):
    """Return a way to start a container with several arguments, behind a command."""

    def hurt(raw):
        raw.container().update(args=list(words), **({"command": command} if command else {}))

    return hurt


def shell(line):
    """Return a way to start a container through a shell."""

    def hurt(raw):
        raw.container()["command"] = ["sh", "-c", line]

    return hurt


def annotated(key, value, kind="annotations"):
    """Return a way to annotate a workload's pods under a key."""

    def hurt(raw):
        template = raw.one("deployments", ENGINE)["spec"]["template"]
        template["metadata"].setdefault(kind, {})[key] = value

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
    pytest.param(arguments("--api-key", CANARY), f"{DEPLOYED}containers.main.args.1",
                 id="the argument after a flag"),
    pytest.param(arguments(CANARY, command=["run", "--api-key"]),
                 f"{DEPLOYED}containers.main.args.0", id="the argument after a command's flag"),
    pytest.param(shell(f"run --password {CANARY}"), f"{DEPLOYED}containers.main.command.2",
                 id="a flag in a shell's line"),
    pytest.param(shell(f"bash -c 'run --password \"{CANARY}\"'"),
                 f"{DEPLOYED}containers.main.command.2", id="a quoted flag in a shell's line"),
    pytest.param(shell(f"export SIGNING_KEY={CANARY}; run"),
                 f"{DEPLOYED}containers.main.command.2", id="assigned in a shell's line"),
    pytest.param(shell(f"SIGNING_KEY='{CANARY}' run"), f"{DEPLOYED}containers.main.command.2",
                 id="assigned with quotes"),
    pytest.param(variable("ALPACA_KEY", CANARY), f"{DEPLOYED}containers.main.env.ALPACA_KEY",
                 id="a name that ends in key"),
    pytest.param(variable("signingKey", CANARY), f"{DEPLOYED}containers.main.env.signingKey",
                 id="a name with a hump"),
    pytest.param(variable("PGPASS", CANARY), f"{DEPLOYED}containers.main.env.PGPASS",
                 id="a name that ends in pass"),
    pytest.param(variable("API_TOKEN_VERSION", CANARY),
                 f"{DEPLOYED}containers.main.env.API_TOKEN_VERSION", id="a version that is none"),
    pytest.param(variable("TOKEN_FILE", "0123456789abcdef0123456789abcdef"),
                 f"{DEPLOYED}containers.main.env.TOKEN_FILE", id="a file that looks random"),
    pytest.param(variable("X", "glpat-abcdefghij0123456789"),
                 f"{DEPLOYED}containers.main.env.X.value", id="a token of GitLab"),
    pytest.param(variable("X", "hvs.CAESIabcdefghij0123456789"),
                 f"{DEPLOYED}containers.main.env.X.value", id="a token of Vault"),
    pytest.param(variable("X", "sk_live_abcdefghij0123456789"),
                 f"{DEPLOYED}containers.main.env.X.value", id="a key of Stripe"),
    pytest.param(annotated("example.com/api-token", CANARY),
                 f"Deployment/{ENGINE}: spec.template.metadata.annotations.example.com/api-token",
                 id="an annotation by its name"),
    pytest.param(annotated("api-token", CANARY, "labels"),
                 f"Deployment/{ENGINE}: spec.template.metadata.labels.api-token",
                 id="a label by its name"),
    pytest.param(annotated("checksum/secret", CANARY),
                 f"Deployment/{ENGINE}: spec.template.metadata.annotations.checksum/secret",
                 id="a checksum that is none"),
    pytest.param(header, f"{DEPLOYED}containers.main.livenessProbe.httpGet.httpHeaders.X-Api-Key",
                 id="a header"),
    pytest.param(annotation(f'{{"password":"{CANARY}"}}'),
                 f"Service/{ENGINE}: metadata.annotations.note", id="an annotation"),
    pytest.param(safety, "ConfigMap/agenttrader-safety: data.DB_PASSWORD", id="a captured map"),
]  # fmt: skip


@pytest.mark.parametrize(("hurt", "where"), SECRETS)
def test_a_secret_refuses_the_capture_and_is_not_repeated(raw, hurt, where):
    """The message says where it is and what to do, never the value (R12.5)."""
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
        annotation("use --token to log in"),
        annotated("checksum/secret", "0f" * 32),
        annotated("secret.reloader.stakater.com/reload", "trader-secrets"),
        variable("TOKEN_VERSION", "v1.2"),
        variable("SECRET_NAME", "projects/p/secrets/ALPACA_API_KEY/versions/latest"),
        arguments("--token", "--verbose"),
        arguments("--token-file", "/var/run/token"),
        arguments("--port", "80", command=["run", "--verbose"]),
        arguments(command=["run", "--token"]),
        shell("run --password $DB_PASSWORD --token ${TOKEN} --auth $(cat /run/token)"),
        shell("PORT=80 run --verbose --port 80"),
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

    assert ["ConfigMap/x: data.token=[REDACTED]"] == list(find_secrets(item))
