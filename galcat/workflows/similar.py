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
    from torch import Tensor

    from encoder.requested_frame import RequestedFrame
    from encoder.surveys.description import Survey

_FITS = (".fits", ".fit", ".fts", ".fits.gz", ".fits.fz")
_PICTURES = (".jpg", ".jpeg", ".png", *_FITS)
_SHOWN = 5
_BEGINS_NUMBER = frozenset("0123456789.")


@dataclass(frozen=True)
class SearchTarget:
    """What the galaxies that are searched for shall look like.

    Attributes:
        like: object_ids of galaxies, or a (40,) search vector.
        picture: What the network saw of the picture that the vector was made of, PNG; None where galaxies are
            named.
        doubt: What is doubtful about the part of the picture that the network saw; empty where nothing is.
        notes: What of a list's file was left out, a line each.
    """

    like: tuple[int, ...] | NDArray[np.float32]
    picture: bytes | None = None
    doubt: str = ""
    notes: tuple[str, ...] = ()

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
    frame: "RequestedFrame | None" = None,
) -> SearchTarget:
    """Find out what the words on the command line mean.

    Args:
        connection: Open connection to the catalogue; only read from.
        words: OBJECT_ID; RA DEC; the path of an image; or a name, of one word or several.
        radius_arcsec: How near a galaxy must be to a position.
        weights: Weights file of the release, for an image; empty to find it by its digest, kept or shipped.
        survey: Name of the survey, or path of its TOML file, that says what the bands of a FITS image are.
        frame: The part of an image that the network shall see; None for the release's own way.

    Raises:
        CatalogError: No galaxy is there, or has that id or name.
        WorkflowError: The picture is not there, or cannot be encoded as the release was.
    """
    path = Path(words[0])
    is_one_word = len(words) == 1 and not words[0].isdecimal()
    if is_one_word and (path.is_file() or path.name.lower().endswith(_PICTURES)):
        if not path.is_file():
            raise WorkflowError(f"{path}: no such file")
        return encode_image(connection, path, weights, survey, frame)
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
    return SearchTarget(found.object_ids, notes=found.notes)


def encode_image(
    connection: psycopg.Connection,
    image: Path,
    weights: str,
    survey: str | None,
    frame: "RequestedFrame | None" = None,
) -> SearchTarget:
    """Encode a picture as the current release would; the file is looked at before a network is loaded.

    Args:
        connection: Open connection; only read from.
        image: JPEG, PNG or FITS; of any frame where the release finds frames, else of the galaxy's whole
            field.
        weights: The release's weights file; empty to find it by its digest, kept or shipped.
        survey: Survey that says what the bands of a FITS picture are, as in `understand_words`.
        frame: The part of the picture that the network shall see; None for the release's own way.

    Raises:
        FrameError: The frame is an angle, and nobody says how large a pixel is.
        ImageError: The picture cannot be read.
        SurveyError: The survey is unknown, or does not say how one FITS file becomes a picture.
        WorkflowError: There is no release yet, or its weights are not those given or are found nowhere; or
            it is FITS, and no survey is named.
    """
    from encoder.cutouts.framing_flags import count_flags, describe_flags  # noqa: PLC0415
    from encoder.cutouts.picture_batches import Seeing, open_image, see_opened  # noqa: PLC0415 - needs torch
    from galcat.workflows.releases.release_encoder import load_release_encoder  # noqa: PLC0415

    current = current_release(connection)
    if current is None:
        raise WorkflowError("the catalogue has no release yet: ingest a tile first")
    picture = open_image(image, _colours(image, survey))
    encoder = load_release_encoder(current.name, current.weights_sha256, weights)
    (seen,) = see_opened([picture], Seeing(encoder.recipe, encoder.device, asked=frame))
    vector: NDArray[np.float32] = encoder.projection.apply(encoder.encode(seen.rgb).embedding)[0]
    return SearchTarget(vector, _png(seen.rgb[0]), describe_flags(count_flags(seen.flags)))


def _colours(image: Path, survey: str | None) -> "Survey | None":
    """What says the colours of a FITS image; other images have them."""
    from encoder.cutouts.fits_pictures import check_colours, is_fits  # noqa: PLC0415 - only for pictures
    from encoder.surveys.survey_file import load_survey  # noqa: PLC0415

    if not is_fits(image):
        return None
    if survey is None:
        raise WorkflowError(
            f"{image}: name by --survey the survey, or its TOML file, that says what the bands of this FITS "
            "are, such as decals_fits"
        )
    described = load_survey(survey)
    check_colours(described)
    return described


def _png(picture: "Tensor") -> bytes:
    """A picture (3, size, size) in 0..1 as a file."""
    from PIL import Image  # noqa: PLC0415 - only for pictures

    file = BytesIO()
    pixels = (picture.cpu().numpy().transpose(1, 2, 0) * 255).round().astype(np.uint8)
    Image.fromarray(pixels).save(file, "PNG")
    return file.getvalue()
