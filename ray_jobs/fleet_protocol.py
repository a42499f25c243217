"""What a pool asks of workers, wherever they are."""

from concurrent.futures import Future
from typing import Any, Protocol

from encoder.surveys.description import Survey
from galcat.workflows.ingest.encoding import EncodedWork, TileTask
from ray_jobs.worker import WorkerState


class WorkerLostError(Exception):
    """A worker died; its text says why.

    Attributes:
        is_blameless: Whether it was its machine that went, so that no tile can have been the reason.
    """

    def __init__(self, reason: str, *, is_blameless: bool = False) -> None:
        super().__init__(reason)
        self.is_blameless = is_blameless


class Fleet(Protocol):
    """Workers, and how they are spoken to."""

    concurrency: int
    """How many tiles a worker has in its hands at once."""

    def start(self) -> tuple[Any, Future[WorkerState]]:
        """Start a worker; gives what stands for it, and its state when it is ready."""

    def submit(self, worker: Any, survey: Survey, task: TileTask) -> Future[EncodedWork]:  # noqa: ANN401
        """Let a worker encode a tile; the future raises WorkerLostError where it dies meanwhile."""

    def stop(self, worker: Any) -> None:  # noqa: ANN401
        """Make sure that a worker is gone."""
