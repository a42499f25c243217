"""The Legacy Surveys' bricks: which part of the sky each one owns, and its name, number and WCS.

Rows of declination 0.25 deg high; in each row an even number of bricks at most 0.25 deg wide. This gives the
published numbers (brick 330368 is 0001p000; there are 662,174).
"""

import math
from dataclasses import dataclass
from functools import lru_cache

from astropy.wcs import WCS

from encoder.errors import EncoderError

BRICK_DEG = 0.25
BRICK_PX = 3600
PIXEL_ARCSEC = 0.262
_POLE_ROW = 720
_MAX_DEC_DEG = 75.0


@dataclass(frozen=True)
class Brick:
    """A brick of the Legacy Surveys' tiling of the sky.

    Attributes:
        row: Number of the row of bricks, counted from the south pole.
        column: Number of the brick within its row, counted from RA 0.
        brickid: The survey's number of it.
        ra: Right ascension of the centre, degrees.
        dec: Declination of the centre, degrees.
        half_width: Half its width in RA, degrees.
    """

    row: int
    column: int
    brickid: int
    ra: float
    dec: float
    half_width: float

    @property
    def name(self) -> str:
        """As `0011p020`: tenths of a degree of RA and Dec, cut off."""
        sign = "p" if self.dec >= 0 else "m"
        return f"{int(self.ra * 10):04d}{sign}{int(abs(self.dec) * 10):03d}"

    @property
    def group(self) -> str:
        """The folder it lies in."""
        return self.name[:3]

    def wcs(self) -> WCS:
        """TAN projection about the centre, north up and east left."""
        wcs = WCS(naxis=2)
        wcs.wcs.ctype = ["RA---TAN", "DEC--TAN"]
        wcs.wcs.crval = [self.ra, self.dec]
        wcs.wcs.crpix = [(BRICK_PX + 1) / 2, (BRICK_PX + 1) / 2]
        wcs.wcs.cd = [[-PIXEL_ARCSEC / 3600, 0.0], [0.0, PIXEL_ARCSEC / 3600]]
        return wcs

    def neighbours(self) -> list["Brick"]:
        """This brick and those whose galaxies may reach into its image."""
        found = []
        for row in (self.row - 1, self.row, self.row + 1):
            width = 360 / bricks_in_row(row)
            margin = self.half_width + 0.05 / math.cos(math.radians(self.dec))
            first = math.floor((self.ra - margin) / width)
            last = math.floor((self.ra + margin) / width)
            found += [brick_at(row, column) for column in range(first, last + 1)]
        return found


def bricks_around(ra: float, dec: float, n: int) -> list[Brick]:
    """A block of n neighbouring bricks about a position, about twice as wide as high.

    Raises:
        EncoderError: The position is no place on the sky, or too near a pole for such a block.
    """
    if not (0 <= ra < 360 and abs(dec) <= _MAX_DEC_DEG):  # noqa: PLR2004 - a full turn
        raise EncoderError(
            f"no survey is simulated at ra {ra}, dec {dec}: 0 <= ra < 360, |dec| <= {_MAX_DEC_DEG}"
        )
    if n < 1:
        raise EncoderError(f"a survey of {n} bricks cannot be simulated")
    rows = max(1, round(math.sqrt(n / 2)))
    columns = math.ceil(n / rows)
    row0 = round((dec + 90) / BRICK_DEG) - (rows - 1) // 2
    block = []
    for row in range(row0, row0 + rows):
        column0 = math.floor(ra / 360 * bricks_in_row(row)) - (columns - 1) // 2
        block += [brick_at(row, column) for column in range(column0, column0 + columns)]
    return block[:n]


def brick_at(row: int, column: int) -> Brick:
    """The brick in a row; the column wraps around the sky."""
    n = bricks_in_row(row)
    column %= n
    width = 360 / n
    dec = -90 + BRICK_DEG * row
    return Brick(row, column, _first_id(row) + column, (column + 0.5) * width, dec, width / 2)


@lru_cache(maxsize=1024)
def bricks_in_row(row: int) -> int:
    """How many bricks make up a row: none is wider than 0.25 deg, and their number is even."""
    if row in (0, _POLE_ROW):
        return 1
    widest = max(abs(-90 + BRICK_DEG * row) - BRICK_DEG / 2, 0.0)
    return 2 * math.ceil(360 * math.cos(math.radians(widest)) / BRICK_DEG / 2 - 1e-9)


@lru_cache(maxsize=1024)
def _first_id(row: int) -> int:
    return 1 + sum(bricks_in_row(below) for below in range(row))
