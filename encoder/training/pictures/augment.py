"""What may change in a picture while the votes stay the same: place, zoom, colour, stretch, blur, noise.

A galaxy fills an EFIGI frame and is a fifth of a DECaLS one, so the zoom is drawn from a range that each
source states: the share of its frame that the network sees.
"""

import io
import math
from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
import torch
from PIL import Image
from torch import Tensor, nn
from torchvision.transforms import InterpolationMode, v2
from torchvision.transforms.v2 import functional

from encoder.toml_reader import toml_record

_DIAGONAL = math.sqrt(2)
_SHIFT = 0.04
_BLUR_CHANCE = 0.25
_MAX_NOISE = 0.03
_GREY_CHANCE = 0.1
_GAMMA = 1.35  # at most, or one by it: surveys stretch their pictures differently
_COARSE_CHANCE = 0.15
_BAND_MIXING = 0.12
_BAND_GAIN = 0.15
_SEEING_CHANCE = 0.3
_BRIDGING_GAMMA = 1.5
_GREYEST_SKY = 0.14  # the sky of DECaLS pictures is grey, of SDSS ones black
_BRIDGING_NOISE = 0.06
_JPEG_CHANCE = 0.3


Augmentation = Callable[[Tensor, "Share", int, torch.Generator], Tensor]


@toml_record
@dataclass(frozen=True)
class Share:
    """Range of the share of a source's frame that the network sees; above 1, sky is added around it."""

    low: float
    high: float

    @property
    def middle(self) -> float:
        """The share used where nothing is random."""
        return math.sqrt(self.low * self.high)


_colour = v2.Compose(
    [
        v2.ColorJitter(brightness=0.2, contrast=0.2, saturation=(0.4, 1.25), hue=0.03),
        v2.RandomApply([v2.GaussianBlur(5, sigma=(0.3, 1.2))], p=_BLUR_CHANCE),
        v2.RandomGrayscale(p=_GREY_CHANCE),
    ]
)


def augment(image: Tensor, share: Share, size: int, generator: torch.Generator) -> Tensor:
    """A random picture of the same galaxy.

    Args:
        image: Picture to augment, (3, h, w) uint8.
        share: Range of the zoom.
        size: Width and height of the result, pixels.
        generator: Source of all randomness but torchvision's, which is seeded from it.

    Returns:
        Augmented picture, (3, size, size) float32 in 0..1.
    """
    zoom, angle, left, down, flip, noise, stretch = torch.rand(7, generator=generator).tolist()
    side = min(image.shape[1:]) * share.low * (share.high / share.low) ** zoom
    shift = (round((left - 0.5) * 2 * _SHIFT * side), round((down - 0.5) * 2 * _SHIFT * side))
    picture = _rotate(image, side, shift, 360 * angle, size)
    if flip < 0.5:  # noqa: PLR2004 - a fair coin
        picture = functional.horizontal_flip(picture)
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(int(torch.randint(2**31, (), generator=generator)))
        picture = _colour(functional.to_dtype(picture, torch.float32, scale=True))
        picture = functional.adjust_gamma(picture.clamp(0, 1), _GAMMA ** (2 * stretch - 1))
        noisy: Tensor = picture + torch.randn_like(picture) * (_MAX_NOISE * noise)
    return noisy.clamp(0, 1)


def bridge_surveys(image: Tensor, share: Share, size: int, generator: torch.Generator) -> Tensor:
    """A random picture of the same galaxy as another survey might show it.

    Other bands may stand for red, green and blue, the colour may be drained, and seeing, depth, sky, stretch
    and the compression differ. It is turned, moved and zoomed in one step, which is twice as fast as
    `augment`; the picture must have about as many pixels as the result.

    Args:
        image: (3, h, h) uint8.
        share: Range of the zoom; what lies beyond the picture is its mirror image.
        size: Width and height of the result, pixels.
        generator: Source of all randomness.

    Returns:
        (3, size, size) float32 in 0..1.
    """
    chance = torch.rand(5, generator=generator).tolist()
    picture: Tensor = functional.to_dtype(image, torch.float32, scale=True)
    if chance[0] < _COARSE_CHANCE:
        picture = nn.functional.avg_pool2d(picture, 2)
    picture = _change_colours(_place_at_random(picture, share, size, generator), generator)
    if chance[1] < _SEEING_CHANCE:
        sigma = size / 128 * (0.4 + 1.4 * chance[2])
        picture = functional.gaussian_blur(picture, [7, 7], [sigma, sigma])
    gamma, sky, noise = torch.rand(3, generator=generator).tolist()
    picture = picture.clamp(0, 1) ** (_BRIDGING_GAMMA ** (2 * gamma - 1))
    grey = _GREYEST_SKY * max(0.0, 2 * sky - 1)
    picture = grey + (1 - grey) * picture
    picture = picture + torch.randn(picture.shape, generator=generator) * (_BRIDGING_NOISE * noise**2)
    picture = picture.clamp(0, 1)
    return _compress(picture, 60 + int(35 * chance[4])) if chance[3] < _JPEG_CHANCE else picture


def turn_and_flip(image: Tensor, share: Share, size: int, generator: torch.Generator) -> Tensor:
    """The plain picture, turned by quarters and mirrored at random: what the square's symmetry allows.

    Args:
        image: Picture to turn, (3, h, w) uint8.
        share: Range of the zoom, whose middle is taken.
        size: Width and height of the result, pixels.
        generator: Source of all randomness.

    Returns:
        Turned picture, (3, size, size) float32 in 0..1.
    """
    turns = int(torch.randint(4, (), generator=generator))
    picture = crop_and_resize(image, share.middle, size).rot90(turns, dims=(1, 2))
    mirrored: Tensor = functional.horizontal_flip(picture)
    return mirrored if int(torch.randint(2, (), generator=generator)) else picture


def crop_and_resize(image: Tensor, share: float, size: int) -> Tensor:
    """The same picture every time: the centre of the frame, resized antialiased.

    Args:
        image: Picture to crop, (3, h, w) uint8.
        share: Share of the frame that is kept.
        size: Width and height of the result, pixels.

    Returns:
        Cropped picture, (3, size, size) float32 in 0..1.
    """
    picture = _crop_square(image, round(min(image.shape[1:]) * share), (0, 0))
    picture = functional.resize(picture, [size, size], antialias=True)
    scaled: Tensor = functional.to_dtype(picture, torch.float32, scale=True)
    return scaled


def _place_at_random(picture: Tensor, share: Share, size: int, generator: torch.Generator) -> Tensor:
    """Turned, mirrored, moved and zoomed, (3, size, size)."""
    zoom, angle, left, down, flip = torch.rand(5, generator=generator).tolist()
    part = share.low * (share.high / share.low) ** zoom
    cosine, sine = part * math.cos(2 * math.pi * angle), part * math.sin(2 * math.pi * angle)
    mirror = 1 if flip < 0.5 else -1  # noqa: PLR2004 - a fair coin
    right, downwards = ((2 * u - 1) * 2 * _SHIFT * part for u in (left, down))
    place = torch.tensor([[[mirror * cosine, -sine, right], [mirror * sine, cosine, downwards]]])
    grid = nn.functional.affine_grid(place, [1, 3, size, size], align_corners=False)
    return nn.functional.grid_sample(picture[None], grid, padding_mode="reflection", align_corners=False)[0]


def _change_colours(picture: Tensor, generator: torch.Generator) -> Tensor:
    """Each colour a little of the others, brighter or fainter, and all nearer to grey or further from it."""
    mixing = torch.eye(3) + _BAND_MIXING * torch.randn(3, 3, generator=generator)
    gain = 1 + _BAND_GAIN * (2 * torch.rand(3, 1, generator=generator) - 1)
    saturation = 0.15 + 1.15 * float(torch.rand((), generator=generator))
    bands = gain * (mixing / mixing.sum(dim=1, keepdim=True))
    mixed = (bands @ picture.flatten(1)).view_as(picture).clamp(0, 1)
    grey = mixed.mean(dim=0, keepdim=True)
    return grey + saturation * (mixed - grey)


def _compress(picture: Tensor, quality: int) -> Tensor:
    """The picture as a JPEG file of a quality in 0..100 shows it."""
    file = io.BytesIO()
    Image.fromarray((picture * 255).to(torch.uint8).permute(1, 2, 0).numpy()).save(
        file, "JPEG", quality=quality
    )
    return torch.from_numpy(np.array(Image.open(file))).permute(2, 0, 1) / 255


def _rotate(image: Tensor, side: float, shift: tuple[int, int], angle: float, size: int) -> Tensor:
    # Larger than needed by the diagonal, so that the turned square has pixels in its corners.
    large = math.ceil(size * _DIAGONAL) + 2
    picture = _crop_square(image, round(side * large / size), shift)
    picture = functional.resize(picture, [large, large], antialias=True)
    picture = functional.rotate(picture, angle, interpolation=InterpolationMode.BILINEAR)
    square: Tensor = functional.center_crop(picture, [size, size])
    return square


def _crop_square(image: Tensor, side: int, shift: tuple[int, int]) -> Tensor:
    """A square around the centre; beyond the frame lies sky of the colour of its border."""
    height, width = image.shape[1:]
    top, left = (height - side) // 2 + shift[1], (width - side) // 2 + shift[0]
    over = max(0, -top, -left, top + side - height, left + side - width)
    if over:
        border = torch.cat([image[:, 0], image[:, -1], image[:, :, 0], image[:, :, -1]], dim=1)
        sky = border.float().median(dim=1).values.tolist()
        image = functional.pad(image, [over], fill=sky)
    square: Tensor = functional.crop(image, top + over, left + over, side, side)
    return square


AUGMENTATIONS: dict[str, Augmentation] = {
    "full": augment,
    "bridged": bridge_surveys,
    "flips": turn_and_flip,
}
"""What training may do to a picture, as configurations name it."""
