"""From a survey's catalogue to the galaxies worth an image, by the conditions its description states."""

import hashlib
import operator
from collections.abc import Callable, Mapping
from functools import lru_cache
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from encoder.errors import NoRowsError, TileError, first_line
from encoder.surveys.description import CatalogueColumns, SelectionCondition, Survey
from encoder.surveys.magnitudes import to_magnitude
from encoder.surveys.patterns import placeholders
from encoder.tiles.source_table import SourceTable, pixel_scales
from encoder.tiles.table_columns import Columns, NotedColumns, float_column, read_columns
from encoder.tiles.tile_files import is_file
from table_files.choice import split_choice

COMPARE: Mapping[str, Callable[[Any, Any], Any]] = {
    "==": operator.eq,
    "!=": operator.ne,
    "<": operator.lt,
    "<=": operator.le,
    ">": operator.gt,
    ">=": operator.ge,
    "in": np.isin,
    "not in": lambda values, wanted: ~np.isin(values, wanted),
    "bits clear": lambda values, bits: _common_bits(values, bits) == 0,
    "bits set": lambda values, bits: _common_bits(values, bits) == bits,
}


def read_catalogue(survey: Survey, path: Path) -> NotedColumns:
    """Every column of the catalogue that the survey's description names; of a brick without sources, no rows.

    Positions come in ICRS degrees, whatever their unit, spelling and frame in the file. The last table stays
    in memory: tiles that share one would otherwise read it anew each time.

    Raises:
        TileError: The table cannot be read, as `read_columns` says, or that of a folder of cutouts has no
            rows.
    """
    file, _ = split_choice(path)
    if not is_file(file):
        raise TileError(f"{file}: the catalogue is missing")
    state = file.stat()
    catalogue = survey.catalogue
    text = [*catalogue.id_columns, *([catalogue.tile] if catalogue.tile else [])]
    if survey.kind == "cutouts":
        text += placeholders(survey.image.path)
    names = (*_numbers(catalogue), *text)
    try:
        position = (catalogue.ra, catalogue.dec)
        return _read_cached(path, names, tuple(text), position, (state.st_size, state.st_mtime_ns))
    except NoRowsError:
        if survey.kind == "cutouts":
            raise
        return NotedColumns((name, np.empty(0, np.str_ if name in text else np.float64)) for name in names)
    except TileError:
        raise
    except Exception as error:  # each format's reader raises its own
        raise TileError(f"{path}: unreadable table: {first_line(error)}") from error


def select_sources(survey: Survey, columns: Columns, rows: NDArray[np.int64], path: Path) -> SourceTable:
    """The rows that meet every condition, with radii, magnitudes and the cutout's pixel scale.

    Args:
        survey: The survey, which names the columns and the conditions.
        columns: The catalogue's columns, as `read_catalogue` gives them.
        rows: Rows of the tile in the catalogue, (k,); the others are not selected from.
        path: Path of the table, which errors name.

    Raises:
        TileError: An id is empty or occurs twice, here or in another tile of the same table; a number is
            none; a declination is beyond a pole; a condition does not fit its column.
    """
    catalogue = survey.catalogue
    part, mag, keep = _select(survey, columns, rows, path)
    radii = [
        _radius(part, name, path, catalogue.radius_unit_arcsec)
        for name in (catalogue.petro_th50, catalogue.petro_th90, catalogue.shape_r)
    ]
    source_id = _ids(survey, part)
    _check_ids(source_id, rows[keep], path)
    if len(rows) < len(columns[catalogue.ra]):  # tiles share the table
        _check_others(survey, columns, rows, set(source_id), path)
    dec = float_column(part, catalogue.dec, path)
    for n in np.flatnonzero(np.abs(dec) > 90).tolist():  # noqa: PLR2004 - a pole
        raise TileError(f"{path}: row {rows[keep][n]} ({source_id[n]}): dec {dec[n]:g} is not in -90..90")
    return SourceTable(
        source_id=source_id,
        row=rows[keep],
        ra=_wrap_ra(float_column(part, catalogue.ra, path)),
        dec=dec,
        petro_th50=radii[0],
        petro_th90=radii[1],
        shape_r=radii[2],
        mag={band: values[keep] for band, values in mag.items()},
        pixel_scale_arcsec=pixel_scales(radii[0], radii[1], radii[2], survey.scale),
    )


def digest_rows(columns: Columns, rows: NDArray[np.int64]) -> str:
    """A hash of these rows' values: the part of a shared table that one tile depends on."""
    digest = hashlib.blake2b(digest_size=16)
    for name in sorted(columns):
        values = columns[name][rows]
        digest.update(f"\0{name}\0{values.dtype.kind}".encode())
        digest.update("\0".join(values).encode() if values.dtype.kind == "U" else _bytes(values))
    return digest.hexdigest()


def _common_bits(values: NDArray[Any], bits: int) -> NDArray[np.uint64]:
    """The bits of each value that are asked for, (n,): the sign of a whole number is a bit as the others."""
    whole = values if values.dtype.kind in "iub" else values.astype(np.int64)
    width = 8 * whole.dtype.itemsize
    unsigned = whole.astype(f"u{whole.dtype.itemsize}", copy=False).astype(np.uint64)
    return unsigned & np.uint64(bits & (2**width - 1))


def _bytes(values: NDArray[np.generic]) -> bytes:
    """The numbers, and where there is none: what is stored there says nothing."""
    if not isinstance(values, np.ma.MaskedArray):
        return values.tobytes()
    return bytes(values.filled(0).tobytes() + np.ma.getmaskarray(values).tobytes())


@lru_cache(maxsize=1)
def _read_cached(
    path: Path,
    names: tuple[str, ...],
    text: tuple[str, ...],
    position: tuple[str, str],
    _state: tuple[int, int],
) -> NotedColumns:
    return read_columns(path, names, text, position)


def _numbers(catalogue: CatalogueColumns) -> list[str]:
    radii = [catalogue.petro_th50, catalogue.petro_th90, catalogue.shape_r]
    conditions = [condition.column for condition in catalogue.select]
    optional = [name for name in radii + conditions if name is not None]
    return [catalogue.ra, catalogue.dec, *optional, *catalogue.flux.values(), *catalogue.magnitude.values()]


def _magnitudes(catalogue: CatalogueColumns, part: Columns, path: Path) -> dict[str, NDArray[np.float32]]:
    """AB magnitudes by band, (k,); NaN where the flux is not above 0 or the magnitude not finite."""
    mag = {}
    for band, name in catalogue.flux.items():
        flux = float_column(part, name, path)
        mag[band] = to_magnitude(flux, catalogue.flux_zero_point).astype(np.float32)
    for band, name in catalogue.magnitude.items():
        given = float_column(part, name, path)
        mag[band] = np.where(np.isfinite(given), given, np.nan).astype(np.float32)
    return mag


def _holds(
    condition: SelectionCondition, part: Columns, mag: Mapping[str, NDArray[np.float32]], path: Path
) -> NDArray[np.bool_]:
    """Whether each row meets the condition, (k,); a row without a value never does."""
    if condition.magnitude is not None:
        name = f"magnitude {condition.magnitude}"
        values: NDArray[Any] = mag[condition.magnitude]
    else:
        name, values = str(condition.column), part[str(condition.column)]
    if not len(values):
        return np.zeros(0, np.bool_)
    wanted = condition.value if isinstance(condition.value, tuple) else (condition.value,)
    is_text = values.dtype.kind == "U"
    if any(isinstance(value, str) != is_text for value in wanted):
        kind = "text" if is_text else "numbers"
        raise TileError(f"{path}: column {name} holds {kind}, the condition's value is {condition.value!r}")
    bare = np.ma.getdata(values)
    given = np.char.strip(bare) != "" if is_text else np.isfinite(bare.astype(np.float64))
    given &= ~np.ma.getmaskarray(values)
    holds = np.zeros(len(values), dtype=np.bool_)
    present = np.char.strip(bare[given]) if is_text else bare[given]
    holds[given] = COMPARE[condition.test](
        present, wanted if isinstance(condition.value, tuple) else wanted[0]
    )
    return holds


def _wrap_ra(ra: NDArray[np.float64]) -> NDArray[np.float64]:
    """Right ascension in [0, 360); rounding makes a tiny negative one 360."""
    turned = ra % 360
    return np.where(turned == 360, 0.0, turned)  # noqa: PLR2004  a full circle


def _radius(part: Columns, name: str | None, path: Path, unit_arcsec: float) -> NDArray[np.float32]:
    """A radius column in arcsec; NaN where it is missing or below 0, as flags for `none` often are."""
    if name is None:
        return np.full(len(next(iter(part.values()))), np.nan, dtype=np.float32)
    radius = float_column(part, name, path) * unit_arcsec
    return np.where(radius >= 0, radius, np.nan).astype(np.float32)


def _select(
    survey: Survey, columns: Columns, rows: NDArray[np.int64], path: Path
) -> tuple[Columns, dict[str, NDArray[np.float32]], NDArray[np.bool_]]:
    """The rows that meet every condition, the magnitudes of all, and which of them those are."""
    part = {name: values[rows] for name, values in columns.items()}
    mag = _magnitudes(survey.catalogue, part, path)
    keep = np.ones(len(rows), dtype=np.bool_)
    for condition in survey.catalogue.select:
        keep &= _holds(condition, part, mag, path)
    return {name: values[keep] for name, values in part.items()}, mag, keep


def _ids(survey: Survey, part: Columns) -> list[str]:
    ids = [part[name].astype(np.str_).tolist() for name in survey.catalogue.id_columns]
    return ["-".join(parts) for parts in zip(*ids, strict=True)]


def _check_others(
    survey: Survey, columns: Columns, rows: NDArray[np.int64], own: set[str], path: Path
) -> None:
    """An id that another tile's row has too would be taken from that tile."""
    elsewhere = np.setdiff1d(np.arange(len(columns[survey.catalogue.ra])), rows)
    first = columns[survey.catalogue.id_columns[0]]
    mine = np.unique(first[rows])
    suspects = elsewhere[np.isin(first[elsewhere], mine)]  # few, so that a large table costs little
    part, _mag, keep = _select(survey, columns, suspects, path)
    for name, row in zip(_ids(survey, part), suspects[keep].tolist(), strict=True):
        if name in own:
            raise TileError(f"{path}: row {row} of another tile has an id of this one, {name!r}")


def _check_ids(source_id: list[str], rows: NDArray[np.int64], path: Path) -> None:
    seen: dict[str, int] = {}
    for name, row in zip(source_id, rows.tolist(), strict=True):
        if not name.strip("-"):
            raise TileError(f"{path}: row {row}: the id is empty")
        if name in seen:
            raise TileError(f"{path}: rows {seen[name]} and {row} have the same id {name!r}")
        seen[name] = row
