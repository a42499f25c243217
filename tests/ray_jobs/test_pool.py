"""A pool of workers gives every tile once, whatever dies: with workers that a test ends at will."""

import threading
from collections import Counter
from collections.abc import Callable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import closing, contextmanager
from itertools import islice
from pathlib import Path

import pytest

from encoder.surveys.description import Survey
from encoder.surveys.survey_file import load_survey
from encoder.tiles.tile_files import TileFiles
from galcat.errors import WorkflowError
from galcat.workflows.ingest.encoding import EncodedWork, TileTask
from ray_jobs import pool as pool_module
from ray_jobs.fleet_protocol import WorkerLostError
from ray_jobs.pool import MAX_FAILED_STARTS, MAX_LOST, QUEUED, WorkerPool
from ray_jobs.worker import WorkerState
from tests.waiting import LAST_LIMIT_S

SURVEY = load_survey("legacy_dr10")
STATE = WorkerState("here", 7, "0", "", "cpu")


def tasks(n: int) -> Iterator[TileTask]:
    return (TileTask(TileFiles("legacy_dr10", f"t{i}", Path("/none"), (), "")) for i in range(n))


class Hands:
    """A fleet whose workers do as a test says: what each tile makes of its worker is decided by `act`.

    Args:
        act: Given a worker's number and a tile's name; returns the work, or raises.
    """

    concurrency = 1

    def __init__(self, act: Callable[[int, str], None] = lambda _worker, _name: None) -> None:
        self.act = act
        self.started = 0
        self.stopped: set[int] = set()
        self.dead: set[int] = set()
        self.alone: Counter[str] = Counter()
        self.tried: Counter[str] = Counter()
        self.start_error: Exception | None = None
        self._threads: dict[int, ThreadPoolExecutor] = {}

    def start(self) -> tuple[int, Future[WorkerState]]:
        worker, ready = self.started, Future[WorkerState]()
        self.started += 1
        self._threads[worker] = ThreadPoolExecutor(1)
        if self.start_error is not None:
            ready.set_exception(self.start_error)
        else:
            ready.set_result(STATE)
        return worker, ready

    def submit(self, worker: int, survey: Survey, task: TileTask) -> Future[EncodedWork]:
        assert survey is SURVEY
        return self._threads[worker].submit(self._encode, worker, task)

    def stop(self, worker: int) -> None:
        self.stopped.add(worker)
        self._threads[worker].shutdown(wait=False)

    def _encode(self, worker: int, task: TileTask) -> EncodedWork:
        if worker in self.dead:
            raise WorkerLostError("it was dead")
        self.tried[task.files.name] += 1
        try:
            self.act(worker, task.files.name)
        except WorkerLostError:
            self.dead.add(worker)
            raise
        return EncodedWork(task.files, f"hash of {task.files.name}")


@contextmanager
def pool_of(fleet: Hands, n: int, remarks: list[str] | None = None) -> Iterator[WorkerPool]:
    made = WorkerPool(fleet, n, (remarks if remarks is not None else []).append)
    with closing(made):
        yield made
    assert fleet.stopped == set(range(fleet.started))


def test_every_tile_comes_once_by_several_threads_together() -> None:
    with pool_of(Hands(), 3) as pool, ThreadPoolExecutor(4) as threads:
        found = [
            *threads.map(lambda _: [work.files.name for work in pool.encode(SURVEY, tasks(50))], range(4))
        ]
    assert [sorted(names) for names in found] == [sorted(f"t{i}" for i in range(50))] * 4


def test_no_more_tiles_are_taken_than_there_is_room_for_and_room_that_is_left_comes_back() -> None:
    taken = []

    def counted() -> Iterator[TileTask]:
        for task in tasks(100_000):
            taken.append(task.files.name)
            yield task

    with pool_of(Hands(), 2) as pool:
        for _ in range(3):
            taken.clear()
            with closing(pool.encode(SURVEY, counted())) as works:
                for n, _work in enumerate(islice(works, 50), 1):
                    assert len(taken) <= n + 2 * QUEUED
        assert len([*pool.encode(SURVEY, tasks(20))]) == 20


def test_a_worker_that_dies_loses_no_tile_and_another_takes_its_place() -> None:
    remarks: list[str] = []

    def act(worker: int, name: str) -> None:
        if name in {"t3", "t7", "t11"} and fleet.tried[name] == 1:
            raise WorkerLostError(f"worker {worker} was shot")

    fleet = Hands(act)
    with pool_of(fleet, 2, remarks) as pool:
        works = [*pool.encode(SURVEY, tasks(20))]
    assert sorted(work.files.name for work in works) == sorted(f"t{i}" for i in range(20))
    assert [work.error for work in works] == [None] * 20
    assert fleet.started == 2 + 3
    assert len(remarks) == 3
    assert all("a worker on here (process 7) was lost, and with it t" in remark for remark in remarks)


def test_a_tile_that_kills_workers_is_given_up_by_name_and_takes_no_other_with_it() -> None:
    def act(_worker: int, name: str) -> None:
        if name == "t5":
            raise WorkerLostError("its machine ran out of memory")

    fleet = Hands(act)
    with pool_of(fleet, 2) as pool:
        works = {work.files.name: work for work in pool.encode(SURVEY, tasks(30))}
    assert len(works) == 30
    assert works.pop("t5").error == (
        f"tile t5: {MAX_LOST} workers died at it, the last one: its machine ran out of memory"
    )
    assert {work.error for work in works.values()} == {None}
    assert fleet.tried["t5"] == MAX_LOST


def test_a_machine_that_goes_is_no_tiles_fault() -> None:
    def act(_worker: int, _name: str) -> None:
        if sum(fleet.tried.values()) <= 3 * MAX_LOST:
            raise WorkerLostError("its machine is gone", is_blameless=True)

    fleet = Hands(act)
    with pool_of(fleet, 1) as pool:
        works = [*pool.encode(SURVEY, tasks(2))]
    assert [work.error for work in works] == [None, None]


def test_an_error_that_cannot_cross_fails_its_tile_alone() -> None:
    def act(_worker: int, name: str) -> None:
        if name == "t1":
            raise TypeError("cannot pickle 'module' object")

    with pool_of(Hands(act), 1) as pool:
        errors = {work.files.name: work.error for work in pool.encode(SURVEY, tasks(3))}
    assert errors == {"t0": None, "t1": "tile t1: TypeError: cannot pickle 'module' object", "t2": None}


def test_workers_that_cannot_start_end_it_with_their_reason() -> None:
    fleet = Hands()
    fleet.start_error = WorkerLostError("no such weights")
    with (
        pool_of(fleet, 1) as pool,
        pytest.raises(WorkflowError, match="the last one: no such weights"),
    ):
        [*pool.encode(SURVEY, tasks(3))]
    assert fleet.started == MAX_FAILED_STARTS


def test_a_worker_that_cannot_begin_its_work_ends_it_at_once() -> None:
    fleet = Hands()
    fleet.start_error = WorkflowError("a worker cannot begin its work: no such weights")
    with pool_of(fleet, 1) as pool, pytest.raises(WorkflowError, match="begin its work: no such weights"):
        [*pool.encode(SURVEY, tasks(3))]
    assert fleet.started == 1


def test_a_worker_of_another_version_is_refused() -> None:
    def check(state: WorkerState) -> None:
        raise WorkflowError(f"the worker on {state.host} is too old")

    with (
        closing(WorkerPool(Hands(), 1, print, check)) as pool,
        pytest.raises(WorkflowError, match="the worker on here is too old"),
    ):
        [*pool.encode(SURVEY, tasks(1))]


def test_who_waits_is_told_when_the_pool_is_closed_and_before_that_why_nothing_happens(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(pool_module, "SAY_S", 0.01)
    said = threading.Event()

    class Pending(Hands):
        def start(self) -> tuple[int, Future[WorkerState]]:
            worker, _ = super().start()
            return worker, Future()

    def remark(text: str) -> None:
        assert "no worker is ready yet" in text
        said.set()

    with ThreadPoolExecutor(1) as threads:
        pool = WorkerPool(Pending(), 1, remark)
        waiting = threads.submit(lambda: [*pool.encode(SURVEY, tasks(1))])
        assert said.wait(LAST_LIMIT_S)
        pool.close()
        with pytest.raises(WorkflowError, match="the workers were let go"):
            waiting.result()
