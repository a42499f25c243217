"""A Dagster home made by the code of an earlier version works unchanged: its history is read and goes on."""

import sqlite3
from collections.abc import Iterator
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path

import dagster as dg
import pytest
from dagster._core.definitions.selector import InstigatorSelector
from dagster._core.storage.event_log.base import PartitionKeyFilter  # type: ignore[attr-defined] # private

from catalog.checks.integrity import CHECKS
from dagster_jobs.definitions import defs
from dagster_jobs.defs.assets import galaxies as galaxies_asset
from dagster_jobs.defs.resources import DatabaseResource, DropFolderResource
from dagster_jobs.defs.sensors import new_tiles_sensor
from dagster_jobs.launcher import WatchfulRunLauncher
from encoder.surveys.survey_file import load_survey
from encoder.tiles.tiles import find_tiles
from galcat.workflows.ingest.drop_scan import state_from_json
from galcat.workflows.ingest.sky_cells import cell_of
from tests.databases import fresh_database
from tests.galcat.bricks import GALAXIES, write_brick
from tests.galcat.cli.command_line import Galcat
from tests.galcat.old_home.make_dump import SURVEY
from tests.galcat.old_home.restore import (
    VERSIONS,
    restore_catalogue,
    restore_dagster,
    skip_unless_encoder_is_stored,
    write_bricks,
    write_encoder,
)

LOCATION, REPOSITORY = "dagster_jobs.definitions", "__repository__"  # as `galcat jobs` loads them
NEW_BRICK = "0502p100"


@dataclass(frozen=True)
class Old:
    """A home as the earlier version left it."""

    url: str
    home: Path
    instance: dg.DagsterInstance
    cells: dict[str, str]

    @property
    def drop(self) -> Path:
        """Where its bricks lie."""
        return self.home / "drop" / SURVEY


@pytest.fixture(params=VERSIONS)
def version(request: pytest.FixtureRequest) -> str:
    """The earlier version."""
    return str(request.param)


@pytest.fixture
def database(version: str, postgres_url: str, schema_template: str, tmp_path: Path) -> Iterator[str]:
    """The old catalogue."""
    assert schema_template  # whoever made it has made the roles
    with fresh_database(postgres_url, "template1") as url:
        restore_catalogue(version, url, tmp_path)
        yield url


@pytest.fixture
def old(version: str, database: str, tmp_path: Path) -> Iterator[Old]:
    """The home, its instance opened as Dagster's UI opens it."""
    bricks = write_bricks(tmp_path)
    cells = {tile.name: cell_of(tile) for tile in find_tiles(load_survey(SURVEY), bricks)}
    with dg.DagsterInstance.from_config(str(restore_dagster(version, tmp_path))) as instance:
        yield Old(database, tmp_path, instance, cells)


def read_materializations(instance: dg.DagsterInstance) -> list[tuple[str | None, object]]:
    """Partition and number of galaxies of each materialization of `galaxies`, the oldest first."""
    records = instance.fetch_materializations(galaxies_asset.key, limit=100, ascending=True).records
    events = [record.asset_materialization for record in records]
    return [(event.partition, event.metadata["galaxies"].value) for event in events if event is not None]


def test_runs_partitions_and_checks_are_those_of_todays_assets(old: Old) -> None:
    assert isinstance(old.instance.run_launcher, WatchfulRunLauncher)
    runs = old.instance.get_runs()
    assert [(run.job_name, run.status) for run in runs] == [("ingest", dg.DagsterRunStatus.SUCCESS)] * 2
    cells = set(old.cells.values())
    assert {run.tags["dagster/partition"] for run in runs} == cells
    for run in runs:
        assert dg.validate_run_config(defs.resolve_job_def(run.job_name), run.run_config)
    assert set(old.instance.get_dynamic_partitions("sky_cells")) == cells
    assert set(old.instance.get_materialized_partitions(galaxies_asset.key)) == cells
    assert sorted(read_materializations(old.instance)) == [(cell, 2 * GALAXIES) for cell in sorted(cells)]
    with closing(sqlite3.connect(old.home / "dagster" / "history" / "runs" / "index.db")) as stored:
        names = {name for (name,) in stored.execute("SELECT check_name FROM asset_check_executions")}
    assert {"complete", "finite_vectors", "fractions", "orphans", "row_count"} <= names <= set(CHECKS)
    for name in names:
        key = dg.AssetCheckKey(galaxies_asset.key, name)
        for cell in cells:
            history = old.instance.event_log_storage.get_asset_check_execution_history(
                key, limit=10, partition_filter=PartitionKeyFilter(key=cell)
            )
            assert [record.status.value for record in history] == ["SUCCEEDED"]


def test_the_sensor_waits_for_the_schema_goes_on_from_its_cursor_and_asks_for_a_new_tile_alone(
    old: Old, galcat: Galcat
) -> None:
    selector = InstigatorSelector(
        location_name=LOCATION, repository_name=REPOSITORY, name="new_tiles"
    ).get_id()
    (state,) = [one for one in old.instance.all_instigator_state() if one.instigator_name == "new_tiles"]
    assert state.selector_id == selector
    ticks = old.instance.get_ticks(state.instigator_origin_id, selector)
    assert len([tick for tick in ticks if tick.status.value == "SUCCESS"]) == 1
    cursor = state.instigator_data.cursor  # type: ignore[union-attr] # a sensor's has one
    assert state_from_json(cursor) == {SURVEY: {}}  # every tile is done, and the catalogue knows them

    for expected in (None, [], [], [NEW_BRICK]):
        context = dg.build_sensor_context(
            instance=old.instance,
            cursor=cursor,
            resources={
                "database": DatabaseResource(url=old.url),
                "drop_folder": DropFolderResource(path=str(old.drop.parent)),
            },
        )
        result = new_tiles_sensor(30)(context)
        if expected is None:  # a sensor never changes a schema
            assert isinstance(result, dg.SkipReason)
            assert "bring it up to date by galcat up" in (result.skip_message or "")
            assert galcat("up").code == 0
            continue
        assert isinstance(result, dg.SensorResult)
        configs = [run.run_config["ops"]["galaxies"]["config"] for run in result.run_requests or []]
        assert [name for config in configs for name in config["tiles"]] == expected
        cursor = result.cursor
        if not (old.drop / "coadd" / NEW_BRICK[:3] / NEW_BRICK).exists():
            write_brick(old.drop, NEW_BRICK)


def test_what_the_command_line_ingests_is_added_to_the_history(
    version: str, old: Old, galcat: Galcat
) -> None:
    weights = write_encoder(version, old.home)
    skip_unless_encoder_is_stored(weights, old.url)
    before = read_materializations(old.instance)
    write_brick(old.drop, NEW_BRICK)
    said = galcat("ingest", old.drop, "--survey", SURVEY, "--weights", weights)
    assert (said.code, "1 tile ingested, 4 unchanged" in said.err, "warning" in said.err) == (0, True, False)
    (cell,) = {cell_of(tile) for tile in find_tiles(load_survey(SURVEY), old.drop) if tile.name == NEW_BRICK}
    assert read_materializations(old.instance) == [*before, (f"{SURVEY}/{cell}", GALAXIES)]
    assert len(old.instance.get_runs()) == 2
