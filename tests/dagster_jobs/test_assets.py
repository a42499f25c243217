"""A run commits the good tiles, fails naming the bad ones, and its retry touches only those."""

import base64
import hashlib
import io
import re
import shutil
from collections.abc import Iterator
from importlib.metadata import version
from pathlib import Path

import dagster as dg
import psycopg
import pytest
from PIL import Image

from catalog.checks.integrity import CHECKS
from catalog.database.connection import connect
from dagster_jobs.defs.assets import galaxies, statistics, vector_index, whole_catalogue
from dagster_jobs.defs.backfill import release_index, release_vectors
from dagster_jobs.defs.resources import (
    DatabaseResource,
    EncoderResource,
    partition_of,
    sky_cells,
)
from encoder.model.encoder import load_encoder
from galcat.errors import WorkflowError
from galcat.workflows.ingest.cell import ingest_cell
from galcat.workflows.releases import release_encoder
from galcat.workflows.releases.release_encoder import load_release_encoder
from galcat.workflows.releases.weights_store import weights_store
from galcat.workflows.watch.night_checks import NIGHT_CHECKS
from tests.galcat.bricks import GALAXIES, find_cell, mend, spoil, write_brick, write_two_bricks
from tests.galcat.cli.command_line import Galcat
from tests.galcat.small_encoder import write_small_encoder

SURVEY = "legacy_dr10"
GOOD, BAD = "0100p000", "0101p000"
ROWS = """
    SELECT t.name, s.survey_source_id, s.xmin::text, e.xmin::text, f.xmin::text, m.xmin::text, p.xmin::text
    FROM galcat.source AS s JOIN galcat.tile AS t USING (tile_id)
    JOIN galcat.embedding AS e USING (object_id) JOIN galcat.embedding_full AS f USING (object_id)
    JOIN galcat.morphology AS m USING (object_id) JOIN galcat.thumbnail AS p USING (object_id)
    WHERE t.name = %s ORDER BY s.object_id
"""


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    return write_two_bricks(tmp_path)


@pytest.fixture
def cell(folder: Path) -> str:
    return find_cell(folder)


@pytest.fixture
def connection(database: str) -> Iterator[psycopg.Connection]:
    with connect(database, autocommit=True) as opened:
        yield opened


def materialize(
    folder: Path, cell: str, resources: dict[str, object], instance: dg.DagsterInstance
) -> dg.ExecuteInProcessResult:
    partition = partition_of(SURVEY, cell)
    instance.add_dynamic_partitions(str(sky_cells.name), [partition])
    config = {"survey": SURVEY, "folder": str(folder)}
    return dg.materialize(
        [galaxies],
        partition_key=partition,
        instance=instance,
        run_config={"ops": {"galaxies": {"config": config}}},
        resources=resources,
        raise_on_error=False,
    )


def failure(result: dg.ExecuteInProcessResult) -> str:
    (event,) = [event for event in result.all_events if event.is_step_failure]
    data = event.step_failure_data.user_failure_data
    assert data is not None
    return str(data.description)


def checks(result: dg.ExecuteInProcessResult) -> dict[str, bool]:
    return {check.check_name: check.passed for check in result.get_asset_check_evaluations()}


def rows(connection: psycopg.Connection, tile: str) -> list[tuple[object, ...]]:
    return connection.execute(ROWS, [tile]).fetchall()


def test_a_run_commits_the_good_tile_fails_naming_the_bad_one_and_a_retry_touches_only_that(
    folder: Path,
    cell: str,
    resources: dict[str, object],
    instance: dg.DagsterInstance,
    connection: psycopg.Connection,
    weights: Path,
) -> None:
    whole = spoil(folder, BAD)
    first = materialize(folder, cell, resources, instance)
    assert not first.success
    said = failure(first)
    assert said.startswith(f"1 of 2 tiles failed: {BAD}: ")
    assert f"legacysurvey-{BAD}-image-r.fits.fz" in said
    assert "\n" not in said
    assert checks(first) == dict.fromkeys(CHECKS, True) | {"tiles_readable": False}
    (record,) = instance.fetch_materializations(galaxies.key, limit=10).records
    good_one = record.asset_materialization
    assert good_one is not None
    assert (good_one.partition, good_one.metadata["failed"].value) == (partition_of(SURVEY, cell), 1)
    good = rows(connection, GOOD)
    assert len(good) == GALAXIES
    assert rows(connection, BAD) == []
    assert states(connection) == {GOOD: ("done", 1), BAD: ("failed", 1)}

    again = materialize(folder, cell, resources, instance)
    assert failure(again).startswith(f"1 of 1 tiles failed: {BAD}: ")

    mend(folder, BAD, whole)
    healed = materialize(folder, cell, resources, instance)
    assert healed.success
    (materialization,) = healed.asset_materializations_for_node("galaxies")
    assert materialization.partition == partition_of(SURVEY, cell)
    said = {name: value.value for name, value in materialization.metadata.items()}
    pictures = {name: str(said.pop(name)) for name in ("thumbnails", "pace")}
    assert [kinds(text) for text in pictures.values()] == [("JPEG", (3 * 96, 96)), ("PNG", (600, 220))]
    seconds, pace = float(said.pop("seconds")), float(said.pop("galaxies_per_second"))
    assert pace == pytest.approx(GALAXIES / seconds, rel=0.05)
    assert said == {
        "tiles": 1,
        "failed": 0,
        "galaxies": GALAXIES,
        "skipped": 0,
        "unreadable_images": 0,
        "rows_changed": 5 * GALAXIES,  # a row in each of five tables
        "retired": 0,
        "dagster/row_count": 2 * GALAXIES,
        "survey": SURVEY,
        "release": "small-0",
        "weights_sha256": hashlib.sha256(weights.read_bytes()).hexdigest(),
        "galcat": version("galcat"),
    }
    assert rows(connection, GOOD) == good
    assert len(rows(connection, BAD)) == GALAXIES
    assert states(connection) == {GOOD: ("done", 1), BAD: ("done", 3)}


def kinds(markdown: str) -> tuple[str | None, tuple[int, int]]:
    """Format and size of a picture in Markdown, as a browser would open it."""
    found = re.fullmatch(r"!\[[a-z ]+\]\(data:image/[a-z]+;base64,(.+)\)", markdown)
    assert found is not None
    with Image.open(io.BytesIO(base64.b64decode(found[1]))) as picture:
        return picture.format, picture.size


def states(connection: psycopg.Connection) -> dict[str, tuple[str, int]]:
    found = connection.execute(
        "SELECT t.name, i.state, i.attempts FROM galcat.ingestion AS i JOIN galcat.tile AS t USING (tile_id)"
    )
    return {name: (state, attempts) for name, state, attempts in found}


def test_a_second_run_finds_nothing_to_do(
    folder: Path,
    cell: str,
    resources: dict[str, object],
    instance: dg.DagsterInstance,
    connection: psycopg.Connection,
) -> None:
    assert materialize(folder, cell, resources, instance).success
    before = rows(connection, GOOD) + rows(connection, BAD)
    second = materialize(folder, cell, resources, instance)
    (materialization,) = second.asset_materializations_for_node("galaxies")
    assert materialization.metadata["tiles"].value == 0
    assert rows(connection, GOOD) + rows(connection, BAD) == before


@pytest.mark.parametrize(
    ("damage", "broken"),
    [
        ("DELETE FROM galcat.embedding", {"row_count", "complete"}),
        ("DELETE FROM galcat.thumbnail", {"complete"}),
        ("UPDATE galcat.morphology SET bar_no_fraction = bar_no_fraction + 0.01", {"fractions"}),
    ],
)
def test_the_nightly_checks_find_what_was_broken_behind_their_back(
    folder: Path,
    cell: str,
    resources: dict[str, object],
    instance: dg.DagsterInstance,
    connection: psycopg.Connection,
    damage: str,
    broken: set[str],
) -> None:
    assert materialize(folder, cell, resources, instance).success
    care = dg.materialize([vector_index, statistics, whole_catalogue], resources=resources, instance=instance)
    assert checks(care) == dict.fromkeys([*CHECKS, "tiles_readable", *NIGHT_CHECKS], True)
    connection.execute(f"{damage} WHERE object_id = (SELECT min(object_id) FROM galcat.source)")
    care = dg.materialize([vector_index, statistics, whole_catalogue], resources=resources, instance=instance)
    assert {name for name, passed in checks(care).items() if not passed} == broken


def test_the_checks_of_a_run_look_at_its_tiles_alone_and_keep_an_outcome_a_cell(
    folder: Path,
    cell: str,
    resources: dict[str, object],
    instance: dg.DagsterInstance,
) -> None:
    result = materialize(folder, cell, resources, instance)
    assert {check.partition for check in result.get_asset_check_evaluations()} == {partition_of(SURVEY, cell)}


def test_the_index_is_built_once_and_refused_while_the_catalogue_is_empty(
    folder: Path, cell: str, resources: dict[str, object], instance: dg.DagsterInstance
) -> None:
    empty = dg.materialize([vector_index], resources=resources, instance=instance, raise_on_error=False)
    assert failure(empty) == "the catalogue has no release yet: ingest a tile first"
    materialize(folder, cell, resources, instance)
    built = [
        dg.materialize([vector_index], resources=resources, instance=instance)
        .asset_materializations_for_node("vector_index")[0]
        .metadata["built_now"]
        .value
        for _ in range(2)
    ]
    assert built == [True, False]


def test_after_a_promotion_the_night_encodes_with_the_weights_of_the_promoted_release(
    folder: Path,
    cell: str,
    resources: dict[str, object],
    instance: dg.DagsterInstance,
    galcat: Galcat,
    tmp_path: Path,
    connection: psycopg.Connection,
) -> None:
    assert materialize(folder, cell, resources, instance).success
    second = write_small_encoder(tmp_path / "second.safetensors", 1, "test_resnet")
    assert galcat("release", "create", second).code == 0
    assert galcat("release", "backfill", "small-1").code == 0
    assert galcat("release", "promote", "small-1").code == 0
    second.unlink()
    for name, encoder in (("0102p000", resources["encoder"]), ("0103p000", EncoderResource())):
        write_brick(folder, name)
        assert materialize(folder, cell, resources | {"encoder": encoder}, instance).success
    found = connection.execute(
        "SELECT release.name, count(*) FILTER (WHERE state = 'done') FROM galcat.ingestion "
        "JOIN galcat.release USING (release_id) GROUP BY 1 ORDER BY 1"
    ).fetchall()
    assert found == [("small-0", 2), ("small-1", 4)]


def test_weights_that_are_found_nowhere_fail_the_run_in_one_line(
    folder: Path, cell: str, resources: dict[str, object], instance: dg.DagsterInstance
) -> None:
    release_encoder._load_first.cache_clear()  # what this process has kept, it kept for another test
    assert materialize(folder, cell, resources, instance).success
    shutil.rmtree(weights_store())
    load_release_encoder.cache_clear()
    result = materialize(folder, cell, resources | {"encoder": EncoderResource()}, instance)
    assert failure(result).startswith("release small-0 was made with weights ")
    load_release_encoder.cache_clear()


def test_a_cell_is_not_ingested_with_weights_of_another_release(
    folder: Path,
    cell: str,
    resources: dict[str, object],
    instance: dg.DagsterInstance,
    database: str,
    tmp_path: Path,
) -> None:
    assert materialize(folder, cell, resources, instance).success
    other = load_encoder(write_small_encoder(tmp_path / "other.safetensors", seed=1))
    with pytest.raises(WorkflowError, match=r"^the catalogue serves the weights "):
        ingest_cell(database, other, SURVEY, folder, cell, [], lambda _: None)


def test_a_database_that_is_down_fails_the_run_in_one_line(
    folder: Path, cell: str, resources: dict[str, object], instance: dg.DagsterInstance
) -> None:
    nowhere = DatabaseResource(url="postgresql://nobody@localhost:1/none")
    result = materialize(folder, cell, resources | {"database": nowhere}, instance)
    said = failure(result)
    assert "localhost" in said
    assert "\n" not in said


def test_a_partition_is_materialized_without_any_configuration(
    cell: str, folder: Path, resources: dict[str, object], instance: dg.DagsterInstance, tmp_path: Path
) -> None:
    """What the button *Materialize* of Dagster's page does."""
    (tmp_path / "drop").mkdir()
    folder.rename(tmp_path / "drop" / SURVEY)
    partition = partition_of(SURVEY, cell)
    instance.add_dynamic_partitions(str(sky_cells.name), [partition, "legacy_dr9/healpix5-00001"])
    done = dg.materialize([galaxies], partition_key=partition, instance=instance, resources=resources)
    (materialization,) = done.asset_materializations_for_node("galaxies")
    assert materialization.metadata["galaxies"].value == 2 * GALAXIES
    lines = [entry.user_message for entry in instance.all_logs(done.run_id) if entry.dagster_event is None]
    assert [line for line in lines if line.startswith("tile ")] == [
        f"tile {name}: {GALAXIES} galaxies" for name in (GOOD, BAD)
    ]
    nowhere = dg.materialize(
        [galaxies],
        partition_key="legacy_dr9/healpix5-00001",
        instance=instance,
        resources=resources,
        raise_on_error=False,
    )
    assert failure(nowhere).startswith(f"{tmp_path / 'drop'} holds no folder of survey legacy_dr9: ")


def test_a_second_release_is_filled_and_indexed_without_any_configuration(
    folder: Path,
    cell: str,
    resources: dict[str, object],
    instance: dg.DagsterInstance,
    galcat: Galcat,
    tmp_path: Path,
    connection: psycopg.Connection,
) -> None:
    assert materialize(folder, cell, resources, instance).success
    second = write_small_encoder(tmp_path / "second.safetensors", 1, "test_resnet")
    partition = partition_of(SURVEY, cell)
    alone = dg.materialize(
        [release_vectors],
        partition_key=partition,
        instance=instance,
        resources=resources,
        raise_on_error=False,
    )
    assert failure(alone) == "there is no release beside the shown one: galcat release create makes one"
    assert galcat("release", "create", second).code == 0
    done = dg.materialize([release_vectors], partition_key=partition, instance=instance, resources=resources)
    (materialization,) = done.asset_materializations_for_node("release_vectors")
    assert materialization.metadata["release"].value == "small-1"
    assert materialization.metadata["galaxies"].value == 2 * GALAXIES
    assert dg.materialize([release_index], instance=instance, resources=resources).success
    missing = "SELECT count(*) FROM galcat.release, galcat.missing_tiles(release_id)"
    assert connection.execute(missing).fetchone() == (0,)
