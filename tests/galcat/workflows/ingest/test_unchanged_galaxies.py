"""A galaxy whose picture did not change is not written again, whichever pictures are encoded beside it.

Some processors round a vector by the size of its batch. This encoder does so everywhere, and coarsely.
"""

from pathlib import Path

import pytest
from astropy.table import Table
from torch import Tensor

from catalog.database.connection import connect
from encoder.model.encoder import Encoder
from encoder.model.network import Prediction
from galcat.workflows.ingest import encoding
from tests.galcat.bricks import write_brick
from tests.galcat.cli.command_line import Galcat

BRICK = "0100p000"
BY_GALAXY = ("source", "embedding", "embedding_full", "morphology", "thumbnail")


@pytest.fixture
def batches(monkeypatch: pytest.MonkeyPatch) -> list[int]:
    """Make what the encoder says depend on the size of the batch; the sizes that were encoded."""
    exact, sizes = Encoder._predict, list[int]()

    def predict(encoder: Encoder, rgb: Tensor) -> Prediction:
        sizes.append(len(rgb))
        right = exact(encoder, rgb)
        return Prediction(right.embedding * (1 + 0.01 * len(rgb)), right.alpha + 0.01 * len(rgb))

    monkeypatch.setattr(Encoder, "_predict", predict)
    return sizes


def read_rows(url: str) -> set[tuple[object, ...]]:
    """Every row that hangs on a galaxy, with the transaction that wrote it."""
    with connect(url, autocommit=True) as connection:
        return {
            (table, *row)
            for table in BY_GALAXY
            for row in connection.execute(f"SELECT xmin::text, t::text FROM galcat.{table} AS t".encode())
        }


def test_a_galaxy_that_joins_a_tile_changes_no_row_of_the_others(
    galcat: Galcat, database: str, weights: Path, drop: Path, batches: list[int]
) -> None:
    write_brick(drop, BRICK)
    (catalogue,) = drop.glob("tractor/*/tractor-*.fits")
    whole = Table.read(catalogue)
    whole[1:].write(catalogue, overwrite=True)
    ingest = ("ingest", drop, "--survey", "legacy_dr10", "--weights", weights)
    assert "2 galaxies" in galcat(*ingest).err
    before = read_rows(database)
    whole.write(catalogue, overwrite=True)
    assert "3 galaxies" in galcat(*ingest).err
    assert set(batches) == {2, 3}
    after = read_rows(database)
    assert before < after
    assert sorted(row[0] for row in after - before) == sorted(BY_GALAXY)


def test_another_size_of_the_batches_changes_no_row(
    galcat: Galcat,
    database: str,
    weights: Path,
    drop: Path,
    batches: list[int],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    write_brick(drop, BRICK)
    ingest = ("ingest", drop, "--survey", "legacy_dr10", "--weights", weights)
    assert galcat(*ingest).code == 0
    before = read_rows(database)
    with connect(database, autocommit=True) as connection:
        connection.execute("UPDATE galcat.ingestion SET fingerprint = '', content_hash = ''")
    cut_tile = encoding.cut_tile
    one_by_one = lambda survey, tile, encoder: cut_tile(survey, tile, encoder, 1)  # noqa: E731
    monkeypatch.setattr(encoding, "cut_tile", one_by_one)
    assert "1 tile ingested, 0 unchanged, 0 failed; 3 galaxies" in galcat(*ingest).err
    assert set(batches) == {3, 1}
    assert read_rows(database) == before


def test_a_picture_that_changed_changes_the_rows_of_its_galaxies(
    galcat: Galcat, database: str, weights: Path, drop: Path, batches: list[int]
) -> None:
    write_brick(drop, BRICK)
    ingest = ("ingest", drop, "--survey", "legacy_dr10", "--weights", weights)
    assert galcat(*ingest).code == 0
    before = read_rows(database)
    write_brick(drop, BRICK, brightness=1.001)
    assert galcat(*ingest).code == 0
    assert set(batches) == {3}
    changed = {row[0] for row in read_rows(database) - before}
    assert {"embedding", "embedding_full", "morphology"} <= changed
