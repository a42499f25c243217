"""An image file of somebody's own as a search vector of the current release."""

from pathlib import Path

import numpy as np
import psycopg
from numpy.typing import NDArray

from catalog.release import current_release
from dagster_jobs.errors import JobError
from encoder.encoder import load_encoder
from encoder.pictures import read_picture


def search_vector_of(connection: psycopg.Connection, image: Path) -> NDArray[np.float32]:
    """Encode a picture with the shipped encoder.

    Returns:
        (40,) search vector.

    Raises:
        ImageError: The picture cannot be read.
        JobError: The catalogue serves other weights than those shipped: its vectors are not comparable.
    """
    encoder = load_encoder()
    current = current_release(connection)
    if current is None or current[1] != encoder.sha256:
        raise JobError(f"the catalogue was not made with {encoder.name}: an image cannot be compared with it")
    picture = read_picture(image, encoder.recipe.size, encoder.recipe.crop)
    vector: NDArray[np.float32] = encoder.projection.apply(encoder.encode(picture[None]).embedding)[0]
    return vector
