"""A catalogue of any earlier commit is brought up to date: every row stays, the schema becomes the newest."""

import hashlib
from collections.abc import Iterator
from pathlib import Path

import psycopg
import pytest
from psycopg import sql

from catalog.checks.integrity import run_checks
from catalog.database.connection import connect
from catalog.database.migrate import migrate
from catalog.database.older_migrations import OLDER_MIGRATIONS
from catalog.database.sql_files import sql_files, sql_folder
from tests.catalog.database.older_catalogues.make_dumps import COMMITS, GALAXIES
from tests.catalog.database.older_catalogues.restore import read_dump, restore
from tests.databases import fresh_database
from tests.galcat.other_servers import OTHERS
from tests.galcat.real_servers import new_server

Rows = dict[str, list[tuple[str | None, ...]]]
Schema = dict[tuple[str, str], tuple[str | None, str | None]]

OLDEST, NEWEST = COMMITS[0], COMMITS[-1]
WITH_TASKS = COMMITS[COMMITS.index("652be49") :]
WITH_JOBS = COMMITS[COMMITS.index("813931c") :]
OF_PEOPLE = {
    "galcat.task": 3,
    "galcat.label": 2 * (2 * GALAXIES + 1) + 5,
    "galcat.tag": 1,
    "galcat.task_version": 4,
    "galcat.interest_round": 1,
    "galcat.interest_offer": 5,
}
MADE_AGAIN = {"galcat.schema_history", "galcat_tap.column_note"}  # migrate writes what the new files say
GONE = {("galcat_tap.job", "backend_pid")}
COLUMNS = """
    SELECT format('%s.%s', n.nspname, c.relname), array_agg(a.attname::text ORDER BY a.attname)
    FROM pg_class AS c JOIN pg_namespace AS n ON n.oid = c.relnamespace
    JOIN pg_attribute AS a ON a.attrelid = c.oid AND a.attnum > 0 AND NOT a.attisdropped
    WHERE n.nspname IN ('galcat', 'galcat_tap') AND c.relkind IN ('r', 'p') AND NOT c.relispartition
    GROUP BY 1
"""
# All that makes a schema, except the order of columns and what a task or a release made for itself.
SCHEMA = r"""
    WITH ours AS (
        SELECT oid, nspname FROM pg_namespace
        WHERE nspname IN ('galcat', 'galcat_tap', 'tap_schema', 'ivoa', 'tap_upload')
    ), relation AS (
        SELECT c.* FROM pg_class AS c JOIN ours ON ours.oid = c.relnamespace
        WHERE NOT c.relispartition AND relname !~ '^(task_score_t|galaxy$|embedding(_full)?_r)'
    )
    SELECT 'schema', nspname::text, pg_get_userbyid(nspowner)::text, nspacl::text
    FROM pg_namespace JOIN ours USING (oid, nspname)
    UNION ALL
    SELECT 'relation', oid::regclass::text, concat_ws(' ', relkind, pg_get_userbyid(relowner), reloptions),
        array(SELECT acl::text FROM unnest(relacl) AS acl ORDER BY 1)::text
    FROM relation
    UNION ALL
    SELECT 'column', concat_ws('.', attrelid::regclass::text, attname),
        concat_ws(' ', format_type(atttypid, atttypmod), attnotnull, attidentity, attstorage,
            pg_get_expr(adbin, adrelid)),
        array(SELECT acl::text FROM unnest(attacl) AS acl ORDER BY 1)::text
    FROM relation JOIN pg_attribute ON attrelid = relation.oid AND attnum > 0 AND NOT attisdropped
    LEFT JOIN pg_attrdef ON adrelid = attrelid AND adnum = attnum
    UNION ALL
    SELECT 'constraint', concat_ws('.', conrelid::regclass::text, conname), pg_get_constraintdef(c.oid),
        convalidated::text
    FROM pg_constraint AS c JOIN relation ON relation.oid = conrelid
    UNION ALL
    SELECT 'index', indexrelid::regclass::text, pg_get_indexdef(indexrelid), NULL
    FROM pg_index JOIN relation ON relation.oid = indrelid
    UNION ALL
    SELECT 'view', oid::regclass::text, pg_get_viewdef(oid), NULL FROM relation WHERE relkind = 'v'
    UNION ALL
    SELECT 'trigger', concat_ws('.', tgrelid::regclass::text, tgname), pg_get_triggerdef(t.oid), NULL
    FROM pg_trigger AS t JOIN relation ON relation.oid = tgrelid WHERE NOT tgisinternal
    UNION ALL
    SELECT 'routine', p.oid::regprocedure::text, concat_ws(' ', pg_get_userbyid(proowner),
            CASE WHEN prokind = 'a' THEN '' ELSE pg_get_functiondef(p.oid) END),
        array(SELECT acl::text FROM unnest(proacl) AS acl ORDER BY 1)::text
    FROM pg_proc AS p JOIN ours ON ours.oid = pronamespace
    UNION ALL
    SELECT 'policy', concat_ws('.', polrelid::regclass::text, polname), polcmd::text,
        concat_ws(' ', pg_get_expr(polqual, polrelid), pg_get_expr(polwithcheck, polrelid))
    FROM pg_policy JOIN relation ON relation.oid = polrelid
    UNION ALL
    SELECT 'comment', concat_ws('.', d.objoid::regclass::text, d.objsubid::text), NULL, description
    FROM pg_description AS d JOIN relation ON relation.oid = objoid AND objsubid = 0
    WHERE classoid = 'pg_class'::regclass
    ORDER BY 1, 2
"""


def _mark_long(commits: tuple[str, ...]) -> list[object]:
    """Oldest and newest in every run, those between in the long one."""
    ends = {commits[0], commits[-1]}
    return [commit if commit in ends else pytest.param(commit, marks=pytest.mark.long) for commit in commits]


@pytest.fixture(params=_mark_long(COMMITS))
def commit(request: pytest.FixtureRequest) -> str:
    """The commit whose code made the catalogue."""
    return str(request.param)


@pytest.fixture
def database(commit: str, postgres_url: str, schema_template: str) -> Iterator[str]:
    """URL of a database with the catalogue as that commit left it."""
    assert schema_template  # whoever made it has made the roles
    with fresh_database(postgres_url, "template1") as url:
        restore(commit, url)
        yield url


def columns(url: str) -> dict[str, list[str]]:
    with psycopg.connect(url) as connection:
        return dict(connection.execute(COLUMNS).fetchall())


def rows(url: str, wanted: dict[str, list[str]]) -> Rows:
    """Every row of each table, its values as text."""
    found: Rows = {}
    with psycopg.connect(url) as connection:
        for table, names in wanted.items():
            values = sql.SQL(", ").join(sql.SQL("{}::text").format(sql.Identifier(name)) for name in names)
            query = sql.SQL("SELECT {} FROM {}").format(values, sql.Identifier(*table.split(".")))
            found[table] = sorted(connection.execute(query).fetchall(), key=repr)
    return found


def schema(url: str) -> Schema:
    """All that makes the schema, by kind and name."""
    with psycopg.connect(url) as connection:
        return {(kind, name): (what, more) for kind, name, what, more in connection.execute(SCHEMA.encode())}


def test_every_row_stays_and_the_schema_becomes_that_of_a_new_catalogue(
    commit: str, database: str, postgres_url: str, schema_template: str
) -> None:
    with fresh_database(postgres_url, schema_template) as new:
        require_upgrade_keeps_rows(commit, database, schema(new))


@pytest.mark.servers
@pytest.mark.long
@pytest.mark.parametrize("name", OTHERS)
def test_every_row_stays_on_every_server_that_is_supported(name: str, server_home: Path) -> None:
    with new_server(name, server_home) as server:
        server.run_sql("postgres", "CREATE DATABASE fresh")
        migrate(server.url("fresh"))
        expected = schema(server.url("fresh"))
        for commit in COMMITS:
            server.run_sql("postgres", f'CREATE DATABASE "{commit}"')
            url = server.url(commit)
            restore(commit, url)
            require_upgrade_keeps_rows(commit, url, expected)
            with connect(url) as connection:
                assert [str(check) for check in run_checks(connection) if not check.passed] == []


def require_upgrade_keeps_rows(commit: str, database: str, expected: Schema) -> None:
    """Bring a catalogue up to date; every row must be as it was, and the schema as expected."""
    wanted = {
        table: [name for name in names if (table, name) not in GONE]
        for table, names in columns(database).items()
        if table not in MADE_AGAIN
    }
    before = rows(database, wanted)
    assert len(before["galcat.source"]) == len(before["galcat.embedding"]) == 2 * GALAXIES
    if commit in WITH_TASKS:
        assert {table: len(before[table]) for table in OF_PEOPLE} == OF_PEOPLE
    if commit in WITH_JOBS:
        assert len(before["galcat_tap.job"]) == 1
    migrate(database)
    assert rows(database, wanted) == before
    found = schema(database)
    differing = {
        key: (found.get(key), expected.get(key))
        for key in found.keys() | expected.keys()
        if found.get(key) != expected.get(key)
    }
    assert differing == {}


def test_its_history_is_that_of_a_new_catalogue_and_a_second_time_nothing_happens(database: str) -> None:
    migrate(database)
    with connect(database) as connection:
        first = connection.execute("SELECT * FROM galcat.schema_history ORDER BY file").fetchall()
    migrations = {row[0]: row[1] for row in first if row[0].startswith("migrations/")}
    assert migrations == {file.name: file.sha256 for file in sql_files() if file.is_migration}
    migrate(database)
    with connect(database) as connection:
        assert connection.execute("SELECT * FROM galcat.schema_history ORDER BY file").fetchall() == first


def test_its_scores_are_shown_it_is_labelled_further_and_no_row_breaks_a_rule(
    commit: str, database: str
) -> None:
    with connect(database) as connection:
        held = (
            connection.execute("SELECT object_id, value FROM galcat.task_score_t1 ORDER BY 1").fetchall()
            if commit in WITH_TASKS
            else []
        )
    migrate(database)
    with connect(database) as connection:
        assert connection.execute("SELECT count(*) FROM galcat.galaxy").fetchone() == (2 * GALAXIES,)
        if commit in WITH_TASKS:
            assert len(held) == 2 * GALAXIES
            assert (
                connection.execute(
                    "SELECT object_id, ring_probability FROM galcat.galaxy ORDER BY 1"
                ).fetchall()
                == held
            )
            connection.execute(
                "INSERT INTO galcat.label (task, object_id, answer) VALUES ('ring', %s, 'yes')", [held[0][0]]
            )
        assert [str(check) for check in run_checks(connection) if not check.passed] == []


def test_a_migration_that_has_landed_does_not_change_and_a_new_one_is_listed() -> None:
    folder = sql_folder() / "migrations"
    listed = dict(reversed(line.split("  ", 1)) for line in (folder / "SHA256SUMS").read_text().splitlines())
    there = {path.name: hashlib.sha256(path.read_bytes()).hexdigest() for path in folder.glob("*.sql")}
    assert there == listed, "a migration has a line in SHA256SUMS from its first commit on, for ever"


def test_every_older_text_was_applied_to_a_catalogue_and_has_its_repair() -> None:
    for older in OLDER_MIGRATIONS:
        assert any(older.sha256 in read_dump(commit) for commit in COMMITS)
        assert (sql_folder() / older.current).is_file()
    assert {path.name for path in (sql_folder() / "repairs").iterdir()} == {
        Path(older.repair).name for older in OLDER_MIGRATIONS
    }
