"""A lock that another session holds: who holds it is named, and waited for no longer than it may need it."""

import logging
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager

import psycopg
import pytest

from catalog.database import advisory_lock
from catalog.database.advisory_lock import find_holder, holding
from catalog.database.connection import connect
from catalog.errors import LockHeldError
from tests.other_logins import session_in_role
from tests.waiting import LAST_LIMIT_S, wait_until, wait_until_at_a_lock

KEY, SUBJECT = "galcat/test", "the work"


@pytest.fixture(autouse=True)
def _short_waits(monkeypatch: pytest.MonkeyPatch) -> None:
    for name, seconds in (("LOOK_S", 0.05), ("MAX_WAIT_S", 0.1), ("MAX_IDLE_S", 0.3)):
        monkeypatch.setattr(advisory_lock, name, seconds)


@pytest.fixture
def connection(database: str) -> Iterator[psycopg.Connection]:
    with connect(database, autocommit=True) as opened:
        yield opened


@contextmanager
def a_holder(database: str, *, may_write: bool) -> Iterator[psycopg.Connection]:
    """A session that holds the lock; its login may write, or only read."""
    with session_in_role(database, "galcat_writer" if may_write else "galcat_reader") as session:
        session.execute("SELECT pg_advisory_lock(hashtextextended(%s, 0))", [KEY])
        yield session


@pytest.mark.parametrize(
    ("may_write", "why"),
    [(False, "which may not write"), (True, "which has done nothing for 0 minutes")],
    ids=["a reader", "an idle writer"],
)
@pytest.mark.parametrize("is_shared", [False, True])
def test_a_holder_that_does_not_work_under_it_is_named_and_given_up(
    database: str,
    connection: psycopg.Connection,
    caplog: pytest.LogCaptureFixture,
    may_write: bool,
    why: str,
    is_shared: bool,
) -> None:
    with a_holder(database, may_write=may_write) as session:
        name, pid = session.info.user, session.info.backend_pid
        caplog.set_level(logging.WARNING)
        with (
            pytest.raises(LockHeldError) as refused,
            holding(connection, KEY, SUBJECT, is_shared=is_shared),
        ):
            pytest.fail("two sessions held the lock")
        assert str(refused.value) == (
            f"the work is held by {name} (process {pid} of Postgres), {why}: let it end, or end it by "
            f"SELECT pg_terminate_backend({pid}), then try again"
        )
        told = f"the work is held by {name} (process {pid} of Postgres): this run waits"
        assert [record.message for record in caplog.records] == [told]
        assert find_holder(connection, KEY) is not None
        session.execute("SELECT pg_advisory_unlock(hashtextextended(%s, 0))", [KEY])
        with holding(connection, KEY, SUBJECT, is_shared=is_shared):
            assert find_holder(session, KEY) is not None
        assert find_holder(session, KEY) is None
    assert connection.execute("SHOW lock_timeout").fetchone() == ("0",)


def test_a_writer_that_works_is_waited_for_until_it_lets_go(
    database: str, connection: psycopg.Connection, monkeypatch: pytest.MonkeyPatch
) -> None:
    looks = list[float]()
    refuse = advisory_lock.refuse_idle_holder

    def look(asking: psycopg.Connection, key: str, subject: str, waited_s: float) -> None:
        looks.append(waited_s)
        refuse(asking, key, subject, waited_s)

    monkeypatch.setattr(advisory_lock, "refuse_idle_holder", look)
    monkeypatch.setattr(advisory_lock, "MAX_IDLE_S", LAST_LIMIT_S)

    def wait_and_hold() -> bool:
        with connect(database, autocommit=True) as waiter, holding(waiter, KEY, SUBJECT):
            return True

    with a_holder(database, may_write=True) as session, ThreadPoolExecutor(1) as threads:
        waiting = threads.submit(wait_and_hold)
        wait_until_at_a_lock(database, 1)

        def works() -> bool:
            session.execute("SELECT 1")
            return bool(looks) and looks[-1] > 2 * advisory_lock.MAX_WAIT_S

        wait_until(works, "looks past the time for which a reader is waited for")
        assert not waiting.done()
        session.execute("SELECT pg_advisory_unlock(hashtextextended(%s, 0))", [KEY])
        assert waiting.result()
    assert find_holder(connection, KEY) is None
