"""The catalogue as HATS (Hierarchical Adaptive Tiling Scheme): Parquet files by HEALPix cell, for LSDB.

A collection of three: the galaxies, those beside each cell's edges (the margin, without which a cross-match
misses pairs across an edge), and the vectors at the encoder's full width. A new export takes the place of the
former one at once; what did not change is the same file as before.
"""

import hashlib
import json
import os
import re
import secrets
import shutil
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import psycopg
import pyarrow as pa
import pyarrow.parquet as pq
from psycopg import sql

from catalog.adql.published import PublishedColumn
from catalog.columns import ColumnMeta
from catalog.errors import CatalogError
from catalog.export.hats_files import HEALPIX, describe_catalogue, describe_collection, part_name
from catalog.export.partitions import SkyCell, count_galaxies, margin_ranges, part_sky
from catalog.file_lock import lock_alone
from catalog.formats.arrow_batch import arrow_batch, arrow_schema
from catalog.tap.database.load_published import load_published

MAX_ROWS = 100_000
MARGIN_ARCSEC = 10.0
_STORED_HEALPIX = "healpix29"
_MANIFEST = "galcat.json"
_ROWS_AT_ONCE = 5_000
_GROUP_ROWS = 10_000
_VECTORS = "vectors"


class HatsError(CatalogError):
    """The catalogue cannot be exported as HATS; one line says why."""


@dataclass(frozen=True)
class HatsExport:
    """What was exported.

    Attributes:
        n_galaxies: Number of galaxies.
        n_files: Number of Parquet files of galaxies, margins and vectors.
        n_written: How many of them are new; the others are the files of the export before.
    """

    n_galaxies: int
    n_files: int
    n_written: int


def export_hats(
    connection: psycopg.Connection,
    folder: Path,
    max_rows: int = MAX_ROWS,
    margin_arcsec: float = MARGIN_ARCSEC,
    progress: Callable[[int, int], object] = lambda _done, _of: None,
) -> HatsExport:
    """Export what readers see, in one transaction.

    Args:
        connection: A connection of a reader, not in a transaction.
        folder: Name of the collection, which is a link to the export that is whole; made anew each time.
        max_rows: How many galaxies a file may hold.
        margin_arcsec: How far beyond a cell's edges its margin reaches at least, arcsec.
        progress: Called with the cells that are done and all of them.

    Raises:
        HatsError: The library cdshealpix is missing, something else is called like the folder, another
            export to it runs, or there is no galaxy.
    """
    _require_healpix()
    folder.parent.mkdir(parents=True, exist_ok=True)
    with _alone(folder):
        before = _find_former(folder)
        fresh = folder.with_name(f".{folder.name}.{secrets.token_hex(6)}")
        fresh.mkdir()
        try:
            with connection.transaction():
                connection.execute("SET TRANSACTION ISOLATION LEVEL REPEATABLE READ READ ONLY")
                made = _Export(connection, fresh, before, margin_arcsec).write(max_rows, progress)
        except BaseException:
            shutil.rmtree(fresh, ignore_errors=True)
            raise
        _publish(fresh, folder)
        _remove_others(folder, fresh)
    return made


class _Export:
    """One export on its way."""

    def __init__(
        self, connection: psycopg.Connection, folder: Path, before: Path | None, margin_arcsec: float
    ) -> None:
        self._connection = connection
        self._folder = folder
        self._before = before
        self._margin_arcsec = margin_arcsec
        self._manifest: dict[str, str] = {}
        self._former = _read_manifest(before)
        self._n_written = 0
        published = load_published(connection).tables
        table = next(one for one in published if (one.schema, one.name) == ("galcat", "galaxy"))
        self._columns = [column for column in table.columns if column.meta.name != _STORED_HEALPIX]
        self._margin = f"galaxy_{margin_arcsec:g}arcs".replace(".", "p")

    def write(self, max_rows: int, progress: Callable[[int, int], object]) -> HatsExport:
        """Write all of it."""
        cells = part_sky(count_galaxies(self._connection), max_rows)
        if not cells:
            raise HatsError("the catalogue has no galaxies to export")
        rows: dict[str, dict[SkyCell, int]] = {"galaxy": {}, self._margin: {}, _VECTORS: {}}
        for done, cell in enumerate(cells, 1):
            own = [(cell.first, cell.end)]
            rows["galaxy"][cell] = self._write_part("galaxy", cell, self._galaxies(own))
            beside = list(margin_ranges(cell, self._margin_arcsec))
            rows[self._margin][cell] = self._write_part(self._margin, cell, self._galaxies(beside))
            rows[_VECTORS][cell] = self._write_part(_VECTORS, cell, self._vectors(own))
            progress(done, len(cells))
        for name, by_cell in rows.items():
            filled = {cell: n for cell, n in by_cell.items() if n}
            if filled:
                describe_catalogue(self._folder, name, filled, self._about(name, max_rows))
        describe_collection(self._folder, self._margin if any(rows[self._margin].values()) else None)
        (self._folder / _MANIFEST).write_text(json.dumps(self._manifest, indent=0))
        return HatsExport(sum(rows["galaxy"].values()), len(self._manifest), self._n_written)

    def _galaxies(self, ranges: Sequence[tuple[int, int]]) -> pa.Table:
        names = [sql.SQL("g.{}").format(sql.Identifier(column.stored_as)) for column in self._columns]
        query = sql.SQL(
            "SELECT g.healpix29, {names}, e.search::real[] "
            "FROM unnest(%s::bigint[], %s::bigint[]) AS r (a, b) "
            "JOIN galcat.galaxy AS g ON g.healpix29 >= r.a AND g.healpix29 < r.b "
            "LEFT JOIN galcat_tap.embedding AS e ON e.object_id = g.object_id ORDER BY 1, g.object_id"
        ).format(names=sql.SQL(", ").join(names))
        search = ColumnMeta("search", "float", "*", description="Representation that is searched: 40 numbers")
        return self._read(query, ranges, [*(column.meta for column in self._columns), search], ("search",))

    def _vectors(self, ranges: Sequence[tuple[int, int]]) -> pa.Table:
        query = sql.SQL(
            "SELECT g.healpix29, g.object_id, g.ra, g.dec, e.vector "
            "FROM unnest(%s::bigint[], %s::bigint[]) AS r (a, b) "
            "JOIN galcat.galaxy AS g ON g.healpix29 >= r.a AND g.healpix29 < r.b "
            "JOIN galcat_tap.embedding AS e ON e.object_id = g.object_id "
            "WHERE e.vector IS NOT NULL ORDER BY 1, 2"
        )
        by_name = {column.meta.name: column.meta for column in self._columns}
        vector = ColumnMeta("vector", "float", "*", description="Representation at the encoder's full width")
        columns = [*(by_name[name] for name in ("object_id", "ra", "dec")), vector]
        return self._read(query, ranges, columns, ("vector",))

    def _read(
        self,
        query: sql.SQL | sql.Composed,
        ranges: Sequence[tuple[int, int]],
        columns: Sequence[ColumnMeta],
        halves: Sequence[str],
    ) -> pa.Table:
        """The rows of some ranges of HEALPix indices, with `_healpix_29` first; some arrays as float16."""
        index = ColumnMeta(HEALPIX, "long", description="HEALPix index of the position, order 29, nested")
        every = [index, *columns]
        batches = []
        with self._connection.cursor(name="galcat_hats") as cursor:
            cursor.execute(query, [[low for low, _ in ranges], [end for _, end in ranges]])
            while rows := cursor.fetchmany(_ROWS_AT_ONCE):
                batches.append(arrow_batch(every, rows))
        table = pa.Table.from_batches(batches, arrow_schema(every))
        for i, column in enumerate(every):
            values = _as_halves(table[column.name]) if column.name in halves else table[column.name]
            about = {"unit": column.unit, "description": column.description, "ucd": column.ucd}
            said = {key: text for key, text in about.items() if text}
            field = pa.field(column.name, values.type, metadata=said)
            table = table.set_column(i, field, values)
        return table

    def _write_part(self, catalogue: str, cell: SkyCell, table: pa.Table) -> int:
        """Write the rows of a cell, or take the file of the export before where it holds the same."""
        if not len(table):
            return 0
        name = f"{catalogue}/dataset/{part_name(cell)}"
        digest = _digest(table)
        path = self._folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        if self._before is not None and self._former.get(name) == digest and (self._before / name).exists():
            _take_over(self._before / name, path)
        else:
            pq.write_table(table, path, compression="zstd", row_group_size=_GROUP_ROWS)
            self._n_written += 1
        self._manifest[name] = digest
        return len(table)

    def _about(self, name: str, max_rows: int) -> dict[str, object]:
        shown = " ".join(column.meta.name for column in self._columns if _is_shown(column))
        if name == "galaxy":
            return {"dataproduct_type": "object", "hats_cols_default": shown, "hats_max_rows": max_rows}
        if name == _VECTORS:
            return {"dataproduct_type": "object", "hats_max_rows": max_rows}
        return {
            "dataproduct_type": "margin",
            "hats_cols_default": shown,
            "hats_primary_table_url": "galaxy",
            "hats_margin_threshold": f"{self._margin_arcsec:g}",
        }


def _require_healpix() -> None:
    try:
        import cdshealpix  # noqa: F401, PLC0415 - optional
    except ImportError:
        raise HatsError("this needs the library cdshealpix: pip install 'galcat[hats]'") from None


def _is_shown(column: PublishedColumn) -> bool:
    return column.is_principal or column.meta.name in {"object_id", "ra", "dec"}


def _as_halves(vectors: pa.ChunkedArray) -> pa.ChunkedArray:
    combined = vectors.combine_chunks()
    if isinstance(combined, pa.ChunkedArray):  # of no rows
        combined = pa.array([], vectors.type)
    values = pa.array(combined.values.to_numpy(zero_copy_only=False).astype(np.float16))
    return pa.chunked_array([pa.ListArray.from_arrays(combined.offsets, values, mask=combined.is_null())])


def _digest(table: pa.Table) -> str:
    digest = hashlib.sha256(str(table.schema).encode())
    sink = pa.BufferOutputStream()
    with pa.ipc.new_stream(sink, table.schema) as stream:
        stream.write_table(table.combine_chunks())
    digest.update(sink.getvalue())
    return digest.hexdigest()


def _read_manifest(folder: Path | None) -> Mapping[str, str]:
    try:
        return json.loads((folder / _MANIFEST).read_text()) if folder else {}
    except (OSError, ValueError):
        return {}


@contextmanager
def _alone(folder: Path) -> Iterator[None]:
    """Two exports to one name would remove each other's files."""
    path = folder.with_name(f".{folder.name}.lock")
    with path.open("w") as file:
        if not lock_alone(file, path):
            raise HatsError(f"another export to {folder} runs: wait until it has ended")
        try:
            yield
        finally:
            path.unlink()


def _find_former(folder: Path) -> Path | None:
    """The export that the name leads to; None where there is none yet.

    Raises:
        HatsError: Something else has that name.
    """
    former = folder.resolve() if folder.is_symlink() else None
    if folder.exists() and (former is None or not (former / _MANIFEST).is_file()):
        raise HatsError(f"{folder} is there and no export of galcat: name another folder")
    return former


def _take_over(former: Path, path: Path) -> None:
    try:
        os.link(former, path)
    except OSError:  # a file system without hard links
        shutil.copyfile(former, path)


def _publish(fresh: Path, folder: Path) -> None:
    """Let the name lead to the new export, at once."""
    link = folder.with_name(f".{folder.name}.link")
    link.unlink(missing_ok=True)
    link.symlink_to(fresh.name)
    link.replace(folder)


def _remove_others(folder: Path, fresh: Path) -> None:
    """Remove the former export, and what exports that were killed have left."""
    ours = re.compile(rf"\.{re.escape(folder.name)}\.([0-9a-f]{{12}}|\d+\.part)")
    for path in folder.parent.iterdir():
        if ours.fullmatch(path.name) and path != fresh and not path.is_symlink():
            with suppress(OSError):  # a reader on another machine has it open: the next export removes it
                shutil.rmtree(path)
