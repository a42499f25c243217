"""The server: settings that differ are named, and so is a pgvector with faults."""

import psycopg

from catalog.checks.server import check_pgvector, check_settings
from catalog.database.embedded.settings import SEARCH_SETTINGS
from catalog.database.sql_files import sql_files
from tests.catalog.database.old_pgvector import old_pgvector


def test_settings_that_differ_are_counted_and_the_first_is_named(connection: psycopg.Connection) -> None:
    right = {"TimeZone": "UTC", "hnsw.ef_search": "100"}
    assert check_settings(connection, right).passed
    connection.execute("SET hnsw.ef_search = 40")
    wrong = check_settings(connection, right | {"no.such": "1"})
    assert (wrong.violations, wrong.example) == (2, "hnsw.ef_search is 40, not 100")


def test_every_database_gets_the_search_settings_whatever_its_server(connection: psycopg.Connection) -> None:
    connection.execute(
        "DO $$ BEGIN EXECUTE format('ALTER DATABASE %I RESET ALL', current_database()); END $$"
    )
    text = next(file.text for file in sql_files() if file.name == "160_search_settings.sql")
    connection.execute(text.encode())
    row = connection.execute(
        "SELECT setconfig FROM pg_db_role_setting JOIN pg_database ON pg_database.oid = setdatabase "
        "WHERE datname = current_database() AND setrole = 0"
    ).fetchone()
    assert row is not None
    assert dict(entry.split("=") for entry in row[0]) == SEARCH_SETTINGS


def test_an_old_pgvector_is_named_with_its_fault_and_the_steps(
    database: str, connection: psycopg.Connection
) -> None:
    assert check_pgvector(connection).passed
    with old_pgvector(database, "0.8.2", server_has_new=True):
        result = check_pgvector(connection)
    assert (result.violations, result.example) == (
        1,
        "pgvector 0.8.2: VACUUM beside INSERT can corrupt a vector index; VACUUM of a vector index can fail",
    )
    assert "ALTER EXTENSION vector UPDATE" in result.remedy
    connection.execute("ALTER EXTENSION vector UPDATE")
    assert check_pgvector(connection).passed
