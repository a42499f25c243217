"""Which release is being filled, and where the tiles lie that it lacks: for a run that names neither."""

from pathlib import Path

from catalog.releases.missing_tiles import list_missing_tiles
from catalog.releases.releases import find_release, list_release_states
from galcat.errors import WorkflowError
from galcat.workflows.ingest.sky_cells import cell_at
from galcat.workflows.writing import writing


def find_filled_release(url: str) -> str:
    """Find the one release that lacks tiles, or where none does, the one that is not shown.

    Args:
        url: URL of the catalogue's database.

    Raises:
        WorkflowError: There is none, or there are several.
    """
    with writing(url) as connection:
        releases = list_release_states(connection)
    lacking = [release.name for release in releases if release.missing]
    others = lacking or [release.name for release in releases if not release.is_current]
    if not others:
        raise WorkflowError("there is no release beside the shown one: galcat release create makes one")
    if len(others) > 1:
        raise WorkflowError(f"name the release in the run's configuration: {', '.join(others)}")
    return others[0]


def find_tile_folder(url: str, survey: str, release: str, cell: str) -> Path:
    """Find the folder from which the tiles of a cell were ingested that a release lacks.

    Args:
        url: URL of the catalogue's database.
        survey: Name of the survey.
        release: Name of the release.
        cell: Name of the sky cell.

    Raises:
        WorkflowError: It was not kept, or they came from several.
    """
    with writing(url) as connection:
        missing = list_missing_tiles(connection, find_release(connection, release).release_id)
    folders = {
        tile.folder for tile in missing if tile.survey == survey and cell_at(tile.ra, tile.dec) == cell
    }
    if len(folders) > 1 or None in folders:
        raise WorkflowError(
            f"name the folder of survey {survey} in the run's configuration: "
            + ", ".join(sorted(map(str, folders - {None})) or ["it was not kept"])
        )
    return Path(folders.pop() or "") if folders else Path()
