"""Sky cells: HEALPix pixels of about 1.8 degrees, the partitions in which tiles are ingested."""

import math

import astropy.units as u
from astropy_healpix import lonlat_to_healpix

from encoder.tiles.tile_files import TileFiles

ORDER = 5  # 12,288 cells over the sky
UNPLACED = "unplaced"  # chunks of a cutout table lie all over the sky; a damaged header says nothing


def cell_of(tile: TileFiles) -> str:
    """Name the cell that holds the tile's centre, as `healpix5-01234`."""
    return cell_at(tile.ra, tile.dec)


def cell_at(ra_deg: float | None, dec_deg: float | None) -> str:
    """Name the cell that holds a position, ICRS; None, and what is not on the sky, lie in none."""
    if ra_deg is None or dec_deg is None or not math.isfinite(ra_deg) or not abs(dec_deg) <= 90:  # noqa: PLR2004
        return UNPLACED
    pixel = int(lonlat_to_healpix(ra_deg * u.deg, dec_deg * u.deg, 2**ORDER, order="nested"))
    return f"healpix{ORDER}-{pixel:05d}"


def tiles_of_cell(cell: str) -> tuple[int, int] | None:
    """First HEALPix pixel of order 29 in a cell, and the first beyond it; None for tiles that lie in none."""
    if cell == UNPLACED:
        return None
    pixel, inside = int(cell.rpartition("-")[2]), 4 ** (29 - ORDER)
    return pixel * inside, (pixel + 1) * inside
