"""Finds the galaxy in a picture: where it is, how large it is, and so what part of the picture to look at.

Surveys, catalogues and astronomers frame galaxies in every way: with nine radii of sky around, or filling the
picture. The network should see the same of a galaxy whatever the frame was, so the frame is measured: sky and
noise from the outskirts, the bright pixels that hang together with the middle, and the circle that holds most
of their light. It is measured three times, each time on a small copy of the part that the last one found, so
that the first frame hardly matters. All galaxies of a batch are measured together, on their device.

A galaxy is measured the same in any batch: sums are in double precision, and frames are rounded far above it.
Whatever changes a measured frame needs another `FINDER`, since releases were trained with this one.
"""

import math
from dataclasses import dataclass

import torch
from torch import Tensor

from encoder.cutouts.framing_flags import FramingFlag
from encoder.cutouts.resampling import resample

FINDER = 1
"""Version of what is found; what is flagged may change without."""
WORK_PX = 64
"""Width and height of the small copy that is measured."""
VIEW_RADII = 3.2
"""Width of what the network sees, in radii that hold 90 % of the light."""
_LIGHT = 0.9
_PASSES = 3
_GRAIN = 2.0**-8  # pixels that a frame is rounded to
_WORK_RADII = 5.0  # width of the small copy in the second and third pass: the galaxy and as much sky
_SKY_QUANTILE = (
    0.2  # of the outskirts: where a galaxy fills the picture, its corners are all the sky there is
)
_SKY_INSIDE = 0.75  # in half widths of the copy: the outskirts begin here
_SIGMAS = 2.5
_FAINTEST = 0.06  # of the central brightness over the sky
_SEED = 0.2  # in half widths of the first copy: an object must come so near the middle
_SIGNAL = 6.0  # standard deviations by which an object's peak must exceed the sky
_ROUGH_NOISE = 3.0  # of smoothed white noise 0.7, more where JPEG has taken the finest
_MIN_NOISE = 1 / 255  # a picture of 8 bits knows no finer
_POINT_PX = 2.5
_RIVAL = 0.7
_HOLLOW = 0.5  # of the peak: so dark a centre lies between two objects
# Chosen on half of 180 galaxies, real and simulated, that were cut at known radii. Of the other half are
# flagged 90 % of the pictures whose nearest edge is within the radius of 90 % of the light, and 1 % of those
# where it is 1.25 radii away. What touches the edge less is often noise that hangs together.
_CUT_REACH = 0.78  # of the way to the nearest edge of the picture
_CUT_SHARE = 0.12  # of the circle's length that lies on the edge
_BRIGHTER = 1.3  # times the object's peak: what is brighter is a star beside it
_SMOOTHING = (0.25, 0.5)  # of a neighbour, and of the pixel itself
_MAX_SHIFT = 0.12  # from the middle, in widths of the picture
_MAX_RADIUS = 1.6  # in half widths of the picture


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
    for _ in range(_PASSES):
        left, top, step = x - side / 2, y - side / 2, side / WORK_PX
        copy, inside = resample(grey, left, top, side, WORK_PX)
        found = _measure(copy[:, 0].double(), inside.double(), seed, darkest)
        there = found.light > 0
        x = _near(middle_x, _round(torch.where(there, left + found.x * step, x)), _MAX_SHIFT * short)
        y = _near(middle_y, _round(torch.where(there, top + found.y * step, y)), _MAX_SHIFT * short)
        radius = torch.where(there, found.radius * step, side / _WORK_RADII)
        radius = _round(radius.clamp(1.0, _MAX_RADIUS * short / 2))
        side, seed, darkest = _WORK_RADII * radius, 1 / _WORK_RADII, found.sky
    missing = ~there
    edge = torch.stack([x, width - x, y, height - y]).amin(dim=0)
    flag = FramingFlag.NO_OBJECT * missing + ~missing * (
        FramingFlag.SEVERAL * (found.rival > _RIVAL)
        + FramingFlag.POINT * (radius < _POINT_PX)
        + FramingFlag.CUT * ((found.cut > _CUT_SHARE) & (radius > _CUT_REACH * edge))
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


@dataclass(frozen=True)
class _Object:
    """The central object of n small copies, in their pixels; `light` is 0 where there is none."""

    x: Tensor
    y: Tensor
    radius: Tensor
    light: Tensor
    sky: Tensor
    rival: Tensor
    cut: Tensor


def _round(length: Tensor) -> Tensor:
    return (length / _GRAIN).round() * _GRAIN


def _near(middle: Tensor, at: Tensor, limit: float) -> Tensor:
    return torch.minimum(torch.maximum(at, middle - limit), middle + limit)


def _measure(grey: Tensor, inside: Tensor, seed: float, darkest: Tensor) -> _Object:
    size = grey.shape[-1]
    at = torch.arange(size, dtype=grey.dtype, device=grey.device) + 0.5
    from_middle = torch.hypot(at - size / 2, at[:, None] - size / 2) / (size / 2)
    covered = inside > 0.99  # noqa: PLR2004 - pixels that are picture, but for rounding
    smooth = _smooth(grey, inside)
    sky, noise = _sky_and_noise(grey, smooth, covered, from_middle)
    sky = torch.minimum(sky, darkest)  # a galaxy that fills this copy did not fill the one before
    signal = torch.where(covered, smooth - sky[:, None, None], 0)
    middle = covered & (from_middle < max(seed, 2 / size))
    peak = torch.where(middle, signal, 0).flatten(1).amax(dim=1)
    threshold = torch.maximum(_SIGMAS * noise, _FAINTEST * peak)
    bright = (signal > threshold[:, None, None]) & (signal <= _BRIGHTER * peak[:, None, None])
    start = bright & middle & (signal >= 0.5 * peak[:, None, None])
    own = _grow(start, bright)
    light = torch.where(own, signal, 0)
    total = light.sum(dim=(1, 2))
    there = peak > _SIGNAL * noise
    safe = total.clamp(min=torch.finfo(grey.dtype).tiny)
    x = (light.sum(dim=1) * at).sum(dim=1) / safe
    y = (light.sum(dim=2) * at).sum(dim=1) / safe
    away = torch.hypot(at[None, None, :] - x[:, None, None], at[None, :, None] - y[:, None, None])
    radius = _holding(light.flatten(1), away.flatten(1), _LIGHT * total)
    around = covered & ~own & (away < 2 * radius[:, None, None])
    others = torch.where(bright & around, signal, 0).sum(dim=(1, 2))
    row, column = (at_.long().clamp(0, size - 1) for at_ in (y, x))
    hollow = signal[torch.arange(len(grey), device=grey.device), row, column] < _HOLLOW * peak
    cut = (own & _rim(covered)).sum(dim=(1, 2)) / (2 * torch.pi * radius).clamp(min=1)
    return _Object(
        x, y, radius, torch.where(there, total, 0), sky, torch.where(hollow, torch.inf, others / safe), cut
    )


def _sky_and_noise(
    grey: Tensor, smooth: Tensor, covered: Tensor, from_middle: Tensor
) -> tuple[Tensor, Tensor]:
    """Level and spread of the outskirts; of the darkest fifth, mirrored, so that neighbours do not count.

    A galaxy that reaches the edges has a slope there, which is no noise: that from pixel to pixel bounds it.
    """
    outskirts = (covered & (from_middle > _SKY_INSIDE)).flatten(1)
    few = outskirts.sum(dim=1, keepdim=True) < smooth.shape[-1]
    outskirts = torch.where(few, covered.flatten(1), outskirts)
    level = torch.where(outskirts, smooth.flatten(1), torch.nan)
    ranks = smooth.new_tensor([_SKY_QUANTILE / 2, _SKY_QUANTILE, 2 * _SKY_QUANTILE])
    low, mid, high = torch.nanquantile(level, ranks, dim=1)
    # Of a normal distribution these quantiles lie 1.2816, 0.8416 and 0.2533 deviations below the mean.
    noise = ((mid - low) / 0.4399).clamp(min=_MIN_NOISE)
    spread = torch.minimum((high - low) / 1.0282, 3 * noise)
    rough = torch.where(outskirts, (grey - smooth).abs().flatten(1), torch.nan).nanmedian(dim=1).values
    noise = torch.minimum(torch.minimum(noise, spread), _ROUGH_NOISE * rough).clamp(min=_MIN_NOISE)
    return mid + 0.8416 * noise, noise


def _smooth(grey: Tensor, inside: Tensor) -> Tensor:
    both = torch.stack([grey, inside])
    for dim in (-1, -2):
        length = both.shape[dim]
        wide = both * _SMOOTHING[1]
        wide.narrow(dim, 1, length - 1).add_(both.narrow(dim, 0, length - 1), alpha=_SMOOTHING[0])
        wide.narrow(dim, 0, length - 1).add_(both.narrow(dim, 1, length - 1), alpha=_SMOOTHING[0])
        both = wide
    return both[0] / both[1].clamp(min=1e-3)


def _grow(start: Tensor, bright: Tensor) -> Tensor:
    """The bright pixels that hang together with the start, by a corner or a side."""
    grown = start
    for _ in range(start.shape[-1]):
        wider = _widen(grown) & bright
        if torch.equal(wider, grown):
            break
        grown = wider
    return grown


def _widen(mask: Tensor) -> Tensor:
    """With all pixels that have a neighbour in it."""
    for dim in (-1, -2):
        length = mask.shape[dim]
        wide = mask.clone()
        wide.narrow(dim, 1, length - 1).logical_or_(mask.narrow(dim, 0, length - 1))
        wide.narrow(dim, 0, length - 1).logical_or_(mask.narrow(dim, 1, length - 1))
        mask = wide
    return mask


def _rim(covered: Tensor) -> Tensor:
    """The pixels at the edge of the picture; the edge of the small copy alone is none."""
    return covered & _widen(~covered)


def _holding(light: Tensor, away: Tensor, wanted: Tensor) -> Tensor:
    """Radius at which the light summed outwards reaches what is wanted, linear between steps of a pixel."""
    n, n_pixels = light.shape
    steps = math.ceil(n_pixels**0.5 * 1.5)
    ring = away.long().clamp(max=steps - 1)
    rings = light.new_zeros(n, steps).scatter_add_(1, ring, light)
    summed = rings.cumsum(dim=1)
    i = torch.searchsorted(summed, wanted[:, None]).clamp(max=steps - 1)
    before = (summed - rings).gather(1, i)
    share = (wanted[:, None] - before) / rings.gather(1, i).clamp(min=torch.finfo(light.dtype).tiny)
    return (i + share.clamp(0, 1))[:, 0]


def _sky_colour(rgb: Tensor, x: Tensor, y: Tensor, side: Tensor) -> Tensor:
    copy, inside = resample(rgb, x - side / 2, y - side / 2, side, WORK_PX // 2)
    at = (torch.arange(copy.shape[-1], device=rgb.device) + 0.5) / copy.shape[-1] * 2 - 1
    outskirts = (torch.hypot(at, at[:, None]) > _SKY_INSIDE) & (inside > 0.99)  # noqa: PLR2004
    outskirts = torch.where(outskirts.flatten(1).any(dim=1)[:, None, None], outskirts, inside > 0)
    level = torch.where(outskirts[:, None], copy, torch.nan).flatten(2)
    return torch.nanquantile(level, 0.3, dim=2).nan_to_num()
