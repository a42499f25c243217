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


def to_magnitude(flux: float) -> float:
    """The AB magnitude of a flux in nanomaggies, above 0."""
    return NANOMAGGY_ZERO_POINT - 2.5 * math.log10(flux)
