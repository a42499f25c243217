"""The schema is applied whole or not at all, once, by whoever comes first."""

import threading
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import psycopg
import pytest

from catalog.database import lock_retry, sql_files
from catalog.database import migrate as module
from catalog.database.connection import connect
from catalog.database.migrate import migrate
from catalog.errors import SchemaError
from tests.catalog.galaxies import fill
from tests.waiting import LAST_LIMIT_S


def history(url: str) -> list[tuple[object, ...]]:
    with connect(url) as connection:
        return connection.execute(
            "SELECT file, sha256, applied_at FROM galcat.schema_history ORDER BY file"
        ).fetchall()


def test_a_second_migration_changes_nothing(empty_database: str) -> None:
    migrate(empty_database)
    first = history(empty_database)
    migrate(empty_database)
    assert history(empty_database) == first
    assert len(first) == len(sql_files.sql_files())


def test_every_file_can_be_applied_again_over_a_filled_catalogue(
    database: str, connection: psycopg.Connection
) -> None:
    fill(connection, 5)
    before = connection.execute("SELECT * FROM galcat.galaxy ORDER BY object_id").fetchall()
    connection.execute("UPDATE galcat.schema_history SET sha256 = 'old' WHERE file NOT LIKE 'migrations/%'")
    migrate(database)
    assert connection.execute("SELECT * FROM galcat.galaxy ORDER BY object_id").fetchall() == before
    assert {row[1] for row in history(database)} == {file.sha256 for file in sql_files.sql_files()}


def test_two_migrations_at_once_build_one_schema(empty_database: str) -> None:
    start = threading.Barrier(4)

    def run() -> None:
        start.wait()
        migrate(empty_database)

    with ThreadPoolExecutor(4) as pool:
        for done in [pool.submit(run) for _ in range(4)]:
            done.result()
    assert len(history(empty_database)) == len(sql_files.sql_files())


def test_a_failing_file_leaves_nothing_behind(
    empty_database: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    broken = tmp_path / "999_broken.sql"
    broken.write_text("SELECT nonsense;")
    files = [*sql_files.sql_files(), sql_files.SqlFile("999_broken.sql", broken)]
    monkeypatch.setattr(module, "sql_files", lambda: files)
    with pytest.raises(SchemaError, match=r'^sql/999_broken\.sql could not .*"nonsense" does not exist$'):
        migrate(empty_database)
    with connect(empty_database) as connection:
        row = connection.execute("SELECT to_regnamespace('galcat')").fetchone()
    assert row == (None,)


def test_a_changed_migration_is_refused(database: str, connection: psycopg.Connection) -> None:
    connection.execute("UPDATE galcat.schema_history SET sha256 = 'x' WHERE file LIKE 'migrations/0001%'")
    with pytest.raises(SchemaError, match=r"0001_tables\.sql was changed after it was applied"):
        migrate(database)


def test_a_catalogue_with_a_tile_off_the_sky_is_brought_up_to_date_and_refuses_the_next_one(
    database: str, connection: psycopg.Connection
) -> None:
    fill(connection, 1)
    connection.execute("ALTER TABLE galcat.tile DROP CONSTRAINT tile_on_sky")  # as it was before
    connection.execute("DELETE FROM galcat.schema_history WHERE file = 'migrations/0007_tile_position.sql'")
    connection.execute("UPDATE galcat.tile SET dec = 200")
    migrate(database)
    assert connection.execute("SELECT dec FROM galcat.tile").fetchall() == [(200.0,)]
    with pytest.raises(psycopg.errors.CheckViolation):
        connection.execute("UPDATE galcat.tile SET dec = 201")
    connection.execute("UPDATE galcat.tile SET dec = 20")


def test_a_database_from_the_future_is_refused(database: str, connection: psycopg.Connection) -> None:
    connection.execute(
        "INSERT INTO galcat.schema_history (file, sha256) VALUES ('migrations/9000_x.sql', '')"
    )
    with pytest.raises(SchemaError, match=r"newer than this galcat: it has migrations/9000_x\.sql"):
        migrate(database)


def test_a_new_view_waits_for_a_reader_without_blocking_later_ones(
    database: str, connection: psycopg.Connection, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(lock_retry, "ATTEMPTS", 10**6)
    connection.execute("UPDATE galcat.schema_history SET sha256 = 'old' WHERE file LIKE '120%'")
    with connect(database) as reader, ThreadPoolExecutor(1) as pool:
        reader.execute("SELECT count(*) FROM galcat.galaxy")  # holds its lock until the transaction ends
        migration = pool.submit(migrate, database)
        for _ in range(20):
            connection.execute(f"SET statement_timeout = '{LAST_LIMIT_S}s'".encode())
            connection.execute("SELECT count(*) FROM galcat.galaxy")
        assert not migration.done()
        reader.rollback()
        migration.result()
    assert "old" not in {row[1] for row in history(database)}


def test_readers_cannot_write_and_writers_cannot_change_tables(connection: psycopg.Connection) -> None:
    fill(connection, 3)
    connection.execute("SET ROLE galcat_reader")
    for statement in (
        "DELETE FROM galcat.source",
        "UPDATE galcat.release SET is_current = false",
        "SELECT galcat.build_search_index(1::smallint)",
        "CREATE TABLE galcat.mine ()",
        "SELECT * FROM galcat.schema_history",
    ):
        with pytest.raises(psycopg.errors.InsufficientPrivilege):
            connection.execute(statement.encode())
    connection.execute("RESET ROLE")
    connection.execute("SET ROLE galcat_writer")
    for statement in (
        "DROP TABLE galcat.source",
        "DELETE FROM galcat.release",
        "CREATE TABLE galcat.mine ()",
    ):
        with pytest.raises(psycopg.errors.InsufficientPrivilege):
            connection.execute(statement.encode())


def test_the_files_are_found_in_their_order() -> None:
    names = [file.name for file in sql_files.sql_files()]
    assert names[0] == "001_roles.sql"
    assert names.index("002_schema.sql") < names.index("migrations/0001_tables.sql")
    assert names.index("migrations/0001_tables.sql") < names.index("100_partitions.sql")
    assert names.index("160_search_settings.sql") < names.index("173_public_grants.sql")


def test_a_lock_that_somebody_holds_stops_no_catalogue_that_is_up_to_date_and_is_named_where_it_does(
    database: str, connection: psycopg.Connection, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(lock_retry, "ATTEMPTS", 2)
    with psycopg.connect(database, autocommit=True) as reader:
        reader.execute("SET ROLE galcat_reader")
        reader.execute("SELECT pg_advisory_lock(%s)", [module.ADVISORY_LOCK])
        migrate(database)
        connection.execute("UPDATE galcat.schema_history SET sha256 = 'old' WHERE file LIKE '120%'")
        with pytest.raises(SchemaError) as refused:
            migrate(database)
        pid = reader.info.backend_pid
        assert str(refused.value).startswith(
            f"postgres (process {pid} of Postgres) holds the lock of the catalogue's schema: let it end, or "
        )
    migrate(database)


def test_an_older_program_undoes_nothing_of_a_newer_one(
    database: str, connection: psycopg.Connection, monkeypatch: pytest.MonkeyPatch
) -> None:
    before = history(database)
    own = module.version("galcat")
    monkeypatch.setattr(module, "version", lambda _: "0.1.0")
    connection.execute("UPDATE galcat.schema_history SET sha256 = 'old' WHERE file LIKE '120%'")
    for refuse in (migrate, module.plan_migration):
        with pytest.raises(SchemaError) as refused:
            refuse(database)
        assert str(refused.value) == (
            f"the catalogue was brought up to date by galcat {own}, this is 0.1.0: update galcat"
        )
    assert {name for name, digest, _ in history(database) if digest == "old"} == {"120_galaxy_view.sql"}
    assert len(history(database)) == len(before)


def test_the_plan_names_what_migrate_would_run_and_changes_nothing(
    empty_database: str, database: str, connection: psycopg.Connection
) -> None:
    names = [file.name for file in sql_files.sql_files()]
    assert module.plan_migration(empty_database) == names
    with connect(empty_database) as empty:
        assert empty.execute("SELECT to_regnamespace('galcat')").fetchone() == (None,)
    assert module.plan_migration(database) == []
    connection.execute("UPDATE galcat.schema_history SET sha256 = 'old' WHERE file LIKE '120%'")
    assert module.plan_migration(database) == [name for name in names if not name.startswith("migrations/")]
