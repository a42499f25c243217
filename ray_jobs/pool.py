"""Which worker encodes which tile, whatever becomes of the workers: the part that needs no Ray."""

from collections import deque
from collections.abc import Callable, Generator, Iterable
from concurrent.futures import Future
from dataclasses import dataclass, field, replace
from threading import Condition, RLock
from typing import Any

from encoder.surveys.description import Survey
from galcat.errors import WorkflowError
from galcat.workflows.ingest.encoding import EncodedWork, TileTask, describe_failure
from ray_jobs.fleet_protocol import Fleet, WorkerLostError
from ray_jobs.worker import WorkerState

QUEUED = 2
"""Tiles that a worker has at once: one it encodes, and the next."""
MAX_LOST = 5
"""So many workers may die at a tile; then the tile is given up, for it may be what kills them."""
MAX_FAILED_STARTS = 3
"""So many workers may die one after the other before one of them is ready."""
TILES_A_CELL = 25
"""Supposed of a sky cell, which is to say at how many cells the work is spread."""
MAX_CELLS = 16
"""Each has its own connection to the database."""
SAY_S = 60.0
"""So long without a worker nothing is said."""


@dataclass(eq=False)
class _Job:
    """A tile on its way.

    Attributes:
        survey: Description of its survey.
        task: The tile.
        done: Where it is put with what became of it, for the thread that asked.
        lost: How many workers died while they had it in their hands.
        is_dropped: Whether nobody wants it any more.
    """

    survey: Survey
    task: TileTask
    done: "deque[tuple[_Job, EncodedWork]]"
    lost: int = 0
    is_dropped: bool = False


@dataclass(eq=False)
class _Worker:
    """A worker that is being started, or is there.

    Attributes:
        handle: What the fleet calls it.
        state: What it said of itself; None until it is ready.
        jobs: The tiles that it has, the oldest first.
        kept_for: A tile that waits until it has no other; nothing else is given to it meanwhile.
        is_dead: Whether it is known to have died.
    """

    handle: Any
    state: WorkerState | None = None
    jobs: list[_Job] = field(default_factory=list)
    kept_for: _Job | None = None
    is_dead: bool = False


class WorkerPool:
    """Encodes tiles by the workers of a fleet; each tile comes out once, whatever dies.

    At most `QUEUED` tiles for each worker are on their way or lie done and not taken yet. A tile whose worker
    died goes to another one, and from then on alone: a tile that kills workers takes no other with it.

    Args:
        fleet: The workers.
        n_workers: How many there shall be.
        remark: Told, a line each, of workers that were lost.
        check: Raises WorkflowError where a worker that is ready may not be used.
    """

    def __init__(
        self,
        fleet: Fleet,
        n_workers: int,
        remark: Callable[[str], None],
        check: Callable[[WorkerState], None] = lambda _state: None,
    ) -> None:
        self._fleet = fleet
        self._remark = remark
        self._check = check
        self._changed = Condition(RLock())
        self._waiting: deque[_Job] = deque()
        self._workers: list[_Worker] = []
        self._room = QUEUED * n_workers
        self._failed_starts = 0
        self._broken: str | None = None
        self._has_said = False
        self.cells_at_once = max(2, min(MAX_CELLS, -(-self._room // TILES_A_CELL)))
        with self._changed:
            for _ in range(n_workers):
                self._start()

    def encode(self, survey: Survey, tasks: Iterable[TileTask]) -> Generator[EncodedWork, None, None]:
        """Encode tiles, in the order in which they are done; several threads may call it.

        Raises:
            WorkflowError: No worker can be had any more, or the pool was closed.
        """
        jobs: set[_Job] = set()
        done: deque[tuple[_Job, EncodedWork]] = deque()
        coming, is_more = iter(tasks), True
        try:
            while is_more or jobs:
                self._wait(done, takes_more=is_more)
                if done:
                    job, work = done.popleft()
                    yield work
                    del work
                    self._give_back(job, jobs)
                elif (task := next(coming, None)) is None:
                    is_more = False
                else:
                    jobs.add(self._put(_Job(survey, task, done)))
        finally:
            for job in [*jobs]:
                job.is_dropped = True
                self._give_back(job, jobs)

    def close(self, why: str = "the workers were let go") -> None:
        """Let all workers go; whoever still waits for a tile is told why."""
        with self._changed:
            self._broken = self._broken or why
            self._changed.notify_all()
            workers, self._workers = self._workers, []
        for worker in workers:
            self._fleet.stop(worker.handle)

    def _wait(self, done: "deque[tuple[_Job, EncodedWork]]", *, takes_more: bool) -> None:
        """Wait until a tile is done, or there is room for one more where one is wanted.

        Raises:
            WorkflowError: No worker can be had any more, or the pool was closed.
        """
        with self._changed:
            while not self._changed.wait_for(
                lambda: self._broken or done or (takes_more and self._room > 0), SAY_S
            ):
                if not self._has_said and not any(worker.state for worker in self._workers):
                    self._has_said = True
                    self._remark("no worker is ready yet: the cluster has no room for one, or it still loads")
            if self._broken:
                raise WorkflowError(self._broken)

    def _put(self, job: _Job) -> _Job:
        with self._changed:
            self._room -= 1
            self._waiting.append(job)
            self._assign()
        return job

    def _give_back(self, job: _Job, jobs: set[_Job]) -> None:
        jobs.remove(job)
        with self._changed:
            self._room += 1
            self._changed.notify_all()

    def _start(self) -> None:
        handle, ready = self._fleet.start()
        worker = _Worker(handle)
        self._workers.append(worker)
        ready.add_done_callback(lambda future: self._guard(self._on_ready, worker, future))

    def _assign(self) -> None:
        """Hand waiting tiles to workers with room, the least busy first; the lock is held."""
        if not any(one.state and len(one.jobs) < QUEUED for one in self._workers):
            return
        for job in [*self._waiting]:
            if job not in self._waiting:  # a worker was quick, and what it let in is gone already
                continue
            worker = None if job.is_dropped else self._choose(job)
            if worker is not None or job.is_dropped:
                self._waiting.remove(job)
            if worker is not None:
                worker.kept_for = None
                worker.jobs.append(job)
                self._submit(worker, job)

    def _submit(self, worker: _Worker, job: _Job) -> None:
        future = self._fleet.submit(worker.handle, job.survey, job.task)
        future.add_done_callback(lambda done: self._guard(self._on_done, worker, job, done))

    def _choose(self, job: _Job) -> _Worker | None:
        """The worker that takes a tile now; where a tile needs one for itself, one is kept for it."""
        ready = [one for one in self._workers if one.state and one.kept_for in {None, job}]
        ready.sort(key=lambda one: len(one.jobs))
        for worker in ready:
            if _has_room(worker, job):
                return worker
        if job.lost and ready and not any(one.kept_for is job for one in ready):
            ready[0].kept_for = job
        return None

    def _guard(self, handle: Callable[..., None], *arguments: object) -> None:
        """Handle an event in a thread of the fleet, where an error would vanish."""
        with self._changed:
            if self._broken:
                return
            try:
                handle(*arguments)
            except Exception as error:  # noqa: BLE001 - whatever it is, nobody may wait for ever
                self._break(f"the workers cannot go on: {type(error).__name__}: {error}")

    def _on_ready(self, worker: _Worker, future: Future[WorkerState]) -> None:
        if worker.is_dead:
            return
        try:
            state = future.result()
            self._check(state)
        except WorkerLostError as lost:
            self._failed_starts += not lost.is_blameless
            if self._failed_starts >= MAX_FAILED_STARTS:
                self._break(f"no worker can be started; the last one: {lost}")
            else:
                self._replace(worker, f"a worker died before it was ready: {lost}")
            return
        except WorkflowError as error:
            self._break(str(error))
            return
        worker.state, self._failed_starts = state, 0
        self._assign()

    def _on_done(self, worker: _Worker, job: _Job, future: Future[EncodedWork]) -> None:
        files = job.task.files
        try:
            work = replace(future.result(), files=files)
        except WorkerLostError as lost:
            self._on_lost(worker, lost)
            worker.jobs.remove(job)
            if job.lost < MAX_LOST:
                self._waiting.appendleft(job)
                self._assign()
                return
            died = f"{job.lost} workers died at it, the last one: {lost}"
            work = EncodedWork(files, error=f"tile {files.name}: {died}")
        except Exception as error:  # noqa: BLE001 - what cannot be sent fails, the others go on
            worker.jobs.remove(job)
            work = EncodedWork(files, error=describe_failure(files, error))
        else:
            worker.jobs.remove(job)
        if not job.is_dropped:
            job.done.append((job, work))
        self._assign()
        self._changed.notify_all()

    def _on_lost(self, worker: _Worker, lost: WorkerLostError) -> None:
        """Of each worker once: blame the tiles in its hands, and start another in its place."""
        if worker.is_dead:
            return
        if not lost.is_blameless:
            for job in worker.jobs[: self._fleet.concurrency]:
                job.lost += 1
        names = ", ".join(job.task.files.name for job in worker.jobs)
        where = f"{worker.state.host} (process {worker.state.pid})" if worker.state else "a machine"
        self._replace(
            worker, f"a worker on {where} was lost, and with it {names}, which go to others: {lost}"
        )

    def _replace(self, worker: _Worker, remark: str) -> None:
        worker.is_dead = True
        self._workers.remove(worker)
        self._fleet.stop(worker.handle)
        self._remark(remark)
        self._start()

    def _break(self, why: str) -> None:
        self._broken = why
        self._changed.notify_all()


def _has_room(worker: _Worker, job: _Job) -> bool:
    """A tile at which a worker died goes alone, and nothing is put beside it."""
    if job.lost or any(one.lost for one in worker.jobs):
        return not worker.jobs
    return len(worker.jobs) < QUEUED
