"""What follows a load of tiles: the vector index of a release, statistics, the recall of the index."""

from catalog.checks.recall import Occasion, Recall, keep_recall, measure_recall
from catalog.database.connection import connect
from catalog.database.migrate import migrate
from catalog.releases.bulk_load import build_search_index_online, others_load, set_index_aside
from catalog.releases.releases import current_release, find_release, refresh_statistics
from galcat.errors import WorkflowError
from galcat.workflows.writing import writing


def prepare_load(url: str, n_tiles: int, *, is_bulk: bool | None = None) -> bool:
    """Take the vector index of the current release away where so many tiles are a large load.

    Args:
        url: URL of the catalogue's database; its schema is brought up to date first.
        n_tiles: Number of tiles that are to come.
        is_bulk: Whether the load is said to be large; None to judge by the number of galaxies.

    Returns:
        Whether it was taken away now: whoever ends the load builds it anew.
    """
    migrate(url)
    with writing(url) as connection:
        return set_index_aside(connection, n_tiles, is_declared=is_bulk)


def index_current_release(url: str) -> bool:
    """Build the vector index of the release that `galcat.galaxy` shows; Postgres keeps it up to date after.

    While a load goes on nothing is built: its end does that. Tiles that come while it is built are written.

    Args:
        url: URL of the catalogue's database.

    Returns:
        True when it was built now, False when it was there, or another run adds tiles.

    Raises:
        WorkflowError: The catalogue has no release yet.
    """
    with writing(url) as connection:
        release = current_release(connection)
        if release is None:
            raise WorkflowError("the catalogue has no release yet: ingest a tile first")
        if others_load(connection):
            return False
        return build_search_index_online(connection, release.release_id)


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
        return build_search_index_online(connection, find_release(connection, name).release_id)


def analyse_tables(url: str) -> None:
    """ANALYZE every table, so that Postgres plans queries with today's numbers."""
    with writing(url) as connection:
        refresh_statistics(connection)


def watch_recall(url: str, occasion: Occasion) -> Recall | None:
    """Measure what the vector index of the current release finds of the nearest, and keep it with its time.

    Args:
        url: URL of the catalogue's database.
        occasion: After what it is measured.

    Returns:
        What was found; None where there is no index, or nothing in it.
    """
    with connect(url, autocommit=True) as connection:
        recall = measure_recall(connection)
        if recall is not None:
            keep_recall(connection, recall, occasion)
    return recall
