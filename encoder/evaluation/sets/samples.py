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

from encoder.asked_frame import AskedFrame
from encoder.cutouts.frames import see_at_once, see_found
from encoder.cutouts.pictures import ColourPicture, open_picture
from encoder.errors import EvaluationError
from encoder.model.encoder import Encoder
from encoder.model.recipe import ImageRecipe
from encoder.training.config import TIMM_PREFIX
from encoder.training.pictures.shown import show_simulated
from encoder.training.pictures.simulated import SimulatedGalaxies


@dataclass(frozen=True)
class Sample:
    """Galaxies of one data set.

    Attributes:
        name: Short name of the data set.
        ids: The name of each galaxy.
        version: Changes when the pictures do.
        picture: Galaxy i as a recipe shows it, (3, size, size) float32 in 0..1.
    """

    name: str
    ids: Sequence[str]
    version: str
    picture: Callable[[int, ImageRecipe], Tensor]

    def pictures(self, rows: Iterable[int], recipe: ImageRecipe) -> Tensor:
        """Some of the galaxies as a recipe shows them, (rows, 3, size, size) uint8."""
        each = [(self.picture(int(row), recipe) * 255).round().to(torch.uint8) for row in rows]
        return torch.stack(each)


def sample_of_files(name: str, ids: Sequence[str], files: Sequence[Path], crop: float | None) -> Sample:
    """Galaxies in picture files.

    Args:
        name: Name of the data set.
        ids: The name of each galaxy.
        files: The picture file of each galaxy.
        crop: Central share of the frame to show to a release that does not find frames; None for its
            recipe's, where a frame is the whole field.

    Raises:
        EvaluationError: A file is missing.
    """
    try:
        sizes = [file.stat().st_size for file in files]
    except OSError as error:
        raise EvaluationError(f"{error.filename}: the picture of {name} is missing") from None

    def picture(i: int, recipe: ImageRecipe) -> Tensor:
        picture = ColourPicture(open_picture(files[i]))
        asked = AskedFrame(share=crop) if crop is not None and recipe.framing is None else None
        seen = see_at_once(picture, recipe, asked)
        return see_found([picture], recipe, torch.device("cpu"))[0][0] if seen is None else seen

    return Sample(name, ids, _digest([crop, *ids, *sizes]), picture)


def sample_of_simulated(name: str, galaxies: SimulatedGalaxies, version: str) -> Sample:
    """Simulated galaxies, shown as the recipe would show their survey."""

    def picture(i: int, recipe: ImageRecipe) -> Tensor:
        return show_simulated(galaxies[i], recipe)

    ids = [str(i) for i in range(len(galaxies))]
    return Sample(name, ids, _digest([version, galaxies.pictures.shape]), picture)


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
