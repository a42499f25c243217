"""The ellipse that fits the rim of a region best, by direct least squares (Halir & Flusser 1998)."""

import math
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy import ndimage

_MIN_RIM_PIXELS = 5


@dataclass(frozen=True)
class Ellipse:
    """An ellipse on a pixel grid.

    Attributes:
        row: Row of the centre; pixel centres are whole numbers.
        column: Column of the centre.
        major: Length of the semi-major axis, pixels.
        minor: Length of the semi-minor axis, pixels.
        angle_deg: Angle of the major axis, from the columns' direction towards growing rows, 0..180.
    """

    row: float
    column: float
    major: float
    minor: float
    angle_deg: float


def fit_ellipse(region: NDArray[np.bool_]) -> Ellipse | None:
    """Fit the outermost pixels of a region without holes.

    Args:
        region: Whether each pixel belongs to the region, (h, w).

    Returns:
        None where no ellipse fits: fewer than 5 pixels, or all in a line.
    """
    rows, columns = np.nonzero(region & ~ndimage.binary_erosion(region))
    if len(rows) < _MIN_RIM_PIXELS:
        return None
    middle = rows.mean(), columns.mean()
    scale = max(np.ptp(rows), np.ptp(columns)) / 2
    y, x = (rows - middle[0]) / scale, (columns - middle[1]) / scale
    conic = _conic(x, y)
    ellipse = None if conic is None else _from_conic(conic)
    if ellipse is None:
        return None
    return Ellipse(
        row=float(middle[0] + scale * ellipse.row),
        column=float(middle[1] + scale * ellipse.column),
        major=float(scale * ellipse.major),
        minor=float(scale * ellipse.minor),
        angle_deg=ellipse.angle_deg,
    )


def draw_ellipse(ellipse: Ellipse, shape: tuple[int, ...]) -> NDArray[np.bool_]:
    """The pixels inside, (h, w); half a pixel farther out than the fit, which goes through the rim's centres.

    Args:
        ellipse: The ellipse to draw.
        shape: Height and width of the grid, pixels.
    """
    y, x = np.ogrid[: shape[0], : shape[1]]
    turn = math.radians(ellipse.angle_deg)
    along = (x - ellipse.column) * math.cos(turn) + (y - ellipse.row) * math.sin(turn)
    across = (y - ellipse.row) * math.cos(turn) - (x - ellipse.column) * math.sin(turn)
    inside: NDArray[np.bool_] = np.hypot(along / (ellipse.major + 0.5), across / (ellipse.minor + 0.5)) <= 1
    return inside


def _conic(x: NDArray[np.float64], y: NDArray[np.float64]) -> NDArray[np.float64] | None:
    """Coefficients of a x^2 + b x y + c y^2 + d x + e y + f = 0 by least squares; None if degenerate."""
    squares = np.stack([x * x, x * y, y * y], axis=1)
    lines = np.stack([x, y, np.ones_like(x)], axis=1)
    if np.linalg.matrix_rank(np.hstack([squares, lines])) < _MIN_RIM_PIXELS:
        return None
    linear = -np.linalg.solve(lines.T @ lines, lines.T @ squares)
    scatter = squares.T @ squares + squares.T @ lines @ linear
    reduced = np.stack([scatter[2] / 2, -scatter[1], scatter[0] / 2])
    vectors = np.real(np.linalg.eig(reduced)[1])
    elliptic = np.flatnonzero(4 * vectors[0] * vectors[2] - vectors[1] ** 2 > 0)
    if not len(elliptic):
        return None
    quadratic = vectors[:, elliptic[0]]
    return np.concatenate([quadratic, linear @ quadratic])


def _from_conic(conic: NDArray[np.float64]) -> Ellipse | None:
    a, b, c, d, e, f = (float(value) for value in conic)
    quadratic = np.array([[a, b / 2], [b / 2, c]])
    column, row = np.linalg.solve(quadratic, [-d / 2, -e / 2])
    size = -(f + (d * column + e * row) / 2)
    values, axes = np.linalg.eigh(quadratic * np.sign(size))
    if size == 0 or values[0] <= 0:
        return None
    major, minor = np.sqrt(abs(size) / values)
    angle = math.degrees(math.atan2(axes[1, 0], axes[0, 0])) % 180
    return Ellipse(float(row), float(column), float(major), float(minor), angle)
