"""Finds the galaxy in a picture: where it is, how large it is, and so what part of the picture to look at.

Surveys, catalogues and astronomers frame galaxies in every way: with nine radii of sky around, or filling the
picture. The network should see the same of a galaxy whatever the frame was, so the frame is measured: sky and
noise from the outskirts, the bright pixels that hang together with the middle, and the circle that holds most
of their light. It is measured three times, each time on a small copy of the part that the last one found, so
that the first frame hardly matters. All galaxies of a batch are measured together, on their device.

A galaxy is measured the same in any batch: sums are in double precision, and frames are rounded far above it.
Whatever changes a measured frame needs another `FINDER`, since releases were trained with this one.
"""

from dataclasses import dataclass

import torch
from torch import Tensor

from encoder.cutouts.central_object import SKY_INSIDE, measure_central_object
from encoder.cutouts.framing_flags import FramingFlag
from encoder.cutouts.resampling import resample

FINDER = 1
"""Version of what is found; what is flagged may change without."""
WORK_PX = 64
"""Width and height of the small copy that is measured."""
VIEW_RADII = 3.2
"""Width of what the network sees, in radii that hold 90 % of the light."""
_PASSES = 3
_GRAIN = 2.0**-8  # pixels that a frame is rounded to
_WORK_RADII = 5.0  # width of the small copy in the second and third pass: the galaxy and as much sky
_SEED = 0.2  # in half widths of the first copy: an object must come so near the middle
_POINT_PX = 2.5
_RIVAL = 0.7
# Chosen on half of 180 galaxies, real and simulated, that were cut at known radii. Of the other half are
# flagged 90 % of the pictures whose nearest edge is within the radius of 90 % of the light, and 1 % of those
# where it is 1.25 radii away. What touches the edge less is often noise that hangs together.
_CUT_REACH = 0.78  # of the way to the nearest edge of the picture
_CUT_SHARE = 0.12  # of the circle's length that lies on the edge
_MAX_SHIFT = 0.12  # from the middle, in widths of the picture
_MAX_RADIUS = 1.6  # in half widths of the picture
# What lies in the middle is not meant where the rest of the picture is so much brighter. Of 600 real pictures
# with the galaxy in the middle, none has twice its light elsewhere; of 300 in which it was moved aside by a
# fifth of the picture or more, all of the 41 in which something else was found have 12 times.
_OUTSHONE = 5.0


@dataclass(frozen=True)
class Framing:
    """The galaxy in each of n pictures, in pixels of the picture; its top left corner is (0, 0).

    Attributes:
        x: (n,) of the centre, to the right.
        y: (n,) of the centre, downwards.
        radius: (n,) of the circle that holds 90 % of the light.
        view_side: (n,) width of the square that the network sees.
        sky: (n, 3) colour of the sky around it.
        flag: What is doubtful of each frame, `FramingFlag`, (n,) int64.
    """

    x: Tensor
    y: Tensor
    radius: Tensor
    view_side: Tensor
    sky: Tensor
    flag: Tensor


def find_frames(rgb: Tensor, view_radii: float = VIEW_RADII) -> Framing:
    """Measures the object in the middle of each picture.

    Where there is none, the frame is that of the whole picture, and the flag says so.

    Args:
        rgb: (n, 3, h, w) in 0..1, on any device.
        view_radii: Width of what the network sees, in radii that hold 90 % of the light.
    """
    n, _, height, width = rgb.shape
    grey = rgb.mean(dim=1, keepdim=True)
    short = float(min(height, width))
    lengths = (width / 2, height / 2, short)
    middle_x, middle_y, side = (grey.new_full((n,), length).double() for length in lengths)
    x, y, seed, darkest = middle_x, middle_y, _SEED, torch.full_like(side, torch.inf)
    outshone = torch.zeros_like(side, dtype=torch.bool)
    for nth in range(_PASSES):
        left, top, step = x - side / 2, y - side / 2, side / WORK_PX
        copy, inside = resample(grey, left, top, side, WORK_PX)
        found = measure_central_object(copy[:, 0].double(), inside.double(), seed, darkest)
        there = found.light > 0
        own_x = _round(torch.where(there, left + found.x * step, x))
        own_y = _round(torch.where(there, top + found.y * step, y))
        x = _near(middle_x, own_x, _MAX_SHIFT * short)
        y = _near(middle_y, own_y, _MAX_SHIFT * short)
        if nth == 0:  # the later copies hold less of the picture
            outshone = found.elsewhere > _OUTSHONE * found.light
        radius = torch.where(there, found.radius * step, side / _WORK_RADII)
        radius = _round(radius.clamp(1.0, _MAX_RADIUS * short / 2))
        side, seed, darkest = _WORK_RADII * radius, 1 / _WORK_RADII, found.sky
    missing = ~there
    edge = torch.stack([x, width - x, y, height - y]).amin(dim=0)
    flag = FramingFlag.NO_OBJECT * missing + ~missing * (
        FramingFlag.SEVERAL * (found.rival > _RIVAL)
        + FramingFlag.POINT * (radius < _POINT_PX)
        + FramingFlag.CUT * ((found.cut > _CUT_SHARE) & (radius > _CUT_REACH * edge))
        + FramingFlag.OFF_CENTRE * (outshone | (own_x != x) | (own_y != y))
    )
    return Framing(
        torch.where(missing, middle_x, x),
        torch.where(missing, middle_y, y),
        torch.where(missing, short / view_radii, radius),
        torch.where(missing, short, view_radii * radius),
        _sky_colour(rgb, x, y, side),
        flag.long(),
    )


def fixed_frames(rgb: Tensor, sides: Tensor) -> Framing:
    """Frames in the middle of pictures, as wide as somebody says; nothing is measured but the sky's colour.

    Args:
        rgb: (n, 3, h, w) in 0..1.
        sides: Width of what the network sees, (n,) pixels; beyond the picture lies sky.
    """
    n, _, height, width = rgb.shape
    side = sides.double()
    x, y = (torch.full_like(side, length / 2) for length in (width, height))
    sky = _sky_colour(rgb, x, y, side * _WORK_RADII / VIEW_RADII)
    return Framing(x, y, side / VIEW_RADII, side, sky, torch.zeros(n, dtype=torch.int64, device=rgb.device))


def cut_views(rgb: Tensor, framing: Framing, size: int, widths: float = 1.0) -> Tensor:
    """What the network sees of each picture, antialiased; beyond the picture lies sky of its own colour.

    Args:
        rgb: (n, 3, h, w) in 0..1.
        framing: The frames that were found in the same pictures.
        size: Width and height of the result, pixels.
        widths: Width of the result in widths of what the network sees.

    Returns:
        (n, 3, size, size) in 0..1.
    """
    return _cut(rgb, framing.x, framing.y, framing.view_side * widths, framing.sky, size)


def cut_view(rgb: Tensor, x: float, y: float, side: float, sky: Tensor, size: int) -> Tensor:
    """A square of one picture, as `cut_views` cuts it.

    Args:
        rgb: (3, h, w) in 0..1.
        x: Centre, pixels to the right of the picture's left edge.
        y: Centre, pixels below its upper edge.
        side: Width and height, pixels.
        sky: (3,) colour of what lies beyond the picture.
        size: Width and height of the result, pixels.

    Returns:
        (3, size, size) in 0..1.
    """
    x_, y_, side_ = (torch.tensor([length], dtype=torch.float64) for length in (x, y, side))
    return _cut(rgb[None], x_, y_, side_, sky[None], size)[0]


def _cut(rgb: Tensor, x: Tensor, y: Tensor, side: Tensor, sky: Tensor, size: int) -> Tensor:
    view, inside = resample(rgb, x - side / 2, y - side / 2, side, size)
    return (view + (1 - inside)[:, None] * sky[:, :, None, None]).clamp(0, 1)


def _round(length: Tensor) -> Tensor:
    return (length / _GRAIN).round() * _GRAIN


def _near(middle: Tensor, at: Tensor, limit: float) -> Tensor:
    return torch.minimum(torch.maximum(at, middle - limit), middle + limit)


def _sky_colour(rgb: Tensor, x: Tensor, y: Tensor, side: Tensor) -> Tensor:
    copy, inside = resample(rgb, x - side / 2, y - side / 2, side, WORK_PX // 2)
    at = (torch.arange(copy.shape[-1], device=rgb.device) + 0.5) / copy.shape[-1] * 2 - 1
    outskirts = (torch.hypot(at, at[:, None]) > SKY_INSIDE) & (inside > 0.99)  # noqa: PLR2004
    outskirts = torch.where(outskirts.flatten(1).any(dim=1)[:, None, None], outskirts, inside > 0)
    level = torch.where(outskirts[:, None], copy, torch.nan).flatten(2)
    return torch.nanquantile(level, 0.3, dim=2).nan_to_num()
