"""Parquet, read back by pyarrow, and its VOTable by astropy."""

import io
from datetime import datetime
from pathlib import Path

import pyarrow.parquet as pq
import pytest
from astropy.io import votable
from astropy.io.votable.tree import Resource
from astropy.table import Table

from catalog.columns import ColumnMeta
from catalog.formats.writer import Ending, Heading
from tests.catalog.formats.every_type import COLUMNS, every_type, write_rows
from tests.catalog.formats.stilts import needs_stilts, stilts


@pytest.mark.parametrize("n", [0, 1, 5, 300])
def test_pyarrow_reads_every_value_that_was_written(n: int, tmp_path: Path) -> None:
    rows = every_type(n)

    table = pq.read_table(io.BytesIO(write_rows("parquet", rows, tmp_path)))

    assert table.column_names == [column.name for column in COLUMNS]
    read = [tuple(row.values()) for row in table.to_pylist()]
    assert list(map(repr, read)) == [repr(tuple(map(_as_read, row))) for row in rows]


def test_types_are_as_wide_as_they_were_declared(tmp_path: Path) -> None:
    schema = pq.read_schema(io.BytesIO(write_rows("parquet", [], tmp_path)))

    assert [str(field.type) for field in schema] == [
        "int64", "bool", "int16", "int32", "float", "double", "string", "string", "string",
        "fixed_size_list<element: float>[3]", "list<element: double>", "fixed_size_list<element: int32>[2]",
        "list<element: int64>", "list<element: bool>",
    ]  # fmt: skip


def test_rows_come_in_groups_of_10_000(tmp_path: Path) -> None:
    rows = [(i,) for i in range(25_000)]

    document = write_rows("parquet", rows, tmp_path, columns=[ColumnMeta("a", "int")], sizes=(999,))

    file = pq.ParquetFile(io.BytesIO(document))
    groups = [file.metadata.row_group(i).num_rows for i in range(file.num_row_groups)]
    assert groups == [10_000, 10_000, 5000]
    assert file.read()["a"].to_pylist() == list(range(25_000))


@pytest.mark.parametrize("is_cut", [False, True])
def test_the_footer_holds_a_votable_without_rows(is_cut: bool, tmp_path: Path) -> None:
    heading = Heading("SELECT <é>", {"server": "galcat"}, ("http://x/links", "object_id"))

    document = write_rows("parquet", every_type(5), tmp_path, heading=heading, ending=Ending(is_cut=is_cut))

    about = pq.read_metadata(io.BytesIO(document)).metadata
    assert about[b"IVOA.VOTable-Parquet.version"] == b"1.0"
    results, _ = votable.parse(
        io.BytesIO(about[b"IVOA.VOTable-Parquet.content"]), verify="exception"
    ).resources
    assert b"<DATA>" not in about[b"IVOA.VOTable-Parquet.content"]
    assert _infos(results) == [
        ("QUERY_STATUS", "OK"), ("QUERY", "SELECT <é>"), ("server", "galcat"),
        *([("QUERY_STATUS", "OVERFLOW")] if is_cut else []),
    ]  # fmt: skip
    described = [
        (field.name, field.datatype, field.ucd or "", field.description or "")
        for field in results.tables[0].fields
    ]
    assert described == [(column.name, column.datatype, column.ucd, column.description) for column in COLUMNS]


@pytest.mark.filterwarnings("ignore:No table..len")  # astropy looks for a length of its own
def test_astropy_reads_values_and_units_where_no_text_is_null(tmp_path: Path) -> None:
    kept = [i for i, column in enumerate(COLUMNS) if not column.is_array or column.name == "vector"]
    rows = [tuple(row[i] for i in kept) for row in every_type(60)]
    rows = [row for row in rows if None not in row]
    path = tmp_path / "table.parquet"
    columns = [COLUMNS[i] for i in kept]
    path.write_bytes(write_rows("parquet", rows, tmp_path, columns=columns))

    table = Table.read(path, format="parquet.votable")

    assert table.colnames == [column.name for column in columns]
    read = list(zip(*(table[name].tolist() for name in table.colnames), strict=True))
    assert list(map(repr, read)) == [repr(tuple(map(_as_read, row))) for row in rows]
    assert [str(table[column.name].unit or "") for column in columns] == [column.unit for column in columns]


@needs_stilts
def test_the_validator_has_nothing_to_say_of_the_votable(tmp_path: Path) -> None:
    document = write_rows("parquet", every_type(60), tmp_path, ending=Ending(is_cut=True))
    path = tmp_path / "about.vot"
    path.write_bytes(pq.read_metadata(io.BytesIO(document)).metadata[b"IVOA.VOTable-Parquet.content"])

    assert stilts("votlint", str(path)) == ""


def _infos(resource: Resource) -> list[tuple[str, str]]:
    return [(info.name, info.value) for info in [*resource.infos, *resource.tables[0].infos]]


def _as_read(value: object) -> object:
    return value.isoformat() if isinstance(value, datetime) else value
