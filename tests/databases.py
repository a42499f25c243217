"""Databases of tests: a clone for each, made while the test before runs, and dropped while the next one does.

Postgres mostly waits when it makes or drops a database: for checkpoints, and for all of its processes.
"""

import threading
import uuid
from collections.abc import Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import contextmanager

import psycopg
from psycopg import sql

_admins: dict[tuple[str, int], psycopg.Connection] = {}
_maker = ThreadPoolExecutor(1, thread_name_prefix="makes-databases")
_dropper = ThreadPoolExecutor(1, thread_name_prefix="drops-databases")
_ahead: dict[tuple[str, str], Future[str]] = {}
_behind: list[Future[None]] = []


@contextmanager
def fresh_database(server_url: str, template: str) -> Iterator[str]:
    """Give a test a database of its own.

    Args:
        server_url: URL of the shared server's database `galcat`.
        template: Name of the database that it is a clone of.

    Returns:
        A context manager that gives the URL of the database while it is open.
    """
    coming = _ahead.pop((server_url, template), None)
    name = coming.result() if coming is not None else _clone(server_url, template)
    _ahead[server_url, template] = _maker.submit(_clone, server_url, template)
    try:
        yield url_of(server_url, name)
    finally:
        _drop_later(server_url, name)
        while _behind and _behind[0].done():
            _behind.pop(0).result()


def admin(server_url: str) -> psycopg.Connection:
    """The one session of this thread that makes and drops databases of a server."""
    key = server_url, threading.get_ident()
    if key not in _admins or _admins[key].closed:
        _admins[key] = psycopg.connect(url_of(server_url, "postgres"), autocommit=True)
    return _admins[key]


def url_of(server_url: str, name: str) -> str:
    """URL of another database of a server."""
    return server_url.replace("/galcat?", f"/{name}?")


def close() -> None:
    """Drop what is left, and end the sessions: the server is stopped next, or serves other runs."""
    while _ahead:
        (server_url, _), coming = _ahead.popitem()
        _drop_later(server_url, coming.result())
    _maker.shutdown()
    _dropper.shutdown()
    while _admins:
        _admins.popitem()[1].close()


def _clone(server_url: str, template: str) -> str:
    name = f"test_{uuid.uuid4().hex[:12]}"
    create = sql.SQL("CREATE DATABASE {} TEMPLATE {} STRATEGY file_copy")  # 40 ms; wal_log takes 160
    admin(server_url).execute(create.format(sql.Identifier(name), sql.Identifier(template)))
    return name


def _drop_later(server_url: str, name: str) -> None:
    """Have a database dropped, and the clone of it that was made for a test that never came."""
    clone = _ahead.pop((server_url, name), None)
    if clone is not None:
        _drop_later(server_url, clone.result())
    _behind.append(_dropper.submit(_drop, server_url, name))


def _drop(server_url: str, name: str) -> None:
    drop = sql.SQL("DROP DATABASE {} WITH (FORCE)").format(sql.Identifier(name))
    admin(server_url).execute(drop)
