"""What a user's SQL may do, and what every format says."""

import csv
import io
import json

import psycopg
import pyarrow.parquet as pq
import pytest
from astropy.io import votable
from psycopg.pq import TransactionStatus

from catalog.database.connection import connect
from catalog.database.read_only import is_empty, run_query
from catalog.errors import QueryError
from catalog.formats.result_file import FILE_FORMATS, write_result
from catalog.result import Result
from tests.catalog.galaxies import fill, galaxy_rows

ANSWER = Result(
    ("id", "name", "mag", "bright", "vector"),
    [(9007199254740993, "a", 14.25, True, [1.0, 2.0]), (2, None, None, False, None)],
)


@pytest.mark.parametrize(
    ("query", "message"),
    [
        ("SELECT nosuch FROM galcat.galaxy", 'column "nosuch" does not exist at character 8'),
        ("SELECT 1; SELECT 2", "one statement at a time"),
        ("DELETE FROM galcat.source", "read-only transaction"),
        ("COMMIT; DELETE FROM galcat.source", "one statement at a time"),
        ("", "there is no query"),
        ("-- nothing", "there is no query"),
        ("SELECT '%s' || 1/0", "division by zero"),
    ],
)
def test_a_refused_query_is_one_line(connection: psycopg.Connection, query: str, message: str) -> None:
    fill(connection, 1)
    with pytest.raises(QueryError, match=message) as error:
        run_query(connection, query)
    assert "\n" not in str(error.value)


@pytest.mark.parametrize(
    "statement",
    [
        "BEGIN",
        "COMMIT",
        "ROLLBACK",
        "LISTEN x",
        "SET work_mem = '1GB'",
        "SET ROLE galcat_writer",
        "RESET ALL",
        "DISCARD ALL",
        "PREPARE mine AS SELECT 1",
        "DECLARE mine CURSOR FOR SELECT 1",
        "DO $$ BEGIN PERFORM 1; END $$",
        "SAVEPOINT mine",
        "LOCK TABLE galcat.source IN ACCESS SHARE MODE",
        "COPY (SELECT 1) TO STDOUT",
        "COPY galcat.source FROM STDIN",
        "-- a comment\n/* and another */ copy (SELECT 1) TO STDOUT",
        "CALL galcat.nosuch()",
    ],
)
def test_a_statement_that_asks_nothing_is_one_line_and_leaves_no_trace(
    connection: psycopg.Connection, statement: str
) -> None:
    with pytest.raises(QueryError) as error:
        run_query(connection, statement)
    assert "\n" not in str(error.value)
    assert connection.info.transaction_status is TransactionStatus.IDLE
    kept = (
        "SELECT current_user, current_setting('work_mem'), "
        "(SELECT count(*) FROM pg_listening_channels()), (SELECT count(*) FROM pg_prepared_statements "
        "WHERE name = 'mine'), (SELECT count(*) FROM pg_cursors WHERE name = 'mine')"
    )
    with psycopg.connect(connection.info.dsn, password=connection.info.password) as fresh:
        assert connection.execute(kept).fetchone() == fresh.execute(kept).fetchone()
    assert run_query(connection, "SELECT 1 AS one").rows == [(1,)]


def test_a_question_with_percent_signs_is_answered(connection: psycopg.Connection) -> None:
    assert run_query(connection, "SELECT 'a%sb' LIKE 'a%' AS yes").rows == [(True,)]


def test_a_day_that_python_does_not_have_is_postgres_text(connection: psycopg.Connection) -> None:
    query = (
        "SELECT date 'infinity', timestamp '4713-01-01 BC', timestamptz '-infinity', date '2026-11-30', "
        "timestamp '2026-11-30 12:00', NULL::date"
    )
    (row,) = run_query(connection, query).plain().rows
    assert row == (
        "infinity",
        "4713-01-01 00:00:00 BC",
        "-infinity",
        "2026-11-30",
        "2026-11-30T12:00:00",
        None,
    )


def test_a_vector_column_is_written_in_every_format(connection: psycopg.Connection) -> None:
    fill(connection, 1)
    wanted = galaxy_rows(1, 0).search[0].astype("float16").astype(float).tolist()
    result = run_query(connection, "SELECT search FROM galcat.galaxy")
    assert json.loads(write_result(result, "json"))[0]["search"] == wanted
    assert pq.read_table(io.BytesIO(write_result(result, "parquet")))["search"].to_pylist() == [wanted]
    table = votable.parse_single_table(io.BytesIO(write_result(result, "votable"))).to_table()
    assert table["search"].tolist() == [wanted]


def test_csv_holds_every_value() -> None:
    rows = list(csv.reader(io.StringIO(write_result(ANSWER, "csv").decode())))
    assert rows == [
        ["id", "name", "mag", "bright", "vector"],
        ["9007199254740993", "a", "14.25", "True", "[1.0, 2.0]"],
        ["2", "", "", "False", ""],
    ]


def test_json_and_parquet_hold_every_value() -> None:
    wanted = [dict(zip(ANSWER.columns, row, strict=True)) for row in ANSWER.rows]
    assert json.loads(write_result(ANSWER, "json")) == wanted
    assert pq.read_table(io.BytesIO(write_result(ANSWER, "parquet"))).to_pylist() == wanted


def test_json_has_null_for_what_is_no_number() -> None:
    result = Result(("a", "b"), [(float("nan"), [1.0, float("inf")])])
    assert json.loads(write_result(result, "json")) == [{"a": None, "b": [1.0, None]}]


def test_votable_keeps_64_bit_ids_and_masks_nulls() -> None:
    table = votable.parse_single_table(io.BytesIO(write_result(ANSWER, "votable"))).to_table()
    assert table["id"].tolist() == [9007199254740993, 2]
    assert table["mag"].tolist() == [14.25, None]
    assert table["bright"].tolist() == [True, False]
    assert table["name"].tolist()[0] == "a"


def test_an_empty_answer_is_written_in_every_format() -> None:
    for output_format in FILE_FORMATS:
        assert write_result(Result(("a",), []), output_format)


def test_a_wrong_format_and_a_doubled_column_are_errors() -> None:
    with pytest.raises(
        QueryError, match="no format 'xlsx': choose table, csv, tsv, json, votable, fits, parquet"
    ):
        write_result(ANSWER, "xlsx")
    with pytest.raises(QueryError, match="two columns are named 'a': rename one with AS"):
        write_result(Result(("a", "a"), [(1, 2)]), "json")


def test_a_database_is_empty_until_it_has_a_release_to_show(
    empty_database: str, connection: psycopg.Connection
) -> None:
    with connect(empty_database, autocommit=True) as bare:
        assert is_empty(bare)
    assert is_empty(connection)
    fill(connection, 1)
    assert not is_empty(connection)
