"""From a tile's files to its vectors: what one tile needs, and the executors that see to it for many."""

import logging
from collections import deque
from collections.abc import Callable, Generator, Iterable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import AbstractContextManager, contextmanager
from dataclasses import dataclass
from functools import partial
from itertools import islice
from typing import Protocol

from encoder.cutouts.plan import cells_for_cutouts
from encoder.errors import EncoderError, TileError, first_line
from encoder.inference.encode_tile import CutTile, EncodedTile, cut_tile, encode_tile
from encoder.model.encoder import Encoder
from encoder.surveys.description import Survey
from encoder.tiles.tile_files import TileFiles
from encoder.tiles.tiles import read_tile

_log = logging.getLogger(__name__)


@dataclass(frozen=True)
class TileTask:
    """A tile to encode.

    Attributes:
        files: The tile's files.
        known_hash: Digest of the content that the catalogue has of it; None where it has none, or a failure.
        wanted_hash: Digest that its content must have; None takes the tile as it is.
        is_checked: Whether `wanted_hash` counts.
    """

    files: TileFiles
    known_hash: str | None = None
    wanted_hash: str | None = None
    is_checked: bool = False


@dataclass(frozen=True)
class EncodedWork:
    """What became of a task; it may come from another machine, so an error is a text.

    Attributes:
        files: The tile's files.
        content_hash: Digest of what was read; None where the tile failed.
        tile: Its galaxies; None where the content is the known one, or the tile failed.
        error: Why it failed, in one line that names the tile or a file of it.
    """

    files: TileFiles
    content_hash: str | None = None
    tile: EncodedTile | None = None
    error: str | None = None


class TileExecutor(Protocol):
    """Encodes tiles, somewhere."""

    @property
    def cells_at_once(self) -> int:
        """Of how many sky cells tiles are wanted at the same time, so that all of it has work."""

    def encode(self, survey: Survey, tasks: Iterable[TileTask]) -> Generator[EncodedWork, None, None]:
        """Encode tiles: each task comes out once, in any order, also one that failed.

        No more than a bounded number is held that the caller has not taken. Several threads may call it, if
        `cells_at_once` is more than 1.

        Args:
            survey: Description of the survey, by which the tiles are read.
            tasks: The tiles; taken as there is room for them.

        Raises:
            WorkflowError: Nothing can be encoded any more.
        """

    def close(self) -> None:
        """Encode nothing any more: whoever waits for a tile gets an error."""


EncodeBy = Callable[[Encoder, Callable[[str], None]], AbstractContextManager[TileExecutor]]
"""Opens an executor for an encoder's weights; the function is told what a user should know, a line each."""


class InProcess:
    """Encodes tiles here, in order: while the network works on one, a thread reads the next.

    Args:
        encoder: The encoder of the release.
    """

    cells_at_once = 1

    def __init__(self, encoder: Encoder) -> None:
        self._encoder = encoder

    def encode(self, survey: Survey, tasks: Iterable[TileTask]) -> Generator[EncodedWork, None, None]:
        """Encode tiles in order: two of them are in memory at most."""
        with ThreadPoolExecutor(max_workers=1, thread_name_prefix="tile-reader") as reader:
            coming, ahead = iter(tasks), deque[tuple[TileTask, Future[LoadedTile]]]()

            def read_on(n: int) -> None:
                for task in islice(coming, n - len(ahead)):
                    ahead.append((task, reader.submit(load_tile, survey, self._encoder, task)))

            read_on(1)
            while ahead:
                task, loading = ahead.popleft()
                read_on(1)
                work = finish_tile(self._encoder, task, loading)
                del loading  # before the next is read: two tiles in memory, not three
                yield work
                del work

    def close(self) -> None:
        """Nobody waits here: it is encoded while the caller looks on."""


@contextmanager
def encode_here(encoder: Encoder, remark: Callable[[str], None]) -> Iterator[TileExecutor]:
    """Open the executor that encodes in this process; it has nothing to remark."""
    del remark
    yield InProcess(encoder)


@dataclass(frozen=True)
class LoadedTile:
    """A tile's content: its digest, and the tile itself unless the digest is the known one."""

    content_hash: str
    tile: CutTile | None


def load_tile(survey: Survey, encoder: Encoder, task: TileTask) -> LoadedTile:
    """Read a tile whole and prepare its cutouts, unless its content is what the catalogue has.

    Args:
        survey: Description of the survey, by which the tile is read.
        encoder: Encoder whose pictures are prepared.
        task: The tile.

    Raises:
        TileError: It cannot be read, it changed meanwhile, or its content is not the one that is wanted.
    """
    files = task.files
    before = _stamps(files)
    content_hash = files.content_hash()
    if task.is_checked and task.wanted_hash != content_hash:
        raise TileError(
            f"tile {files.name}: its files in {files.root} are not those that the current release was made "
            f"from: run galcat ingest --survey {survey.name} first"
        )
    if task.known_hash == content_hash:
        return LoadedTile(content_hash, None)
    tile = read_tile(survey, files, partial(cells_for_cutouts, encoder.recipe))
    if _stamps(files) != before:
        raise TileError(f"tile {files.name}: its files changed while they were read")
    return LoadedTile(content_hash, cut_tile(survey, tile, encoder))


def finish_tile(encoder: Encoder, task: TileTask, loading: Future[LoadedTile]) -> EncodedWork:
    """Encode a tile that is being loaded; whatever it raises becomes the text of its failure.

    Args:
        encoder: The encoder that it is loaded for.
        task: The tile.
        loading: What `load_tile` gives of it.
    """
    try:
        loaded = loading.result()
        encoded = encode_tile(loaded.tile, encoder) if loaded.tile else None
    except Exception as error:  # noqa: BLE001 - whatever a tile raises, the others go on
        return EncodedWork(task.files, error=describe_failure(task.files, error))
    return EncodedWork(task.files, loaded.content_hash, encoded)


def describe_failure(files: TileFiles, error: Exception) -> str:
    """Why a tile failed, in one line that names it or its file."""
    if isinstance(error, EncoderError):
        return first_line(error)
    _log.debug("tile %s", files.name, exc_info=error)
    text = next(iter(str(error).strip().splitlines()), "")
    return f"tile {files.name}: {type(error).__name__}{': ' if text else ''}{text}"


def _stamps(files: TileFiles) -> list[tuple[int, int]]:
    try:
        return [(stat.st_size, stat.st_mtime_ns) for stat in (path.stat() for path in files.files)]
    except OSError as error:
        raise TileError(f"{error.filename}: {error.strerror}") from error
