"""Sky cells at work: one after the other, or several at the same time where tiles are encoded elsewhere."""

from collections.abc import Callable, Generator, Sequence
from concurrent.futures import FIRST_COMPLETED, Future, ThreadPoolExecutor, wait
from itertools import islice
from threading import Event, Lock
from typing import TypeVar

from catalog.errors import LockHeldError
from galcat.errors import WorkflowError
from galcat.workflows.ingest.encoding import TileExecutor
from galcat.workflows.ingest.outcome import CellOutcome, Report, TileOutcome

_Cell = TypeVar("_Cell")
CellWork = Callable[[_Cell, Report], CellOutcome]


def work_on_cells(
    cells: Sequence[_Cell], work: CellWork[_Cell], report: Report, executor: TileExecutor
) -> Generator[CellOutcome | LockHeldError, None, None]:
    """Do the work of every cell, and give what became of each as soon as it is done.

    An error of one ends the others after the tiles that they write at that moment.

    Args:
        cells: The cells.
        work: Does one of them; it is handed the cell and whom to tell of its tiles.
        report: Told of every tile; never by two threads at the same time.
        executor: What encodes the tiles; it says how many cells are done at the same time.

    Yields:
        What became of a cell, or who holds it so that it was left.
    """
    if executor.cells_at_once > 1:
        yield from _several(cells, work, report, executor)
        return
    for cell in cells:
        yield _try(work, cell, report)


def _several(
    cells: Sequence[_Cell], work: CellWork[_Cell], report: Report, executor: TileExecutor
) -> Generator[CellOutcome | LockHeldError, None, None]:
    lock, is_over = Lock(), Event()

    def report_alone(outcome: TileOutcome) -> None:
        with lock:
            report(outcome)
        if is_over.is_set():
            raise WorkflowError("the ingestion ends")

    waiting = iter(cells)
    with ThreadPoolExecutor(executor.cells_at_once, thread_name_prefix="cell") as threads:
        running: set[Future[CellOutcome | LockHeldError]] = set()
        try:
            while True:
                for cell in islice(waiting, executor.cells_at_once - len(running)):
                    running.add(threads.submit(_try, work, cell, report_alone))
                if not running:
                    return
                done, running = wait(running, return_when=FIRST_COMPLETED)
                for one in done:
                    yield one.result()
        except BaseException:
            is_over.set()
            executor.close()  # else the others might wait for tiles that do not come
            raise


def _try(work: CellWork[_Cell], cell: _Cell, report: Report) -> CellOutcome | LockHeldError:
    try:
        return work(cell, report)
    except LockHeldError as held:
        return held
