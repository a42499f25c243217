"""Ingest tiles: read, encode and write each in one transaction; go on past a bad one and name it."""

import logging
from collections import deque
from collections.abc import Iterator, Mapping
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass
from functools import partial

import psycopg

from catalog.errors import CatalogError
from catalog.ingestion.records import SkipRecord
from catalog.ingestion.tile_status import KnownTile, touch_tile
from catalog.ingestion.writer import write_failure, write_tile
from encoder.cutouts.framing_flags import count_flags
from encoder.cutouts.plan import cells_for_cutouts
from encoder.errors import EncoderError, TileError, first_line
from encoder.inference.encode_tile import CutTile, EncodedTile, cut_tile, encode_tile
from encoder.model.encoder import Encoder
from encoder.surveys.description import Survey
from encoder.tiles.tile_files import TileFiles
from encoder.tiles.tiles import read_tile
from galcat.errors import WorkflowError
from galcat.workflows.ingest.outcome import Report, TileOutcome
from galcat.workflows.ingest.rows import galaxy_rows, skip_records, tile_record
from galcat.workflows.ingest.target import IngestionTarget

_log = logging.getLogger(__name__)
MAX_NAMED = 10
"""Unreadable pictures of a tile that are named; `galcat.skipped_row` has them all."""


@dataclass(frozen=True)
class _Loaded:
    """A tile's content, read ahead: its digest, and the tile itself unless the digest is the known one."""

    content_hash: str
    tile: CutTile | None


@dataclass(frozen=True)
class _Work:
    """A tile as it goes to the database: its vectors, None for unchanged content, or why it has none."""

    files: TileFiles
    content_hash: str | None
    result: EncodedTile | Exception | None


def ingest_tiles(
    target: IngestionTarget,
    encoder: Encoder,
    survey: Survey,
    tiles: list[TileFiles],
    known: Mapping[str, KnownTile],
    report: Report,
    contents: Mapping[str, str | None] | None = None,
) -> list[TileOutcome]:
    """Ingest tiles in order: one is encoded while the next is read and the last is written.

    A tile that cannot be read or written is stored as failed and the rest go on.

    Args:
        target: Connection, survey and release that the rows go to.
        encoder: Encoder of the target's release.
        survey: Description of the survey, by which the tiles are read.
        tiles: What to ingest, without the tiles that are settled.
        known: What the target's release has of the survey, by tile: `read_known_tiles` when no other run
            could write it any more.
        report: Told of every tile.
        contents: Digest that a tile's content must have, by the tile's name: a tile with another fails. None
            takes the tiles as they are.

    Raises:
        WorkflowError: The database connection was lost; the tile in hand is not in the catalogue.
    """
    outcomes: list[TileOutcome] = []
    with ThreadPoolExecutor(max_workers=1, thread_name_prefix="tile-writer") as writer:
        storing: Future[TileOutcome] | None = None
        try:
            for tile, loaded in _read_ahead(survey, encoder, tiles, known, contents):
                work = _encode(encoder, tile, loaded)
                del loaded  # before the next is read: two tiles in memory, not three
                if storing:
                    outcomes.append(_finish(storing, report))
                    storing = None
                storing = writer.submit(_store, target, work)
            if storing:
                outcomes.append(_finish(storing, report))
                storing = None
        except KeyboardInterrupt:  # what is being written is in when the writer ends: it is told, too
            if storing:
                outcomes.append(_finish(storing, report))
            raise
    return outcomes


def _finish(storing: Future[TileOutcome], report: Report) -> TileOutcome:
    outcome = storing.result()
    report(outcome)
    return outcome


def _read_ahead(
    survey: Survey,
    encoder: Encoder,
    tiles: list[TileFiles],
    known: Mapping[str, KnownTile],
    contents: Mapping[str, str | None] | None,
) -> Iterator[tuple[TileFiles, Future[_Loaded]]]:
    """Give each tile with its content, while a thread reads the one after it: two tiles in memory at most."""
    with ThreadPoolExecutor(max_workers=1, thread_name_prefix="tile-reader") as reader:
        ahead: deque[Future[_Loaded]] = deque()
        for here, tile in enumerate(tiles):
            while here + len(ahead) < min(here + 2, len(tiles)):
                ahead.append(reader.submit(_load, survey, encoder, tiles[here + len(ahead)], known, contents))
            yield tile, ahead.popleft()


def _load(
    survey: Survey,
    encoder: Encoder,
    files: TileFiles,
    known: Mapping[str, KnownTile],
    contents: Mapping[str, str | None] | None,
) -> _Loaded:
    """Read a tile whole and prepare its cutouts, unless its content is what the catalogue has.

    Raises:
        TileError: It cannot be read, it changed meanwhile, or its content is not the one that is wanted.
    """
    before = _stamps(files)
    content_hash = files.content_hash()
    if contents is not None and contents[files.name] != content_hash:
        raise TileError(
            f"tile {files.name}: its files in {files.root} are not those that the current release was made "
            f"from: run galcat ingest --survey {survey.name} first"
        )
    was = known.get(files.name)
    if was is not None and was.is_settled(was.fingerprint) and was.content_hash == content_hash:
        return _Loaded(content_hash, None)
    tile = read_tile(survey, files, partial(cells_for_cutouts, encoder.recipe))
    if _stamps(files) != before:
        raise TileError(f"tile {files.name}: its files changed while they were read")
    return _Loaded(content_hash, cut_tile(survey, tile, encoder))


def _stamps(files: TileFiles) -> list[tuple[int, int]]:
    try:
        return [(stat.st_size, stat.st_mtime_ns) for stat in (path.stat() for path in files.files)]
    except OSError as error:
        raise TileError(f"{error.filename}: {error.strerror}") from error


def _encode(encoder: Encoder, files: TileFiles, ahead: Future[_Loaded]) -> _Work:
    try:
        loaded = ahead.result()
        encoded = encode_tile(loaded.tile, encoder) if loaded.tile else None
    except Exception as error:  # noqa: BLE001 - whatever a tile raises, the others go on
        return _Work(files, None, error)
    return _Work(files, loaded.content_hash, encoded)


def _store(target: IngestionTarget, work: _Work) -> TileOutcome:
    """Write what became of a tile, in one transaction.

    Raises:
        WorkflowError: The database connection was lost.
    """
    if isinstance(work.result, Exception):
        return _store_failure(target, work.files, _describe_failure(work.files, work.result))
    try:
        return _write(target, work.files, work.content_hash, work.result)
    except CatalogError as error:
        return _store_failure(target, work.files, str(error))
    except psycopg.Error as error:
        message = f"tile {work.files.name} could not be written: {first_line(error)}"
        if target.connection.closed:
            raise WorkflowError(message) from error
        return _store_failure(target, work.files, message)
    except Exception as error:  # noqa: BLE001 - as in `_encode`
        return _store_failure(target, work.files, _describe_failure(work.files, error))


def _describe_failure(files: TileFiles, error: Exception) -> str:
    """Why a tile failed, in one line that names it or its file."""
    if isinstance(error, EncoderError):
        return first_line(error)
    _log.debug("tile %s", files.name, exc_info=error)
    text = next(iter(str(error).strip().splitlines()), "")
    return f"tile {files.name}: {type(error).__name__}{': ' if text else ''}{text}"


def _write(
    target: IngestionTarget, files: TileFiles, content_hash: str | None, encoded: EncodedTile | None
) -> TileOutcome:
    if encoded is None:
        survey = files.survey
        touch_tile(target.connection, survey, target.release_id, files.name, files.fingerprint)
        return TileOutcome(files.name, "unchanged")
    record = tile_record(files, content_hash)
    skips = skip_records(encoded)
    rows = galaxy_rows(encoded)
    result = write_tile(target.connection, target.survey_id, target.release_id, record, rows, skips)
    n_failed = sum(skip.will_retry for skip in skips)
    return TileOutcome(
        files.name,
        "done",
        n_galaxies=len(encoded.sources),
        n_skipped=len(skips) - n_failed,
        n_failed=n_failed,
        changed=result.changed,
        retired=result.retired,
        flags=count_flags(encoded.framing_flags),
        n_far=None if rows.domain_distances is None else int((rows.domain_distances > 1).sum()),
        notes=(*encoded.notes, *_unreadable(skips)),
    )


def _unreadable(skips: list[SkipRecord]) -> list[str]:
    """A line for each picture that cannot be read, up to a bound, and how many more there are."""
    lines = [
        f"unreadable image of {skip.survey_source_id}: {skip.detail}" for skip in skips if skip.will_retry
    ]
    more = [f"{len(lines) - MAX_NAMED} more unreadable images: see galcat.skipped_row"]
    return lines[:MAX_NAMED] + (more if len(lines) > MAX_NAMED else [])


def _store_failure(target: IngestionTarget, files: TileFiles, error: str) -> TileOutcome:
    """Store the failure; where even that cannot be written, the tile simply stays as it was: pending."""
    error = error.encode("utf-8", "backslashreplace").decode().replace("\0", "\\0")
    try:
        record = tile_record(files, None)
        write_failure(target.connection, target.survey_id, target.release_id, record, error)
    except Exception as again:
        if target.connection.closed:
            raise WorkflowError(error) from again
        _log.debug("tile %s", files.name, exc_info=again)
    return TileOutcome(files.name, "failed", error=error)
