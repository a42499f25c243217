"""Images of labelled galaxies in files of any kind, each read when it is asked for."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor
from torchvision.transforms.v2.functional import pil_to_tensor

from encoder.cutouts.fits_pictures import check_colours, is_fits, read_fits_cutout
from encoder.cutouts.pictures import open_picture
from encoder.errors import ImageError, TrainingError
from encoder.model.recipe import FIELD_PX, ImageRecipe
from encoder.surveys.description import Survey

FITS_RECIPE = ImageRecipe(size=FIELD_PX)
"""A FITS cutout is stretched to the picture that Galaxy Zoo would have shown of it."""


class Images(Protocol):
    """A sequence of images that are read when they are asked for."""

    def __len__(self) -> int: ...

    def __getitem__(self, i: int) -> Tensor:
        """Image i, (3, h, w) uint8."""
        ...


@dataclass(frozen=True)
class FileImages:
    """Images in files: JPEG, PNG and FITS, mixed.

    Args:
        paths: Path of each galaxy's picture.
        survey: The survey, which says what the bands of FITS files are; None where there are none.
    """

    paths: Sequence[Path]
    survey: Survey | None = None

    def __post_init__(self) -> None:
        fits = next((path for path in self.paths if is_fits(path)), None)
        if fits is not None and self.survey is None:
            raise TrainingError(f"{fits} is FITS: say by survey what its bands are")
        if fits is not None and self.survey is not None:
            check_colours(self.survey)

    def __len__(self) -> int:
        return len(self.paths)

    def __getitem__(self, i: int) -> Tensor:
        path = self.paths[i]
        try:
            if self.survey is not None and is_fits(path):
                rgb = read_fits_cutout(path, self.survey, FITS_RECIPE)
                return (rgb * 255).round().to(torch.uint8)
            image: Tensor = pil_to_tensor(open_picture(path))
        except ImageError as error:
            raise TrainingError(f"training image {error}") from error
        return image


@dataclass(frozen=True)
class ImageSubset:
    """Some of other images."""

    images: Images
    rows: NDArray[np.int64]

    def __len__(self) -> int:
        return len(self.rows)

    def __getitem__(self, i: int) -> Tensor:
        return self.images[int(self.rows[i])]
