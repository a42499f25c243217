"""The second wall: what a stranger's query may do if it ever passed the first."""

from collections.abc import Iterator
from contextlib import contextmanager, suppress

import psycopg
import pytest
from psycopg import sql
from psycopg.conninfo import make_conninfo

from catalog.database.connection import connect
from catalog.database.read_only import select_within
from catalog.releases.releases import refresh_statistics
from catalog.search.request import Cone, Search
from catalog.search.search import search
from catalog.tasks.tasks import add_task, hide_task, show_task
from tests.catalog.galaxies import fill
from tests.catalog.tasks.scored_tasks import ODD, RING, write_random_scores
from tests.databases import fresh_database

OURS = ["galcat", "galcat_tap", "tap_schema", "ivoa", "tap_upload"]
REFUSED = (
    psycopg.errors.InsufficientPrivilege,
    psycopg.errors.ObjectNotInPrerequisiteState,  # a view of several tables takes no rows
    psycopg.errors.UndefinedFunction,
)


@pytest.fixture(scope="module")
def filled_url(postgres_url: str, schema_template: str) -> Iterator[str]:
    """A catalogue that strangers only try to change."""
    with fresh_database(postgres_url, schema_template) as url:
        with connect(url, autocommit=True) as connection:
            fill_with_labels(connection)
        yield url


@pytest.fixture
def stranger(filled_url: str) -> Iterator[psycopg.Connection]:
    """A session there that galcat_public itself logged in to."""
    with connect(filled_url, autocommit=True) as connection, as_stranger(connection, filled_url) as opened:
        yield opened


@pytest.fixture
def filled(connection: psycopg.Connection) -> psycopg.Connection:
    """A connection to a catalogue of the test's own."""
    fill_with_labels(connection)
    return connection


def fill_with_labels(connection: psycopg.Connection) -> None:
    fill(connection, 50)
    add_task(connection, RING)
    connection.execute(
        "INSERT INTO galcat.label (task, object_id, answer) "
        "SELECT 'ring', object_id, 'yes' FROM galcat.source"
    )
    refresh_statistics(connection)


@contextmanager
def as_stranger(connection: psycopg.Connection, url: str) -> Iterator[psycopg.Connection]:
    row = connection.execute("SELECT rolcanlogin FROM pg_roles WHERE rolname = 'galcat_public'").fetchone()
    if row == (False,):
        with suppress(psycopg.errors.InternalError_):  # another test does at this moment
            connection.execute("ALTER ROLE galcat_public LOGIN")
    with connect(make_conninfo(url, user="galcat_public"), autocommit=True) as opened:
        yield opened


@pytest.mark.parametrize(
    "statement",
    [
        "CREATE TABLE galcat.mine ()",
        "CREATE TABLE galcat_tap.mine ()",
        "CREATE TABLE tap_upload.mine ()",
        "CREATE TABLE public.mine ()",
        "CREATE SCHEMA mine",
        "CREATE FUNCTION tap_upload.f() RETURNS int LANGUAGE sql RETURN 1",
        "INSERT INTO galcat.survey (name, description, bands, definition) VALUES ('a', 'b', '{}', 'c')",
        "INSERT INTO galcat_tap.query_log (interface, phase) VALUES ('sync', 'ERROR')",
        "UPDATE galcat.galaxy SET mag_r = 1",
        "UPDATE galcat.release SET is_current = false",
        "DELETE FROM galcat.source",
        "DELETE FROM galcat_tap.label",
        "DELETE FROM galcat_tap.column_note",
        "TRUNCATE galcat.sky_count",
        "DROP VIEW galcat.galaxy",
        "COPY galcat.galaxy TO '/tmp/stolen.csv'",
        "COPY (SELECT 1) TO PROGRAM 'cat'",
        "COPY galcat.sky_count FROM PROGRAM 'id'",
        "SELECT pg_catalog.pg_read_file('/etc/passwd')",
        "SELECT pg_catalog.pg_ls_dir('/')",
        "SELECT pg_catalog.lo_import('/etc/passwd')",
        "SELECT pg_catalog.lo_export(1, '/tmp/stolen')",
        "SELECT public.dblink('host=127.0.0.1', 'SELECT 1')",
        "SELECT * FROM pg_catalog.pg_authid",
        "SELECT * FROM galcat.label",
        "SELECT * FROM galcat.current_label",
        "SELECT * FROM galcat.tag",
        "SELECT * FROM galcat.current_tag",
        "SELECT * FROM galcat.task",
        "SELECT * FROM galcat.task_version",
        "SELECT * FROM galcat.thumbnail",
        "SELECT * FROM galcat.ingestion",
        "SELECT * FROM galcat.tile",
        "SELECT * FROM galcat.survey",
        "SELECT * FROM galcat.source",
        "SELECT * FROM galcat.morphology",
        "SELECT * FROM galcat.embedding_full",
        "SELECT anomaly_reference FROM galcat.release",
        "SELECT recipe FROM galcat.release",
        "SELECT * FROM galcat.schema_history",
        "SELECT * FROM galcat_tap.job",
        "SELECT * FROM galcat_tap.query_log",
        "SELECT galcat.build_search_index(1::smallint)",
        "SELECT galcat.forget_scores(1::smallint, '{}')",
        "SELECT galcat.hide_task('ring')",
        "ALTER ROLE galcat_public SUPERUSER",
        "SET ROLE galcat_writer",
        "SET SESSION AUTHORIZATION galcat_owner",
        "ALTER SYSTEM SET shared_buffers = '1MB'",
    ],
)
def test_a_stranger_may_not(stranger: psycopg.Connection, statement: str) -> None:
    stranger.execute("SET default_transaction_read_only = off")  # not even then
    with pytest.raises(REFUSED):
        stranger.execute(statement.encode())


@pytest.mark.parametrize(
    "statement",
    [
        "CREATE TEMPORARY TABLE mine ()",
        "ALTER ROLE galcat_public SET statement_timeout = 0",
        "SELECT pg_catalog.lo_create(0)",
    ],
)
def test_what_anybody_may_do_a_stranger_may_not_while_reading(
    stranger: psycopg.Connection, statement: str
) -> None:
    with pytest.raises(psycopg.errors.ReadOnlySqlTransaction):
        stranger.execute(statement.encode())


def test_a_stranger_calls_no_function_of_ours_that_is_not_declared_to_change_nothing(
    connection: psycopg.Connection,
) -> None:
    found = connection.execute(
        "SELECT p.oid::regprocedure::text FROM pg_proc AS p "
        "WHERE p.pronamespace::regnamespace::text = ANY (%s) "
        "AND p.provolatile = 'v' AND has_function_privilege('galcat_public', p.oid, 'EXECUTE')",
        [OURS],
    ).fetchall()
    assert found == []
    readable = connection.execute(
        "SELECT has_function_privilege('galcat_public', 'galcat.vector_of(bigint)', 'EXECUTE'), "
        "has_function_privilege('galcat_public', 'galcat.cone_box(float8, float8, float8, int)', 'EXECUTE')"
    ).fetchone()
    assert readable == (True, True)


def test_no_function_of_ours_lends_a_stranger_another_ones_rights(connection: psycopg.Connection) -> None:
    found = connection.execute(
        "SELECT p.oid::regprocedure::text FROM pg_proc AS p "
        "WHERE p.pronamespace::regnamespace::text = ANY (%s) "
        "AND p.prosecdef AND has_function_privilege('galcat_public', p.oid, 'EXECUTE')",
        [OURS],
    ).fetchall()
    assert found == []


def test_a_stranger_reads_exactly_what_is_published_and_what_a_search_needs(
    connection: psycopg.Connection,
) -> None:
    rows = connection.execute(
        "SELECT c.oid::regclass::text FROM pg_class AS c "
        "WHERE c.relnamespace::regnamespace::text = ANY (%s) "
        "AND c.relkind IN ('r', 'p', 'v', 'm') AND has_table_privilege('galcat_public', c.oid, 'SELECT')",
        [OURS],
    ).fetchall()
    published = connection.execute("SELECT relation::text FROM galcat_tap.published").fetchall()
    assert {row[0] for row in rows} == {row[0] for row in published} | {
        *("galcat.embedding", "galcat.galaxy_change", "galcat.sky_count", "galcat_tap.published")
    }
    writable = connection.execute(
        "SELECT c.oid::regclass::text FROM pg_class AS c WHERE c.relkind IN ('r', 'p', 'v', 'm') "
        "AND has_table_privilege('galcat_public', c.oid, "
        "'INSERT, UPDATE, DELETE, TRUNCATE, REFERENCES, TRIGGER') "
        "AND c.relnamespace <> 'pg_catalog'::regnamespace"
    ).fetchall()
    assert writable == []


def test_strangers_and_uploads_are_members_of_nothing_and_own_nothing_else(
    connection: psycopg.Connection,
) -> None:
    member = connection.execute(
        "SELECT roleid::regrole::text FROM pg_auth_members "
        "WHERE member IN ('galcat_public'::regrole, 'galcat_uploads'::regrole)"
    ).fetchall()
    assert member == []
    rows = connection.execute(
        "SELECT rolsuper, rolcreatedb, rolcreaterole, rolreplication, rolbypassrls FROM pg_roles "
        "WHERE rolname IN ('galcat_public', 'galcat_uploads')"
    ).fetchall()
    assert rows == [(False,) * 5] * 2
    owned = connection.execute(
        "SELECT nspname FROM pg_namespace "
        "WHERE nspowner IN ('galcat_public'::regrole, 'galcat_uploads'::regrole)"
    ).fetchall()
    assert owned == [("tap_upload",)]


def test_a_strangers_session_begins_read_only_without_a_search_path_and_with_limits(
    stranger: psycopg.Connection,
) -> None:
    wanted = {
        "default_transaction_read_only": "on",
        "search_path": '""',
        "statement_timeout": "1min",
        "temp_file_limit": "4GB",
    }
    found = {name: stranger.execute("SELECT current_setting(%s)", [name]).fetchone() for name in wanted}
    assert found == {name: (value,) for name, value in wanted.items()}


@pytest.mark.parametrize(
    "query",
    [
        "SELECT * FROM galcat.galaxy WHERE galcat.cone(ra, dec, 10, 2, 50)",
        "SELECT * FROM galcat.galaxy WHERE galcat.in_polygon(ra, dec, galcat.box_polygon(10, 2, 50, 50))",
        "SELECT galcat.vector_of(min(object_id)) FROM galcat.galaxy",
        "SELECT galcat.morph_distance(min(object_id), max(object_id)) FROM galcat.galaxy",
        "SELECT * FROM galcat.similar_to((SELECT min(object_id) FROM galcat.galaxy), 5)",
        "SELECT galcat.galaxies_expected(10, 2, 5)",
        "SELECT galcat.fraction_quantile(bar_strong_fraction, bar_concentration, 0.5) FROM galcat.galaxy",
        "SELECT * FROM galcat_tap.embedding",
        "SELECT * FROM galcat_tap.label",
        "SELECT * FROM galcat_tap.tile",
        "SELECT * FROM ivoa.obscore",
        "SELECT * FROM tap_schema.columns",
    ],
)
def test_a_stranger_may(stranger: psycopg.Connection, query: str) -> None:
    assert stranger.execute(query.encode()).fetchall()


def test_a_search_reads_no_more_than_a_stranger_may(filled: psycopg.Connection) -> None:
    row = filled.execute("SELECT min(object_id) FROM galcat.galaxy").fetchone()
    assert row is not None
    wanted = [
        Search(like=(row[0],), n=5),
        Search(like=(row[0],), n=5, exact=True),
        Search(like=(row[0],), n=5, where="mag_r < 18", cone=Cone(10, 2, 120)),
    ]
    expected = [search(filled, one).rows for one in wanted]
    readable = filled.execute(
        "SELECT table_name, array_agg(column_name::text) FROM information_schema.column_privileges "
        "WHERE grantee = 'galcat_public' AND table_schema = 'galcat' GROUP BY 1"
    ).fetchall()
    filled.execute("REVOKE SELECT ON ALL TABLES IN SCHEMA galcat FROM galcat_reader")
    for table, columns in readable:
        grant = sql.SQL("GRANT SELECT ({}) ON {} TO galcat_reader").format(
            sql.SQL(", ").join(map(sql.Identifier, columns)), sql.Identifier("galcat", table)
        )
        filled.execute(grant)
    assert [search(filled, one).rows for one in wanted] == expected


def test_a_strangers_rights_outlive_a_tasks_column(filled: psycopg.Connection) -> None:
    add_task(filled, ODD)
    for task in (RING, ODD):
        show_task(filled, task.name)
        write_random_scores(filled, task)
    hide_task(filled, "ring")  # the view goes, and comes again
    filled.execute("SET ROLE galcat_public")
    rows = filled.execute("SELECT odd_interest FROM galcat.galaxy").fetchall()
    assert len([row for row in rows if row[0] is not None]) == 50
    assert select_within(
        filled, sql.SQL("SELECT galcat.vector_of(min(object_id)) FROM galcat.galaxy"), {}
    ).rows


def test_tables_of_a_query_are_made_by_one_role_and_read_by_strangers(
    filled: psycopg.Connection, database: str
) -> None:
    filled.execute("SET ROLE galcat_uploads")
    filled.execute("CREATE TABLE tap_upload.mine AS SELECT 1 AS one")
    for statement in (
        "CREATE TABLE galcat.mine ()",
        "SELECT * FROM galcat.galaxy",
        "SELECT * FROM galcat_tap.job",
    ):
        with pytest.raises(psycopg.errors.InsufficientPrivilege):
            filled.execute(statement.encode())
    filled.execute("RESET ROLE")
    with as_stranger(filled, database) as stranger:
        assert stranger.execute("SELECT * FROM tap_upload.mine").fetchall() == [(1,)]
        stranger.execute("SET default_transaction_read_only = off")
        with pytest.raises(psycopg.errors.InsufficientPrivilege):
            stranger.execute("DELETE FROM tap_upload.mine")
    for role in ("galcat_reader", "galcat_writer"):
        filled.execute(sql.SQL("SET ROLE {}").format(sql.Identifier(role)))
        with pytest.raises(psycopg.errors.InsufficientPrivilege):
            filled.execute("SELECT * FROM tap_upload.mine")


def test_the_writer_keeps_jobs_and_the_log_and_the_reader_sees_neither(filled: psycopg.Connection) -> None:
    filled.execute("SET ROLE galcat_writer")
    filled.execute(
        "INSERT INTO galcat_tap.job (job_id, phase, base_url, destruction, execution_seconds) "
        "VALUES ('a', 'PENDING', '', now() + interval '1 day', 60)"
    )
    filled.execute("UPDATE galcat_tap.job SET phase = 'QUEUED'")
    filled.execute("INSERT INTO galcat_tap.query_log (interface, phase) VALUES ('scs', 'EXECUTING')")
    filled.execute("UPDATE galcat_tap.query_log SET phase = 'COMPLETED', rows = 3")
    assert filled.execute("SELECT phase FROM galcat_tap.job").fetchall() == [("QUEUED",)]
    for statement in (
        "UPDATE galcat_tap.job SET phase = 'SLEEPING'",
        "UPDATE galcat_tap.job SET execution_seconds = -1",
        "UPDATE galcat_tap.query_log SET interface = 'telephone'",
    ):
        with pytest.raises(psycopg.errors.CheckViolation):
            filled.execute(statement.encode())
    filled.execute("DELETE FROM galcat_tap.job")
    filled.execute("SET ROLE galcat_reader")
    assert filled.execute("SELECT count(*) FROM galcat_tap.survey").fetchone() == (1,)
    for table in ("job", "query_log"):
        with pytest.raises(psycopg.errors.InsufficientPrivilege):
            filled.execute(sql.SQL("SELECT * FROM {}").format(sql.Identifier("galcat_tap", table)))
