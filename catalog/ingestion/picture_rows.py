"""What a release has of the galaxies' pictures: vectors, vote fractions and thumbnails."""

from functools import partial
from typing import TYPE_CHECKING, cast

import numpy as np
from numpy.typing import NDArray
from psycopg import Cursor, sql

from catalog.database.binary_copy import Columns, copy_columns
from catalog.database.staging import load
from catalog.errors import CatalogError
from catalog.ingestion.records import GalaxyRows
from catalog.questions import CONCENTRATIONS, FRACTIONS

if TYPE_CHECKING:
    from pgvector import HalfVector

HALF_MAX = 65504.0


def has_new_picture(
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


def add_missing_digests(
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


def write_vectors(
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
        | galaxies.judgement,
    }
    changed = 0
    for table, values in parts.items():
        columns = {name: column[new] for name, column in (keys | values).items()}
        copy = partial(copy_columns, columns=columns)
        names = tuple(columns)
        changed += load(cursor, table, tuple(keys), names, release_id, ids[new].tolist(), copy, replace=True)
    return changed


def _halves(array: NDArray[np.float32]) -> NDArray[np.float16]:
    if array.size and float(np.abs(array).max()) > HALF_MAX:
        raise CatalogError(
            f"a vector holds {np.abs(array).max():.3g}, more than a halfvec can: {HALF_MAX:.0f}"
        )
    return array.astype(np.float16)


def write_thumbnails(
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


def remove_vectors(cursor: Cursor[tuple[object, ...]], release_id: int, ids: list[int]) -> None:
    """Delete the vectors and the morphology of galaxies, by object_id, from a release."""
    for table in ("embedding", "embedding_full", "morphology"):
        cursor.execute(
            sql.SQL("DELETE FROM {} WHERE object_id = ANY (%s) AND release_id = %s").format(
                sql.Identifier("galcat", table)
            ),
            [ids, release_id],
        )
