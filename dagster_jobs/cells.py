"""Sky cells: HEALPix pixels of about 1.8 degrees, the partitions in which tiles are ingested."""

import astropy.units as u
from astropy_healpix import lonlat_to_healpix

from encoder.tile_files import TileFiles

ORDER = 5  # 12,288 cells over the sky
UNPLACED = "unplaced"  # chunks of a cutout table lie all over the sky; a damaged header says nothing


def cell_of(tile: TileFiles) -> str:
    """Name the cell that holds the tile's centre, as `healpix5-01234`."""
    if tile.ra is None or tile.dec is None:
        return UNPLACED
    pixel = int(lonlat_to_healpix(tile.ra * u.deg, tile.dec * u.deg, 2**ORDER, order="nested"))
    return f"healpix{ORDER}-{pixel:05d}"
