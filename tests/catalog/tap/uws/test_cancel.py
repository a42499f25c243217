import json
import socket
import threading
from concurrent.futures import ThreadPoolExecutor, as_completed
from dataclasses import replace
from pathlib import Path

import httpx
import psycopg
import pytest

from catalog.tap.answers import response as answer_response
from catalog.tap.limits import ServiceLimits
from catalog.tap.queries.run_query import RunningQuery
from tests.catalog.tap.tap_server import RUNAWAY, TapServer, serving, statuses
from tests.waiting import LAST_LIMIT_S, wait_until

PAIRS = "SELECT a.*, b.object_id AS other FROM galcat.galaxy AS a CROSS JOIN galcat.galaxy AS b"
Log = list[tuple[object, ...]]


def log(served: TapServer, n: int, columns: str = "interface, phase, rows, error") -> Log:
    """The n rows of the log in the order of asking, as soon as they are there: each is written at its end."""
    with psycopg.connect(served.database, autocommit=True) as connection:
        wait_until(lambda: connection.execute("SELECT count(*) FROM galcat_tap.query_log").fetchone() == (n,))
        return connection.execute(f"SELECT {columns} FROM galcat_tap.query_log ORDER BY asked_at").fetchall()


def ask_and_leave(served: TapServer, query: str, read_bytes: int, **parameters: str) -> None:
    """Ask, wait until Postgres works, read a little, and close the connection."""
    with served.asking(query, **parameters) as client:
        wait_until(lambda: served.running() == 1)
        if read_bytes:
            assert len(client.recv(read_bytes, socket.MSG_WAITALL)) == read_bytes


def test_a_client_that_leaves_before_the_first_row_cancels_its_query(served: TapServer) -> None:
    ask_and_leave(served, RUNAWAY, 0)
    wait_until(lambda: served.running() == 0)
    assert log(served, 1) == [("sync", "ABORTED", 0, "the client left")]


@pytest.mark.parametrize("form", ["votable", "csv", "json"])
def test_a_client_that_leaves_while_rows_are_sent_cancels_its_query(
    galaxies: str, tmp_path: Path, limits: ServiceLimits, form: str
) -> None:
    with serving(galaxies, tmp_path, replace(limits, rows=10**6, max_rows=10**6)) as served:
        ask_and_leave(served, PAIRS, 100_000, FORMAT=form)
        wait_until(lambda: served.running() == 0)
        ((interface, phase, rows),) = log(served, 1, "interface, phase, rows")
        assert (interface, phase) == ("sync", "ABORTED")
        assert 0 < int(str(rows)) < 90_000
        assert served.ask("SELECT COUNT(*) AS n FROM galcat.galaxy", FORMAT="csv").text.split() == [
            "n",
            "300",
        ]


def test_a_client_that_leaves_the_line_is_forgotten(
    galaxies: str, tmp_path: Path, limits: ServiceLimits
) -> None:
    with serving(galaxies, tmp_path, replace(limits, queries_at_once=1, queries_waiting=1)) as served:
        ask_and_leave(served, RUNAWAY, 0)
        wait_until(lambda: served.running() == 0)
        assert served.ask("SELECT TOP 1 ra FROM galcat.galaxy").status_code == 200


@pytest.mark.parametrize("form", ["votable", "csv", "fits"])
def test_a_runaway_query_is_cancelled_when_its_time_is_over(
    galaxies: str, tmp_path: Path, limits: ServiceLimits, form: str
) -> None:
    with serving(galaxies, tmp_path, replace(limits, sync_seconds=1)) as served:
        longer = served.make_job(RUNAWAY, PHASE="RUN")  # the same query, with more time
        wait_until(lambda: served.running() == 1)
        answer = served.ask(RUNAWAY, FORMAT=form)
        assert (answer.status_code, statuses(answer)) == (400, ["ERROR"])
        says = (
            "the query took longer than 1 s and was cancelled: ask for less, "
            "or run it as a job with a longer EXECUTIONDURATION"
        )
        assert says in answer.text
        assert log(served, 1) == [("sync", "ERROR", 0, says)]
        wait_until(lambda: served.running() == 1)
        assert httpx.get(f"{longer}/phase").text == "EXECUTING"  # it began first and goes on
        httpx.post(f"{longer}/phase", data={"PHASE": "ABORT"})
        wait_until(lambda: served.running() == 0)


def test_a_client_that_reads_too_slowly_is_told_so_in_the_end(
    galaxies: str, tmp_path: Path, limits: ServiceLimits, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(answer_response, "_GRACE_S", LAST_LIMIT_S)  # for the rest, which it reads slowly too
    is_over, stop = threading.Event(), RunningQuery.stop

    def stop_and_tell(query: RunningQuery, reason: str) -> None:
        stop(query, reason)
        is_over.set()

    monkeypatch.setattr(RunningQuery, "stop", stop_and_tell)
    slow = replace(limits, sync_seconds=3, rows=10**6, max_rows=10**6)
    asked = {"QUERY": PAIRS, "FORMAT": "json"}
    plain = {"Accept-Encoding": "identity"}  # 68 MB, far more than lies between a server and its client
    with serving(galaxies, tmp_path, slow) as served:
        with httpx.stream("GET", f"{served.url}/tap/sync", params=asked, headers=plain) as answer:
            parts = answer.iter_bytes()
            body = next(parts)
            assert is_over.wait(LAST_LIMIT_S)
            body += b"".join(parts)
        assert json.loads(body)["error"].startswith("the query took longer than 3 s")


def test_a_client_that_does_not_read_at_all_holds_no_place_for_ever(
    galaxies: str, tmp_path: Path, limits: ServiceLimits, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(answer_response, "_GRACE_S", 0.5)
    one = replace(limits, sync_seconds=5, rows=10**6, max_rows=10**6, queries_at_once=1)
    with serving(galaxies, tmp_path, one) as served, served.asking(PAIRS):
        assert served.ask("SELECT TOP 1 ra FROM galcat.galaxy").status_code == 200
        assert "COMPLETED" in {row[0] for row in log(served, 2, "phase")}
        wait_until(lambda: served.running() == 0)


def test_a_client_that_takes_nothing_is_dropped_long_before_its_time_is_over(
    galaxies: str, tmp_path: Path, limits: ServiceLimits
) -> None:
    one = replace(limits, unread_seconds=0.5, rows=10**6, max_rows=10**6, queries_at_once=1)
    with serving(galaxies, tmp_path, one) as served, served.asking(PAIRS):
        assert log(served, 1, "phase, error") == [("ABORTED", "the client took nothing for 0.5 s")]
        wait_until(lambda: served.running() == 0)


def test_too_long_a_line_is_refused_with_a_time_to_come_again(
    galaxies: str, tmp_path: Path, limits: ServiceLimits
) -> None:
    one = replace(limits, queries_at_once=1, queries_waiting=1)
    with serving(galaxies, tmp_path, one) as served, ThreadPoolExecutor(2) as threads:
        with served.asking(RUNAWAY):
            wait_until(lambda: served.running() == 1)
            asked = [threads.submit(served.ask, "SELECT TOP 1 ra FROM galcat.galaxy") for _ in range(2)]
            refused = next(as_completed(asked)).result()  # whichever came last; the other waits
            assert (refused.status_code, refused.headers["retry-after"], statuses(refused)) == (
                503,
                "10",
                ["ERROR"],
            )
        assert sorted(one.result().status_code for one in asked) == [200, 503]


def test_every_query_is_logged_with_its_time_rows_and_phase(served: TapServer) -> None:
    served.ask("SELECT TOP 3 ra FROM galcat.galaxy", LANG="ADQL-2.1")
    served.ask("SELECT nothing FROM galcat.galaxy")
    columns = (
        "interface, language, query, phase, rows, error, address, "
        f"seconds > 0 AND seconds < {LAST_LIMIT_S}, ended_at > asked_at"
    )
    assert log(served, 2, columns) == [
        (
            "sync",
            "ADQL-2.1",
            "SELECT TOP 3 ra FROM galcat.galaxy",
            "COMPLETED",
            3,
            None,
            "127.0.0.1",
            True,
            True,
        ),
        (
            "sync",
            "ADQL",
            "SELECT nothing FROM galcat.galaxy",
            "ERROR",
            0,
            "line 1, column 8: no column 'nothing' in galcat.galaxy",
            "127.0.0.1",
            True,
            True,
        ),
    ]
    assert served.value("SELECT user_agent FROM galcat_tap.query_log LIMIT 1").startswith("python-httpx/")


def test_a_proxy_is_believed_only_where_there_is_one(
    galaxies: str, tmp_path: Path, limits: ServiceLimits
) -> None:
    query, forwarded = (
        {"QUERY": "SELECT TOP 1 ra FROM galcat.galaxy"},
        {"X-Forwarded-For": "6.6.6.6, 192.0.2.7"},
    )
    for public_url in (None, "https://galaxies.example.org"):
        with serving(galaxies, tmp_path, limits, public_url) as served:
            httpx.get(f"{served.url}/tap/sync", params=query, headers=forwarded)
            capabilities = httpx.get(f"{served.url}/tap/capabilities").text
            assert f">{public_url or served.url}/tap<" in capabilities
    assert [row[0] for row in log(served, 2, "address")] == ["127.0.0.1", "192.0.2.7"]
