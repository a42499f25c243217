"""Pictures to vectors and vote fractions in memory, as a notebook wants them."""

from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, NoReturn

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from encoder.cutouts.image_list import list_images
from encoder.cutouts.picture_batches import Seeing, see_opened
from encoder.cutouts.pictures import ColourPicture, to_colours
from encoder.errors import ImageError
from encoder.inference.embed import EmbeddedBatch, encode_batches
from encoder.inference.embed_images import BATCH_SIZE, picture_batches
from encoder.model.encoder import Encoder, load_encoder
from encoder.requested_frame import read_frame
from encoder.surveys.survey_file import load_survey

if TYPE_CHECKING:
    import pandas as pd

File = str | Path
Picture = Image.Image | NDArray[np.uint8]


@dataclass(frozen=True)
class Embedded:
    """What an encoder says of n pictures.

    Attributes:
        ids: Name of each of the n pictures: of a file its own without the ending, else the picture's number
            from 0.
        vectors: Vectors of full width, (n, d) float32.
        search: Searched vectors, which `Catalogue.search` compares by Euclidean distance, (n, 40) float32;
            two random galaxies are about 1 apart.
        fractions: Expected share of votes of each answer among those asked its question, (n, n_answers)
            float32.
        concentrations: Sum of the Dirichlet parameters of each question, (n, n_questions) float32.
        answers: Name of each answer, such as `smooth_or_featured_smooth`.
        questions: Name of each question, such as `smooth_or_featured`.
        encoder: Name of the encoder.
        framing_flags: What is doubtful about the frame of each picture, bits of `FramingFlag`, (n,) int16.
    """

    ids: tuple[str, ...]
    vectors: NDArray[np.float32]
    search: NDArray[np.float32]
    fractions: NDArray[np.float32]
    concentrations: NDArray[np.float32]
    answers: tuple[str, ...]
    questions: tuple[str, ...]
    encoder: str
    framing_flags: NDArray[np.int16]

    def __len__(self) -> int:
        return len(self.ids)

    def to_pandas(self) -> "pd.DataFrame":
        """The columns `id`, `framing_flag`, each answer's `*_fraction`, each question's `*_concentration`."""
        import pandas as pd  # noqa: PLC0415 - only here

        names = [f"{answer}_fraction" for answer in self.answers]
        names += [f"{question}_concentration" for question in self.questions]
        numbers = np.concatenate([self.fractions, self.concentrations], axis=1)
        table = pd.DataFrame(numbers, columns=names)
        table.insert(0, "id", self.ids)
        table.insert(1, "framing_flag", self.framing_flags)
        return table


def embed(
    images: File | Picture | Iterable[File] | Iterable[Picture],
    encoder: Encoder | None = None,
    *,
    survey: str = "decals_fits",
    batch_size: int = BATCH_SIZE,
    frame: str = "",
    pixel_scale: float | None = None,
) -> Embedded:
    """Turn pictures of galaxies into vectors and vote fractions, without a database.

    An encoder that finds frames takes pictures of any frame. For others every picture spans the galaxy's
    whole field, as the cutouts of Galaxy Zoo do; of an oblong one the central square is taken.

    Args:
        images: Files or folders (JPEG, PNG, FITS), one or several; or pictures that are open: Pillow's, or
            (height, width, 3) arrays of uint8 in red, green, blue, the first row at the top.
        encoder: The encoder; None for the one that ships.
        survey: Name of a survey, or a TOML file, that says what the bands of FITS files are.
        batch_size: Number of pictures that are encoded together.
        frame: The part of each picture that the encoder shall see: `whole`, a share of its width such as
            `0.6`, or an angle such as `24arcsec`; empty for the encoder's own way.
        pixel_scale: Width of the pictures' pixels, arcsec, where the frame is an angle.

    Raises:
        FrameError: The frame is not understood, or is an angle without a pixel scale.
        ImageError: A picture cannot be read, or none was given.
        SurveyError: There are FITS files, and the survey does not describe such with all bands.
    """
    given = _as_list(images)
    files = [one for one in given if isinstance(one, str | Path)]
    pictures = [one for one in given if not isinstance(one, str | Path)]
    if not given or (files and pictures):
        raise ImageError("give files, or pictures that are open" + (", not both" if given else ""))
    asked = read_frame(frame, pixel_scale)
    encoder = encoder or load_encoder()
    if files:
        listed = list_images([Path(file) for file in files])
        ids = tuple(image.id for image in listed)
        batches = picture_batches(listed, encoder, load_survey(survey), _refuse, batch_size, asked)
    else:
        ids = tuple(map(str, range(len(pictures))))
        if asked is not None:
            asked.require_scale()
        seeing = Seeing(encoder.recipe, encoder.device, asked=asked)
        opened = [ColourPicture(_open(picture, row)) for row, picture in enumerate(pictures)]
        batches = see_opened(opened, seeing, batch_size)
    return _join(ids, list(encode_batches(encoder, batches)), encoder)


def _as_list(images: File | Picture | Iterable[File] | Iterable[Picture]) -> list[File | Picture]:
    is_one = isinstance(images, str | Path | Image.Image)
    if is_one or (isinstance(images, np.ndarray) and images.ndim == 3):  # noqa: PLR2004 - height, width, colour
        return [images]  # type: ignore[list-item] # as just seen
    return list(images)  # type: ignore[arg-type] # as just seen


def _open(picture: Picture, row: int) -> Image.Image:
    if isinstance(picture, Image.Image):
        return to_colours(picture)
    if picture.ndim != 3 or picture.shape[2] != 3 or picture.dtype != np.uint8:  # noqa: PLR2004 - colours
        kind = f"{picture.dtype} of shape {picture.shape}"
        raise ImageError(f"picture {row}: {kind}, where uint8 of shape (height, width, 3) is wanted")
    return Image.fromarray(picture)


def _join(ids: tuple[str, ...], batches: list[EmbeddedBatch], encoder: Encoder) -> Embedded:
    alphas = np.concatenate([batch.concentrations_alpha for batch in batches])
    return Embedded(
        ids=ids,
        vectors=np.concatenate([batch.embedding for batch in batches]),
        search=np.concatenate([batch.search for batch in batches]),
        fractions=encoder.tree.fractions(alphas),
        concentrations=encoder.tree.concentrations(alphas),
        answers=tuple(encoder.tree.columns),
        questions=tuple(encoder.tree.question_columns),
        encoder=encoder.name,
        framing_flags=np.concatenate([batch.flags for batch in batches]),
    )


def _refuse(line: str) -> NoReturn:
    raise ImageError(line)
