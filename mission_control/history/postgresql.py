"""
PostgreSQL, so that a server that falls silent is left and connected to again.

Behind a failover an open connection can become a hole: what is sent is taken, and no answer ever
comes. The server's own limits say nothing then, so each wait for an answer has a limit of ours.
"""

import re
from time import monotonic
from typing import Any

import psycopg
from psycopg.abc import RV, PQGen
from sqlalchemy import URL, Engine, create_engine, event
from sqlalchemy.engine import make_url

CONNECT_SECONDS = 5
ANSWER_SECONDS = 10.0
"""An answer that takes longer than this never comes: the connection is given up."""
_LIMITS = "-c statement_timeout=30000 -c lock_timeout=5000"
_HOST = re.compile(r"\[?([^\]]*?)\]?(?::([0-9]+))?")


class SilentServerError(psycopg.OperationalError):
    """The database took what was sent, and did not answer in time."""


class ImpatientConnection(psycopg.Connection[Any]):
    """
    A connection that closes itself when an answer does not come in time.

    `patience` is for how many seconds one is waited for; None is as long as usual.
    """

    patience: float | None = None

    def wait(self, gen: PQGen[RV], interval: float = 0.1, timeout: float | None = None) -> RV:
        """Wait for an answer as the driver does, and no longer than our patience lasts."""
        patience = ANSWER_SECONDS if self.patience is None else self.patience
        if timeout is not None:
            patience = min(timeout, patience)
        began = monotonic()
        try:
            return super().wait(gen, interval, patience)
        except psycopg.OperationalError as error:
            if monotonic() - began < patience or self.closed:
                raise
            self.pgconn.finish()  # the pool sees that it is closed, and takes another
            raise SilentServerError(f"no answer within {patience:g} s") from error


def open_postgresql(database_url: str) -> Engine:
    """Make an engine for a URL that configuration has judged; nothing is connected yet."""
    url, asked = _understood(database_url)
    engine = create_engine(
        url,
        pool_pre_ping=True,
        pool_size=3,
        connect_args={
            "connect_timeout": CONNECT_SECONDS,
            "keepalives": 1,
            "keepalives_idle": 5,
            "keepalives_interval": 2,
            "keepalives_count": 3,
            "tcp_user_timeout": int(ANSWER_SECONDS * 1000),
            **asked,
        },
    )
    event.listen(engine, "do_connect", _connect)
    event.listen(engine, "checkin", _be_usual)
    return engine


def _connect(_dialect: object, _record: object, args: Any, given: Any) -> ImpatientConnection:  # noqa: ANN401  (SQLAlchemy's)
    return ImpatientConnection.connect(*args, **given)


def _be_usual(raw: object, _record: object) -> None:
    """Wait as long as usual again, once a connection is given back."""
    if isinstance(raw, ImpatientConnection):
        raw.patience = None


def _understood(database_url: str) -> tuple[URL, dict[str, str]]:
    """
    Return the URL as SQLAlchemy reads it, and what the driver is handed beside it.

    Several hosts with commas between are the driver's to try in turn. Options that the URL asks
    for are merged with our own limits: given twice, one would be dropped without a word.
    """
    _, _, rest = database_url.partition("://")
    user, at, place = rest.rpartition("@")
    hosts, slash, name = place.partition("/")
    asked = dict[str, str]()
    if "," in hosts:
        rest = f"{user}{at}{slash}{name}"
        pairs = [_HOST.fullmatch(host) for host in hosts.split(",")]
        asked["host"] = ",".join(pair[1] for pair in pairs if pair)
        asked["port"] = ",".join(pair[2] or "" for pair in pairs if pair)
    url = make_url(f"postgresql+psycopg://{rest}")
    options = url.query.get("options", ())
    theirs = options if isinstance(options, str) else " ".join(options)
    asked["options"] = f"{theirs} {_LIMITS}".lstrip()
    return url.difference_update_query(["options"]), asked
