"""The whole service over a test's database, at a real port."""

import asyncio
import io
import socket
import threading
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import urlencode, urlsplit

import httpx
import psycopg
import uvicorn
from astropy.io.votable import parse
from astropy.io.votable.tree import VOTableFile
from psycopg.conninfo import make_conninfo
from starlette.routing import BaseRoute

from catalog.search.memory.galaxy_memory import GalaxyMemory
from catalog.tap.app import make_app, server_config
from catalog.tap.database.connections import Connections
from catalog.tap.datalink.cutout import Cutter
from catalog.tap.limits import ServiceLimits
from catalog.tap.middleware.connection import ConnectionLimits
from catalog.tap.service import Service
from tests.waiting import wait_until

RUNAWAY = (
    "SELECT COUNT(*) FROM galcat.galaxy AS a CROSS JOIN galcat.galaxy AS b CROSS JOIN galcat.galaxy AS c "
    "CROSS JOIN galcat.galaxy AS d WHERE a.ra + b.ra + c.ra + d.ra < 0"
)
"""Of a few hundred galaxies it takes hours."""
COUNT = "SELECT COUNT(*) AS n FROM galcat.galaxy"
TABLES = "SELECT count(*) FROM pg_class WHERE relnamespace = 'tap_upload'::regnamespace AND relkind = 'r'"
"""How many uploaded tables there are; for the owner."""


@dataclass(frozen=True)
class TapServer:
    """A service that runs.

    Attributes:
        url: Its URL without a slash at its end.
        database: URL of its database, for the owner.
    """

    url: str
    database: str

    def ask(self, query: str, **parameters: str) -> httpx.Response:
        """The answer of /tap/sync."""
        return httpx.post(f"{self.url}/tap/sync", data={"QUERY": query, **parameters})

    @contextmanager
    def asking(self, query: str, **parameters: str) -> Iterator[socket.socket]:
        """A client that has sent its query, reads nothing of its own accord, and leaves at the end."""
        place = urlsplit(self.url)
        with socket.create_connection((str(place.hostname), place.port or 0)) as client:
            text = urlencode({"QUERY": query, **parameters})
            client.sendall(f"GET /tap/sync?{text} HTTP/1.1\r\nHost: 127.0.0.1\r\n\r\n".encode())
            yield client

    def make_job(self, query: str, **parameters: str) -> str:
        """A new job's URL."""
        made = httpx.post(f"{self.url}/tap/async", data={"QUERY": query, **parameters})
        assert made.status_code == 303, made.text
        return made.headers["location"]

    def running(self) -> int:
        """How many queries of strangers Postgres works on, in however many processes each."""
        return int(
            self.value(
                "SELECT count(*) FROM pg_stat_activity WHERE datname = current_database() "
                "AND usename = 'galcat_public' AND state = 'active' AND backend_type = 'client backend'"
            )
        )

    def value(self, query: str, *values: object) -> str:
        """The first value of a query by the owner."""
        with psycopg.connect(self.database, autocommit=True) as connection:
            row = connection.execute(query.encode(), values).fetchone()
        assert row is not None
        return str(row[0])


@contextmanager
def serving(
    database: str,
    spool: Path,
    limits: ServiceLimits,
    public_url: str | None = None,
    reader_url: str | None = None,
    cutter: Cutter | None = None,
    make_pages: Callable[[Service], Sequence[BaseRoute]] | None = None,
    bounds: ConnectionLimits | None = None,
    is_read_only: bool = False,
    memory: GalaxyMemory | None = None,
) -> Iterator[TapServer]:
    """Serve in a thread."""
    if not is_read_only:
        with psycopg.connect(database, autocommit=True) as connection:
            connection.execute("SELECT galcat_tap.let_readers_in()")
    reader_url = reader_url or make_conninfo(database, user="galcat_public")
    connections = Connections(reader_url, database, limits, is_read_only=is_read_only, memory=memory)
    app = make_app(connections, limits, spool, public_url=public_url, cutter=cutter, make_pages=make_pages)
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        free.listen()
        server = uvicorn.Server(server_config(app, "127.0.0.1", 0, bounds))
        thread = threading.Thread(target=lambda: asyncio.run(server.serve([free])))
        thread.start()
        try:
            wait_until(lambda: server.started or not thread.is_alive())
            assert server.started
            yield TapServer(f"http://127.0.0.1:{free.getsockname()[1]}", database)
        finally:
            server.should_exit = True
            thread.join()


def votable(answer: httpx.Response) -> VOTableFile:
    """A VOTable as astropy reads it."""
    return parse(io.BytesIO(answer.content))


def statuses(answer: httpx.Response) -> list[str]:
    """Every QUERY_STATUS of a VOTable, in order."""
    infos = [info for resource in votable(answer).resources for info in resource.infos]
    return [info.value for info in infos if info.name == "QUERY_STATUS"]


def upload(served: TapServer, content: bytes, path: str = "/tap/async", **more: str) -> httpx.Response:
    """The answer to a query of a table `t`, which comes with it."""
    return httpx.post(
        served.url + path,
        data={"QUERY": "SELECT COUNT(*) AS n FROM TAP_UPLOAD.t", "UPLOAD": "t,param:f", **more},
        files={"f": ("f", content)},
    )
