"""What a search is asked to be like: galaxies as somebody names them, a list of them, or a picture."""

from dataclasses import dataclass
from io import BytesIO
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
import psycopg
from numpy.typing import NDArray

from catalog.releases.releases import current_release
from catalog.search.crossmatch import match
from catalog.search.positions import read_positions
from catalog.search.target import understand
from catalog.search.thumbnails import read_thumbnails
from galcat.errors import WorkflowError

if TYPE_CHECKING:
    from collections.abc import Callable

    from torch import Tensor

    from encoder.model.recipe import ImageRecipe

_FITS = (".fits", ".fit", ".fts", ".fits.gz", ".fits.fz")
_PICTURES = (".jpg", ".jpeg", ".png", *_FITS)
_SHOWN = 5
_BEGINS_NUMBER = frozenset("0123456789.")


@dataclass(frozen=True)
class SearchTarget:
    """What the galaxies that are searched for shall look like.

    Attributes:
        like: object_ids of galaxies, or a (40,) search vector.
        picture: The picture, JPEG or PNG, that the vector was made of; None where galaxies are named.
    """

    like: tuple[int, ...] | NDArray[np.float32]
    picture: bytes | None = None

    def pictures(self, connection: psycopg.Connection) -> list[tuple[bytes, str]]:
        """Encoded image and caption of the first few, for the head of a contact sheet."""
        if self.picture is not None:
            return [(self.picture, "your image")]
        shown = [int(identity) for identity in self.like[:_SHOWN]]
        own = read_thumbnails(connection, shown)
        return [(own[identity], f"{identity}\nasked for") for identity in shown]


def understand_words(
    connection: psycopg.Connection,
    words: list[str],
    radius_arcsec: float,
    weights: str,
    survey: str | None = None,
) -> SearchTarget:
    """Find out what the words on the command line mean.

    Args:
        connection: Open connection to the catalogue; only read from.
        words: OBJECT_ID; RA DEC; the path of an image; or a name, of one word or several.
        radius_arcsec: How near a galaxy must be to a position.
        weights: Weights file of the release, for an image; empty for those that ship.
        survey: Name of the survey, or path of its TOML file, that says what the bands of a FITS image are.

    Raises:
        CatalogError: No galaxy is there, or has that id or name.
        WorkflowError: The picture is not there, or cannot be encoded as the release was.
    """
    path = Path(words[0])
    is_one_word = len(words) == 1 and not words[0].isdecimal()
    if is_one_word and (path.is_file() or path.name.lower().endswith(_PICTURES)):
        if not path.is_file():
            raise WorkflowError(f"{path}: no such file")
        return encode_image(connection, path, weights, survey)
    options = [word for word in words if word.startswith("-") and word[1:2] not in _BEGINS_NUMBER]
    if options:
        raise WorkflowError(f"there is no option {options[0]}")
    return SearchTarget(understand(connection, " ".join(words), radius_arcsec))


def read_target_list(
    connection: psycopg.Connection, file: Path, ra: str | None, dec: str | None, radius_arcsec: float
) -> SearchTarget:
    """Read a list of positions, and find the galaxies at them.

    Raises:
        PositionsError: The list cannot be read.
        WorkflowError: None of its positions has a galaxy.
    """
    found = match(connection, read_positions(file, ra, dec), radius_arcsec, ())
    if not found.object_ids:
        raise WorkflowError(f'{file}: none of its positions has a galaxy within {radius_arcsec:g}"')
    return SearchTarget(found.object_ids)


def encode_image(
    connection: psycopg.Connection, image: Path, weights: str, survey: str | None
) -> SearchTarget:
    """Encode a picture as the current release would; the file is looked at before a network is loaded.

    Args:
        connection: Open connection; only read from.
        image: JPEG, PNG or FITS that spans the galaxy's whole field.
        weights: The release's weights file; empty to find it among those shipped.
        survey: Survey that says what the bands of a FITS picture are, as in `understand_words`.

    Raises:
        ImageError: The picture cannot be read.
        SurveyError: The survey is unknown, or does not say how one FITS file becomes a picture.
        WorkflowError: There is no release yet, or its weights are not those given or not among those
            shipped; or it is FITS, and no survey is named.
    """
    from encoder.model.recipe import ImageRecipe  # noqa: PLC0415 - only a picture needs torch
    from galcat.workflows.release_encoder import load_release_encoder  # noqa: PLC0415

    current = current_release(connection)
    if current is None:
        raise WorkflowError("the catalogue has no release yet: ingest a tile first")
    read = _reader(image, survey)
    read(ImageRecipe(size=16))
    encoder = load_release_encoder(current.name, current.weights_sha256, weights)
    picture = read(encoder.recipe)
    vector: NDArray[np.float32] = encoder.projection.apply(encoder.encode(picture[None]).embedding)[0]
    return SearchTarget(vector, _as_picture_file(image, picture))


def _reader(image: Path, survey: str | None) -> "Callable[[ImageRecipe], Tensor]":
    """What reads the image for a recipe, as (3, size, size) in 0..1."""
    from encoder.cutouts.fits_pictures import check_colours, is_fits, read_fits_cutout  # noqa: PLC0415
    from encoder.cutouts.pictures import read_picture  # noqa: PLC0415
    from encoder.surveys.survey_file import load_survey  # noqa: PLC0415

    if not is_fits(image):
        return lambda recipe: read_picture(image, recipe.size, recipe.crop)
    if survey is None:
        raise WorkflowError(
            f"{image}: name by --survey the survey, or its TOML file, that says what the bands of this FITS "
            "are, such as decals_fits"
        )
    described = load_survey(survey)
    check_colours(described)
    return lambda recipe: read_fits_cutout(image, described, recipe)


def _as_picture_file(image: Path, picture: "Tensor") -> bytes:
    """The file as it is, or FITS as a PNG of what the network sees."""
    if not image.name.lower().endswith(_FITS):
        return image.read_bytes()
    from PIL import Image  # noqa: PLC0415 - only for FITS

    file = BytesIO()
    pixels = (picture.numpy().transpose(1, 2, 0) * 255).round().astype(np.uint8)
    Image.fromarray(pixels).save(file, "PNG")
    return file.getvalue()
