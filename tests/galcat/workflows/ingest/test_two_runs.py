"""Two runs that are asked for the same tiles at once."""

from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

from catalog.database.connection import connect
from encoder.model.encoder import load_encoder
from galcat.workflows.ingest.cell import ingest_cell
from galcat.workflows.ingest.outcome import TileOutcome
from galcat.workflows.upkeep import index_current_release
from tests.galcat.bricks import GALAXIES, find_cell, write_two_bricks

SURVEY = "legacy_dr10"
NAMES = ["0100p000", "0101p000"]


def test_one_ingests_and_the_one_that_waited_says_what_became_of_the_tiles(
    database: str, tmp_path: Path, weights: Path
) -> None:
    folder, encoder = write_two_bricks(tmp_path), load_encoder(weights)
    cell = find_cell(folder)
    reported = list[TileOutcome]()
    with ThreadPoolExecutor(2) as threads:
        runs = [
            threads.submit(ingest_cell, database, encoder, SURVEY, folder, cell, NAMES, reported.append)
            for _ in range(2)
        ]
        outcomes = [run.result() for run in runs]
        indexes = [threads.submit(index_current_release, database) for _ in range(2)]
        assert sorted(index.result() for index in indexes) == [False, True]
    assert sorted([(tile.name, tile.state) for tile in outcome.tiles] for outcome in outcomes) == [
        [(name, state) for name in NAMES] for state in ("done", "unchanged")
    ]
    assert sorted(tile.describe() for tile in reported) == sorted(
        [f"tile {name}: {GALAXIES} galaxies" for name in NAMES]
        + [f"tile {name}: unchanged" for name in NAMES]
    )
    with connect(database) as connection:
        assert connection.execute("SELECT count(*) FROM galcat.galaxy").fetchone() == (2 * GALAXIES,)
