"""A release as it is registered: encoder weights and the projection that belongs to them."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray


@dataclass(frozen=True)
class ReleaseRecord:
    """Encoder weights and all that turns one more galaxy into a row the same way.

    Attributes:
        name: Name for people; no other release has it.
        weights_sha256: Hexadecimal SHA-256 digest of the weights file.
        backbone: Name of the network as timm spells it.
        recipe: How a picture is made for the encoder, in values that JSON can hold.
        view_set: Views of a galaxy over which vectors are averaged: 1, or 8 for the symmetries of the square.
        projection_mean: (d,) mean of the full vectors.
        projection_components: (40, d) axes of the projection from full vectors to search vectors.
        projection_deviations: (40,) standard deviation of a sample along each axis of the search vector.
        projection_scale: Factor that puts two random galaxies about 1 apart.
        measured: How the vote fractions did on real galaxies: `sample`, a phrase, and `questions` with the
            figures of each; None where that was not measured.
        anomaly_reference: What strangeness is measured against, as the encoder wrote it; None without.
    """

    name: str
    weights_sha256: str
    backbone: str
    recipe: dict[str, object]
    view_set: int
    projection_mean: NDArray[np.float32]
    projection_components: NDArray[np.float32]
    projection_deviations: NDArray[np.float32]
    projection_scale: float
    anomaly_reference: bytes | None = None
    measured: dict[str, object] | None = None

    @property
    def dimension(self) -> int:
        """Width d of the full vectors."""
        return len(self.projection_mean)
