"""Damaged tables of every format, thousands of them: rows, or one line that names the file."""

import shutil
from collections.abc import Callable
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from catalog.errors import CatalogError
from catalog.search.positions import read_positions
from catalog.tap.uploads.read import read_upload
from table_files.errors import TableError
from table_files.read import read_table
from tests.encoder.tiles.damage import damage
from tests.sizes import fuzzing
from tests.table_files.test_every_door import WRITERS, ColumnValues

IDS = (1113078707712646271, None, -5)
MADE = {
    "id": ColumnValues("i8", IDS),
    "RA": ColumnValues("f8", (10.5, 350.25, 0.0)),
    "Dec": ColumnValues("f8", (-2.0, 89.5, None)),
    "name": ColumnValues("U", ("0266", "a;b", None)),
    "is_star": ColumnValues("?", (True, False, True)),
}


@pytest.fixture(scope="module")
def whole(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Path]:
    """The same table by every writer."""
    folder = tmp_path_factory.mktemp("whole")
    files = {writer: folder / f"{n}.{writer.rsplit('.')[-1]}" for n, writer in enumerate(WRITERS)}
    for writer, path in files.items():
        WRITERS[writer](path, MADE)
    return files


@pytest.mark.fuzz
@fuzzing(60)
@given(seed=st.integers(0, 2**40))
def test_a_damaged_table_is_its_rows_or_one_line(whole: dict[str, Path], tmp_path: Path, seed: int) -> None:
    read_damaged(whole, tmp_path, seed)


def read_damaged(whole: dict[str, Path], folder: Path, seed: int) -> str:
    """Damage one of the files and read it by three doors; returns which it was."""
    writer = sorted(whole)[seed % len(whole)]
    path = folder / f"damaged{whole[writer].suffix}"
    shutil.rmtree(path) if path.is_dir() else path.unlink(missing_ok=True)
    shutil.copy(whole[writer], path)
    damage(path, list(whole.values()), seed)
    lines = [refusal(read, path) for read in (read_table, read_positions)]
    assert all(str(path) in line for line in lines if line), (seed, lines)
    if path.is_file():
        lines.append(refusal(lambda file: list(read_upload(file, None, "t").rows), path))
    assert all("\n" not in line for line in lines), (seed, lines)
    return writer


def refusal(read: Callable[[Path], object], path: Path) -> str:
    """What is said where a file is refused; empty where it is read."""
    try:
        read(path)
    except (TableError, CatalogError) as error:
        return str(error)
    return ""
