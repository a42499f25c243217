"""Commands that only read: the catalogue stays as it is, also where its schema is another version's."""

import psycopg
import pytest

from catalog.database.connection import connect
from galcat.cli.open_catalogue import open_as_reader
from tests.galcat.cli.command_line import Galcat

READING = (
    ("tasks",),
    ("tasks", "next", "ring"),
    ("tasks", "likely", "ring"),
    ("tasks", "labels", "ring"),
    ("tasks", "retired", "ring"),
    ("anomalies",),
    ("anomalies", "best", "odd"),
    ("anomalies", "score", "odd", "1"),
    ("release", "list"),
    ("tile", "list"),
    ("calibrate", "--list"),
    ("people",),
)
AS_IT_IS = "SELECT file, sha256, applied_at FROM galcat.schema_history ORDER BY file"


@pytest.mark.parametrize("state", ["older tables", "older functions", "newer"])
def test_a_command_that_reads_leaves_another_versions_schema_and_says_what_to_do(
    filled: Galcat, database: str, state: str
) -> None:
    with connect(database, autocommit=True) as connection:
        if state == "newer":
            connection.execute(
                "INSERT INTO galcat.schema_history (file, sha256) VALUES ('migrations/9_x.sql', '')"
            )
            told = "error: the database is newer than this galcat: it has migrations/9_x.sql; update galcat"
        elif state == "older functions":
            connection.execute("UPDATE galcat.schema_history SET sha256 = 'old' WHERE file LIKE '120%'")
            told = "error: the catalogue's schema is older than this galcat: sql/120_"
        else:
            name = "migrations/0007_tile_position.sql"
            connection.execute("DELETE FROM galcat.schema_history WHERE file = %s", [name])
            told = f"error: the catalogue's schema is older than this galcat: sql/{name} is not applied; "
        before = connection.execute(AS_IT_IS).fetchall()
        for words in READING:
            said = filled(*words)
            assert (words, said.code, said.out) == (words, 1, "")
            assert said.err.startswith(told)
            assert said.err.count("\n") == 1
        assert connection.execute(AS_IT_IS).fetchall() == before


def test_who_reads_is_the_reader_and_can_write_nothing(filled: Galcat) -> None:
    with open_as_reader() as connection:
        assert connection.execute("SELECT current_user").fetchone() == ("galcat_reader",)
        with pytest.raises(psycopg.errors.ReadOnlySqlTransaction):
            connection.execute("CREATE TABLE galcat.mine (i integer)")
    with open_as_reader(role="galcat_writer") as connection:
        assert connection.execute("SELECT count(*) FROM galcat_tap.person").fetchone() == (0,)
        with pytest.raises(psycopg.errors.ReadOnlySqlTransaction):
            connection.execute("DELETE FROM galcat_tap.person")
    assert filled("release", "list").code == 0


def test_a_login_that_may_only_read_lists_what_people_said(filled: Galcat, database: str) -> None:
    assert filled("tasks", "add", "ring").code == 2
    assert filled("tasks", "add", "ring", "--question", "Has it a ring?").code == 0
    with connect(database, autocommit=True) as connection:
        visitor = f"visitor_{connection.info.dbname}"  # of the whole server, which other tests use
        connection.execute(f"CREATE ROLE {visitor} LOGIN IN ROLE galcat_reader")
        try:
            wide = filled("tasks", "--wide")
            filled.use(database.replace("postgres@", f"{visitor}@"))
            assert filled("tasks", "--wide") == wide
            assert filled("release", "list").out.splitlines()[-1] == "(1 row)"
            refused = filled("tasks", "say", "ring", "1=yes")
        finally:
            connection.execute(f"DROP ROLE {visitor}")
    assert refused.code == 1
    assert refused.err.count("\n") == 1
    assert "ring" in wide.out
