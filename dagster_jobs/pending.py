"""What a folder holds that the catalogue does not have yet."""

from dataclasses import dataclass
from pathlib import Path

from catalog.connection import connect
from catalog.migrate import migrate
from catalog.progress import KnownTile, known_tiles
from catalog.release import current_release
from dagster_jobs.plan import pending_by_cell
from encoder.survey import Survey
from encoder.tile_files import TileFiles
from encoder.tiles import find_tiles


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
    found = find_tiles(survey, folder)
    cells = pending_by_cell(found, _known(url, survey))
    return Pending(cells, len(found) - sum(map(len, cells.values())))


def _known(url: str, survey: Survey) -> dict[str, KnownTile]:
    with connect(url, autocommit=True) as connection:
        release = current_release(connection)
        return {} if release is None else known_tiles(connection, survey.name, release[0])
