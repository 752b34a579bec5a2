"""Nothing in the API can write, and the proof of it can fail."""

from dataclasses import replace

import pytest
from litestar import Litestar, asgi, delete, get, head, patch, post, put, route, websocket
from litestar.connection import WebSocket
from litestar.routes import HTTPRoute
from litestar.types import Receive, Scope, Send

from mission_control.api.attestation_routes import prove_read_only, transport_document
from mission_control.read_only.model import AttestationFacts
from tests.api.paper_floor import (
    ALL_REFUSED,
    WEBHOOK,
    PaperAttestation,
    PaperControl,
    PaperFloor,
    event,
)

pytestmark = pytest.mark.anyio

WRITING = ["POST", "PUT", "PATCH", "DELETE", "TRACE", "CONNECT", "PROPFIND", "X"]


@get("/read")
async def read() -> None:
    """Read."""


@head("/head")
async def only_head() -> None:
    """Read the head."""


@post("/write")
async def write() -> None:
    """Write."""


@put("/write")
async def put_() -> None:
    """Write."""


@patch("/write")
async def patch_() -> None:
    """Write."""


@delete("/write")
async def delete_() -> None:
    """Write."""


@route("/write", http_method=["GET", "POST"])
async def both() -> None:
    """Write beside reading."""


@asgi("/mounted", is_mount=True, copy_scope=True)
async def mount(scope: Scope, receive: Receive, send: Send) -> None:
    """Take whatever comes."""


@asgi("/bare", copy_scope=True)
async def bare(scope: Scope, receive: Receive, send: Send) -> None:
    """Take whatever comes."""


@websocket("/socket")
async def socket(socket: WebSocket) -> None:
    """Take whatever comes."""


def test_every_route_is_read_only(control: PaperControl):
    """The walk over the running application finds nothing but reading routes."""
    proof = prove_read_only(control.application.litestar)

    assert proof.proven
    assert () == proof.violations
    assert len(proof.routes) == len(control.application.litestar.routes)
    assert {"/api/v1/posture", "/healthz", "/schema"} <= {r.path for r in proof.routes}


@pytest.mark.parametrize(
    "offender",
    [
        pytest.param(write, id="POST"),
        pytest.param(put_, id="PUT"),
        pytest.param(patch_, id="PATCH"),
        pytest.param(delete_, id="DELETE"),
        pytest.param(both, id="POST beside GET"),
        pytest.param(mount, id="a mount"),
        pytest.param(bare, id="a bare ASGI route"),
        pytest.param(socket, id="a websocket"),
    ],
)
def test_one_route_that_may_write_breaks_the_proof(offender):
    """A single route that could write breaks the proof, and is named."""
    application = Litestar([read, offender], openapi_config=None, logging_config=None)

    proof = prove_read_only(application)

    assert not proof.proven
    assert 1 == len(proof.violations)
    assert proof.violations[0].path.strip("/") in {"write", "mounted", "bare", "socket"}


def test_nothing_proves_nothing():
    """An application without routes is not proven; one with reading routes is."""
    assert not prove_read_only(Litestar([], openapi_config=None, logging_config=None)).proven
    assert prove_read_only(
        Litestar([read, only_head], openapi_config=None, logging_config=None)
    ).proven


def paths_of(control: PaperControl) -> list[str]:
    """List every path of the running application, its parameters filled in."""
    routes = [r for r in control.application.litestar.routes if isinstance(r, HTTPRoute)]
    given = {
        "{agent_name:str}": "strategy-engine",
        "{code:str}": "MARKETDATA_STALE",
        "/{path:path}": "/audit_artifacts/ops_runs/20261120T133000Z_intraday_sample/run.json",
    }
    paths = [r.path for r in routes]
    for parameter, value in given.items():
        paths = [path.replace(parameter, value) for path in paths]
    return paths


@pytest.mark.parametrize("method", WRITING)
async def test_every_other_method_is_refused_on_every_route(control: PaperControl, method):
    """
    On every route, every method but GET, HEAD and OPTIONS is refused, and none is obeyed (R10.1).
    """
    paths = paths_of(control)
    before = control.floor.snapshot

    for path in paths:
        answer = await control.ask(path, method)
        assert (405, path) == (answer.status_code, path)
        assert "GET, HEAD, OPTIONS" == answer.headers["allow"]
        assert "method_not_allowed" == answer.json()["code"]
    assert len(paths) >= 20
    assert before is control.floor.snapshot


async def test_every_route_answers_get_head_and_options(control: PaperControl):
    """On every route GET and HEAD answer alike, and OPTIONS says what is allowed."""
    recorded = (
        "/api/v1/readiness/latest.md",
        "/api/v1/reports/deploy/latest",
        "/reports/diff",
        "/replays/",
        "/lkg/diff",
        "/attestation/no-execution",
    )
    for path in paths_of(control):
        statuses = [(await control.ask(path, m)).status_code for m in ("GET", "HEAD", "OPTIONS")]
        answers = 404 if any(r in path for r in recorded) else 200  # nothing is recorded here
        no_history = path.startswith(("/api/v1/evidence", "/api/v1/brief"))
        answers = 400 if no_history else answers  # none is kept here
        assert ([answers, answers, 204], path) == (statuses, path)
    allowed = (await control.ask("/api/v1/posture", "OPTIONS")).headers["allow"]
    assert "GET, HEAD, OPTIONS" == allowed


async def test_the_attestation_is_the_proof(control: PaperControl):
    """The answer lists every route with its methods, the refusals, and says proven."""
    answer = (await control.ask("/api/v1/attestation/read-only")).json()

    assert answer["proven"]
    assert [] == answer["violations"]
    assert len(control.application.litestar.routes) == len(answer["routes"])
    assert {"GET", "OPTIONS"} == {m for r in answer["routes"] for m in r["methods"]}
    assert [{"method": "GET", "count": 42}] == answer["transport"]["sent"]
    assert ["DELETE", "PATCH", "POST", "PUT"] == [
        r["method"] for r in answer["transport"]["refused"]
    ]
    assert "none" == answer["cluster"]


async def test_the_attestation_sees_a_new_route(control: PaperControl):
    """The proof is computed for each answer: a route added while running breaks it (R10.2)."""
    control.application.litestar.register(write)

    answer = (await control.ask("/api/v1/attestation/read-only")).json()

    assert (False, False, True) == (
        answer["proven"],
        answer["routes_proven"],
        answer["transport"]["proven"],
    )
    assert ["/write"] == [r["path"] for r in answer["violations"]]


@pytest.mark.parametrize(
    ("sent", "refused"),
    [
        pytest.param((("GET", 1), ("POST", 1)), ALL_REFUSED, id="a POST was sent"),
        pytest.param((("GET", 1),), ALL_REFUSED[1:], id="DELETE was not tried"),
        pytest.param((("GET", 1),), (), id="nothing was tried"),
        pytest.param((), (*ALL_REFUSED, ("CONNECT", False)), id="CONNECT was let through"),
        pytest.param((), (*ALL_REFUSED[1:], ("DELETE", False)), id="DELETE was let through"),
    ],
)
async def test_a_transport_that_might_write_breaks_the_proof(sent, refused):
    """What was sent, let through or not tried breaks the proof of the transport (R10.2)."""
    control = PaperControl(attestation=PaperAttestation(sent, refused))

    answer = (await control.ask("/api/v1/attestation/read-only")).json()

    assert not answer["proven"]
    assert answer["routes_proven"]


@pytest.mark.parametrize(
    ("sent", "refused", "proven"),
    [
        pytest.param((("POST", 3),), (("GET", True),), True, id="its one method"),
        pytest.param((("PUT", 1),), (("GET", True),), False, id="another method left"),
        pytest.param((), (("GET", True), ("POST another path", False)), False, id="a door is open"),
        pytest.param((("POST", 1),), (), True, id="through apprise, which is not guarded"),
    ],
)
async def test_deliveries_are_listed_and_proven(sent, refused, proven):
    """Each channel of alerts is an exception by name, and only by its one method (R10.2, R15.5)."""
    told = replace(WEBHOOK, sent=sent, refused=refused)
    control = PaperControl(attestation=PaperAttestation(deliveries=(told,)))

    answer = (await control.ask("/api/v1/attestation/read-only")).json()

    assert (proven, proven) == (answer["proven"], answer["deliveries"]["proven"])
    (channel,) = answer["deliveries"]["channels"]
    assert ("webhook", "https://hook.example/...", "POST", bool(refused)) == tuple(
        channel[k] for k in ("channel", "address", "method", "guarded")
    )


def test_a_counter_at_zero_sent_nothing():
    """A method that is counted zero times was not sent."""
    facts = AttestationFacts((("GET", 3), ("POST", 0)), ALL_REFUSED, "none")

    assert transport_document(facts)["proven"]


async def test_reading_changes_nothing():
    """Asking every path twice returns equal answers: reading leaves no trace."""
    control = PaperControl(PaperFloor(events=[event(1)]))
    paths = [p for p in paths_of(control) if p != "/api/v1/stream"]

    first = [(await control.ask(path)).content for path in paths]
    second = [(await control.ask(path)).content for path in paths]

    assert first == second
