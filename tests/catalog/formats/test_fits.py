"""FITS, read back by astropy and by TOPCAT's own library."""

import csv
import io
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import datetime
from pathlib import Path

import numpy as np
import pytest
from astropy.io import fits
from astropy.table import Table

from catalog.columns import ColumnMeta
from catalog.errors import CatalogError, QueryError
from catalog.formats.choose import choose
from catalog.formats.datatypes import FLOATS
from catalog.formats.writer import Ending, Heading, Row
from tests.catalog.formats.every_type import COLUMNS, NAN, every_type, write_rows
from tests.catalog.formats.stilts import needs_stilts, stilts

ONE = (ColumnMeta("a", "short"),)
TRUTH = {b"T": True, b"F": False, b"": None, True: True, False: False}


@contextmanager
def _table(document: bytes) -> Iterator[fits.BinTableHDU]:
    with fits.open(io.BytesIO(document), logical_as_bytes=True) as hdus:
        hdus.verify("exception")
        yield hdus[1]


@pytest.mark.parametrize("n", [0, 1, 5, 300])
def test_astropy_reads_every_value_that_was_written(n: int, tmp_path: Path) -> None:
    rows = every_type(n)

    with _table(write_rows("fits", rows, tmp_path, sizes=(7, 90))) as table:
        read = _plain(table)

    assert list(map(repr, read)) == [repr(tuple(map(_as_read, COLUMNS, row))) for row in rows]


def test_the_header_says_what_is_known_of_the_columns(tmp_path: Path) -> None:
    with _table(write_rows("fits", every_type(5), tmp_path)) as table:
        header = table.header

    keys = [f"{key}{i}" for i in range(1, len(COLUMNS) + 1) for key in ("TTYPE", "TUNIT", "TUCD", "TCOMM")]
    expected = [
        text for column in COLUMNS for text in (column.name, column.unit, column.ucd, column.description)
    ]
    assert [header.get(key, "") for key in keys] == expected


def test_the_header_holds_the_query_and_how_it_ended(tmp_path: Path) -> None:
    query = "SELECT 'it''s', \"é\"\n" + ", ".join(f"column_{i} & 'x'''" for i in range(100))
    heading = Heading(query, {"server": "galcat"})

    document = write_rows("fits", [(1,)], tmp_path, columns=ONE, heading=heading, ending=Ending(is_cut=True))
    with _table(document) as table:
        header = table.header

    assert header["QUERY"] == query.replace("\n", " ").replace("é", "\\xe9")
    assert header["OVERFLOW"] is True
    assert header["EXTNAME"] == "RESULT"
    assert list(header["COMMENT"]) == ["server: galcat"]
    assert "ERROR" not in header
    with _table(write_rows("fits", [(1,)], tmp_path, columns=ONE, ending=Ending(error="gone"))) as table:
        assert (table.header["OVERFLOW"], table.header["ERROR"]) == (False, "gone")


def test_no_value_is_taken_for_null(tmp_path: Path) -> None:
    values = [*range(-(2**15), -(2**15) + 20), None, 5]

    with _table(write_rows("fits", [(value,) for value in values], tmp_path, columns=ONE)) as table:
        null = table.columns[0].null
        read = [None if value == null else value for value in table.data["a"].tolist()]

    assert null not in values
    assert read == values


def test_where_no_number_is_left_for_null_the_answer_is_an_error(tmp_path: Path) -> None:
    rows = [(value,) for value in [*range(-(2**15), 2**15), None]]

    with pytest.raises(QueryError, match="column a: no number is left for NULL in FITS"):
        write_rows("fits", rows, tmp_path, columns=ONE)


def test_without_null_there_is_no_tnull(tmp_path: Path) -> None:
    with _table(write_rows("fits", [(1,), (2,)], tmp_path, columns=ONE)) as table:
        assert "TNULL1" not in table.header


def test_astropys_table_has_masks_and_units(tmp_path: Path) -> None:
    path = tmp_path / "table.fits"
    columns = [
        ColumnMeta("id", "long"),
        ColumnMeta("ra", "double", unit="deg"),
        ColumnMeta("v", "float", "2"),
    ]
    path.write_bytes(
        write_rows("fits", [(1, 2.5, [1.0, 2.0]), (None, None, None)], tmp_path, columns=columns)
    )

    table = Table.read(path)

    assert table["id"].tolist() == [1, None]
    assert table["ra"].tolist() == [2.5, None]
    assert table["ra"].unit == "deg"
    assert table["v"].shape == (2, 2)


def test_a_column_of_nulls_alone_can_be_read(tmp_path: Path) -> None:
    rows = [(None,) * len(COLUMNS)] * 3

    with _table(write_rows("fits", rows, tmp_path)) as table:
        read = _plain(table)

    assert list(map(repr, read)) == [repr(tuple(map(_as_read, COLUMNS, row))) for row in rows]


@pytest.mark.parametrize("name", ["fits", "parquet"])
def test_an_answer_that_needs_too_much_disk_is_an_error_and_leaves_nothing_behind(
    name: str, tmp_path: Path
) -> None:
    writer = choose(name).writer(tmp_path, max_bytes=2_000_000)
    writer.start([ColumnMeta("x", "double")], Heading())
    rows = [(value,) for value in np.random.default_rng(0).normal(size=300_000).tolist()]

    with pytest.raises(CatalogError, match="the answer takes more than 2 MB in this format: ask for fewer"):
        writer.rows(rows)

    writer.close()
    writer.close()
    assert list(tmp_path.iterdir()) == []


def test_one_long_text_cannot_make_the_file_too_large(tmp_path: Path) -> None:
    writer = choose("fits").writer(tmp_path, max_bytes=2_000_000)
    writer.start([ColumnMeta("t", "char", "*")], Heading())
    writer.rows([("x" * 1000,), *[("x",)] * 3000])

    with pytest.raises(CatalogError, match="more than 2 MB"):
        writer.end(Ending())
    writer.close()


@pytest.mark.parametrize("name", ["fits", "parquet"])
def test_a_writer_that_is_closed_early_leaves_nothing_behind(name: str, tmp_path: Path) -> None:
    writer = choose(name).writer(tmp_path)
    writer.start(COLUMNS, Heading())
    writer.rows(every_type(9))

    writer.close()
    del writer

    assert list(tmp_path.iterdir()) == []


@needs_stilts
def test_topcat_reads_every_value_that_was_written(tmp_path: Path) -> None:
    kept = [i for i, column in enumerate(COLUMNS) if not column.is_array]
    columns = [COLUMNS[i] for i in kept]
    rows = [tuple(row[i] for i in kept) for row in every_type(60)]
    path = tmp_path / "table.fits"
    path.write_bytes(write_rows("fits", rows, tmp_path, columns=columns))

    text = stilts("tpipe", f"in={path}", "ifmt=fits", "ofmt=csv")

    _, *lines = csv.reader(io.StringIO(text, newline=""))
    read = [tuple(map(_from_csv, columns, line)) for line in lines]
    assert list(map(repr, read)) == [repr(tuple(map(_as_read, columns, row))) for row in rows]


def _plain(table: fits.BinTableHDU) -> list[Row]:
    columns = [
        [_value(meta, value, column.null) for value in table.data[column.name]]
        for meta, column in zip(COLUMNS, table.columns, strict=True)
    ]
    return list(zip(*columns, strict=True))


def _value(column: ColumnMeta, value: object, null: int | None) -> object:
    if column.is_text:
        return str(value)
    flat = [_number(column, one, null) for one in np.atleast_1d(np.asarray(value)).tolist()]
    return flat if column.is_array else flat[0]


def _number(column: ColumnMeta, value: object, null: int | None) -> object:
    if column.datatype == "boolean":
        return TRUTH[value]
    return None if value == null and null is not None else value


def _from_csv(column: ColumnMeta, cell: str) -> object:
    if column.is_text:
        return cell
    if column.datatype == "boolean":
        return {"true": True, "false": False, "": None}[cell]
    if column.datatype in FLOATS:
        return float(np.float32(cell or "nan")) if column.datatype == "float" else float(cell or "nan")
    return int(cell) if cell else None


def _as_read(column: ColumnMeta, value: object) -> object:
    """NULL is empty text, an empty array, NaN, or TNULL; text is in ASCII, without blanks at its end."""
    if isinstance(value, datetime):
        return value.isoformat()
    if column.is_text:
        text = str(value or "").rstrip(" ")
        return "".join(one if " " <= one <= "~" else one.encode("unicode_escape").decode() for one in text)
    if value is None and column.is_array:
        return {"vector": [NAN] * 3, "pair": [None] * 2}.get(column.name, [])
    return NAN if value is None and column.datatype in FLOATS else value
