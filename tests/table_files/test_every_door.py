"""Tables that astropy, pandas and pyarrow write, of odd names, gaps and 64-bit numbers, read by every door.

Each door gives the values that were written, or refuses the file in one line.
"""

import string
import tempfile
import warnings
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.csv as pa_csv
import pyarrow.parquet as pq
import pytest
from astropy.io.votable import from_table
from astropy.table import Column, MaskedColumn, Table
from hypothesis import given
from hypothesis import strategies as st

from catalog.errors import CatalogError
from catalog.search.positions import read_positions
from catalog.tap.uploads.read import read_upload
from encoder.cutouts.image_list import read_image_table
from encoder.errors import EncoderError
from encoder.tiles.table_columns import read_columns
from encoder.training.labels.label_tables import read_labels
from table_files.errors import TableError
from table_files.read import read_table
from table_files.text.cell_types import NULL_WORDS
from tests.sizes import fuzzing

REFUSALS = (TableError, CatalogError, EncoderError)
IDS = [
    "0266",
    "1501e02",
    "+5",
    "007",
    "1e400",
    "0x1F",
    "NaN?",
    "-",
    "é🌌",
    'a "b"',
    "a,b",
    "a;b",
    "x\ty",
    "#1",
]
EDGES = {
    "i8": [0, 1, -1, 2**53 + 1, 1113078707712646271, 2**63 - 1, -(2**63) + 1],
    "u8": [0, 1, 2**53 + 1, 2**63 - 1, 2**63, 2**63 + 5, 2**64 - 2],
}
RESERVED = {"ra", "dec", "id", "file", "n"}


@dataclass(frozen=True)
class ColumnValues:
    """A column that is made.

    Attributes:
        kind: As numpy spells it: i8, u8, f8, ?, or U.
        cells: The values; None where there is none.
    """

    kind: str
    cells: tuple[object, ...]


def usable(name: str) -> bool:
    return name == name.strip() and name.lower() not in RESERVED and not name.startswith("#")


names = st.text(string.ascii_letters + string.digits + "_-. ()[]/é", min_size=1, max_size=12).filter(usable)
CELLS = {
    "i8": st.sampled_from(EDGES["i8"]) | st.integers(-(2**63) + 1, 2**63 - 1),
    "u8": st.sampled_from(EDGES["u8"]) | st.integers(0, 2**64 - 2),
    "f8": st.floats(allow_nan=False, allow_infinity=False),
    "?": st.booleans(),
    "U": st.sampled_from(IDS) | st.text(string.printable[:95], min_size=1, max_size=9).filter(
        lambda text: text == text.strip() and text not in NULL_WORDS
    ),
}  # fmt: skip


@st.composite
def tables(draw: st.DrawFn) -> dict[str, ColumnValues]:
    n = draw(st.integers(1, 6))
    made = {}
    for name in draw(st.lists(names, min_size=1, max_size=5, unique_by=str.lower)):
        kind = draw(st.sampled_from(sorted(CELLS)))
        values = draw(st.lists(st.none() | CELLS[kind], min_size=n, max_size=n))
        made[name] = ColumnValues(kind, tuple(values))
    return made


def as_astropy(made: dict[str, ColumnValues]) -> Table:
    table = Table()
    for name, column in made.items():
        mask = [value is None for value in column.cells]
        nothing = "" if column.kind == "U" else 0
        values = np.array([nothing if value is None else value for value in column.cells], column.kind)
        table[name] = MaskedColumn(values, mask=mask) if any(mask) else Column(values)
    return table


def as_arrow(made: dict[str, ColumnValues]) -> pa.Table:
    kinds = {"i8": pa.int64(), "u8": pa.uint64(), "f8": pa.float64(), "?": pa.bool_(), "U": pa.string()}
    return pa.table({name: pa.array(column.cells, kinds[column.kind]) for name, column in made.items()})


def as_pandas(made: dict[str, ColumnValues]) -> pd.DataFrame:
    kinds = {"i8": "Int64", "u8": "UInt64", "f8": "Float64", "?": "boolean", "U": "string[python]"}
    return pd.DataFrame({name: pd.array(one.cells, dtype=kinds[one.kind]) for name, one in made.items()})


def write_astropy(path: Path, made: dict[str, ColumnValues], **options: str) -> None:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # of names that a format would rather have otherwise
        as_astropy(made).write(path, **options)


def write_tabledata(path: Path, made: dict[str, ColumnValues]) -> None:
    """Write by astropy's Python: its C writes a byte behind its buffer, of which the process dies later."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        document = from_table(as_astropy(made))
        document.to_xml(str(path), tabledata_format="tabledata", _debug_python_based_parser=True)


def write_arrow_csv(path: Path, made: dict[str, ColumnValues]) -> None:
    pa_csv.write_csv(as_arrow(made), path)


WRITERS: dict[str, Callable[[Path, dict[str, ColumnValues]], None]] = {
    "astropy.fits": write_astropy,
    "astropy.ecsv": write_astropy,
    "tabledata.vot": write_tabledata,
    "binary2.vot": lambda path, made: write_astropy(path, made, format="votable", tabledata_format="binary2"),
    "astropy.parquet": write_astropy,
    "astropy.csv": lambda path, made: write_astropy(path, made, format="ascii.csv"),
    "pandas.csv": lambda path, made: as_pandas(made).to_csv(path, index=False),
    "semicolon.csv": lambda path, made: as_pandas(made).to_csv(path, index=False, sep=";"),
    "tab.tsv": lambda path, made: as_pandas(made).to_csv(path, index=False, sep="\t"),
    "pandas.parquet": lambda path, made: as_pandas(made).to_parquet(path),
    "arrow.csv": write_arrow_csv,
    "arrow.parquet": lambda path, made: pq.write_table(as_arrow(made), path),
}


def holds(writer: str, name: str, column: ColumnValues) -> bool:
    """Whether the writer itself can write a column so that the file says what was meant."""
    has_gap = None in column.cells
    texts = [value for value in column.cells if isinstance(value, str)]
    if writer == "astropy.fits":
        is_ascii = name.isascii() and all(map(str.isascii, texts))
        return is_ascii and not (has_gap and column.kind in {"?", "u8"}) and 999999 not in column.cells
    if writer.endswith(".vot"):  # which has no unsigned numbers of 64 bits
        return column.kind != "u8" and 999999 not in column.cells
    if writer == "astropy.ecsv":  # which astropy itself takes for a comment
        return not any(str(value).startswith("#") for value in column.cells)
    if writer == "astropy.csv":
        return "\t" not in "".join(texts)
    return True


def is_same(found: object, meant: object, *, says_types: bool) -> bool:
    """Whether a value is what was written; without types a cell may be a number that is spelled just so."""
    if meant is None or found is None:
        return found is meant
    if isinstance(meant, float) and not isinstance(found, str):
        return float(str(found)) == meant
    if says_types or not isinstance(meant, str) or isinstance(found, str):
        return type(found) is type(meant) and found == meant
    if isinstance(found, bool):
        return meant.lower() == str(found).lower()
    return str(found) == meant if isinstance(found, int) else float(meant) == found


def require_line(error: Exception) -> None:
    assert str(error)
    assert "\n" not in str(error)


@pytest.mark.fuzz
@pytest.mark.parametrize("writer", WRITERS)
@fuzzing(15)
@given(made=tables())
def test_every_value_is_read_as_it_was_written(writer: str, made: dict[str, ColumnValues]) -> None:
    made = {name: column for name, column in made.items() if holds(writer, name, column)}
    is_one_with_gaps = len(made) == 1 and None in next(iter(made.values())).cells
    if not made or (writer == "arrow.csv" and is_one_with_gaps):  # whose rows are blank lines, and so none
        return
    says_types = not writer.endswith(("csv", "tsv"))
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / f"t.{writer.rsplit('.', maxsplit=1)[-1]}"
        WRITERS[writer](path, made)
        try:
            table = read_table(path)
        except TableError as error:
            require_line(error)
            if says_types:
                raise
            return
    assert list(table.columns) == list(made)
    for name, column in made.items():
        found = table[name].to_list()
        pairs = list(zip(found, column.cells, strict=True))
        assert all(is_same(*pair, says_types=says_types) for pair in pairs), (name, pairs)


@st.composite
def lists(draw: st.DrawFn) -> dict[str, ColumnValues]:
    """A table with what each of the doors needs: positions, an id, a file, and a number of votes."""
    made = draw(tables())
    n = len(next(iter(made.values())).cells)
    ids = draw(st.lists(CELLS["U"], min_size=n, max_size=n, unique=True))
    ra = draw(st.lists(st.floats(0, 359, allow_subnormal=False), min_size=n, max_size=n))
    dec = draw(st.lists(st.floats(-90, 90, allow_subnormal=False), min_size=n, max_size=n))
    votes = draw(st.lists(st.integers(0, 2**40), min_size=n, max_size=n))
    files = [f"{i}.jpg" for i in range(n)]
    own = {
        "ra": ColumnValues("f8", tuple(ra)),
        "dec": ColumnValues("f8", tuple(dec)),
        "id": ColumnValues("U", tuple(ids)),
    }
    return {**made, **own, "file": ColumnValues("U", tuple(files)), "n": ColumnValues("i8", tuple(votes))}


def ask_match(path: Path, made: dict[str, ColumnValues]) -> list[Sequence[object]]:
    positions = read_positions(path)
    assert positions.table.n_rows == len(made["ra"].cells)
    return [positions.ra_deg.tolist(), positions.dec_deg.tolist()]


def ask_survey(path: Path, _made: dict[str, ColumnValues]) -> list[Sequence[object]]:
    columns = read_columns(path, ["ra", "dec", "id", "n"], ["id"])
    return [columns[name].tolist() for name in ("ra", "dec", "id", "n")]


def ask_votes(path: Path, _made: dict[str, ColumnValues]) -> list[Sequence[object]]:
    table = read_labels(path, "id", ["n", "ra"])
    return [table[name].tolist() for name in ("id", "n", "ra")]


def ask_images(path: Path, _made: dict[str, ColumnValues]) -> list[Sequence[object]]:
    images = read_image_table(path, "id", "file")
    return [[image.id for image in images], [image.path.name for image in images]]


def ask_upload(path: Path, _made: dict[str, ColumnValues]) -> list[Sequence[object]]:
    table = read_upload(path, None, "t")
    columns = dict(zip((column.name for column in table.columns), zip(*table.rows, strict=True), strict=True))
    return [columns[name] for name in ("ra", "dec", "n")]


Door = Callable[[Path, dict[str, ColumnValues]], list[Sequence[object]]]
DOORS: dict[str, tuple[Door, tuple[str, ...]]] = {
    "match": (ask_match, ("ra", "dec")),
    "survey": (ask_survey, ("ra", "dec", "id", "n")),
    "votes": (ask_votes, ("id", "n", "ra")),
    "images": (ask_images, ("id", "file")),
    "upload": (ask_upload, ("ra", "dec", "n")),
}


@pytest.mark.fuzz
@pytest.mark.parametrize("door", DOORS)
@fuzzing(30)
@given(made=lists(), writer=st.sampled_from(sorted(WRITERS)))
def test_every_door_reads_the_same_or_says_in_one_line_why_not(
    door: str, writer: str, made: dict[str, ColumnValues]
) -> None:
    made = {name: column for name, column in made.items() if holds(writer, name, column)}
    ask, wanted = DOORS[door]
    if not set(wanted) <= set(made):
        return
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / f"t.{writer.rsplit('.', maxsplit=1)[-1]}"
        WRITERS[writer](path, made)
        try:
            found = ask(path, made)
        except REFUSALS as error:
            require_line(error)
            return
    for name, values in zip(wanted, found, strict=True):
        pairs = list(zip(values, made[name].cells, strict=True))
        assert all(one == meant for one, meant in pairs), (name, pairs)
