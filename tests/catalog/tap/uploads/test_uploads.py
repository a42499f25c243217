"""Tables that came with queries: what strangers may do with them, and how they end."""

import io
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta

import psycopg
import pytest
from psycopg import sql

from catalog.adql.published import PublishedColumn
from catalog.columns import ColumnMeta
from catalog.errors import QueryError
from catalog.formats.writer import Row
from catalog.tap.uploads.error import UploadError
from catalog.tap.uploads.postgres_tables import drop_stale, drop_upload
from table_files.row_table import RowTable
from tests.catalog.tap.uploads.uploads import N, rows_for_strangers, sample, store_upload, stored
from tests.catalog.tap.uploads.wrong_files import A, votable

COUNT = (
    "SELECT count(*) FROM pg_class WHERE relnamespace = 'tap_upload'::regnamespace AND relkind IN ('r', 'i')"
)


@pytest.fixture
def writer(connection: psycopg.Connection) -> psycopg.Connection:
    connection.execute("SET ROLE galcat_writer")
    return connection


def sample_file() -> bytes:
    file = io.BytesIO()
    sample().write(file, format="votable", tabledata_format="binary2")
    return file.getvalue()


def test_a_stored_table_says_what_queries_may_name(writer: psycopg.Connection) -> None:
    table = stored(writer, sample_file())

    assert (table.schema, table.name, table.relation[0], table.rows) == ("TAP_UPLOAD", "t", "tap_upload", N)
    metas = [
        ColumnMeta("object_id", "long"),
        ColumnMeta("tile", "int"),
        ColumnMeta("votes", "short"),
        ColumnMeta("RA", "double", unit="deg", description="Where <it> is."),
        ColumnMeta("dec", "double", unit="deg"),
        ColumnMeta("mag", "float", unit="mag"),
        ColumnMeta("is_merger", "boolean"),
        ColumnMeta("survey", "char", "*"),
        ColumnMeta("vector", "float", "40"),
        ColumnMeta("pair", "long", "2"),
    ]
    assert table.columns == tuple(
        PublishedColumn(meta, f"c{i}", is_indexed=meta.name in {"RA", "dec"})
        for i, meta in enumerate(metas, 1)
    )


def test_strangers_may_read_it_and_nobody_may_change_it(writer: psycopg.Connection) -> None:
    table = sql.Identifier(*stored(writer, b"a\n1\n").relation)
    changes = (sql.SQL("INSERT INTO {} VALUES (1)"), sql.SQL("DELETE FROM {}"), sql.SQL("DROP TABLE {}"))

    for role in ("galcat_public", "galcat_writer"):
        writer.execute("RESET ROLE")
        writer.execute(sql.SQL("SET ROLE {}").format(sql.Identifier(role)))
        for change in changes:
            with pytest.raises(psycopg.errors.InsufficientPrivilege):
                writer.execute(change.format(table))


@pytest.mark.parametrize(
    "call",
    [
        "make_table(ARRAY['text'], NULL)",
        "finish_table('t', NULL, NULL)",
        "drop_table('t')",
        "stale_tables(now())",
    ],
)
def test_strangers_may_make_and_drop_nothing(call: str, connection: psycopg.Connection) -> None:
    connection.execute("SET ROLE galcat_public")

    with pytest.raises(psycopg.errors.InsufficientPrivilege):
        connection.execute(f"SELECT tap_upload.{call}".encode())


@pytest.mark.parametrize("types", [["text", "name"], ["text); DROP TABLE galcat.source; --"], []])
def test_a_table_has_no_other_types_than_it_may(types: list[str], writer: psycopg.Connection) -> None:
    with pytest.raises(psycopg.errors.InvalidParameterValue, match="are not the types of a table's columns"):
        writer.execute("SELECT tap_upload.make_table(%s, NULL)", [types])


@pytest.mark.parametrize(
    "header",
    ["ra,dec,x", "x,RAJ2000,DEJ2000", "x,RA,Dec,dec_2"],
)
def test_a_join_on_the_sky_uses_its_index(header: str, writer: psycopg.Connection) -> None:
    n = len(header.split(","))
    lines = "".join(",".join([f"{i % 360}.5", "1.5", "2.5", "3.5"][:n]) + "\n" for i in range(500))

    table = stored(writer, f"{header}\n{lines}".encode())

    ra, dec = (sql.Identifier("t", column.stored_as) for column in table.columns if column.is_indexed)
    query = sql.SQL("EXPLAIN SELECT FROM {} AS t WHERE galcat.cone({}, {}, 10, 2, 0.1)")
    with writer.transaction(force_rollback=True):
        writer.execute("SET LOCAL ROLE galcat_public; SET LOCAL enable_seqscan = off")
        plan = writer.execute(query.format(sql.Identifier(*table.relation), ra, dec)).fetchall()
    assert any("Index Cond" in line for (line,) in plan)


def test_the_ucd_tells_a_position_before_the_name_does(writer: psycopg.Connection) -> None:
    fields = "".join(
        f'<FIELD name="{name}" datatype="float" ucd="{ucd}"/>'
        for name, ucd in [
            ("ra", ""),
            ("dec", ""),
            ("b", "pos.eq.dec;meta.main"),
            ("a", "POS.EQ.RA;META.MAIN"),
        ]
    )

    table = stored(writer, votable(fields, ""))

    assert [column.meta.name for column in table.columns if column.is_indexed] == ["b", "a"]


def test_without_a_position_there_is_no_index(writer: psycopg.Connection) -> None:
    table = stored(writer, b"ra,mag\n1.5,2\n")

    assert not any(column.is_indexed for column in table.columns)
    assert writer.execute(COUNT).fetchone() == (1,)


def test_a_file_that_is_wrong_half_way_leaves_nothing_behind(writer: psycopg.Connection) -> None:
    rows = "<TR><TD>1</TD></TR>" * 20_000

    with pytest.raises(UploadError, match=r"^table t: row 20001, column a: 'x' is no int$"):
        stored(writer, votable(A, rows + "<TR><TD>x</TD></TR>"))

    assert writer.execute(COUNT).fetchone() == (0,)


@pytest.mark.parametrize(
    ("datatype", "value", "reason"),
    [
        ("int", 2**31, 'table t: value "2147483648" is out of range for type integer'),
        ("long", 2**63, 'table t: value "9223372036854775808" is out of range for type bigint'),
        ("float", 1e39, "column a cannot be written as float"),
    ],
)
def test_a_number_that_does_not_fit_is_refused(
    datatype: str, value: object, reason: str, writer: psycopg.Connection
) -> None:
    with pytest.raises(QueryError, match=reason):
        store_upload(writer, "t", one_column(datatype, [(value,)]), None)

    assert writer.execute(COUNT).fetchone() == (0,)


def test_reading_that_fails_in_our_own_way_leaves_nothing_behind(writer: psycopg.Connection) -> None:
    def rows() -> Iterator[Row]:
        yield from [(1,)] * 10_000
        raise OSError("the disk is gone")

    with pytest.raises(OSError, match="the disk is gone"):
        store_upload(writer, "t", RowTable((ColumnMeta("a", "int"),), rows()), None)

    assert writer.execute(COUNT).fetchone() == (0,)


def test_a_dropped_table_is_gone_and_may_be_dropped_again(writer: psycopg.Connection) -> None:
    dropped, kept = stored(writer, sample_file()), stored(writer, b"a\n1\n")

    drop_upload(writer, dropped)
    drop_upload(writer, dropped)

    assert writer.execute(COUNT).fetchone() == (1,)
    assert rows_for_strangers(writer, kept) == [(1,)]


def test_left_overs_are_dropped_but_not_those_of_a_job_that_exists(writer: psycopg.Connection) -> None:
    writer.execute(
        "INSERT INTO galcat_tap.job (job_id, phase, base_url, destruction, execution_seconds) "
        "VALUES ('here', 'PENDING', '', now(), 1)"
    )
    tables = {
        job: store_upload(writer, "t", one_column("int", [(1,)]), job) for job in ("here", "gone", None)
    }
    soon, before = datetime.now(UTC) + timedelta(minutes=1), datetime.now(UTC) - timedelta(minutes=1)

    assert drop_stale(writer, before) == 0
    assert drop_stale(writer, soon) == 2

    assert rows_for_strangers(writer, tables["here"]) == [(1,)]
    assert writer.execute(COUNT).fetchone() == (1,)


def one_column(datatype: str, rows: list[Row]) -> RowTable:
    return RowTable((ColumnMeta("a", datatype),), iter(rows))
