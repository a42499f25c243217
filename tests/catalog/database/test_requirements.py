"""An old Postgres or pgvector: refused where a catalogue is written, named once where one is read."""

import logging
from collections.abc import Callable

import psycopg
import pytest

from catalog.client import Catalogue
from catalog.database import requirements
from catalog.database.connection import connect
from catalog.database.migrate import migrate
from catalog.database.requirements import (
    MIN_PGVECTOR_TO_READ,
    parse_version,
    pgvector_fault,
    require_supported,
    unsupported_reason,
)
from catalog.errors import ServerError
from catalog.releases.releases import build_search_index, hold_release, register_release
from tests.catalog.database.old_pgvector import old_pgvector
from tests.catalog.galaxies import fill, release_record

OVERRUN = "a parallel build of a vector index can overrun its memory"
CORRUPTS = "VACUUM beside INSERT can corrupt a vector index"
FAILS = "VACUUM of a vector index can fail"


@pytest.fixture(autouse=True)
def nothing_was_said_yet(monkeypatch: pytest.MonkeyPatch) -> None:
    """Each test is a process of its own to the warning."""
    monkeypatch.setattr(requirements, "_told", set())


@pytest.mark.parametrize(
    ("server_version", "installed", "available", "reason"),
    [
        (140002, "0.8.5", "0.8.5", "PostgreSQL 14.2 at {host} is too old: galcat needs 15 or newer"),
        (90624, None, None, "PostgreSQL 9.624 at {host} is too old: galcat needs 15 or newer"),
        (150018, None, None, "PostgreSQL 15.18 at {host} has no pgvector: galcat needs 0.8.4 or newer"),
        (160001, None, "0.7.4", "pgvector 0.7.4 at {host} is too old: galcat needs 0.8.4 or newer"),
        (160001, "0.5.1", "0.7.4", "pgvector 0.5.1 at {host} is too old: galcat needs 0.8.4 or newer"),
        (170002, None, "0.8.3", "pgvector 0.8.3 at {host} is too old: galcat needs 0.8.4 or newer"),
        (170002, "0.8", "0.8.1", "pgvector 0.8 at {host} is too old: galcat needs 0.8.4 or newer"),
        (
            170002,
            "0.8.2",
            "0.8.4",
            "pgvector 0.8.2 in the database at {host} is too old, galcat needs 0.8.4 or newer: restart the "
            "server, which has 0.8.4 installed, if it runs since before that; run ALTER EXTENSION vector "
            "UPDATE in the database; run galcat check, and rebuild the vector index by REINDEX TABLE "
            "galcat.embedding where it finds fault with it, or to be sure",
        ),
        (150000, None, "0.8.4", None),
        (180004, "0.8.5", "0.8.5", None),
        (190000, "0.8.10", None, None),
        (190000, "0.10.0", None, None),
        (190000, "1.0", "1.0", None),
    ],
)
def test_a_server_is_judged_by_its_numbers(
    server_version: int, installed: str | None, available: str | None, reason: str | None
) -> None:
    assert unsupported_reason(server_version, installed, available) == reason


@pytest.mark.parametrize("version", ["0.8.0", "0.8.1", "0.8.2", "0.8.3", "0.8"])
def test_what_cannot_be_written_to_can_still_be_read(version: str) -> None:
    assert unsupported_reason(180004, version, version) is not None
    assert unsupported_reason(180004, version, version, MIN_PGVECTOR_TO_READ) is None
    assert unsupported_reason(180004, "0.7.4", None, MIN_PGVECTOR_TO_READ) == (
        "pgvector 0.7.4 at {host} is too old: galcat needs 0.8.0 or newer"
    )


@pytest.mark.parametrize(
    ("version", "faults"),
    [
        ("0.8.0", (OVERRUN, CORRUPTS, FAILS)),
        ("0.8.1", (OVERRUN, CORRUPTS, FAILS)),
        ("0.8.2", (CORRUPTS, FAILS)),
        ("0.8.3", (FAILS,)),
        ("0.8.4", ()),
        ("0.8.5", ()),
        ("0.9.0", ()),
        ("1", ()),
    ],
)
def test_the_faults_of_a_version_are_those_not_yet_mended(version: str, faults: tuple[str, ...]) -> None:
    said = pgvector_fault(version)
    assert [fault for fault in (OVERRUN, CORRUPTS, FAILS) if fault in (said or "")] == list(faults)
    assert (said is None) == (not faults)


def test_a_version_has_three_numbers() -> None:
    assert [parse_version(text) for text in ("0.8.10", "0.8", "1", "0.8.4-1.pgdg13")] == [
        (0, 8, 10),
        (0, 8, 0),
        (1, 0, 0),
        (0, 8, 4),
    ]


def test_our_own_server_is_supported_with_and_without_the_extension(empty_database: str) -> None:
    with connect(empty_database) as conn:
        require_supported(conn)
        conn.execute("CREATE EXTENSION vector")
        require_supported(conn)


def test_an_old_catalogue_is_read_with_one_warning_that_names_fault_and_steps(
    database: str, connection: psycopg.Connection, caplog: pytest.LogCaptureFixture
) -> None:
    fill(connection, 3)
    migrate(database)
    assert caplog.records == []
    with old_pgvector(database, "0.8.2"):
        for _ in range(2):
            with Catalogue(database) as catalogue:
                assert catalogue.sql("SELECT count(*) FROM galcat.galaxy").rows == [(3,)]
            migrate(database)
    (record,) = caplog.records
    assert record.levelno == logging.WARNING
    text = record.getMessage()
    assert "\n" not in text
    assert text.startswith("pgvector 0.8.2 in the database at ")
    assert CORRUPTS in text
    assert OVERRUN not in text
    steps = ["install pgvector 0.8.4 or newer", "ALTER EXTENSION vector UPDATE", "galcat check", "REINDEX"]
    assert sorted(map(text.index, steps)) == list(map(text.index, steps))


@pytest.mark.parametrize(
    "write",
    [
        lambda connection: register_release(connection, release_record("another")),
        lambda connection: hold_release(connection, "release").__enter__(),
        lambda connection: build_search_index(connection, 1),
    ],
    ids=["a new release", "ingestion", "an index build"],
)
def test_nothing_is_begun_ingested_or_indexed_on_an_old_pgvector(
    database: str, connection: psycopg.Connection, write: Callable[[psycopg.Connection], object]
) -> None:
    fill(connection, 3)
    with (
        old_pgvector(database, "0.8.3"),
        connect(database, autocommit=True) as late,
        pytest.raises(ServerError, match=r"pgvector 0\.8\.3 at .* is too old: galcat needs 0\.8\.4"),
    ):
        write(late)


def test_no_new_catalogue_is_made_on_an_old_pgvector(empty_database: str) -> None:
    with connect(empty_database) as conn:
        conn.execute("CREATE EXTENSION vector")
    with (
        old_pgvector(empty_database, "0.8.3"),
        pytest.raises(ServerError, match=r"pgvector 0\.8\.3 at .* is too old: galcat needs 0\.8\.4"),
    ):
        migrate(empty_database)
    with connect(empty_database) as conn:
        assert conn.execute("SELECT to_regnamespace('galcat')").fetchone() == (None,)


@pytest.mark.parametrize("version", ["0.7.4", "unknown"])
def test_what_is_older_still_is_not_even_read(
    database: str, connection: psycopg.Connection, version: str
) -> None:
    connection.execute(
        "UPDATE pg_catalog.pg_extension SET extversion = %s WHERE extname = 'vector'", [version]
    )
    with pytest.raises(
        ServerError, match=rf"^pgvector {version} .* is too old, galcat needs 0\.8\.0 or newer"
    ):
        connect(database)


def test_where_the_server_has_a_new_one_the_statement_named_mends_the_database(
    database: str, connection: psycopg.Connection, caplog: pytest.LogCaptureFixture
) -> None:
    fill(connection, 3)
    with old_pgvector(database, "0.8.0", server_has_new=True) as new:
        with (
            connect(database, autocommit=True) as late,
            pytest.raises(ServerError, match=f"which has {new} installed.* ALTER EXTENSION vector UPDATE"),
        ):
            build_search_index(late, 1)
        assert f"restart the server, which has {new} installed" in caplog.text
        connection.execute("ALTER EXTENSION vector UPDATE")
        assert build_search_index(connection, 1)
