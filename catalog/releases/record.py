"""A release as it is registered: encoder weights and the projection that belongs to them."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray


@dataclass(frozen=True)
class ReleaseRecord:
    """Encoder weights and all that turns one more galaxy into a row the same way.

    Attributes:
        name: Human name, unique.
        weights_sha256: Hex digest of the weights file.
        backbone: timm name.
        recipe: Image recipe, JSON-ready.
        view_set: 1, or 8 for the symmetries of the square.
        projection_mean: (d,) mean of the full vectors.
        projection_components: (40, d).
        projection_deviations: (40,).
        projection_scale: Factor that puts two random galaxies about 1 apart.
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

    @property
    def dimension(self) -> int:
        """Width d of the full vectors."""
        return len(self.projection_mean)
