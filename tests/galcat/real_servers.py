"""Servers of Postgres that a test makes, starts and stops itself, with the rules of access it wants."""

import os
import shutil
import socket
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import psycopg
import pytest

from catalog.database.embedded.account import system_account
from catalog.database.requirements import MIN_PGVECTOR, parse_version
from tests.galcat.other_servers import find_programs, run

ADMIN = "postgres"


@dataclass(frozen=True)
class Server:
    """A server's folder, and how it is reached.

    Attributes:
        programs: Folder of its programs.
        data: Its data folder.
        sockets: Folder of its Unix socket.
        port: Port that names the socket and on which it listens at 127.0.0.1.
    """

    programs: Path
    data: Path
    sockets: Path
    port: int

    def url(self, database: str, user: str = ADMIN, *, password: str = "", more: str = "") -> str:
        """URL of a database by the Unix socket."""
        word = f":{password}" if password else ""
        return f"postgresql://{user}{word}@/{database}?host={self.sockets}&port={self.port}{more}"

    def tcp_url(self, database: str, user: str = ADMIN, *, password: str = "", more: str = "") -> str:
        """URL of a database over the network of this machine."""
        word = f":{password}" if password else ""
        return f"postgresql://{user}{word}@localhost:{self.port}/{database}?{more}"

    def run_sql(self, database: str, *statements: str) -> None:
        """Run statements as the administrator, each by itself."""
        with psycopg.connect(self.url(database), autocommit=True) as connection:
            for statement in statements:
                connection.execute(statement.encode())

    def start(self) -> None:
        """Start it, and wait until it accepts connections."""
        run(self.programs / "pg_ctl", "-D", self.data, "-w", "-l", self.data.with_suffix(".log"), "start")

    def stop(self, how: str = "fast") -> None:
        """Stop it, where it runs."""
        if (self.data / "postmaster.pid").exists():
            run(self.programs / "pg_ctl", "-D", self.data, "-w", "-m", how, "stop")

    def write_settings(self, settings: Mapping[str, str]) -> None:
        """Add settings, for the next start."""
        lines = [f"{name} = '{value}'" for name, value in settings.items()]
        with (self.data / "postgresql.auto.conf").open("a") as file:
            file.write("\n".join([*lines, ""]))


def own_folder(home: Path) -> Path:
    """A folder in a home that belongs to the account which runs servers; made where it is missing."""
    own = home / "own"
    own.mkdir(exist_ok=True)
    give(own)
    return own


def give(path: Path) -> None:
    """Give a file to the account which runs servers."""
    if os.geteuid() == 0:
        shutil.chown(path, system_account().uid, system_account().gid)


@contextmanager
def new_server(
    name: str, home: Path, folder: str = "data", *, access: str | None = None, needs_pgvector: bool = True
) -> Iterator[Server]:
    """An empty server that runs, whose administrator needs no password on its socket.

    Args:
        name: Which server: BUNDLED or one of OTHERS; the test is skipped where it is not here.
        home: An empty folder that its account can enter.
        folder: Name of its data folder.
        access: Lines of pg_hba.conf in place of all but the administrator's own; None lets everybody in.
        needs_pgvector: Whether the test is skipped where its pgvector is too old, or none.
    """
    programs = find_programs(name, home)
    if not (programs / "initdb").exists():
        pytest.skip(f"{name} is not installed here")
    server = Server(programs, own_folder(home) / folder, own_folder(home), free_port())
    run(programs / "initdb", "-D", server.data, "-U", ADMIN, "--auth=trust", "--encoding=UTF8", "--no-sync")
    configure(server)
    if access is not None:
        rules = f"local all {ADMIN} trust\nlocal replication {ADMIN} trust\n{access}"
        (server.data / "pg_hba.conf").write_text(rules)
    server.start()
    try:
        if needs_pgvector:
            _require_pgvector(server, name)
        yield server
    finally:
        server.stop("immediate")


def configure(server: Server) -> None:
    """Say where a server listens; what of it is lost by a loss of power is no matter."""
    server.write_settings(
        {
            "listen_addresses": "127.0.0.1",
            "port": str(server.port),
            "unix_socket_directories": str(server.sockets),
            "fsync": "off",
            "shared_buffers": "32MB",
        }
    )


def free_port() -> int:
    """A port of this machine that nobody listens on."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def _require_pgvector(server: Server, name: str) -> None:
    with psycopg.connect(server.url("postgres")) as connection:
        held = connection.execute(
            "SELECT default_version FROM pg_available_extensions WHERE name = 'vector'"
        ).fetchone()
    if held is None or parse_version(held[0]) < MIN_PGVECTOR:
        pytest.skip(f"{name} has no pgvector of {'.'.join(map(str, MIN_PGVECTOR))} or newer here")
