"""Behind PgBouncer, over TLS, with passwords: session mode works, transaction mode is refused in one line."""

import os
import shutil
import socket
import subprocess
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path

import httpx
import psutil  # type: ignore[import-untyped] # it ships no types
import pytest

from catalog.database.connection import connect
from catalog.database.migrate import migrate
from catalog.database.pooler import find_backend
from catalog.errors import ServerError
from catalog.tap.database.connections import Connections
from catalog.tap.limits import ServiceLimits
from tests.catalog.galaxies import fill
from tests.catalog.tap.tap_server import serving
from tests.galcat.certificates import write_certificates
from tests.galcat.other_servers import BUNDLED, DEBIAN, as_account
from tests.galcat.real_servers import Server, free_port, give, new_server, own_folder
from tests.waiting import wait_until

BOUNCER = shutil.which("pgbouncer", path=f"{os.defpath}:/usr/sbin:/usr/local/sbin")
GALAXIES = 12
SCRAM = "local all all scram-sha-256\nhost all all 127.0.0.1/32 scram-sha-256\n"
USERS = {"ann": "an@n/s:word", "galcat_public": "sesame"}
ANN = "an%40n%2Fs%3Aword"


@pytest.fixture
def server(server_home: Path) -> Iterator[Server]:
    """A server that asks for passwords, with a database of Ann, who is no superuser."""
    with new_server(BUNDLED, server_home, access=SCRAM) as opened:
        opened.run_sql(
            "postgres",
            f"CREATE ROLE ann LOGIN CREATEROLE CREATEDB PASSWORD '{USERS['ann']}'",
            "CREATE DATABASE sky OWNER ann",
        )
        opened.run_sql("sky", "CREATE EXTENSION vector")
        yield opened


@contextmanager
def bouncing(server: Server, home: Path, pool_mode: str) -> Iterator[int]:
    """PgBouncer before a server, which takes clients over TLS alone; gives its port."""
    if BOUNCER is None:
        pytest.skip("PgBouncer is not installed here")
    folder, port = own_folder(home), free_port()
    (folder / "users.txt").write_text("".join(f'"{name}" "{word}"\n' for name, word in USERS.items()))
    settings = {
        "listen_addr": "127.0.0.1",
        "listen_port": port,
        "unix_socket_dir": "",
        "auth_type": "scram-sha-256",
        "auth_file": folder / "users.txt",
        "pool_mode": pool_mode,
        "default_pool_size": 40,
        "client_tls_sslmode": "require",
        "client_tls_key_file": folder / "server.key",
        "client_tls_cert_file": folder / "server.crt",
    }
    lines = [f"{name} = {value}" for name, value in settings.items()]
    (folder / "bouncer.ini").write_text(
        "\n".join([f"[databases]\nsky = host={server.sockets} port={server.port}\n[pgbouncer]", *lines, ""])
    )
    for name in ("users.txt", "bouncer.ini"):
        give(folder / name)
    with (folder / "bouncer.log").open("wb") as log:
        process = subprocess.Popen(
            [BOUNCER, folder / "bouncer.ini"], stdout=log, stderr=log, cwd="/", **as_account()
        )
    try:
        wait_until(lambda: _listens(port) or process.poll() is not None, "PgBouncer")
        assert process.poll() is None, (folder / "bouncer.log").read_text()
        yield port
    finally:
        process.terminate()
        process.wait()


def _listens(port: int) -> bool:
    with socket.socket() as probe:
        return probe.connect_ex(("127.0.0.1", port)) == 0


@pytest.mark.servers
def test_behind_a_pooler_of_sessions_over_tls_and_with_passwords_everything_works(
    server: Server, server_home: Path, tmp_path: Path
) -> None:
    authority = write_certificates(own_folder(server_home))
    with bouncing(server, server_home, "session") as port:
        tls = f"sslmode=verify-full&sslrootcert={authority}&hostaddr=127.0.0.1"
        url = f"postgresql://ann:{ANN}@localhost:{port}/sky?{tls}"
        migrate(url)
        with connect(url, autocommit=True) as connection:
            fill(connection, GALAXIES)
            connection.execute(f"ALTER ROLE galcat_public LOGIN PASSWORD '{USERS['galcat_public']}'")
            assert connection.pgconn.ssl_in_use
        reader = f"postgresql://galcat_public:sesame@localhost:{port}/sky?{tls}"
        with serving(url, tmp_path, ServiceLimits(), reader_url=reader) as service:
            answer = service.ask("SELECT COUNT(*) AS n FROM galcat.galaxy", RESPONSEFORMAT="csv")
            assert answer.text.split() == ["n", str(GALAXIES)]
            job = service.make_job("SELECT TOP 3 ra FROM galcat.galaxy", PHASE="RUN")
            wait_until(lambda: httpx.get(f"{job}/phase").text == "COMPLETED", "the job")
        with pytest.raises(ServerError, match="authentication failed") as refused:
            connect(url.replace(ANN, "sesam"))
        assert "sesam" not in str(refused.value)
        with pytest.raises(ServerError, match="certificate"):
            connect(url.replace("localhost", "127.0.0.1"))  # the certificate does not name it


@pytest.mark.servers
def test_behind_a_pooler_a_session_is_ended_and_counted_by_its_real_process(
    server: Server, server_home: Path
) -> None:
    authority = write_certificates(own_folder(server_home))
    migrate(server.url("sky", "ann", password=ANN))
    server.run_sql("sky", f"ALTER ROLE galcat_public LOGIN PASSWORD '{USERS['galcat_public']}'")
    with bouncing(server, server_home, "session") as port, ExitStack() as held:
        place = f"localhost:{port}/sky?sslmode=verify-full&sslrootcert={authority}&hostaddr=127.0.0.1"
        connections = Connections(
            f"postgresql://galcat_public:sesame@{place}", f"postgresql://ann:{ANN}@{place}", ServiceLimits()
        )
        connections.open()
        held.callback(connections.close)
        reader = held.enter_context(connections.reader())
        backend = psutil.Process(find_backend(reader))
        assert reader.info.backend_pid != backend.pid
        backend.suspend()
        held.callback(lambda: backend.is_running() and backend.resume())
        connections.terminate(reader)
        connections.abandon(reader)
        connections.forget_ended()
        assert connections.abandoned == 1
        backend.resume()
        wait_until(lambda: not backend.is_running(), "the end that it was asked for")
        connections.forget_ended()
        assert connections.abandoned == 0


@pytest.mark.servers
@pytest.mark.parametrize("pool_mode", ["transaction", "statement"])
def test_a_pooler_of_transactions_is_refused_in_one_line(
    server: Server, server_home: Path, pool_mode: str
) -> None:
    authority = write_certificates(own_folder(server_home))
    with bouncing(server, server_home, pool_mode) as port:
        tls = f"sslmode=verify-full&sslrootcert={authority}&hostaddr=127.0.0.1"
        for _ in range(2):
            with pytest.raises(ServerError) as refused:
                connect(f"postgresql://ann:{ANN}@localhost:{port}/sky?{tls}")
            assert str(refused.value) == (
                "the pooler at localhost gives every transaction another session of Postgres: set "
                "pool_mode = session for the database sky, or name Postgres itself"
            )


@pytest.mark.servers
def test_a_server_is_believed_only_with_a_certificate_of_the_authority_that_was_named(
    server_home: Path,
) -> None:
    folder = own_folder(server_home)
    authority = write_certificates(folder)
    (server_home / "other").mkdir()
    other = write_certificates(server_home / "other", "another authority")
    access = "hostssl all all 127.0.0.1/32 scram-sha-256\n"
    with new_server(DEBIAN, server_home, access=access, needs_pgvector=False) as server:
        server.run_sql("postgres", "CREATE ROLE ann LOGIN PASSWORD 'sesame'")
        server.stop()
        names = {"ssl_cert_file": folder / "server.crt", "ssl_key_file": folder / "server.key"}
        server.write_settings({"ssl": "on"} | {name: str(path) for name, path in names.items()})
        server.start()

        def url(root: Path, mode: str = "verify-full") -> str:
            more = f"sslmode={mode}&sslrootcert={root}&hostaddr=127.0.0.1"
            return server.tcp_url("postgres", "ann", password="sesame", more=more)  # noqa: S106 - of this test

        with connect(url(authority)) as connection:
            assert connection.pgconn.ssl_in_use
            assert connection.execute("SELECT current_user").fetchone() == ("ann",)
        with pytest.raises(ServerError, match="certificate verify failed"):
            connect(url(other))
        with pytest.raises(ServerError, match=r"no pg_hba\.conf entry"):
            connect(url(authority, "disable"))
