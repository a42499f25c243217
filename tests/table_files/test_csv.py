"""CSV and its like, as people and spreadsheets write it."""

import gzip
from pathlib import Path

import numpy as np
import pytest

from table_files.errors import TableError
from table_files.read import read_table
from tests.table_files.plain_values import values

BIG = 1113078707712646271
"""A whole number that no float of 64 bits holds."""


@pytest.mark.parametrize(
    ("text", "wanted"),
    [
        ("name,ra\na,1.5\n", [["a"], [1.5]]),
        ("\ufeffname,ra\r\na,1.5\r\n", [["a"], [1.5]]),
        ("# made by hand\n# in 2026\nname,ra\na,1.5\n", [["a"], [1.5]]),
        ("name,ra\n# half of them\na,1.5\n", [["a"], [1.5]]),
        ("# n,ra\n1,1.5\n", [[1], [1.5]]),
        ("#name,ra\na,1.5\n", [["a"], [1.5]]),
        ("# hosts, by hand\nname,kind\na,b\n", [["a"], ["b"]]),
        ("name,ra,\na,1.5,\n", [["a"], [1.5]]),
        ("name,ra\na,1.5,\n", [["a"], [1.5]]),
        ("name,ra,\na,1.5\n", [["a"], [1.5]]),
        ("name, ra\na, 1.5\n", [["a"], [1.5]]),
        ("name;ra\na;1.5\n", [["a"], [1.5]]),
        ("name\tra\na\t1.5\n", [["a"], [1.5]]),
        ('name,ra\n"a, ""b""\nc",1.5\n', [['a, "b"\nc'], [1.5]]),
        (",ra\n0,1.5\n", [[0], [1.5]]),
        ("n,ra\n1,\u22121.5\n", [[1], [-1.5]]),
        ("name,ra\n", [[], []]),
        ("name,ra\na,\nb,\n", [["a", "b"], [None, None]]),
    ],
)
def test_csv_is_read_as_people_write_it(text: str, wanted: list[list[object]], tmp_path: Path) -> None:
    path = tmp_path / "t.csv"
    path.write_bytes(text.encode())

    assert values(path) == wanted
    with gzip.open(tmp_path / "t.csv.gz", "wb") as file:
        file.write(text.encode())
    assert values(tmp_path / "t.csv.gz") == wanted


@pytest.mark.parametrize(
    ("cells", "wanted"),
    [
        (["1", "-2", "0"], [1, -2, 0]),
        (["0266", "12"], ["0266", "12"]),
        (["1501e02", "1502e03"], ["1501e02", "1502e03"]),
        (["+5", "7"], ["+5", "7"]),
        (["+5.5", "-7"], [5.5, -7.0]),
        (["1e-05", "1.5E3", "1e+16", ".5", "2."], [1e-05, 1500.0, 1e16, 0.5, 2.0]),
        (["-inf", "1.5", "nan", "NA"], [-np.inf, 1.5, None, None]),
        (["9223372036854775807", "-1"], [2**63 - 1, -1]),
        (["18446744073709551615", "0"], [2**64 - 1, 0]),
        (["18446744073709551616", "0"], ["18446744073709551616", "0"]),
        (["-1", "18446744073709551615"], ["-1", "18446744073709551615"]),
        ([str(BIG), "1.5"], [str(BIG), "1.5"]),
        (["9007199254740992", "1.5"], [2.0**53, 1.5]),
        (["True", "False", ""], [True, False, None]),
        (["12h", "3"], ["12h", "3"]),
        (["0x10", "1"], ["0x10", "1"]),
        (["1_000", "1"], ["1_000", "1"]),
        (["None", "None"], ["None", "None"]),
        (["a", "NULL", '"NULL"'], ["a", None, "NULL"]),
    ],
)
def test_cells_are_numbers_only_where_all_of_a_column_are(
    cells: list[str], wanted: list[object], tmp_path: Path
) -> None:
    path = tmp_path / "t.csv"
    path.write_text("x,y\n" + "".join(f"{cell},a\n" for cell in cells))
    text = tmp_path / "t.txt"
    text.write_text("x y\n" + "".join(f"{cell} a\n" for cell in cells))

    assert values(path)[0] == wanted
    if not {"NULL", ""} & set(cells):
        assert values(text)[0] == wanted


def test_a_column_that_is_wanted_as_text_keeps_every_word(tmp_path: Path) -> None:
    path = tmp_path / "t.csv"
    path.write_text("id,n\n007,1\nNaN,NaN\nnull,\n")

    assert values(path, "id", "n", texts=("id",)) == [["007", "NaN", "null"], [1, None, None]]


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        ("", "it is empty"),
        ("a,b\n1,2\n3\n", "row 2 has 1 cells, its first line 2"),
        ("a,b\n1,2,3\n", "row 1 has 3 cells, its first line 2"),
        ('a,b\n1,"2\n', "a quotation mark is never closed"),
        ("a,a\n1,2\n", "two columns are called 'a': rename one"),
        ("#a,b\nc,d\n1,2\n", "both '#a,b' and the line behind it may name the columns"),
        ("a,b\n#1,2\n", "begins with # and has as many cells as the first line"),
    ],
)
def test_a_csv_that_may_mean_two_things_is_one_line(text: str, reason: str, tmp_path: Path) -> None:
    path = tmp_path / "t.csv"
    path.write_text(text)

    with pytest.raises(TableError) as caught:
        read_table(path)

    assert str(caught.value).startswith(f"{path}: ")
    assert reason in str(caught.value)
    assert "\n" not in str(caught.value)
