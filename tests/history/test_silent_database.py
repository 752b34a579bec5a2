"""History: a server that falls silent is left for a new connection, and tells no secret."""

import logging
import socket
import threading
from contextlib import contextmanager, suppress
from datetime import timedelta

import pytest
from sqlalchemy import event

from mission_control.history import postgresql
from mission_control.history.database import check_history, open_engine
from mission_control.model.reading import Seen, Unseen
from tests.floor.floor_of_values import NOW
from tests.history.conftest import Keeper, keeping
from tests.history.test_history import trouble, written
from tests.history.test_stopping import decision

pytestmark = pytest.mark.anyio
LATER = NOW + timedelta(seconds=30)


class Proxy:
    """Passes bytes to a server; what is open falls silent when asked to, what is new does not."""

    def __init__(self, port):
        """Pass on to this port of loopback."""
        self.to, self.listener = port, socket.create_server(("127.0.0.1", 0))
        self.port = self.listener.getsockname()[1]
        self.made, self.sockets, self.silent = 0, list[socket.socket](), threading.Event()
        threading.Thread(target=self.accept, daemon=True).start()

    def accept(self):
        """Take connections until closed."""
        with suppress(OSError):
            while True:
                inner = self.listener.accept()[0]
                try:
                    outer = socket.create_connection(("127.0.0.1", self.to))
                except ConnectionRefusedError:
                    inner.close()
                    continue
                self.made += 1
                self.sockets += [inner, outer]
                for pair in ((inner, outer), (outer, inner)):
                    arguments = (*pair, self.silent)
                    threading.Thread(target=self.pass_on, args=arguments, daemon=True).start()

    def pass_on(self, source, sink, silent):
        """Pass bytes on; once silent they are taken, and go nowhere."""
        with suppress(OSError):
            while content := source.recv(65_536):
                if not silent.is_set():
                    sink.sendall(content)

    def fall_silent(self):
        """Make a hole of every connection that is open."""
        silent, self.silent = self.silent, threading.Event()
        silent.set()


@contextmanager
def proxied(real):
    """Return an address of a server that can fall silent."""
    proxy = Proxy(real.port)
    try:
        yield proxy
    finally:
        proxy.listener.close()
        for each in proxy.sockets:
            each.close()


@pytest.mark.parametrize("within", [False, True], ids=["between writes", "within a write"])
async def test_what_met_silence_is_written_over_a_new_connection(
    postgres, tmp_path, monkeypatch, within
):
    """After a failover without a word the open connections are given up, and nothing is lost."""
    monkeypatch.setattr(postgresql, "ANSWER_SECONDS", 1.0)
    url = postgres.new_database(f"silent_{int(within)}")
    with proxied(postgres) as proxy:
        through = url.replace(f":{postgres.port}/", f":{proxy.port}/")
        with keeping(tmp_path, through) as kept:
            kept.writer.put(decision())
            await written(kept)
            before = proxy.made
            if within:
                fall_silent_at(kept.engine, "INSERT INTO decisions", proxy)
            else:
                proxy.fall_silent()
            kept.writer.put(decision(LATER))
            await written(kept)
            found = await kept.reader.decision_at(LATER)
            said = await kept.writer.check()

    assert proxy.made > before
    assert found is not None
    assert LATER == found.at
    assert isinstance(said, Seen)


def fall_silent_at(engine, beginning, proxy):
    """Let the server fall silent once, at a statement that begins so."""
    fallen = list[str]()

    def fall(_connection, _cursor, statement, *_more):
        if statement.startswith(beginning) and not fallen:
            fallen.append(statement)
            proxy.fall_silent()

    event.listen(engine, "before_cursor_execute", fall)


async def test_a_statement_that_takes_long_is_waited_for_where_that_was_asked(
    postgres, tmp_path, monkeypatch
):
    """What changes tables or drops old rows may take longer; the next one may not."""
    monkeypatch.setattr(postgresql, "ANSWER_SECONDS", 0.5)
    engine = open_engine(tmp_path, postgres.new_database("long"))
    with engine.connect() as connection:
        raw = connection.connection.dbapi_connection
        setattr(raw, "patience", 30.0)  # noqa: B010
        connection.exec_driver_sql("SELECT pg_sleep(1)")
    with (
        engine.connect() as again,
        pytest.raises(Exception, match=r"no answer within 0\.5 s"),
    ):
        again.exec_driver_sql("SELECT pg_sleep(60)")
    with engine.connect() as third:
        one = third.exec_driver_sql("SELECT 1").scalar()
    engine.dispose()

    assert 1 == one


async def test_options_of_the_url_are_kept_beside_our_own(postgres, tmp_path):
    """Two floors that a schema keeps apart stay apart, and our limits hold for both."""
    url = postgres.new_database("floors")
    plain = open_engine(tmp_path, url)
    with plain.begin() as connection:
        connection.exec_driver_sql("CREATE SCHEMA floor_b")
    plain.dispose()
    with keeping(tmp_path, f"{url}?options=-csearch_path%3Dfloor_b") as kept:
        with kept.engine.connect() as connection:
            path = connection.exec_driver_sql("SHOW search_path").scalar()
            limit = connection.exec_driver_sql("SHOW lock_timeout").scalar()
        kept.writer.put(decision())
        await written(kept)
    with keeping(tmp_path, url) as other:
        found = await other.reader.began()

    assert ("floor_b", "5s") == (path, limit)
    assert found is None


async def test_a_database_behind_several_hosts_is_found(postgres, tmp_path):
    """The first host is dead: the driver tries the next one."""
    url = postgres.new_database("hosts")
    name = url.rpartition("/")[2]
    several = f"postgresql://mission@127.0.0.1:1,127.0.0.1:{postgres.port}/{name}"
    with keeping(tmp_path, several) as kept:
        kept.writer.put(decision())
        await written(kept)

    with keeping(tmp_path, url) as kept:
        assert NOW == await kept.reader.began()


@pytest.mark.parametrize(
    ("address", "said"),
    [
        pytest.param("mission:hunter2@hunter2.invalid/x", "not reached", id="no such host"),
        pytest.param("mission:hunter2@127.0.0.1:1/hunter2", "not reached", id="refused"),
        pytest.param("hunter2@127.0.0.1:{port}/postgres", "SQLSTATE|not reached", id="user"),
        pytest.param("mission@127.0.0.1:{port}/hunter2", "SQLSTATE|not reached", id="database"),
    ],
)
async def test_no_driver_tells_what_the_url_holds(postgres, tmp_path, caplog, address, said):
    """Host, user, password and database of the URL are in nothing that is logged or shown."""
    url = f"postgresql://{address.format(port=postgres.port)}"
    checked = await check_history(tmp_path, url, lambda: NOW)
    with caplog.at_level(logging.DEBUG, logger="mission_control"):
        kept = Keeper(tmp_path, url)
        kept.writer.start()
        try:
            told = await trouble(kept)
        finally:
            kept.writer.stop(60)
            kept.engine.dispose()

    assert isinstance(checked, Unseen)
    assert isinstance(told, Unseen)
    assert any(word in checked.detail for word in said.split("|"))
    assert "hunter2" not in checked.detail + told.detail + caplog.text
