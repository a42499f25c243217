"""The graph of neighbours of the whole catalogue, as a run of its own."""

from collections.abc import Callable

from catalog.neighbours.graph import NeighbourGraph, make_graph
from galcat.workflows.writing import writing


def make_neighbour_graph(url: str, progress: Callable[[int, int], None] | None = None) -> NeighbourGraph:
    """Find the 20 nearest galaxies of every galaxy of the current release, and store them.

    Stopped at any moment, a second call goes on with the galaxies that are not done; where no tile has
    changed since the last graph, nothing is done.

    Args:
        url: URL of the catalogue's database.
        progress: Told how many galaxies of how many are done.

    Raises:
        CatalogError: There is no release yet, tiles changed meanwhile, or another session makes the graph.
    """
    with writing(url) as connection:
        return make_graph(connection, progress)
