"""The galaxies of a tile as columns, and those that were left out."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from encoder.surveys.description import ScaleRule

SkipReason = Literal["edge", "bad_pixels", "nan", "unreadable_image"]


@dataclass(frozen=True, eq=False)
class SourceTable:
    """The selected rows of a tile's catalogue, in the file's order. NaN says: not given.

    Attributes:
        source_id: The survey's own id of each source, each once.
        row: Row of each source in the file, (n,), from 0.
        ra: Right ascension of each source, (n,), degrees ICRS.
        dec: Declination of each source, (n,), degrees ICRS.
        petro_th50: Radius that holds 50 % of the Petrosian flux, (n,), arcsec.
        petro_th90: Radius that holds 90 % of the Petrosian flux, (n,), arcsec.
        shape_r: Half-light radius of a model fit, (n,), arcsec.
        mag: AB magnitude of each source, (n,), by band; NaN also where the flux is not above 0.
        pixel_scale_arcsec: Galaxy Zoo's pixel scale of the cutout, (n,), arcsec; NaN where no radius is
            given.
    """

    source_id: list[str]
    row: NDArray[np.int64]
    ra: NDArray[np.float64]
    dec: NDArray[np.float64]
    petro_th50: NDArray[np.float32]
    petro_th90: NDArray[np.float32]
    shape_r: NDArray[np.float32]
    mag: Mapping[str, NDArray[np.float32]]
    pixel_scale_arcsec: NDArray[np.float32]

    def __len__(self) -> int:
        return len(self.source_id)

    def take(self, positions: NDArray[np.int64]) -> "SourceTable":
        """Some of the sources, by their positions (n,), in that order."""
        return SourceTable(
            source_id=[self.source_id[position] for position in positions],
            row=self.row[positions],
            ra=self.ra[positions],
            dec=self.dec[positions],
            petro_th50=self.petro_th50[positions],
            petro_th90=self.petro_th90[positions],
            shape_r=self.shape_r[positions],
            mag={band: values[positions] for band, values in self.mag.items()},
            pixel_scale_arcsec=self.pixel_scale_arcsec[positions],
        )


@dataclass(frozen=True)
class SkippedRow:
    """A selected row that got no image, and why.

    Attributes:
        row: Row of the source in the file, from 0.
        source_id: The survey's own id of the source.
        reason: `edge`: the tile ends within the cutout. `bad_pixels`: too many flagged, zero or NaN pixels.
            `nan`: no usable position, size or image value. `unreadable_image`: the file cannot be decoded.
        detail: What was found, in one line for people.
        retry: Whether another run may do better, since the image file may have been mended.
    """

    row: int
    source_id: str
    reason: SkipReason
    detail: str
    retry: bool


def pixel_scales(
    petro_th50: NDArray[np.float32],
    petro_th90: NDArray[np.float32],
    shape_r: NDArray[np.float32],
    rule: ScaleRule,
) -> NDArray[np.float32]:
    """Galaxy Zoo's pixel scale: max(min(0.04 petro_th50, 0.02 petro_th90), 0.1) arcsec.

    Where a Petrosian radius is missing, max(0.04 shape_r, 0.1); where all are, NaN.

    Args:
        petro_th50: Radius that holds 50 % of the Petrosian flux, (n,), arcsec.
        petro_th90: Radius that holds 90 % of the Petrosian flux, (n,), arcsec.
        shape_r: Half-light radius of a model fit, (n,), arcsec.
        rule: The survey's factors; they are the published ones unless its file says otherwise.

    Returns:
        Pixel scale of each cutout, (n,), arcsec.
    """
    petrosian = np.minimum(petro_th50 * rule.petro_th50, petro_th90 * rule.petro_th90)
    wanted = np.where(np.isfinite(petrosian), petrosian, shape_r * rule.shape_r)
    scale: NDArray[np.float32] = np.maximum(wanted, rule.minimum_arcsec).astype(np.float32)  # NaN stays NaN
    return scale
