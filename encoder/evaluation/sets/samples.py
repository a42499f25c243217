"""Galaxies to be encoded: their names, and how the picture of each is made for a recipe.

`check_untrained_on` refuses an encoder that has learnt of a sample what it is to find there.
"""

import hashlib
import tomllib
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import torch
from torch import Tensor

from encoder.cutouts.fits_pictures import is_fits
from encoder.cutouts.frames import see_at_once, see_found
from encoder.cutouts.framing import cut_views, find_frames
from encoder.cutouts.pictures import ColourPicture, open_picture
from encoder.errors import EvaluationError
from encoder.model.encoder import Encoder
from encoder.model.recipe import ImageRecipe
from encoder.requested_frame import RequestedFrame
from encoder.surveys.description import Survey
from encoder.training.config import TIMM_PREFIX
from encoder.training.pictures.augment import crop_and_resize
from encoder.training.pictures.framed_images import KEPT_WIDTHS
from encoder.training.pictures.images import FileImages
from encoder.training.pictures.shown import show_picture, show_simulated
from encoder.training.pictures.simulated import KEPT_SHARE, SimulatedGalaxies


@dataclass(frozen=True)
class Sample:
    """Galaxies of one data set.

    Attributes:
        name: Short name of the data set.
        ids: The name of each galaxy.
        version: Changes when the pictures do.
        picture: Galaxy i as a recipe shows it, (3, size, size) float32 in 0..1.
        wide: Half as much again of the same, (3, h, h) uint8; None for sets that no head is fitted on.
    """

    name: str
    ids: Sequence[str]
    version: str
    picture: Callable[[int, ImageRecipe], Tensor]
    wide: Callable[[int, ImageRecipe], Tensor] | None = None

    def pictures(self, rows: Iterable[int], recipe: ImageRecipe) -> Tensor:
        """Some of the galaxies as a recipe shows them, (rows, 3, size, size) uint8."""
        each = [(self.picture(int(row), recipe) * 255).round().to(torch.uint8) for row in rows]
        return torch.stack(each)


def sample_of_files(
    name: str,
    ids: Sequence[str],
    files: Sequence[Path],
    crop: float | None,
    *,
    field: float = 1.0,
    survey: Survey | None = None,
) -> Sample:
    """Galaxies in picture files; a recipe that finds frames finds them in the whole pictures.

    Args:
        name: Name of the data set.
        ids: The name of each galaxy.
        files: The picture file of each galaxy.
        crop: Central share of the picture to show to a release that does not find frames; None for its
            recipe's share of the field.
        field: Share of the field that a picture shows.
        survey: The survey, which says what the bands of FITS files are; None where there are none.

    Raises:
        EvaluationError: A file is missing.
    """
    try:
        sizes = [file.stat().st_size for file in files]
    except OSError as error:
        raise EvaluationError(f"{error.filename}: the picture of {name} is missing") from None

    images = FileImages(files, survey)

    def share(recipe: ImageRecipe) -> float:
        return recipe.crop / field if crop is None else crop

    def picture(i: int, recipe: ImageRecipe) -> Tensor:
        if is_fits(files[i]):
            return show_picture(images[i], recipe, share(recipe))
        picture = ColourPicture(open_picture(files[i]))
        of_field = crop is None and field == 1
        asked = None if of_field or recipe.framing else RequestedFrame(share=share(recipe))
        seen = see_at_once(picture, recipe, asked)
        return see_found([picture], recipe, torch.device("cpu"))[0][0] if seen is None else seen

    def wide(i: int, recipe: ImageRecipe) -> Tensor:
        return show_widely(images[i], recipe, share(recipe))

    version = _digest([crop, *([field] if field != 1 else []), *ids, *sizes])
    return Sample(name, ids, version, picture, wide)


def sample_of_simulated(name: str, galaxies: SimulatedGalaxies, version: str) -> Sample:
    """Simulated galaxies, shown as the recipe would show their survey."""

    def picture(i: int, recipe: ImageRecipe) -> Tensor:
        return show_simulated(galaxies[i], recipe)

    def wide(i: int, recipe: ImageRecipe) -> Tensor:
        return show_widely(galaxies[i], recipe, recipe.crop / KEPT_SHARE)

    ids = [str(i) for i in range(len(galaxies))]
    return Sample(name, ids, _digest([version, galaxies.pictures.shape]), picture, wide)


def join_samples(name: str, samples: Sequence[Sample]) -> Sample:
    """Several samples as one, in their order."""
    at = [(sample, i) for sample in samples for i in range(len(sample.ids))]

    def picture(i: int, recipe: ImageRecipe) -> Tensor:
        sample, row = at[i]
        return sample.picture(row, recipe)

    ids = [one for sample in samples for one in sample.ids]
    return Sample(name, ids, _digest([sample.version for sample in samples]), picture)


def _digest(values: Iterable[object]) -> str:
    return hashlib.sha256("\n".join(map(repr, values)).encode()).hexdigest()[:16]


def check_untrained_on(encoder: Encoder, left_out: Mapping[str, Sequence[str]]) -> None:
    """Refuse an encoder that may have learnt what it is to find.

    Args:
        encoder: The release to check.
        left_out: What sources must have left out of the training, by the kind of source.

    Raises:
        EvaluationError: A source did not, the training began at another release, or the file does not say.
    """
    text = encoder.training.get("configuration")
    if not isinstance(text, str):
        raise EvaluationError(f"{encoder.name} does not say what it was trained on")
    configuration = tomllib.loads(text)
    start = configuration["release"]["start"]
    if start not in {"imagenet", "random"} and not start.startswith(TIMM_PREFIX):
        raise EvaluationError(f"{encoder.name} went on from {start}, which may have been trained on anything")
    for source in configuration["source"]:
        for name in left_out.get(source["kind"], ()):
            if name not in source.get("without", ()):
                raise EvaluationError(f"{encoder.name} was trained on {name!r} of source {source['kind']}")


def show_widely(image: Tensor, recipe: ImageRecipe, share: float) -> Tensor:
    """`KEPT_WIDTHS` times what the network sees, (3, h, h) uint8.

    Args:
        image: The whole picture, (3, h, w) uint8.
        recipe: The recipe of the release.
        share: Of the picture's width that the network sees, for a recipe that finds no frames.
    """
    size = round(recipe.size * KEPT_WIDTHS)
    if recipe.framing is None:
        wide = crop_and_resize(image, share * KEPT_WIDTHS, size)
    else:
        rgb = image[None].float() / 255
        wide = cut_views(rgb, find_frames(rgb, recipe.framing.view_radii), size, KEPT_WIDTHS)[0]
    return (wide * 255).round().to(torch.uint8)
