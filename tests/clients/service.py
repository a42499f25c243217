"""`galcat serve` as whoever runs it does: a process of its own, on a port of its own."""

import os
import signal
import socket
import subprocess
import sys
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import httpx
import psycopg
from psycopg.conninfo import make_conninfo

from catalog.database.connection import connect
from catalog.database.reader_login import READER
from tests.waiting import LAST_LIMIT_S, wait_until


@dataclass(frozen=True)
class Service:
    """A service that runs.

    Attributes:
        url: Without a slash at its end.
        database: URL of its database, for the owner.
        log: File with its output.
        pid: Id of its process.
    """

    url: str
    database: str
    log: Path
    pid: int

    def kill(self) -> None:
        """End it without warning."""
        os.kill(self.pid, signal.SIGKILL)

    @property
    def tap(self) -> str:
        """URL of TAP."""
        return f"{self.url}/tap"

    def rows(self, query: str, *values: object) -> list[tuple[object, ...]]:
        """What SQL, not ADQL, says of the same catalogue."""
        with psycopg.connect(self.database) as connection:
            return connection.execute(query.encode(), values).fetchall()

    def names(self, query: str) -> list[str]:
        """The first column of SQL as texts."""
        return [str(row[0]) for row in self.rows(query)]


@contextmanager
def serving(database: str, folder: Path, settings: Mapping[str, str] | None = None) -> Iterator[Service]:
    """Serve until the end; what it says is shown where it does not start, and kept in the folder."""
    with connect(database, autocommit=True) as connection:
        connection.execute("SELECT galcat_tap.let_readers_in()")
    port, said = _free_port(), folder / "stderr.txt"
    environment = os.environ | {
        "GALCAT_HOME": str(folder),
        "GALCAT_DATABASE_URL": database,
        "GALCAT_READER_URL": make_conninfo(database, user=READER),
        **(settings or {}),
    }
    command = [str(Path(sys.executable).with_name("galcat")), "serve", "--port", str(port)]
    with said.open("wb") as log:
        process = subprocess.Popen(command, env=environment, stdout=log, stderr=log)
    service = Service(f"http://127.0.0.1:{port}", database, said, process.pid)
    try:
        _wait(service, process)
        yield service
    finally:
        process.terminate()
        process.wait(LAST_LIMIT_S)


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def _wait(service: Service, process: subprocess.Popen[bytes]) -> None:
    def answers() -> bool:
        assert process.poll() is None, f"the service ended:\n{service.log.read_text()}"
        try:
            return httpx.get(f"{service.tap}/availability").is_success
        except httpx.TransportError:
            return False

    wait_until(answers, "an answer of the service", service.log.read_text)
