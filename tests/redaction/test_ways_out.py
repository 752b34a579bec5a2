"""Redaction: no way out of Mission Control bares a form of the corpus."""

import json
import shlex
import subprocess
import sys
import zlib
from dataclasses import replace
from functools import partial

import httpx
import msgspec
import orjson
import pytest

from mission_control.cluster.read.api_server import ApiServer
from mission_control.cluster.read.lister import ClusterLister
from mission_control.cluster.read.objects import ObjectReader
from mission_control.cluster.read.observer import CONFIG_MAP, Wanted, project_config_map
from mission_control.cluster.read.projection import (
    EVENT,
    POD,
    project_all,
    project_event,
    project_pod,
)
from mission_control.history.codec import pack_evidence
from mission_control.last_known_good.decide.sanitise import find_secrets
from mission_control.model.fleet import Agent, ContractKind, Kind
from mission_control.model.reading import Seen
from mission_control.probe.received import Received, interpret
from mission_control.redaction.files import redact_file
from mission_control.redaction.redact import excerpt, redact_document
from tests.api.paper_floor import PaperControl, PaperFloor
from tests.cluster.test_cluster_reader import ACCESS, FLOOR, found
from tests.floor.floor_of_values import FLEET, NOW, STRATEGY, FloorOfValues, changed, rich
from tests.redaction.corpus import COMMANDS, CORPUS, HARMLESS
from tests.redaction.test_corpus import leaks

OPS = "/ops/status"


def bared_by(told):
    """Return the rows of which something is left in what is told of them, with what it is."""
    bared = {row.name: leaks(row, told(row.text)) for row in CORPUS}
    return {name: parts for name, parts in bared.items() if parts}


def bared_in(told):
    """Return what of any row is left in all that came out, with what is around it."""
    plain = "".join(filter(str.isprintable, told))
    parts = {part for row in CORPUS for part in row.hidden}
    found = [(part, text, text.find(part)) for text in (told, plain) for part in parts]
    return {part: text[max(0, n - 60) : n + 60] for part, text, n in found if n >= 0}


def answer(body, status=200):
    """Interpret a body as the probe does."""
    return interpret(
        Received(status, body),
        path=OPS,
        contract=ContractKind.RICH,
        kind=Kind.STRATEGY,
        at=NOW,
        took=0.01,
    )


def said_by(agent, text):
    """Return a rich answer that holds a text wherever a service may say one."""
    document = changed(rich(agent, NOW), "status.summary", text)
    document = changed(document, "status.reason_codes", [text])
    document = changed(document, "agent_identity.agent_mode", text)
    document["build_id"] = document["note"] = text
    document["list"] = [{"deep": [text]}, {text[:200]: 1}]
    return orjson.dumps(document)


BODIES = {
    "rich": lambda text: said_by(STRATEGY, text),
    "no contract": lambda text: orjson.dumps({"x": text}),
    "no JSON": str.encode,
    "cut": lambda text: said_by(STRATEGY, text)[:-1],
}


@pytest.mark.parametrize("status", [200, 503])
@pytest.mark.parametrize("body", BODIES.values(), ids=BODIES)
def test_no_answer_bares_a_secret(body, status):
    """Whether an answer is whole, broken or no JSON at all, and whatever its status (R10.4)."""

    def told(text):
        reading = answer(body(text), status)
        held = orjson.loads(reading.value.document) if isinstance(reading, Seen) else None
        return f"{reading!r} {held!r}"

    assert {} == bared_by(told)


def test_no_document_and_no_excerpt_bares_a_secret():
    """In a list, under a key, as bytes, and what is no JSON."""

    def told(text):
        document = {"note": text, "list": [text.encode(), {"x": text}, ValueError(text)]}
        return f"{redact_document(document)!r} {excerpt(text.encode())}"

    assert {} == bared_by(told)


def test_no_command_in_words_bares_a_secret():
    """Where a program and its flags are given one by one, in documents, files and captures."""
    rows = [row for row in COMMANDS if row.text[0] != "[" and "=" not in row.text]

    for row in rows:
        words = shlex.split(row.text)
        document = {"spec": {"containers": [{"name": "a", "args": words}]}}
        split = {"spec": {"containers": [{"name": "a", "command": words[:1], "args": words[1:]}]}}
        assert [] == leaks(row, repr(redact_document(document))), row
        assert [] == leaks(row, redact_file("a.json", json.dumps(document)).text), row
        for each in (document, split):
            assert list(find_secrets({"kind": "X", "metadata": {"name": "x"}, **each})), row


def pod(text):
    """Return a pod that says a text wherever one may be told."""
    state = {"waiting": {"reason": text, "message": text}}
    ended = {"terminated": {"exitCode": 1, "reason": text, "message": text}}
    container = {"name": "main", "image": text, "args": ["--x", text], "command": ["sh", text]}
    return {
        "metadata": {"name": "x", "namespace": FLOOR, "annotations": {"a": text, "b": text}},
        "spec": {"containers": [{**container, "env": [{"name": "AGENT_MODE", "value": text}]}]},
        "status": {
            "phase": "Pending",
            "reason": text,
            "message": text,
            "conditions": [{"type": "Ready", "status": "False", "reason": text, "message": text}],
            "containerStatuses": [
                {"name": "main", "image": text, "imageID": text, "state": state, "lastState": ended}
            ],
        },
    }


def event(text):
    """Return a warning that says a text."""
    return {
        "metadata": {"name": "e", "namespace": FLOOR, "annotations": {"a": text}},
        "type": "Warning",
        "reason": text,
        "message": text,
        "involvedObject": {"kind": "Pod", "name": "x", "namespace": FLOOR},
        "lastTimestamp": "2026-11-18T15:00:00Z",
    }


def safety(text):
    """Return the map that is kept whole, with a text in it."""
    return {"metadata": {"name": "agenttrader-safety", "namespace": FLOOR}, "data": {"a": text}}


OBJECTS = {
    "Pod": (POD, project_pod, pod),
    "Event": (EVENT, project_event, event),
    "ConfigMap": (CONFIG_MAP, partial(project_config_map, wanted=Wanted(set(), ())), safety),
}


@pytest.mark.parametrize("kind", OBJECTS)
def test_no_object_of_the_cluster_bares_a_secret(kind):
    """Neither what a pod says, nor an event, nor a ConfigMap that is kept whole."""
    shape, project, document = OBJECTS[kind]

    def told(text):
        raw = (msgspec.Raw(orjson.dumps(document(text))),)
        facts, odd = project_all(raw, kind, shape, project)
        assert facts or odd
        return f"{facts!r} {odd!r}"

    assert {} == bared_by(told)


@pytest.mark.anyio
async def test_no_log_of_a_container_bares_a_secret():
    """The last lines come redacted, whatever is in them."""
    told = {f"row-{n}": row for n, row in enumerate(CORPUS)}

    async def serve(scope, _receive, send):
        text = told[scope["path"].split("/")[-2]].text
        await send(
            {
                "type": "http.response.start",
                "status": 200,
                "headers": [(b"content-type", b"text/plain")],
            }
        )
        await send({"type": "http.response.body", "body": text.encode()})

    server = ApiServer(ACCESS, load=found, open_=lambda _: httpx.ASGITransport(serve))
    reader = ObjectReader(ClusterLister(server, lambda: NOW))
    bared = {}
    for name, row in told.items():
        log = await reader.log(FLOOR, name, "main")
        assert isinstance(log, Seen), log
        bared[row.name] = leaks(row, log.value)

    assert {} == {name: parts for name, parts in bared.items() if parts}


LOGGING = """
import json, logging, sys
import structlog
from mission_control.log_records import configure_logging
configure_logging(sys.argv[1])
log, bound = logging.getLogger("x"), structlog.get_logger("x")
class Odd:
    def __init__(self, text): self.text = text
    def __repr__(self): return self.text
for text in json.load(sys.stdin):
    log.info(text.replace("%", "%%"), {})
    log.info("%s", text)
    log.info("%s and %s", text.encode(), [text])
    log.info("too few %s %s", text)
    try:
        try:
            raise ValueError(text)
        except ValueError as error:
            raise RuntimeError(text) from error
    except RuntimeError as error:
        error.add_note(text)
        log.exception("%s", error)
        log.warning("broke", exc_info=True, stack_info=True)
"""


@pytest.mark.parametrize("form", ["json", "console"])
def test_no_log_record_of_ours_bares_a_secret(form):
    """
    Neither message nor argument nor traceback, not even of a record that cannot be written (R10.4).
    """
    done = subprocess.run(
        [sys.executable, "-c", LOGGING, form],
        input=json.dumps([row.text for row in CORPUS]),
        capture_output=True,
        text=True,
        check=True,
    )

    assert len(CORPUS) < done.stderr.count("RuntimeError")
    assert {} == bared_in(done.stderr)
    assert "" == done.stdout


FILES = {
    "a.md": str,
    "a.sh": str,
    "a.yaml": lambda text: f"metadata: {{annotations: {{note: {json.dumps(text)}}}}}\n",
    "block.yaml": lambda text: "data:\n  a: |\n" + "".join(f"    {x}\n" for x in text.split("\n")),
    "a.json": lambda text: json.dumps({"note": [text]}),
}


@pytest.mark.parametrize("name", FILES)
def test_no_copied_file_bares_a_secret(name):
    """A file is copied masked, or refused: as prose, as YAML, as JSON, and as a text in one."""
    assert {} == bared_by(lambda text: redact_file(name, FILES[name](text)).text)


def rows_as_agents():
    """Return a floor on which each row is what one service says, and again what is no JSON."""
    floor = FloorOfValues()
    agents = []
    for number, row in enumerate(CORPUS):
        for name, body in (("rich", said_by(STRATEGY, row.text)), ("odd", row.text.encode())):
            agent = Agent(f"{name}-{number}", Kind.STRATEGY, f"http://{name}-{number}")
            agents.append(agent)
            floor.answers[agent.agent_name] = {OPS: answer(body)}
    floor.fleet = replace(FLEET, agents=(*FLEET.agents, *agents))
    return floor


def test_no_stored_evidence_bares_a_secret():
    """What history keeps of a decision holds no secret, unpacked (R10.4)."""
    stored = zlib.decompress(pack_evidence(rows_as_agents().evidence()))
    told = repr(orjson.loads(stored))

    assert {} == bared_in(told)


@pytest.mark.anyio
async def test_no_document_of_the_api_bares_a_secret():
    """Nor any that the pages are made of."""
    control = PaperControl(PaperFloor(rows_as_agents().decide()))
    paths = [
        *("/api/v1/posture", "/api/v1/safety", "/api/v1/agents", "/api/v1/events/recent"),
        *("/ops/status", "/metrics", "/api/v1/openapi.json"),
        *(f"/api/v1/agents/{kind}-{n}" for kind in ("rich", "odd") for n in range(len(CORPUS))),
    ]
    told = "\n".join([(await control.ask(path)).text for path in paths])

    assert "rich-0" in told
    assert {} == bared_in(told)


PLACES = {
    "a variable": lambda text: {"spec": {"env": [{"name": "X", "value": text}]}},
    "an annotation": lambda text: {"metadata": {"annotations": {"note": text}}},
    "an argument": lambda text: {"spec": {"containers": [{"name": "a", "args": ["run", text]}]}},
    "a hook": lambda text: {
        "spec": {"lifecycle": {"preStop": {"exec": {"command": ["sh", "-c", text]}}}}
    },
    "a map": lambda text: {"data": {"settings": text}},
}


@pytest.mark.parametrize("place", PLACES.values(), ids=PLACES)
def test_a_capture_refuses_every_secret_and_repeats_none(place):
    """The place of a literal is told, and its value never."""

    def told(text):
        found = list(find_secrets({"kind": "X", "metadata": {"name": "x"}, **place(text)}))
        assert found, text
        return repr(found)

    assert {} == bared_by(told)


@pytest.mark.parametrize("place", PLACES.values(), ids=PLACES)
def test_a_capture_refuses_nothing_for_a_look_alike(place):
    """What only looks like a secret is captured."""
    items = [{"kind": "X", "metadata": {"name": "x"}, **place(text)} for text in HARMLESS]

    assert [] == [told for item in items for told in find_secrets(item)]
