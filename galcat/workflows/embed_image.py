"""An image file of somebody's own as a search vector of the current release."""

from pathlib import Path

import numpy as np
import psycopg
from numpy.typing import NDArray

from catalog.releases.releases import shown_release
from encoder.cutouts.pictures import read_picture
from galcat.errors import JobError
from galcat.workflows.release_encoder import release_encoder


def search_vector_of(connection: psycopg.Connection, image: Path, weights: str) -> NDArray[np.float32]:
    """Encode a picture as the current release would.

    Args:
        connection: Open connection; only read from.
        image: JPEG or PNG that spans the galaxy's whole field.
        weights: The release's weights file; empty to find it among those shipped.

    Returns:
        (40,) search vector.

    Raises:
        ImageError: The picture cannot be read.
        JobError: There is no release yet, or its weights are not those given or not among those shipped.
    """
    current = shown_release(connection)
    if current is None:
        raise JobError("the catalogue has no release yet: ingest a tile first")
    encoder = release_encoder(current.name, current.weights_sha256, weights)
    picture = read_picture(image, encoder.recipe.size, encoder.recipe.crop)
    vector: NDArray[np.float32] = encoder.projection.apply(encoder.encode(picture[None]).embedding)[0]
    return vector
