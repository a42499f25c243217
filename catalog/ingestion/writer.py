"""Write a tile's galaxies: one transaction, so a tile is wholly there or not at all."""

from collections.abc import Mapping
from dataclasses import asdict, dataclass
from functools import partial
from typing import TYPE_CHECKING, cast

import numpy as np
import psycopg
from astropy import units
from astropy_healpix import lonlat_to_healpix
from numpy.typing import NDArray
from psycopg import Cursor, sql
from sqlalchemy import Table, delete, func, select
from sqlalchemy.dialects.postgresql import Insert, insert

from catalog.constants import BANDS
from catalog.database.binary_copy import Columns, copy_columns
from catalog.database.staging import load, make_stage, merge
from catalog.database.statements import Row, insert_rows, run
from catalog.errors import CatalogError
from catalog.ingestion.conflicts import refuse_collisions, refuse_other_tiles, refuse_strangers
from catalog.ingestion.records import GalaxyRows, SkipRecord, SurveyRecord, TileRecord, object_id
from catalog.schema import CONCENTRATIONS, FRACTIONS, ingestion, skipped_row
from catalog.schema import survey as survey_table
from catalog.schema import tile as tile_table

if TYPE_CHECKING:
    from pgvector import HalfVector

NSIDE_29 = 2**29
RADII = ("petro_th50", "petro_th90", "shape_r", "pixel_scale_arcsec")
SOURCE_COLUMNS = (
    "object_id",
    "survey_id",
    "survey_source_id",
    "tile_id",
    "ra",
    "dec",
    "healpix29",
    *RADII,
    *(f"mag_{band}" for band in BANDS),
)
HALF_MAX = 65504.0


@dataclass(frozen=True)
class WriteResult:
    """What one tile changed: rows new or different, and galaxies retired."""

    changed: int
    retired: int


def register_survey(connection: psycopg.Connection, survey: SurveyRecord) -> int:
    """Store a survey, or its newer description.

    Returns:
        Its survey_id.
    """
    wanted = {
        "description": survey.description,
        "bands": list(survey.bands),
        "definition": survey.definition,
    }
    there = select(*(survey_table.c[name] for name in ("survey_id", *wanted))).where(
        survey_table.c.name == survey.name
    )
    row = run(connection, there).fetchone()
    if row is not None and list(row[1:]) == list(wanted.values()):
        return int(row[0])
    statement = _upsert(survey_table, {"name": survey.name}, wanted)
    return _returned_number(run(connection, statement.returning(survey_table.c.survey_id)))


def write_tile(
    connection: psycopg.Connection,
    survey_id: int,
    release_id: int,
    tile: TileRecord,
    galaxies: GalaxyRows,
    skips: list[SkipRecord],
) -> WriteResult:
    """Make a release hold exactly this tile's galaxies, in one transaction.

    Rows that are already there and equal are not touched; vectors and morphology of a picture that is already
    there are taken as equal. Those of the same picture, made anew, differ in their last bits with the
    pictures beside it in the batch, by processor: to compare them would write galaxies again that nobody
    changed. Galaxies the tile no longer lists are retired:
    their source row stays, for the labels that point to it, and their vectors go, in every release. A source
    that is skipped loses its vectors in this release; one whose image could not be read keeps what it had.

    A release that is not the current one only adds: what readers see of the tile, its galaxies and their
    pictures stays as it is.

    Raises:
        CollisionError: A galaxy's object_id belongs to another source, or the galaxy to another tile.
        CatalogError: The tile came from another folder, and none of its galaxies is in this one.
        psycopg.Error: The connection or the disk failed; the transaction is rolled back.
    """
    with connection.transaction(), connection.cursor() as cursor:
        survey = _survey_name(cursor, survey_id)
        is_current = _is_current(cursor, release_id)
        folder_before = _folder(cursor, survey_id, tile.name)
        tile_id = _upsert_tile(cursor, survey_id, tile, replace=is_current)
        ids = np.array([object_id(survey, name) for name in galaxies.survey_source_id], dtype=np.int64)
        _stage_sources(cursor, survey_id, tile_id, ids, galaxies)
        refuse_collisions(cursor)
        if is_current:
            refuse_other_tiles(cursor, tile_id, release_id, tile)
        if is_current and folder_before not in {None, tile.folder}:
            refuse_strangers(cursor, tile_id, tile, str(folder_before))
        columns = (*SOURCE_COLUMNS, "is_retired")
        changed = merge(cursor, "source", ("object_id",), columns, replace=is_current)
        skipped = {skip: object_id(survey, skip.survey_source_id) for skip in skips}
        retired = _retire_vanished(cursor, tile_id, list(skipped.values())) if is_current else 0
        _remove_vectors(cursor, release_id, [i for skip, i in skipped.items() if not skip.will_retry])
        changed += _add_missing_digests(cursor, release_id, ids, galaxies)
        new = _has_new_picture(cursor, release_id, ids, galaxies.picture_digests)
        rewritten = _write_vectors(cursor, release_id, ids, galaxies, new)
        if rewritten:
            cursor.execute("SELECT galcat.forget_scores(%s::smallint, %s)", [release_id, ids[new].tolist()])
        changed += rewritten + _write_thumbnails(cursor, release_id, ids, galaxies.jpegs, replace=is_current)
        _write_outcome(cursor, tile_id, release_id, tile, len(galaxies), skips)
    return WriteResult(changed, retired)


def write_failure(
    connection: psycopg.Connection, survey_id: int, release_id: int, tile: TileRecord, error: str
) -> None:
    """Remember that a tile failed, and why; galaxies it had before stay as they are."""
    with connection.transaction(), connection.cursor() as cursor:
        tile_id = _upsert_tile(cursor, survey_id, tile, replace=_is_current(cursor, release_id))
        _write_attempt(
            cursor,
            tile_id,
            release_id,
            {"state": "failed", "fingerprint": tile.fingerprint, "content_hash": None, "error": error},
        )


def _survey_name(cursor: Cursor[tuple[object, ...]], survey_id: int) -> str:
    row = cursor.execute("SELECT name FROM galcat.survey WHERE survey_id = %s", [survey_id]).fetchone()
    if row is None:
        raise CatalogError(f"no survey has survey_id {survey_id}")
    return str(row[0])


def _is_current(cursor: Cursor[tuple[object, ...]], release_id: int) -> bool:
    row = cursor.execute(
        "SELECT is_current FROM galcat.release WHERE release_id = %s", [release_id]
    ).fetchone()
    if row is None:
        raise CatalogError(f"no release has release_id {release_id}: it was dropped")
    return bool(row[0])


def _upsert_tile(
    cursor: Cursor[tuple[object, ...]], survey_id: int, tile: TileRecord, *, replace: bool
) -> int:
    """Store a tile and give its tile_id; one that is there already is brought up to date, or left alone."""
    table = tile_table.c
    if not replace:
        known = select(table.tile_id).where(table.survey_id == survey_id, table.name == tile.name)
        there = run(cursor, known).fetchone()
        if there is not None:
            return int(there[0])
    healpix29 = None
    if tile.ra is not None and tile.dec is not None:
        healpix29 = int(compute_healpix29(np.array([tile.ra]), np.array([tile.dec]))[0])
    statement = _upsert(
        tile_table,
        {"survey_id": survey_id, "name": tile.name},
        {
            "ra": tile.ra,
            "dec": tile.dec,
            "healpix29": healpix29,
            "footprint": list(tile.footprint),
            "files": list(tile.files),
            "folder": tile.folder,
        },
    )
    return _returned_number(run(cursor, statement.returning(table.tile_id)))


def _upsert(
    table: Table,
    key: Mapping[str, object],
    values: Mapping[str, object],
    otherwise: Mapping[str, object] | None = None,
) -> Insert:
    """Insert a row; a row that has its key already gets the values, and those of `otherwise`."""
    statement = insert(table).values({**key, **values})
    new = {name: statement.excluded[name] for name in values}
    return statement.on_conflict_do_update(index_elements=list(key), set_={**new, **(otherwise or {})})


def _returned_number(cursor: Cursor[Row]) -> int:
    row = cursor.fetchone()
    assert row is not None  # noqa: S101 - RETURNING returns
    return int(row[0])


def compute_healpix29(ra_deg: NDArray[np.float64], dec_deg: NDArray[np.float64]) -> NDArray[np.int64]:
    """HEALPix index, order 29, nested, of ICRS positions in degrees, each (n,)."""
    pixels: NDArray[np.int64] = lonlat_to_healpix(
        ra_deg * units.deg, dec_deg * units.deg, NSIDE_29, order="nested"
    )
    return pixels


def _stage_sources(
    cursor: Cursor[tuple[object, ...]],
    survey_id: int,
    tile_id: int,
    ids: NDArray[np.int64],
    galaxies: GalaxyRows,
) -> None:
    make_stage(cursor, "source")
    healpix29 = compute_healpix29(galaxies.ra, galaxies.dec)
    unknown = np.full(len(ids), np.nan, dtype=np.float32)
    numbers = [galaxies.radii_arcsec.get(name, unknown) for name in RADII]
    numbers += [galaxies.magnitudes.get(band, unknown) for band in BANDS]
    statement = sql.SQL("COPY pg_temp.stage_source ({}) FROM STDIN (FORMAT BINARY)").format(
        sql.SQL(", ").join(map(sql.Identifier, (*SOURCE_COLUMNS, "is_retired")))
    )
    with cursor.copy(statement) as copy:
        copy.set_types(
            ["int8", "int2", "text", "int8", "float8", "float8", "int8", *["float4"] * len(numbers), "bool"]
        )
        places = zip(galaxies.ra.tolist(), galaxies.dec.tolist(), healpix29.tolist(), strict=True)
        known = zip(*map(_null_for_nan, numbers), strict=True)
        for identity, name, place, values in zip(
            ids.tolist(), galaxies.survey_source_id, places, known, strict=True
        ):
            copy.write_row((identity, survey_id, name, tile_id, *place, *values, False))


def _null_for_nan(column: NDArray[np.float32]) -> list[float | None]:
    return [None if number != number else number for number in column.tolist()]  # noqa: PLR0124 - NaN differs


def _folder(cursor: Cursor[tuple[object, ...]], survey_id: int, name: str) -> object:
    """Where a tile was ingested from; None for a new one."""
    row = cursor.execute(
        "SELECT folder FROM galcat.tile WHERE survey_id = %s AND name = %s", [survey_id, name]
    ).fetchone()
    return None if row is None else row[0]


def _retire_vanished(cursor: Cursor[tuple[object, ...]], tile_id: int, kept: list[int]) -> int:
    vanished = [
        row[0]
        for row in cursor.execute(
            "UPDATE galcat.source AS s SET is_retired = true WHERE s.tile_id = %s AND NOT s.is_retired "
            "AND s.object_id <> ALL (%s::bigint[]) "
            "AND NOT EXISTS (SELECT FROM pg_temp.stage_source AS n WHERE n.object_id = s.object_id) "
            "RETURNING s.object_id",
            [tile_id, kept],
        )
    ]
    if vanished:
        for table in ("embedding", "embedding_full", "morphology", "thumbnail"):
            cursor.execute(
                sql.SQL("DELETE FROM {} WHERE object_id = ANY (%s)").format(sql.Identifier("galcat", table)),
                [vanished],
            )
    return len(vanished)


def _remove_vectors(cursor: Cursor[tuple[object, ...]], release_id: int, ids: list[int]) -> None:
    for table in ("embedding", "embedding_full", "morphology"):
        cursor.execute(
            sql.SQL("DELETE FROM {} WHERE object_id = ANY (%s) AND release_id = %s").format(
                sql.Identifier("galcat", table)
            ),
            [ids, release_id],
        )


def _add_missing_digests(
    cursor: Cursor[tuple[object, ...]], release_id: int, ids: NDArray[np.int64], galaxies: GalaxyRows
) -> int:
    """Give rows from before digests were kept the one of their picture, if it gives the vector they hold.

    Their picture is not new then, and their scores stay; returns rows changed.
    """
    rows = cursor.execute(
        "SELECT object_id, vector FROM galcat.embedding_full "
        "WHERE picture_digest IS NULL AND release_id = %s AND object_id = ANY (%s)",
        [release_id, ids.tolist()],
    )
    held = dict(cast("list[tuple[int, HalfVector]]", rows.fetchall()))
    if not held:
        return 0
    now = zip(ids.tolist(), _halves(galaxies.full), galaxies.picture_digests.tolist(), strict=True)
    cursor.executemany(
        "UPDATE galcat.embedding_full SET picture_digest = %s WHERE object_id = %s AND release_id = %s",
        [
            (digest, identity, release_id)
            for identity, vector, digest in now
            if identity in held and np.array_equal(held[identity].to_numpy(), vector)
        ],
    )
    return cursor.rowcount


def _has_new_picture(
    cursor: Cursor[tuple[object, ...]], release_id: int, ids: NDArray[np.int64], digests: NDArray[np.int64]
) -> NDArray[np.bool_]:
    """Which galaxies, (n,), lack a row of this release that was made of the picture they have now."""
    rows = cursor.execute(
        "SELECT object_id, picture_digest FROM galcat.embedding_full "
        "JOIN galcat.embedding USING (object_id, release_id) "
        "JOIN galcat.morphology USING (object_id, release_id) "
        "WHERE release_id = %s AND object_id = ANY (%s)",
        [release_id, ids.tolist()],
    )
    there = set(rows.fetchall())
    pictures = zip(ids.tolist(), digests.tolist(), strict=True)
    return np.array([picture not in there for picture in pictures], dtype=np.bool_)


def _write_vectors(
    cursor: Cursor[tuple[object, ...]],
    release_id: int,
    ids: NDArray[np.int64],
    galaxies: GalaxyRows,
    new: NDArray[np.bool_],
) -> int:
    """Write both vectors and the morphology of the galaxies with a new picture; returns rows changed."""
    if not new.any():
        return 0
    keys: Columns = {"object_id": ids, "release_id": np.full(len(ids), release_id, dtype=np.int16)}
    parts: dict[str, Columns] = {
        "embedding": {"search": _halves(galaxies.search)},
        "embedding_full": {
            "vector": _halves(galaxies.full),
            "picture_digest": galaxies.picture_digests,
        },
        "morphology": dict(zip(FRACTIONS, galaxies.fractions.T, strict=True))
        | dict(zip(CONCENTRATIONS, galaxies.concentrations.T, strict=True))
        | ({} if galaxies.anomaly_scores is None else {"anomaly_score": galaxies.anomaly_scores}),
    }
    changed = 0
    for table, values in parts.items():
        columns = {name: column[new] for name, column in (keys | values).items()}
        copy = partial(copy_columns, columns=columns)
        names = tuple(columns)
        changed += load(cursor, table, tuple(keys), names, release_id, ids[new].tolist(), copy, replace=True)
    return changed


def _write_thumbnails(
    cursor: Cursor[tuple[object, ...]],
    release_id: int,
    ids: NDArray[np.int64],
    jpegs: list[bytes],
    *,
    replace: bool,
) -> int:
    """Write the thumbnails that are new or have other bytes; returns rows changed."""
    copy = partial(_copy_pictures, rows=list(zip(ids.tolist(), jpegs, strict=True)))
    names = ("object_id", "jpeg")
    return load(cursor, "thumbnail", names[:1], names, release_id, ids.tolist(), copy, replace=replace)


def _copy_pictures(
    cursor: Cursor[tuple[object, ...]], table: sql.Composable, rows: list[tuple[int, bytes]]
) -> None:
    statement = sql.SQL("COPY {} (object_id, jpeg) FROM STDIN (FORMAT BINARY)").format(table)
    with cursor.copy(statement) as copy:
        copy.set_types(["int8", "bytea"])
        for row in rows:
            copy.write_row(row)


def _halves(array: NDArray[np.float32]) -> NDArray[np.float16]:
    if array.size and float(np.abs(array).max()) > HALF_MAX:
        raise CatalogError(
            f"a vector holds {np.abs(array).max():.3g}, more than a halfvec can: {HALF_MAX:.0f}"
        )
    return array.astype(np.float16)


def _write_outcome(
    cursor: Cursor[tuple[object, ...]],
    tile_id: int,
    release_id: int,
    tile: TileRecord,
    n_galaxies: int,
    skips: list[SkipRecord],
) -> None:
    n_failed = sum(skip.will_retry for skip in skips)
    _write_attempt(
        cursor,
        tile_id,
        release_id,
        {
            "state": "done",
            "fingerprint": tile.fingerprint,
            "content_hash": tile.content_hash,
            "n_sources": n_galaxies + len(skips),
            "n_galaxies": n_galaxies,
            "n_skipped": len(skips) - n_failed,
            "n_failed": n_failed,
            "error": None,
        },
    )
    key = {"tile_id": tile_id, "release_id": release_id}
    old = [skipped_row.c[name] == value for name, value in key.items()]
    run(cursor, delete(skipped_row).where(*old))
    insert_rows(cursor, insert(skipped_row), [key | asdict(skip) for skip in skips])


def _write_attempt(
    cursor: Cursor[tuple[object, ...]], tile_id: int, release_id: int, values: Mapping[str, object]
) -> None:
    """Remember how the ingestion of a tile in a release ended, and count the attempt."""
    again = {"attempts": ingestion.c.attempts + 1, "finished_at": func.clock_timestamp()}
    run(cursor, _upsert(ingestion, {"tile_id": tile_id, "release_id": release_id}, values, again))
