"""Fixtures: the pages before a real issuer on loopback, and an operator with a browser's habits."""

import ssl
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs, urlsplit

import httpx
import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec

from mission_control.bootstrap.clock import real_clock
from ops_ui.access.settings import Access, Mode, Oidc
from ops_ui.application import create_application
from ops_ui.settings import Settings
from tests.oidc_issuer import Issuer, SigningKey, oidc_issuer

PUBLIC = "http://localhost"
CLIENT = "mission-control-pages"
NO_TLS = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
"""The issuer is on loopback; making what trusts everyone's authorities takes a while."""
NAVIGATES = {"sec-fetch-mode": "navigate"}


@pytest.fixture(scope="session")
def signing_key() -> SigningKey:
    """Return the issuer's key; making one takes a while."""
    return SigningKey.new("key-1")


@pytest.fixture(scope="module")
def served(signing_key) -> Iterator[Issuer]:
    """Serve a real issuer, once a module."""
    with oidc_issuer(signing_key) as served:
        yield served


@pytest.fixture
def issuer(served, signing_key) -> Issuer:
    """Return the issuer as it is new: it knows the pages as a public client."""
    vars(served).update(vars(Issuer(served.port, [signing_key])))
    served.register(CLIENT, f"{PUBLIC}/callback")
    return served


def answers_of(url: str) -> dict[str, str]:
    """Return the query of an address."""
    return {name: values[0] for name, values in parse_qs(urlsplit(url).query).items()}


@dataclass
class Reader:
    """Someone at the pages, with a browser that keeps cookies."""

    pages: httpx.AsyncClient

    async def begin(self, wanted: str = "/") -> str:
        """Ask for a page; return the address of the issuer that the browser is sent to."""
        away = await self.pages.get("/sign-in", params={"next": wanted})
        assert 303 == away.status_code, away.text
        return away.headers["location"]

    async def at_issuer(self, where: str) -> str:
        """Sign in there, as the issuer's person; return the path that it leads back to."""
        async with httpx.AsyncClient(verify=NO_TLS) as browser:
            back = (await browser.get(where)).headers["location"]
        assert back.startswith(f"{PUBLIC}/callback?")
        return back.removeprefix(PUBLIC)

    async def sign_in(self, wanted: str = "/") -> httpx.Response:
        """Go the whole way; return the pages' answer to what the issuer said."""
        return await self.pages.get(await self.at_issuer(await self.begin(wanted)))


OpenPages = Callable[..., Reader]


@pytest.fixture
def open_pages(upstream) -> OpenPages:
    """Return a way to open pages with an access of their own, over the same Mission Control."""

    def made(access: Access, address: str = "127.0.0.1", **more: Any) -> Reader:
        behind = httpx.AsyncClient(
            transport=httpx.MockTransport(upstream), base_url="http://mission-control"
        )
        app: Any = create_application(Settings(timeout_seconds=1.0, access=access, **more), behind)
        transport = httpx.ASGITransport(app, raise_app_exceptions=False, client=(address, 40000))
        return Reader(httpx.AsyncClient(transport=transport, base_url=PUBLIC))

    return made


@pytest.fixture
def reader(open_pages, issuer) -> Reader:
    """Return someone who is not signed in yet, at pages of this issuer."""
    return open_pages(Access(Mode.OIDC, PUBLIC, Oidc(issuer.url, CLIENT)))


def make_certificate(folder: Path, name: str, begins: timedelta, ends: timedelta) -> Path:
    """Write a certificate for localhost and its key, valid between two instants around now."""
    key, now = ec.generate_private_key(ec.SECP256R1()), real_clock()
    subject = x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, name)])
    made = (
        x509.CertificateBuilder()
        .subject_name(subject)
        .issuer_name(subject)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now + begins)
        .not_valid_after(now + ends)
        .add_extension(x509.SubjectAlternativeName([x509.DNSName("localhost")]), critical=False)
        .add_extension(x509.BasicConstraints(ca=True, path_length=None), critical=True)
        .sign(key, hashes.SHA256())
    )
    plain = serialization.NoEncryption()
    form = (serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, plain)
    (folder / f"{name}.key").write_bytes(key.private_bytes(*form))
    (folder / f"{name}.pem").write_bytes(made.public_bytes(serialization.Encoding.PEM))
    return folder / f"{name}.pem"


@pytest.fixture(scope="session")
def certificates(tmp_path_factory) -> Path:
    """Return a folder of certificates: two good ones, an old one, and one of the future."""
    folder, day = tmp_path_factory.mktemp("certificates"), timedelta(days=1)
    for name, begins, ends in (
        ("good", -day, day),
        ("newer", -day, day),
        ("old", -2 * day, -day),
        ("future", day, 2 * day),
    ):
        make_certificate(folder, name, begins, ends)
    return folder
