"""Cutouts as SODA 1.0 asks for them: which galaxy, what circle around it, and in which bands."""

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Protocol

from catalog.search.request import Cone
from catalog.tap.datalink.galaxy_files import GalaxyFiles, parse_object_id
from catalog.tap.errors import NotFoundError, UsageError
from catalog.tap.parameters import RequestParameters

BANDS_M = {"g": (4.0e-7, 5.5e-7), "r": (5.6e-7, 7.2e-7), "i": (7.0e-7, 8.6e-7), "z": (8.3e-7, 1.0e-6)}
"""Where the filters of DECam and SDSS let light through, in metres; as ivoa.obscore has them."""


class SeveralValuesError(UsageError):
    """A parameter was given several times, and one value at a time is served."""


class FilesGoneError(NotFoundError):
    """The tile cannot be read any more where it was read."""


class NoPixelsError(NotFoundError):
    """The tile has no pixel of what was asked for."""


@dataclass(frozen=True)
class CutoutRequest:
    """The cutout that the parameters ask for.

    Attributes:
        object_id: The galaxy to cut out.
        circle: The circle that the cutout encloses; None for the field of the galaxy's Galaxy Zoo cutout.
        band: The names of the bands, or the shortest and the longest wavelength in metres; None for all
            bands.
    """

    object_id: int
    circle: Cone | None
    band: tuple[str, ...] | tuple[float, float] | None


class Cutter(Protocol):
    """Makes cutouts from the tiles' files; called by one thread at a time."""

    def has_files(self, galaxy: GalaxyFiles) -> bool:
        """Whether the images of the galaxy's tile are where they were read."""

    def cut(self, galaxy: GalaxyFiles, circle: Cone, bands: Sequence[str]) -> bytes:
        """Make a FITS file with an image of each band, in flux, with its place on the sky.

        Raises:
            FilesGoneError: They are not, or no longer readable.
            NoPixelsError: The circle lies outside the tile.
            UsageError: The cutout would be too large.
        """


def parse_cutout_request(parameters: RequestParameters) -> CutoutRequest:
    """Read ID, CIRCLE or POS, and BAND.

    BAND is SODA's, an interval of wavelengths in metres; names such as `g` or `g r` serve as well.

    Raises:
        UsageError: One is missing, not understood, or out of range.
    """
    name = _read_one(parameters, "ID")
    if name is None:
        raise UsageError("ID is missing: the object_id of a galaxy")
    if parameters.one("POLYGON") is not None:
        raise UsageError("POLYGON is given: only CIRCLE ra dec radius is served")
    object_id = parse_object_id(name)
    if object_id is None:
        raise UsageError(f"ID is {name[:50]!r}: expected the object_id of a galaxy")
    return CutoutRequest(object_id, _parse_circle(parameters), _parse_band(parameters))


def choose_circle(cutout: CutoutRequest, galaxy: GalaxyFiles) -> Cone:
    """Choose the circle to enclose: where none is asked for, that of the galaxy's Galaxy Zoo cutout.

    Raises:
        UsageError: None is asked for, and the size of that cutout is not known.
    """
    if cutout.circle is not None:
        return cutout.circle
    if galaxy.field_deg is None:
        raise UsageError(f"the size of galaxy {galaxy.object_id} is not known: give CIRCLE")
    return Cone(galaxy.ra_deg, galaxy.dec_deg, galaxy.field_deg / 2)


def choose_bands(cutout: CutoutRequest, galaxy: GalaxyFiles) -> list[str]:
    """Choose the bands of the galaxy's survey that are asked for, in the survey's order.

    Raises:
        UsageError: The survey has no band of that name.
        NoPixelsError: It has none at those wavelengths.
    """
    if cutout.band is None:
        return list(galaxy.bands)
    there = ", ".join(galaxy.bands)
    for band in cutout.band:
        if isinstance(band, str) and band not in galaxy.bands:
            raise UsageError(f"BAND is {band[:20]!r}: survey {galaxy.survey} has {there}")
    chosen = [band for band in galaxy.bands if _is_wanted(band, cutout.band)]
    if not chosen:
        raise NoPixelsError(f"survey {galaxy.survey} has no band at those wavelengths, only {there}")
    return chosen


def _is_wanted(band: str, wanted: tuple[str, ...] | tuple[float, float]) -> bool:
    if band in wanted:
        return True
    low, high = BANDS_M.get(band, (math.nan, math.nan))
    minimum, maximum = wanted[0], wanted[-1]
    return isinstance(minimum, float) and isinstance(maximum, float) and low <= maximum and minimum <= high


def _parse_circle(parameters: RequestParameters) -> Cone | None:
    name, text = "CIRCLE", _read_one(parameters, "CIRCLE")
    region = _read_one(parameters, "POS")
    if text is not None and region is not None:
        raise UsageError("CIRCLE and POS are both given: give one")
    if region is not None:
        name, (shape, _space, text) = "POS", region.strip().partition(" ")
        if shape.upper() != "CIRCLE":
            raise UsageError(f"POS is {region[:50]!r}: only CIRCLE ra dec radius is served")
    if text is None:
        return None
    numbers = _parse_numbers(text)
    if len(numbers) != 3:  # noqa: PLR2004 - ra, dec and radius
        raise UsageError(f"{name} is {text[:50]!r}: expected ra, dec and radius in degrees")
    ra_deg, dec_deg, radius_deg = numbers
    for what, value, minimum, maximum in (("ra", ra_deg, 0, 360), ("dec", dec_deg, -90, 90)):
        if not minimum <= value <= maximum:
            raise UsageError(f"{name}: {what} is {value:g}, not between {minimum} and {maximum} degrees")
    if not 0 < radius_deg <= 180:  # noqa: PLR2004 - the whole sky
        raise UsageError(f"{name}: the radius is {radius_deg:g}, not between 0 and 180 degrees")
    return Cone(ra_deg, dec_deg, radius_deg)


def _parse_band(parameters: RequestParameters) -> tuple[str, ...] | tuple[float, float] | None:
    text = _read_one(parameters, "BAND")
    if text is None:
        return None
    limits = _parse_numbers(text)
    if not limits:
        return tuple(text.split())
    if len(limits) > 2 or not limits[0] <= limits[-1]:  # noqa: PLR2004 - an interval
        raise UsageError(f"BAND is {text[:50]!r}: expected two wavelengths in metres, the shorter first")
    return limits[0], limits[-1]


def _parse_numbers(text: str) -> list[float]:
    """The numbers that the text consists of; none where it has another word. NaN is no number here."""
    try:
        return [float(word) for word in text.split() if not math.isnan(float(word))]
    except ValueError:
        return []


def _read_one(parameters: RequestParameters, name: str) -> str | None:
    if len(set(parameters.values.get(name, ()))) > 1:
        raise SeveralValuesError(f"{name} is given several times: one value at a time is served")
    return parameters.one(name)
