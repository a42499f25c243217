"""The map of a release as an asset: made when it is asked for, with its counts."""

import dagster as dg

from catalog.database.connection import connect
from dagster_jobs.defs.assets import release_map
from dagster_jobs.defs.resources import DatabaseResource
from tests.catalog.galaxies import fill


def test_the_map_is_an_asset_that_says_how_many_galaxies_it_has(database: str) -> None:
    with connect(database, autocommit=True) as connection:
        fill(connection, 30)
    made = dg.materialize([release_map], resources={"database": DatabaseResource(url=database)})
    (event,) = made.asset_materializations_for_node("release_map")
    assert {name: value.value for name, value in event.metadata.items()} == {"galaxies": 30, "arranged": 30}
    with connect(database, autocommit=True) as connection:
        row = connection.execute("SELECT octet_length(places) FROM galcat.release_map").fetchone()
    assert row == (30 * 8,)


def test_an_empty_catalogue_has_no_map_and_the_run_says_so(database: str) -> None:
    made = dg.materialize(
        [release_map], resources={"database": DatabaseResource(url=database)}, raise_on_error=False
    )
    assert not made.success
