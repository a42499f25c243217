import os
import socket
from collections.abc import Iterator
from contextlib import closing, contextmanager
from urllib.parse import urlsplit

import httpx
import psycopg
import pytest
from psycopg import sql
from psycopg.conninfo import make_conninfo

from catalog.database.pooler import find_backend
from catalog.tap.database import connections
from catalog.tap.database.connections import Connections
from catalog.tap.limits import ServiceLimits
from tests.catalog.tap.tap_server import TapServer, statuses
from tests.waiting import wait_until

COUNT = "SELECT COUNT(*) AS n FROM galcat.galaxy"
END_ALL = (
    "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = %s AND pid <> pg_backend_pid()"
)


@pytest.fixture
def impatient(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(connections, "_PATIENCE_S", 0.5)


@contextmanager
def no_database(served: TapServer) -> Iterator[None]:
    """Nobody can connect meanwhile."""
    name = urlsplit(served.database).path.strip("/")
    allow = sql.SQL("ALTER DATABASE {} ALLOW_CONNECTIONS {}")
    with psycopg.connect(served.database.replace(f"/{name}?", "/postgres?"), autocommit=True) as admin:
        admin.execute(allow.format(sql.Identifier(name), sql.SQL("false")))
        admin.execute(END_ALL, [name])
        try:
            yield
        finally:
            admin.execute(allow.format(sql.Identifier(name), sql.SQL("true")))


def test_connections_that_the_server_has_ended_are_replaced_without_anybody_noticing(
    served: TapServer,
) -> None:
    job = served.make_job(COUNT, FORMAT="csv")
    with no_database(served):
        pass
    assert served.ask(COUNT, FORMAT="csv").text.split() == ["n", "300"]
    httpx.post(f"{job}/phase", data={"PHASE": "RUN"})
    wait_until(lambda: httpx.get(f"{job}/phase").text == "COMPLETED")


def test_what_a_service_that_is_gone_has_asked_ends_long_before_its_time(
    galaxies: str, limits: ServiceLimits
) -> None:
    asked = Connections(make_conninfo(galaxies, user="galcat_public"), galaxies, limits)
    with psycopg.connect(galaxies, autocommit=True) as owner, closing(asked):
        owner.execute("SELECT galcat_tap.let_readers_in()")
        asked.open()
        with asked.reader() as reader:
            backend = find_backend(reader)
            reader.pgconn.send_query(b"SELECT pg_sleep(600)")
            working = "SELECT count(*) FROM pg_stat_activity WHERE pid = %s AND query ~ 'pg_sleep'"
            count = lambda: owner.execute(working, [backend]).fetchone()  # noqa: E731 - one line
            wait_until(lambda: count() == (1,), "the query")
            with socket.socket(fileno=os.dup(reader.fileno())) as channel:
                channel.shutdown(socket.SHUT_RDWR)  # as the end of the process does
            wait_until(lambda: count() == (0,), "the end of the query")
            reader.close()


@pytest.mark.usefixtures("impatient")
def test_without_its_database_the_service_says_that_it_is_its_own_fault_and_comes_back(
    served: TapServer, caplog: pytest.LogCaptureFixture
) -> None:
    with no_database(served):
        wait_until(lambda: "the database is away" in caplog.text)  # as the workers of jobs find out
        answers = [
            served.ask(COUNT),
            httpx.get(f"{served.url}/tap/tables"),
            httpx.get(f"{served.url}/tap/async"),
        ]
        available = httpx.get(f"{served.url}/tap/availability")
        ready, live = (httpx.get(f"{served.url}/health/{what}") for what in ("ready", "live"))
    assert (ready.status_code, ready.text) == (503, "the database cannot be asked\n")
    assert (live.status_code, live.text) == (200, "live\n")
    for answer in answers:
        assert (answer.status_code, answer.headers["retry-after"], statuses(answer)) == (503, "10", ["ERROR"])
        assert "the database cannot answer now: try again later" in answer.text
        assert "postgres" not in answer.text.lower()
    assert (available.status_code, ">false<" in available.text) == (200, True)
    wait_until(lambda: served.ask(COUNT, FORMAT="csv").text.split() == ["n", "300"])
    for place in ("health", "health/ready"):
        back = httpx.get(f"{served.url}/{place}")
        assert (back.status_code, back.text) == (200, "ready\n")
    wait_until(lambda: "the database is back after" in caplog.text)
    ours = [record for record in caplog.records if record.name.startswith(("catalog", "galcat"))]
    assert [record.getMessage() for record in ours if record.exc_info] == []
    assert len([record for record in ours if "the database is away" in record.getMessage()]) == 1
