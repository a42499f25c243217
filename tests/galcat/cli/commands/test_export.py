"""galcat export, as it is typed."""

from pathlib import Path

import psycopg
import pyarrow.parquet as pq
import pytest

from catalog.database.connection import connect
from tests.catalog.galaxies import fill
from tests.galcat.cli.command_line import Galcat


@pytest.fixture
def filled(database: str) -> str:
    with connect(database, autocommit=True) as connection:
        assert isinstance(connection, psycopg.Connection)
        fill(connection, 30)
    return database


def test_the_catalogue_is_exported_and_exported_again(
    filled: str, tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    galcat, sky = Galcat(filled, tmp_path / "home", capsys, monkeypatch), tmp_path / "sky"
    said = galcat("export", "hats", sky)
    assert said.code == 0, said.err
    n_files = len(list(sky.resolve().rglob("Npix=*.parquet")))
    assert f"{sky}: 30 galaxies in {n_files} files, {n_files} of them new" in said.err
    assert pq.read_metadata(sky / "galaxy" / "dataset" / "_metadata").num_rows == 30
    said = galcat("export", "hats", sky)
    assert f"{sky}: 30 galaxies in {n_files} files, 0 of them new" in said.err
    mine = tmp_path / "mine"
    mine.mkdir()
    said = galcat("export", "hats", mine)
    assert (said.code, said.err.splitlines()[-1]) == (
        1,
        f"error: {mine} is there and no export of galcat: name another folder",
    )
