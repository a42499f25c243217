"""What a search is asked to be like: galaxies as somebody names them, a list of them, or a picture."""

from dataclasses import dataclass
from pathlib import Path

import numpy as np
import psycopg
from numpy.typing import NDArray

from catalog.releases.releases import current_release
from catalog.search.crossmatch import match
from catalog.search.positions import read_positions
from catalog.search.target import understand
from catalog.search.thumbnails import read_thumbnails
from galcat.errors import JobError

_PICTURES = (".jpg", ".jpeg", ".png")
_SHOWN = 5
_BEGINS_NUMBER = frozenset("0123456789.")


@dataclass(frozen=True)
class SearchTarget:
    """What the galaxies that are searched for shall look like.

    Attributes:
        like: object_ids of galaxies, or a (40,) search vector.
        image: The picture that the vector was made of; None where galaxies are named.
    """

    like: tuple[int, ...] | NDArray[np.float32]
    image: Path | None = None

    def pictures(self, connection: psycopg.Connection) -> list[tuple[bytes, str]]:
        """Encoded image and caption of the first few, for the head of a contact sheet."""
        if self.image is not None:
            return [(self.image.read_bytes(), "your image")]
        shown = [int(identity) for identity in self.like[:_SHOWN]]
        own = read_thumbnails(connection, shown)
        return [(own[identity], f"{identity}\nasked for") for identity in shown]


def understand_words(
    connection: psycopg.Connection, words: list[str], radius_arcsec: float, weights: str
) -> SearchTarget:
    """Find out what the words on the command line mean.

    Args:
        connection: Open connection to the catalogue; only read from.
        words: OBJECT_ID; RA DEC; the path of an image; or a name, of one word or several.
        radius_arcsec: How near a galaxy must be to a position.
        weights: Weights file of the release, for an image; empty for those that ship.

    Raises:
        CatalogError: No galaxy is there, or has that id or name.
        JobError: The picture is not there, or cannot be encoded as the release was.
    """
    path = Path(words[0])
    is_one_word = len(words) == 1 and not words[0].isdecimal()
    if is_one_word and (path.is_file() or path.suffix.lower() in _PICTURES):
        if not path.is_file():
            raise JobError(f"{path}: no such file")
        return SearchTarget(encode_search_vector(connection, path, weights), path)
    options = [word for word in words if word.startswith("-") and word[1:2] not in _BEGINS_NUMBER]
    if options:
        raise JobError(f"there is no option {options[0]}")
    return SearchTarget(understand(connection, " ".join(words), radius_arcsec))


def read_target_list(
    connection: psycopg.Connection, file: Path, ra: str | None, dec: str | None, radius_arcsec: float
) -> SearchTarget:
    """Read a list of positions, and find the galaxies at them.

    Raises:
        PositionsError: The list cannot be read.
        JobError: None of its positions has a galaxy.
    """
    found = match(connection, read_positions(file, ra, dec), radius_arcsec, ())
    if not found.object_ids:
        raise JobError(f'{file}: none of its positions has a galaxy within {radius_arcsec:g}"')
    return SearchTarget(found.object_ids)


def encode_search_vector(connection: psycopg.Connection, image: Path, weights: str) -> NDArray[np.float32]:
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
    from encoder.cutouts.pictures import read_picture  # noqa: PLC0415 - only a picture needs torch
    from galcat.workflows.release_encoder import load_release_encoder  # noqa: PLC0415

    current = current_release(connection)
    if current is None:
        raise JobError("the catalogue has no release yet: ingest a tile first")
    encoder = load_release_encoder(current.name, current.weights_sha256, weights)
    picture = read_picture(image, encoder.recipe.size, encoder.recipe.crop)
    vector: NDArray[np.float32] = encoder.projection.apply(encoder.encode(picture[None]).embedding)[0]
    return vector
