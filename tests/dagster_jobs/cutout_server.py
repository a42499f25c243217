"""The service with cutouts, over a test's database, at a real port."""

import asyncio
import socket
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import psycopg
import uvicorn
from psycopg.conninfo import make_conninfo

from catalog.tap.app import make_app
from catalog.tap.connections import Connections
from catalog.tap.limits import ServiceLimits
from catalog.tap.server import server_config
from dagster_jobs.sky_cutter import SkyCutter
from tests.catalog.tap.tap_server import wait_until


@contextmanager
def serving_cutouts(database: str, spool: Path) -> Iterator[str]:
    """Serve in a thread; gives the URL, without a slash at its end."""
    with psycopg.connect(database, autocommit=True) as connection:
        connection.execute("SELECT galcat_tap.let_readers_in()")
    limits = ServiceLimits()
    connections = Connections(make_conninfo(database, user="galcat_public"), database, limits)
    app = make_app(connections, limits, spool, cutter=SkyCutter())
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        free.listen()
        server = uvicorn.Server(server_config(app, "127.0.0.1", 0))
        thread = threading.Thread(target=lambda: asyncio.run(server.serve([free])))
        thread.start()
        try:
            wait_until(lambda: server.started or not thread.is_alive())
            assert server.started
            yield f"http://127.0.0.1:{free.getsockname()[1]}"
        finally:
            server.should_exit = True
            thread.join()
