"""What the command line ingests is shown by the Dagster instance of its home; without one, no Dagster."""

import shutil
import sqlite3
import subprocess
import sys
from collections.abc import Iterator
from contextlib import ExitStack, closing
from pathlib import Path

import dagster as dg
import pytest

import dagster_jobs
from catalog.checks.integrity import CHECKS
from catalog.database.connection import connect
from dagster_jobs.defs.assets import galaxies as galaxies_asset
from dagster_jobs.defs.resources import partition_of
from dagster_jobs.run_report import ingestion_report
from encoder.surveys.survey_file import load_survey
from encoder.tiles.tiles import find_tiles
from galcat.workflows.ingest.sky_cells import cell_of
from tests.galcat.bricks import GALAXIES, mend, spoil, write_brick
from tests.galcat.cli.command_line import Galcat
from tests.galcat.small_encoder import write_small_encoder

SURVEY = "legacy_dr10"
FIRST, SECOND, ELSEWHERE = "0100p000", "0101p000", "0500p100"  # two in a cell, one in another
TABLES = 5  # a galaxy has a row in each


@pytest.fixture
def dagster_home(tmp_path: Path) -> Path:
    """The folder of Dagster's instance in GALCAT_HOME, as `galcat jobs` makes it."""
    folder = tmp_path / "dagster"
    folder.mkdir()
    shutil.copy(Path(dagster_jobs.__file__).with_name("dagster.yaml"), folder)
    return folder


@pytest.fixture
def instance(dagster_home: Path) -> Iterator[dg.DagsterInstance]:
    """The instance, seen by Dagster's UI."""
    with dg.DagsterInstance.from_config(str(dagster_home)) as opened:
        yield opened


@pytest.fixture
def bricks(tmp_path: Path) -> Path:
    for name in (FIRST, SECOND, ELSEWHERE):
        write_brick(tmp_path / "bricks", name)
    return tmp_path / "bricks"


@pytest.fixture
def cells(bricks: Path) -> dict[str, str]:
    """The partition of each brick."""
    return {
        tile.name: partition_of(SURVEY, cell_of(tile)) for tile in find_tiles(load_survey(SURVEY), bricks)
    }


def read_materializations(instance: dg.DagsterInstance, asset: str) -> dict[str | None, dict[str, object]]:
    """Metadata of the last materialization of each partition of an asset."""
    found: dict[str | None, dict[str, object]] = {}
    records = instance.fetch_materializations(dg.AssetKey(asset), limit=100, ascending=True).records
    for record in records:
        event = record.asset_materialization
        assert event is not None
        found[event.partition] = {
            name: value.value for name, value in event.metadata.items() if name in {*counts(0), "built_now"}
        }
    return found


def counts(tiles: int) -> dict[str, object]:
    """What Dagster shows of a cell of good tiles."""
    return {
        "tiles": tiles,
        "failed": 0,
        "galaxies": tiles * GALAXIES,
        "skipped": 0,
        "unreadable_images": 0,
        "rows_changed": tiles * GALAXIES * TABLES,
        "retired": 0,
    }


def check_outcomes(instance: dg.DagsterInstance, asset: str, cell: str, *names: str) -> dict[str, bool]:
    """Whether each check passed when it was last evaluated in a partition."""
    found = {}
    for name in names or CHECKS:
        key = dg.AssetCheckKey(dg.AssetKey(asset), name)
        records = instance.event_log_storage.get_asset_check_execution_history(key, limit=20)
        events = [record.event.dagster_event for record in records if record.event is not None]
        of_cell = [
            event.asset_check_evaluation_data
            for event in events
            if event is not None and event.asset_check_evaluation_data.metadata["cell"].value == cell
        ]
        found[name] = of_cell[0].passed  # the newest comes first
    return found


def test_what_the_command_line_ingests_is_materialized_in_the_instance_of_the_home(
    galcat: Galcat, bricks: Path, weights: Path, cells: dict[str, str], instance: dg.DagsterInstance
) -> None:
    said = galcat("ingest", bricks, "--survey", SURVEY, "--weights", weights)
    assert (said.code, "warning" in said.err) == (0, False)
    one, other = cells[FIRST], cells[ELSEWHERE]
    assert cells[SECOND] == one != other
    assert set(instance.get_dynamic_partitions("sky_cells")) == {one, other}
    assert read_materializations(instance, "galaxies") == {one: counts(2), other: counts(1)}
    assert set(instance.get_materialized_partitions(galaxies_asset.key)) == {one, other}
    for cell in (one, other):
        assert check_outcomes(instance, "galaxies", cell) == dict.fromkeys(CHECKS, True)
    assert read_materializations(instance, "vector_index") == {None: {"built_now": True}}
    assert read_materializations(instance, "statistics") == {None: {}}
    assert instance.get_runs() == []


def test_a_second_run_in_the_same_cell_is_shown_whole(
    galcat: Galcat, bricks: Path, weights: Path, instance: dg.DagsterInstance
) -> None:
    words = ("ingest", bricks, "--survey", SURVEY, "--weights", weights)
    whole = spoil(bricks, SECOND)
    assert galcat(*words).code == 1
    mend(bricks, SECOND, whole)
    said = galcat(*words)
    assert (said.code, "warning" in said.err) == (0, False)
    for name in CHECKS:
        key = dg.AssetCheckKey(dg.AssetKey("galaxies"), name)
        records = instance.event_log_storage.get_asset_check_execution_history(key, limit=20)
        assert len(records) == 3  # two of one cell, one of the other
    assert len(instance.fetch_materializations(dg.AssetKey("vector_index"), limit=10).records) == 2


def test_a_cell_of_bad_tiles_alone_is_observed_and_one_with_a_good_tile_is_materialized(
    galcat: Galcat, bricks: Path, weights: Path, cells: dict[str, str], instance: dg.DagsterInstance
) -> None:
    whole = spoil(bricks, SECOND)
    spoil(bricks, ELSEWHERE)
    words = ("ingest", bricks, "--survey", SURVEY, "--weights", weights)
    assert galcat(*words).code == 1
    assert read_materializations(instance, "galaxies") == {
        cells[FIRST]: counts(1) | {"tiles": 2, "failed": 1}
    }
    (record,) = instance.fetch_observations(dg.AssetKey("galaxies"), limit=10).records
    seen = record.asset_observation
    assert seen is not None
    assert (seen.partition, seen.metadata["failed"].value) == (cells[ELSEWHERE], 1)
    assert seen.metadata["galaxies"].value == 0
    assert check_outcomes(instance, "galaxies", cells[FIRST], "tiles_readable") == {"tiles_readable": False}
    mend(bricks, SECOND, whole)
    write_brick(bricks, ELSEWHERE)
    assert galcat(*words).code == 0
    assert read_materializations(instance, "galaxies")[cells[FIRST]] == counts(1)


def test_a_backfill_of_the_command_line_is_materialized_as_that_of_its_release(
    galcat: Galcat,
    bricks: Path,
    weights: Path,
    cells: dict[str, str],
    tmp_path: Path,
    dagster_home: Path,
) -> None:
    hidden = dagster_home.rename(tmp_path / "hidden")
    assert galcat("ingest", bricks, "--survey", SURVEY, "--weights", weights).code == 0
    second = write_small_encoder(tmp_path / "second.safetensors", 1, "test_resnet")
    assert galcat("release", "create", second).code == 0
    hidden.rename(dagster_home)
    assert galcat("release", "backfill", "small-1", "--weights", second).code == 0
    with dg.DagsterInstance.from_config(str(dagster_home)) as instance:
        found = read_materializations(instance, "release_vectors")
        assert {cell: metadata["galaxies"] for cell, metadata in found.items()} == {
            cells[FIRST]: 2 * GALAXIES,
            cells[ELSEWHERE]: GALAXIES,
        }
        assert check_outcomes(instance, "release_vectors", cells[FIRST]) == dict.fromkeys(CHECKS, True)
        assert read_materializations(instance, "release_index") == {None: {"built_now": True}}
        assert read_materializations(instance, "statistics") == {None: {}}
        assert read_materializations(instance, "galaxies") == {}


def test_an_instance_that_dagster_home_names_inside_the_home_is_told(
    galcat: Galcat,
    bricks: Path,
    weights: Path,
    dagster_home: Path,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setenv("DAGSTER_HOME", str(dagster_home.rename(tmp_path / "mine")))
    assert galcat("ingest", bricks, "--survey", SURVEY, "--weights", weights).code == 0
    with dg.DagsterInstance.from_config(str(tmp_path / "mine")) as instance:
        assert len(read_materializations(instance, "galaxies")) == 2


@pytest.mark.parametrize("damage", ["tables of another version", "no database", "no configuration", "a lock"])
def test_an_instance_that_cannot_be_told_is_one_warning_and_the_galaxies_are_in(
    galcat: Galcat,
    bricks: Path,
    weights: Path,
    database: str,
    dagster_home: Path,
    damage: str,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    with dg.DagsterInstance.from_config(str(dagster_home)) as made:
        made.add_dynamic_partitions("sky_cells", ["none"])
    files = list(dagster_home.rglob("*.db"))
    assert files
    if damage == "tables of another version":
        with closing(sqlite3.connect(dagster_home / "history" / "runs" / "index.db")) as database_file:
            database_file.execute("DROP TABLE dynamic_partitions")
    if damage == "no database":
        for file in files:
            file.write_bytes(b"not a database, not a database " * 200)
    if damage == "no configuration":
        (dagster_home / "dagster.yaml").write_text("telemetry: {enabled: perhaps}\n")
    with ExitStack() as stack:
        if damage == "a lock":
            monkeypatch.setattr("dagster_jobs.run_report.MAX_WAIT_S", 0.2)
            file = dagster_home / "history" / "runs.db"
            other = stack.enter_context(closing(sqlite3.connect(file, isolation_level=None)))
            other.execute("BEGIN EXCLUSIVE")
        said = galcat("ingest", bricks, "--survey", SURVEY, "--weights", weights)
    assert said.code == 0
    (warning,) = [line for line in said.err.splitlines() if "warning" in line]
    told = f"warning: the Dagster instance in {dagster_home} does not show this run: "
    assert warning.startswith(told)
    if damage == "a lock":
        assert warning == f"{told}{dagster_home}/history/runs.db: database is locked"
    if damage == "no configuration":
        assert warning.startswith(
            f"{told}{dagster_home}/dagster.yaml: Invalid scalar at path root:telemetry:"
        )
    assert "Traceback" not in said.err
    with connect(database, autocommit=True) as connection:
        row = connection.execute("SELECT count(*) FROM galcat.galaxy").fetchone()
    assert row == (3 * GALAXIES,)


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ("telemetry: [\n", ", line 2: expected the node content, but found '<stream end>'"),
        ("- a\n", ": Expected YAML from file {file} to parse to dictionary, instead got: \"['a']\""),
    ],
)
def test_a_broken_configuration_is_named_with_its_file(tmp_path: Path, text: str, told: str) -> None:
    file = tmp_path / "dagster.yaml"
    file.write_text(text)
    warned: list[str] = []
    with ingestion_report(tmp_path, warned.append) as listener:
        listener.on_statistics()
    assert warned == [
        f"the Dagster instance in {tmp_path} does not show this run: {file}{told.format(file=file)}"
    ]


def test_an_instance_locked_in_mid_run_is_one_warning_and_is_not_waited_for_again(
    dagster_home: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("dagster_jobs.run_report.MAX_WAIT_S", 0.2)
    with dg.DagsterInstance.from_config(str(dagster_home)) as made:
        made.add_dynamic_partitions("sky_cells", ["none"])
    file, warned = dagster_home / "history" / "runs" / "index.db", []
    with (
        ingestion_report(dagster_home, warned.append) as listener,
        closing(sqlite3.connect(file, isolation_level=None)) as other,
    ):
        other.execute("BEGIN EXCLUSIVE")
        listener.on_statistics()
        other.execute("ROLLBACK")
        listener.on_index(built_now=True)
    assert warned == [
        f"the Dagster instance in {dagster_home} does not show this run: {file}: database is locked"
    ]
    with dg.DagsterInstance.from_config(str(dagster_home)) as opened:
        assert read_materializations(opened, "vector_index") == {}


def test_without_an_instance_no_module_of_dagster_is_imported(
    bricks: Path, weights: Path, database: str, tmp_path: Path
) -> None:
    program = (
        "import sys; from galcat.cli.main import main\n"
        "try: main()\n"
        "finally: print(sorted({name.split('.')[0] for name in sys.modules if name.startswith('dagster')}))"
    )
    command = [sys.executable, "-c", program, "ingest", bricks, "--survey", SURVEY, "--weights", weights]
    environment = {
        "GALCAT_DATABASE_URL": database,
        "GALCAT_HOME": str(tmp_path),
        "PATH": "",
        "PYTHONPATH": str(Path(dagster_jobs.__file__).parents[1]),
    }
    done = subprocess.run(command, env=environment, capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "['dagster_jobs']"  # whose own modules import Dagster where one is told
    assert "3 tiles ingested" in done.stderr
