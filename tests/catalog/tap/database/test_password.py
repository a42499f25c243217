"""On a server that asks for passwords strangers' queries run by a login that has one."""

from pathlib import Path

import psycopg
import pytest
from psycopg.conninfo import make_conninfo

from catalog.database.embedded.account import find_base
from catalog.database.embedded.server import up
from catalog.database.migrate import migrate
from catalog.database.reader_login import let_reader_log_in
from catalog.errors import ServerError, SettingsError
from catalog.tap.database.connections import Connections
from catalog.tap.limits import ServiceLimits
from tests.catalog.tap.tap_server import serving


@pytest.fixture
def guarded(server_home: Path) -> str:
    """URL of a catalogue whose readers log in with SCRAM."""
    address = up(server_home, durable=False)
    migrate(address)
    with psycopg.connect(address, autocommit=True) as connection:
        connection.execute("ALTER ROLE galcat_public LOGIN PASSWORD 'right'")
        rules = find_base(server_home) / "postgres" / "pg_hba.conf"
        rules.write_text(f"local all galcat_public scram-sha-256\n{rules.read_text()}")
        connection.execute("SELECT pg_reload_conf()")
        stored = connection.execute("SELECT rolpassword FROM pg_authid WHERE rolname = 'galcat_public'")
        assert str((stored.fetchone() or ("",))[0]).startswith("SCRAM-SHA-256$")
    return address


def test_the_service_reads_by_a_password_and_refuses_to_start_without(
    guarded: str, tmp_path: Path, limits: ServiceLimits
) -> None:
    for password, says in (("sesame", "password authentication failed"), ("", "no password supplied")):
        reader = make_conninfo(guarded, user="galcat_public", password=password or None)
        with pytest.raises(ServerError, match=says) as refused:
            Connections(reader, guarded, limits).open()
        assert "sesame" not in str(refused.value)
    reader = make_conninfo(guarded, user="galcat_public", password="right")  # noqa: S106 - of this test
    with serving(guarded, tmp_path, limits, reader_url=reader) as served:
        answer = served.ask("SELECT COUNT(*) AS n FROM tap_schema.schemas", FORMAT="csv")
        assert answer.text.split() == ["n", served.value("SELECT count(*) FROM tap_schema.schemas")]


def test_the_readers_password_comes_from_a_files_first_line_and_is_stored_as_a_digest(
    guarded: str, tmp_path: Path
) -> None:
    file, word = tmp_path / "password", "pass'word é"
    file.write_text(f"{word}\nnot this\n")
    let_reader_log_in(guarded, file)
    with psycopg.connect(make_conninfo(guarded, user="galcat_public", password=word)) as reader:
        assert reader.execute("SELECT session_user").fetchone() == ("galcat_public",)
    for content, says in ((b"", "its first line is to be the password"), (b"\xff", "no text")):
        file.write_bytes(content)
        with pytest.raises(SettingsError, match=f"^{file}: {says}"):
            let_reader_log_in(guarded, file)
    with pytest.raises(SettingsError, match=r"No such file or directory$"):
        let_reader_log_in(guarded, tmp_path / "none")
