"""What part of a picture the network sees: found in it, or as somebody asks. It is decided here alone.

Sky tiles, folders of cutouts, files to be embedded, a picture that a search is asked to be like, training and
evaluation: all of them come here. A release without a rule of framing sees the share of every picture that
its recipe says, as the first releases do.
"""

from collections import defaultdict
from collections.abc import Iterator, Sequence
from typing import NamedTuple, Protocol

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from encoder.cutouts.central_object import has_peak
from encoder.cutouts.framing import VIEW_RADII, Framing, find_frames, fixed_frames
from encoder.cutouts.framing_flags import FramingFlag
from encoder.model.recipe import FramingRule, ImageRecipe
from encoder.requested_frame import RequestedFrame, no_scale

FIELD_SEARCHED_PX = 112
"""Width and height of the copies of fields, several galaxies wide, in which galaxies of tiles are sought."""
SEARCHED_PX = 512
"""Galaxies are sought in pictures of fewer than twice as many pixels; larger ones are shrunk for that."""
_MAX_OF_KNOWN = 1.9
"""Of the radius in the frame that a known radius gives. Of 284 fields of simulated bricks, looked at one by
one, all 52 in which more was found held a blend or a star's halo; of the next smaller ones nearly all were a
galaxy alone."""
_MAX_AWAY = 0.3
"""Of half that frame: so far from the catalogue's position lies the middle of two objects."""
_MIN_PX = 40
"""Of 40 real galaxies in DECaLS pictures of 424 pixels, shrunk to fewer, the fractions change by 0.01 in the
median at 64 pixels, by 0.06 at 40, by 0.16 at 32 and by 0.24 at 20."""
_PEAK_AWAY = 0.2
"""Of half the frame of a known radius: of 560 galaxies of simulated bricks 1 % have no peak so near their own
position, and 81 to 95 % have none where positions are wrong by half to all of that radius."""
_VALUES_AT_ONCE = 2**25
"""Numbers of the pictures that are searched together: 128 MB."""


class Frame(NamedTuple):
    """A square of a picture, in its pixels; the picture's top left corner is (0, 0).

    Attributes:
        x: Position of the centre, pixels to the right.
        y: Position of the centre, pixels downwards.
        side: Width and height, pixels.
        sky: Red, green and blue in 0..1 of what lies beyond the picture, (3,).
    """

    x: float
    y: float
    side: float
    sky: Tensor


class SearchCopy(NamedTuple):
    """A picture, or a square of it, at the resolution in which the galaxy is sought.

    Attributes:
        rgb: The copy, (3, h, w) float32 in 0..1.
        scale: Pixels of the picture in one of the copy's.
        left: Left edge of the copy in pixels of the picture.
        top: Upper edge of the copy in pixels of the picture.
    """

    rgb: Tensor
    scale: float = 1.0
    left: float = 0.0
    top: float = 0.0


class OpenPicture(Protocol):
    """A picture of a galaxy that was read, and of which the network will see a part."""

    @property
    def shape(self) -> tuple[int, int]:
        """Height and width, pixels."""
        ...

    @property
    def pixel_scale_arcsec(self) -> float:
        """Width of a pixel; NaN where the picture does not say."""
        ...

    def search_copy(self) -> SearchCopy:
        """A copy in which the galaxy is sought."""
        ...

    def see_centre(self, share: float, recipe: ImageRecipe) -> Tensor:
        """The central square of `share` of the shorter side, in 0..1, as (3, size, size) float32 in 0..1."""
        ...

    def see(self, frame: Frame, recipe: ImageRecipe) -> Tensor:
        """Any square, (3, size, size) float32 in 0..1; beyond the picture lies sky."""
        ...


def see_at_once(picture: OpenPicture, recipe: ImageRecipe, asked: RequestedFrame | None) -> Tensor | None:
    """What the network sees of a picture, where no galaxy need be found for it.

    Returns:
        The picture as the recipe has it, (3, size, size) float32 in 0..1; None where the frame must be found.

    Raises:
        FrameError: An angle is asked for, and nobody says how large a pixel is.
    """
    if asked is not None:
        share = asked.share if asked.share is not None else _share_of_angle(picture, asked)
        return picture.see_centre(share, recipe) if share <= 1 else _see_beyond(picture, share, recipe)
    return picture.see_centre(recipe.crop, recipe) if recipe.framing is None else None


def see_found(
    pictures: Sequence[OpenPicture],
    recipe: ImageRecipe,
    device: torch.device,
    known_px: NDArray[np.float64] | None = None,
) -> tuple[Tensor, NDArray[np.int16]]:
    """Find the galaxy in each picture; those of one size are searched together.

    Of a picture in which nothing is found, the network sees what is known of the galaxy's size, else all.

    Args:
        pictures: n pictures of any sizes.
        recipe: Recipe of a release that finds frames.
        device: Where the galaxies are sought; the pictures stay on the CPU.
        known_px: Width of the frame as a known radius has it, (n,) pixels; NaN where none is known.

    Returns:
        What the network sees, (n, 3, size, size) float32 in 0..1 on the CPU, and bits of `FramingFlag`, (n,).
    """
    rule = recipe.framing or FramingRule()
    seen = torch.empty(len(pictures), 3, recipe.size, recipe.size)
    flags = np.zeros(len(pictures), np.int16)
    for rows, copies in _same_sized(pictures):
        rgb = torch.stack([copy.rgb for copy in copies]).to(device)
        found = _on_cpu(find_frames(rgb, rule.view_radii))
        flags[rows] = found.flag.numpy()
        if min(pictures[rows[0]].shape) < _MIN_PX:  # all have one shape
            flags[rows] |= FramingFlag.SMALL
        for i, (row, copy) in enumerate(zip(rows, copies, strict=True)):
            frame = _frame_in_picture(found, i, copy)
            if known_px is not None and flags[row] & FramingFlag.NO_OBJECT and np.isfinite(known_px[row]):
                frame = frame._replace(side=float(known_px[row]))
            seen[row] = pictures[row].see(frame, recipe)
    return seen, flags


def widest_view(recipe: ImageRecipe) -> float:
    """How far from a galaxy's position its picture can reach in the fields of a tile, half fields."""
    if recipe.framing is None:
        return recipe.crop
    return recipe.crop * (_MAX_AWAY + max(1.0, _MAX_OF_KNOWN * recipe.framing.view_radii / VIEW_RADII))


def find_in_fields(
    rgb: Tensor, recipe: ImageRecipe, field_px: NDArray[np.float64]
) -> tuple[NDArray[np.float64], NDArray[np.float64], NDArray[np.float64], NDArray[np.int16]]:
    """Where the network looks in cutouts of the whole field, which a known radius has made.

    Where nothing is found it looks at the recipe's share of the field; so it does where what was found is
    much larger than that, or lies beside the middle: then a neighbour or a star's halo hangs together with
    the galaxy, whose place and radius the catalogue knows better. Nothing is doubtful of such a frame, unless
    nothing stands out at the catalogue's own position: then the galaxy may lie elsewhere.

    Args:
        rgb: Cutouts of the whole field, (n, 3, h, h) in 0..1.
        recipe: Recipe of a release that finds frames.
        field_px: Width of each field in the tile's own pixels, (n,).

    Returns:
        Centre to the right and downwards, both in -1..1, width in widths of the field, and bits of
        `FramingFlag`, each (n,).
    """
    rule = recipe.framing or FramingRule()
    rgb = rgb.nan_to_num()
    found = _on_cpu(find_frames(rgb, rule.view_radii))
    width = rgb.shape[-1]
    right, down = (2 * at.numpy() / width - 1 for at in (found.x, found.y))
    share = found.view_side.numpy() / width
    flags = found.flag.numpy().astype(np.int16) & ~np.int16(FramingFlag.OFF_CENTRE)  # the position is known
    missing = (flags & FramingFlag.NO_OBJECT) != 0
    away = np.hypot(right, down) / recipe.crop  # in half widths of the frame that the known radius gives
    known_radius = recipe.crop * width / VIEW_RADII
    blended = ~missing & ((found.radius.numpy() > _MAX_OF_KNOWN * known_radius) | (away > _MAX_AWAY))
    by_radius = missing | blended
    flags[blended] = 0
    if blended.any():
        grey = rgb[torch.from_numpy(blended).to(rgb.device)].mean(dim=1).double()
        peak = has_peak(grey, _PEAK_AWAY * recipe.crop * width / 2).cpu().numpy()
        flags[blended] = np.where(peak, 0, FramingFlag.OFF_CENTRE)
    flags[field_px < _MIN_PX] |= FramingFlag.SMALL
    return (
        np.where(by_radius, 0.0, right),
        np.where(by_radius, 0.0, down),
        np.where(by_radius, recipe.crop, share),
        flags,
    )


def _share_of_angle(picture: OpenPicture, asked: RequestedFrame) -> float:
    scale = asked.pixel_scale_arcsec or picture.pixel_scale_arcsec
    if asked.arcsec is None or not scale > 0:
        raise no_scale(asked)
    return asked.arcsec / scale / min(picture.shape)


def _see_beyond(picture: OpenPicture, share: float, recipe: ImageRecipe) -> Tensor:
    copy = picture.search_copy()
    sides = torch.tensor([share * min(picture.shape) / copy.scale])
    return picture.see(_frame_in_picture(fixed_frames(copy.rgb[None], sides), 0, copy), recipe)


def _frame_in_picture(found: Framing, i: int, copy: SearchCopy) -> Frame:
    x, y, side = (float(length[i]) * copy.scale for length in (found.x, found.y, found.view_side))
    return Frame(copy.left + x, copy.top + y, side, found.sky[i])


def _same_sized(pictures: Sequence[OpenPicture]) -> Iterator[tuple[list[int], list[SearchCopy]]]:
    """Rows of pictures whose copies have one size, and the copies, as many as are searched together."""
    by_size: defaultdict[tuple[int, int], list[int]] = defaultdict(list)
    for row, picture in enumerate(pictures):
        by_size[picture.shape].append(row)
    for (height, width), rows in by_size.items():
        at_once = max(1, _VALUES_AT_ONCE // (3 * height * width))
        for start in range(0, len(rows), at_once):
            part = rows[start : start + at_once]
            copies = [pictures[row].search_copy() for row in part]
            for kind in sorted({copy.rgb.shape for copy in copies}):  # a FITS file's is not a JPEG's
                chosen = [i for i, copy in enumerate(copies) if copy.rgb.shape == kind]
                yield [part[i] for i in chosen], [copies[i] for i in chosen]


def _on_cpu(framing: Framing) -> Framing:
    return Framing(*(getattr(framing, name).cpu() for name in Framing.__dataclass_fields__))
