"""Finding a survey's tiles in a folder, and reading one whole or not at all."""

import hashlib
from collections.abc import Collection, Iterable, Iterator
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
from astropy.wcs import WCS
from numpy.typing import NDArray

from encoder.errors import SurveyError, TileError, first_line
from encoder.surveys.description import Survey, hdu_of_band
from encoder.surveys.patterns import find
from encoder.tiles.cells import Cells, Needs
from encoder.tiles.cutout_tiles import picture_paths, split_rows
from encoder.tiles.pixels import check_inside, image_paths, read_pixels, tile_path
from encoder.tiles.selection import digest_rows, read_catalogue, select_sources
from encoder.tiles.source_table import SourceTable
from encoder.tiles.table_columns import Columns
from encoder.tiles.tile_files import TileFiles, is_file, path_from
from table_files.choice import split_choice

__all__ = ["CutoutTile", "SkyTile", "Tile", "TileFiles", "find_tiles", "read_tile"]


@dataclass(frozen=True, eq=False)
class Tile:
    """A tile in memory: its selected sources, and what their pictures are made of.

    Attributes:
        name: Name of the tile, unique in the survey.
        sources: The selected sources of the tile.
        notes: What was left out of the tile's files, one line each.
    """

    name: str
    sources: SourceTable
    notes: tuple[str, ...] = field(default=(), kw_only=True)


@dataclass(frozen=True, eq=False)
class SkyTile(Tile):
    """A piece of sky.

    Attributes:
        pixels: Flux of every band in the survey's order, (bands, h, w), nanomaggies per native pixel; 0 where
            bad.
        bad: Whether a pixel is flagged, zero, or not finite, (bands, h, w).
        wcs: World coordinates of the tile, which lead from pixels to the sky.
        cells: The squares that were read, beside which pixels and flags mean nothing, and in which cutting
            fills the bad pixels; None where all were.
    """

    pixels: NDArray[np.float32]
    bad: NDArray[np.bool_]
    wcs: WCS
    cells: Cells | None = field(default=None, kw_only=True)


@dataclass(frozen=True, eq=False)
class CutoutTile(Tile):
    """A chunk of ready-made pictures, one file a source, in the same order."""

    images: tuple[Path, ...]


def find_tiles(survey: Survey, root: Path, names: Collection[str] | None = None) -> list[TileFiles]:
    """Finds the tiles below `root`, sorted by name; image files are not opened.

    A tile may be incomplete; reading it says what is missing. A table that tiles share is read for its rows.

    Args:
        survey: The survey, which says how tiles are named.
        root: Folder in which the survey's files are looked for.
        names: Names of the only tiles to find; they are sought by name, since the folder may hold 100,000
            others.

    Raises:
        SurveyError: There is no tile, or a shared table cannot be read.
    """
    if not root.is_dir():
        raise SurveyError(f"{root}: no such folder")
    try:
        tiles = _find_chunks(survey, root) if survey.kind == "cutouts" else _find_sky(survey, root, names)
    except (TileError, OSError) as error:
        raise SurveyError(first_line(error)) from error
    if not tiles:
        raise SurveyError(
            f"{root}: no tile of survey {survey.name}; images are sought as {survey.image.path}"
        )
    return sorted((t for t in tiles if names is None or t.name in names), key=lambda tile: tile.name)


def read_tile(survey: Survey, files: TileFiles, needs: Needs | None = None) -> Tile:
    """Reads a tile: its selected sources, and its pixels (or for a chunk, where its pictures are).

    Args:
        survey: The survey, whose description says what the files hold.
        files: The tile's files, as `find_tiles` gives them.
        needs: Says which squares of a piece of sky will be looked at, as `cells_for_cutouts` does: the others
            need not be decoded. Without it all are read.

    Raises:
        TileError: One line naming the file and, if it is one, the row: a band or the catalogue is missing,
            truncated or unreadable, a row lies outside the tile, two rows have the same id; or whatever else
            its files made a reader raise.
    """
    try:
        if files.rows is not None:
            return _read_chunk(survey, files, files.rows)
        return _read_sky(survey, files, needs)
    except TileError:
        raise
    except Exception as error:  # damaged files lead readers anywhere
        raise TileError(f"tile {files.name}: {type(error).__name__}: {first_line(error)}") from error


def _read_sky(survey: Survey, files: TileFiles, needs: Needs | None) -> SkyTile:
    catalogue = tile_path(survey.catalogue.path, files)
    columns = read_catalogue(survey, catalogue)
    sources = select_sources(survey, columns, _rows(survey, columns, files.name), catalogue)
    choose = None if needs is None else lambda wcs, shape: needs(wcs, sources, shape)
    pixels = read_pixels(survey, files, choose)
    check_inside(pixels, sources, files, catalogue)
    notes = (*columns.notes, *pixels.notes)
    return SkyTile(files.name, sources, pixels.flux, pixels.bad, pixels.wcs, cells=pixels.cells, notes=notes)


def _read_chunk(survey: Survey, files: TileFiles, rows: tuple[int, int]) -> CutoutTile:
    table = files.root / survey.catalogue.path
    columns = read_catalogue(survey, table)
    there = len(columns[survey.catalogue.ra])
    if rows[1] > there:
        raise TileError(f"{table}: has {there} rows, but chunk {files.name} needs {rows[1]}")
    sources = select_sources(survey, columns, np.arange(*rows, dtype=np.int64), table)
    images = tuple(picture_paths(survey, files.root, columns, sources.row))
    return CutoutTile(files.name, sources, images, notes=columns.notes)


def _find_sky(survey: Survey, root: Path, names: Collection[str] | None) -> list[TileFiles]:
    found: dict[str, dict[str, str]] = {}
    for values in _image_files(survey, root, names):
        if values.pop("band", survey.bands[0]) in survey.bands:
            found[values["tile"]] = values
    shared: Columns | None = None
    if survey.catalogue.tile is not None:
        shared = read_catalogue(survey, root / survey.catalogue.path)
        for name in set(shared[survey.catalogue.tile].tolist()):
            found.setdefault(name, {})
    return [_sky_files(survey, root, name, values, shared) for name, values in found.items()]


def _image_files(survey: Survey, root: Path, names: Collection[str] | None) -> Iterator[dict[str, str]]:
    """What the placeholders of each image file stand for."""
    for name in ["{tile}"] if names is None else names:
        for _path, values in find(root, survey.image.path.replace("{tile}", name)):
            yield {"tile": name} | values


def _sky_files(
    survey: Survey, root: Path, name: str, values: dict[str, str], shared: Columns | None
) -> TileFiles:
    bare = TileFiles(survey.name, name, root, (), "", values=tuple(sorted(values.items())))
    try:
        images = list(dict.fromkeys(image_paths(survey, bare).values()))
    except TileError:  # the table names a tile that has no image; reading it will say so
        images = []
    named = tile_path(survey.catalogue.path, bare) if images or shared else None
    table = None if named is None else split_choice(named)[0]
    masks = (
        [tile_path(survey.mask.path, bare, {"band": band}) for band in survey.bands]
        if survey.mask and images
        else []
    )
    wanted = list(dict.fromkeys([*images, *masks, *([table] if table else [])]))
    there = [path for path in wanted if is_file(path)]
    digest = "" if shared is None else digest_rows(shared, _rows(survey, shared, name))
    return TileFiles(
        survey=survey.name,
        name=name,
        root=root,
        files=tuple(there),
        fingerprint=_fingerprint(
            survey, root, (path for path in there if path != table or not shared), digest
        ),
        image=next((path for path in images if path in there), None),
        hdu=hdu_of_band(survey.image.hdu, survey.bands[0]),
        values=bare.values,
        meaning=survey.meaning,
        table=table if shared else None,
        row_digest=digest,
        lacking=tuple(path for path in wanted if path not in there),
    )


def _find_chunks(survey: Survey, root: Path) -> list[TileFiles]:
    columns = read_catalogue(survey, root / survey.catalogue.path)
    table, _ = split_choice(root / survey.catalogue.path)
    tiles = []
    for name, start, stop in split_rows(table, len(columns[survey.catalogue.ra])):
        rows = np.arange(start, stop, dtype=np.int64)
        pictures = [path for path in picture_paths(survey, root, columns, rows) if is_file(path)]
        digest = digest_rows(columns, rows)
        tiles.append(
            TileFiles(
                survey=survey.name,
                name=name,
                root=root,
                files=(table, *pictures),
                fingerprint=_fingerprint(survey, root, pictures, digest),
                rows=(start, stop),
                meaning=survey.meaning,
                table=table,
                row_digest=digest,
            )
        )
    return tiles


def _rows(survey: Survey, columns: Columns, name: str) -> NDArray[np.int64]:
    """The rows of a catalogue that belong to a tile: all, unless tiles share it."""
    if survey.catalogue.tile is None:
        return np.arange(len(columns[survey.catalogue.ra]), dtype=np.int64)
    return np.flatnonzero(columns[survey.catalogue.tile] == name).astype(np.int64)


def _fingerprint(survey: Survey, root: Path, files: Iterable[Path], row_digest: str) -> str:
    digest = hashlib.blake2b((survey.meaning + row_digest).encode(), digest_size=16)
    for path in files:
        try:
            state = path.stat()
        except OSError:  # it went since it was found: reading the tile will say so
            continue
        digest.update(path_from(root, path) + f"\0{state.st_size}\0{state.st_mtime_ns}\0".encode())
    return digest.hexdigest()
