"""What somebody means by a galaxy: an object_id, a position, a name, several galaxies, or a vector."""

from collections.abc import Iterable, Mapping
from typing import TypeAlias

import numpy as np
import psycopg
from astropy.coordinates import SkyCoord
from numpy.typing import NDArray

from catalog.constants import SEARCH_DIMENSION
from catalog.errors import UnknownObjectError
from catalog.search.galaxy_at import find_galaxy_at
from catalog.search.name_resolver import find_galaxy_by_name
from table_files.angle import normalise_minus

_SEXAGESIMAL = 6
"""Numbers of a position in hours, minutes, seconds, degrees, minutes and seconds."""
_SHOWN = 80
Meant: TypeAlias = int | str | tuple[float, float] | Iterable[int] | NDArray[np.float32] | SkyCoord


def understand(
    connection: psycopg.Connection, meant: Meant, radius_arcsec: float
) -> tuple[int, ...] | NDArray[np.float32]:
    """Find out which galaxies are meant, or take a vector as it is.

    Args:
        connection: Open connection to the catalogue; only read from.
        meant: Text as a user types it: an object_id, `RA DEC` in ICRS degrees or sexagesimal (a comma may
            stand between them), or a name. Or an object_id, a position (ra, dec) or SkyCoord, a list of
            object_ids, or a (40,) search vector.
        radius_arcsec: How near a galaxy must be to a position.

    Returns:
        What `Search.like` takes: object_ids, or the vector.

    Raises:
        UnknownObjectError: No galaxy is there, or has that id or name; or the text is some other numbers.
        QueryError: The position is not on the sphere.
    """
    if isinstance(meant, str):
        return (_find_by_text(connection, meant, radius_arcsec),)
    if isinstance(meant, SkyCoord):
        meant = _split_position(meant)
    if isinstance(meant, int | np.integer) and not isinstance(meant, bool):
        return (int(meant),)
    values = _list_values(meant)
    if not any(isinstance(value, float | np.floating) for value in values):
        return _ids(values)
    if len(values) == 2:  # noqa: PLR2004 - ra and dec
        return (find_galaxy_at(connection, float(values[0]), float(values[1]), radius_arcsec),)
    if len(values) != SEARCH_DIMENSION:
        raise UnknownObjectError(
            f"{len(values)} numbers are no galaxy: a position has 2, a search vector {SEARCH_DIMENSION}"
        )
    return np.array(values, np.float32)


def _list_values(meant: object) -> tuple[float, ...]:
    """Whole numbers, or numbers."""
    values = tuple(meant) if isinstance(meant, Iterable) and not isinstance(meant, bytes | Mapping) else ()
    numbers = (int, float, np.integer, np.floating)
    if not values or not all(isinstance(one, numbers) and not isinstance(one, bool) for one in values):
        shown = " ".join(repr(meant).split())[:_SHOWN]
        raise UnknownObjectError(
            f"{shown} is no galaxy: give an object_id, a name, a position (ra, dec) or several object_ids"
        )
    return values


def _ids(values: tuple[float, ...]) -> tuple[int, ...]:
    ids = tuple(int(value) for value in values)
    if len(ids) == 2 and 0 <= ids[0] <= 360 and abs(ids[1]) <= 90:  # noqa: PLR2004 - as degrees are
        raise UnknownObjectError(
            f"{ids} would be two object_ids: a position has decimals, ({float(ids[0])}, {float(ids[1])})"
        )
    return ids


def _split_position(position: SkyCoord) -> tuple[float, float]:
    """Right ascension and declination of a SkyCoord, ICRS degrees."""
    if not position.isscalar:
        raise UnknownObjectError(f"{len(position)} positions: catalogue.match finds their galaxies")
    return float(position.icrs.ra.deg), float(position.icrs.dec.deg)


def _find_by_text(connection: psycopg.Connection, text: str, radius_arcsec: float) -> int:
    numbers = _numbers(text)
    n_numbers = None if numbers is None else len(numbers)
    if numbers is None or n_numbers == _SEXAGESIMAL or text.strip().isdecimal():
        return find_galaxy_by_name(connection, text.strip(), radius_arcsec)
    if n_numbers != 2:  # noqa: PLR2004 - ra and dec
        raise UnknownObjectError(f"{text} is no object_id and no position: give RA DEC in degrees")
    return find_galaxy_at(connection, numbers[0], numbers[1], radius_arcsec)


def _numbers(text: str) -> list[float] | None:
    try:
        return [float(word) for word in normalise_minus(text).replace(",", " ").split()]
    except ValueError:
        return None
