"""FITS cutouts as pictures: bands to colours, bad pixels, and what cannot be used."""

import shutil
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
import torch
from astropy.io import fits
from numpy.typing import NDArray

from encoder.cutouts.batches import image_batches
from encoder.cutouts.fits_pictures import read_fits_cutout
from encoder.errors import ImageError
from encoder.model.recipe import ImageRecipe
from encoder.tiles.tiles import find_tiles, read_tile
from tests.encoder.cutouts.picture_files import DECALS, RECIPE


def test_a_fits_cutout_is_the_picture_that_ingesting_it_makes(shared_data: Path, tmp_path: Path) -> None:
    cube = shared_data / "decals_fits" / "example_a.fits"
    shutil.copy(cube, tmp_path)
    header = fits.getheader(cube)
    # Half the field is 212 px of the file's own 0.1 arcsec; 2.5 arcsec of radius give just that scale.
    (tmp_path / "sources.csv").write_text(
        f"id,tile,ra,dec,shape_r\n1,example_a,{header['CRVAL1']},{header['CRVAL2']},2.5\n"
    )
    (files,) = find_tiles(DECALS, tmp_path)
    recipe = ImageRecipe(size=96, crop=0.7)
    (batch,) = image_batches(DECALS, read_tile(DECALS, files), recipe, "cpu", 8, [])
    torch.testing.assert_close(read_fits_cutout(cube, DECALS, recipe), batch.rgb[0], atol=2e-3, rtol=0)


def test_bands_of_a_fits_cutout_become_colours_south_at_the_bottom(tmp_path: Path) -> None:
    cube = np.full((3, 40, 60), 1e-4, np.float32)
    cube[2, :20, 10:30] = 5  # z, red: south-east quarter of the central square
    cube[:, 0, 0] = np.nan  # off the square
    fits.writeto(tmp_path / "a.fits", cube)
    picture = read_fits_cutout(tmp_path / "a.fits", DECALS, ImageRecipe(size=10))
    red = np.zeros((10, 10), bool)
    red[5:, :5] = True
    np.testing.assert_array_equal(picture[0].numpy() > 0.3, red)


def _nan_quarter(cube: NDArray[np.float32]) -> NDArray[np.float32]:
    cube[1, :20] = np.nan
    return cube


@pytest.mark.parametrize(
    ("change", "told"),
    [
        (_nan_quarter, "33% of the pixels of a band are bad"),
        (lambda cube: cube * 0, "100% of the pixels of a band are bad"),
        (lambda cube: cube[0], r"has shape \(60, 60\), not a cube of grz"),
        (lambda cube: cube[:2], r"has shape \(2, 60, 60\), not a cube of grz"),
        (lambda cube: cube[None], r"has shape \(1, 3, 60, 60\), not a cube of grz"),
    ],
)
def test_a_fits_cutout_that_cannot_be_used_is_one_line(
    tmp_path: Path, change: Callable[[NDArray[np.float32]], NDArray[np.float32]], told: str
) -> None:
    fits.writeto(tmp_path / "a.fits", change(np.ones((3, 60, 60), np.float32)))
    with pytest.raises(ImageError, match=rf"a\.fits: {told}"):
        read_fits_cutout(tmp_path / "a.fits", DECALS, RECIPE)


def test_a_few_nan_pixels_take_their_surroundings_value(tmp_path: Path) -> None:
    cube = np.ones((3, 60, 60), np.float32)
    cube[:, 20:30, 20:30] = np.nan
    fits.writeto(tmp_path / "a.fits", cube)
    picture = read_fits_cutout(tmp_path / "a.fits", DECALS, RECIPE)
    torch.testing.assert_close(picture, picture[:, :1, :1].expand_as(picture))
