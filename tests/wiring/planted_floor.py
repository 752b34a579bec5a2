"""A simulated floor that says secrets wherever others may write, and where all of it may end up."""

import itertools
import subprocess
import zlib
from collections.abc import Iterator, Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

import orjson
import pytest
import yaml
from sqlalchemy import create_engine, inspect, text

from mission_control.history.database import SQLITE_NAME
from mission_control.simulation import cluster_api, floor
from mission_control.simulation.answers import Answer
from tests.redaction.corpus import CORPUS, HUSH, Row
from tests.replay.logs import event

BODIES, STATUS, BROKEN, HEADER = "in-a-body", "in-a-status", "in-a-broken-body", "in-a-header"
ENV, ARGUMENT, NOTE, EVENT, DIED = "in-env", "in-args", "in-a-note", "in-an-event", "in-an-end"
LOGGED, MAPPED, FILED, COMMITTED = "in-a-log", "in-a-map", "in-a-file", "in-a-commit"
REPLAYED, INTENDED = "in-a-replayed-event", "in-an-order"
MARKS = frozenset({BODIES, STATUS, BROKEN, ENV, EVENT, LOGGED, MAPPED, FILED, REPLAYED})
"""
What stands beside secrets where such texts are shown, so that it can be seen that they did arrive.

Of annotations, arguments and commits nothing is shown anywhere.
"""
SHORT = tuple(row for row in CORPUS if len(row.text) < 480)


def part_of(rows: tuple[Row, ...], which: str, parts: int = 5) -> Mapping[str, str]:
    """Return a share of these rows as keys and texts, the same for the same name."""
    share = zlib.crc32(which.encode()) % parts
    return {f"{BODIES}-{n}": row.text for n, row in enumerate(rows) if n % parts == share}


FILES = 12


class Planter:
    """Puts a secret of each form into every answer of services and cluster."""

    def __init__(self) -> None:
        """Begin with the first row."""
        self._rows = itertools.cycle(CORPUS)
        self._short = itertools.cycle(SHORT)

    def service(self, answer: Answer) -> Answer:
        """Say secrets in extra keys, in the texts of the contract, and in broken bodies."""
        document = read(answer.body)
        if not isinstance(document, dict):
            said = f"{BROKEN} {next(self._rows).text}\n".encode()
            return replace(answer, body=said + answer.body)
        name = str(document.get("service_name", document.get("service", "")))
        if name == "ops-ui":
            said = f"{BROKEN} {next(self._rows).text}"
            return replace(answer, body=said.encode())
        document |= {"notes": part_of(CORPUS, name)}
        if "status" in document and isinstance(document["status"], dict):
            document["status"]["summary"] = f"{STATUS} {next(self._short).text}"
            document["status"]["reason_codes"] = [next(self._short).text]
            document["repo_id"] = next(self._short).text
            document["build_id"] = next(self._short).text
            document["safety"]["gating_reasons"] = [next(self._short).text]
        return replace(answer, body=orjson.dumps(document))

    def cluster(self, answer: Answer) -> Answer:
        """Say secrets in every text of an object that is its author's own, and in logs."""
        if answer.content_type == "text/plain":
            lines = "\n".join(f"{LOGGED} {row.text}" for row in CORPUS)
            return replace(answer, body=answer.body + lines.encode())
        document = read(answer.body)
        if not isinstance(document, dict):
            return answer
        kind = str(document.get("kind", "")).removesuffix("List")
        if kind == "Event":
            document["items"] = [*document.get("items", ()), *events()]
        for each in document.get("items", [document] if "metadata" in document else []):
            self._object(kind, each)
        return replace(answer, body=orjson.dumps(document))

    def _object(self, kind: str, each: dict[str, Any]) -> None:
        meta = each["metadata"]
        if "name" not in meta:
            return
        notes = {f"example.com/{NOTE}-{n}": next(self._rows).text for n in range(12)}
        meta["annotations"] = {**(meta.get("annotations") or {}), **notes}
        if kind == "Event":
            each["reason"] = next(self._short).text
        if kind == "ConfigMap":
            each["data"] = {
                **each.get("data", {}),
                **{f"{MAPPED}-{n}": next(self._rows).text for n in range(60)},
                "DB_PASSWORD": HUSH,
            }
        spec = each.get("spec") or {}
        pod = spec if "containers" in spec else (spec.get("template") or {}).get("spec") or {}
        for container in pod.get("containers", ()):
            named = [(f"{ENV}-{n}", next(self._rows).text) for n in range(12)]
            container["env"] = [
                *container.get("env", ()),
                *({"name": n.upper().replace("-", "_"), "value": v} for n, v in named),
                {"name": "DB_PASSWORD", "value": HUSH},
            ]
            args = [f"--{ARGUMENT}", *(next(self._rows).text for _ in range(6)), "--password", HUSH]
            container["args"] = [*container.get("args", ()), *args]
        for told in (each.get("status") or {}).get("containerStatuses", ()):
            ended = {"exitCode": 1, "reason": "Error", "finishedAt": "2026-11-18T13:00:00Z"}
            ended["message"] = f"{DIED} {next(self._rows).text}"
            told["lastState"] = {"terminated": ended}


def events() -> list[dict[str, Any]]:
    """Return an event of the cluster that says each secret."""
    pod = {"kind": "Pod", "namespace": "trading-floor", "name": "strategy-engine-0"}
    return [
        {
            "metadata": {"name": f"planted.{n}", "namespace": "trading-floor"},
            "involvedObject": pod,
            "type": "Warning",
            "message": f"{EVENT} {row.text}",
            "count": 1,
            "lastTimestamp": "2026-11-18T15:10:00Z",
        }
        for n, row in enumerate(CORPUS)
    ]


def read(body: bytes) -> Any:
    """Return a body's document; None where it is no JSON."""
    try:
        return orjson.loads(body)
    except orjson.JSONDecodeError:
        return None


def plant(patch: pytest.MonkeyPatch) -> None:
    """Have the simulated floor and its cluster say secrets from now on."""
    planter = Planter()
    for place, change in ((floor, planter.service), (cluster_api, planter.cluster)):
        sent = place.send_answer

        async def send(send: Any, answer: Answer, clock: Any, *, change=change, sent=sent) -> None:
            await sent(send, change(answer), clock)

        patch.setattr(place, "send_answer", send)


def plant_repository(root: Path) -> Path:
    """Make a fleet's repository with secrets in its files, its names and its history."""
    (root / "k8s").mkdir(parents=True)
    for n in range(FILES):
        rows = {f"note-{at}": row.text for at, row in enumerate(CORPUS) if at % FILES == n}
        written = yaml.safe_dump({"kind": "ConfigMap", "data": rows})
        (root / "k8s" / f"{FILED}-{n}.yaml").write_text(f"# {FILED}\n{written}", encoding="utf-8")
    (root / "k8s" / "notes.txt").write_text("\n".join(r.text for r in CORPUS), encoding="utf-8")
    (root / ".repo_id").write_text(f"password={HUSH}\n")
    for command in (
        ["init", "-qb", "main"],
        ["add", "-A"],
        ["commit", "-qm", f"{COMMITTED} password={HUSH}"],
        ["tag", f"password={HUSH}"],
        ["checkout", "-qb", f"token={HUSH}"],
    ):
        identity = ["-c", f"user.name=password={HUSH}", "-c", "user.email=t@t"]
        subprocess.run(["git", "-C", str(root), *identity, *command], check=True)
    return root


def plant_log(path: Path) -> Path:
    """Write a log to be replayed: events, orders, wrapped ones and plain lines, each with one."""
    with path.open("w", encoding="utf-8") as log:
        for n, row in enumerate(CORPUS):
            order = {"stage": "proposal", "intent": {"symbol": "SPY", "note": row.text}}
            at = f"2026-11-18T15:{n // 60 % 60:02d}:{n % 60:02d}.000000+00:00"
            for record in (
                event("startup", n % 60, trace_id=f"t-{n % 7}", data={REPLAYED: row.text}),
                event(f"{REPLAYED} {row.text}"[:200], n % 60, service=row.text, detail=row.text),
                event("order_intent", n % 60, data=order, reason=f"{INTENDED} {row.text}"),
                {"timestamp": at, "severity": "ERROR", "message": row.text, "app": row.text},
                {"timestamp": at, "message": orjson.dumps(event("note", data=row.text)).decode()},
            ):
                log.write(orjson.dumps(record).decode() + "\n")
            log.write(f"{at} ERROR app {row.text}\n{row.text}\n")
    return path


def on_disk(root: Path) -> Iterator[tuple[str, bytes]]:
    """
    Yield every file below a root, and every cell of its history as it reads unpacked.

    The file that leads to the simulated cluster was written for it, with its token.
    """
    for path in sorted(p for p in root.rglob("*") if p.is_file() and not p.is_symlink()):
        if path.name == "kubeconfig.yaml":
            continue
        yield f"file {path.relative_to(root)}", path.read_bytes()
        yield f"name {path.relative_to(root)}", str(path.relative_to(root)).encode()
    engine = create_engine(f"sqlite:///{root / SQLITE_NAME}")
    with engine.connect() as connection:
        for table in inspect(engine).get_table_names():
            for number, row in enumerate(connection.execute(text(f'SELECT * FROM "{table}"'))):  # noqa: S608
                for cell in row:
                    yield f"history {table} {number}", unpacked(cell)
    engine.dispose()


def unpacked(cell: object) -> bytes:
    """Return what a cell holds, as it is read."""
    if not isinstance(cell, bytes):
        return str(cell).encode()
    try:
        return zlib.decompress(cell)
    except zlib.error:
        return cell
