"""Real workers of Ray: the vectors that are made here, tiles that fail, workers that are killed."""

import os
import signal
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from importlib.util import find_spec
from pathlib import Path

import psutil
import pytest

from catalog.database.connection import connect
from catalog.releases.releases import find_release
from encoder.model.encoder import load_encoder
from encoder.surveys.survey_file import load_survey
from encoder.tiles.tiles import find_tiles
from galcat.errors import WorkflowError
from galcat.workflows.ingest.encoding import InProcess, TileTask
from galcat.workflows.ingest.target import create_release
from galcat.workflows.listener import Listener
from galcat.workflows.releases.weights_store import keep_weights
from galcat.workflows.run import fill_release, ingest_folder
from ray_jobs.executor import encode_on_ray
from tests.databases import fresh_database
from tests.galcat.bricks import mend, spoil, write_brick
from tests.galcat.small_encoder import write_small_encoder
from tests.waiting import wait_until

if find_spec("ray") is None:
    pytest.skip("the library ray is not installed: pip install 'galcat[ray]'", allow_module_level=True)

import ray

from ray_jobs.fleet import RayFleet

pytestmark = [
    pytest.mark.long,
    # Ray's own: files and sockets of the processes that it starts.
    pytest.mark.filterwarnings("ignore::ResourceWarning", "ignore::pytest.PytestUnraisableExceptionWarning"),
]
SURVEY = "legacy_dr10"
NAMES = ["0100p000", "0101p000", "0100p001", "1500p000"]
"""Bricks of several cells."""
ROWS = """
    SELECT s.survey_source_id, f.release_id, f.vector::text, e.search::text, m::text, t.jpeg, f.picture_digest
    FROM galcat.source AS s JOIN galcat.embedding_full AS f USING (object_id)
    JOIN galcat.embedding AS e USING (object_id, release_id)
    JOIN galcat.morphology AS m USING (object_id, release_id)
    JOIN galcat.thumbnail AS t USING (object_id) ORDER BY 1, 2
"""


class Kept(Listener):
    """Keeps what it is told."""

    def __init__(self) -> None:
        self.remarks: list[str] = []
        self.tiles: dict[str, str] = {}

    def on_remark(self, text: str) -> None:
        self.remarks.append(text)

    def on_tile(self, outcome: object) -> None:
        self.tiles[outcome.name] = outcome.state  # type: ignore[attr-defined]


@pytest.fixture(scope="module")
def weights(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return write_small_encoder(tmp_path_factory.mktemp("weights") / "small.safetensors")


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    made = tmp_path_factory.mktemp("bricks")
    for name in NAMES:
        write_brick(made, name)
    return made


@pytest.fixture(scope="module")
def cluster() -> Iterator[None]:
    """A cluster that this process belongs to already."""
    ray.init("local", num_cpus=2, include_dashboard=False, log_to_driver=False, logging_level="ERROR")
    yield
    ray.shutdown()


@pytest.fixture(autouse=True)
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("GALCAT_HOME", str(tmp_path))


def rows_of(url: str) -> list[tuple[object, ...]]:
    with connect(url, autocommit=True) as connection:
        return connection.execute(ROWS).fetchall()


def test_rows_are_those_made_here_bit_by_bit_also_of_a_backfill_and_a_bad_tile_is_named(
    database: str, postgres_url: str, schema_template: str, folder: Path, weights: Path, tmp_path: Path
) -> None:
    other = write_small_encoder(tmp_path / "other.safetensors", seed=1)
    on_ray = encode_on_ray("local", 2)
    here, there = Kept(), Kept()
    with fresh_database(postgres_url, schema_template) as second:
        whole = spoil(folder, NAMES[1])
        ingest_folder(database, SURVEY, folder, weights, here)
        ingest_folder(second, SURVEY, folder, weights, there, encode_by=on_ray)
        mend(folder, NAMES[1], whole)
        assert here.tiles == there.tiles == {name: "failed" if name == NAMES[1] else "done" for name in NAMES}
        ingest_folder(database, SURVEY, folder, weights, here)
        ingest_folder(second, SURVEY, folder, weights, there, encode_by=on_ray)
        for url, encode in ((database, {}), (second, {"encode_by": on_ray})):
            create_release(url, load_encoder(other), "other")
            fill_release(url, "other", str(other), {}, here, **encode)
            with connect(url, autocommit=True) as connection:
                assert find_release(connection, "other").name == "other"
        rows = rows_of(database)
        assert len(rows) == len(NAMES) * 3 * 2
        assert rows_of(second) == rows
    assert there.remarks == []


@pytest.mark.usefixtures("cluster")
def test_a_worker_that_is_killed_with_a_tile_in_its_hands_loses_none(folder: Path, weights: Path) -> None:
    encoder, survey = load_encoder(weights), load_survey(SURVEY)
    keep_weights(weights)
    found = find_tiles(survey, folder)
    tasks = [TileTask(files) for files in found]
    wanted = {work.files.name: work for work in InProcess(encoder).encode(survey, tasks)}
    remarks: list[str] = []
    with encode_on_ray("local", 1)(encoder, remarks.append) as executor, ThreadPoolExecutor(1) as threads:
        (first,) = executor.encode(survey, tasks[:1])
        assert first.error is None
        (worker,) = workers()
        worker.suspend()
        running = threads.submit(lambda: [*executor.encode(survey, tasks)])
        wait_until(lambda: bool(executor._workers[0].jobs))  # type: ignore[attr-defined]
        os.kill(worker.pid, signal.SIGKILL)
        works = running.result()
    assert sorted(work.files.name for work in works) == sorted(NAMES)
    for work in works:
        assert work.tile is not None
        assert (work.tile.full == wanted[work.files.name].tile.full).all()  # type: ignore[union-attr]
    (remark,) = remarks
    assert f"(process {worker.pid}) was lost" in remark
    assert "killed" in remark


@pytest.mark.usefixtures("cluster")
def test_weights_that_cannot_be_loaded_are_one_line(
    folder: Path, weights: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    encoder, survey = load_encoder(weights), load_survey(SURVEY)
    keep_weights(weights)
    made = RayFleet.__init__
    wrong = lambda self, _bytes, on_gpus: made(self, b"none", on_gpus=on_gpus)  # noqa: E731
    monkeypatch.setattr(RayFleet, "__init__", wrong)
    remarks: list[str] = []
    with (
        pytest.raises(WorkflowError, match=r"a worker cannot begin its work: weights file .* cannot be read"),
        encode_on_ray("local", 1)(encoder, remarks.append) as executor,
    ):
        [*executor.encode(survey, iter([TileTask(find_tiles(survey, folder)[0])]))]


def workers() -> list[psutil.Process]:
    """The processes of workers that this test has started."""
    every = psutil.Process().children(recursive=True)
    return [one for one in every if one.name().startswith("ray::TileWorker")]
