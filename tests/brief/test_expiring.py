"""What expires by its own file: authorities and tokens, and what is out of sight is named."""

import base64
import os
from dataclasses import replace
from datetime import UTC, datetime

import orjson
import pytest

from mission_control.brief import expiring
from mission_control.brief.expiring import ExpiryReader, find_expiring
from mission_control.model.fleet import Fleet, TlsFiles
from tests.floor.cluster_of_values import ACCESS
from tests.floor.floor_of_values import FLEET, GAMMA, STRATEGY

pytestmark = pytest.mark.anyio
ENDS = datetime(2036, 11, 27, 17, 56, 56, tzinfo=UTC)
AUTHORITY = """\
-----BEGIN CERTIFICATE-----
MIIBhjCCAS2gAwIBAgIUf4qdWZMaKMDB03/c+xhdrXpLCPQwCgYIKoZIzj0EAwIw
GTEXMBUGA1UEAwwOdGVzdC1hdXRob3JpdHkwHhcNMjYxMTMwMTc1NjU2WhcNMzYx
MTI3MTc1NjU2WjAZMRcwFQYDVQQDDA50ZXN0LWF1dGhvcml0eTBZMBMGByqGSM49
AgEGCCqGSM49AwEHA0IABNDyy4DWbnT8DRkJClf+yuteGpNPSORhf8z/ZbyU2dlU
pfqW4o3JmOES8lKI0dadFkR+yxc3p9nTV+N36wmIm7KjUzBRMB0GA1UdDgQWBBTt
rdmOBavrwTPbtrsuy4l3sRoLbDAfBgNVHSMEGDAWgBTtrdmOBavrwTPbtrsuy4l3
sRoLbDAPBgNVHRMBAf8EBTADAQH/MAoGCCqGSM49BAMCA0cAMEQCIG5nFCztLXy+
74tRKiporBRus0o7CZMAcJc5Sx/R5aAGAiAHYrpnwQR5AXZV2rNkFtmHCuptUFr6
0kRF/2qmH+s4kQ==
-----END CERTIFICATE-----
"""
"""A public certificate, whose key is nowhere."""


def token(claims):
    """Return an unsigned token with these claims."""
    parts = (base64.urlsafe_b64encode(orjson.dumps(p)).decode().rstrip("=") for p in ({}, claims))
    return f"{'.'.join(parts)}.x"


def fleet(*agents):
    """Return a fleet of these."""
    return Fleet(agents, "0" * 64, "x")


async def test_an_authority_and_a_token_end_when_they_say(tmp_path):
    """Each file is read once and named with its service, and nothing of it is shown."""
    ca, bearer = tmp_path / "ca.pem", tmp_path / "token"
    ca.write_text(AUTHORITY)
    bearer.write_text(token({"exp": 1_800_000_000, "sub": "secret-subject"}))
    one = replace(
        STRATEGY,
        service_dns="https://strategy",
        tls=TlsFiles(str(ca), "client.pem", "client.key"),
        bearer_token_file=str(bearer),
    )
    other = replace(GAMMA, tls=TlsFiles(str(ca)))
    found = await ExpiryReader().read(fleet(one, other))

    assert [
        "The authority in ca.pem (strategy-engine and 1 more)",
        "The bearer token in token (strategy-engine)",
    ] == [e.what for e in found.expiring]
    assert ENDS == found.expiring[0].at
    assert datetime.fromtimestamp(1_800_000_000, UTC) == found.expiring[1].at
    assert (
        "the certificates that https services show (1)",
        "our client certificates (1)",
    ) == found.unread
    assert "secret-subject" not in str(found)


@pytest.mark.parametrize(
    ("content", "why"),
    [
        pytest.param(None, "FileNotFoundError", id="gone"),
        pytest.param("no certificate", "SSLError", id="garbage"),
        pytest.param("\u00fc", "UnicodeDecodeError", id="no text"),
    ],
)
def test_a_file_that_cannot_be_read_is_named(tmp_path, content, why):
    """R15.22: It is not left out as if it never ended."""
    ca = tmp_path / "ca.pem"
    if content is not None:
        ca.write_text(content)
    found = find_expiring(fleet(replace(STRATEGY, tls=TlsFiles(str(ca)))))

    assert ((), (f"the authority in ca.pem (strategy-engine): {why}",)) == found


def test_a_token_that_does_not_say_is_named(tmp_path):
    """An opaque token has no end that could be told."""
    (tmp_path / "token").write_text("opaque")
    agent = replace(STRATEGY, bearer_token_file=str(tmp_path / "token"))

    assert ("the bearer token in token (strategy-engine): it does not say",) == (
        find_expiring(fleet(agent)).unread
    )


def test_a_fleet_without_files_has_nothing_to_expire_but_its_access():
    """Where a cluster is read, its credentials are out of sight."""
    assert ((), ()) == find_expiring(FLEET)
    assert ((), ("the cluster's credentials",)) == find_expiring(replace(FLEET, access=ACCESS))


async def test_files_that_hang_are_not_read(tmp_path, monkeypatch):
    """R15.22: The brief waits for no mount that hangs."""
    monkeypatch.setattr(expiring, "SECONDS", 0.05)
    begun, until = os.pipe()
    monkeypatch.setattr(expiring, "find_expiring", lambda _: os.read(begun, 1))
    try:
        found = await ExpiryReader().read(replace(FLEET, access=ACCESS))
    finally:
        os.write(until, b"x")

    assert "takes over 0.05 s" in found.unread[0]
    assert "the cluster's credentials" == found.unread[1]
