"""Situations of public bug reports (docs/tried.md), made anew: values as they are meant, or one line."""

import io
from pathlib import Path

import numpy as np
import pytest
from astropy.io import fits
from astropy.table import Table

from table_files.errors import TableError
from table_files.positions import read_positions
from table_files.read import read_table

BIG = 1582218195625938945


def columns(path: Path, *texts: str) -> dict[str, list[object]]:
    return {name: column.to_list() for name, column in read_table(path, texts=texts).columns.items()}


def write(path: Path, text: str) -> Path:
    path.write_text(text, encoding="utf-8")
    return path


def test_unsigned_numbers_in_arrays_of_varying_length_are_shifted_in_every_row(tmp_path: Path) -> None:
    rows = [np.array([803, 805], np.uint16), np.array([40_000], np.uint16), np.array([0, 65_535], np.uint16)]
    stored = [(row.astype(np.int32) - 2**15).astype(np.int16) for row in rows]
    column = fits.Column("adc", "PI()", array=np.array(stored, dtype=object))
    hdu = fits.BinTableHDU.from_columns([column])
    file = io.BytesIO()
    hdu.writeto(file)
    content = file.getvalue()
    end = content.rindex(b"END".ljust(80))
    cards = b"".join(
        card.ljust(80) for card in (b"TZERO1  =                32768", b"TSCAL1  =                    1")
    )
    (tmp_path / "t.fits").write_bytes(content[:end] + cards + b"END".ljust(80) + content[end + 240 :])
    assert columns(tmp_path / "t.fits")["adc"] == [row.tolist() for row in rows]


def text_table(path: Path, form: str, cells: list[bytes], null: str | None) -> None:
    """A FITS table of text with one column n, and a card TNULL1."""
    width = len(cells[0])
    values = [0] * len(cells) if form.startswith("I") else [0.5] * len(cells)
    hdu = fits.TableHDU.from_columns([fits.Column("n", form, array=values, ascii=True)])
    file = io.BytesIO()
    fits.HDUList([fits.PrimaryHDU(), hdu]).writeto(file)
    content = file.getvalue()
    start = len(content) - 2880
    body = b"".join(cell.rjust(width) for cell in cells).ljust(2880)
    content = content[:start] + body
    if null is not None:
        end = content.rindex(b"END".ljust(80), 2880, start)
        card = f"TNULL1  = '{null}'".encode().ljust(80)
        content = content[:end] + card + b"END".ljust(80) + content[end + 160 :]
    path.write_bytes(content)


@pytest.mark.parametrize(
    ("form", "cells", "null", "meant"),
    [
        ("I8", [b"       3", b"        ", b"      -7"], " ", [3, None, -7]),
        ("I8", [b"       3", b"     999", b"      -7"], "999", [3, None, -7]),
        ("F10.3", [b"     1.250", b"       NaN", b"    -2.000"], "NaN", [1.25, None, -2.0]),
        ("F10.3", [b"     1.250", b"          ", b"    -2.000"], " ", [1.25, None, -2.0]),
    ],
)
def test_blank_cells_of_a_text_table_in_fits_are_no_zeros(
    tmp_path: Path, form: str, cells: list[bytes], null: str, meant: list[object]
) -> None:
    text_table(tmp_path / "t.fits", form, cells, null)
    assert columns(tmp_path / "t.fits")["n"] == meant


def test_a_wrong_shape_of_a_text_column_does_not_cut_it(tmp_path: Path) -> None:
    hdu = fits.BinTableHDU.from_columns([fits.Column("name", "17A", array=["18010048+6835075", "17280677"])])
    file = io.BytesIO()
    hdu.writeto(file)
    content = file.getvalue()
    end = content.rindex(b"END".ljust(80))
    card = b"TDIM1   = '(1)'".ljust(80)
    (tmp_path / "t.fits").write_bytes(content[:end] + card + b"END".ljust(80) + content[end + 160 :])
    assert columns(tmp_path / "t.fits")["name"] == ["18010048+6835075", "17280677"]


def test_columns_of_width_zero_and_tables_without_rows_are_read(tmp_path: Path) -> None:
    made = [
        fits.Column("x", "E", array=[1, 2]),
        fits.Column("none", "0E"),
        fits.Column("y", "J", array=[3, 4]),
    ]
    fits.BinTableHDU.from_columns(made).writeto(tmp_path / "t.fits")
    assert columns(tmp_path / "t.fits") == {"x": [1.0, 2.0], "none": [[], []], "y": [3, 4]}
    empty = fits.BinTableHDU.from_columns([fits.Column("id", "K", bzero=2**63, array=np.zeros(0, np.uint64))])
    empty.writeto(tmp_path / "e.fits")
    table = read_table(tmp_path / "e.fits")
    assert (table.n_rows, table["id"].values.dtype) == (0, np.uint64)


def test_long_ids_beside_a_gap_keep_every_digit(tmp_path: Path) -> None:
    path = write(tmp_path / "t.csv", f"col1;col2\n     1;123\n     2;\n     3;{BIG}\n     ")
    assert columns(path) == {"col1": [1, 2, 3], "col2": [123, None, BIG]}


def test_one_id_in_exponents_does_not_round_the_others(tmp_path: Path) -> None:
    path = write(tmp_path / "t.csv", f"id,text\n{BIG},a\n1352171357E+5,b\n")
    assert columns(path)["id"] == [str(BIG), "1352171357E+5"]


def test_leading_blanks_of_every_line_do_not_move_cells(tmp_path: Path) -> None:
    path = write(tmp_path / "t.csv", "  z, name, n\n  0.05, a, 1\n  0.06, b c, 2\n")
    assert columns(path) == {"z": [0.05, 0.06], "name": [" a", " b c"], "n": [1, 2]}  # text keeps its own


def test_a_line_of_dashes_under_the_names_is_no_row(tmp_path: Path) -> None:
    text = (
        "Source_name         RA        Dec\n----------- ---------- ----------\n"
        "       H002 204.245412 -29.873961\n       H003 204.246537 -29.863306\n"
    )
    table = read_table(write(tmp_path / "t.txt", text))
    assert table["Source_name"].to_list() == ["H002", "H003"]
    np.testing.assert_array_equal(read_positions(table).ra_deg, [204.245412, 204.246537])


def test_columns_that_are_counted_from_zero_are_one_line(tmp_path: Path) -> None:
    text = "# 0   NAME   text\n# 1   RA   deg\n# 2   DEC   deg\nA 1.5 2.5\nB 3.5 4.5\n"
    with pytest.raises(TableError) as caught:
        read_table(write(tmp_path / "t.cat", text), ["RA"])
    assert str(caught.value).startswith(str(tmp_path / "t.cat"))
    assert "\n" not in str(caught.value)


def test_a_type_that_no_votable_has_leaves_out_its_column_alone(tmp_path: Path) -> None:
    fields = '<FIELD name="TflagB" datatype="unsignedInt"/><FIELD name="id" datatype="long"/>'
    row = f"<TR><TD>7</TD><TD>{BIG}</TD></TR>"
    data = f"<DATA><TABLEDATA>{row}</TABLEDATA></DATA>"
    document = f"<VOTABLE><RESOURCE><TABLE>{fields}{data}</TABLE></RESOURCE></VOTABLE>"
    path = write(tmp_path / "t.vot", document)
    table = read_table(path)
    assert table["id"].to_list() == [BIG]
    assert table.notes == (
        f"{path}: columns left out: TflagB is of the type unsignedInt, which no VOTable has",
    )
    stream = "<BINARY><STREAM encoding='base64'>AAAABw==</STREAM></BINARY>"
    binary = document.replace(f"<TABLEDATA>{row}</TABLEDATA>", stream)  # who knows where the next one begins?
    with pytest.raises(TableError, match=r"row 1 cannot be read: column TflagB is of the type unsignedInt"):
        read_table(write(path, binary))


def test_ids_that_became_floats_in_parquet_are_seen(tmp_path: Path) -> None:
    Table({"object_id": [float(BIG), np.nan]}).to_pandas().to_parquet(tmp_path / "t.parquet")
    table = read_table(tmp_path / "t.parquet")
    assert table["object_id"].values.dtype == np.float64  # which no door takes for an id
    assert table["object_id"].to_list() == [float(BIG), None]


def test_a_value_beneath_a_bar_of_an_ipac_table_is_refused_and_not_cut(tmp_path: Path) -> None:
    head, path = "\\fixlen = T\n|ra    |dec   |\n|double|double|\n", tmp_path / "list.tbl"
    path.write_text(f"{head} 150.5  2.25  \n 1.5    -2.5  \n")
    found = read_table(path)
    assert (found["ra"].to_list(), found["dec"].to_list()) == ([150.5, 1.5], [2.25, -2.5])
    path.write_text(f"{head} 150.5  2.25  \n 150.12345 2.25\n")
    with pytest.raises(TableError) as caught:
        read_table(path)
    assert str(caught.value) == (
        f"{path}: it is no IPAC table: line 5 has a value beneath a bar of its head: "
        "move its values between the bars, or save it as CSV"
    )


def test_what_stands_for_no_value_in_an_ipac_table_is_none(tmp_path: Path) -> None:
    lines = (
        "|   ra   |   n   |  kind  |",
        "|  real  |  int  |  char  |",
        "|  deg   |       |        |",
        "|  null  |  -999 |  -999  |",
        "   null     -999    -999  ",
        "   1.5        7       A   ",
    )
    (tmp_path / "list.tbl").write_text("\n".join(lines) + "\n")
    found = read_table(tmp_path / "list.tbl")
    values = [column.to_list() for column in found.columns.values()]
    assert values == [[None, 1.5], [None, 7], [None, "A"]]


def test_dashes_among_the_numbers_of_a_cds_table_are_one_line(tmp_path: Path) -> None:
    rule, path = "-" * 80, tmp_path / "table.mrt"
    head = (
        f"Title: Made up\nAuthors: Nobody\nTable: Decline\n{'=' * 80}\nByte-by-byte Description of file: a\n"
        f"{rule}\n   Bytes Format Units  Label     Explanations\n{rule}\n"
        f"   1-  5 A5     ---    Name      The name\n   7- 11 F5.2   mag    Fall      ? Decline\n{rule}\n"
    )
    path.write_text(f"{head}SN 1a 1.25\nSN 1b     \n")
    assert read_table(path)["Fall"].to_list() == [1.25, None]
    path.write_text(f"{head}SN 1a 1.25\nSN 1b  ---\n")
    with pytest.raises(TableError, match=r"^\S+table\.mrt cannot be read as a table: [^\n]*Fall[^\n]*$"):
        read_table(path)
