"""What lies between a galaxy and its pixels: the PSF and the noise."""

from functools import lru_cache

import galsim
import numpy as np
from numpy.random import Generator
from numpy.typing import NDArray
from scipy import fft

from encoder.simulation.truth import BANDS, SurveyParameters
from encoder.surveys.magnitudes import to_nanomaggies

PSF_HALF_PX = 24


@lru_cache(maxsize=256)
def psf_image(
    survey: SurveyParameters, step: int = 1, dx: float = 0.0, dy: float = 0.0
) -> NDArray[np.float32]:
    """The PSF with the width of a native pixel, (49, 49), sum 1.

    Args:
        survey: PSF and pixel scale.
        step: Sampled on pixels this many natives wide.
        dx: Offset of the centre from the middle pixel along the columns.
        dy: Offset of the centre from the middle pixel along the rows.
    """
    size, native = 2 * PSF_HALF_PX + 1, survey.pixel_scale_arcsec
    moffat = galsim.Moffat(beta=survey.psf_beta, fwhm=survey.psf_fwhm_arcsec)
    seen = galsim.Convolve(moffat, galsim.Pixel(native))
    stamp = seen.drawImage(nx=size, ny=size, scale=native * step, offset=(dx, dy), method="no_pixel")
    image: NDArray[np.float32] = (stamp.array / stamp.array.sum()).astype(np.float32)
    return image


def pixel_noise(survey: SurveyParameters) -> NDArray[np.float32]:
    """Sky noise of one native pixel in g, r, z, nanomaggies (1 sigma), (3,).

    A point source measured by matched filtering has sigma_flux = sigma_pixel / sqrt(sum PSF^2), and the
    depth is 5 sigma_flux.
    """
    psf = psf_image(survey)
    limit = to_nanomaggies(np.array(survey.depth_mag))
    noise: NDArray[np.float32] = (limit / 5 * np.sqrt((psf.astype(np.float64) ** 2).sum())).astype(np.float32)
    return noise


def convolve_psf(image: NDArray[np.float32], survey: SurveyParameters, step: int = 1) -> NDArray[np.float32]:
    """Blur every band with the PSF.

    Args:
        image: Image of every band, (bands, n, n), whose pixels are `step` native pixels wide.
        survey: Gives PSF and pixel scale.
        step: Pixel width in native pixels.
    """
    n = image.shape[-1]
    length = fft.next_fast_len(n + PSF_HALF_PX // 2, real=True)
    transfer = _psf_transfer(survey, step, length)
    blurred = fft.irfft2(fft.rfft2(image, (length, length)) * transfer, (length, length))
    result: NDArray[np.float32] = blurred[:, :n, :n].astype(np.float32, copy=False)
    return result


def add_noise(image: NDArray[np.float32], rng: Generator, survey: SurveyParameters, step: int = 1) -> None:
    """Add sky noise and the sources' own photon noise, in place.

    Args:
        image: Image of every band, (3, h, w), nanomaggies per native pixel area, whose pixels average step x
            step natives.
        rng: Source of all randomness.
        survey: The survey, which gives depth and gain.
        step: Pixel width in native pixels.
    """
    for band in range(len(BANDS)):
        variance = np.maximum(image[band], 0) * np.float32(1 / survey.electrons_per_nanomaggy[band])
        variance += pixel_noise(survey)[band] ** 2
        np.sqrt(variance, out=variance)
        variance /= np.float32(step)
        image[band] += variance * rng.standard_normal(image[band].shape, dtype=np.float32)


@lru_cache(maxsize=64)
def _psf_transfer(survey: SurveyParameters, step: int, length: int) -> NDArray[np.complex64]:
    psf = psf_image(survey, step)
    padded = np.zeros((length, length), np.float32)
    half = min(PSF_HALF_PX, (length - 1) // 2)
    core = slice(PSF_HALF_PX - half, PSF_HALF_PX + half + 1)
    padded[: 2 * half + 1, : 2 * half + 1] = psf[core, core]
    transfer: NDArray[np.complex64] = fft.rfft2(np.roll(padded, (-half, -half), (0, 1)))
    return transfer
