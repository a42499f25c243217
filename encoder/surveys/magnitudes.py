"""AB magnitudes and fluxes in nanomaggies, the unit that every image is brought to."""

import math
from typing import Any, TypeVar

import numpy as np
from numpy.typing import NDArray

NANOMAGGY_ZERO_POINT = 22.5
"""AB magnitude of one nanomaggy."""
_Number = TypeVar("_Number", float, NDArray[np.floating[Any]])


def to_nanomaggies(magnitude: _Number) -> _Number:
    """The flux of an AB magnitude; of an image's zero point, what one unit of its pixels is.

    Args:
        magnitude: AB magnitudes, a number or an array of any shape.

    Returns:
        Nanomaggies, of the same shape.
    """
    return 10 ** ((NANOMAGGY_ZERO_POINT - magnitude) / 2.5)


def to_magnitude(flux: _Number, zero_point: float = NANOMAGGY_ZERO_POINT) -> _Number:
    """The AB magnitude of a flux.

    Args:
        flux: Fluxes in nanomaggies, or in the unit of another zero point: a number above 0, or an array of
            any shape.
        zero_point: AB magnitude of one unit of the flux.

    Returns:
        AB magnitudes, of the same shape; in an array NaN where the flux is not above 0.
    """
    if isinstance(flux, np.ndarray):
        logarithm = np.log10(flux, out=np.full(flux.shape, np.nan), where=flux > 0)
        magnitude: NDArray[np.floating[Any]] = zero_point - 2.5 * logarithm
        return magnitude
    return zero_point - 2.5 * math.log10(flux)
