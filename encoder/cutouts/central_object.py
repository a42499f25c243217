"""Measures the object in the middle of small pictures: sky, noise, the bright pixels that hang together.

Whatever changes what is measured here changes frames, and needs another `framing.FINDER`.
"""

import math
from dataclasses import dataclass

import torch
from torch import Tensor

SKY_INSIDE = 0.75
"""Where the outskirts begin, whose level is the sky's, in half widths of the copy."""
_LIGHT = 0.9
# Of the outskirts: where a galaxy fills the picture, its corners are all the sky there is.
_SKY_QUANTILE = 0.2
_SIGMAS = 2.5
_FAINTEST = 0.06  # of the central brightness over the sky
_SIGNAL = 6.0  # standard deviations by which an object's peak must exceed the sky
_ROUGH_NOISE = 3.0  # of smoothed white noise 0.7, more where JPEG has taken the finest
_MIN_NOISE = 1 / 255  # a picture of 8 bits knows no finer
_HOLLOW = 0.5  # of the peak: so dark a centre lies between two objects
_BRIGHTER = 1.3  # times the object's peak: what is brighter is a star beside it
_SMOOTHING = (0.25, 0.5)  # of a neighbour, and of the pixel itself


@dataclass(frozen=True)
class CentralObject:
    """The central object of n small copies, in their pixels.

    Attributes:
        x: (n,) of the centre of its light, to the right.
        y: (n,) of the centre of its light, downwards.
        radius: (n,) of the circle that holds 90 % of its light.
        light: (n,) sum of its signal above the sky; 0 where there is no object.
        sky: (n,) level of the sky.
        rival: (n,) light of other objects within two radii, over its own; infinite where the centre is dark.
        cut: (n,) pixels of it on the edge of the picture, over the length of its circle.
        elsewhere: (n,) light of all that is bright and not the object, however bright.
    """

    x: Tensor
    y: Tensor
    radius: Tensor
    light: Tensor
    sky: Tensor
    rival: Tensor
    cut: Tensor
    elsewhere: Tensor


def measure_central_object(grey: Tensor, inside: Tensor, seed: float, darkest: Tensor) -> CentralObject:
    """Measure the object in the middle of each small copy.

    Args:
        grey: (n, h, h) brightness in 0..1, float64.
        inside: (n, h, h) share of each pixel that lies within the picture.
        seed: How near to the middle the object must come, in half widths of the copy.
        darkest: (n,) level that the sky is at most, such as that of a wider copy.
    """
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
    above = signal > threshold[:, None, None]
    bright = above & (signal <= _BRIGHTER * peak[:, None, None])
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
    rival = torch.where(hollow, torch.inf, others / safe)
    elsewhere = torch.where(above & ~own, signal, 0).sum(dim=(1, 2))
    return CentralObject(x, y, radius, torch.where(there, total, 0), sky, rival, cut, elsewhere)


def has_peak(grey: Tensor, reach: float) -> Tensor:
    """Whether something stands out of the sky at the very middle of each picture, for itself.

    The slope of a brighter neighbour is brighter towards it, and so has no peak there.

    Args:
        grey: Pictures with the place in question in the middle, (n, size, size) float64 in 0..1.
        reach: How far from the middle the peak may lie, pixels.

    Returns:
        (n,) bool.
    """
    size = grey.shape[-1]
    at = torch.arange(size, dtype=grey.dtype, device=grey.device) + 0.5
    away = torch.hypot(at - size / 2, at[:, None] - size / 2)
    everywhere = torch.ones_like(grey)
    smooth = _smooth(_smooth(grey, everywhere), everywhere)
    sky, noise = _sky_and_noise(grey, smooth, everywhere > 0, away / (size / 2))
    highest = torch.nn.functional.max_pool2d(smooth[:, None], 5, stride=1, padding=2)[:, 0]
    peaks = (smooth >= highest) & (smooth > (sky + _SIGNAL * noise)[:, None, None])
    return (peaks & (away < reach)).flatten(1).any(dim=1)


def _sky_and_noise(
    grey: Tensor, smooth: Tensor, covered: Tensor, from_middle: Tensor
) -> tuple[Tensor, Tensor]:
    """Level and spread of the outskirts; of the darkest fifth, mirrored, so that neighbours do not count.

    A galaxy that reaches the edges has a slope there, which is no noise: that from pixel to pixel bounds it.
    """
    outskirts = (covered & (from_middle > SKY_INSIDE)).flatten(1)
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
