"""What spreading tiles over nodes of Ray costs, and whether every tile comes once whatever is killed.

    python -m benchmarks.ray_nodes [encode] [waits] [kills]

Nodes are those of `ray.cluster_utils.Cluster`: processes of this machine that count as machines of one
processor. Needs the library ray.

* `encode`: worker-seconds of a galaxy, by the processor time of the workers, on one node and on two.
* `waits`: the encoder replaced by a wait: how much of n times one node's pace n nodes reach, by the clock.
* `kills`: workers and nodes killed at random moments while waits are spread over them: every tile once.
"""

import os
import random
import sys
import tempfile
import threading
import time
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import psutil  # type: ignore[import-untyped] # it ships no types

from encoder.model.encoder import load_encoder
from encoder.simulation.simulate import simulate_survey
from encoder.surveys.description import Survey
from encoder.surveys.survey_file import load_survey
from encoder.tiles.tile_files import TileFiles
from encoder.tiles.tiles import find_tiles
from galcat.workflows.ingest.encoding import EncodedWork, TileTask
from galcat.workflows.releases.weights_store import keep_weights, shipped_file
from ray_jobs import fleet as fleet_module
from ray_jobs.executor import encode_on_ray
from ray_jobs.fleet import RayFleet
from ray_jobs.pool import WorkerPool
from ray_jobs.worker import WorkerState

BRICKS, GALAXIES = 4, 60
WAIT_S, WAITS_A_NODE = 1.0, 20
KILL_TILES, KILL_NODES, KILLS = 120, 3, 20


class WaitingWorker:
    """In the place of a worker: it waits for as long as encoding would take, and needs no PyTorch.

    Args:
        weights: Not looked at.
        device: Not looked at.
    """

    def __init__(self, weights: bytes, device: str | None = None) -> None:
        del weights, device

    def describe(self) -> WorkerState:
        return WorkerState(os.uname().nodename, os.getpid(), "", "", "")

    def encode(self, survey: Survey, task: TileTask) -> EncodedWork:
        del survey
        time.sleep(WAIT_S)
        return EncodedWork(task.files, "hash")


def main(parts: list[str]) -> None:
    """Run the parts that are named, or all."""
    every: dict[str, Callable[[], None]] = {"encode": encode, "waits": waits, "kills": kills}
    for part in parts or [*every]:
        every[part]()


def encode() -> None:
    """Worker-seconds a galaxy on one node and on two."""
    with tempfile.TemporaryDirectory(prefix="galcat-benchmark-") as home:
        os.environ["GALCAT_HOME"] = home
        folder, survey = simulate_survey(Path(home) / "bricks", BRICKS, GALAXIES), load_survey("legacy_dr10")
        with shipped_file() as file:
            keep_weights(file)
            encoder = load_encoder(file, "cpu")
        tasks = [TileTask(files) for files in find_tiles(survey, folder)]
        each = {}
        for n in (1, 2):
            with nodes(n), encode_on_ray("auto", n)(encoder, print) as executor:
                [*executor.encode(survey, tasks[:n])]  # each has loaded its weights
                before, own = workers_s(), time.process_time()
                works = [*executor.encode(survey, tasks)]
                galaxies = sum(len(work.tile.jpegs) for work in works if work.tile)
                each[n] = (workers_s() - before) / galaxies
                own = time.process_time() - own
            load = os.getloadavg()[0]
            print(
                f"{n} nodes: {galaxies} galaxies, {each[n]:.4f} worker-seconds each, "
                f"{own:.2f} s of the driver in all, load {load:.1f}"
            )
        print(f"two nodes need {each[2] / each[1]:.2f} times the worker-seconds of one")


def waits() -> None:
    """How much of n times one node's pace is reached."""
    fleet_module.TileWorker = WaitingWorker  # type: ignore[misc, assignment]
    for n in (2, 4, 8):
        with nodes(n), pool_of(n) as pool:
            [*pool.encode(SURVEY, made_up(2 * n))]  # all are there
            start = time.perf_counter()
            found = [*pool.encode(SURVEY, made_up(n * WAITS_A_NODE))]
            seconds = time.perf_counter() - start
        assert len(found) == n * WAITS_A_NODE
        efficiency, load = WAITS_A_NODE * WAIT_S / seconds, os.getloadavg()[0]
        print(f"{n} nodes, waits of {WAIT_S:g} s: efficiency {efficiency:.3f}, load {load:.1f}")


def kills() -> None:
    """Workers and nodes killed at random moments: every tile comes once."""
    fleet_module.TileWorker = WaitingWorker  # type: ignore[misc, assignment]
    rng, over, done = random.Random(1), threading.Event(), Counter[str]()
    remarks: list[str] = []
    with nodes(KILL_NODES) as cluster, pool_of(KILL_NODES, remarks.append) as pool:
        [*pool.encode(SURVEY, made_up(KILL_NODES))]

        def kill() -> None:
            for _ in range(KILLS):
                if over.wait(rng.uniform(0.5, 4)):
                    return
                if rng.random() < 0.25:
                    done["nodes"] += 1
                    cluster.remove_node(rng.choice([*cluster.worker_nodes]), allow_graceful=False)
                    cluster.add_node(num_cpus=1)
                elif found := workers():
                    done["workers"] += 1
                    rng.choice(found).kill()

        killer = threading.Thread(target=kill)
        killer.start()
        works = [*pool.encode(SURVEY, made_up(KILL_TILES))]
        over.set()
        killer.join()
    names = Counter(work.files.name for work in works)
    assert set(names.values()) == {1}, names
    assert len(names) == KILL_TILES
    failed = [work.error for work in works if work.error]
    print(
        f"{done['workers']} workers and {done['nodes']} nodes killed, {len(remarks)} losses noticed: "
        f"{len(names)} tiles, each once, {len(failed)} given up, load {os.getloadavg()[0]:.1f}"
    )


SURVEY = load_survey("legacy_dr10")


def made_up(n: int) -> Iterator[TileTask]:
    """Tiles without files."""
    return (TileTask(TileFiles("legacy_dr10", f"t{i}", Path("/none"), (), "")) for i in range(n))


@contextmanager
def pool_of(n: int, remark: Callable[[str], None] = print) -> Iterator[WorkerPool]:
    """A pool of waiting workers."""
    fleet = RayFleet(b"", on_gpus=False)
    pool = WorkerPool(fleet, n, remark)
    try:
        yield pool
    finally:
        pool.close()
        fleet.close()


@contextmanager
def nodes(n: int) -> Iterator[Any]:
    """A cluster of a head without processors and n nodes of one, to which this process belongs."""
    os.environ.setdefault("RAY_ACCEL_ENV_VAR_OVERRIDE_ON_ZERO", "0")
    os.environ.setdefault("RAY_USAGE_STATS_ENABLED", "0")
    import ray  # noqa: PLC0415 - optional
    from ray.cluster_utils import Cluster  # noqa: PLC0415

    small = {"object_store_memory": 100_000_000, "include_dashboard": False}
    cluster = Cluster(initialize_head=True, head_node_args={"num_cpus": 0, **small})
    try:
        for _ in range(n):
            cluster.add_node(num_cpus=1, object_store_memory=100_000_000)
        ray.init(address=cluster.address, log_to_driver=False, logging_level="ERROR")
        yield cluster
    finally:
        ray.shutdown()
        cluster.shutdown()


def workers() -> list[Any]:
    """The processes of workers on all nodes."""
    every = psutil.Process().children(recursive=True)
    return [one for one in every if _name(one).startswith(("ray::TileWorker", "ray::WaitingWorker"))]


def workers_s() -> float:
    """Processor time of the workers, seconds."""
    return sum(sum(one.cpu_times()[:2]) for one in workers())


def _name(process: Any) -> str:  # noqa: ANN401 - of psutil
    try:
        return str(process.name())
    except psutil.Error:
        return ""


if __name__ == "__main__":
    main(sys.argv[1:])
