"""Workers as actors of Ray."""

import re
from collections.abc import Callable
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import suppress
from typing import Any, TypeVar

import ray
from ray.exceptions import ObjectLostError, RayActorError, RayError, RayTaskError

from encoder.surveys.description import Survey
from galcat.errors import WorkflowError
from galcat.workflows.ingest.encoding import EncodedWork, TileTask
from ray_jobs.fleet_protocol import WorkerLostError
from ray_jobs.worker import TileWorker, WorkerState

_Value = TypeVar("_Value")


class RayFleet:
    """Starts an actor for each worker, with a processor or a GPU of its own; none is started again by Ray.

    Args:
        weights: Content of the weights file, which each worker loads once.
        on_gpus: Whether each worker has a GPU; then it reads the next tile while that works.
    """

    def __init__(self, weights: bytes, *, on_gpus: bool) -> None:
        self.concurrency = 2 if on_gpus else 1
        self._device = None if on_gpus else "cpu"
        self._weights = ray.put(weights)
        # Ray calls back in a thread that must not wait for Ray: what follows happens in one of our own.
        self._events = ThreadPoolExecutor(1, thread_name_prefix="ray-events")
        self._actor: Any = ray.remote(TileWorker).options(
            num_cpus=1,
            num_gpus=int(on_gpus),
            max_restarts=0,
            max_task_retries=0,
            max_concurrency=self.concurrency,
            scheduling_strategy="SPREAD",
        )

    def start(self) -> tuple[Any, Future[WorkerState]]:
        """Start an actor, as soon as the cluster has room for it."""
        actor = self._actor.remote(self._weights, self._device)
        return actor, self._follow(actor.describe.remote)

    def submit(self, worker: Any, survey: Survey, task: TileTask) -> Future[EncodedWork]:  # noqa: ANN401
        """Let an actor encode a tile."""
        return self._follow(lambda: worker.encode.remote(survey, task))

    def stop(self, worker: Any) -> None:  # noqa: ANN401
        """Kill an actor; one that is dead already stays so."""
        with suppress(RayError, ValueError):
            ray.kill(worker)

    def close(self) -> None:
        """Follow no call any more."""
        self._events.shutdown(wait=False)

    def _follow(self, call: Callable[[], Any]) -> Future[Any]:
        """Call an actor, and give a future that raises WorkerLostError where it, or what it made, is lost."""
        future: Future[Any] = Future()

        def pass_on(done: Future[Any]) -> None:
            with suppress(RuntimeError):  # after the end nobody waits for it
                self._events.submit(_pass_on, done, future)

        try:
            call().future().add_done_callback(pass_on)
        except Exception as error:  # noqa: BLE001 - as what cannot be pickled
            future.set_exception(error)
        return future


def _pass_on(done: "Future[_Value]", future: "Future[_Value]") -> None:
    error = done.exception()
    if error is None:
        future.set_result(done.result())
    elif isinstance(error, RayTaskError) and not isinstance(error, RayActorError):
        cause = error.cause if isinstance(error.cause, Exception) else error
        future.set_exception(cause)
    elif isinstance(error, RayError):
        future.set_exception(lost_error(error))
    else:
        future.set_exception(error)


def lost_error(error: RayError) -> WorkerLostError | WorkflowError:
    """What Ray says of a dead worker, in one line; one that could not begin its work was not lost."""
    text = str(error)
    if "running low on memory" in text or "OutOfMemory" in type(error).__name__:
        return WorkerLostError("its machine ran out of memory")
    if isinstance(error, ObjectLostError) or re.search(r"node (has )?died|node was (terminated|dead)", text):
        return WorkerLostError("its machine is gone", is_blameless=True)
    raised = re.search(r"error raised in its creation task.*\n([^\n]+)\s*$", text, re.DOTALL)
    if raised:
        said = re.sub(r"^[\w.]+Error: ", "", raised[1].strip())
        return WorkflowError(f"a worker cannot begin its work: {said}")
    if "ray.kill" in text:
        return WorkerLostError("somebody ended it")
    return WorkerLostError("its process was killed or crashed; Ray's logs on that machine may say more")
