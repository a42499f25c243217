"""Two small surveys: one band with a mask, and pictures beside a table."""

from pathlib import Path

import numpy as np
from astropy.io import fits
from astropy.table import Table
from numpy.typing import NDArray

from encoder.surveys.description import Survey
from encoder.surveys.survey_file import survey_from_text
from tests.encoder.tiles.fits_tiles import tan_wcs
from tests.encoder.tiles.shape_table import CATALOGUE

SHAPE = (120, 140)
RA, DEC = 150.1, 20.25
ONE_BAND = (
    """
name = "oneband"
description = "One image a tile, with a mask"
kind = "tiles"
bands = ["r"]
pixel_scale_arcsec = 0.262
[image]
path = "{tile}.fits"
zero_point = { r = 22.5 }
[mask]
path = "{tile}.mask.fits"
bad_bits = { r = BITS }
"""
    + CATALOGUE
    + """
[rgb]
red = { band = "r", divide_by = 1.0 }
green = { band = "r", divide_by = 1.0 }
blue = { band = "r", divide_by = 1.0 }
"""
)
CUTOUTS = """
name = "pictures"
description = "Pictures beside a table"
kind = "cutouts"
bands = ["r"]
[image]
path = "{file}"
[catalogue]
path = "table.csv"
id = "id"
ra = "ra"
dec = "dec"
"""


def one_band(folder: Path, bits: NDArray[np.generic], bad_bits: int) -> tuple[Survey, Path]:
    """A tile of one band with a mask; its description asks for some bits."""
    wcs = tan_wcs(RA, DEC, SHAPE)
    fits.PrimaryHDU(np.ones(SHAPE, np.float32), wcs.to_header()).writeto(folder / "t.fits")
    fits.PrimaryHDU(bits).writeto(folder / "t.mask.fits")
    Table({"id": [1], "ra": [RA], "dec": [DEC], "shape_r": [2.0]}).write(folder / "t.csv")
    return survey_from_text(ONE_BAND.replace("BITS", str(bad_bits)), folder / "s.toml"), folder
