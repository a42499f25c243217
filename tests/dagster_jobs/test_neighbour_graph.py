"""The graph of neighbours as an asset."""

import dagster as dg

from catalog.database.connection import connect
from dagster_jobs.defs.assets import neighbour_graph
from dagster_jobs.defs.resources import DatabaseResource
from tests.catalog.galaxies import fill


def test_the_graph_is_an_asset_that_says_how_good_it_is(database: str) -> None:
    resources = {"database": DatabaseResource(url=database)}
    empty = dg.materialize([neighbour_graph], resources=resources, raise_on_error=False)
    assert not empty.success
    with connect(database, autocommit=True) as connection:
        fill(connection, 60)
        made = dg.materialize([neighbour_graph], resources=resources)
        (event,) = made.asset_materializations_for_node("neighbour_graph")
        assert {name: value.value for name, value in event.metadata.items()} == {"nearest": 20, "recall": 1.0}
        assert connection.execute("SELECT count(*) FROM galcat.neighbour").fetchone() == (60 * 20,)
