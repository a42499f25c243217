"""Every way to write a table, read back through SQL; and files that are none, or worse."""

import io
import re
import struct
from collections.abc import Callable
from dataclasses import replace
from datetime import datetime
from pathlib import Path

import numpy as np
import psycopg
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from astropy.io import fits
from astropy.table import Table

from catalog.columns import ColumnMeta
from catalog.errors import QueryError
from catalog.tap.uploads.error import UploadError
from catalog.tap.uploads.read import read_upload
from table_files.limits import TableLimits
from table_files.row_table import RowTable
from tests.catalog.formats.every_type import COLUMNS, every_type, write_rows
from tests.catalog.formats.stilts import needs_stilts, stilts
from tests.catalog.tap.uploads.uploads import plain_rows, rows_for_strangers, sample, stored
from tests.catalog.tap.uploads.wrong_files import VOTABLE, WRONG_FILES, A, B, votable

STILTS = (
    "votable-tabledata", "votable-binary-inline", "votable-binary2-inline", "votable-fits-inline",
    "fits-basic", "fits-plus", "fits-var",
)  # fmt: skip


@pytest.fixture
def writer(connection: psycopg.Connection) -> psycopg.Connection:
    connection.execute("SET ROLE galcat_writer")
    return connection


def read(content: bytes, content_type: str | None = None, **limits: int) -> RowTable:
    return read_upload(io.BytesIO(content), content_type, "t", TableLimits(**limits))


@pytest.mark.parametrize("serialisation", ["tabledata", "binary", "binary2"])
def test_a_votable_of_astropy_is_stored_as_it_was(serialisation: str, writer: psycopg.Connection) -> None:
    table, file = sample(), io.BytesIO()
    if serialisation == "binary":  # in which astropy has no NULL for whole numbers
        table["tile"], table["votes"] = table["tile"].filled(1), table["votes"].filled(2)
    table.write(file, format="votable", tabledata_format=serialisation)

    assert rows_for_strangers(writer, stored(writer, file.getvalue())) == plain_rows(table)


def test_a_fits_table_of_astropy_is_stored_as_it_was(writer: psycopg.Connection) -> None:
    file = io.BytesIO()
    sample().write(file, format="fits")

    assert rows_for_strangers(writer, stored(writer, file.getvalue())) == plain_rows(sample())


@needs_stilts
@pytest.mark.parametrize("ofmt", STILTS)
def test_a_file_of_topcat_is_stored_as_it_was(ofmt: str, writer: psycopg.Connection, tmp_path: Path) -> None:
    sample().write(tmp_path / "sample.fits")
    stilts("tpipe", f"in={tmp_path}/sample.fits", f"out={tmp_path}/sample", f"ofmt={ofmt}")

    table = stored(writer, (tmp_path / "sample").read_bytes())

    assert rows_for_strangers(writer, table) == plain_rows(sample())
    assert [column.meta.unit for column in table.columns] == ["", "", "", "deg", "deg", "mag", "", "", "", ""]


def test_parquet_is_stored_as_it_was(writer: psycopg.Connection) -> None:
    table, file = sample(), io.BytesIO()
    rows = plain_rows(table)
    types = ["int64", "int32", "int16", "double", "double", "float", "bool", "string"]
    kinds = [*map(pa.type_for_alias, types), pa.list_(pa.float32(), 40), pa.list_(pa.int64())]
    arrays = [pa.array(values, kind) for values, kind in zip(zip(*rows, strict=True), kinds, strict=True)]
    pq.write_table(pa.table(arrays, names=table.colnames), file)

    assert rows_for_strangers(writer, stored(writer, file.getvalue())) == rows


@pytest.mark.parametrize(("delimiter", "content_type"), [(",", "text/csv"), ("\t", None)])
def test_separated_values_are_stored_as_they_were(
    delimiter: str, content_type: str | None, writer: psycopg.Connection
) -> None:
    table, file = sample(), io.StringIO()
    table.keep_columns([name for name in table.colnames if table[name].ndim == 1])
    table.write(file, format="ascii.csv" if delimiter == "," else "ascii.tab")

    found = stored(writer, file.getvalue().encode(), content_type)

    assert rows_for_strangers(writer, found) == plain_rows(table)
    assert [column.meta.datatype for column in found.columns] == [
        "long", "long", "long", "double", "double", "double", "boolean", "char",
    ]  # fmt: skip


@pytest.mark.parametrize("name", ["votable", "votable/td", "parquet"])
def test_the_services_own_files_can_be_sent_back(
    name: str, writer: psycopg.Connection, tmp_path: Path
) -> None:
    rows = every_type(60)

    table = stored(writer, write_rows(name, rows, tmp_path))

    notes = replace(COLUMNS[6], datatype="unicodeChar")  # the only text that is no ASCII
    assert [column.meta for column in table.columns] == [*COLUMNS[:6], notes, *COLUMNS[7:]]
    read_back = rows_for_strangers(writer, table)
    assert list(map(repr, read_back)) == [repr(tuple(map(TOLD[name], COLUMNS, row))) for row in rows]


def test_text_is_stored_letter_by_letter(writer: psycopg.Connection) -> None:
    texts = ["é 🌌", "tab\t new\nline \\ \\N \\.", "'; DROP TABLE x; --", '"', "{1,2}", "NULL"]
    file = io.BytesIO()
    Table({"t": texts}).write(file, format="votable", tabledata_format="binary2")

    assert rows_for_strangers(writer, stored(writer, file.getvalue())) == [(text,) for text in texts]


def test_numbers_that_stand_for_null_are_null(writer: psycopg.Connection) -> None:
    fields = (
        '<FIELD name="a" datatype="int"><VALUES null="-99"/></FIELD><FIELD name="b" datatype="unsignedByte"/>'
        '<FIELD name="x" datatype="float"/><FIELD name="l" datatype="boolean"/>'
        '<FIELD name="v" datatype="double" arraysize="2"/>'
    )
    rows = (
        "<TR><TD>-99</TD><TD>255</TD><TD>NaN</TD><TD>?</TD><TD>NaN NaN</TD></TR>"
        "<TR><TD>0x10</TD><TD/><TD>+Inf</TD><TD>T</TD><TD>1 NaN</TD></TR>"
    )

    found = rows_for_strangers(writer, stored(writer, votable(fields, rows)))

    assert repr(found) == repr([(None, 255, None, None, None), (16, None, np.inf, True, [1.0, np.nan])])


def test_unsigned_columns_of_fits_keep_their_values(writer: psycopg.Connection) -> None:
    columns = [
        fits.Column("u2", "I", bzero=2**15, array=np.array([0, 40_000, 65_535], np.uint16)),
        fits.Column("u8", "K", bzero=2**63, array=np.array([0, 1, 2**63 - 1], np.uint64)),
        fits.Column("n", "J", null=-9, array=np.array([1, -9, 3])),
        fits.Column("l", "L", array=np.array([True, False, True])),
        fits.Column("ragged", "PE()", array=np.array([[1.0, 2.0], [], [3.0]], dtype=object)),
    ]
    file = io.BytesIO()
    fits.BinTableHDU.from_columns(columns).writeto(file)

    assert rows_for_strangers(writer, stored(writer, file.getvalue())) == [
        (0, 0, 1, True, [1.0, 2.0]),
        (40_000, 1, None, False, []),
        (65_535, 2**63 - 1, 3, True, [3.0]),
    ]


def test_a_scaled_column_of_fits_holds_what_it_stands_for(writer: psycopg.Connection, tmp_path: Path) -> None:
    file = write_rows("fits", [(0,), (2,), (None,)], tmp_path, columns=[ColumnMeta("a", "short")])
    cards = b"TSCAL1  =                  0.5".ljust(80) + b"TZERO1  =                  1.0".ljust(80)
    end = b"END".ljust(80)

    scaled = file[:2880] + file[2880:].replace(end + bytes(b" " * 160), cards + end, 1)

    assert rows_for_strangers(writer, stored(writer, scaled)) == [(1.0,), (2.0,), (None,)]


def test_a_null_boolean_of_fits_is_null(writer: psycopg.Connection, tmp_path: Path) -> None:
    file = write_rows("fits", [(True,), (None,), (False,)], tmp_path, columns=[ColumnMeta("l", "boolean")])

    assert rows_for_strangers(writer, stored(writer, file)) == [(True,), (None,), (False,)]


def test_csv_guesses_a_type_from_all_cells_of_a_column(writer: psycopg.Connection) -> None:
    lines = ["id,x,y,name,flag,at,empty"]
    lines += ['9223372036854775807,1,2,"a, ""b""",true,2026-01-02T03:04:05Z,'] * 1000
    lines += ["-1,1.5,,12h,false,,"]

    table = stored(writer, "\ufeff".encode() + "\r\n".join(lines).encode())

    described = [(column.meta.datatype, column.meta.xtype) for column in table.columns]
    assert described == [
        ("long", ""), ("double", ""), ("long", ""), ("char", ""), ("boolean", ""), ("char", "timestamp"),
        ("double", ""),
    ]  # fmt: skip
    moment = datetime(2026, 1, 2, 3, 4, 5)  # noqa: DTZ001 - as Postgres gives it
    rows = rows_for_strangers(writer, table)
    assert rows[0] == (2**63 - 1, 1.0, 2, 'a, "b"', True, moment, None)
    assert rows[-1] == (-1, 1.5, None, "12h", False, None, None)
    assert table.rows == 1001


def test_times_are_stored_in_utc(writer: psycopg.Connection) -> None:
    field = '<FIELD name="at" datatype="char" arraysize="*" xtype="adql:TIMESTAMP"/>'
    cells = ("2026-01-02T03:04:05.25", "2026-01-02", "2026-01-02T03:04:05Z", "2026-01-02T03:04:05+01:00", "")

    table = stored(writer, votable(field, "".join(f"<TR><TD>{cell}</TD></TR>" for cell in cells)))

    assert [row[0] and row[0].isoformat() for row in rows_for_strangers(writer, table)] == [
        "2026-01-02T03:04:05.250000", "2026-01-02T00:00:00", "2026-01-02T03:04:05", "2026-01-02T02:04:05",
        None,
    ]  # fmt: skip


def test_an_empty_table_is_stored_with_its_columns(writer: psycopg.Connection) -> None:
    table = stored(writer, VOTABLE.format('<FIELD name="a" datatype="int"/>').encode())

    assert (rows_for_strangers(writer, table), table.rows, len(table.columns)) == ([], 0, 1)


@pytest.mark.parametrize("what", WRONG_FILES)
def test_a_wrong_file_is_refused_in_one_line(what: str) -> None:
    content, reason = WRONG_FILES[what]

    with pytest.raises(QueryError, match=re.escape(reason)) as caught:
        list(read(content).rows)

    assert str(caught.value).startswith("table t: ")
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize(
    ("limit", "content", "reason"),
    [
        ({"bytes": 99}, b"a\n" + b"1\n" * 49, "it has more than 9.9e-05 MB"),
        ({"rows": 9}, b"a\n" + b"1\n" * 10, "it has more than 9 rows"),
        ({"columns": 2}, b"a,b,c\n1,2,3\n", "it has more than 2 columns"),
        ({"columns": 1}, votable(A + B, ""), "it has more than 1 columns"),
        (
            {"text": 9},
            b"a\n0123456789\n".replace(b"0", b"x"),
            "row 1, column a: a text of 10 characters, 9 are the most",
        ),
        ({"values": 5}, b"a,b\n1,2\n3,4\n5,6\n", "it has more than 5 values"),
    ],
)
def test_what_is_too_large_is_refused(limit: dict[str, int], content: bytes, reason: str) -> None:
    with pytest.raises(UploadError, match=re.escape(reason)):
        list(read(content, **limit).rows)


def test_parquet_that_is_small_only_while_packed_is_refused() -> None:
    file = io.BytesIO()
    texts = pa.DictionaryArray.from_arrays(np.zeros(20_000, np.int32), ["x" * 90_000])
    pq.write_table(pa.table({"t": texts}), file, store_schema=False)
    assert len(file.getvalue()) < 500_000

    with pytest.raises(UploadError, match="unpacked it has more than 200 MB"):
        list(read(file.getvalue()).rows)


def test_fits_whose_arrays_lie_upon_each_other_is_refused() -> None:
    column = fits.Column("v", "PJ()", array=np.array([[1] * 1000] * 100, dtype=object))
    file = io.BytesIO()
    fits.BinTableHDU.from_columns([column]).writeto(file)
    content = file.getvalue()
    start = content.index(struct.pack(">2i", 1000, 0))
    everywhere = content[:start] + struct.pack(">2i", 100_000, 0) * 100 + content[start + 800 :]

    with pytest.raises(UploadError, match="it has more than 1,000,000 values"):
        read(everywhere, values=1_000_000)


@pytest.mark.parametrize("name", ["votable", "votable/td", "csv", "fits", "parquet"])
def test_a_damaged_file_is_read_or_refused_and_no_more(name: str, tmp_path: Path) -> None:
    content = write_rows(name, every_type(6), tmp_path, columns=COLUMNS)
    rng = np.random.default_rng(0)
    outcomes: list[str] = []

    for _ in range(10 if name == "parquet" else 150):  # Parquet takes a process each
        damaged = bytearray(content[: rng.integers(len(content))] if rng.random() < 0.2 else content)
        for at in rng.integers(0, max(1, len(damaged)), rng.integers(5)):
            damaged[at : at + 1] = b"%c" % rng.integers(32 if name in {"votable/td", "csv"} else 0, 127)
        try:
            outcomes.append(f"{len(list(read(bytes(damaged)).rows))} rows")
        except QueryError as error:
            outcomes.append(str(error))

    assert not any("\n" in outcome for outcome in outcomes)
    assert {"6 rows"} < set(outcomes)


@pytest.mark.parametrize("name", ["", "1a", "a b", "a.b", 'a"b', "é", "a" * 64, "a;"])
def test_a_table_must_have_a_plain_name(name: str) -> None:
    with pytest.raises(UploadError, match="is no name for a table"):
        read_upload(io.BytesIO(b"a\n1\n"), None, name)


def test_a_file_may_come_by_its_path(tmp_path: Path) -> None:
    path = tmp_path / "sample.csv"
    path.write_bytes(b"a\n1\n")

    table = read_upload(path, None, "t")

    assert (table.columns, list(table.rows)) == ((ColumnMeta("a", "long"),), [(1,)])


def _as_stored(_: ColumnMeta, value: object) -> object:
    """A NaN is NULL, and so is an array of nothing but NaN."""
    if isinstance(value, float) and np.isnan(value):
        return None
    return value


def _as_read_from_cells(column: ColumnMeta, value: object) -> object:
    """Neither empty text nor an empty array are told from NULL."""
    return None if value in ("", []) else _as_stored(column, value)


TOLD: dict[str, Callable[[ColumnMeta, object], object]] = {
    "votable": _as_stored,
    "votable/td": _as_read_from_cells,
    "parquet": _as_stored,
}


def test_ecsv_is_stored_as_it_was(writer: psycopg.Connection) -> None:
    table, file = sample(), io.StringIO()
    table.keep_columns([name for name in table.colnames if table[name].ndim == 1])
    table.write(file, format="ascii.ecsv")

    found = stored(writer, file.getvalue().encode())

    assert rows_for_strangers(writer, found) == plain_rows(table)
    assert [column.meta.unit for column in found.columns] == ["", "", "", "deg", "deg", "mag", "", ""]


def test_a_table_of_text_within_fits_is_stored(writer: psycopg.Connection) -> None:
    columns = [fits.Column("a", "I6", array=[1, -2]), fits.Column("x", "E15.7", array=[1.5, 2.0])]
    file = io.BytesIO()
    fits.HDUList([fits.PrimaryHDU(), fits.TableHDU.from_columns(columns)]).writeto(file)

    assert rows_for_strangers(writer, stored(writer, file.getvalue())) == [(1, 1.5), (-2, 2.0)]


def test_text_in_utf_16_is_read(writer: psycopg.Connection) -> None:
    content = "object_id,name\n1113078707712646271,é\n".encode("utf-16")

    assert rows_for_strangers(writer, stored(writer, content)) == [(1113078707712646271, "é")]


def test_fits_with_two_tables_is_refused_and_shifted_whole_numbers_keep_every_digit(
    writer: psycopg.Connection,
) -> None:
    file = io.BytesIO()
    tables = [
        fits.BinTableHDU.from_columns([fits.Column("k", "K", array=[2**60 + 1])], name=name) for name in "AB"
    ]
    fits.HDUList([fits.PrimaryHDU(), *tables]).writeto(file)
    with pytest.raises(UploadError, match=r"it has 2 tables \(A, B\): send the one that is meant"):
        read(file.getvalue())

    alone = io.BytesIO()
    tables[0].writeto(alone)
    content = alone.getvalue()
    at = content.index(b"EXTNAME = ")
    shifted = content[:at] + b"TZERO1  =                  100".ljust(80) + content[at + 80 :]
    assert rows_for_strangers(writer, stored(writer, shifted)) == [(2**60 + 101,)]
