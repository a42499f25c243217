"""Pictures in files: a folder of every kind, and how the encoder sees one."""

from pathlib import Path

import numpy as np
import torch
from astropy.io import fits
from PIL import Image

from encoder.cutouts.fits_pictures import read_fits_cutout
from encoder.cutouts.pictures import fit_picture, open_picture
from encoder.model.recipe import ImageRecipe
from encoder.surveys.survey_file import load_survey
from tests.encoder.releases import SIZE, galaxies

DECALS = load_survey("decals_fits")


RECIPE = ImageRecipe(size=48, crop=0.5)


def write_mixed_folder(parent: Path) -> Path:
    """Nine galaxies: JPEG, PNG and FITS cubes in one folder and one below it."""
    folder = parent / "cutouts"
    (folder / "deeper").mkdir(parents=True)
    for n, picture in enumerate((galaxies(9, 60).permute(0, 2, 3, 1).numpy() * 255).astype(np.uint8)):
        if n % 3 == 2:
            flux = np.random.default_rng(n).uniform(0.001, 1, (3, 60, 60)).astype(np.float32)
            fits.writeto(folder / f"g{n}.fits", flux)
        else:
            Image.fromarray(picture).save(
                folder / ("deeper" if n > 4 else "") / f"g{n}.{('jpg', 'png')[n % 3]}"
            )
    (folder / "labels.csv").write_text("id\n")
    (folder / ".g0.jpg").write_bytes(b"")
    return folder


def read_square(path: Path, size: int, crop: float) -> torch.Tensor:
    """The central square of a JPEG or PNG, whose frame nobody looks for, (3, size, size)."""
    return fit_picture(open_picture(path), size, crop)


def read_centre(path: Path) -> torch.Tensor:
    """The same of a picture of any kind, as RECIPE has it."""
    if path.suffix == ".fits":
        return read_fits_cutout(path, DECALS, RECIPE)
    return read_square(path, SIZE, RECIPE.crop)
