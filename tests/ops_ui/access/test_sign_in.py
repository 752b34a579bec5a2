"""Sign-in: only those whom our issuer names, in the browser that began it, sees the pages."""

import base64
import hashlib
import hmac
import json
import re
from pathlib import Path

import httpx
import orjson
import pytest

from mission_control.bootstrap.clock import real_clock
from ops_ui import application
from ops_ui.access.cookies import SESSION_SECONDS, SIGN_IN_SECONDS
from ops_ui.access.issuer import Issuer as OurIssuer
from ops_ui.access.operator import Operator
from ops_ui.access.secret_file import SecretFile
from ops_ui.access.settings import Access, Mode, Oidc
from ops_ui.access.sign_in import SignIn, own_path
from tests.oidc_issuer import SigningKey
from tests.ops_ui.access.conftest import CLIENT, NAVIGATES, NO_TLS, PUBLIC, Reader, answers_of

pytestmark = pytest.mark.anyio
SESSION = "mission-control-80"
OF_CLIENT = "s3cret-s3cret"


async def test_an_operator_signs_in_and_out(reader, upstream):
    """R16.11: by code flow to the page that was asked for, with a name in the frame; and out."""
    first = await reader.pages.get("/read-only", headers=NAVIGATES)
    assert (303, "/sign-in?next=/read-only") == (first.status_code, first.headers["location"])
    assert [] == upstream.requests
    back = await reader.sign_in("/read-only?x=1")
    assert (303, "/read-only?x=1") == (back.status_code, back.headers["location"])
    page = await reader.pages.get("/read-only")
    assert 200 == page.status_code
    assert '<span class="unseen">Signed in as </span>ada</span>' in page.text
    assert '<a href="/sign-out">Sign out</a>' in page.text

    kept = dict(reader.pages.cookies)
    out = await reader.pages.get("/sign-out")
    assert "You are signed out" in out.text
    assert {} == dict(reader.pages.cookies)
    assert 401 == (await reader.pages.get("/read-only")).status_code
    reader.pages.cookies.update(kept)
    assert 401 == (await reader.pages.get("/read-only")).status_code


async def test_mission_control_is_told_who_asks(reader, issuer, upstream):
    """R16.16: what one operator asks bears their name; what many are shown bears none."""
    issuer.person = {"sub": "u-1", "preferred_username": "Ada Álvarez\r\nx-evil: 1\u202e"}
    await reader.sign_in()
    upstream.requests.clear()
    await reader.pages.get("/read-only", headers={"x-mission-control-operator": "mallory"})
    await reader.pages.get("/")

    told = {r.url.path: r.headers.get("x-mission-control-operator") for r in upstream.requests}
    assert "Ada%20%C3%81lvarez%20x-evil%3A%201" == told["/api/v1/attestation/read-only"]
    names = {r.headers.get("x-mission-control-operator") for r in upstream.requests}
    assert {"Ada%20%C3%81lvarez%20x-evil%3A%201", None} == names
    assert None is told["/api/v1/safety"]  # asked for the Floor alone, which many share


async def test_a_name_is_text_and_nothing_else(reader, issuer):
    """R16.16: a name with a script in it is shown as it is written."""
    issuer.person = {"sub": "u-1", "preferred_username": "<script>alert(1)</script>\u202eeve"}
    await reader.sign_in()
    page = await reader.pages.get("/read-only")

    assert "&lt;script&gt;alert(1)&lt;/script&gt; eve</span>" in page.text
    assert "<script>alert" not in page.text


@pytest.mark.parametrize("path", ["/", "/pulse", "/ops/status", "/static/page.js", "/wall", "/x"])
async def test_who_is_not_signed_in_sees_nothing(reader, upstream, path):
    """R16.11: of the pages only liveness is open, and how the page for signing in looks."""
    answer = await reader.pages.get(path)

    assert 401 == answer.status_code
    assert 'id="main"' in answer.text  # an open page shows it in its place
    assert "nosniff" == answer.headers["x-content-type-options"]
    assert [] == upstream.requests
    assert "kill switch required" not in answer.text
    assert 401 == (await reader.pages.post(path)).status_code


@pytest.mark.parametrize("path", ["/healthz", "/livez", "/static/style.css"])
async def test_liveness_is_open(reader, path):
    """R16.11: an orchestrator asks for health without a name."""
    assert 200 == (await reader.pages.get(path)).status_code


async def test_the_way_to_the_issuer_is_proof_against_replay(reader):
    """R16.12: state, nonce and an S256 challenge, new each time; the verifier stays here."""
    one, other = answers_of(await reader.begin()), answers_of(await reader.begin())

    assert {"code", "S256", "openid profile", CLIENT, f"{PUBLIC}/callback"} == {
        one[n]
        for n in ("response_type", "code_challenge_method", "scope", "client_id", "redirect_uri")
    }
    assert all(one[n] != other[n] for n in ("state", "nonce", "code_challenge"))
    assert all(len(one[n]) >= 43 for n in ("state", "nonce", "code_challenge"))
    assert "verifier" not in one


async def test_cookies_are_sealed(reader, open_pages, issuer):
    """R16.13: HttpOnly, SameSite=Lax, and under https Secure with the prefix __Host-."""
    away = await reader.pages.get("/sign-in")
    cookie = away.headers["set-cookie"]
    assert cookie.startswith("mission-control-80-")
    assert {"HttpOnly", "SameSite=lax", "Path=/", "Max-Age=600"} <= set(cookie.split("; "))
    assert "Secure" not in cookie
    assert answers_of(away.headers["location"])["nonce"] not in cookie

    access = Access(Mode.OIDC, "https://ops.example:8443", Oidc(issuer.url, CLIENT))
    safe = (await open_pages(access).pages.get("/sign-in")).headers["set-cookie"]
    assert safe.startswith("__Host-mission-control-8443-")
    assert {"Secure", "Path=/"} <= set(safe.split("; "))
    assert "Domain" not in safe


async def test_a_state_counts_once(reader, issuer):
    """R16.12: the issuer's answer, sent again with the cookie of then, begins no session."""
    back = await reader.at_issuer(await reader.begin())
    cookies = dict(reader.pages.cookies)
    assert 303 == (await reader.pages.get(back)).status_code
    reader.pages.cookies.clear()
    reader.pages.cookies.update(cookies)
    again = await reader.pages.get(back)

    assert (403, True) == (again.status_code, "completed already" in again.text)
    assert SESSION not in reader.pages.cookies
    assert 1 == issuer.asked["/token"]


async def test_another_browsers_sign_in_is_not_completed(reader, open_pages, issuer):
    """R16.12: without the cookie of the browser that began it, no code is sent to the issuer."""
    back = await reader.at_issuer(await reader.begin())
    reader.pages.cookies.clear()
    answer = await reader.pages.get(back)

    assert (403, True) == (answer.status_code, "not begun in this browser" in answer.text)
    assert 0 == issuer.asked.get("/token", 0)
    own = await reader.begin()  # a sign-in of one's own does not help with another's state
    assert 403 == (await reader.pages.get(back)).status_code
    assert answers_of(own)["state"] not in back


async def test_a_code_without_its_verifier_is_worth_nothing(reader, issuer):
    """R16.12: the issuer demands PKCE's verifier, and we send the one of this sign-in alone."""
    stolen = answers_of(await reader.at_issuer(await reader.begin()))["code"]
    mine = await reader.at_issuer(await reader.begin())
    injected = mine.replace(answers_of(mine)["code"], stolen)
    answer = await reader.pages.get(injected)

    assert (503, True) == (answer.status_code, "answers 400 to POST /token" in answer.text)
    async with httpx.AsyncClient(verify=NO_TLS) as attacker:
        code = answers_of(await reader.at_issuer(await reader.begin()))["code"]
        form = {"grant_type": "authorization_code", "code": code, "client_id": CLIENT}
        form["redirect_uri"] = f"{PUBLIC}/callback"
        assert 400 == (await attacker.post(f"{issuer.url}/token", data=form)).status_code


def by_hand(header, claims, sign=lambda _: b""):
    """Put a token together as no library would."""
    parts = [
        base64.urlsafe_b64encode(json.dumps(p).encode()).rstrip(b"=") for p in (header, claims)
    ]
    signed = b".".join(parts)
    return b".".join([signed, base64.urlsafe_b64encode(sign(signed)).rstrip(b"=")]).decode()


def none_token(issuer, claims):
    """Return a token that is signed by no one."""
    return by_hand({"alg": "none", "kid": "key-1"}, claims)


def hmac_token(issuer, claims):
    """Return a token that is signed with the issuer's public key as if it were a secret."""
    from cryptography.hazmat.primitives.serialization import (  # noqa: PLC0415
        Encoding,
        PublicFormat,
    )

    public = issuer.keys[0].private.public_key()
    pem = public.public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo)
    header = {"alg": "HS256", "kid": "key-1"}
    return by_hand(header, claims, lambda s: hmac.new(pem, s, hashlib.sha256).digest())


FORGED = {
    "expired": {"iat": -400, "exp": -61},
    "of the future": {"iat": 120},
    "for someone else": {"aud": "another"},
    "of another issuer": {"iss": "https://evil.example"},
    "wrong nonce": {"nonce": "n" * 43},
    "without a nonce": {"nonce": None},
    "without an end": {"exp": None},
    "for two, without who asked": {"aud": [CLIENT, "another"]},
    "asked for by another": {"azp": "another"},
    "without a subject": {"sub": None},
}


async def answer_with(reader, issuer, made):
    """Sign in while the issuer's answer to the code holds this ID token."""
    where = await reader.begin()
    back = await reader.at_issuer(where)
    token = made(answers_of(where)["nonce"])
    issuer.answers["/token"] = (200, "application/json", orjson.dumps({"id_token": token}))
    return await reader.pages.get(back)


@pytest.mark.parametrize("claims", FORGED.values(), ids=FORGED)
async def test_a_foreign_token_is_not_believed(reader, issuer, claims):
    """R16.12: an ID token is of our issuer, for us, for this sign-in, and of now; else no one."""

    def made(nonce):

        now = int(real_clock().timestamp())
        told = {k: v + now if isinstance(v, int) else v for k, v in claims.items()}
        return issuer.token(**{"aud": CLIENT, "nonce": nonce, **told})

    answer = await answer_with(reader, issuer, made)

    assert (403, True) == (answer.status_code, "is not believed" in answer.text)
    assert {} == {n: v for n, v in reader.pages.cookies.items() if n == SESSION}
    assert 401 == (await reader.pages.get("/")).status_code


@pytest.mark.parametrize("clocks_apart", [-59, 59])
async def test_clocks_may_be_a_minute_apart(reader, issuer, clocks_apart):
    """R16.12: an issuer whose clock is within a minute of ours is believed."""
    issuer.lifetime_seconds = 1
    now = real_clock().timestamp() + clocks_apart + (0 if clocks_apart > 0 else 5)
    answer = await answer_with(
        reader, issuer, lambda nonce: issuer.token(now=now, aud=CLIENT, nonce=nonce)
    )

    assert 303 == answer.status_code


@pytest.mark.parametrize("forge", [none_token, hmac_token])
async def test_a_signature_is_the_issuers_own(reader, issuer, forge, signing_key):
    """R16.12: neither `none`, nor the public key as a secret, nor another's key under its name."""
    now = int(real_clock().timestamp())
    claims = {"iss": issuer.url, "sub": "x", "aud": CLIENT, "iat": now, "exp": now + 60}
    forged = await answer_with(reader, issuer, lambda n: forge(issuer, {**claims, "nonce": n}))
    issuer.answers.clear()
    other = SigningKey.new("key-1")
    foreign = await answer_with(
        reader, issuer, lambda n: issuer.token(key=other, aud=CLIENT, nonce=n)
    )

    assert (403, 403) == (forged.status_code, foreign.status_code)
    assert "is not believed" in forged.text
    assert "is not believed" in foreign.text


async def test_the_issuers_keys_are_rotated(reader, issuer):
    """R16.12: a token with a new key has the keys read again; one that was taken away is over."""
    old = issuer.keys[0]
    assert 303 == (await reader.sign_in()).status_code
    assert 303 == (await reader.sign_in()).status_code
    assert 1 == issuer.asked["/jwks"]
    issuer.rotate("key-2", "ES256")
    assert 303 == (await reader.sign_in()).status_code
    assert 2 == issuer.asked["/jwks"]
    answer = await answer_with(reader, issuer, lambda n: issuer.token(key=old, aud=CLIENT, nonce=n))
    assert 403 == answer.status_code


@pytest.mark.parametrize(
    ("hurt", "said"),
    [
        ({"answers": {"/token": (500, "text/plain", b"")}}, "answers 500 to POST /token"),
        ({"answers": {"/token": (200, "text/plain", b"[")}}, "no JSON object"),
        ({"answers": {"/token": (200, "application/json", b"{}")}}, "no ID token"),
        ({"answers": {"/jwks": (200, "application/json", b"[]")}}, "no JSON object"),
        ({"answers": {"/token": (200, "text/plain", b"x" * 300_000)}}, "more than 256 KiB"),
        ({"answers": {"/token": (307, "text/plain", b"")}}, "answers 307"),
    ],
)
async def test_an_issuer_that_fails_lets_no_one_in(reader, issuer, hurt, said):
    """R16.14: whatever the issuer answers, it is a page that says so, and no session."""
    back = await reader.at_issuer(await reader.begin())
    issuer.answers |= hurt["answers"]
    answer = await reader.pages.get(back)

    assert (503, True) == (answer.status_code, said in answer.text)
    assert SESSION not in reader.pages.cookies


async def test_an_issuer_that_is_gone_lets_no_one_in_but_ends_no_session(open_pages, issuer):
    """R16.14: sessions that have begun go on; no one else is let in, and the page says why."""
    reader = open_pages(Access(Mode.OIDC, PUBLIC, Oidc(issuer.url, CLIENT)))
    await reader.sign_in()
    issuer.answers |= dict.fromkeys(("/token", "/jwks"), (503, "text/plain", b""))
    back = await reader.at_issuer(await reader.begin())
    assert 503 == (await reader.pages.get(back)).status_code
    assert 200 == (await reader.pages.get("/read-only")).status_code

    gone = "http://127.0.0.1:1"
    answer = await open_pages(Access(Mode.OIDC, PUBLIC, Oidc(gone, CLIENT))).pages.get("/sign-in")
    assert (503, True) == (answer.status_code, "cannot be reached" in answer.text)
    issuer.said_issuer = "https://other.example"
    reader = open_pages(Access(Mode.OIDC, PUBLIC, Oidc(issuer.url, CLIENT)))
    answer = await reader.pages.get("/sign-in")
    assert (503, True) == (answer.status_code, "calls itself otherwise" in answer.text)


async def test_an_issuer_that_refuses_is_told_plainly(reader, issuer):
    """R16.14: what anyone can write into the address is not shown."""
    issuer.person = None
    back = await reader.at_issuer(await reader.begin())
    answer = await reader.pages.get(back + "&error_description=Call+0900+1")

    assert (403, True) == (answer.status_code, "The issuer answers access_denied." in answer.text)
    assert "0900" not in answer.text
    assert 403 == (await reader.pages.get("/callback?error=x&state=y")).status_code


async def test_another_issuers_answer_is_not_ours(reader, issuer):
    """R16.12: an answer that names another issuer (RFC 9207) is refused before its code is sent."""
    back = await reader.at_issuer(await reader.begin())
    mixed = back.replace("iss=http", "iss=https")
    answer = await reader.pages.get(mixed)

    assert (403, 0) == (answer.status_code, issuer.asked.get("/token", 0))


async def test_a_confidential_client_shows_its_secret(open_pages, issuer, tmp_path):
    """R16.12: the secret is of a file, goes to the token endpoint alone, and is read again."""
    path = tmp_path / "secret"
    path.write_text("wrong\n")
    issuer.register(CLIENT, f"{PUBLIC}/callback", secret=OF_CLIENT)
    oidc = Oidc(issuer.url, CLIENT, SecretFile(path))
    reader = open_pages(Access(Mode.OIDC, PUBLIC, oidc))
    refused = await reader.sign_in()
    path.write_text(f"{OF_CLIENT}\n")
    taken = await reader.sign_in()

    assert (503, 303) == (refused.status_code, taken.status_code)
    assert OF_CLIENT not in repr(oidc) + await reader.begin()


@pytest.mark.parametrize(
    ("person", "status"),
    [
        ({"groups": ["ops", "x"]}, 303),
        ({"groups": ["x"]}, 403),
        ({}, 403),
        ({"groups": "ops"}, 303),
    ],
)
async def test_only_members_of_a_group_are_let_in(open_pages, issuer, person, status):
    """R16.11: where groups are named, who is in none of them is refused."""
    issuer.person = {"sub": "u", **person}
    oidc = Oidc(issuer.url, CLIENT, groups=frozenset({"ops"}))
    reader = open_pages(Access(Mode.OIDC, PUBLIC, oidc))

    assert status == (await reader.sign_in()).status_code


@pytest.mark.parametrize(
    ("claim", "person", "name"),
    [
        ("email", {"email": "a@b.c", "email_verified": True}, "a@b.c"),
        ("email", {"email": "a@b.c"}, "u-7"),
        ("preferred_username", {}, "u-7"),
        ("preferred_username", {"preferred_username": " \n "}, "u-7"),
        ("preferred_username", {"preferred_username": 7}, "u-7"),
        ("name", {"name": "x" * 500}, "x" * 128),
    ],
)
async def test_a_name_is_one_that_the_issuer_vouches_for(open_pages, issuer, claim, person, name):
    """R16.16: a claim that is missing, empty or not verified gives way to the subject."""
    issuer.person = {"sub": "u-7", **person}
    reader = open_pages(Access(Mode.OIDC, PUBLIC, Oidc(issuer.url, CLIENT, name_claim=claim)))
    await reader.sign_in()

    assert f"Signed in as </span>{name}</span>" in (await reader.pages.get("/read-only")).text


async def test_a_tampered_cookie_is_none(reader):
    """R16.13: any change of any part of a session's cookie ends it, as does another purpose's."""
    await reader.sign_in()
    sealed = reader.pages.cookies[SESSION]
    assert 200 == (await reader.pages.get("/pulse")).status_code
    altered = [
        sealed[:place] + ("A" if sealed[place] != "A" else "B") + sealed[place + 1 :]
        for place in range(0, len(sealed) - 1, 7)
    ]
    reader.pages.cookies.clear()
    away = await reader.pages.get("/sign-in")
    under_way = away.headers["set-cookie"].split(";")[0].partition("=")[2]
    strange = ["", "x", "é", "=" * 9, sealed + "x", sealed + f"; {SESSION}={sealed}", under_way]

    for value in [*altered, *strange]:
        reader.pages.cookies.clear()
        headers = {"cookie": f"{SESSION}={value}".encode()}
        assert 401 == (await reader.pages.get("/pulse", headers=headers)).status_code, value


@pytest.mark.parametrize(
    "wanted",
    [
        "//evil.example",
        "/\\evil.example",
        "https://evil.example",
        "evil",
        "",
        "/\t/evil.example",
        "/a\r\nset-cookie: x=1",
        "/sign-out",
        "/callback?code=x",
        "/sign-in?next=/",
        "/" + "x" * 3000,
        "/é",
        "/a\\..\\b",
    ],
)
async def test_no_one_is_led_elsewhere(reader, wanted):
    """R16.15: after sign-in only a path of ours follows; whatever else was asked is the Floor."""
    assert "/" == own_path(wanted)
    back = await reader.sign_in(wanted)

    assert (303, "/") == (back.status_code, back.headers["location"])


async def test_another_sites_link_signs_no_one_out(reader):
    """R16.15: what another site's page leads to only asks."""
    await reader.sign_in()
    asked = await reader.pages.get("/sign-out", headers={"sec-fetch-site": "cross-site"})

    assert "Sign out?" in asked.text
    assert 200 == (await reader.pages.get("/pulse")).status_code
    assert (
        200 == (await reader.pages.get("/sign-out", headers={"sec-fetch-site": "none"})).status_code
    )
    assert 401 == (await reader.pages.get("/pulse")).status_code


async def test_many_tabs_may_sign_in_at_once(reader):
    """R16.13: each tab's sign-in can be completed; a browser is never filled with cookies."""
    tabs = [await reader.at_issuer(await reader.begin(f"/wall?tab={n}")) for n in range(4)]
    ends = [(await reader.pages.get(tab)).headers["location"] for tab in tabs]
    assert [f"/wall?tab={n}" for n in range(4)] == ends
    for _ in range(40):
        await reader.begin()
    assert len(dict(reader.pages.cookies)) <= 8


async def test_a_session_ends_after_eight_hours(issuer):
    """R16.13: however busy, a session has an end; so has a sign-in that is not completed."""
    now = [1_800_000_000.0]
    async with httpx.AsyncClient(verify=NO_TLS) as client:
        oidc = Oidc(issuer.url, CLIENT)
        ours = OurIssuer(oidc, client, lambda: 0.0)
        doing = SignIn(Access(Mode.OIDC, PUBLIC, oidc), ours, lambda: now[0])
        begun = await doing.begin({}, "/")
        back = await Reader(client).at_issuer(begun.location)
        cookies = {c.key: c.value or "" for c in begun.cookies}
        now[0] += SIGN_IN_SECONDS - 1
        step = await doing.complete(cookies, answers_of(back))
        session = {c.key: c.value or "" for c in step.cookies}
        assert Operator("ada", "u-4711", may_sign_out=True) == step.operator
        began = now[0]
        now[0] = began + SESSION_SECONDS
        assert step.operator == doing.operator(session)
        now[0] += 1
        assert None is doing.operator(session)
        now[0] = began
        late = await doing.begin({}, "/")
        now[0] += SIGN_IN_SECONDS + 1
        back = await Reader(client).at_issuer(late.location)
        cookies = {c.key: c.value or "" for c in late.cookies}
        with pytest.raises(Exception, match="within the last ten minutes"):
            await doing.complete(cookies, answers_of(back))


async def test_a_kept_key_keeps_sessions(open_pages, issuer):
    """R16.13: pages that are started again with the key of a file know their sessions."""
    kept = Access(Mode.OIDC, PUBLIC, Oidc(issuer.url, CLIENT), cookie_key="k" * 40)
    other = Access(Mode.OIDC, PUBLIC, Oidc(issuer.url, "another"), cookie_key="k" * 40)
    before, after, foreign = open_pages(kept), open_pages(kept), open_pages(other)
    await before.sign_in()
    for later in (after, foreign):
        later.pages.cookies.update(before.pages.cookies)

    assert 200 == (await after.pages.get("/pulse")).status_code
    assert 401 == (await foreign.pages.get("/pulse")).status_code


async def test_sign_ins_are_limited(open_pages, issuer):
    """R16.17: one address can begin so many sign-ins; this machine's own has no limit."""
    access = Access(Mode.OIDC, PUBLIC, Oidc(issuer.url, CLIENT))
    far, near = open_pages(access, "203.0.113.9"), open_pages(access)
    statuses = [(await far.pages.get("/sign-in")).status_code for _ in range(24)]

    assert {303, 429} == set(statuses)
    assert 20 <= statuses.count(303) <= 21
    assert {303} == {(await near.pages.get("/sign-in")).status_code for _ in range(24)}


async def test_the_proof_names_what_is_posted(reader, pages, issuer):
    """R16.21: the page of the proof says where a code is sent, and that nothing else is no GET."""
    await reader.sign_in()

    assert f"to {issuer.url}/token, when" in (await reader.pages.get("/read-only")).text
    assert "nothing but GET" in (await pages.get("/read-only")).text


def test_one_module_posts():
    """R16.21: of the pages' sources the issuer's edge alone names a method that is no GET."""
    package = Path(application.__file__).parent
    named = re.compile(r"""["'](POST|PUT|PATCH|DELETE)["']|\.(post|put|patch|delete)\(""")
    posting = {p.name for p in package.rglob("*.py") if named.search(p.read_text())}

    assert {"issuer.py"} == posting
