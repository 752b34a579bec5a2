"""`alerts send-test`: a page labelled TEST to every channel that is configured."""

import json
from collections.abc import Iterator

import pytest

from tests.alertmanager import Receiver, receiving
from tests.ports import free_ports

SECRET = "T0KEN-of-the-receiver-1234567890"  # noqa: S105  (of a test)


@pytest.fixture
def hook() -> Iterator[Receiver]:
    """Run a receiver."""
    with receiving() as running:
        yield running


@pytest.fixture
def key(tmp_path):
    """Write the webhook's key."""
    file = tmp_path / "key"
    file.write_text("0123456789abcdef0123456789abcdef\n")
    return file


def variables(fleet_file, **given: object) -> dict[str, str]:
    """Return the environment with these settings."""
    named = {f"MISSION_CONTROL_{name.upper()}": str(value) for name, value in given.items()}
    return {"MISSION_CONTROL_FLEET_FILE": str(fleet_file), **named}


def test_without_a_channel_there_is_nothing_to_do(run, fleet_file):
    """It exits 5, and says where channels are explained."""
    result = run("alerts", "send-test", **variables(fleet_file))

    assert 5 == result.exit_code
    assert "docs/delivery.md" in result.stderr


def test_every_channel_is_tried_and_its_answer_shown(run, fleet_file, tmp_path, hook, key):
    """All delivered is exit 0; the page bears TEST and the severity that was asked for."""
    urls = tmp_path / "urls"
    urls.write_text(f"# chat\n\njson://127.0.0.1:{hook.port}/{SECRET}\n")
    given = variables(
        fleet_file,
        alertmanager_url=hook.url("/am"),
        alert_webhook_url=hook.url(f"/{SECRET}"),
        alert_webhook_secret_file=key,
        alert_notify_urls_file=urls,
        alert_heartbeat_url=hook.url("/ping"),
    )
    result = run("alerts", "send-test", "--severity", "p0", **given)

    assert (0, 3) == (result.exit_code, result.stdout.count("delivered  "))
    assert SECRET not in result.output
    assert {"/am/api/v2/alerts", f"/{SECRET}"} == {t.path for t in hook.told}
    (posted,) = hook.documents("/am/api/v2/alerts")
    assert ("TEST", "P0") == tuple(posted[0]["labels"][k] for k in ("alertname", "severity"))
    assert "not tried: only the server that decides" in result.stderr


def test_a_channel_that_fails_is_exit_1(run, fleet_file, hook, key):
    """The others are tried all the same; JSON has each answer."""
    given = variables(
        fleet_file,
        alertmanager_url=f"http://127.0.0.1:{free_ports(1)}",
        alert_webhook_url=hook.url("/hook"),
        alert_webhook_secret_file=key,
    )
    result = run("alerts", "send-test", "--json", **given)
    told = {c["name"]: c["delivered"] for c in json.loads(result.stdout)["channels"]}

    assert (1, {"alertmanager": False, "webhook": True}) == (result.exit_code, told)


@pytest.mark.parametrize(
    ("name", "content", "said"),
    [
        pytest.param("alert_webhook_secret_file", "short", "shorter than 16 bytes", id="short key"),
        pytest.param("alert_webhook_secret_file", None, "cannot be read", id="no key"),
        pytest.param("alert_webhook_secret_file", "x" * 70_000, "too long", id="no key at all"),
        pytest.param("alert_notify_urls_file", "# none\n", "holds 0 addresses", id="no address"),
        pytest.param(
            "alert_notify_urls_file",
            "json://fine\nnonsense-with-a-T0KEN\n",
            "urls:2: is no address that apprise knows",
            id="an unknown address",
        ),
    ],
)
def test_a_file_that_cannot_be_used_is_named(run, fleet_file, tmp_path, key, name, content, said):
    """It exits 78 with file, line and remedy, and never repeats what is in the file."""
    file = tmp_path / "urls"
    if content is not None:
        file.write_text(content)
    given = {
        "alert_webhook_url": "https://hook.example/x",
        "alert_webhook_secret_file": key,
        name: file,
    }
    result = run("alerts", "send-test", **variables(fleet_file, **given))

    assert (78, True) == (result.exit_code, said in result.stderr)
    assert "T0KEN" not in result.output


@pytest.mark.parametrize(
    ("given", "said"),
    [
        pytest.param(
            {"alert_webhook_url": "https://h/x"}, "needs alert_webhook_secret_file", id="url"
        ),
        pytest.param({"alert_webhook_secret_file": "/key"}, "needs alert_webhook_url", id="key"),
        pytest.param({"alertmanager_url": "ftp://am"}, "only http and https", id="scheme"),
        pytest.param({"alert_heartbeat_url": "https://u:T0KEN@h/"}, "user or password", id="user"),
        pytest.param({"alert_heartbeat_url": "https://h/T0KEN#x"}, "has a fragment", id="fragment"),
        pytest.param({"alert_heartbeat_url": "https://"}, "names no host", id="host"),
        pytest.param({"alert_heartbeat_url": "ping"}, "only http and https", id="no URL"),
        pytest.param({"replica": "a b"}, "is no name of a replica", id="replica"),
        pytest.param({"public_url": "https://ops/?x"}, "no query", id="query"),
    ],
)
def test_settings_that_cannot_be_used_are_refused(run, fleet_file, given, said):
    """Each is named with its remedy and exits 78; an address is never repeated."""
    result = run("config", "check", **variables(fleet_file, **given))

    assert (78, True) == (result.exit_code, said in result.stderr), result.stderr
    assert "T0KEN" not in result.output


def test_addresses_are_shown_without_their_secrets(run, fleet_file, key):
    """`config check` shows scheme and host of an address that may be a secret."""
    given = variables(
        fleet_file,
        alert_webhook_url=f"https://hook.example/services/{SECRET}",
        alert_webhook_secret_file=key,
        alert_heartbeat_url=f"https://ping.example/{SECRET}",
    )
    result = run("config", "check", **given)

    assert (0, False) == (result.exit_code, SECRET in result.output)
    assert "https://hook.example/..." in result.stdout
    assert "https://ping.example/..." in result.stdout
