"""Ingest tiles: read, encode and write each in one transaction; go on past a bad one and name it."""

import logging
from collections.abc import Mapping
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import closing

import psycopg

from catalog.errors import CatalogError
from catalog.ingestion.records import SkipRecord
from catalog.ingestion.tile_status import KnownTile, touch_tile
from catalog.ingestion.writer import write_failure, write_tile
from encoder.cutouts.framing_flags import count_flags
from encoder.errors import first_line
from encoder.inference.encode_tile import EncodedTile
from encoder.model.encoder import Encoder
from encoder.surveys.description import Survey
from encoder.tiles.tile_files import TileFiles
from galcat.errors import WorkflowError
from galcat.workflows.ingest.encoding import EncodedWork, InProcess, TileExecutor, TileTask, describe_failure
from galcat.workflows.ingest.outcome import Report, TileOutcome
from galcat.workflows.ingest.rows import galaxy_rows, skip_records, tile_record
from galcat.workflows.ingest.target import IngestionTarget

_log = logging.getLogger(__name__)
MAX_NAMED = 10
"""Unreadable pictures of a tile that are named; `galcat.skipped_row` has them all."""


def ingest_tiles(
    target: IngestionTarget,
    encoder: Encoder,
    survey: Survey,
    tiles: list[TileFiles],
    known: Mapping[str, KnownTile],
    report: Report,
    contents: Mapping[str, str | None] | None = None,
    executor: TileExecutor | None = None,
) -> list[TileOutcome]:
    """Ingest tiles: one is written while others are encoded.

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
        executor: Encodes the tiles, by the encoder's weights; None to do it here, in their order.

    Raises:
        WorkflowError: The database connection was lost, and the tile in hand is not in the catalogue; or
            nothing can be encoded any more.
    """
    outcomes: list[TileOutcome] = []
    executor = executor or InProcess(encoder)
    tasks = (_task(tile, known, contents) for tile in tiles)
    with (
        closing(executor.encode(survey, tasks)) as works,
        ThreadPoolExecutor(max_workers=1, thread_name_prefix="tile-writer") as writer,
    ):
        storing: Future[TileOutcome] | None = None
        try:
            for work in works:
                if storing:
                    outcomes.append(_finish(storing, report))
                    storing = None
                storing = writer.submit(_store, target, work)
                del work  # it is large, and the next comes
            if storing:
                outcomes.append(_finish(storing, report))
                storing = None
        except KeyboardInterrupt:  # what is being written is in when the writer ends: it is told, too
            if storing:
                outcomes.append(_finish(storing, report))
            raise
    return outcomes


def _task(
    files: TileFiles, known: Mapping[str, KnownTile], contents: Mapping[str, str | None] | None
) -> TileTask:
    was = known.get(files.name)
    has = was.content_hash if was is not None and was.is_settled(was.fingerprint) else None
    if contents is None:
        return TileTask(files, has)
    return TileTask(files, has, contents[files.name], is_checked=True)


def _finish(storing: Future[TileOutcome], report: Report) -> TileOutcome:
    outcome = storing.result()
    report(outcome)
    return outcome


def _store(target: IngestionTarget, work: EncodedWork) -> TileOutcome:
    """Write what became of a tile, in one transaction.

    Raises:
        WorkflowError: The database connection was lost.
    """
    if work.error is not None:
        return _store_failure(target, work.files, work.error)
    try:
        return _write(target, work.files, work.content_hash, work.tile)
    except CatalogError as error:
        return _store_failure(target, work.files, str(error))
    except psycopg.Error as error:
        message = f"tile {work.files.name} could not be written: {first_line(error)}"
        if target.connection.closed:
            raise WorkflowError(message) from error
        return _store_failure(target, work.files, message)
    except Exception as error:  # noqa: BLE001 - as in `finish_tile`
        return _store_failure(target, work.files, describe_failure(work.files, error))


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
