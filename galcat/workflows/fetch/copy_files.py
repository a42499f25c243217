"""Copies the files of a plan from the survey's own servers, several at a time."""

import threading
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor

from galcat.errors import WorkflowError
from galcat.workflows.fetch.download import Server
from galcat.workflows.fetch.plan import AT_ONCE, FetchPlan, RemoteFile


class _StoppedError(Exception):
    """The other files are given up too."""


def copy_files(plan: FetchPlan, server: Server, advance: Callable[[int], object]) -> list[str]:
    """Copy the files; what is there already with the survey's sum is left alone.

    Args:
        plan: The files that are to be copied.
        server: How files are asked for.
        advance: Called with bytes that have come, from several threads, one at a time.

    Returns:
        One line for each file that could not be copied.

    Raises:
        WorkflowError: A file cannot be written here, as on a full disk. What has come stays.
    """
    lock, stopped = threading.Lock(), threading.Event()

    def count(n_bytes: int) -> None:
        if stopped.is_set():
            raise _StoppedError
        with lock:
            advance(n_bytes)

    def copy(file: RemoteFile) -> str | None:
        try:
            file.path.parent.mkdir(parents=True, exist_ok=True)
            server.download(file.url, file.path, file.sha256, count)
        except WorkflowError as error:
            return str(error)
        except OSError as error:
            raise WorkflowError(f"{file.path} cannot be written: {error.strerror}") from error
        return None

    with ThreadPoolExecutor(AT_ONCE) as pool:
        try:
            return [reason for reason in pool.map(copy, plan.files) if reason]
        except BaseException:  # Ctrl-C among others: the pool waits for the files that are coming
            stopped.set()
            pool.shutdown(wait=False, cancel_futures=True)
            raise
