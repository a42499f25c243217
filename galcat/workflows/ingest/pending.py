"""What a folder holds that the catalogue does not have yet."""

from dataclasses import dataclass
from pathlib import Path

from catalog.database.connection import connect
from catalog.database.migrate import migrate
from catalog.ingestion.tile_status import KnownTile, known_tiles
from catalog.releases.release import current_release
from encoder.surveys.description import Survey
from encoder.tiles.tile_files import TileFiles
from encoder.tiles.tiles import find_tiles
from galcat.workflows.ingest.plan import by_cell, is_settled


@dataclass(frozen=True)
class Pending:
    """The tiles to ingest, by sky cell, and how many need nothing."""

    cells: dict[str, list[TileFiles]]
    n_settled: int


def pending_tiles(url: str, survey: Survey, folder: Path) -> Pending:
    """Compare a folder with the catalogue; the schema is brought up to date first.

    Raises:
        SurveyError: The folder holds no tile of that survey.
    """
    migrate(url)
    found, unsettled = find_unsettled(url, survey, folder)
    return Pending(by_cell(unsettled), len(found) - len(unsettled))


def find_unsettled(url: str, survey: Survey, folder: Path) -> tuple[list[TileFiles], list[TileFiles]]:
    """Find a folder's tiles without opening an image file; the schema must be there.

    Returns:
        All tiles, and those of them that the catalogue does not have as they are now.

    Raises:
        SurveyError: The folder holds no tile of that survey.
    """
    found = find_tiles(survey, folder)
    known = _known(url, survey)
    return found, [tile for tile in found if not is_settled(tile, known)]


def _known(url: str, survey: Survey) -> dict[str, KnownTile]:
    with connect(url, autocommit=True) as connection:
        release = current_release(connection)
        return {} if release is None else known_tiles(connection, survey.name, release[0])
