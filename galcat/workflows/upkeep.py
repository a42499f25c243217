"""What follows a load of tiles: the vector index of a release, and the planner's statistics."""

from catalog.releases.releases import (
    build_search_index,
    current_release,
    find_release,
    refresh_statistics,
)
from galcat.errors import WorkflowError
from galcat.workflows.writing import writing


def index_current_release(url: str) -> bool:
    """Build the vector index of the release that `galcat.galaxy` shows; Postgres keeps it up to date after.

    Args:
        url: URL of the catalogue's database.

    Returns:
        True when it was built now, False when it was there.

    Raises:
        WorkflowError: The catalogue has no release yet.
    """
    with writing(url) as connection:
        release = current_release(connection)
        if release is None:
            raise WorkflowError("the catalogue has no release yet: ingest a tile first")
        return build_search_index(connection, release.release_id)


def index_release(url: str, name: str) -> bool:
    """Build the vector index of a release, while another may be the one that is shown.

    Args:
        url: URL of the catalogue's database.
        name: Name of the release.

    Returns:
        True when it was built now, False when it was there.

    Raises:
        CatalogError: There is no release of that name.
    """
    with writing(url) as connection:
        return build_search_index(connection, find_release(connection, name).release_id)


def analyse_tables(url: str) -> None:
    """ANALYZE every table, so that Postgres plans queries with today's numbers."""
    with writing(url) as connection:
        refresh_statistics(connection)
