from collections.abc import Callable

import psycopg
import pytest
from psycopg import sql

from catalog.adql.translation import Translation
from catalog.columns import ColumnMeta
from catalog.tap.queries.gather_rows import Chunks, count_and_stream_rows, stream_rows
from catalog.tap.queries.row_bytes import find_wide_columns
from tests.catalog.tap.tap_server import TapServer, statuses

MOST = 10_000_000
COLUMNS = (ColumnMeta("n", "int"), ColumnMeta("a", "char", "*"))
Ask = Callable[[psycopg.Connection, Translation], Chunks]


@pytest.fixture(params=["streamed", "counted"])
def ask(request: pytest.FixtureRequest) -> Ask:
    """Both ways to an answer's rows."""
    if request.param == "streamed":
        return lambda connection, asked: stream_rows(connection, asked, asked.parameters, MOST)
    return lambda connection, asked: count_and_stream_rows(
        connection, asked, asked.parameters, MOST, lambda _: None
    )


def test_rows_come_in_batches_of_bytes_however_late_they_grow(
    connection: psycopg.Connection, ask: Ask
) -> None:
    query = sql.SQL(
        "SELECT n::int, repeat('x', CASE WHEN n <= 25000 THEN 5 ELSE 1000000 END) AS a "
        "FROM generate_series(1, {}) AS n ORDER BY n"
    ).format(25_050)
    with connection.transaction():
        chunks = [rows for _, rows in ask(connection, Translation(query, {}, COLUMNS))]
    assert [row[0] for rows in chunks for row in rows] == list(range(1, 25_051))
    sizes = [sum(len(str(row[1])) for row in rows) for rows in chunks]
    assert sum(sizes) == 25_000 * 5 + 50 * 1_000_000
    assert max(sizes) <= 9_000_000


def test_arrays_are_bounded_by_their_numbers(connection: psycopg.Connection, ask: Ask) -> None:
    query = sql.SQL(
        "SELECT n::int, array_fill(1.5::float8, ARRAY[50000]) AS a FROM generate_series(1, {}) AS n"
    ).format(20)
    columns = (ColumnMeta("n", "int"), ColumnMeta("a", "double", "*"))
    with connection.transaction():
        chunks = [rows for _, rows in ask(connection, Translation(query, {}, columns))]
    assert [len(rows) for rows in chunks] == [4] * 5


def test_only_text_and_arrays_are_wide() -> None:
    columns = [
        ColumnMeta("a", "double"),
        ColumnMeta("b", "char", "*"),
        ColumnMeta("c", "char", "*", "timestamp"),
        ColumnMeta("d", "float", "40"),
        ColumnMeta("e", "unicodeChar", "*"),
    ]
    assert find_wide_columns(columns) == [1, 3, 4]


@pytest.mark.parametrize("form", ["votable", "csv", "json", "fits"])
def test_a_row_of_more_than_10_mb_is_refused_in_one_line(served: TapServer, form: str) -> None:
    query = f"SELECT ivo_string_agg('{'x' * 40_000}', ',') AS a FROM galcat.galaxy"  # 300 times
    answer = served.ask(query, FORMAT=form)
    assert (answer.status_code, statuses(answer)) == (400, ["ERROR"])
    assert "a row of the answer has 12,000," in answer.text
    assert "10,000,000 are the most: ask for less of it" in answer.text


def test_a_wide_answer_keeps_its_order_and_its_names(served: TapServer) -> None:
    answer = served.ask(
        "SELECT TOP 30 survey AS answer, object_id FROM galcat.galaxy ORDER BY object_id DESC", FORMAT="csv"
    )
    head, *lines = answer.text.split()
    ids = [int(line.split(",")[1]) for line in lines]
    assert (head, len(ids), ids) == ("answer,object_id", 30, sorted(ids, reverse=True))
