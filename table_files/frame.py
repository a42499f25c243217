"""The coordinate frame that a file declares of its positions, and its way to ICRS."""

import re
from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
from astropy import units
from astropy.coordinates import FK4, FK5, ICRS, BaseCoordinateFrame, Galactic, SkyCoord
from astropy.time import Time
from numpy.typing import NDArray

from table_files.errors import TableError

_SYSTEMS = {
    "icrs": "ICRS",
    "fk5": "FK5",
    "eqfk5": "FK5",
    "fk4": "FK4",
    "eqfk4": "FK4",
    "galactic": "galactic",
    "gal": "galactic",
}
NEARLY_ICRS = ("ICRS", "FK5 J2000")
"""FK5 of J2000 is within 0.03 arcsec of ICRS."""
_USUAL_EQUINOX = {"FK4": "B1950", "FK5": "J2000"}
_FK5_SINCE = 1984
"""FITS: without RADESYS an equinox before is of FK4 (FITS 4.0, section 8.3)."""


@dataclass(frozen=True)
class CoordinateFrame:
    """A coordinate frame as a file declares it.

    Attributes:
        system: ICRS, FK5, FK4 or galactic; anything else as the file spells it.
        equinox: Such as J2000 or B1950; empty where the system has none.
        keyword: What in the file declares it: COOSYS, RADESYS or EQUINOX.
    """

    system: str
    equinox: str = ""
    keyword: str = "COOSYS"

    def __str__(self) -> str:
        return " ".join(filter(None, (self.system, self.equinox)))


def parse_frame(system: str, equinox: str, keyword: str) -> CoordinateFrame | None:
    """Read what a file says of its frame; None where that says nothing.

    Args:
        system: The system's name as VOTable or FITS spells it; empty where only the equinox is given.
        equinox: Such as J2000, B1950 or a bare year; empty where none is given.
        keyword: What declares it, for errors.
    """
    if system.strip().lower() in {"unknown", "none"}:
        system = ""
    known = _SYSTEMS.get(re.sub(r"[^a-z0-9]", "", system.lower()), system.strip())
    year = re.fullmatch(r"([JB]?)\s*(\d{4}(?:\.\d*)?)", equinox.strip().upper())
    if not known and year is not None:
        known = "FK4" if year[1] == "B" or float(year[2]) < _FK5_SINCE else "FK5"
    if not known:
        return CoordinateFrame("", equinox.strip(), keyword) if equinox.strip() else None
    if known not in _USUAL_EQUINOX:
        return CoordinateFrame(known, "", keyword)
    letter = _USUAL_EQUINOX[known][0]
    number = "" if year is None else f"{float(year[2]):.10g}"
    spelled = (year[1] or letter) + number if year is not None else equinox.strip() or _USUAL_EQUINOX[known]
    return CoordinateFrame(known, spelled, keyword)


def frame_of_cards(*headers: Mapping[str, object]) -> CoordinateFrame | None:
    """The frame that RADESYS and EQUINOX declare in the first header that declares one; None where none does.

    Args:
        headers: Headers of FITS, or what else has their keywords, the likeliest first. Of the first alone
            EPOCH, as old files have it, is taken for EQUINOX.
    """
    for i, header in enumerate(headers):
        system = str(header.get("RADESYS", header.get("RADECSYS", "")))
        equinox = str(header.get("EQUINOX", "" if i else header.get("EPOCH", "")))
        frame = parse_frame(system, equinox, "RADESYS" if system else "EQUINOX")
        if frame is not None:
            return frame
    return None


def convert_to_icrs(
    lon_deg: NDArray[np.float64], lat_deg: NDArray[np.float64], frame: CoordinateFrame | None
) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Convert positions to ICRS.

    Args:
        lon_deg: (n,) right ascension or longitude; NaN where there is none.
        lat_deg: (n,) declination or latitude.
        frame: The frame of the two; None is ICRS.

    Returns:
        (n,) right ascension and (n,) declination in degrees.

    Raises:
        TableError: The frame is none that is known.
    """
    if frame is None or frame.system == "ICRS":
        return lon_deg, lat_deg
    there = np.isfinite(lon_deg) & (np.abs(lat_deg) <= 90)  # noqa: PLR2004 - a pole
    given = SkyCoord(lon_deg[there], lat_deg[there], unit=units.deg, frame=_astropy_frame(frame))
    here = given.transform_to(ICRS())
    ra_deg, dec_deg = lon_deg.copy(), lat_deg.copy()
    ra_deg[there], dec_deg[there] = here.ra.deg, here.dec.deg
    return ra_deg, dec_deg


def _astropy_frame(frame: CoordinateFrame) -> BaseCoordinateFrame:
    try:
        if frame.system == "galactic":
            return Galactic()
        kinds = {"FK4": FK4, "FK5": FK5}
        return kinds[frame.system](equinox=Time(frame.equinox))
    except (KeyError, ValueError):
        raise TableError(
            f"its {frame.keyword} says {str(frame) or 'nothing'!r}: positions are read in ICRS, FK5, FK4 and "
            "galactic; convert them to ICRS"
        ) from None
