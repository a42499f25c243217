"""Files that are other than they seem are named for what they are, or read with nothing lost in silence."""

import bz2
import io
import lzma
import zipfile
from decimal import Decimal
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from astropy import units
from astropy.coordinates import SkyCoord
from astropy.io import fits
from astropy.table import MaskedColumn, Table

from catalog.tap.uploads.read import read_upload
from table_files.astropy_table import from_astropy
from table_files.errors import TableError
from table_files.positions import read_positions
from table_files.read import read_table

CSV = b"id,ra\n1,2.5\n"
BIG = 1113078707712646271


def zipped() -> bytes:
    file = io.BytesIO()
    with zipfile.ZipFile(file, "w") as archive:
        archive.writestr("t.csv", CSV)
    return file.getvalue()


@pytest.mark.parametrize(
    ("content", "said"),
    [
        (zipped(), r"no table but a zip archive or a spreadsheet such as \.xlsx: save the table as CSV"),
        (bz2.compress(CSV), "compressed by bzip2: unpack it"),
        (lzma.compress(CSV), "compressed by xz: unpack it"),
        (b"<!DOCTYPE html><html><body>503</body></html>", r"a web page \(HTML\)"),
        (b'{"id": [1, 2]}', "no table but JSON"),
        (b"SQLite format 3\0" + bytes(20), "an SQLite database"),
        (CSV.decode().encode("utf-16-le"), "line 1 has a NUL"),
        (CSV + b"2,\0\n", "line 3 has a NUL"),
        ("id,name\n1,é\n".encode("latin-1"), "line 2 is not in UTF-8: save it as UTF-8"),
        (b"", "it is empty"),
        (b"id ra dec\n1 2 3\n", "its cells seem to be parted by blanks"),
    ],
)
def test_what_is_no_table_is_named_for_what_it_is(content: bytes, said: str, tmp_path: Path) -> None:
    path = tmp_path / "list.csv"
    path.write_bytes(content)
    with pytest.raises(TableError, match=said) as caught:
        read_table(path)
    assert str(caught.value).startswith(str(path))
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize(
    "content",
    [
        CSV.decode().encode("utf-16"),
        b"sep=;\nid;ra\n1;2.5\n",
        b'"sep=,"\r\nid,ra\r\n1,2.5\r\n',
        b"\xef\xbb\xbf" + CSV,
    ],
)
def test_what_spreadsheets_write_is_read(content: bytes, tmp_path: Path) -> None:
    (tmp_path / "list.csv").write_bytes(content)
    table = read_table(tmp_path / "list.csv")
    assert {name: column.to_list() for name, column in table.columns.items()} == {"id": [1], "ra": [2.5]}


def two_tables(path: Path) -> None:
    def table(name: str, **columns: list[int]) -> fits.BinTableHDU:
        made = [fits.Column(key, "K", array=values) for key, values in columns.items()]
        return fits.BinTableHDU.from_columns(made, name=name)

    fits.HDUList([fits.PrimaryHDU(), table("STARS", id=[1], n=[7]), table("SOURCES", id=[2], m=[8])]).writeto(
        path
    )


def test_a_table_is_chosen_by_its_name_or_number_behind_the_file(tmp_path: Path) -> None:
    path = tmp_path / "list.fits"
    two_tables(path)
    with pytest.raises(TableError, match=r"2 tables with different columns: 1 \(STARS\): id, n; .*#2"):
        read_table(path)
    both = read_table(path, ["id"])
    assert both["id"].to_list() == [1, 2]
    (note,) = both.notes
    assert note.endswith("the rows of 1 (STARS), 2 (SOURCES) were read, one after the other")
    for chosen, identity in (("1", 1), ("2", 2), ("STARS", 1), ("SOURCES", 2)):
        table = read_table(path.with_name(f"list.fits#{chosen}"), ["id"])
        assert (table["id"].to_list(), table.notes) == ([identity], ())
    with pytest.raises(TableError, match=r"no table 'x'; its tables are 1 \(STARS\): id, n; 2"):
        read_table(path.with_name("list.fits#x"))


def test_the_tables_that_were_not_read_are_told(tmp_path: Path) -> None:
    path = tmp_path / "list.fits"
    two_tables(path)
    table = read_table(path, ["m"])
    assert table["m"].to_list() == [8]
    assert table.notes == (
        f"{path}: of its 2 tables the rows of 2 (SOURCES) were read, and 1 (STARS) left out: other columns",
    )


def test_a_file_whose_own_name_has_a_mark_is_that_file(tmp_path: Path) -> None:
    (tmp_path / "night#2").write_bytes(CSV)
    assert read_table(tmp_path / "night#2")["id"].to_list() == [1]


@pytest.mark.parametrize("name", ["fits", "vot"])
def test_columns_that_cannot_be_read_are_told_and_the_others_read(name: str, tmp_path: Path) -> None:
    path = tmp_path / f"list.{name}"
    table = Table({"z": np.array([1 + 2j, 3]), "m": np.arange(12).reshape(2, 2, 3), "id": [BIG, 2]})
    table.write(
        path, format={"vot": "votable"}.get(name), **({"tabledata_format": "binary"} if name == "vot" else {})
    )
    read = read_table(path)
    assert {key: column.to_list() for key, column in read.columns.items()} == {"id": [BIG, 2]}
    (note,) = read.notes
    assert note.startswith(f"{path}: columns left out: z ")
    assert ", m " in note
    with pytest.raises(TableError, match="column z "):
        read_table(path, ["z"])


def test_a_column_that_is_there_twice_is_never_taken_by_half(tmp_path: Path) -> None:
    (tmp_path / "list.csv").write_bytes(b"ra,dec,ra\n1,2,3\n")
    assert read_table(tmp_path / "list.csv", ["dec"])["dec"].to_list() == [2]
    with pytest.raises(TableError, match="two columns are called 'ra': rename one"):
        read_table(tmp_path / "list.csv", ["ra"])


def test_decimals_and_bytes_of_parquet_lose_nothing(tmp_path: Path) -> None:
    columns = {
        "price": pa.array([Decimal("1.50"), None]),
        "long": pa.array([Decimal("1113078707712646271.5"), None], pa.decimal128(38, 1)),
        "whole": pa.array([Decimal(2**63 + 1), None], pa.decimal128(38, 0)),
        "wide": pa.array([Decimal(2**70 + 1), None], pa.decimal128(38, 0)),
        "text": pa.array([b"caf\xc3\xa9", None]),
        "raw": pa.array([b"\xff\0", None]),
    }
    pq.write_table(pa.table(columns), tmp_path / "t.parquet")
    read = read_table(tmp_path / "t.parquet")
    assert {name: column.to_list()[0] for name, column in read.columns.items()} == {
        "price": 1.5,
        "long": "1113078707712646271.5",
        "whole": 2**63 + 1,
        "wide": str(2**70 + 1),
        "text": "café",
        "raw": "0xff00",
    }
    assert all(column.to_list()[1] is None for column in read.columns.values())


def test_whole_numbers_of_fits_that_are_only_shifted_keep_every_digit(tmp_path: Path) -> None:
    path = tmp_path / "t.fits"
    columns = [fits.Column("k", "K", array=[BIG, 5], null=5), fits.Column("e", "E", array=[1.0, 2.0])]
    fits.BinTableHDU.from_columns(columns).writeto(path)
    cards = [b"TZERO1  =                  100", b"TNULL2  =                    2"]
    content = path.read_bytes()
    at = content.rindex(b"END".ljust(80))
    added = b"".join(card.ljust(80) for card in cards)
    path.write_bytes(content[:at] + added + b"END".ljust(80) + content[at + len(added) + 80 :])
    table = read_table(path)
    assert table["k"].to_list() == [BIG + 100, None]
    assert table["e"].to_list() == [1.0, 2.0]  # TNULL is for whole numbers alone


def test_a_table_of_text_within_fits_is_read(tmp_path: Path) -> None:
    columns = [fits.Column("a", "I6", array=[1, 2]), fits.Column("x", "E15.7", array=[1.5, 2.0])]
    fits.HDUList([fits.PrimaryHDU(), fits.TableHDU.from_columns(columns)]).writeto(tmp_path / "t.fits")
    table = read_table(tmp_path / "t.fits")
    assert {name: column.to_list() for name, column in table.columns.items()} == {
        "a": [1, 2],
        "x": [1.5, 2.0],
    }


@pytest.mark.parametrize("ending", ["fits", "ecsv", "parquet"])
def test_positions_of_astropy_are_found_in_whatever_frame(ending: str, tmp_path: Path) -> None:
    places = SkyCoord([10.5, 200.25] * units.deg, [-5.0, 60.0] * units.deg)
    Table({"id": [1, 2], "place": places}).write(tmp_path / f"t.{ending}")
    found = read_positions(read_table(tmp_path / f"t.{ending}"))
    np.testing.assert_allclose([found.ra_deg, found.dec_deg], [[10.5, 200.25], [-5, 60]], atol=1e-12)

    turned = from_astropy(Table({"place": places.galactic}), "t")
    again = read_positions(turned)
    np.testing.assert_allclose([again.ra_deg, again.dec_deg], [[10.5, 200.25], [-5, 60]], atol=1e-9)


def test_a_gap_within_an_array_of_astropy_is_a_gap() -> None:
    cells = MaskedColumn([[1, 2], [3, 4], [5, 6]], mask=[[False, True], [True, True], [False, False]])
    assert from_astropy(Table({"n": cells}), "t")["n"].to_list() == [[1, None], None, [5, 6]]


def coosys(fields: str, *systems: str) -> bytes:
    return (
        '<?xml version="1.0"?><VOTABLE version="1.4"><RESOURCE>'
        + "".join(systems)
        + f"<TABLE>{fields}<DATA><TABLEDATA><TR><TD>10</TD><TD>20</TD></TR></TABLEDATA></DATA></TABLE>"
        + '<INFO name="QUERY_STATUS" value="OVERFLOW"/></RESOURCE></VOTABLE>'
    ).encode()


def test_a_frame_that_other_columns_refer_to_is_not_that_of_all_columns(tmp_path: Path) -> None:
    path = tmp_path / "t.vot"
    galactic = '<COOSYS ID="g" system="galactic"/>'
    field = '<FIELD name="{}" datatype="double" unit="deg"{}/>'
    alone = field.format("ra", "") + field.format("dec", "")
    path.write_bytes(coosys(alone, galactic))
    there = SkyCoord(10 * units.deg, 20 * units.deg, frame="galactic").icrs
    found = read_positions(read_table(path))
    assert (found.ra_deg[0], found.dec_deg[0]) == pytest.approx((there.ra.deg, there.dec.deg), abs=1e-9)

    others = alone.replace("ra", "l").replace("dec", "b").replace('"/>', '" ref="g"/>')
    content = coosys(others + alone, galactic).replace(b"<TD>10</TD>", b"<TD>1</TD><TD>2</TD><TD>10</TD>")
    path.write_bytes(content)
    table = read_table(path)
    found = read_positions(table)
    assert (found.ra_deg[0], found.dec_deg[0]) == (10, 20)
    assert table.notes == (f"{path}: the service that made it left out rows (OVERFLOW)",)


def test_a_table_that_refers_to_the_columns_of_another_has_them(tmp_path: Path) -> None:
    path = tmp_path / "t.vot"
    rows = "<DATA><TABLEDATA><TR><TD>{}</TD></TR></TABLEDATA></DATA>"
    path.write_text(
        '<?xml version="1.0"?><VOTABLE><RESOURCE><TABLE ID="x"><FIELD name="a" datatype="int"/>'
        f'{rows.format(1)}</TABLE><TABLE ref="x">{rows.format(2)}</TABLE></RESOURCE></VOTABLE>'
    )
    table = read_table(path)
    assert table["a"].to_list() == [1, 2]
    assert table.notes == (f"{path}: of its 2 tables the rows of 1 (x), 2 were read, one after the other",)


def test_unsigned_numbers_of_a_typed_text_that_is_sent_keep_every_digit(tmp_path: Path) -> None:
    for values, datatype in (([1, 2**63 - 1], "long"), ([1, 2**64 - 1], "char")):
        Table({"id": np.array(values, "u8")}).write(tmp_path / "t.ecsv", overwrite=True)
        sent = read_upload(tmp_path / "t.ecsv", None, "t")
        assert [column.datatype for column in sent.columns] == [datatype]
        assert [int(str(cell)) for (cell,) in sent.rows] == values


def test_units_and_dashes_under_the_names_are_no_rows(tmp_path: Path) -> None:
    """As VizieR writes tables in tabs."""
    path = tmp_path / "vizier.tsv"
    path.write_text(
        "#\n#   VizieR\n\nRAJ2000\tDEJ2000\tName\tVmag\n"
        '"h:m:s"\t"d:m:s"\t \tmag\n-----------\t-----------\t---\t-\n'
        "10 00 00.00\t-02 15 00.0\tG 1\t15.5\n10 04 00.00\t+03 00 00.0\tG 2\t\n"
    )
    table = read_table(path)
    assert [column.unit for column in table.columns.values()] == ["h:m:s", "d:m:s", "", "mag"]
    assert (table["Name"].to_list(), table["Vmag"].to_list()) == (["G 1", "G 2"], [15.5, None])
    found = read_positions(table)
    np.testing.assert_allclose([found.ra_deg, found.dec_deg], [[150, 151], [-2.25, 3]], rtol=1e-12)
    sent = read_upload(path, None, "t")
    assert [column.unit for column in sent.columns] == ["h:m:s", "d:m:s", "", "mag"]
    assert [row[3] for row in sent.rows] == [15.5, None]
    path.write_text("ra\tdec\n--\t--\n1\t2\n")  # a row without values
    assert read_table(path)["ra"].to_list() == [None, 1]
