"""A ready-made picture file as the network's input."""

import math
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch
from PIL import Image, ImageFile, ImageOps, UnidentifiedImageError
from torch import Tensor

from encoder.cutouts.frames import SEARCHED_PX, Frame, SearchCopy
from encoder.cutouts.framing import cut_view
from encoder.errors import ImageError, first_line
from encoder.model.recipe import ImageRecipe

EIGHT_BIT = {"1", "L", "LA", "P", "PA", "RGB", "RGBA", "RGBX", "CMYK", "YCbCr"}


def fit_picture(colour: Image.Image, size: int, crop: float) -> Tensor:
    """Resamples the central square of an open picture, antialiased (bicubic) where it shrinks.

    Args:
        colour: Picture of the whole field, in red, green and blue of 8 bits each.
        size: Width and height of the result, pixels.
        crop: Central share of the field that is kept, in 0..1.

    Returns:
        The picture's red, green and blue, (3, size, size) float32 in 0..1.
    """
    side = min(colour.size) * crop
    left, top = (colour.width - side) / 2, (colour.height - side) / 2
    square = colour.resize((size, size), Image.Resampling.BICUBIC, (left, top, left + side, top + side))
    return _to_tensor(square)


@dataclass(frozen=True, eq=False)
class ColourPicture:
    """A picture in colours of 8 bits, an `OpenPicture`.

    Attributes:
        image: The picture, in red, green and blue.
    """

    image: Image.Image

    @property
    def shape(self) -> tuple[int, int]:
        """Height and width, pixels."""
        return self.image.height, self.image.width

    @property
    def pixel_scale_arcsec(self) -> float:
        """NaN: no such picture says how large a pixel is."""
        return math.nan

    def search_copy(self) -> SearchCopy:
        """The picture itself, or if it is large, of fewer pixels, each the mean of several."""
        times = max(1, min(self.shape) // SEARCHED_PX)
        return SearchCopy(_to_tensor(self.image.reduce(times) if times > 1 else self.image), times)

    def see_centre(self, share: float, recipe: ImageRecipe) -> Tensor:
        """As `fit_picture`, (3, size, size) float32 in 0..1."""
        return fit_picture(self.image, recipe.size, share)

    def see(self, frame: Frame, recipe: ImageRecipe) -> Tensor:
        """Any square, antialiased, (3, size, size) float32 in 0..1; only pixels that count are touched."""
        reach = frame.side / 2 + 2 * max(1.0, frame.side / recipe.size)
        left, top = (max(0, math.floor(at - reach)) for at in (frame.x, frame.y))
        right, bottom = min(self.image.width, frame.x + reach), min(self.image.height, frame.y + reach)
        part = self.image.crop((left, top, math.ceil(right), math.ceil(bottom)))
        return cut_view(_to_tensor(part), frame.x - left, frame.y - top, frame.side, frame.sky, recipe.size)


def _to_tensor(image: Image.Image) -> Tensor:
    return torch.from_numpy(np.asarray(image, dtype=np.float32).transpose(2, 0, 1) / np.float32(255))


def open_picture(path: Path) -> Image.Image:
    """Decodes a JPEG or PNG to red, green and blue, 8 bits each, at its own size.

    It is turned as its EXIF orientation says, as every viewer shows it. Grey becomes three equal channels,
    CMYK plain red, green and blue (no colour profile), and transparency is dropped. An animation is refused,
    since no frame of it is the galaxy's picture by right.

    Args:
        path: File of any 8-bit picture that Pillow reads.

    Raises:
        ImageError: The file is missing, empty, damaged, truncated, an animation, or has more than 8 bits a
            channel.
    """
    try:
        with Image.open(path) as image:
            _check_kind(path, image)
            return to_colours(image)
    except FileNotFoundError:
        raise ImageError(f"{path}: the picture is missing") from None
    except UnidentifiedImageError as error:
        reason = "in no format that is known" if path.stat().st_size else "the file is empty"
        raise ImageError(f"{path}: unreadable picture: {reason}") from error
    except ImageError:
        raise
    except Exception as error:  # Pillow's decoders raise whatever they meet in damaged bytes
        raise ImageError(f"{path}: unreadable picture: {first_line(error)}") from error


def to_colours(image: Image.Image) -> Image.Image:
    """Red, green and blue of an open picture, 8 bits each, turned as its EXIF orientation says."""
    upright = ImageOps.exif_transpose(image)
    # A palette with transparency must not go to RGB directly, Pillow warns.
    return (upright.convert("RGBA") if "transparency" in upright.info else upright).convert("RGB")


def _check_kind(path: Path, image: ImageFile.ImageFile) -> None:
    stored = " ".join(str(tile.args) for tile in image.tile)  # Pillow halves 16-bit colour without a word
    if image.mode not in EIGHT_BIT or ";16" in stored:
        kind = image.mode if image.mode not in EIGHT_BIT else f"{image.mode} with 16 bits"
        raise ImageError(f"{path}: a picture of kind {kind}, not 8 bits a channel")
    frames = getattr(image, "n_frames", 1)
    if frames > 1:
        raise ImageError(f"{path}: holds {frames} pictures (an animation?), not one")
