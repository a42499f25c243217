"""What a folder holds that the catalogue does not have yet."""

from collections import defaultdict
from collections.abc import Mapping
from dataclasses import dataclass
from hashlib import blake2b
from pathlib import Path

from catalog.database.connection import connect
from catalog.database.migrate import migrate
from catalog.ingestion.tile_status import KnownTile, read_known_tiles
from catalog.releases.releases import current_release
from encoder.surveys.description import Survey
from encoder.tiles.tile_files import TileFiles
from encoder.tiles.tiles import find_tiles
from galcat.workflows.ingest.sky_cells import cell_of


@dataclass(frozen=True)
class Pending:
    """The tiles to ingest, by sky cell, and how many need nothing."""

    cells: dict[str, list[TileFiles]]
    n_settled: int


def find_pending(url: str, survey: Survey, folder: Path) -> Pending:
    """Compare a folder with the catalogue; the schema is brought up to date first.

    Raises:
        SurveyError: The folder holds no tile of that survey.
    """
    migrate(url)
    found, unsettled = find_unsettled(url, survey, folder)
    return Pending(group_by_cell(unsettled), len(found) - len(unsettled))


def find_unsettled(url: str, survey: Survey, folder: Path) -> tuple[list[TileFiles], list[TileFiles]]:
    """Find a folder's tiles without opening an image file; where there is no schema, none is known.

    Returns:
        All tiles, and those of them that the catalogue does not have as they are now.

    Raises:
        SurveyError: The folder holds no tile of that survey.
    """
    found = find_tiles(survey, folder)
    known = _read_known(url, survey)
    return found, [tile for tile in found if not is_settled(tile, known)]


def _read_known(url: str, survey: Survey) -> dict[str, KnownTile]:
    with connect(url, autocommit=True) as connection:
        if connection.execute("SELECT to_regclass('galcat.release')").fetchone() == (None,):
            return {}
        release = current_release(connection)
        return {} if release is None else read_known_tiles(connection, survey.name, release.release_id)


def group_pending_by_cell(
    found: list[TileFiles], known: Mapping[str, KnownTile]
) -> dict[str, list[TileFiles]]:
    """Group the tiles that are not settled by the cell they lie in; cells and tiles in order of name."""
    return group_by_cell([tile for tile in found if not is_settled(tile, known)])


def group_by_cell(tiles: list[TileFiles]) -> dict[str, list[TileFiles]]:
    """Group tiles by the cell they lie in, cells in order of name; a header of each tile is read."""
    cells: defaultdict[str, list[TileFiles]] = defaultdict(list)
    for tile in tiles:
        cells[cell_of(tile)].append(tile)
    return {cell: cells[cell] for cell in sorted(cells)}


def is_settled(tile: TileFiles, known: Mapping[str, KnownTile]) -> bool:
    """Tell whether the catalogue has this tile, as its files are now, without a failure in it."""
    before = known.get(tile.name)
    return before is not None and before.is_settled(tile.fingerprint)


def run_key(survey: str, cell: str, tiles: list[TileFiles]) -> str:
    """Name a run by what it would ingest: the same pending tiles never start a second run."""
    pending = "\x1f".join(sorted(f"{tile.name}={tile.fingerprint}" for tile in tiles))
    return f"{survey}/{cell}/{blake2b(pending.encode(), digest_size=8).hexdigest()}"
