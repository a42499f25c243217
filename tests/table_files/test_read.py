"""Tables in every format, read as astropy, numpy or pyarrow wrote them."""

import base64
import io
import struct
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from astropy.io import fits
from astropy.table import MaskedColumn, Table

from table_files.errors import MissingColumnError, TableError
from table_files.read import read_table
from tests.table_files.plain_values import values

BIG = 1113078707712646271
"""A whole number that no float of 64 bits holds."""
HUGE = 2**63 + 5
"""A whole number that only 64 bits without a sign hold."""


def add_cards(path: Path, *cards: str) -> None:
    """Add cards to the end of the header of a file's first table."""
    content, end = path.read_bytes(), b"END".ljust(80)
    at = content.rindex(end)
    added = b"".join(card.encode().ljust(80) for card in cards)
    path.write_bytes(content[:at] + added + end + content[at + len(added) + len(end) :])


def every_kind() -> Table:
    mask = [False, True, False]
    return Table(
        {
            "name": MaskedColumn(["0266", "", "1501e02"], mask=mask),
            "big": MaskedColumn([BIG, 0, BIG + 2], mask=mask),
            "small": MaskedColumn(np.array([-3, 0, 7], np.int16), mask=mask),
            "flag": MaskedColumn([True, False, False], mask=mask),
            "ra": MaskedColumn([150.1, 0, -2.5e-7], mask=mask),
            "mag": MaskedColumn(np.array([17.5, 0, 18.25], np.float32), mask=mask),
        }
    )


EVERY = [
    ["0266", None, "1501e02"],
    [BIG, None, BIG + 2],
    [-3, None, 7],
    [True, None, False],
    [150.1, None, -2.5e-7],
    [17.5, None, 18.25],
]


@pytest.mark.parametrize(
    ("ending", "options"),
    [
        ("vot", {"format": "votable", "tabledata_format": "tabledata"}),
        ("xml", {"format": "votable", "tabledata_format": "binary2"}),
        ("ecsv", {}),
        ("csv", {"format": "ascii.csv"}),
        ("tsv", {"format": "ascii.tab"}),
        ("txt", {"format": "ascii.fixed_width"}),
        ("dat", {"format": "ascii.csv", "delimiter": ";"}),
        ("parquet", {}),
    ],
)
def test_a_table_of_astropy_is_read_as_it_was_written(
    ending: str, options: dict[str, str], tmp_path: Path
) -> None:
    path = tmp_path / f"t.{'csv' if ending == 'dat' else ending}"
    every_kind().write(path, **options)

    assert values(path) == EVERY


def test_fits_has_tnull_nan_and_whole_numbers_without_a_sign(
    tmp_path: Path,
) -> None:
    columns = [
        fits.Column("n", "I", null=99, array=np.array([3, 99, 1])),
        fits.Column("u1", "B", null=255, array=np.array([3, 255, 1], np.uint8)),
        fits.Column("u2", "I", bzero=2**15, array=np.array([0, 40_000, 65_535], np.uint16)),
        fits.Column("u4", "J", bzero=2**31, array=np.array([0, 1, 2**32 - 1], np.uint32)),
        fits.Column("u8", "K", bzero=2**63, array=np.array([0, HUGE, 2**64 - 1], np.uint64)),
        fits.Column("i1", "B", bzero=-128, array=np.array([-128, 0, 127], np.int8)),
        fits.Column("x", "D", array=np.array([1.5, np.nan, 2.5])),
        fits.Column("text", "5A", array=np.array(["0266 ", "", "ab"])),
        fits.Column("ragged", "PJ()", array=np.array([[1, 2], [], [3]], dtype=object)),
    ]
    path = tmp_path / "t.fits"
    fits.BinTableHDU.from_columns(columns).writeto(path)

    assert values(path, "n", "u1", "u2", "u4", "u8", "i1", "x", "text") == [
        [3, None, 1],
        [3, None, 1],
        [0, 40_000, 65_535],
        [0, 1, 2**32 - 1],
        [0, HUGE, 2**64 - 1],
        [-128, 0, 127],
        [1.5, None, 2.5],
        ["0266", None, "ab"],
    ]
    table = read_table(path, ["ragged", "u8", "u2", "i1"])
    assert table["ragged"].to_list() == [[1, 2], [], [3]]
    assert [table[name].values.dtype.str[1:] for name in ("u8", "u2", "i1")] == ["u8", "u2", "i1"]


def test_a_boolean_of_fits_without_a_value_is_missing(tmp_path: Path) -> None:
    path = tmp_path / "t.fits"
    fits.BinTableHDU.from_columns([fits.Column("l", "L", array=np.array([True, True, False]))]).writeto(path)
    content = bytearray(path.read_bytes())
    at = content.rindex(b"TTF")
    content[at + 1] = 0
    path.write_bytes(bytes(content))

    assert values(path) == [[True, None, False]]


def test_scaled_columns_hold_what_they_stand_for(tmp_path: Path) -> None:
    path = tmp_path / "t.fits"
    fits.BinTableHDU.from_columns([fits.Column("a", "J", array=np.array([4, -1, 3]))]).writeto(path)
    add_cards(path, "TSCAL1  =                  0.5", "TZERO1  =                 10.0", "TNULL1  =   -1")

    with fits.open(path) as file:
        assert file[1].data["a"][[0, 2]].tolist() == [12.0, 11.5]
    assert values(path) == [[12.0, None, 11.5]]


def test_a_text_of_no_width_is_no_text(tmp_path: Path) -> None:
    path = tmp_path / "t.fits"
    fits.BinTableHDU.from_columns([fits.Column("n", "J", array=np.array([1, 2]))]).writeto(path)
    content = path.read_bytes().replace(b"TFIELDS =                    1", b"TFIELDS =                    2")
    path.write_bytes(content)
    add_cards(path, "TTYPE2  = 'nothing'", "TFORM2  = '0A'")

    assert values(path) == [[1, 2], [None, None]]


def test_a_column_that_is_not_asked_for_may_be_of_any_type(tmp_path: Path) -> None:
    path = tmp_path / "t.fits"
    columns = [
        fits.Column("z", "2C", array=np.ones((2, 2), np.complex64)),
        fits.Column("bits", "11X", array=np.ones((2, 11), bool)),
        fits.Column("image", "6E", dim="(3,2)", array=np.ones((2, 2, 3))),
        fits.Column("n", "K", array=[BIG, 2]),
    ]
    fits.BinTableHDU.from_columns(columns).writeto(path)

    assert values(path, "n") == [[BIG, 2]]
    for name, form in (("z", "2C"), ("bits", "11X")):
        with pytest.raises(TableError, match=f"t.fits: column {name} has the form {form}"):
            read_table(path, [name])


def test_tables_of_the_same_columns_follow_one_another(tmp_path: Path) -> None:
    path = tmp_path / "t.fits"
    chips = [fits.table_to_hdu(Table({"ra": [1.0 * i, 2.0 * i], "id": [i, -i]})) for i in (1, 2, 3)]
    fits.HDUList([fits.PrimaryHDU(), *chips]).writeto(path)

    assert values(path) == [[1, 2, 2, 4, 3, 6], [1, -1, 2, -2, 3, -3]]


def test_tables_that_differ_are_named_unless_only_one_has_the_columns(tmp_path: Path) -> None:
    path = tmp_path / "t.fits"
    first, second = (
        fits.table_to_hdu(Table({"ra": [1.0], "x": [2.0]})),
        fits.table_to_hdu(Table({"ra": [3.0]})),
    )
    first.name, second.name = "ONE", "TWO"
    fits.HDUList([fits.PrimaryHDU(), first, second]).writeto(path)

    assert values(path, "x") == [[2.0]]
    assert values(path, "ra") == [[1.0, 3.0]]
    with pytest.raises(
        TableError, match=r"it has 2 tables with different columns: 1 \(ONE\): ra, x; 2 \(TWO\): ra"
    ):
        read_table(path)
    with pytest.raises(MissingColumnError, match="none of its 2 tables has the columns"):
        read_table(path, ["y"])


def test_an_image_that_is_compressed_is_no_table(tmp_path: Path) -> None:
    path = tmp_path / "t.fits"
    image = fits.CompImageHDU(np.zeros((20, 20), np.int16))
    fits.HDUList([fits.PrimaryHDU(), image, fits.table_to_hdu(Table({"a": [1]}))]).writeto(path)

    assert values(path) == [[1]]


@pytest.mark.parametrize("serialisation", ["TABLEDATA", "BINARY", "BINARY2"])
def test_the_null_of_a_votable_may_be_of_any_type(serialisation: str, tmp_path: Path) -> None:
    nulls = {"long": "-99", "float": "-99.9", "double": "-99.90", "unsignedByte": "255", "char": "none"}
    fields = "".join(
        f'<FIELD name="{kind}" datatype="{kind}" arraysize="{4 if kind == "char" else 1}">'
        f'<VALUES null="{null}"/></FIELD>'
        for kind, null in nulls.items()
    )
    rows = [(-99, -99.9, -99.9, 255, "none"), (BIG, 1.5, 17.5, 3, "some")]
    packed = [struct.pack(">qfdB4s", *row[:4], row[4].encode()) for row in rows]
    if serialisation == "TABLEDATA":
        data = "".join(f"<TR>{''.join(f'<TD>{cell}</TD>' for cell in row)}</TR>" for row in rows)
    else:
        flags = b"\0" if serialisation == "BINARY2" else b""
        stream = base64.b64encode(b"".join(flags + row for row in packed)).decode()
        data = f'<STREAM encoding="base64">{stream}</STREAM>'
    path = tmp_path / "t.vot"
    path.write_text(
        f'<VOTABLE version="1.4"><RESOURCE><TABLE>{fields}<DATA><{serialisation}>{data}'
        f"</{serialisation}></DATA></TABLE></RESOURCE></VOTABLE>"
    )

    assert values(path) == [[None, BIG], [None, 1.5], [None, 17.5], [None, 3], [None, "some"]]


def test_fits_within_a_votable_is_read_too(tmp_path: Path) -> None:
    inner = io.BytesIO()
    column = fits.Column("n", "J", null=-9, array=np.array([1, -9, 3]))
    fits.BinTableHDU.from_columns([column]).writeto(inner)
    stream = base64.b64encode(inner.getvalue()).decode()
    path = tmp_path / "t.vot"
    path.write_text(
        '<VOTABLE version="1.4"><RESOURCE><TABLE><FIELD name="n" datatype="int"/><DATA><FITS>'
        f'<STREAM encoding="base64">{stream}</STREAM></FITS></DATA></TABLE></RESOURCE></VOTABLE>'
    )

    assert values(path) == [[1, None, 3]]


def test_a_votable_that_points_elsewhere_is_refused_and_nothing_is_opened(tmp_path: Path) -> None:
    (tmp_path / "secret").write_bytes(b"\0\0\0\1")
    path = tmp_path / "t.vot"
    path.write_text(
        '<VOTABLE version="1.4"><RESOURCE><TABLE><FIELD name="a" datatype="int"/><DATA><BINARY>'
        f'<STREAM href="file://{tmp_path}/secret"/></BINARY></DATA></TABLE></RESOURCE></VOTABLE>'
    )

    with pytest.raises(TableError, match=r"t\.vot: its data lie elsewhere"):
        read_table(path)


def test_parquet_keeps_types_and_nulls(tmp_path: Path) -> None:
    path = tmp_path / "t.parquet"
    columns = {
        "text": pa.array(["a", None]),
        "word": pa.array(["a", None]).dictionary_encode(),
        "none": pa.nulls(2),
        "i8": pa.array([BIG, None]),
        "u8": pa.array([HUGE, None], pa.uint64()),
        "flag": pa.array([True, None]),
        "x": pa.array([1.5, float("nan")]),
        "list": pa.array([[1, 2], None]),
        "exact": pa.array([BIG, None]).cast(pa.decimal128(20, 0)),
        "bytes": pa.array([b"a", None]),
    }
    pq.write_table(pa.table(columns), path)

    assert values(path) == [
        ["a", None], ["a", None], [None, None], [BIG, None], [HUGE, None], [True, None], [1.5, None],
        [[1, 2], None], [BIG, None], ["a", None],
    ]  # fmt: skip


def test_a_file_is_told_by_what_is_in_it(tmp_path: Path) -> None:
    every_kind().write(tmp_path / "t.parquet")
    (tmp_path / "t.parquet").rename(tmp_path / "t.dat")

    assert values(tmp_path / "t.dat") == EVERY


@pytest.mark.parametrize(
    ("name", "content", "reason"),
    [
        (
            "t.fits",
            b"\x01\x02\xff\xfe no header",
            "it does not begin as FITS does, which its name promises: ",
        ),
        ("t.FITS.gz", b"\0\0\0\0", "it does not begin as FITS does, which its name promises: "),
        ("t.parquet", b"\xff\xff", "it does not begin as Parquet does, which its name promises: "),
        ("t.h5", b"\xff\xff", "it does not begin as HDF5 does, which its name promises: "),
        ("t.csv", b"ra,dec\n1,\xff\n", "line 2 is not in UTF-8: save it as UTF-8"),
    ],
)
def test_what_is_not_what_its_name_promises_is_said_by_that_name(
    name: str, content: bytes, reason: str, tmp_path: Path
) -> None:
    (tmp_path / name).write_bytes(content)
    with pytest.raises(TableError) as caught:
        read_table(tmp_path / name)
    assert str(caught.value).startswith(f"{tmp_path / name}: {reason}")


def test_a_text_is_read_whatever_its_name_promises(tmp_path: Path) -> None:
    (tmp_path / "t.fits").write_text("ra,dec\n1,2\n")
    assert values(tmp_path / "t.fits") == [[1], [2]]


def test_a_folder_is_no_table(tmp_path: Path) -> None:
    with pytest.raises(TableError, match=f"^{tmp_path}: it is a folder: name a file$"):
        read_table(tmp_path)


@pytest.mark.parametrize("name", ["t.dat", "t.txt", "t.csv", "t.fits", "t"])
def test_a_text_that_is_the_name_of_a_file_opens_none(name: str, tmp_path: Path) -> None:
    (tmp_path / "other.dat").write_text("ra dec\n1 2\n")
    for text in (str(tmp_path / "other.dat"), (tmp_path / "other.dat").as_uri()):
        (tmp_path / name).write_text(text)
        assert read_table(tmp_path / name).n_rows == 0
