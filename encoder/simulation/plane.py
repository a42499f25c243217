"""One galaxy's own coordinates on a pixel grid: along and across its major axis, and in the disk's plane."""

import math
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from encoder.simulation.truth import Galaxy

Image = NDArray[np.float32]


@dataclass(frozen=True)
class Plane:
    """Coordinates of one galaxy, arcsec (azimuth in radians); images are (h, w).

    Attributes:
        major: Coordinate along the major axis on the sky.
        minor: Across it, on the sky.
        radius: Distance from the centre in the plane of the disk.
        azimuth: Angle about the centre in the plane of the disk, radians.
        scale: Exponential scale length of the disk.
        pixel: Pixel width, below which no part has structure.
        corner: Coordinates x and y of the first pixel.
        angle: Position angle of the major axis, radians.
        axis_ratio: Cosine of the inclination, not below 0.2.
    """

    major: Image
    minor: Image
    radius: Image
    azimuth: Image
    scale: float
    pixel: float
    corner: tuple[float, float]
    angle: float
    axis_ratio: float

    def splat(self, u: NDArray[np.float64], v: NDArray[np.float64], flux: NDArray[np.float64]) -> Image:
        """Put points of light on the nearest pixels.

        Args:
            u: Coordinates along the major axis in the plane of the disk, (n,), arcsec.
            v: Coordinates across the major axis in the plane of the disk, (n,), arcsec.
            flux: Flux of each point, (n,), in any unit.

        Returns:
            Image of the points, (h, w); one point in the middle if all of them fell outside.
        """
        height, width = self.major.shape
        minor = v * self.axis_ratio
        x = -math.sin(self.angle) * u + math.cos(self.angle) * minor
        y = math.cos(self.angle) * u + math.sin(self.angle) * minor
        column = np.rint((x - self.corner[0]) / self.pixel).astype(np.int64)
        row = np.rint((y - self.corner[1]) / self.pixel).astype(np.int64)
        inside = (column >= 0) & (column < width) & (row >= 0) & (row < height)
        flat = np.bincount(row[inside] * width + column[inside], flux[inside], height * width)
        image: Image = flat.reshape(height, width).astype(np.float32)
        if not inside.any():
            image[height // 2, width // 2] = 1.0
        return image


def plane_of(galaxy: Galaxy, x: Image, y: Image, pixel: float) -> Plane:
    """The galaxy's own coordinates.

    Args:
        galaxy: Gives position angle, inclination and size.
        x: Offset from its centre towards the west (growing with the column), arcsec, (h, w).
        y: Offset towards the north (growing with the row), arcsec, (h, w).
        pixel: Width of a pixel, arcsec.
    """
    angle, q = math.radians(galaxy.position_angle_deg), max(galaxy.axis_ratio, 0.2)
    sin, cos = np.float32(math.sin(angle)), np.float32(math.cos(angle))
    major, minor = cos * y - sin * x, cos * x + sin * y
    v = minor / np.float32(q)
    scale = galaxy.shape_r_arcsec / (1.68 * (1 - 0.35 * galaxy.bulge_fraction))
    corner = float(x[0, 0]), float(y[0, 0])
    return Plane(major, minor, np.hypot(major, v), np.arctan2(v, major), scale, pixel, corner, angle, q)
