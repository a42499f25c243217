"""VOTables, read back by astropy, by hand, and by TOPCAT's own library."""

import base64
import csv
import io
import re
import struct
from dataclasses import replace
from datetime import datetime
from pathlib import Path

import numpy as np
import pytest
from astropy.io import votable
from astropy.io.votable.tree import TableElement, VOTableFile

from catalog.columns import ColumnMeta
from catalog.errors import QueryError
from catalog.formats.datatypes import FLOATS
from catalog.formats.votable.document import votable_error
from catalog.formats.writer import Ending, Heading, Row
from tests.catalog.formats.every_type import COLUMNS, NAN, every_type, f4, write_rows
from tests.catalog.formats.stilts import needs_stilts, stilts

SERIALISATIONS = ("votable", "votable/td")
ONE = (ColumnMeta("a", "int"),)


def _parse(document: bytes) -> VOTableFile:
    return votable.parse(io.BytesIO(document), verify="exception")


def _plain(table: TableElement) -> list[Row]:
    """Rows as they were given, as far as astropy knows."""
    columns = [table.array[field.ID] for field in table.fields]
    return [tuple(map(_value, COLUMNS, row)) for row in zip(*columns, strict=True)]


def _value(column: ColumnMeta, value: object) -> object:
    if value is np.ma.masked:
        return NAN if column.datatype in FLOATS else None
    if isinstance(value, np.ndarray):
        array = np.ma.asarray(value)
        whole_nulls = array.dtype.kind == "i" and array.size and np.all(np.ma.getmaskarray(array))
        return None if whole_nulls else np.ma.getdata(array).tolist()
    return value.item() if isinstance(value, np.generic) else value


def _as_read(column: ColumnMeta, value: object) -> object:
    """What astropy tells of a value: NULL is empty text, an empty array, or NaN, which it masks like NULL."""
    if isinstance(value, datetime):
        return value.isoformat()
    if value is not None:
        return value
    if column.is_text or column.arraysize == "*":
        return "" if column.is_text else []
    if column.datatype in FLOATS:
        return [NAN] * 3 if column.is_array else NAN
    return None


@pytest.mark.parametrize("n", [0, 1, 5, 300])
@pytest.mark.parametrize("name", SERIALISATIONS)
def test_astropy_reads_every_value_that_was_written(name: str, n: int, tmp_path: Path) -> None:
    rows = every_type(n)

    read = _plain(_parse(write_rows(name, rows, tmp_path)).get_first_table())

    expected = [tuple(map(_as_read, COLUMNS, row)) for row in rows]
    if name == "votable/td":  # astropy strips a cell's blanks
        expected = [
            tuple(value.strip() if isinstance(value, str) else value for value in row) for row in expected
        ]
    assert list(map(repr, read)) == list(map(repr, expected))


@pytest.mark.parametrize("name", SERIALISATIONS)
def test_fields_carry_all_that_is_known_of_a_column(name: str, tmp_path: Path) -> None:
    fields = _parse(write_rows(name, [], tmp_path)).get_first_table().fields

    described = [
        ColumnMeta(
            field.name, field.datatype, field.arraysize or "", field.xtype or "", str(field.unit or ""),
            field.ucd or "", field.description or "",
        )
        for field in fields
    ]  # fmt: skip
    assert described == list(COLUMNS)


def test_ids_are_the_names_or_else_valid_and_unique(tmp_path: Path) -> None:
    names = ("ra", "RA", "a b", "a,b", "2mass", "π")
    columns = [ColumnMeta(name, "int") for name in names]

    fields = _parse(write_rows("votable", [], tmp_path, columns=columns)).get_first_table().fields

    assert [(field.name, field.ID) for field in fields] == list(
        zip(names, ("ra", "RA", "a_b", "a_b_2", "_2mass", "_"), strict=True)
    )


def test_binary2_tells_null_from_nan_and_from_nothing(tmp_path: Path) -> None:
    shorts = [ColumnMeta(f"i{i}", "short") for i in range(7)]
    columns = [ColumnMeta("x", "double"), ColumnMeta("t", "char", "*"), *shorts]
    rows: list[Row] = [(NAN, "", *range(7)), (None, None, *[None] * 7), (1.5, "é", *range(7))]

    document = write_rows("votable", rows, tmp_path, columns=columns).decode()

    stream = base64.b64decode(re.search(r'base64">(.*)</STREAM>', document, re.DOTALL)[1])  # type: ignore[index]
    full = struct.pack(">7h", *range(7))
    nan = struct.pack(">d", NAN)
    assert stream == b"".join(
        [
            b"\x00\x00" + nan + struct.pack(">i", 0) + full,
            b"\xff\x80" + nan + struct.pack(">i", 0) + bytes(14),
            b"\x00\x00" + struct.pack(">d", 1.5) + struct.pack(">i", 4) + rb"\xe9" + full,
        ]
    )


@pytest.mark.parametrize("name", SERIALISATIONS)
@pytest.mark.parametrize(
    ("ending", "after"),
    [
        (Ending(), []),
        (Ending(is_cut=True), [("QUERY_STATUS", "OVERFLOW", None)]),
        (Ending(error="disk <full>"), [("QUERY_STATUS", "ERROR", "disk <full>")]),
    ],
)
def test_the_status_stands_before_the_table_and_how_it_ended_behind_it(
    name: str, ending: Ending, after: list[tuple[str, str, str | None]], tmp_path: Path
) -> None:
    heading = Heading('SELECT "x"\n<\x01é', {"server": "galcat & co"})

    document = write_rows(name, [(1,)], tmp_path, columns=ONE, ending=ending, heading=heading)

    resource = _parse(document).resources[0]
    infos = [(info.name, info.value, info.content) for info in [*resource.infos, *resource.tables[0].infos]]
    assert resource.type == "results"
    assert infos == [
        ("QUERY_STATUS", "OK", None),
        ("QUERY", 'SELECT "x"\n<\ufffdé', None),
        ("server", "galcat & co", None),
        *after,
    ]
    before, behind = document.split(b"</TABLE>")
    assert b"QUERY_STATUS" in before.split(b"<TABLE>")[0]
    assert behind.count(b"QUERY_STATUS") == len(after)


def test_a_service_descriptor_points_to_the_column_of_ids(tmp_path: Path) -> None:
    heading = Heading(links=("http://x/links?a=1&b", "object_id"))

    table, service = _parse(write_rows("votable", every_type(1), tmp_path, heading=heading)).resources

    given = {param.name: param.value for param in service.params}
    assert (service.type, service.utype) == ("meta", "adhoc:service")
    assert given == {
        "standardID": "ivo://ivoa.net/std/DataLink#links-1.0",
        "accessURL": "http://x/links?a=1&b",
    }
    (group,) = service.groups
    (param,) = group.entries
    assert (group.name, param.name, param.ref) == ("inputParams", "ID", table.tables[0].fields[0].ID)


def test_there_is_no_service_descriptor_without_a_column_of_ids(tmp_path: Path) -> None:
    heading = Heading(links=("http://x/links", "object_id"))

    document = write_rows("votable", [(1,)], tmp_path, columns=ONE, heading=heading)

    assert len(_parse(document).resources) == 1


@pytest.mark.parametrize(
    ("column", "value", "message"),
    [
        (ColumnMeta("a", "short"), 2**15, "column a cannot be written as short"),
        (ColumnMeta("a", "float", "3"), [1.0], "column a: an array of 1 numbers, where 3 are expected"),
        (
            ColumnMeta("a", "int", "*"),
            [1, None],
            "column a: a NULL within an array",
        ),
    ],
)
def test_a_value_that_is_none_of_its_datatype_is_an_error(
    column: ColumnMeta, value: object, message: str, tmp_path: Path
) -> None:
    with pytest.raises(QueryError, match=message):
        write_rows("votable", [(value,)], tmp_path, columns=[column])


def test_an_error_is_a_votable(tmp_path: Path) -> None:
    del tmp_path
    (resource,) = _parse(votable_error("no column 'é' in <t>", server="galcat")).resources

    infos = [(info.name, info.value, info.content) for info in resource.infos]
    assert infos == [("QUERY_STATUS", "ERROR", "no column 'é' in <t>"), ("server", "galcat", None)]
    assert not resource.tables


@needs_stilts
@pytest.mark.parametrize("name", SERIALISATIONS)
def test_topcat_reads_every_value_that_was_written(name: str, tmp_path: Path) -> None:
    scalars = [i for i, column in enumerate(COLUMNS) if not column.is_array]
    columns = [COLUMNS[i] for i in scalars]
    rows = [tuple(row[i] for i in scalars) for row in every_type(60)]
    path = tmp_path / "table.vot"
    path.write_bytes(write_rows(name, rows, tmp_path, columns=columns, sizes=(7,)))

    text = stilts("tpipe", f"in={path}", "ifmt=votable", "ofmt=csv")

    header, *lines = csv.reader(io.StringIO(text, newline=""))
    assert header == [column.name for column in columns]
    assert [tuple(map(_from_csv, columns, line)) for line in lines] == [
        tuple(map(_as_topcat_tells, columns, row)) for row in rows
    ]


def _from_csv(column: ColumnMeta, cell: str) -> object:
    if column.is_text:
        return cell
    if column.datatype == "boolean":
        return {"true": True, "false": False, "": None}[cell]
    if column.datatype in FLOATS:
        number = float(cell or "nan")
        return (f4(number) if column.datatype == "float" else number) if cell else None
    return int(cell) if cell else None


def _as_topcat_tells(column: ColumnMeta, value: object) -> object:
    """To TOPCAT NaN is NULL, and its text has no blanks around it in CSV."""
    if isinstance(value, datetime):
        return value.isoformat()
    if isinstance(value, float) and np.isnan(value):
        return None
    return (value or "") if column.is_text else value


@needs_stilts
@pytest.mark.parametrize("name", SERIALISATIONS)
@pytest.mark.parametrize("n", [0, 60])
def test_the_validator_has_nothing_to_say(name: str, n: int, tmp_path: Path) -> None:
    """Of all but two things: it cannot read polygons in BINARY2, and has no NULL for `pair` in TABLEDATA."""
    columns = [replace(column, xtype=column.xtype.replace("polygon", "")) for column in COLUMNS]
    kept = [i for i, column in enumerate(COLUMNS) if name == "votable" or column.name != "pair"]
    document = write_rows(
        name,
        [tuple(row[i] for i in kept) for row in every_type(n)],
        tmp_path,
        columns=[columns[i] for i in kept],
        heading=Heading("SELECT 1 < 2", {"server": "galcat"}, ("http://x/links", "object_id")),
        ending=Ending(is_cut=True),
    )
    path = tmp_path / "table.vot"
    path.write_bytes(document)

    assert stilts("votlint", str(path)) == ""


@needs_stilts
def test_the_validator_has_nothing_to_say_of_an_error(tmp_path: Path) -> None:
    path = tmp_path / "error.vot"
    path.write_bytes(votable_error("no such <table>", server="galcat"))

    assert stilts("votlint", str(path)) == ""
