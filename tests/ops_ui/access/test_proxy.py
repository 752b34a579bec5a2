"""Proxies: their word is taken from their own addresses alone."""

import logging

import orjson
import pytest

from ops_ui.access.addresses import Quota, peer_of, reader_of
from ops_ui.access.operator import clean_name
from ops_ui.access.settings import Access, Mode, load_access

pytestmark = pytest.mark.anyio
PROXIES = {"MISSION_CONTROL_UI_TRUSTED_PROXIES": "10.1.2.3, 10.4.0.0/16, fd00::/64"}
ACCESS = load_access({**PROXIES, "MISSION_CONTROL_UI_AUTH": "proxy"}, "127.0.0.1", 8090, tls=False)


@pytest.mark.parametrize("address", ["10.1.2.3", "10.4.200.1", "fd00::7", "::ffff:10.1.2.3"])
async def test_the_proxy_says_who_asks(open_pages, upstream, address):
    """R16.18: from an allow-listed address the named header is the operator."""
    reader = open_pages(ACCESS, address)
    page = await reader.pages.get("/read-only", headers={"x-forwarded-user": "Zoë".encode()})

    assert 200 == page.status_code
    assert "Signed in as </span>Zoë</span>" in page.text
    assert "/sign-out" not in page.text
    asked = next(r for r in upstream.requests if r.url.path == "/api/v1/attestation/read-only")
    assert "Zo%C3%AB" == asked.headers["x-mission-control-operator"]


@pytest.mark.parametrize("address", ["10.1.2.4", "127.0.0.1", "::1", "203.0.113.9", "nonsense"])
async def test_a_foreign_address_says_nothing(open_pages, upstream, address):
    """R16.18: from any other address it is refused, whatever its headers say; liveness is open."""
    reader = open_pages(ACCESS, address)
    told = {"x-forwarded-user": "ada", "x-forwarded-for": "10.1.2.3"}
    paths = ("/", "/sign-in", "/static/page.js")
    answers = [await reader.pages.get(p, headers=told) for p in paths]

    assert [403, 403, 403] == [a.status_code for a in answers]
    assert [] == upstream.requests
    assert 200 == (await reader.pages.get("/healthz")).status_code


@pytest.mark.parametrize(
    "headers",
    [
        pytest.param([], id="none"),
        pytest.param([("x-forwarded-user", "")], id="empty"),
        pytest.param([("x-forwarded-user", "ada"), ("x-forwarded-user", "eve")], id="two"),
        pytest.param([("x-forwarded-user", b"\xff\xfe")], id="no UTF-8"),
        pytest.param([("x-forwarded-user", "ada\u202eeve".encode())], id="reordered"),
        pytest.param([("x-forwarded-user", "ada\teve")], id="a tab"),
        pytest.param([("x-forwarded-user", "a" * 129)], id="too long"),
        pytest.param([("x-forwarded-email", "ada")], id="another header"),
    ],
)
async def test_a_proxy_that_names_no_one_lets_no_one_in(open_pages, upstream, headers):
    """R16.18: a name that is missing, doubled or no plain text is 401, with what to look at."""
    answer = await open_pages(ACCESS, "10.1.2.3").pages.get("/", headers=headers)

    assert (401, True) == (answer.status_code, "does not say who you are" in answer.text)
    assert [] == upstream.requests


async def test_a_header_of_another_name_can_be_the_one(open_pages):
    """R16.18: which header it is, is a setting."""
    environ = {**PROXIES, "MISSION_CONTROL_UI_IDENTITY_HEADER": "X-Auth-Request-User"}
    access = load_access({**environ, "MISSION_CONTROL_UI_AUTH": "proxy"}, "::1", 1, tls=False)
    pages = open_pages(access, "10.1.2.3").pages

    assert 200 == (await pages.get("/pulse", headers={"X-Auth-Request-User": "ada"})).status_code
    assert 401 == (await pages.get("/pulse", headers={"X-Forwarded-User": "ada"})).status_code


async def test_without_sign_in_nothing_is_asked_of_anyone(open_pages):
    """R16.11: on loopback without sign-in the pages are as they always were."""
    pages = open_pages(Access()).pages
    page = await pages.get("/read-only")

    assert 200 == page.status_code
    assert "Signed in" not in page.text
    assert [404] * 3 == [
        (await pages.get(p)).status_code for p in ("/sign-in", "/callback", "/sign-out")
    ]


@pytest.mark.parametrize(
    ("peer", "told", "reader"),
    [
        ("203.0.113.9", "1.1.1.1", "203.0.113.9"),
        ("10.1.2.3", "1.1.1.1, 203.0.113.9", "203.0.113.9"),
        ("10.1.2.3", "1.1.1.1, 10.4.0.1", "1.1.1.1"),
        ("10.1.2.3", "1.1.1.1, junk", "10.1.2.3"),
        ("10.1.2.3", "junk, 10.4.0.1", "10.4.0.1"),
        ("10.1.2.3", "", "10.1.2.3"),
        ("fd00::1", "2001:db8::1", "2001:db8::1"),
    ],
)
def test_a_reader_is_found_behind_proxies(peer, told, reader):
    """R16.18: X-Forwarded-For is believed as far as our own proxies wrote it."""
    scope = {"client": (peer, 1), "headers": [(b"x-forwarded-for", told.encode())]}

    assert reader == str(reader_of(scope, ACCESS.proxies))
    assert None is peer_of({"client": None})


def test_a_quota_is_refilled():
    """R16.17: so many at once, and then so many a second; each /64 for itself, loopback free."""
    now = [0.0]
    quota = Quota(3, 0.5, lambda: now[0])

    def taken(text, count):
        address = peer_of({"client": (text, 1)})
        return [quota.take(address) for _ in range(count)]

    assert [True, True, True, False] == taken("203.0.113.9", 4)
    assert [True] == taken("203.0.113.10", 1)
    assert [True, True] == taken("2001:db8::1", 2)
    assert [True, False] == taken("2001:db8::2", 2)
    assert [True] == taken("2001:db8:0:1::2", 1)
    assert [True] * 9 == taken("127.0.0.1", 9)
    assert [True, True, True, False] == taken("no address", 4)
    now[0] = 2.0
    assert [True, False] == taken("203.0.113.9", 2)


@pytest.mark.parametrize(
    ("text", "name"),
    [
        ("Ada", "Ada"),
        ("  Ada \u00a0 Lovelace ", "Ada Lovelace"),
        ("a\r\nset-cookie: x", "a set-cookie: x"),
        ("a\x00\u202e\u2066\ufeffb\U000e0041", "a b"),
        ("李 小龍", "李 小龍"),
        ("\n\t", ""),
        ("x" * 127 + " yy", "x" * 127),
    ],
)
def test_a_name_has_nothing_that_acts(text, name):
    """R16.16: line ends, control characters and what reorders or hides text are taken out."""
    assert name == clean_name(text)


async def test_who_read_what_is_logged(open_pages, caplog):
    """R16.19: name, address, path and answer; nothing of what renews a page, or of its looks."""
    log = "ops_ui.access"
    caplog.set_level(logging.INFO, log)
    pages = open_pages(ACCESS, "10.1.2.3").pages
    told = {"x-forwarded-user": "ada", "x-forwarded-for": "203.0.113.9"}
    for path in ("/read-only?x=1", "/pulse", "/static/page.js", "/healthz"):
        await pages.get(path, headers=told)
    await pages.get("/pulse")
    lines = [orjson.loads(r.getMessage()) for r in caplog.records if r.name == log]
    shown = [(x["operator"], x["address"], x["path"], x["query"], x["status"]) for x in lines]

    assert [
        ("ada", "203.0.113.9", "/read-only", "x=1", 200),
        (None, "10.1.2.3", "/pulse", "", 401),
    ] == shown


def test_the_mode_is_as_configured():
    """R16.18: proxies alone are answered where they say who asks."""
    assert (Mode.PROXY, True) == (ACCESS.mode, ACCESS.only_proxies)
