"""A tile that is taken out leaves nothing that a query sees, keeps labels, and can come back."""

import psycopg
import pytest

from catalog.checks.integrity import run_checks
from catalog.errors import CatalogError
from catalog.ingestion.records import SurveyRecord, object_id
from catalog.ingestion.retraction import forget_tile, list_tiles, retract_tile
from catalog.ingestion.tile_rows import register_survey
from catalog.ingestion.writer import write_failure, write_tile
from catalog.releases.missing_tiles import list_missing_tiles
from catalog.releases.releases import register_release
from catalog.tasks.tasks import add_task, make_task
from tests.catalog.galaxies import fill, galaxy_rows, release_record, tile_record


def count(connection: psycopg.Connection, query: str) -> object:
    row = connection.execute(query.encode()).fetchone()
    assert row is not None
    return row[0]


def test_a_retracted_tile_shows_nothing_blocks_nothing_keeps_its_labels_and_comes_back(
    connection: psycopg.Connection,
) -> None:
    survey_id, release_id = fill(connection, 5)
    write_tile(connection, survey_id, release_id, tile_record("other"), galaxy_rows(4, 1, "h"), [])
    second = register_release(connection, release_record("second"))
    add_task(connection, make_task("ring", "Has it a ring?", ()))
    connection.execute(
        "INSERT INTO galcat.label (task, object_id, answer) "
        "SELECT 'ring', object_id, 'yes' FROM galcat.galaxy WHERE tile = 'tile'"
    )
    gone = retract_tile(connection, "tile")
    assert (gone.galaxies, gone.folder) == (5, "/data/tiles")
    assert count(connection, "SELECT array_agg(DISTINCT tile) FROM galcat.galaxy") == ["other"]
    for table in ("embedding", "embedding_full", "morphology", "thumbnail"):
        assert count(connection, f"SELECT count(*) FROM galcat.{table}") == 4
    assert count(connection, "SELECT count(*) FROM galcat.label") == 5
    assert [tile.name for tile in list_missing_tiles(connection, second)] == ["other"]
    assert [(tile.name, tile.state) for tile in list_tiles(connection)] == [("other", "done"), ("tile", None)]
    assert [str(check) for check in run_checks(connection) if not check.passed] == []
    write_tile(connection, survey_id, release_id, tile_record(), galaxy_rows(5, 0), [])
    assert count(connection, "SELECT count(*) FROM galcat.galaxy WHERE tile = 'tile'") == 5
    assert count(connection, "SELECT count(*) FROM galcat.current_label") == 5


def test_a_tile_that_failed_is_forgotten_and_one_with_galaxies_is_not(connection: psycopg.Connection) -> None:
    survey_id, release_id = fill(connection, 5)
    write_failure(connection, survey_id, release_id, tile_record("torn"), "tile torn: torn")
    with pytest.raises(CatalogError, match=r"^tile tile has 5 galaxies: take it out by galcat tile retract"):
        forget_tile(connection, "tile")
    forget_tile(connection, "torn")
    assert [tile.name for tile in list_tiles(connection)] == ["tile"]
    with pytest.raises(CatalogError, match=r"^the catalogue has no tile 'torn': galcat tile list names"):
        forget_tile(connection, "torn")


def test_a_retracted_tile_is_forgotten_but_for_the_galaxies_that_somebody_has_labelled(
    connection: psycopg.Connection,
) -> None:
    survey_id, release_id = fill(connection, 5)
    write_tile(connection, survey_id, release_id, tile_record("other"), galaxy_rows(4, 1, "h"), [])
    add_task(connection, make_task("ring", "Has it a ring?", ()))
    first, second = sorted(object_id("survey", f"g{i}") for i in range(5))[:2]
    connection.execute(
        "INSERT INTO galcat.label (task, object_id, answer) VALUES ('ring', %s, 'yes')", [first]
    )
    connection.execute("INSERT INTO galcat.tag (object_id, tag) VALUES (%s, 'odd')", [second])
    for tile in ("tile", "other"):
        retract_tile(connection, tile)
    assert (forget_tile(connection, "tile"), forget_tile(connection, "other")) == (2, 0)
    assert [tile.name for tile in list_tiles(connection)] == ["tile"]
    kept = "SELECT array_agg(object_id ORDER BY object_id) FROM galcat.source"
    assert count(connection, kept) == [first, second]
    assert [str(check) for check in run_checks(connection) if not check.passed] == []


def test_a_name_that_two_surveys_have_is_asked_back(connection: psycopg.Connection) -> None:
    _, release_id = fill(connection, 5)
    other = register_survey(connection, SurveyRecord("another", "made up", ("g", "r"), "toml"))
    write_tile(connection, other, release_id, tile_record(), galaxy_rows(3, 2, "k"), [])
    with pytest.raises(
        CatalogError, match=r"^several surveys have a tile tile: another, survey; name one by --survey$"
    ):
        retract_tile(connection, "tile")
    assert retract_tile(connection, "tile", "another").galaxies == 3
    assert [tile.state for tile in list_tiles(connection, "survey")] == ["done"]
