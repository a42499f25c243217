"""CSV and TSV, read back by Python's csv and by TOPCAT's own library."""

import csv
import io
from datetime import datetime
from pathlib import Path

import numpy as np
import pytest

from catalog.columns import ColumnMeta
from catalog.formats.datatypes import FLOATS
from catalog.formats.writer import Ending
from tests.catalog.formats.every_type import COLUMNS, every_type, f4, write_rows
from tests.catalog.formats.stilts import needs_stilts, stilts


@pytest.mark.parametrize("n", [0, 1, 5, 300])
def test_csv_holds_every_value_as_it_was_written(n: int, tmp_path: Path) -> None:
    rows = every_type(n)

    header, *lines = csv.reader(io.StringIO(write_rows("csv", rows, tmp_path).decode(), newline=""))

    assert header == [column.name for column in COLUMNS]
    read = [tuple(map(_from_cell, COLUMNS, line)) for line in lines]
    assert list(map(repr, read)) == [repr(tuple(map(_as_read, COLUMNS, row))) for row in rows]


@pytest.mark.parametrize("n", [0, 1, 5, 300])
def test_tsv_holds_every_value_as_it_was_written(n: int, tmp_path: Path) -> None:
    rows = every_type(n)

    header, *lines = write_rows("tsv", rows, tmp_path).decode().removesuffix("\n").split("\n")

    assert header.split("\t") == [column.name for column in COLUMNS]
    read = [tuple(map(_from_cell, COLUMNS, map(_unescape, line.split("\t")))) for line in lines]
    assert list(map(repr, read)) == [repr(tuple(map(_as_read, COLUMNS, row))) for row in rows]


def test_a_value_is_quoted_only_where_it_must_be(tmp_path: Path) -> None:
    columns = [ColumnMeta("a", "unicodeChar", "*"), ColumnMeta("b, c", "int")]
    rows = [("x", 1), ("a,b", None), ('"', -1), ("two\nlines", 0), (None, None)]

    text = write_rows("csv", rows, tmp_path, columns=columns)

    assert text == b'a,"b, c"\r\nx,1\r\n"a,b",\r\n"""",-1\r\n"two\nlines",0\r\n,\r\n'


@pytest.mark.parametrize("name", ["csv", "tsv"])
def test_a_cut_answer_is_no_different(name: str, tmp_path: Path) -> None:
    rows = every_type(9)

    assert write_rows(name, rows, tmp_path, ending=Ending(is_cut=True)) == write_rows(name, rows, tmp_path)


@needs_stilts
def test_topcat_reads_every_value_from_csv(tmp_path: Path) -> None:
    kept = [i for i, column in enumerate(COLUMNS) if not column.is_array and column.name != "note"]
    columns = [COLUMNS[i] for i in kept]
    rows = [tuple(row[i] for i in kept) for row in every_type(60)]
    path = tmp_path / "table.csv"
    path.write_bytes(write_rows("csv", rows, tmp_path, columns=columns))

    text = stilts("tpipe", f"in={path}", "ifmt=csv", "ofmt=csv")

    _, *lines = csv.reader(io.StringIO(text, newline=""))
    read = [tuple(map(_from_cell, columns, line)) for line in lines]
    told = [
        tuple("" if value is None or value != value else value for value in map(_as_read, columns, row))  # noqa: PLR0124 - NaN is NULL
        for row in rows
    ]
    assert [tuple("" if value != value else value for value in row) for row in read] == told  # noqa: PLR0124 - the same


def _from_cell(column: ColumnMeta, cell: str) -> object:
    if column.is_text or not cell:
        return cell
    values = [_number(column, part) for part in cell.split(" ")]
    return values if column.is_array else values[0]


def _number(column: ColumnMeta, cell: str) -> object:
    if column.datatype == "boolean":
        return {"true": True, "false": False}[cell]
    if column.datatype in FLOATS:
        return f4(float(np.float32(cell))) if column.datatype == "float" else float(cell)
    return int(cell)


def _as_read(_: ColumnMeta, value: object) -> object:
    """What a cell tells: NULL, empty text and an empty array are one."""
    if isinstance(value, datetime):
        return value.isoformat()
    return "" if value is None or value == [] else value


def _unescape(cell: str) -> str:
    parts = cell.split("\\\\")
    return "\\".join(part.replace("\\t", "\t").replace("\\n", "\n").replace("\\r", "\r") for part in parts)
