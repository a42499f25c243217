"""The Galaxy Zoo DECaLS colour stretch: band fluxes to a picture in 0..1."""

import math

import torch
from torch import Tensor

from encoder.model.recipe import Stretch

DECALS_SCALES = (0.019, 0.014, 0.008)
"""Nanomaggies per 0.262 arcsec pixel that count as 1 in z, r and g (red, green, blue)."""
PUBLISHED_STRETCH = Stretch()


def to_rgb(
    flux: Tensor,
    scales: tuple[float, float, float] = DECALS_SCALES,
    stretch: Stretch = PUBLISHED_STRETCH,
) -> Tensor:
    """Turns fluxes into the picture that Galaxy Zoo's volunteers saw.

    Walmsley et al. 2022 after the Legacy Surveys' viewer: divide by `scales`, asinh between both ends of
    the stretch, fade pixels that one colour dominates to grey, clip. Each step acts on one pixel, so images
    of any size can share a batch; NaN stays NaN.

    Args:
        flux: Flux of n pictures, (n, 3, h, w), nanomaggies per native pixel, the channels already in the
            order red, green, blue (z, r, g for DECaLS); it is not changed.
        scales: Fluxes that red, green and blue are divided by, nanomaggies per native pixel.
        stretch: Scaled fluxes that become black and white, and the contrast up to which pixels fade.

    Returns:
        Pictures, (n, 3, h, w) in 0..1, of the dtype and on the device of `flux`.
    """
    divisor = flux.new_tensor(scales).view(1, 3, 1, 1)
    black, white = math.asinh(stretch.minimum), math.asinh(stretch.maximum)
    stretched = _asinh(flux / divisor).sub_(black).div_(white - black)
    return _desaturate(stretched, stretch.desaturation).clamp_(0.0, 1.0)


def _asinh(x: Tensor) -> Tensor:
    """Inverse hyperbolic sine to 1e-7, by functions that are vectorised on a CPU; torch's own is not."""
    size = x.abs()
    return x.square().add_(1.0).sqrt_().add_(size).log_().copysign_(x)


def _desaturate(image: Tensor, saturation: float) -> Tensor:
    """Fades speckles of a single colour, as the noisy sky has them, to grey."""
    mean = image.mean(dim=1, keepdim=True)
    mean.masked_fill_(mean == 0, 1.0)
    dominance = (image / mean).amax(dim=1, keepdim=True).div_(saturation).clamp_(max=1.0)
    colour = torch.sin(dominance.neg_().add_(1.0).mul_(math.pi / 2))
    grey = 1.0 - colour
    return image * (colour + mean * grey.square()) + mean * grey
