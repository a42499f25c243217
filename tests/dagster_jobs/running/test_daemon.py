"""With a real daemon: tiles that arrive, one in mid-run, are ingested by runs that share a pool of one."""

import shutil
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path

import dagster as dg
import psycopg
import pytest
from dagster._core.launcher import WorkerStatus

import dagster_jobs
from catalog.database.connection import connect
from galcat.workflows.ingest.cell import cell_lock
from tests.galcat.bricks import GALAXIES, find_cell, write_brick
from tests.galcat.processes import RunningProcess, start_process, wait_while_running

SURVEY = "legacy_dr10"
FIRST, SECOND = "0100p000", "0200p000"  # in different cells
DEFINITIONS = """
from dagster_jobs.definitions import catalogue_definitions

defs = catalogue_definitions(scan_interval_s=2, weights={weights!r})
"""


@pytest.fixture
def home(tmp_path: Path) -> Path:
    """GALCAT_HOME with an empty drop folder and the Dagster instance that `galcat jobs` makes."""
    (tmp_path / "drop").mkdir()
    (tmp_path / "dagster").mkdir()
    shutil.copy(Path(dagster_jobs.__file__).with_name("dagster.yaml"), tmp_path / "dagster")
    with dg.DagsterInstance.from_config(str(tmp_path / "dagster")):
        pass  # its databases are made before daemon and code server both try to
    return tmp_path


@pytest.fixture
def daemon(home: Path, database: str, weights: Path) -> Iterator[RunningProcess]:
    """The daemon with its code server, looking into the drop folder every two seconds."""
    (home / "definitions.py").write_text(DEFINITIONS.format(weights=str(weights)))
    environment = {
        "DAGSTER_HOME": str(home / "dagster"),
        "GALCAT_HOME": str(home),
        "GALCAT_DATABASE_URL": database,
    }
    command = ["dagster-daemon", "run", "-f", str(home / "definitions.py")]
    with start_process(command, environment, home / "daemon.log") as process:
        yield process


@pytest.fixture
def instance(home: Path) -> Iterator[dg.DagsterInstance]:
    """The daemon's instance, seen from outside."""
    with dg.DagsterInstance.from_config(str(home / "dagster")) as opened:
        yield opened


@pytest.mark.long  # in small: the sensor's tests, the pool's limit, and the run of test_compose
@pytest.mark.xdist_group("dagster")
def test_tiles_that_arrive_are_ingested_by_runs_that_take_turns(
    home: Path, database: str, daemon: RunningProcess, instance: dg.DagsterInstance
) -> None:
    drop = home / "drop" / SURVEY

    def wait(event: str, is_so: Callable[[], bool]) -> None:
        wait_while_running(event, is_so, [daemon])

    wait("two ticks over an empty folder", lambda: len(ticks(instance)) >= 2)
    assert set(ticks(instance)) <= {"SKIPPED", "STARTED"}

    write_brick(drop, FIRST)
    cell = find_cell(drop)
    with connect(database, autocommit=True) as connection, cell_lock(connection, SURVEY, cell):
        wait("a run of the first tile, in the middle", lambda: waiting(connection) == 1)
        (run,) = ingestions(instance)
        assert health(instance, run) == WorkerStatus.RUNNING
        write_brick(drop, SECOND)
        wait("a run queued for the tile that came", lambda: statuses(instance) == ["QUEUED", "STARTED"])
        assert galaxies(connection) == {}
    wait("the end of all runs", lambda: all(run.is_finished for run in ingestions(instance)))

    assert statuses(instance) == ["SUCCESS"] * 2  # ticks went on, and asked for nothing twice
    with connect(database) as connection:
        assert galaxies(connection) == {FIRST: GALAXIES, SECOND: GALAXIES}
    first, second = sorted(interval(instance, run.run_id) for run in ingestions(instance))
    assert first[1] <= second[0]
    assert health(instance, run) == WorkerStatus.SUCCESS
    lost = dg.DagsterRun(job_name="ingest", status=dg.DagsterRunStatus.STARTED, tags=run_tags(instance, run))
    assert health(instance, instance.add_run(lost)) == WorkerStatus.NOT_FOUND


def health(instance: dg.DagsterInstance, run: dg.DagsterRun) -> WorkerStatus:
    """Whether the run's process lives, as Dagster's monitoring asks."""
    return instance.run_launcher.check_run_worker_health(run).status


def run_tags(instance: dg.DagsterInstance, run: dg.DagsterRun) -> dict[str, str]:
    """The tags of a run now; they name the code server that started it."""
    found = instance.get_run_by_id(run.run_id)
    assert found is not None
    return dict(found.tags)


def statuses(instance: dg.DagsterInstance) -> list[str]:
    """How each ingestion stands, in order of the alphabet."""
    return sorted(run.status.value for run in ingestions(instance))


def ingestions(instance: dg.DagsterInstance) -> Sequence[dg.DagsterRun]:
    """The runs that ingest a cell: another gives the catalogue its index when they are over."""
    return instance.get_runs(dg.RunsFilter(job_name="ingest"))


def ticks(instance: dg.DagsterInstance) -> list[str]:
    """How each tick of the sensor ended."""
    return [
        tick.status.value
        for state in instance.all_instigator_state()
        if state.instigator_name == "new_tiles"
        for tick in instance.get_ticks(state.instigator_origin_id, state.selector_id)
    ]


def interval(instance: dg.DagsterInstance, run_id: str) -> tuple[float, float]:
    """When a run's step began and ended, by the event log."""
    start, end = (
        instance.all_logs(run_id, of_type=kind)[0].timestamp
        for kind in (dg.DagsterEventType.STEP_START, dg.DagsterEventType.STEP_SUCCESS)
    )
    return start, end


def waiting(connection: psycopg.Connection) -> int:
    """Sessions of this database that wait for a cell."""
    row = connection.execute(
        "SELECT count(*) FROM pg_locks WHERE locktype = 'advisory' AND NOT granted "
        "AND database = (SELECT oid FROM pg_database WHERE datname = current_database())"
    ).fetchone()
    assert row is not None
    return int(row[0])


def galaxies(connection: psycopg.Connection) -> dict[str, int]:
    """Number of galaxies by tile."""
    found = connection.execute("SELECT tile, count(*) FROM galcat.galaxy GROUP BY tile")
    return {str(tile): int(n) for tile, n in found}
