"""A server that cannot serve us is refused in one line that never holds the password."""

import os
import re
import subprocess
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import psycopg
import pytest
from pgvector import HalfVector, Vector
from psycopg.conninfo import conninfo_to_dict
from psycopg.pq import TransactionStatus

from catalog.database.connection import connect, database_url
from catalog.database.embedded.account import ServerPlace, system_account
from catalog.database.embedded.process import run
from catalog.database.embedded.server import up, url
from catalog.database.requirements import require_supported
from catalog.errors import ServerError
from catalog.settings import Settings

OLD_PROGRAMS = Path("/usr/lib/postgresql/15/bin")
OLD_PGVECTOR = Path("/usr/share/postgresql/15/extension/vector.control")


@pytest.fixture
def old_server(server_home: Path) -> Iterator[str]:
    """URL of a Postgres 15 without pgvector, where the system has one."""
    if not OLD_PROGRAMS.is_dir() or OLD_PGVECTOR.exists():
        pytest.skip(f"no Postgres 15 without pgvector in {OLD_PROGRAMS} (Debian 12: apt install postgresql)")
    place = ServerPlace(server_home, OLD_PROGRAMS, system_account() if os.geteuid() == 0 else None)
    place.data.mkdir(mode=0o700)
    if place.account is not None:
        os.chown(place.data, place.account.uid, place.account.gid)
    data = ["-D", str(place.data)]
    options = f"-c listen_addresses= -c unix_socket_directories={place.data}"
    assert run(place, "initdb", [*data, "--auth=trust", "--username=postgres", "--no-sync"]).returncode == 0
    start = ["-o", options, "-l", str(place.data / "server.log"), "-w", "start"]
    assert run(place, "pg_ctl", [*data, *start]).returncode == 0
    yield f"postgresql://postgres@/postgres?host={place.data}"
    assert run(place, "pg_ctl", [*data, "-m", "immediate", "stop"]).returncode == 0


def test_a_real_server_without_pgvector_is_refused_by_name(old_server: str) -> None:
    with connect(old_server) as conn, pytest.raises(ServerError) as refused:
        require_supported(conn)
    version = subprocess.run(
        [str(OLD_PROGRAMS / "postgres"), "--version"], capture_output=True, text=True, check=True
    ).stdout.split()[2]
    host = old_server.partition("host=")[2]
    assert (
        str(refused.value) == f"PostgreSQL {version} at {host} has no pgvector: galcat needs 0.8.4 or newer"
    )


@pytest.mark.parametrize(
    ("address", "said"),
    [
        ("postgresql://me:sesame@127.0.0.1:1/sky", "cannot connect to 127.0.0.1, database sky: .*refused"),
        ("postgresql+psycopg://me:sesame@127.0.0.1:1/sky", "cannot connect to 127.0.0.1, .*refused"),
        ("host=/nowhere password=sesame", "cannot connect to /nowhere, .*No such file or directory"),
        ("postgresql://me:ses@me@localhost/sky", "malformed"),
        ("postgresql://me:ses/ame@localhost/sky", "malformed"),
        ("postgresql://me:ses%ame@localhost/sky", "malformed"),
        ("mysql://me:sesame@localhost/sky", "malformed"),
        ("sesame", "malformed"),
    ],
)
def test_an_unreachable_server_is_one_line_without_the_password(address: str, said: str) -> None:
    with pytest.raises(ServerError, match=said) as refused:
        connect(address)
    text = f"{refused.value}{refused.value.__cause__}"
    assert "\n" not in text
    assert "ses" not in text
    assert refused.value.__context__ is None or refused.value.__suppress_context__


def test_of_several_servers_that_cannot_be_reached_each_is_named_with_its_reason(postgres_url: str) -> None:
    socket = conninfo_to_dict(postgres_url)["host"]
    with pytest.raises(ServerError) as refused:
        connect(f"host=127.0.0.1,/nowhere,{socket} port=1,2,5432 dbname=sky user=me password=sesame")
    assert re.fullmatch(
        r'cannot connect to 127\.0\.0\.1,/nowhere,.*, database sky: .*"127\.0\.0\.1", port 1 failed: .*'
        r'refused; .*"/nowhere/\.s\.PGSQL\.2" failed: No such file or directory; .*role "me" does not exist',
        str(refused.value),
    )
    with pytest.raises(ServerError) as refused:
        connect("host=/nowhere,/nowhere dbname=sky")
    assert str(refused.value).count("No such file") == 1


def test_a_missing_database_is_named(postgres_url: str) -> None:
    with pytest.raises(ServerError, match=r'database "nowhere" does not exist$'):
        connect(postgres_url.replace("/galcat?", "/nowhere?"))


def test_a_wrong_password_is_said_but_not_shown(server_home: Path) -> None:
    address = up(server_home, durable=False)
    with connect(address, autocommit=True) as conn:
        conn.execute("CREATE ROLE observer LOGIN PASSWORD 'right'")
        rules = server_home / "postgres" / "pg_hba.conf"
        rules.write_text(f"local all observer scram-sha-256\n{rules.read_text()}")
        conn.execute("SELECT pg_reload_conf()")
    with_password = address.replace("postgres@", "observer:{}@")
    with pytest.raises(ServerError, match="password authentication failed") as refused:
        connect(with_password.format("sesame"))
    assert "sesame" not in str(refused.value)
    with connect(with_password.format("right")) as conn:
        assert conn.execute("SELECT user").fetchone() == ("observer",)


def test_the_embedded_server_is_started_unless_the_environment_names_another(server_home: Path) -> None:
    assert (
        database_url(Settings(home=server_home, database_url="postgresql://host/db"))
        == "postgresql://host/db"
    )
    assert url(server_home) is None
    assert database_url(Settings(home=server_home, database_url=None)) == url(server_home)


def test_vectors_are_read_and_written_even_without_a_search_path(empty_database: str) -> None:
    with psycopg.connect(empty_database) as conn:
        conn.execute("CREATE SCHEMA elsewhere; CREATE EXTENSION vector SCHEMA elsewhere")
    values = np.array([0.5, -2.0, 3.0], dtype=np.float32)
    with connect(empty_database) as conn:
        conn.execute("SET search_path = ''")
        for kind, python in (("halfvec", HalfVector), ("vector", Vector)):
            row = conn.execute(f"SELECT %s, %s::elsewhere.{kind}", [python(values), "[0.5,-2,3]"]).fetchone()
            assert row is not None
            for read in row:
                np.testing.assert_array_equal(read.to_numpy(), values)


@pytest.mark.parametrize("autocommit", [False, True])
def test_a_new_connection_is_in_no_transaction(postgres_url: str, autocommit: bool) -> None:
    with connect(postgres_url, autocommit=autocommit) as conn:
        assert conn.info.transaction_status == TransactionStatus.IDLE
        conn.execute("SELECT 1")
        assert conn.info.transaction_status == (
            TransactionStatus.IDLE if autocommit else TransactionStatus.INTRANS
        )
